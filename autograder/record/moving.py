"""Puts what was graded under other keys, when it is found out or decided whose a hand-in is.

Called by the plan of a run. Everything happens in one transaction: a run that dies in it loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import String, bindparam, case, delete, insert, inspect, select, update
from sqlalchemy.orm import Session

from autograder.record.store import Record
from autograder.record.tables import (
    AdjustmentRow,
    AttemptRow,
    ExtensionRow,
    ReceiptRow,
    RegradeRow,
    SubmissionRow,
)

OF_THE_WORK = (AttemptRow, AdjustmentRow)
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
    new_keys = {one.new for one in moves}
    aside = {one.old: f"\ufffd{number}" for number, one in enumerate(moves) if one.old in new_keys}
    with Session(record.engine) as session, session.begin():
        if gone:
            session.connection().execute(
                delete(SubmissionRow).where(SubmissionRow.key == bindparam("b_old")), [{"b_old": key} for key in gone]
            )
        _rekey(session, [(one.old, aside[one.old], one) for one in moves if one.old in aside])
        _rekey(session, [(aside.get(one.old, one.old), one.new, one) for one in moves])


def _rekey(session: Session, steps: Sequence[tuple[str, str, Move]]) -> None:
    """One step of each move, from a key to another that is free: a statement for each table, whatever their number."""
    if not steps:
        return
    connection = session.connection()
    old, new, came_as = (bindparam(name, type_=String) for name in ("b_old", "b_new", "b_came_as"))
    everybody = [{"b_old": before, "b_new": after, "b_came_as": one.old} for before, after, one in steps]
    persons = [{"b_old": before, "b_new": after} for before, after, one in steps if one.person]
    others = [column for column in inspect(SubmissionRow).columns if column.key not in ("key", "hand_in")]
    # Which hand-in it is has to stay known, should the run die before it is planned anew
    hand_in = case((SubmissionRow.hand_in == "", came_as), else_=SubmissionRow.hand_in)
    row = select(new, hand_in, *others).where(SubmissionRow.key == old)
    names = ["key", "hand_in", *(column.key for column in others)]
    connection.execute(insert(SubmissionRow).from_select(names, row), everybody)
    for tables, of in ((OF_THE_WORK, everybody), (OF_THE_PERSON, persons)):
        for table in tables if of else ():
            connection.execute(update(table).where(table.submission == old).values(submission=new), of)
    extended = set(session.scalars(select(ExtensionRow.student)))
    for one in persons:
        if one["b_old"] in extended and one["b_new"] not in extended:
            session.execute(
                update(ExtensionRow).where(ExtensionRow.student == one["b_old"]).values(student=one["b_new"])
            )
        elif one["b_old"] in extended:  # what was granted to the student goes before what was to the hand-in
            session.execute(delete(ExtensionRow).where(ExtensionRow.student == one["b_old"]))
    connection.execute(delete(SubmissionRow).where(SubmissionRow.key == old), everybody)
