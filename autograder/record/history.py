"""What happened to scores after they were first written: regrades, and what was sent to an LMS."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from autograder.record.standing import Standing, standings
from autograder.record.store import Record, now_utc, standing_text
from autograder.record.tables import ReceiptRow, RegradeRow

FILE = "file "  # how the place of a receipt begins that is of a file, not of an upload


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


@contextlib.contextmanager
def noting(record: Record, why: str | Mapping[str, str]) -> Iterator[None]:
    """Keep a note, with the reason, on everybody whose final score is another after what is done within.

    `why` is one reason for all, or everybody's own by key.
    """
    before = {one.person.key: one for one in standings(record)}
    yield
    notes = []
    for one in standings(record):
        old = before.get(one.person.key)
        if old is not None and _told(old) not in ("", _told(one)):  # a first word on somebody is no news
            reason = why if isinstance(why, str) else why[one.person.key]
            notes.append(Regrade(one.person.key, now_utc(), _told(old), _told(one), reason))
    keep_regrades(record, notes)


def _told(one: Standing) -> str:
    if one.excused:
        return "excused"
    return standing_text(one.outcome.status.value if one.outcome else "", one.final)


def keep_regrades(record: Record, regrades: Sequence[Regrade]) -> None:
    with Session(record.engine) as session, session.begin():
        for one in regrades:
            session.add(RegradeRow(submission=one.key, at=one.at, was=one.was, now=one.now, why=one.why))


def newest_regrade(record: Record) -> int:
    """The number of the last note so far; 0 if there is none."""
    with Session(record.engine) as session:
        return session.scalar(select(func.max(RegradeRow.id))) or 0


def regrades(record: Record, since: int = 0) -> list[Regrade]:
    """The notes after that number, the oldest first."""
    with Session(record.engine) as session:
        rows = session.scalars(select(RegradeRow).where(RegradeRow.id > since).order_by(RegradeRow.id))
        return [Regrade(row.submission, row.at, row.was, row.now, row.why) for row in rows]


def keep_receipts(record: Record, receipts: Sequence[Receipt]) -> None:
    with Session(record.engine) as session, session.begin():
        for one in receipts:
            row = ReceiptRow(
                submission=one.key, place=one.place, at=one.at, sent=dict(one.sent), answer=dict(one.answer)
            )
            session.add(row)


def receipts_ending(record: Record, ending: str) -> dict[str, list[Receipt]]:
    """The newest receipt of each student at each place whose name ends so."""
    found: dict[tuple[str, str], Receipt] = {}
    with Session(record.engine) as session:
        for row in session.scalars(select(ReceiptRow).order_by(ReceiptRow.id)):
            if row.place.endswith(ending):
                one = Receipt(row.submission, row.place, row.at, dict(row.sent), dict(row.answer))
                found[one.key, one.place] = one
    by_student: dict[str, list[Receipt]] = {}
    for one in found.values():
        by_student.setdefault(one.key, []).append(one)
    return by_student


def last_receipts(record: Record, place: str) -> dict[str, Receipt]:
    """The newest receipt of each student at that place."""
    with Session(record.engine) as session:
        rows = session.scalars(select(ReceiptRow).where(ReceiptRow.place == place).order_by(ReceiptRow.id))
        return {
            row.submission: Receipt(row.submission, row.place, row.at, dict(row.sent), dict(row.answer)) for row in rows
        }
