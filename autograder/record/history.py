"""What happened to scores after they were first written: regrades, and what was sent to an LMS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from autograder.record.store import Record
from autograder.record.tables import ReceiptRow, RegradeRow


@dataclass(frozen=True)
class Regrade:
    """A score that became another; `was` and `now` are numbers as written, or a status."""

    key: str
    at: str
    was: str
    now: str
    why: str


@dataclass(frozen=True)
class Receipt:
    """What was sent about one student, and the answer. `place` names site, course and assignment."""

    key: str
    place: str
    at: str
    sent: Mapping[str, Any]
    answer: Mapping[str, Any]


def keep_regrades(record: Record, regrades: Sequence[Regrade]) -> None:
    with Session(record.engine) as session, session.begin():
        for one in regrades:
            session.add(RegradeRow(submission=one.key, at=one.at, was=one.was, now=one.now, why=one.why))


def regrades(record: Record) -> list[Regrade]:
    """All, the oldest first."""
    with Session(record.engine) as session:
        rows = session.scalars(select(RegradeRow).order_by(RegradeRow.id))
        return [Regrade(row.submission, row.at, row.was, row.now, row.why) for row in rows]


def keep_receipts(record: Record, receipts: Sequence[Receipt]) -> None:
    with Session(record.engine) as session, session.begin():
        for one in receipts:
            row = ReceiptRow(
                submission=one.key, place=one.place, at=one.at, sent=dict(one.sent), answer=dict(one.answer)
            )
            session.add(row)


def last_receipts(record: Record, place: str) -> dict[str, Receipt]:
    """The newest receipt of each student at that place."""
    with Session(record.engine) as session:
        rows = session.scalars(select(ReceiptRow).where(ReceiptRow.place == place).order_by(ReceiptRow.id))
        return {
            row.submission: Receipt(row.submission, row.place, row.at, dict(row.sent), dict(row.answer)) for row in rows
        }
