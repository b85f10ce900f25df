"""A hand-in: one student's file, or the one of several that counts, with everything that its download tells of it.

Made by `collect`; matched to students by `people`; graded by the engine under the keys of those whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

from autograder.course.late import aware
from autograder.intake.identity import IdKind
from autograder.intake.keys import Place
from autograder.intake.layouts import Layout, Member, layout_called


@dataclass(frozen=True)
class HandIn:
    """One hand-in. `content` is None exactly if `problem` (a clause, "it is ...") says why there is none.

    `head` is there where the file's name does not tell where the student's id begins (Blackboard's user names and
    GitHub's logins may hold the sign that parts them from the assignment): the head ends with the id. Whoever on a
    roster has the longest id that ends it is meant; the id in `ids` is a guess then.
    """

    key: str  # who it is from, as far as the file's name tells
    content: bytes | None
    filename: str
    source: str  # where from, for the TA: "class.zip: week 3/ada.ipynb"
    problem: str | None = None
    notes: tuple[str, ...] = ()  # for the student: how it was chosen
    name: str = ""  # of the student (or of the group), where the LMS writes it into the file's name
    late: bool = False  # as marked by the LMS
    layout: str = ""  # whose way of naming files it was found by; "" for plain files
    ids: Mapping[IdKind, str] = field(default_factory=dict)  # what the LMS calls the student by
    handed_in: datetime | None = None  # by the LMS's own clock; without a zone where the LMS names none
    group: str = ""  # the team's name, where the hand-in is a team's
    attempts: tuple[HandIn, ...] = ()  # all of the student's, this one too, the oldest first; () for a single one
    head: str = ""
    members: tuple[Member, ...] = ()  # of a team, where the LMS names them
    folders: tuple[str, ...] = ()  # of a plain file: those above it, below what was named
    others: tuple[HandIn, ...] = ()  # notebooks of the same hand-in that do not count; if `undecided`, all of them
    undecided: bool = False  # which file counts is for a person to say
    decided: bool = False  # a person has said that this file counts
    number: int | None = None  # what the LMS has counted up, if it does: orders a student's attempts
    place: Place = field(default=Place("", ""), compare=False, repr=False)  # the key is made of it

    @property
    def way(self) -> Layout:
        """The layout by which it was found."""
        return layout_called(self.layout)

    @property
    def files(self) -> tuple[HandIn, ...]:
        """Everything of the student's that may count."""
        if self.attempts:
            return tuple(file for each in self.attempts for file in each.files)
        return self.others if self.undecided else (self, *self.others)

    @property
    def sentence(self) -> str:
        """Why there is nothing to grade, for the student; "" if there is."""
        if self.problem is None:
            return ""
        return f"{'Not graded yet' if self.undecided else 'There is nothing to read'}: {self.problem}."

    def handed_in_at(self, zone: ZoneInfo) -> str:
        """ISO 8601 with offset; a time without a zone is one of the course's. "" if nobody said."""
        return aware(self.handed_in, zone).isoformat() if self.handed_in is not None else ""


def called(one: HandIn) -> str:
    """The file's own name in the folder or archive that it lay in."""
    return PurePosixPath(one.source.rsplit(": ", 1)[-1]).name


def with_file(one: HandIn, file: HandIn) -> HandIn:
    """A student's hand-in, of which a person has said that this file of it, or of an earlier one, counts."""

    def same(other: HandIn) -> bool:
        return (other.source, other.content) == (file.source, file.content)

    attempts = tuple(
        replace(file, others=tuple(other for other in each.files if not same(other))) if any(map(same, each.files))
        else each for each in one.attempts
    )  # fmt: skip
    here = any(map(same, one.files))
    return replace(
        file, key=one.key, attempts=attempts if here else (), undecided=False, decided=True,
        others=() if here and attempts else tuple(other for other in one.files if not same(other)),
        notes=("Of your files this one counts, as was decided.",),
    )  # fmt: skip
