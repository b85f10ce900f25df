"""Reads the small tables that people write by hand or save from a spreadsheet: extensions, adjustments.

CSV in UTF-8 or UTF-16, with or without a byte order mark; comma, semicolon or tab. Cells are text, composed (NFC) and
stripped; a `'` that a spreadsheet needed before a formula sign is taken off. Every fault names file and row; rows count
as in a spreadsheet, the header is row 1.
"""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.course.faults import did_you_mean, listed, nearest
from autograder.intake.faults import IntakeError

DELIMITERS = (",", ";", "\t")
EXCEL_HINT = "sep="  # a first line by which Excel is told the delimiter
FORMULA_SIGNS = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Row:
    """One row that is not blank; columns that the file does not have are "" in it."""

    path: Path
    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def fault(self, message: str, column: str = "") -> IntakeError:
        """The error that says what is wrong with this row."""
        return IntakeError(f"{self.path}, row {self.number}{', ' if column else ''}{column}: {message}")


def read_sheet(path: Path, what: str, needed: Sequence[str], further: Sequence[str] = ()) -> list[Row]:
    """The rows of the CSV at `path`; `what` names it in errors ("list of extensions").

    The header has the columns `needed` and any of `further`, in any order and letter case, and no other.
    Raises IntakeError with the row for what cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        there = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise IntakeError(f"There is no {what} {path}{did_you_mean(path.name, there) or '.'}") from None
    except OSError as error:
        raise IntakeError(f"The {what} {path} cannot be read: {error.strerror}.") from error
    records = _records(_text(content, path), path)
    _, header = next(records, (1, []))
    columns = _columns(header, path, needed, (*needed, *further))
    rows = []
    for number, cells in records:
        if any(cell.strip() for cell in cells[len(header) :]):
            fault = f"found {len(cells)} fields, expected {len(header)}; text with a delimiter in it needs quotes"
            raise IntakeError(f"{path}, row {number}: {fault}.")
        named = {name: _cell(cells[place]) for name, place in columns.items() if place < len(cells)}
        rows.append(Row(path, number, named))
    return rows


def plain(text: str) -> str:
    """Composed (NFC) and stripped."""
    return unicodedata.normalize("NFC", text).strip()


def _text(content: bytes, path: Path) -> str:
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # Excel's "Unicode text"
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise IntakeError(f'{path}, row {row}: expected UTF-8; save it as "CSV UTF-8".') from None
    if "\x00" in text:
        raise IntakeError(f"{path} is no text file; save the sheet as CSV.")
    return text


def _records(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Records that are not blank, with their number; one of several lines counts as one."""
    delimiter = ""
    if text.lower().startswith(EXCEL_HINT):
        hint, _, text = text.partition("\n")
        delimiter = hint[len(EXCEL_HINT) :].strip("\r ")
        text = "\n" + text  # a line was taken off; with a blank one in its place the numbers stay the file's
    if len(delimiter) != 1:
        first = next((line for line in text.splitlines() if line.strip()), "")
        delimiter = max(DELIMITERS, key=first.count)
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        raise IntakeError(f"{path} is no CSV: {error}; a quote may be missing.") from error


def _columns(header: Sequence[str], path: Path, needed: Sequence[str], known: Collection[str]) -> dict[str, int]:
    """Where the columns are; a column with a blank title is passed over."""
    titles = [plain(title).casefold() for title in header]
    for title in titles:
        if not title:
            continue
        if title not in known:
            near = nearest(title, known)
            hint = f'; did you mean "{near}"?' if near else "."
            raise IntakeError(f'{path}, row 1: there is no column "{title}"{hint} Known are {listed(known)}.')
        if titles.count(title) > 1:
            raise IntakeError(f'{path}, row 1: the column "{title}" is there twice.')
    absent = [name for name in needed if name not in titles]
    if absent:
        raise IntakeError(f"{path}, row 1: expected a header with {listed(known)}; {listed(absent)} is not there.")
    return {title: place for place, title in enumerate(titles) if title}


def _cell(text: str) -> str:
    text = plain(text)
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_SIGNS) else text
