"""Collects submissions from folders, zips and single files, in one order whatever the disk's.

Called by the engine with the paths of the command line. Nothing that was handed in gets lost: a notebook that cannot be
read is a submission with a problem, and every other file is listed with the reason why it was left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autograder.intake.archive import Budget
from autograder.intake.finding import Search
from autograder.intake.keys import file_safe, keys_for

__all__ = ["Collected", "LeftOut", "Submission", "collect", "file_safe"]


@dataclass(frozen=True)
class Submission:
    """One hand-in. `content` is None exactly if `problem` (a clause, "it is ...") says why there is none."""

    key: str  # who it is from, as far as the file's name tells
    content: bytes | None
    filename: str
    source: str  # where from, for the TA: "class.zip: week 3/ada.ipynb"
    problem: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """A file that is no submission, and why (a clause)."""

    source: str
    reason: str


@dataclass(frozen=True)
class Collected:
    """What was found, sorted by key; `notes` are sentences for the TA, such as on two files of one name."""

    submissions: tuple[Submission, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...] = ()


def collect(paths: Sequence[Path], budget: Budget | None = None) -> Collected:
    """Everything in `paths`; folders are searched to the bottom, and a zip counts as a folder.

    The order of `paths` does not matter. Raises IntakeError for a path that is absent or a zip that cannot be read.
    """
    found = list(Search(budget or Budget()).all(sorted(paths)))
    notebooks = sorted((item for item in found if item.left_out is None), key=lambda item: (item.place, item.source))
    keys, notes = keys_for([item.place for item in notebooks])
    submissions = [
        Submission(key, item.content, PurePosixPath(item.place.path).name, item.source, item.problem)
        for key, item in zip(keys, notebooks, strict=True)
    ]
    left_out = {LeftOut(item.source, item.left_out) for item in found if item.left_out is not None}
    return Collected(
        tuple(sorted(submissions, key=lambda submission: submission.key)),
        tuple(sorted(left_out, key=lambda left: (left.source, left.reason))),
        tuple(notes),
    )
