"""What persons decided about students, kept for the next run in the same folder: extensions, whose a hand-in is, and
which of its files counts."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from autograder.course.late import Extension
from autograder.record.attempts import Attempt
from autograder.record.store import Record
from autograder.record.tables import AttemptRow, DecisionRow, ExtensionRow, SubmissionRow

FILE = ("source", "filename", "handed_in", "late", "sha256")  # what is kept of a file that counts


def grant(record: Record, granted: Mapping[str, Extension]) -> None:
    """Keep extensions by student, in place of earlier ones of the same students."""
    with Session(record.engine) as session, session.begin():
        for student, extension in granted.items():
            session.merge(ExtensionRow(student=student, granted=extension.model_dump(mode="json")))


def extensions(record: Record) -> dict[str, Extension]:
    """What each student was granted; a file's word goes before grading.yml's."""
    with Session(record.engine) as session:
        rows = session.scalars(select(ExtensionRow))
        by_file = {row.student: Extension.model_validate(row.granted) for row in rows}
    return {**record.info().policy.extensions, **by_file}


def decide(record: Record, decisions: Mapping[str, str], counting: Mapping[str, Attempt] | None = None) -> None:
    """Keep whose each hand-in is ("" for nobody's) and which of its files counts, in place of earlier decisions on the
    same hand-ins."""
    with Session(record.engine) as session, session.begin():
        for hand_in in {**decisions, **(counting or {})}:
            row = session.get(DecisionRow, hand_in)
            if row is None:
                row = DecisionRow(hand_in=hand_in)
                session.add(row)
            if hand_in in decisions:
                row.student = decisions[hand_in]
            if counting is not None and hand_in in counting:
                file = counting[hand_in]
                row.counts = {name: getattr(file, name) for name in FILE}


def decided(record: Record) -> dict[str, str]:
    """Hand-in -> student, as decided so far."""
    with Session(record.engine) as session:
        return {row.hand_in: row.student for row in session.scalars(select(DecisionRow)) if row.student is not None}


def counting(record: Record) -> dict[str, Attempt]:
    """Hand-in -> the file of it that counts by decision, with its bytes if the record has them."""
    found = {}
    with Session(record.engine) as session:
        for row in session.scalars(select(DecisionRow)):
            if row.counts:
                contents = (
                    session.scalar(select(table.content).where(table.sha256 == row.counts["sha256"]).limit(1))
                    for table in (SubmissionRow, AttemptRow)
                )
                content = next((content for content in contents if content is not None), None)
                found[row.hand_in] = Attempt(0, content=content, **row.counts)
    return found
