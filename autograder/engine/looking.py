"""What a call of `grade` has looked at and found, for a person to look at: kept in the record, told in problems.csv."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.engine.planning import Plan
from autograder.intake.collecting import Collected
from autograder.people.findings import Finding
from autograder.record.findings import Look
from autograder.record.standing import Standing
from autograder.report.problems import EARLIER


def looked(collected: Collected, plan: Plan, standings: Sequence[Standing], paths: Sequence[Path]) -> Look:
    """What this call has looked at, and found."""
    attempts = [each for one in collected.submissions for each in (one, *one.attempts, *one.files)]
    files = {each.source for each in attempts} | {left.source for left in collected.left_out}
    students = {key for keys in plan.owners.values() for key in keys} | plan.owners.keys()
    about = (tuple(paths), frozenset(files), frozenset(students), plan.complete)
    return Look(*about, tuple(identities(plan, standings)), tuple(left_out(collected)))


def identities(plan: Plan, standings: Sequence[Standing]) -> Iterator[Finding]:
    """Who is who: what matching found, and who is in the run but no longer in the class."""
    yield from plan.findings
    here = {entry.key for entry in plan.entries}
    for one in standings:
        if plan.complete and one.person.key not in here:
            yield _not_here(one)


def left_out(collected: Collected) -> Iterator[Finding]:
    """Files that are no hand-in, and notes on how the others were read."""
    for left in collected.left_out:
        to_do = "nothing" if left.expected else "nothing, unless it should have been graded"
        yield Finding("left out", "", left.source, left.reason, to_do)
    for note in collected.notes:
        yield Finding("note", "", "", note, "nothing, if that is right")


def _not_here(one: Standing) -> Finding:
    key = one.person.key
    to_do = f'nothing, if they left the class; to wipe the row: autograder forget RUN "{key}"'
    if one.person.filename:
        return Finding(EARLIER, key, one.person.source, "neither on this roster nor in this download", to_do)
    return Finding("no longer on the roster", key, "", "on the roster of an earlier call, not on this one", to_do)
