"""Small tables with known columns that a TA writes by hand: extensions, adjustments, groups, decisions.

A sheet (see `sheets`) whose header has the needed columns, any of some further ones, and no other, so that a slip in a
title is no silently ignored column. Called by `extensions`, `groups`, `decisions` and
the engine's `changing`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.course.faults import did_you_mean, listed
from autograder.intake.faults import IntakeError
from autograder.people.sheets import Sheet, check_width, read_sheet, spoilt, unescaped


@dataclass(frozen=True)
class Entry:
    """One row that is not blank; columns that the file does not have are "" in it."""

    path: Path
    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def fault(self, message: str, column: str = "") -> IntakeError:
        """The error that says what is wrong with this row."""
        return IntakeError(f"{self.path}, row {self.number}{', ' if column else ''}{column}: {message}")


IDS = ("student", "hand_in")  # the columns that name somebody, in whichever of these tables


def read_table(path: Path, what: str, needed: Sequence[str], further: Sequence[str] = ()) -> list[Entry]:
    """The rows of the CSV at `path`; `what` names it in errors ("list of extensions").

    The header has the columns `needed` and any of `further`, in any order and letter case, and no other.
    Raises IntakeError with the row for what cannot be read.
    """
    sheet = read_sheet(path, what, listed(needed))
    columns = _columns(sheet, needed, (*needed, *further))
    entries = []
    for row in sheet.rows[1:]:
        check_width(sheet, row, len(sheet.rows[0].cells))
        entries.append(Entry(path, row.number, {name: unescaped(row.cell(place)) for name, place in columns.items()}))
    for column in IDS:
        ids = [entry[column] for entry in entries]
        if (place := spoilt(ids)) is not None:
            raise entries[place].fault(f'the id "{ids[place]}" was spoilt by a spreadsheet; write it as text.', column)
    return entries


def _columns(sheet: Sheet, needed: Sequence[str], known: Collection[str]) -> dict[str, int]:
    """Where the columns are; a column with a blank title is passed over."""
    header = sheet.rows[0]
    where = f"{sheet.path}, row {header.number}"
    titles = [header.cell(place).casefold() for place in range(len(header.cells))]
    for title in filter(None, titles):
        if title not in known:
            hint = did_you_mean(title, known) or "."
            raise IntakeError(f'{where}: there is no column "{title}"{hint} Known are {listed(known)}.')
        if titles.count(title) > 1:
            raise IntakeError(f'{where}: the column "{title}" is there twice.')
    absent = [name for name in needed if name not in titles]
    if absent:
        raise IntakeError(f"{where}: expected a header with {listed(known)}; {listed(absent)} is not there.")
    return {title: place for place, title in enumerate(titles) if title}
