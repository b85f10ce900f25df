"""Lateness is right to the second, also where clocks change, and a penalty is never more than the policy says.

Held against a reckoning of its own: seconds since 1970 and exact fractions, boundaries of days found by looking at what
the clocks show, and no code of the program's.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import count, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.course.late import (
    Extension,
    Lateness,
    LatePolicy,
    Span,
    aware,
    lateness,
    later,
    penalised,
    span_in_words,
)

BERLIN, AUCKLAND, SANTIAGO, LORD_HOWE = map(
    ZoneInfo, ("Europe/Berlin", "Pacific/Auckland", "America/Santiago", "Australia/Lord_Howe")
)
HOUR = 3600


def policy(due: str = "2026-11-20 23:59", **keys: Any) -> LatePolicy:
    return LatePolicy.model_validate({"due": due, **keys})


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def late(came: str, rules: LatePolicy | None = None, zone: ZoneInfo = BERLIN, **granted: Any) -> Lateness:
    extension = Extension.model_validate(granted) if granted else None
    return lateness(rules or policy(percent=10.0), extension, moment(came), zone)


def left(came: str, score: float = 16.0, zone: ZoneInfo = BERLIN, due: str = "2026-11-20 23:59", **keys: Any) -> float:
    """What is left of a score out of 20."""
    rules = policy(due, **keys)
    return penalised(rules, late(came, rules, zone), score, 20.0)


# An own reckoning


def shows(stamp: int, zone: ZoneInfo) -> datetime:
    """What the clocks show at that second."""
    return datetime.fromtimestamp(stamp, zone).replace(tzinfo=None, fold=0)


def stamps(wall: datetime, zone: ZoneInfo) -> list[int]:
    """The seconds at which the clocks show that; none in a gap, two where an hour comes twice."""
    middle = int(wall.replace(tzinfo=UTC).timestamp())
    usual = int(datetime.fromtimestamp(middle, zone).utcoffset().total_seconds())  # type: ignore[union-attr]
    near = middle - usual  # off by no more than clocks change
    return [stamp for stamp in range(near - 2 * HOUR, near + 2 * HOUR + 1, 900) if shows(stamp, zone) == wall]


def boundary(due: datetime, days: int, zone: ZoneInfo) -> int:
    """The last second of that many days after a due time (on a quarter of an hour)."""
    wall = due + timedelta(days=days)
    if found := stamps(wall, zone):
        return found[-1]
    middle = int(wall.replace(tzinfo=UTC).timestamp())
    quarters = range(middle - 30 * HOUR, middle + 30 * HOUR, 900)
    before, after = next((one, two) for one, two in pairwise(quarters) if shows(one, zone) < wall < shows(two, zone))
    gap_begins = shows(before, zone) + timedelta(seconds=900)
    return after + int((wall - gap_begins).total_seconds())


def reckoned(due: datetime, came: int, zone: ZoneInfo) -> tuple[int, int]:
    """(seconds, started days) late."""
    if came <= boundary(due, 0, zone):
        return 0, 0
    return came - boundary(due, 0, zone), next(days for days in count(1) if came <= boundary(due, days, zone))


# Days around the nights on which clocks change, both ways, north and south; Lord Howe moves half an hour, Santiago at
# midnight. Times of day are quarters of an hour.
NIGHTS = {
    BERLIN: ("2026-03-29", "2026-10-25"),
    AUCKLAND: ("2026-04-05", "2026-09-27"),
    SANTIAGO: ("2026-04-05", "2026-09-06"),
    LORD_HOWE: ("2026-04-05", "2026-10-04"),
}
places = st.sampled_from([(zone, night) for zone, nights in NIGHTS.items() for night in nights])


@settings(max_examples=120, deadline=None, derandomize=True, database=None)
@given(places, st.integers(-4, 1), st.integers(0, 95), st.integers(-2 * HOUR, 6 * 24 * HOUR) | st.integers(-2, 2))
def test_seconds_and_days_agree_with_what_the_clocks_show(
    place: tuple[ZoneInfo, str], day: int, quarter: int, after: int
) -> None:
    zone, night = place
    due = moment(night) + timedelta(days=day, minutes=15 * quarter)
    if len(stamps(due, zone)) != 1:
        return  # no such due time is taken
    came = boundary(due, 0, zone) + after
    found = lateness(policy(str(due)), None, datetime.fromtimestamp(came, UTC), zone)
    assert (found.seconds, found.days) == reckoned(due, came, zone)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(places, st.integers(0, 95), st.integers(1, 4), st.integers(-1, 1))
def test_a_day_ends_to_the_second_when_the_clocks_show_the_due_time_again(
    place: tuple[ZoneInfo, str], quarter: int, days: int, slip: int
) -> None:
    zone, night = place
    due = moment(night) + timedelta(days=-2, minutes=15 * quarter)
    came = datetime.fromtimestamp(boundary(due, days, zone) + slip, UTC)
    assert lateness(policy(str(due)), None, came, zone).days == days + (slip > 0)


def exact(rules: LatePolicy, found: Lateness, score: Fraction, possible: Fraction) -> Fraction:
    """What is left, in exact numbers, rounded half up to cents at the end."""
    if not found.seconds:
        return score
    if found.cut_off:
        return Fraction(0)
    periods = found.days if rules.per == "day" else next(n for n in count() if n * HOUR >= found.seconds)
    if rules.points is not None:
        lost = Fraction(str(rules.points)) * periods
        lost = lost if rules.cap is None else min(lost, Fraction(str(rules.cap)))
    else:
        share = min(Fraction(str(rules.percent or 0)) * periods, Fraction(str(rules.cap or 100)))
        lost = (possible if rules.of == "possible" else score) * share / 100
    lowest = possible * Fraction(str(rules.floor)) / 100
    rest = score if score <= lowest else max(score - lost, lowest)
    return Fraction((rest * 100 + Fraction(1, 2)).__floor__(), 100)


cents = st.integers(0, 2000).map(lambda value: value / 100)
shares = st.sampled_from([1.0, 2.5, 10.0, 33.33, 50.0, 100.0])


@st.composite
def policies(draw: st.DrawFn) -> LatePolicy:
    keys: dict[str, Any] = {"per": draw(st.sampled_from(["day", "hour"]))}
    measure = draw(st.sampled_from(["percent", "points", None]))
    if measure:
        keys |= {measure: draw(shares), "cap": draw(st.none() | shares)}
    keys |= {"of": draw(st.sampled_from(["possible", "score"])), "floor": draw(st.sampled_from([0, 30.0, 100.0]))}
    keys |= {"grace": draw(st.sampled_from(["0 min", "15 min"])), "cutoff": draw(st.none() | st.just("3 days"))}
    return policy(**{key: value for key, value in keys.items() if value is not None})


def after_due(rules: LatePolicy, seconds: int) -> Lateness:
    return lateness(rules, None, aware(rules.due, BERLIN).astimezone(UTC) + timedelta(seconds=seconds), BERLIN)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(policies(), st.integers(-100, 400_000), cents)
def test_what_is_left_agrees_with_exact_numbers(rules: LatePolicy, seconds: int, score: float) -> None:
    found = after_due(rules, seconds)
    rest = penalised(rules, found, score, 20.0)
    assert Fraction(str(rest)) == exact(rules, found, Fraction(str(score)), Fraction(20))


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(policies(), st.lists(st.integers(-HOUR, 400_000), min_size=2, max_size=2).map(sorted), cents)
def test_no_penalty_is_negative_or_more_than_the_score_and_later_is_never_better(
    rules: LatePolicy, times: list[int], score: float
) -> None:
    sooner, later_on = (penalised(rules, after_due(rules, seconds), score, 20.0) for seconds in times)
    assert 0 <= later_on <= sooner <= score


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(policies(), st.integers(-10_000_000, 0), cents)
def test_who_is_on_time_loses_nothing(rules: LatePolicy, seconds: int, score: float) -> None:
    found = after_due(rules, seconds)
    assert (found.seconds, found.days, found.periods, found.cut_off) == (0, 0, 0, False)
    assert penalised(rules, found, score, 20.0) == score


# When


@pytest.mark.parametrize(
    ("came", "seconds", "days"),
    [
        ("2026-11-20 23:58:59", 0, 0),
        ("2026-11-20 23:59:00", 0, 0),  # exactly at the due time
        ("2026-11-20 23:59:00.999999", 0, 0),  # fractions of a second are cut off
        ("2026-11-20 23:59:01", 1, 1),
        ("2026-11-21 23:59:00", 86400, 1),
        ("2026-11-21 23:59:01", 86401, 2),
        ("2026-11-20 22:59:00+00:00", 0, 0),  # the same moment, said elsewhere
        ("2026-11-20T22:59:01Z", 1, 1),
    ],
)
def test_exactly_at_the_due_time_is_on_time_and_a_second_later_is_not(came: str, seconds: int, days: int) -> None:
    assert (late(came).seconds, late(came).days) == (seconds, days)


@pytest.mark.parametrize(("came", "seconds"), [("2026-11-21 00:14:00", 0), ("2026-11-21 00:14:01", 901)])
def test_after_the_grace_it_counts_from_the_due_time(came: str, seconds: int) -> None:
    assert late(came, policy(grace="15 min")).seconds == seconds


@pytest.mark.parametrize(
    ("zone", "due", "came", "seconds", "days"),
    [
        # Berlin loses an hour in the night to 29 March and gains one in the night to 25 October
        (BERLIN, "2026-03-28 12:00", "2026-03-29 12:00", 23 * HOUR, 1),
        (BERLIN, "2026-03-28 12:00", "2026-03-29 12:00:01", 23 * HOUR + 1, 2),
        (BERLIN, "2026-10-24 12:00", "2026-10-25 12:00", 25 * HOUR, 1),
        (BERLIN, "2026-10-24 12:00", "2026-10-25 12:00:01", 25 * HOUR + 1, 2),
        (BERLIN, "2026-03-28 02:30", "2026-03-29 03:30", 24 * HOUR, 1),  # the clocks skip 02:30
        (BERLIN, "2026-10-24 02:30", "2026-10-25 02:30+01:00", 25 * HOUR, 1),  # and show it twice: the second counts
        # in Auckland it is the other way round: summer time ends in April and begins in September
        (AUCKLAND, "2026-04-04 12:00", "2026-04-05 12:00", 25 * HOUR, 1),
        (AUCKLAND, "2026-09-26 12:00", "2026-09-27 12:00", 23 * HOUR, 1),
        (AUCKLAND, "2026-09-26 12:00", "2026-09-27 12:00:01", 23 * HOUR + 1, 2),
    ],
)
def test_a_day_is_the_calendars_where_the_clocks_change(
    zone: ZoneInfo, due: str, came: str, seconds: int, days: int
) -> None:
    found = late(came, policy(due), zone)
    assert (found.seconds, found.days) == (seconds, days)


def test_an_hour_is_60_minutes_where_the_clocks_change() -> None:
    assert late("2026-03-29 03:30", policy("2026-03-29 01:30", per="hour", points=1.0)).periods == 1
    assert late("2026-10-25 03:30", policy("2026-10-25 01:30", per="hour", points=1.0)).periods == 3


def test_of_a_time_that_the_clocks_show_twice_the_first_is_believed() -> None:
    assert late("2026-10-25 02:30", policy("2026-10-25 01:30")).seconds == HOUR
    assert late("2026-10-25 02:30+01:00", policy("2026-10-25 01:30")).seconds == 2 * HOUR


@pytest.mark.parametrize(
    ("extra", "ends"),
    [
        ("1 day", "2026-03-29T12:00:00+02:00"),
        ("24 hours", "2026-03-29T13:00:00+02:00"),
        ("36 hours", "2026-03-30T01:00:00+02:00"),
        ("1.5 days", "2026-03-30T00:00:00+02:00"),
        ("1 day 12 hours", "2026-03-30T00:00:00+02:00"),
        ("1 week", "2026-04-04T12:00:00+02:00"),
        ("90 min", "2026-03-28T13:30:00+01:00"),
    ],
)
def test_days_go_by_the_calendar_and_hours_by_the_clock(extra: str, ends: str) -> None:
    due = policy("2026-03-28 12:00").due_for(Extension.model_validate({"extra": extra}), BERLIN)
    assert due.isoformat() == ends


def test_an_extension_moves_the_due_time_before_anything_is_taken_off() -> None:
    assert late("2026-11-22 23:59", extra="2 days").seconds == 0
    assert late("2026-11-23 00:00", extra="2 days").seconds == 60
    assert late("2026-12-01 10:00", due="2026-12-01 10:00").seconds == 0
    assert late("2026-12-01 10:00:01", due="2026-12-01 10:00").days == 1


def test_the_grace_and_the_cutoff_go_with_an_extension() -> None:
    rules = policy(grace="15 min", cutoff="1 day")
    assert late("2026-11-23 00:14", rules, extra="2 days").seconds == 0
    assert late("2026-11-23 23:59", rules, extra="2 days").cut_off is False
    assert late("2026-11-23 23:59:01", rules, extra="2 days").cut_off is True


def test_the_zone_decides_when_a_time_without_an_offset_is() -> None:
    assert late("2026-11-20T23:59:00Z", zone=ZoneInfo("UTC")).seconds == 0
    assert late("2026-11-20T23:59:00Z", zone=BERLIN).seconds == HOUR


def test_a_span_that_begins_at_the_second_of_two_times_stays_there() -> None:
    second = moment("2026-10-25 02:30+01:00")
    assert later(second, Span(), BERLIN).isoformat() == "2026-10-25T02:30:00+01:00"
    assert later(second, Span(0, timedelta(minutes=1)), BERLIN).isoformat() == "2026-10-25T02:31:00+01:00"


# How much


@pytest.mark.parametrize(
    ("came", "keys", "rest"),
    [
        ("2026-11-21 00:00", {"percent": 10.0}, 14),  # of the 20 that are possible
        ("2026-11-21 23:59:01", {"percent": 10.0}, 12),
        ("2026-11-21 00:00", {"percent": 10.0, "of": "score"}, 14.4),
        ("2026-11-21 00:00", {"points": 1.5}, 14.5),
        ("2026-11-21 01:00", {"points": 1.5, "per": "hour"}, 13),  # 61 minutes: two started hours
        ("2026-11-21 00:59", {"points": 1.5, "per": "hour"}, 14.5),  # exactly one
        ("2026-11-30 12:00", {"percent": 10.0, "cap": 25.0}, 11),
        ("2026-11-30 12:00", {"points": 2.0, "cap": 5.0}, 11),
        ("2026-11-30 12:00", {"percent": 10.0, "floor": 40.0}, 8),
        ("2026-11-30 12:00", {"percent": 50.0}, 0),
        ("2026-11-30 12:00", {"percent": 10.0, "cutoff": "3 days", "floor": 40.0}, 0),  # nothing counts any more
        ("2026-11-23 23:59", {"percent": 10.0, "cutoff": "3 days"}, 10),
        ("2026-11-23 23:59:01", {"percent": 10.0, "cutoff": "3 days"}, 0),
        ("2026-11-30 12:00", {}, 16),  # a due date alone costs nothing
        ("2026-11-21 00:00", {"percent": 10.0, "deducted_by": "lms"}, 16),
        ("2026-11-30 12:00", {"percent": 10.0, "cutoff": "3 days", "deducted_by": "lms"}, 16),
    ],
)
def test_what_is_left_of_16_of_20_points(came: str, keys: dict[str, Any], rest: float) -> None:
    assert left(came, **keys) == rest


def test_a_score_below_the_floor_stays_and_is_not_lifted() -> None:
    assert left("2026-11-30 12:00", score=3.0, percent=10.0, floor=40.0) == 3


@pytest.mark.parametrize(("score", "rest"), [(0.05, 0.03), (10.01, 5.01), (0.01, 0.01)])
def test_half_a_cent_is_rounded_up(score: float, rest: float) -> None:
    assert left("2026-11-21 00:00", score=score, percent=50.0, of="score") == rest


# In words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (1, "1 s"), (61, "1 min 1 s"), (3600, "1 h"), (86400, "1 day"), (93600, "1 day 2 h"),
     (180061, "2 days 2 h"), (86399, "23 h 59 min")],
)  # fmt: skip
def test_a_length_of_time_is_told_in_its_two_largest_units(seconds: int, words: str) -> None:
    assert span_in_words(seconds) == words


@pytest.mark.parametrize(
    ("came", "words"),
    [("2026-03-29 12:00", "1 day"), ("2026-03-29 12:00:01", "1 day 1 s"), ("2026-03-29 11:59", "22 h 59 min"),
     ("2026-03-30 14:00", "2 days 2 h")],
)  # fmt: skip
def test_the_days_that_are_told_are_those_that_are_counted(came: str, words: str) -> None:
    assert late(came, policy("2026-03-28 12:00")).words == words


# Kept in the record


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(policies(), st.sampled_from(["36 hours", "1 day", "1.5 days", "0.25 s", "2 weeks 5 min"]))
def test_policies_and_extensions_come_back_from_the_record_as_they_were(rules: LatePolicy, extra: str) -> None:
    assert LatePolicy.model_validate(rules.model_dump(mode="json")) == rules
    granted = Extension.model_validate({"extra": extra, "handed_in": "2026-11-20 23:59:30", "excused": True})
    assert Extension.model_validate(granted.model_dump(mode="json")) == granted
