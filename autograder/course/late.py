"""When a hand-in is late, and what that costs: the policy's keys in grading.yml, and its arithmetic.

Used by the models of the course, by the record, which keeps a run's policy, and by `record.standing`, which applies
it. All times are aware; a time without an offset is one of the course's zone.

Rules. Exactly at the due time is on time, and so is anything within the grace. What comes later counts from the due
time itself. An extension moves the due time before anything else is looked at. A day late is a day of the calendar: it
ends at the due time of the next day, also where the clocks change in between; an hour is 3600 seconds. So are the days
and weeks of a grace, an extension or a cut-off, and their hours and minutes go by the clock: "36 hours" are 36 hours.
Where the clocks show a time twice, or skip it, what is in the student's favour counts. Started days and hours count
whole, as Canvas counts them (instructure/canvas-lms, app/models/late_policy.rb).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from autograder.course.strict import Strict, fault

DAY = timedelta(days=1)
UNITS = {"s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
DAYS = {"day": 1, "week": 7}
PART = re.compile(r"(\d+(?:\.\d+)?) ?([a-z]+?)s?(?: |$)")
LONGEST = timedelta(days=3660)  # beyond ten years it is a slip of the keyboard
MOMENT = re.compile(r"(\d{4})-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|[+-]\d\d:?\d\d))?")
YEARS = range(1990, 2200)
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Span:
    """A length of time: days of the calendar, then time by the clock."""

    days: int = 0
    clock: timedelta = timedelta(0)

    @property
    def length(self) -> timedelta:
        """How long it is where no clock changes."""
        return self.days * DAY + self.clock


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # what zoneinfo raises for unknown, malformed and unreadable names
        raise fault(f'there is no time zone "{name}"; write one such as "Europe/Berlin" or "UTC"') from None
    return name


def _span(value: Any) -> Any:
    if isinstance(value, Span):
        return value
    if isinstance(value, timedelta):
        return Span(0, value)
    text = value.strip().lower() if isinstance(value, str) else ""
    parts, end = [], 0
    while end < len(text) and (found := PART.match(text, end)) and found[2] in {**UNITS, **DAYS}:
        parts.append((float(found[1]), found[2]))
        end = found.end()
    if not parts or end < len(text):
        raise fault(f'expected a time such as "15 min", "2 hours" or "3 days", {_found(value)}')
    try:
        days = timedelta(days=sum(count * DAYS[unit] for count, unit in parts if unit in DAYS))
        clock = timedelta(seconds=sum(count * UNITS[unit] for count, unit in parts if unit in UNITS))
        too_long = days + clock > LONGEST
    except OverflowError:
        too_long = True
    if too_long:
        raise fault(f'"{value}" is too long a time; the most is ten years')
    return Span(days.days, days - days.days * DAY + clock)


def _found(value: Any) -> str:
    return "found nothing" if value is None else f'found "{value}"'


def _moment(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    found = MOMENT.fullmatch(str(value).strip())
    try:
        if found is None or int(found[1]) not in YEARS:
            raise ValueError(value)
        return datetime.fromisoformat(found[0].replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
    except ValueError:
        raise fault(f'expected a date and time such as "2026-11-20 23:59", {_found(value)}') from None


Zone = Annotated[str, AfterValidator(_zone)]
Duration = Annotated[
    Span,
    BeforeValidator(_span),
    PlainSerializer(lambda span: f"{span.days} days {span.clock.total_seconds():.6f} s"),
]
Moment = Annotated[datetime, BeforeValidator(_moment), PlainSerializer(lambda moment: moment.isoformat())]


def zone_of(name: str) -> ZoneInfo:
    """The zone of a checked name."""
    return ZoneInfo(name)


def aware(moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment in the course's zone; one without an offset is taken to be said there, and for the first of two."""
    # By way of UTC, for within one zone Python would leave a time as it is that the clocks skip.
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(UTC).astimezone(zone)


def unclear(moment: datetime, zone: ZoneInfo) -> str:
    """Why no clock of that zone shows this time, or shows it twice; "" where it is one moment."""
    if moment.tzinfo is not None:
        return ""
    if aware(moment, zone).replace(tzinfo=None, fold=0) != moment.replace(fold=0):
        return f"the clocks of {zone.key} skip {moment:%Y-%m-%d %H:%M}; choose another time"
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        return f"the clocks of {zone.key} show {moment:%Y-%m-%d %H:%M} twice; write it with its offset: {first:%z}"
    return ""


class Extension(Strict):
    """What one student was granted."""

    due: Moment | None = Field(default=None, description="the due time that counts for this student")
    extra: Duration | None = Field(default=None, description="how much longer this student has")
    excused: bool = Field(default=False, description="true: no grade is expected of this student")
    handed_in: Moment | None = Field(default=None, description="when the work came, where the LMS is silent or wrong")
    why: str = Field(default="", max_length=2000, description="the reason, for the record")

    @model_validator(mode="after")
    def _one_way(self) -> Extension:
        if self.due is not None and self.extra is not None:
            raise fault('give "due" or "extra", not both', "extra")
        return self


class LatePolicy(Strict):
    """When an assignment is due, and what a late hand-in loses."""

    due: Moment = Field(description='due date and time, such as "2026-11-20 23:59"; without an offset in `timezone`')
    grace: Duration = Field(default=Span(), description="later than due, and still on time")
    percent: float | None = Field(default=None, gt=0, le=100, description="percent lost for each started day or hour")
    points: float | None = Field(default=None, gt=0, le=100_000, description="points lost for each started day or hour")
    per: Literal["day", "hour"] = Field(default="day", description="what is counted")
    of: Literal["possible", "score"] = Field(default="possible", description="what the percent are of")
    cap: float | None = Field(default=None, gt=0, le=100_000, description="the most that is lost, in percent or points")
    floor: float = Field(
        default=0, ge=0, le=100, description="percent of the possible points below which no penalty pushes a score"
    )
    cutoff: Duration | None = Field(default=None, description="this long after due nothing counts any more")
    deducted_by: Literal["autograder", "lms"] = Field(
        default="autograder", description="lms: the LMS takes it off by itself, so raw scores are exported"
    )

    @model_validator(mode="after")
    def _one_measure(self) -> LatePolicy:
        if self.percent is not None and self.points is not None:
            raise fault('give "percent" or "points", not both', "points")
        if self.cap is not None and self.percent is None and self.points is None:
            raise fault('"cap" needs "percent" or "points"', "cap")
        if self.percent is not None and (self.cap or 0) > 100:
            raise fault(f"expected at most 100 percent, found {self.cap:g}", "cap")
        if self.cutoff is not None and self.cutoff.length < self.grace.length:
            raise fault('"cutoff" is shorter than "grace"', "cutoff")
        return self

    def due_for(self, extension: Extension | None, zone: ZoneInfo) -> datetime:
        """The due time that counts, in the course's zone."""
        due = aware(self.due, zone)
        if extension is None:
            return due
        if extension.due is not None:
            return aware(extension.due, zone)
        return later(due, extension.extra, zone) if extension.extra is not None else due


@dataclass(frozen=True)
class Lateness:
    """How late one hand-in is. All counts are 0 for what is on time, also within the grace."""

    due: datetime
    seconds: int
    days: int  # started days
    periods: int  # started days or hours, as the policy counts
    cut_off: bool
    came: datetime
    since: int = 0  # seconds since the last whole day (of the calendar) was over

    @property
    def words(self) -> str:
        """ "1 day 2 h"; days are the calendar's, so that they agree with those that are counted."""
        whole = self.days - 1 if self.since else self.days
        return span_in_words(whole * 86400 + self.since)


def later(moment: datetime, span: Span, zone: ZoneInfo) -> datetime:
    """`span` later: days by the calendar of the zone, the rest by the clock. Of two such times it is the second."""
    start = aware(moment, zone)
    if span.days:
        # Within one zone Python moves the clock's hands, not time. Fold is 0 or 1 for the two readings of what they
        # then show; the later one is the second of two, or as long after a gap as the hands stand in it.
        hands = start + span.days * DAY
        start = max(hands.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return (start.astimezone(UTC) + span.clock).astimezone(zone)


def lateness(policy: LatePolicy, extension: Extension | None, handed_in: datetime, zone: ZoneInfo) -> Lateness:
    """How late a hand-in is, to the second; fractions of a second are cut off."""
    due = policy.due_for(extension, zone)
    came = aware(handed_in, zone).replace(microsecond=0)
    # Subtracted in UTC: within one zone Python would compare what the clocks show.
    late = _whole_seconds(due, came)
    if late <= 0 or _whole_seconds(later(due, policy.grace, zone), came) <= 0:
        return Lateness(due, 0, 0, 0, False, came)
    days = max(1, late // 86400)  # never too many, for no clock is set back by a whole day
    while _whole_seconds(later(due, Span(days), zone), came) > 0:
        days += 1
    over = _whole_seconds(later(due, Span(days), zone), came) == 0
    since = 0 if over else _whole_seconds(later(due, Span(days - 1), zone), came)
    periods = days if policy.per == "day" else -(-late // 3600)
    cut_off = policy.cutoff is not None and _whole_seconds(later(due, policy.cutoff, zone), came) > 0
    return Lateness(due, late, days, periods, cut_off, came, since)


def _whole_seconds(start: datetime, end: datetime) -> int:
    """Seconds from one to the other, started ones whole."""
    return -((start.astimezone(UTC) - end.astimezone(UTC)) // timedelta(seconds=1))


def penalised(policy: LatePolicy, late: Lateness, score: float, possible: float) -> float:
    """The score that is left of `score`, rounded half up to two decimals; `score` itself where the LMS deducts."""
    if policy.deducted_by == "lms" or not late.seconds:
        return score
    if late.cut_off:
        return 0.0
    raw, most = Decimal(str(score)), Decimal(str(possible))
    base = most if policy.of == "possible" else raw
    off = Decimal(0)
    if policy.percent is not None:
        share = Decimal(str(policy.percent)) * late.periods
        off = base * min(share, Decimal(str(policy.cap or 100))) / 100
    elif policy.points is not None:
        off = Decimal(str(policy.points)) * late.periods
        off = min(off, Decimal(str(policy.cap))) if policy.cap is not None else off
    lowest = min(raw, most * Decimal(str(policy.floor)) / 100)
    return float(max(raw - off, lowest).quantize(CENT, ROUND_HALF_UP)) + 0.0


def span_in_words(seconds: int) -> str:
    """90061 -> "1 day 1 h"; the two largest units."""
    parts = []
    for size, word in ((86400, "day"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {word}{'s' if word == 'day' and count > 1 else ''}")
    return " ".join(parts[:2]) or "0 s"


__all__ = [
    "Duration",
    "Extension",
    "LatePolicy",
    "Lateness",
    "Moment",
    "Span",
    "Zone",
    "aware",
    "lateness",
    "later",
    "penalised",
    "span_in_words",
    "unclear",
    "zone_of",
]  # fmt: skip
