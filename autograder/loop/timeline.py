"""A training loop as a picture's data: for each update the beats Backprop, Optimize, Reset, the wrong ones marked.

Made by `loop.ledger` from a recorded account; drawn by `loop.drawing`. Pure data, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Step = Literal["Backprop", "Optimize", "Reset"]


@dataclass(frozen=True)
class Beat:
    """One step that happened, or one that should have (`missing`); `note` says in a word or two what is wrong."""

    step: Step
    right: bool = True
    missing: bool = False
    note: str = ""


@dataclass(frozen=True)
class Row:
    """The beats of one update, in the order in which they happened; `number` counts updates from 1."""

    number: int
    beats: tuple[Beat, ...]

    @property
    def right(self) -> bool:
        return all(beat.right for beat in self.beats)


@dataclass(frozen=True)
class Timeline:
    """The first rows of a loop, how many updates it had in all, and what is said of it."""

    rows: tuple[Row, ...]
    updates: int
    verdict: str
    right: bool
    sentence: str
    advice: str = ""

    def plain(self) -> dict[str, Any]:
        """As plain data, for the record."""
        return asdict(self)


def from_plain(data: Mapping[str, Any]) -> Timeline:
    """The Timeline that `plain` gave."""
    rows = tuple(Row(row["number"], tuple(Beat(**beat) for beat in row["beats"])) for row in data["rows"])
    return Timeline(**{**data, "rows": rows})
