"""Puts what was graded under other keys, when it is found out or decided whose a hand-in is.

Called by the plan of a run. Everything happens in one transaction: a run that dies in it loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, inspect, literal, select, update
from sqlalchemy.orm import Session

from autograder.record.store import Record
from autograder.record.tables import (
    AdjustmentRow,
    AttemptRow,
    CellRow,
    ExtensionRow,
    QuestionRow,
    ReceiptRow,
    RegradeRow,
    SubmissionRow,
    TestRow,
)

OF_THE_WORK = (QuestionRow, TestRow, CellRow, AttemptRow, AdjustmentRow)
OF_THE_PERSON = (RegradeRow, ReceiptRow)


@dataclass(frozen=True)
class Move:
    """Everything graded under `old` goes under `new`. With `person` what was told of the student goes along too:
    `old` was the hand-in's own key, and nobody's else."""

    old: str
    new: str
    person: bool = True


def move(record: Record, moves: Sequence[Move], gone: Sequence[str] = ()) -> None:
    """Carry out all moves at once, so that two can change places; rows of `gone` are deleted before.

    No two moves may have one `new`, and a `new` that is there already has to be in `gone` or the `old` of a move.
    """
    with Session(record.engine) as session, session.begin():
        for key in gone:
            session.execute(delete(SubmissionRow).where(SubmissionRow.key == key))
        new_keys = {one.new for one in moves}
        aside = {one.old: f"\ufffd{number}" for number, one in enumerate(moves) if one.old in new_keys}
        for one in moves:
            if one.old in aside:
                _rekey(session, Move(one.old, aside[one.old], one.person), one.old)
        for one in moves:
            _rekey(session, Move(aside.get(one.old, one.old), one.new, one.person), one.old)


def _rekey(session: Session, one: Move, came_as: str) -> None:
    others = [column for column in inspect(SubmissionRow).columns if column.key not in ("key", "hand_in")]
    # Which hand-in it is has to stay known, should the run die before it is planned anew
    hand_in = session.scalar(select(SubmissionRow.hand_in).where(SubmissionRow.key == one.old)) or came_as
    row = select(literal(one.new), literal(hand_in), *others).where(SubmissionRow.key == one.old)
    names = ["key", "hand_in", *(column.key for column in others)]
    session.execute(insert(SubmissionRow).from_select(names, row))
    for table in (*OF_THE_WORK, *(OF_THE_PERSON if one.person else ())):
        session.execute(update(table).where(table.submission == one.old).values(submission=one.new))
    if one.person:
        if session.get(ExtensionRow, one.new) is None:
            session.execute(update(ExtensionRow).where(ExtensionRow.student == one.old).values(student=one.new))
        session.execute(delete(ExtensionRow).where(ExtensionRow.student == one.old))
    session.execute(delete(SubmissionRow).where(SubmissionRow.key == one.old))
