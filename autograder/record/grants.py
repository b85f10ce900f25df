"""What persons decided about students, kept for the next run in the same folder: extensions, and whose a hand-in is."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from autograder.course.late import Extension
from autograder.record.store import Record
from autograder.record.tables import DecisionRow, ExtensionRow


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


def decide(record: Record, decisions: Mapping[str, str]) -> None:
    """Keep whose each hand-in is ("" for nobody's), in place of earlier decisions on the same hand-ins."""
    with Session(record.engine) as session, session.begin():
        for hand_in, student in decisions.items():
            session.merge(DecisionRow(hand_in=hand_in, student=student))


def decided(record: Record) -> dict[str, str]:
    """Hand-in -> student, as decided so far."""
    with Session(record.engine) as session:
        return {row.hand_in: row.student for row in session.scalars(select(DecisionRow))}
