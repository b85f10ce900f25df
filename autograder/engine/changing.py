"""What changes a graded run, or writes its files anew: points set by hand, a student forgotten, `report`.

Called by the command line. Whatever changes the record writes everything beside it anew.
"""

from __future__ import annotations

import contextlib
import getpass
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.engine.people import everybody, key_of
from autograder.gradebook.writing import number
from autograder.people.tables import Entry, read_table
from autograder.record.adjustments import Adjustment, adjust, checker, undo
from autograder.record.anonymity import naming, overview
from autograder.record.findings import forget_findings
from autograder.record.folder import RECORD, locked
from autograder.record.history import noting
from autograder.record.standing import Standing, by_key
from autograder.record.store import Record, RecordError, now_utc
from autograder.report.outputs import remove_pages, write_outputs, write_students

COLUMNS = ("student", "question", "points", "why")
POINTS = re.compile(r"\d{1,6}([.,]\d{1,2})?")  # a comma where a spreadsheet writes decimals so; never for thousands


def write_again(run: Path, student: str | None = None) -> list[Path]:
    """A run's files anew from its record; of one student, by key, the page and the results alone. What was written.

    Raises RecordError if there is no run, nobody has that key, or that student was not graded yet.
    """
    record = Record.open(run / RECORD, create=False)
    try:
        if student is None:
            write_outputs(run, record)
            return [run]
        written = write_students(run, record, overview(record), {key_of(record, student)})
        if not written:
            raise RecordError(f"{student} was not graded yet; there is nothing to write.")
        return written
    finally:
        record.close()


def adjust_run(run: Path, key: str, question: str, points: float | None, why: str) -> str:
    """Set points by hand, or take that back (None), and write the run's files anew; a sentence on the score.

    Raises RecordError for an unknown student or question, points out of range, or a missing reason.
    """
    with changing(run) as record:
        key, who = key_of(record, key), getpass.getuser()
        name = naming(record)(key)
        before = by_key(record)[key]
        if points is not None:
            with noting(record, f"{question} set by hand by {who}: {why.strip()}"):
                adjust(record, [Adjustment(key, question, points, why, who, now_utc())])
        else:
            with noting(record, f"{question} no longer set by hand, by {who}"):
                if not undo(record, key, question):
                    raise RecordError(f"{key} has no adjustment of {question} to take back.")
        return told_change(name, before, by_key(record)[key])


def told_change(name: str, before: Standing, after: Standing) -> str:
    """What became of a student's score and, where that is not what counts, of what counts."""
    told = ["no score" if one.score is None else number(one.score) for one in (before, after)]
    sentence = f"{name}: {told[0]} -> {told[1]}"
    if after.excused:
        return f"{sentence}; excused, so it does not count"
    if before.final is not None and after.final is not None and (before.penalty or after.penalty):
        return f"{sentence}; after the late penalty {number(before.final)} -> {number(after.final)}"
    return sentence


@contextlib.contextmanager
def changing(run: Path) -> Iterator[Record]:
    """The record of a run that nobody else is at work on; the run's files are written anew when all went well.

    Raises RecordError if there is none, or if somebody is at work there.
    """
    record = Record.open(run / RECORD, create=False)
    try:
        with locked(run):
            yield record
            write_outputs(run, record)
    finally:
        record.close()


def forget_student(run: Path, key: str) -> str:
    """Wipe a student: outcome, hand-in, executed cells, adjustments, pages. Raises RecordError for an unknown key."""
    with changing(run) as record:
        key = key_of(record, key)
        name = naming(record)(key)
        forget_findings(record, next(one for one in record.people() if one.key == key))
        record.forget(key)
        remove_pages(run, {key, name})
    return (
        f"{name} is forgotten here. Files that were exported or handed in elsewhere are yours to delete; who is still "
        "in the download or on the roster is back with the next `grade`."
    )


def adjust_from(run: Path, path: Path) -> list[str]:
    """Set points as the CSV at `path` says, all of its rows or none; a sentence on each student's score.

    Raises IntakeError, with the row, for what cannot be read or set, RecordError if there is no such run.
    """
    rows = read_table(path, "list of adjustments", COLUMNS)
    who = getpass.getuser()
    with changing(run) as record:
        wanted = _wanted(record, rows, who)
        why: dict[str, str] = {}
        for one in wanted:
            said = f"{one.question} set by hand by {who}: {one.why}"
            why[one.key] = f"{why[one.key]}; {said}" if one.key in why else said
        before = by_key(record)
        with noting(record, why):
            adjust(record, wanted)
        after, name_of = by_key(record), naming(record)
    return [told_change(name_of(key), before[key], after[key]) for key in why]


def _wanted(record: Record, rows: Sequence[Entry], who: str) -> list[Adjustment]:
    check, at = checker(record), now_utc()
    whose = everybody(record)
    met: dict[tuple[str, str], int] = {}
    wanted = []
    for row in rows:
        if not POINTS.fullmatch(row["points"]):
            raise row.fault(f'expected a number with at most two decimals, found "{row["points"]}".', "points")
        points = float(row["points"].replace(",", "."))
        one = Adjustment(whose.key_of(row), row["question"], points, row["why"], who, at)
        try:
            check(one)
        except RecordError as error:
            raise row.fault(str(error)) from None
        first = met.setdefault((one.key, one.question), row.number)
        if first != row.number:
            raise row.fault(f"{one.question} of this student is in row {first} already.")
        wanted.append(one)
    return wanted
