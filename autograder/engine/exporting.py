"""`autograder export`: from a run's record to the file that is uploaded, every change told before it is written."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.engine.grading import RECORD
from autograder.gradebook.export import Filled, fill, write_filled
from autograder.gradebook.returning import packed
from autograder.gradebook.scores import write_whole
from autograder.intake.submissions import file_safe
from autograder.judge.results import Status
from autograder.record.store import Record

SHOWN = 60


def export_run(
    run: Path, to: str, template: Path, out: Path, column: str | None, dry_run: bool, erase: bool, console: Console
) -> int:
    """0 if everybody with a score found a row, 1 if somebody did not. Raises ValueError if nothing can be written."""
    record = Record.open(run / RECORD, create=False)
    try:
        filled = fill(record, to, template, column, erase)
        outcomes = record.outcomes(with_cells=False)
        planned = len(record.planned())
    finally:
        record.close()
    console.print(changes_table(filled))
    for note in filled.notes:
        console.print(escape(note))
    counts = {status: sum(one.status is status for one in outcomes) for status in Status}
    told = ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
    console.print(f"{planned} in the run: {told}. {len(filled.changes)} grades change; nobody else's cell does.")
    for key in filled.unplaced:
        console.print(
            f"No row is of {escape(key)}: enter that grade by hand, or grade with a --roster that has its id."
        )
    if dry_run:
        console.print("Nothing was written (--dry-run).")
    else:
        write_filled(filled, out)
        console.print(f"Written to {escape(str(out))}: raw scores, no late penalty taken off.", soft_wrap=True)
    return int(bool(filled.unplaced))


def changes_table(filled: Filled) -> Table:
    table = Table(title="Changes", title_justify="left")
    for heading in ("row", "student", "was", "will be"):
        table.add_column(heading)
    for change in filled.changes[:SHOWN]:
        table.add_row(str(change.row), escape(change.student), escape(change.old or "-"), change.new or "(blank)")
    if len(filled.changes) > SHOWN:
        table.caption = f"and {len(filled.changes) - SHOWN} more"
    return table


def return_feedback(run: Path, to: str, out: Path, console: Console) -> int:
    """0 if every page has a name that brings it to its student, else 1."""
    record = Record.open(run / RECORD, create=False)
    try:
        people = record.planned()
    finally:
        record.close()

    def page_of(key: str) -> bytes | None:
        path = run / "feedback" / f"{file_safe(key)}.html"
        return path.read_bytes() if path.is_file() else None

    returned = packed(people, page_of, to)
    for key in returned.unplaced:
        console.print(f"{escape(key)}: the hand-in did not come in a download of {to}; return the page by hand.")
    write_whole(out, returned.content)
    console.print(f"Written to {escape(str(out))}: {returned.count} pages.", soft_wrap=True)
    return int(bool(returned.unplaced))
