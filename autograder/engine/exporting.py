"""`autograder export` and `feedback`: from a run to the files that are uploaded, every change told first."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.errors import AutograderError
from autograder.gradebook.export import USUAL, Filled, Filling, fill, receipts_of, write_filled
from autograder.gradebook.returning import packed
from autograder.gradebook.writing import write_whole
from autograder.intake.keys import file_safe
from autograder.record.anonymity import naming
from autograder.record.folder import RECORD, locked
from autograder.record.history import keep_receipts
from autograder.record.standing import Standing, standings
from autograder.record.store import Person, Record, now_utc
from autograder.report.feedback import page

SHOWN = 60


def export_run(
    run: Path, to: str, template: Path, out: Path, console: Console, filling: Filling = USUAL, dry_run: bool = False
) -> int:
    """0 if everybody with a score is in the file, 1 if somebody is not. Raises AutograderError if nothing can be."""
    record = Record.open(run / RECORD, create=False)
    try:
        with contextlib.nullcontext() if dry_run else locked(run):
            filled = fill(record, to, template, filling)
            name_of = naming(record)
            if not dry_run:
                write_filled(filled, out)
                keep_receipts(record, receipts_of(filled, now_utc()))
    finally:
        record.close()
    if filled.changes:
        console.print(changes_table(filled, name_of, everything=dry_run))
    for note in filled.notes:
        console.print(escape(note), highlight=False)
    for one in filled.held:
        console.print(
            f"Row {one.row}, {escape(name_of(one.student))}: not written, {escape(one.why)}.", highlight=False
        )
    for key in filled.unplaced:
        console.print(
            f"No row is of {escape(name_of(key))}: enter that grade by hand, or grade with a --roster that has its id.",
            highlight=False,
        )
    told = ", ".join(f"{count} {word}" for word, count in filled.statuses.items())
    left = f", {len(filled.held)} are held back" if filled.held else ""
    left += f", {len(filled.unplaced)} have no row" if filled.unplaced else ""
    if theirs := sum(change.theirs for change in filled.changes):
        console.print(f"Of the changes, {theirs} replace what this run did not put there (*).", highlight=False)
    console.print(
        f"{filled.statuses.total()} in the run: {told}. {len(filled.changes)} grades change, {filled.same} are there "
        f"already{left}.",
        highlight=False,
    )
    end = "Nothing was written (--dry-run)." if dry_run else f"Written to {escape(str(out))}."
    console.print(end, soft_wrap=True, highlight=False)
    return int(bool(filled.unplaced or filled.held))


def changes_table(filled: Filled, name_of: Callable[[str], str], everything: bool) -> Table:
    """The changes: all of them, or those that replace a grade and some of the others."""
    table = Table(title="Changes", title_justify="left")
    for heading in ("row", "student", "was", "will be"):
        table.add_column(heading)
    room = len(filled.changes) if everything else SHOWN
    left = 0
    for change in sorted(filled.changes, key=lambda change: change.row):
        if not change.replaces and room <= 0:
            left += 1
            continue
        room -= not change.replaces
        table.add_row(
            str(change.row),
            escape(name_of(change.student)),
            escape(change.old.strip() or "-") + (" *" if change.theirs else ""),
            change.new or "(blank)",
        )
    if left:
        table.caption = f"and {left} more where there was no grade; --dry-run lists all"
    return table


def return_feedback(run: Path, to: str, out: Path, console: Console) -> int:
    """0 if every page has a name that brings it to its student, else 1. Raises AutograderError if there are none."""
    record = Record.open(run / RECORD, create=False)
    try:
        name_of, info = naming(record), record.info()

        def page_of(key: str) -> bytes | None:
            path = run / "feedback" / f"{file_safe(name_of(key))}.html"
            return path.read_bytes() if path.is_file() else None

        def team_page(members: Sequence[Standing]) -> bytes:
            person, outcome = members[0].person, record.outcome(members[0].person.key)
            assert outcome is not None
            team = Person(person.group or "Your group", person.group)
            return page(info, replace(members[0], person=team, outcome=outcome)).encode("utf-8", "replace")

        returned = packed(standings(record, with_tests=False), page_of, team_page, to)
    finally:
        record.close()
    for key, why in returned.unplaced.items():
        console.print(f"{escape(name_of(key))}: {escape(why)}; return the page by hand.", highlight=False)
    for note in returned.notes:
        console.print(escape(note), highlight=False)
    if not returned.count and not returned.unplaced:
        raise AutograderError(f"There are no pages in {run / 'feedback'}; `autograder report {run}` writes them.")
    write_whole(out, returned.content)
    console.print(f"Written to {escape(str(out))}: {returned.count} pages.", soft_wrap=True, highlight=False)
    return int(bool(returned.unplaced))
