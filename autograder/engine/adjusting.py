"""`autograder adjust --from FILE`: the points that a person sets for many students at a time.

Called by the command line. All rows are checked before any is written.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence
from pathlib import Path

from autograder.engine.people import everybody
from autograder.engine.running import changing, told_change
from autograder.people.tables import Entry, read_table
from autograder.record.adjustments import Adjustment, adjust, checker
from autograder.record.anonymity import naming
from autograder.record.history import noting
from autograder.record.standing import by_key
from autograder.record.store import Record, RecordError, now_utc

COLUMNS = ("student", "question", "points", "why")
POINTS = re.compile(r"\d{1,6}([.,]\d{1,2})?")  # a comma where a spreadsheet writes decimals so; never for thousands


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
