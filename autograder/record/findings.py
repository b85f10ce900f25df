"""What a person should look at that no outcome tells: who is who, and files that were left out, call by call.

A call of `grade` may look at a part of the class. What it finds takes the place of what was said of the same files and
students; what was said of the others stays. problems.csv is made of all of it (`report.problems`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from autograder.people.findings import Finding
from autograder.record.store import Person, Record
from autograder.record.tables import FindingRow

CLASS, HAND_INS, FILES = "class", "hand-ins", "files"  # about the class list, whose a hand-in is, and other files


@dataclass(frozen=True)
class Look:
    """What one call looked at, and what it found: `who` is who, and files that were `left` out.

    `files` are all that it met, `students` the keys of those whose hand-ins it met; `whole_class` says that it was told
    who is in the class.
    """

    paths: tuple[Path, ...]
    files: frozenset[str]
    students: frozenset[str]
    whole_class: bool
    who: Sequence[Finding]
    left: Sequence[Finding]

    def part(self, one: Finding) -> str:
        """Which part of the table a finding on who is who belongs to."""
        return HAND_INS if one.file in self.files else CLASS

    def replaces(self, row: FindingRow) -> bool:
        """Whether what an earlier call found was looked at again by this one."""
        if row.student and row.student in self.students:
            return True
        if row.part == CLASS:
            return self.whole_class
        mine = [path.resolve() for path in self.paths]
        within = all(any(Path(path).is_relative_to(one) for one in mine) for path in row.looked_at)
        return within or (bool(row.file) and _member(row.file) in set(map(_member, self.files)))


def _member(source: str) -> str:
    """A file by its name in the download: the download itself may be called otherwise the next time."""
    return source.rpartition(": ")[2]


def keep_findings(record: Record, look: Look) -> None:
    """Keep what a call found, in place of what earlier ones found about the same."""
    paths = sorted(str(path.resolve()) for path in look.paths)
    found = [*((look.part(one), one) for one in look.who), *((FILES, one) for one in look.left)]
    with Session(record.engine) as session, session.begin():
        for row in session.scalars(select(FindingRow)):
            if look.replaces(row):
                session.delete(row)
        session.add_all(
            FindingRow(
                part=part, looked_at=paths, kind=one.kind, student=one.student, file=one.file, what=one.what,
                to_do=one.to_do, line=one.line,
            )
            for part, one in found
        )  # fmt: skip


def findings(record: Record) -> tuple[list[Finding], list[Finding]]:
    """Everything on who is who, and everything on other files, as found so far: the oldest first."""
    who: list[Finding] = []
    left: list[Finding] = []
    with Session(record.engine) as session:
        for row in session.scalars(select(FindingRow).order_by(FindingRow.id)):
            one = Finding(row.kind, row.student, row.file, row.what, row.to_do, row.line)
            (left if row.part == FILES else who).append(one)
    return who, left


def forget_findings(record: Record, person: Person) -> None:
    """Delete whatever names a student or their file."""
    words = {person.key, person.name, person.filename, person.source, person.hand_in, *person.others} - {""}
    longest = sorted(words, key=len, reverse=True)
    named = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in longest), re.IGNORECASE)
    with Session(record.engine) as session, session.begin():
        for row in session.scalars(select(FindingRow)):
            if any(named.search(text) for text in (row.student, row.file, row.what, row.to_do, row.line)):
                session.delete(row)
