"""Points that a person sets in place of the judged ones: kept with who, when and why, and laid over whatever is judged.

Written by `adjust`; the store lays them over each outcome that it reads, so that grading again keeps them. One that was
taken back, or replaced by another, stays in the record as undone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from autograder.course.faults import did_you_mean
from autograder.record.rows import outcomes_in
from autograder.record.store import Record, RecordError
from autograder.record.tables import AdjustmentRow
from autograder.results import rounded


@dataclass(frozen=True)
class Adjustment:
    """One question's points, set by hand. `was` is what was judged; None where nothing was."""

    key: str
    question: str
    points: float
    why: str
    who: str = ""
    at: str = ""  # UTC, ISO 8601
    was: float | None = None
    undone: bool = False


def checker(record: Record) -> Callable[[Adjustment], None]:
    """What says whether an adjustment can be made: it raises RecordError for an unknown student or question, points
    out of range, or a missing reason."""
    questions = {name: most for name, _, most in record.info().questions}
    keys = {one.key for one in record.people()}

    def check(one: Adjustment) -> None:
        if one.key not in keys:
            record.known(one.key)
        if one.question not in questions:
            hint = did_you_mean(one.question, questions) or ";"
            raise RecordError(f'There is no question "{one.question}"{hint} known are {", ".join(questions)}.')
        if not math.isfinite(one.points) or not 0 <= one.points <= questions[one.question]:
            raise RecordError(f"{one.question} is worth 0 to {questions[one.question]:g} points, not {one.points:g}.")
        if not one.why.strip():
            raise RecordError("Say why: the student will read it.")

    return check


def adjust(record: Record, adjustments: Sequence[Adjustment]) -> None:
    """Set points, each in place of an earlier adjustment of the same question; all of them or, on an error, none.

    Points are rounded half up to two decimals. Raises RecordError as `checker` says.
    """
    check = checker(record)
    for one in adjustments:
        check(one)
    with Session(record.engine) as session, session.begin():
        for one in adjustments:
            session.execute(update(AdjustmentRow).where(_in_force(one.key, one.question)).values(undone=True))
            session.add(
                AdjustmentRow(
                    submission=one.key, question=one.question, points=rounded(one.points), why=one.why.strip(),
                    who=one.who, at=one.at,
                )
            )  # fmt: skip


def undo(record: Record, key: str, question: str) -> bool:
    """Take an adjustment back; it stays in the record as undone. False if there is none. RecordError: unknown key."""
    record.known(key)
    with Session(record.engine) as session, session.begin():
        found = session.scalars(select(AdjustmentRow).where(_in_force(key, question))).all()
        for row in found:
            row.undone = True
        return bool(found)


def adjustments(record: Record, with_undone: bool = False) -> dict[str, list[Adjustment]]:
    """By student, the oldest first; those in force, or all that ever were."""
    with Session(record.engine) as session:
        judged = {
            (outcome.key, question.id): question.score
            for outcome in outcomes_in(session, with_tests=False)
            for question in outcome.questions
        }
        found: dict[str, list[Adjustment]] = {}
        for row in session.scalars(select(AdjustmentRow).order_by(AdjustmentRow.id)):
            if row.undone and not with_undone:
                continue
            was = judged.get((row.submission, row.question))
            found.setdefault(row.submission, []).append(
                Adjustment(row.submission, row.question, row.points, row.why, row.who, row.at, was, row.undone)
            )
        return found


def _in_force(key: str, question: str) -> ColumnElement[bool]:
    return and_(AdjustmentRow.submission == key, AdjustmentRow.question == question, AdjustmentRow.undone.is_(False))
