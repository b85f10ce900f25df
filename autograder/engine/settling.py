"""Brings a run's record up to its plan: what was graded goes where it belongs now, and nothing graded is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autograder.engine.planning import Plan, own_key, rows_by_hand_in
from autograder.intake.handin import HandIn
from autograder.record.history import noting
from autograder.record.moving import Move, move
from autograder.record.store import Person, Record


def settle(record: Record, plan: Plan) -> None:
    """Bring the record up to the plan: what was graded goes where it belongs now, and nothing graded is lost.

    An outcome under a hand-in's own key moves to the student whose it is found to be, or from a wrong student to the
    right one; who handed in with an earlier call keeps that.
    """
    moves, copies = _moves(plan, record.people())
    if moves or copies:
        with noting(record, "it became known, or was decided, whose the hand-in is"):
            move(record, moves, copies)
    before = {row.key: row for row in record.people()}
    entries = []
    for entry in plan.entries:
        row = before.get(entry.key)
        if row is not None and row.filename and not entry.filename:
            ids = {**row.ids, **entry.ids}
            entry = replace(row, name=entry.name, email=entry.email, position=entry.position, ids=ids)
        entries.append(entry)
    record.plan(entries)


def _moves(plan: Plan, known: Sequence[Person]) -> tuple[list[Move], list[str]]:
    """Which rows of the record go under another key, and which are to be taken away: rows without a hand-in where one
    comes in, and copies of a team's outcome for who is no longer in it."""
    rows_of = rows_by_hand_in(known)
    here = {entry.key for entry in plan.entries}
    moves: dict[str, str] = {}
    gone: list[str] = []
    for hand_in, owners in plan.owners.items():
        old_keys = [row.key for row in rows_of.get(hand_in, [])]
        free = [key for key in owners if key not in old_keys]
        for key in (key for key in old_keys if key not in owners):
            if free:
                moves[key] = free.pop(0)
            else:
                gone.append(key)
    targets = set(moves.values())
    taken = here | targets | {row.key for row in known}
    for row in known:
        if row.key not in targets or row.key in moves or row.key in gone:
            continue
        if row.filename:  # graded with an earlier call, from a file that is not there now
            moves[row.key] = own_key(HandIn(row.hand_in or row.key, None, "", ""), taken)
            taken.add(moves[row.key])
        else:
            gone.append(row.key)
    return [Move(old, new, old not in here) for old, new in moves.items()], gone
