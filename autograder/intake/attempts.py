"""Several hand-ins of one student: their order, and which of them counts. Called by `collect`.

The LMS's own time or number tells which is newer, never a file's time on disk, which unpacking has set.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from autograder.intake.handin import HandIn

Counts = Literal["newest", "best", "first"]
Order = tuple[int, ...]


def in_order(hand_ins: Sequence[HandIn]) -> tuple[list[HandIn], list[HandIn]]:
    """A student's attempts, the oldest first, and files that are another one's double: same moment, same bytes."""
    orders = _orders(hand_ins)
    kept: list[HandIn] = []
    doubles: list[HandIn] = []
    met: set[tuple[Order, bytes | None]] = set()
    for order, one in sorted(zip(orders, hand_ins, strict=True), key=lambda pair: (pair[0], pair[1].source)):
        if (order, one.content) in met and one.content is not None:
            doubles.append(one)
        else:
            met.add((order, one.content))
            kept.append(one)
    return kept, doubles


def _orders(hand_ins: Sequence[HandIn]) -> list[Order]:
    """By what the LMS has counted up, else by its times; all alike where it tells neither of all of them."""
    numbers = [one.number for one in hand_ins if one.number is not None]
    times = [one.handed_in for one in hand_ins if one.handed_in is not None]
    if len(numbers) == len(hand_ins):
        return [(number,) for number in numbers]
    if len(times) == len(hand_ins) and len({time.tzinfo is None for time in times}) == 1:
        return [_microseconds(time) for time in times]
    return [()] * len(hand_ins)


def _microseconds(time: datetime) -> Order:
    moment = time.astimezone(UTC) if time.tzinfo is not None else time
    return (*moment.timetuple()[:6], moment.microsecond)


def undecided(kept: Sequence[HandIn], counts: Counts) -> str | None:
    """Why nobody can say which attempt counts (a clause), if that is so. `kept` are in order, and all differ."""
    if counts == "best":
        return None
    orders = _orders(kept)
    wanted = orders[0 if counts == "first" else -1]
    alike = [one.source for order, one in zip(orders, kept, strict=True) if order == wanted]
    if len(alike) == 1:
        return None
    moment = "with the same time" if wanted else "and no time tells them apart"
    return (
        f"it was handed in {len(alike)} times with different content {moment} ({'; '.join(alike)}): which one is the "
        f"{counts} is for a person to say"
    )
