"""Reads Gradescope's submission_metadata.json: when the hand-in came, when it was due, how many share it.

Source: gradescope-autograders.readthedocs.io/en/latest/submission_metadata. That a user may have an `assignment` with
dates of their own is from memory, so it is read if it is there. Nothing in the file is relied on: whatever is absent
or of another shape is None, with a sentence for the instructor where that matters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

MOST_BYTES = 64_000_000  # it also holds the results of all earlier hand-ins
YEARS = range(2000, 2101)  # outside them a date is a mistake, and arithmetic with zones might not work


@dataclass(frozen=True)
class Metadata:
    """What is known of one hand-in. Times without an offset are as the file has them."""

    created_at: datetime | None = None
    due: datetime | None = None  # the latest of its members'
    members: int = 0
    total_points: float | None = None  # of the assignment on Gradescope
    faults: tuple[str, ...] = ()


def read_metadata(path: Path) -> Metadata:
    """The metadata in `path`; never raises on what the file holds."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        return Metadata(faults=(f"{path.name} cannot be read: {error.strerror}.",))
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return Metadata(faults=(f"{path.name} is no JSON that can be read.",))
    if not isinstance(data, dict):
        return Metadata(faults=(f"{path.name} holds no mapping.",))
    assignment, users = mapping(data.get("assignment")), data.get("users")
    people = [mapping(user) for user in users] if isinstance(users, list) else []
    faults: list[str] = []
    created_at = moment("created_at", data.get("created_at"), faults)
    general = moment("assignment.due_date", assignment.get("due_date"), faults)
    return Metadata(
        created_at=created_at,
        due=latest(general, [moment("due_date", mapping(one.get("assignment")).get("due_date"), faults)
                             for one in people]),
        members=len(people),
        total_points=number(assignment.get("total_points")),
        faults=tuple(faults),
    )  # fmt: skip


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def moment(name: str, value: Any, faults: list[str]) -> datetime | None:
    """A date and time; None where there is none. One that is no such thing is noted in `faults`."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.year not in YEARS:
        faults.append(f'{name} is no date and time that can be used: "{str(value)[:60]}".')
        return None
    return found


def latest(general: datetime | None, own: Sequence[datetime | None]) -> datetime | None:
    """The due time of a group: that of the member who has longest; whoever has no own one has the assignment's."""
    times = [one or general for one in own] or [general]
    known = [one for one in times if one is not None]
    return max(known, key=lambda one: one.timestamp()) if known else None


def number(value: Any) -> float | None:
    """A number that Gradescope writes as text ("20.0")."""
    try:
        return float(value) if isinstance(value, (str, int, float)) else None
    except (ValueError, OverflowError):
        return None
