"""A gradebook file as the LMS exported it: its cells can be read, and replaced in place; every other byte stays.

A round trip through a CSV library would lose quoting, line ends and spelling of numbers, so cells keep their place in
the text. Used by `export` alone.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from pathlib import Path

DELIMITERS = (",", ";", "\t")


class TemplateError(ValueError):
    """The file cannot be filled in; the text names the file, the row and the way out."""


@dataclass(frozen=True)
class Cell:
    """One field: its value, and where it stands in the text, quotes included."""

    value: str
    start: int
    end: int
    quoted: bool


@dataclass
class Template:
    """The parsed file. Rows are numbered from 0; `number` gives the row as a person counts, by lines of the sheet."""

    path: Path
    text: str
    encoding: str
    mark: bytes
    delimiter: str
    rows: list[list[Cell]]
    changes: dict[tuple[int, int], str] = field(default_factory=dict)

    def value(self, row: int, column: int) -> str:
        """A cell's value as it came; "" where the row is too short."""
        return self.rows[row][column].value if column < len(self.rows[row]) else ""

    def set(self, row: int, column: int, value: str) -> None:
        """Note a new value. Raises TemplateError where the row has no such cell."""
        if column >= len(self.rows[row]):
            raise TemplateError(
                f"{self.path}, row {row + 1}: it has {len(self.rows[row])} fields, too few; export it anew."
            )
        self.changes[row, column] = value

    def filled(self, keep_mark: bool = True) -> bytes:
        """The file with its new values; whatever was not set is byte for byte as it came."""
        parts, place = [], 0
        for (row, column), value in sorted(self.changes.items()):
            cell = self.rows[row][column]
            quote = cell.quoted or any(sign in value for sign in (self.delimiter, '"', "\n", "\r"))
            parts += [self.text[place : cell.start], '"' + value.replace('"', '""') + '"' if quote else value]
            place = cell.end
        parts.append(self.text[place:])
        return (self.mark if keep_mark else b"") + "".join(parts).encode(self.encoding)


def read_template(path: Path) -> Template:
    """Parse a gradebook export. Raises TemplateError if it is no CSV, or was cut off within a quote."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TemplateError(f"The template {path} cannot be read: {error.strerror}.") from None
    mark, encoding = b"", "utf-8"
    for known, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(known):
            mark, encoding = known, name
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise TemplateError(f"{path}, row {row}: it is not UTF-8; use the file as the LMS exported it.") from None
    if not text.strip():
        raise TemplateError(f"The template {path} is empty; export the gradebook again.")
    first = text.lstrip("\r\n").splitlines()[0]
    delimiter = max(DELIMITERS, key=first.count)
    return Template(path, text, encoding, mark, delimiter, _rows(text, delimiter, path))


def _rows(text: str, delimiter: str, path: Path) -> list[list[Cell]]:
    plain = re.compile(f"[^{re.escape(delimiter)}\r\n]*")
    rows: list[list[Cell]] = []
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
        place += 2 if text.startswith("\r\n", place) else 1
        if place >= len(text):
            return rows


def _quoted(text: str, start: int, path: Path, row: int) -> Cell:
    place = start + 1
    while True:
        end = text.find('"', place)
        if end < 0:
            raise TemplateError(f"{path}, row {row + 1}: a quote is not closed; the file was cut off. Export it anew.")
        if not text.startswith('""', end):
            return Cell(text[start + 1 : end].replace('""', '"'), start, end + 1, True)
        place = end + 2
