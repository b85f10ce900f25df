"""Reads the sheets that a person hands over: class lists, groups, decisions. Everything in them is text.

CSV with any usual delimiter, UTF-8 or Excel's UTF-16, with or without a byte order mark or a "sep=" line. Called by
`roster` and `tables`, which know what the columns mean. `spoilt` says of any file's ids, a gradebook's too, whether
they are still those that the LMS wrote.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.course.faults import did_you_mean
from autograder.intake.faults import IntakeError

DELIMITERS = (",", ";", "\t")
EXCEL_HINT = "sep="  # a first line by which Excel is told the delimiter
# How spreadsheets write a long number, or what they took for one: one digit, a fraction, an exponent with its sign.
# Names look like numbers otherwise: 19e4567, 2e7.
SCIENTIFIC = re.compile(r"[1-9](?:[.,]\d+)?E\+\d{2,3}", re.IGNORECASE)
KEPT_DIGITS = 15  # of a number, in a spreadsheet; the others become 0 (IEEE 754 doubles)
ENOUGH = 3  # numbers whose further digits are all 0 are no chance


@dataclass(frozen=True)
class Row:
    """One row; `number` counts from 1 as a person does, a row of several lines as one."""

    number: int
    cells: tuple[str, ...]

    def cell(self, position: int | None) -> str:
        """A cell without surrounding spaces, composed; "" where there is none."""
        return plain(self.cells[position]) if position is not None and position < len(self.cells) else ""


@dataclass(frozen=True)
class Sheet:
    """A file's rows that are not blank. `what` is its name in a sentence ("roster")."""

    path: Path
    what: str
    rows: tuple[Row, ...]


def plain(text: str) -> str:
    """Composed (NFC) and stripped: two spellings of one id are equal so."""
    return unicodedata.normalize("NFC", text).strip()


def unescaped(cell: str) -> str:
    """A cell without what LMSs and spreadsheets put before a formula sign: `'=x` and `="=x"`."""
    if cell.startswith('="') and cell.endswith('"') and len(cell) > 2:
        return cell[2:-1]
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ("=", "+", "-", "@") else cell


def spoilt(ids: Sequence[str]) -> int | None:
    """The place of the first id in a column whose digits a spreadsheet has changed; None if there is none.

    What looks like a number in scientific notation by its shape alone, such as a login 19e4567, is whole.
    """
    for place, text in enumerate(ids):
        if SCIENTIFIC.fullmatch(text):
            return place
    long = [place for place, text in enumerate(ids) if len(text) > KEPT_DIGITS and text.isdecimal()]
    cut = all(not ids[place][KEPT_DIGITS:].strip("0") for place in long)
    return long[0] if len(long) >= ENOUGH and cut else None


def read_sheet(path: Path, what: str, header: str) -> Sheet:
    """The sheet at `path`, at least one row. `header` says what was expected, for the message on an empty file.

    Raises IntakeError that names the file, the row and the way out.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        there = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise IntakeError(f"There is no {what} {path}{did_you_mean(path.name, there) or '.'}") from None
    except OSError as error:
        raise IntakeError(f"The {what} {path} cannot be read: {error.strerror}.") from error
    rows = tuple(_rows(_text(content, path), path))
    if not rows:
        raise IntakeError(f"The {what} {path} is empty; expected a header row with {header}.")
    return Sheet(path, what, rows)


def check_width(sheet: Sheet, row: Row, width: int) -> None:
    """Raises IntakeError for a row with more in it than the header has columns."""
    if any(cell.strip() for cell in row.cells[width:]):
        raise IntakeError(
            f"{sheet.path}, row {row.number}: found {len(row.cells)} fields, expected {width}; a name with a delimiter "
            "in it needs quotes."
        )


def _text(content: bytes, path: Path) -> str:
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # Excel's "Unicode text", Blackboard's .xls
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise IntakeError(f'{path}, row {row}: expected UTF-8; save it as "CSV UTF-8".') from None
    if "\x00" in text:
        raise IntakeError(f"{path} is no text file; save the sheet as CSV.")
    return text


def _rows(text: str, path: Path) -> Iterator[Row]:
    delimiter = ""
    if text.lower().startswith(EXCEL_HINT):
        hint, _, text = text.partition("\n")
        delimiter = hint[len(EXCEL_HINT) :].strip("\r ")
        # A line was taken off the file; blank in its place, the numbers stay those of the file.
        text = "\n" + text
    if len(delimiter) != 1:
        first = next((line for line in text.splitlines() if line.strip()), "")
        delimiter = max(DELIMITERS, key=first.count)
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            if any(cell.strip() for cell in row):
                yield Row(number, tuple(row))
    except csv.Error as error:
        raise IntakeError(f"{path} is no CSV: {error}; a quote may be missing.") from error
