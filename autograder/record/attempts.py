"""A student's several hand-ins: all are kept, one counts.

Written by the engine before grading, and again as each graded attempt ends. Read by the pages and by whoever hears an
appeal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from autograder.record.rows import columns_of, outcome_of, outcomes_in
from autograder.record.store import Record
from autograder.record.tables import AttemptRow, SubmissionRow
from autograder.results import Outcome

JUDGED = ("status", "score", "outcome", "tests", "cells")  # the columns that `columns_of` fills


@dataclass(frozen=True)
class Attempt:
    """One hand-in of several. `number` counts from 1, the oldest first; `content` is None where it was unreadable."""

    number: int
    source: str
    filename: str
    handed_in: str  # ISO 8601 with offset; "" if nobody said
    content: bytes | None
    sha256: str | None = None
    score: float | None = None
    counted: bool = False
    late: bool = False  # as marked by the LMS; of a file that was decided to count


def keep_attempts(record: Record, key: str, attempts: Sequence[Attempt]) -> None:
    """Keep all hand-ins of a student. An attempt of the same bytes keeps its outcome; the key must be planned."""
    with Session(record.engine) as session, session.begin():
        rows = session.scalars(select(AttemptRow).where(AttemptRow.submission == key)).all()
        judged = {row.sha256: {name: getattr(row, name) for name in JUDGED} for row in rows if row.status is not None}
        session.execute(delete(AttemptRow).where(AttemptRow.submission == key))
        session.flush()
        for one in attempts:
            digest = hashlib.sha256(one.content).hexdigest() if one.content is not None else None
            session.add(
                AttemptRow(
                    submission=key, number=one.number, source=one.source, filename=one.filename, sha256=digest,
                    handed_in=one.handed_in, content=one.content, counted=one.counted,
                    **judged.get(digest, {}),
                )
            )  # fmt: skip


def save_attempt(record: Record, key: str, number: int, outcome: Outcome) -> None:
    """Keep the outcome of one attempt. Raises sqlalchemy's NoResultFound if it is not kept."""
    with Session(record.engine) as session, session.begin():
        row = session.get_one(AttemptRow, (key, number))
        for name, value in columns_of(outcome).items():
            setattr(row, name, value)


def count_attempt(record: Record, key: str, number: int) -> None:
    """Say which attempt counts."""
    with Session(record.engine) as session, session.begin():
        for row in session.scalars(select(AttemptRow).where(AttemptRow.submission == key)):
            row.counted = row.number == number


def attempts(record: Record, key: str) -> list[Attempt]:
    """A student's hand-ins, the oldest first, without their bytes; empty for who handed in once."""
    with Session(record.engine) as session:
        rows = session.scalars(select(AttemptRow).where(AttemptRow.submission == key).order_by(AttemptRow.number))
        return [
            Attempt(row.number, row.source, row.filename, row.handed_in, None, row.sha256, row.score, row.counted)
            for row in rows
        ]


def attempt_outcome(record: Record, key: str, number: int) -> Outcome | None:
    """The outcome of one attempt; None where it was not graded."""
    with Session(record.engine) as session:
        row = session.get(AttemptRow, (key, number))
        if row is None or row.outcome is None:
            return None
        return outcome_of(key, row.outcome, row.tests or (), row.cells or ())


def counted(record: Record) -> dict[str, Attempt]:
    """By student, the attempt that counts, without its bytes; only those who handed in several times."""
    with Session(record.engine) as session:
        rows = session.scalars(select(AttemptRow).where(AttemptRow.counted))
        return {
            row.submission: Attempt(
                row.number, row.source, row.filename, row.handed_in, None, row.sha256, row.score, row.counted
            )
            for row in rows
        }


def raw_outcome(record: Record, key: str) -> tuple[str | None, Outcome] | None:
    """Digest and outcome of a student as judged, before anybody's adjustment; None if there is none."""
    with Session(record.engine) as session:
        digest = session.scalar(select(SubmissionRow.sha256).where(SubmissionRow.key == key))
        return next(((digest, outcome) for outcome in outcomes_in(session, key)), None)
