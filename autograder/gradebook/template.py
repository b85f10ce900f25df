"""A gradebook file as the LMS exported it: its cells can be read, and replaced in place; every other byte stays.

A round trip through a CSV library would lose quoting, line ends and spelling of numbers, so cells keep their place in
the text. Used by `export` and the modules of the LMSs.
"""

from __future__ import annotations

import codecs
import functools
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import AutograderError

DELIMITERS = (",", ";", "\t")
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how .xlsx and .ods, and the old .xls, begin
QUOTED = re.compile(r'"(?:[^"]|"")*"')


class TemplateError(AutograderError):
    """The file cannot be filled in; the text names the file, the row and the way out."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One field: its value, and where it stands in the text, quotes included."""

    value: str
    start: int
    end: int
    quoted: bool


@dataclass
class Template:
    """The parsed file. Rows are numbered from 0, a row of several lines as one; people are told them from 1.

    `ends` has the place and the text of each row's line end; the last one's is "" where the file ends without.
    """

    path: Path
    text: str
    encoding: str
    mark: bytes
    delimiter: str
    rows: list[list[Cell]]
    ends: list[tuple[int, str]]
    changes: dict[tuple[int, int], str] = field(default_factory=dict)
    mended: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)  # (value, as it is written)
    line_end: str | None = None  # to be written in place of every other
    drop_mark: bool = False

    @functools.cached_property
    def titles(self) -> list[str]:
        """The header row's cells without surrounding spaces."""
        return [cell.value.strip() for cell in self.rows[0]]

    def value(self, row: int, column: int) -> str:
        """A cell's value as it came; "" where the row is too short."""
        cells = self.rows[row]
        return cells[column].value if column < len(cells) else ""

    def raw(self, cell: Cell) -> str:
        """A cell as it stands in the file, with its quotes."""
        return self.text[cell.start : cell.end]

    def set(self, row: int, column: int, value: str) -> None:
        """Note a new value. Raises TemplateError where the row has no such cell."""
        if column >= len(self.rows[row]):
            raise self.fault(row, f"it has {len(self.rows[row])} fields, too few; export it anew.")
        self.changes[row, column] = value

    def mend(self, row: int, column: int, value: str) -> None:
        """Write a cell that is not ours otherwise than it came, because the LMS would refuse or misread it so."""
        self.mended[row, column] = (value, _quoted_text(value))

    def fault(self, row: int, text: str) -> TemplateError:
        """An error that names the file and the row (numbered from 0 here)."""
        return TemplateError(text, file=str(self.path), place=f"row {row + 1}")

    def expected(self, row: int, column: int) -> str:
        """What the cell will hold."""
        if (row, column) in self.changes:
            return self.changes[row, column]
        return self.mended[row, column][0] if (row, column) in self.mended else self.rows[row][column].value

    def filled(self) -> bytes:
        """The file with its new values; whatever was not set or mended is byte for byte as it came."""
        spans: list[tuple[int, int, str]] = []
        for (row, column), (_, written) in self.mended.items():
            if (row, column) not in self.changes:
                cell = self.rows[row][column]
                spans.append((cell.start, cell.end, written))
        special = {self.delimiter, '"', "\n", "\r"}
        for (row, column), value in self.changes.items():
            cell = self.rows[row][column]
            quote = cell.quoted or not special.isdisjoint(value)
            spans.append((cell.start, cell.end, _quoted_text(value) if quote else value))
        if self.line_end is not None:
            spans += [(at, at + len(end), self.line_end) for at, end in self.ends if end and end != self.line_end]
        parts, place = [], 0
        for start, end, text in sorted(spans):
            parts += [self.text[place:start], text]
            place = end
        parts.append(self.text[place:])
        return (b"" if self.drop_mark else self.mark) + "".join(parts).encode(self.encoding)

    def mixed_ends(self) -> str | None:
        """The most frequent line end, if there are several sorts; else None."""
        counts = Counter(end for _, end in self.ends if end)
        return counts.most_common(1)[0][0] if len(counts) > 1 else None


def read_template(path: Path) -> Template:
    """Parse a gradebook export. Raises TemplateError if it is no CSV, or was cut off within a quote."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TemplateError(f"The template {path} cannot be read: {error.strerror}.") from None
    if content.startswith(WORKBOOKS):
        raise TemplateError(f"{path} is a spreadsheet's workbook; use the CSV file that the LMS exports, untouched.")
    mark, encoding = next(((mark, name) for mark, name in MARKS if content.startswith(mark)), (b"", "utf-8"))
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise TemplateError(
            f"{path}, row {row}: it is not {encoding.upper()}; a spreadsheet may have saved it. Use the file as the "
            "LMS exported it."
        ) from None
    if "\0" in text:
        raise TemplateError(f"{path} is no text file; use the CSV file that the LMS exports.")
    if not text.strip():
        raise TemplateError(f"The template {path} is empty; export the gradebook again.")
    first = re.split("[\r\n]", QUOTED.sub("", text), maxsplit=1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    rows, ends = _rows(text, delimiter, path)
    if len(rows[0]) == 1 and not rows[0][0].value:
        raise TemplateError(f"{path}, row 1: it is blank, where the header should be. Export the gradebook again.")
    return Template(path, text, encoding, mark, delimiter, rows, ends)


def _rows(text: str, delimiter: str, path: Path) -> tuple[list[list[Cell]], list[tuple[int, str]]]:
    plain = re.compile(f"[^{re.escape(delimiter)}\r\n]*")
    rows: list[list[Cell]] = []
    ends: list[tuple[int, str]] = []
    row: list[Cell] = []
    place = 0
    while True:
        cell = _quoted(text, place, path, len(rows)) if text.startswith('"', place) else None
        if cell is None:
            found = plain.match(text, place)
            end = found.end() if found else place
            cell = Cell(text[place:end], place, end, False)
        row.append(cell)
        place = cell.end
        sign = text[place : place + 1]
        if sign == delimiter:
            place += 1
            continue
        if sign not in ("", "\r", "\n"):
            raise TemplateError(f"{path}, row {len(rows) + 1}: there is text after a closing quote; export it anew.")
        rows.append(row)
        row = []
        sign = "\r\n" if text.startswith("\r\n", place) else sign
        ends.append((place, sign))
        place += len(sign)
        if place >= len(text):
            return rows, ends


def _quoted(text: str, start: int, path: Path, row: int) -> Cell:
    place = start + 1
    while True:
        end = text.find('"', place)
        if end < 0:
            raise TemplateError(f"{path}, row {row + 1}: a quote is not closed; the file was cut off. Export it anew.")
        if not text.startswith('""', end):
            return Cell(text[start + 1 : end].replace('""', '"'), start, end + 1, True)
        place = end + 2


def _quoted_text(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
