"""--match FILE: a person's word on whose each hand-in is, as a CSV with the columns hand_in and student.

Of a student's several files a row says as well which one counts, if it names that file. Read by the command line;
`matching` puts it before everything else, and the record keeps it for the next run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from autograder.course.faults import did_you_mean
from autograder.intake.faults import IntakeError
from autograder.intake.handin import HandIn
from autograder.people.roster import Roster
from autograder.people.sheets import plain
from autograder.people.tables import read_table

HEADER = ("hand_in", "student")


def read_decisions(
    path: Path, submissions: Sequence[HandIn], roster: Roster | None, counting: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Hand-in's key -> student's key, "" for nobody on the roster.

    A hand-in is named by its key, its source or, if no other has that one, its file name; a student by the roster's
    key. A row that says which file counts may have the hand-in's own key, or a blank, for the student. `counting` are
    sources of files that were said to count by an earlier call, and whose they are: they need not be here.
    Raises IntakeError with the row and the nearest name for what is unknown, and for two words on one hand-in or
    student.
    """
    names = _names(submissions)
    files = read_files(path, submissions)
    for source, key in (counting or {}).items():
        names.setdefault(plain(source), {key})
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
        (key,) = keys
        own = key in files and student in ("", key)
        if student and roster is None and key not in files:
            raise IntakeError(f"{where}: whose hand-ins are is told by the roster's keys; name the list with --roster.")
        if student and roster is not None and student not in students and not own:
            near = did_you_mean(student, students)
            raise IntakeError(f'{where}: nobody on the roster has the key "{student}"{near or "."}')
        for kind, name in (("hand-in", key), ("student", student)):
            if name and rows.setdefault((kind, name), row.number) != row.number:
                raise IntakeError(f'{where}: the {kind} "{name}" is in row {rows[kind, name]} already.')
        found[key] = students.get(student, student if roster is None else "")
    return found


def read_files(path: Path, submissions: Sequence[HandIn]) -> dict[str, HandIn]:
    """Hand-in's key -> the one of its several files that a row names."""
    whole = {plain(one.key) for one in submissions}
    named: dict[str, list[tuple[str, HandIn]]] = defaultdict(list)
    for one in submissions:
        for file in one.files if len(one.files) > 1 else ():
            for name in _names_of(file) - whole:
                named[name].append((one.key, file))
    rows = [plain(row["hand_in"]) for row in read_table(path, "match file", HEADER)]
    return dict(named[name][0] for name in rows if len(named.get(name, ())) == 1)


def _names(submissions: Sequence[HandIn]) -> dict[str, set[str]]:
    """Everything by which a hand-in can be named -> the keys it names; a key names its own hand-in alone."""
    names: dict[str, set[str]] = defaultdict(set)
    for one in submissions:
        for file in (one, *one.files):
            for name in _names_of(file):
                names[name].add(one.key)
    for one in submissions:
        names[plain(one.key)] = {one.key}
    return names


def _names_of(file: HandIn) -> set[str]:
    path = PurePosixPath(file.source.rsplit(": ", 1)[-1])
    return {plain(name) for name in (file.source, file.filename, PurePosixPath(file.source).name, path.name)}
