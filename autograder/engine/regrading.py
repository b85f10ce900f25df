"""Who changed when a run was graded again or marks were set by hand: from what, to what and why.

The notes are made in the record, as each outcome is saved; here they are shown and written to regrades.csv.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from autograder.gradebook.scores import for_people, write_whole
from autograder.record.history import Regrade, newest_regrade
from autograder.record.store import Record

FILE = "regrades.csv"
SHOWN = 60


def notes_so_far(path: Path) -> int:
    """The number of the last note in the record at `path`; 0 where there is no record yet."""
    if not path.is_file():
        return 0
    record = Record.open(path, create=False)
    try:
        return newest_regrade(record)
    finally:
        record.close()


def regrades_table(notes: Sequence[Regrade]) -> Table:
    table = Table(title="Changed", title_justify="left")
    for heading in ("student", "was", "is now", "why"):
        table.add_column(heading, overflow="fold")
    for note in notes[:SHOWN]:
        table.add_row(escape(note.key), note.was, note.now, escape(note.why))
    if len(notes) > SHOWN:
        table.caption = f"and {len(notes) - SHOWN} more: see {FILE}"
    return table


def write_regrades(run: Path, notes: Sequence[Regrade]) -> None:
    """Write regrades.csv anew, or take it away where there is nothing to tell."""
    if not notes:
        (run / FILE).unlink(missing_ok=True)
        return
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["student", "when", "was", "is now", "why"])
    for note in notes:
        row = (note.key, note.at, note.was, note.now, note.why)
        writer.writerow([for_people(cell) for cell in row])
    write_whole(run / FILE, file.getvalue().encode("utf-8", "replace"))
