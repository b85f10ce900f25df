"""When a hand-in is late, and what that costs: the policy's keys in grading.yml, and its arithmetic.

Used by the models of the course, by the record, which keeps a run's policy, and by `gradebook.standing`, which applies
it. All times are aware; a time without an offset is one of the course's zone.

Rules. Exactly at the due time is on time, and so is anything within the grace. What comes later counts from the due
time itself. An extension moves the due time before anything else is looked at. A day late is a day of the calendar: it
ends at the due time of the next day, also where the clocks change in between; an hour is 3600 seconds. Started days and
hours count whole, as Canvas counts them (instructure/canvas-lms, app/models/late_policy.rb).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from autograder.course.strict import Strict, Text, fault

DAY = timedelta(days=1)
UNITS = {"s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "day": 86400, "week": 604800}
DURATION = re.compile(r"(\d+(?:\.\d+)?) ?([a-z]+?)s?")
CENT = Decimal("0.01")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # what zoneinfo raises for unknown, malformed and unreadable names
        raise fault(f'there is no time zone "{name}"; write one such as "Europe/Berlin" or "UTC"') from None
    return name


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    found = DURATION.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if found is None or found[2] not in UNITS:
        raise fault(f'expected a time such as "15 min", "2 hours" or "3 days", found "{value}"')
    try:
        return timedelta(seconds=float(found[1]) * UNITS[found[2]])
    except OverflowError:
        raise fault(f'"{value}" is too long a time') from None


def _moment(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise fault(f'expected a date and time such as "2026-11-20 23:59", found "{value}"') from None


Zone = Annotated[str, AfterValidator(_zone)]
Duration = Annotated[
    timedelta, BeforeValidator(_duration), PlainSerializer(lambda span: f"{span.total_seconds():.6f} s")
]
Moment = Annotated[datetime, BeforeValidator(_moment), PlainSerializer(lambda moment: moment.isoformat())]


def zone_of(name: str) -> ZoneInfo:
    """The zone of a checked name."""
    return ZoneInfo(name)


def aware(moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment in the course's zone; one without an offset is taken to be said there."""
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(zone)


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
    grace: Duration = Field(default=timedelta(0), description="later than due, and still on time")
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
        if self.cutoff is not None and self.cutoff < self.grace:
            raise fault('"cutoff" is shorter than "grace"', "cutoff")
        return self

    def impossible(self, zone: ZoneInfo) -> str:
        """Why no clock of that zone ever shows the due time; "" if one does."""
        shown = aware(self.due, zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
        if self.due.tzinfo is None and shown != self.due:
            return f"the clocks of {zone.key} skip {self.due:%Y-%m-%d %H:%M}; choose another time"
        return ""

    def due_for(self, extension: Extension | None, zone: ZoneInfo) -> datetime:
        """The due time that counts, in the course's zone."""
        due = aware(self.due, zone)
        if extension is None:
            return due
        if extension.due is not None:
            return aware(extension.due, zone)
        return later(due, extension.extra, zone) if extension.extra else due


@dataclass(frozen=True)
class Lateness:
    """How late one hand-in is. `seconds` and `periods` are 0 for what is on time, also within the grace."""

    due: datetime
    seconds: int
    days: int  # started days
    periods: int  # started days or hours, as the policy counts
    cut_off: bool


def later(moment: datetime, span: timedelta, zone: ZoneInfo) -> datetime:
    """`span` later: whole days by the calendar of the zone, the rest by the clock."""
    days, rest = divmod(span, DAY)
    same_time = aware(moment, zone) + days * DAY  # within one zone Python moves the clock's hands, not time
    return (same_time.astimezone(UTC) + rest).astimezone(zone)


def lateness(policy: LatePolicy, extension: Extension | None, handed_in: datetime, zone: ZoneInfo) -> Lateness:
    """How late a hand-in is, to the second; fractions of a second are cut off."""
    due = policy.due_for(extension, zone)
    came = aware(handed_in, zone).astimezone(UTC).replace(microsecond=0)
    if came <= due.astimezone(UTC) + policy.grace:
        return Lateness(due, 0, 0, 0, False)
    seconds = math.ceil((came - due.astimezone(UTC)).total_seconds())
    days = max(1, seconds // 86400 - 1)
    while later(due, days * DAY, zone) < came:
        days += 1
    periods = days if policy.per == "day" else math.ceil(seconds / 3600)
    cut_off = policy.cutoff is not None and came > later(due, policy.cutoff, zone)
    return Lateness(due, seconds, days, periods, cut_off)


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
    "Duration", "Extension", "LatePolicy", "Lateness", "Moment", "Text", "Zone", "aware", "lateness", "penalised",
    "span_in_words", "zone_of",
]  # fmt: skip
