"""What is wrong with a course file or a grader, in words and with its place.

Used by the rest of this room; `nearest` and `listed` also by the intake, which names near misses in the same way.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from autograder.errors import AutograderError


@dataclass(frozen=True, order=True)
class Fault:
    """One thing to put right. Lines and columns count from 1; 0 stands for the file as a whole."""

    file: str  # as a person would name it, relative to the course where possible
    line: int
    message: str
    column: int = 0

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        column = f", column {self.column}" if self.column else ""
        return f"{self.file}{line}{column}: {self.message}"


class CourseError(AutograderError):
    """The course cannot be used as it stands. `faults` holds every fault found, in the order of the file."""

    def __init__(self, faults: Iterable[Fault] | str) -> None:
        self.faults: tuple[Fault, ...] = () if isinstance(faults, str) else tuple(sorted(set(faults)))
        super().__init__(faults if isinstance(faults, str) else "\n".join(map(str, self.faults)))


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The choice that `name` most likely stands for, or None; letter case does not count against it."""
    by_folded = {choice.casefold(): choice for choice in sorted(choices, reverse=True)}
    longer = [folded for folded in by_folded if len(name) > 2 and folded.startswith(name.casefold())]
    if len(longer) == 1:
        return by_folded[longer[0]]
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """'; did you mean "points"?' or, where nothing is near, an empty string."""
    near = nearest(name, choices)
    return f'; did you mean "{near}"?' if near else ""


def listed(words: Collection[str], most: int = 12) -> str:
    """Words for a sentence: "a, b, c", cut after `most` with the number of the rest; "none" if there are none."""
    shown = list(words)[:most]
    rest = len(words) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "") if shown else "none"
