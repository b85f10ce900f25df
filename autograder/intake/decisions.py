"""--match FILE: a person's word on whose each hand-in is, as a CSV with the columns hand_in and student.

Read by the command line; `matching` puts it before everything else, and the record keeps it for the next run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from autograder.course.faults import did_you_mean
from autograder.intake.faults import IntakeError
from autograder.intake.roster import Roster
from autograder.intake.sheets import plain
from autograder.intake.submissions import Submission
from autograder.intake.tables import read_table

HEADER = ("hand_in", "student")


def read_decisions(path: Path, submissions: Sequence[Submission], roster: Roster | None) -> dict[str, str]:
    """Hand-in's key -> student's key, "" for nobody on the roster.

    A hand-in is named by its key, its source or, if no other has that one, its file name; a student by the roster's
    key. Raises IntakeError with the row and the nearest name for what is unknown, and for two words on one hand-in or
    student.
    """
    names = _names(submissions)
    students = {plain(student.key): student.key for student in roster.students} if roster is not None else {}
    found: dict[str, str] = {}
    rows: dict[tuple[str, str], int] = {}
    for row in read_table(path, "match file", HEADER):
        where = f"{path}, row {row.number}"
        hand_in, student = (plain(row[column]) for column in HEADER)
        keys = names.get(hand_in, set())
        if len(keys) > 1:
            raise IntakeError(f'{where}: {len(keys)} hand-ins are called "{hand_in}"; name one by its key or source.')
        if not keys:
            near = did_you_mean(hand_in, names)
            raise IntakeError(f'{where}: no hand-in is called "{hand_in}"{near or "; see scores.csv for their keys."}')
        if student and roster is None:
            raise IntakeError(f"{where}: whose hand-ins are is told by the roster's keys; name the list with --roster.")
        if student and student not in students:
            near = did_you_mean(student, students)
            raise IntakeError(f'{where}: nobody on the roster has the key "{student}"{near or "."}')
        (key,) = keys
        for kind, name in (("hand-in", key), ("student", student)):
            if name and rows.setdefault((kind, name), row.number) != row.number:
                raise IntakeError(f'{where}: the {kind} "{name}" is in row {rows[kind, name]} already.')
        found[key] = students.get(student, "")
    return found


def _names(submissions: Sequence[Submission]) -> dict[str, set[str]]:
    """Everything by which a hand-in can be named -> the keys it names; a key names its own hand-in alone."""
    names: dict[str, set[str]] = defaultdict(set)
    for one in submissions:
        for name in (one.source, one.filename, PurePosixPath(one.source).name):
            names[plain(name)].add(one.key)
    for one in submissions:
        names[plain(one.key)] = {one.key}
    return names
