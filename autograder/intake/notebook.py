"""Reads a notebook file as students hand it in, repairs what can be repaired, and says what cannot.

Called by the engine for every submission, before anything runs. Arbitrary bytes never raise: the answer is a Notebook,
or Unreadable with a sentence for the TA. Outputs are dropped; they are made again by running the cells.

The format is read leniently here and not through nbformat: its reader refuses whole notebooks over one bad field, and
what must run is in two of them (nbformat 4: cells[].source; 1 to 3: worksheets[].cells[].input).
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from autograder.course.faults import listed
from autograder.intake.names import binds_any, bound_names
from autograder.intake.signatures import looks_like

MOST_BYTES = 50_000_000  # a notebook with all its pictures; Colab itself gives up at 20 MB
MOST_PARSED = 1_000_000  # characters of code; what has more is looked through faster and less closely
MOST_DIGITS = 300  # of a number; nothing in a notebook's cells depends on one
MOST_NOTES = 20
Kind = Literal["code", "markdown", "raw"]
KINDS: dict[Any, Kind] = {
    "code": "code",
    "markdown": "markdown",
    "raw": "raw",
    "heading": "markdown",
    "html": "markdown",
}
# Byte order marks; the longer ones first, as UTF-32's begins like UTF-16's.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
UNFIT = re.compile("[\ud800-\udfff\x00]")  # lone surrogates and NUL: no Python source, no database takes them


@dataclass(frozen=True)
class Cell:
    """One cell; lines end in a plain newline."""

    kind: Kind
    source: str


@dataclass(frozen=True)
class Notebook:
    """What can be run. `notes` are sentences for the student on what was repaired."""

    cells: tuple[Cell, ...]
    language: str  # as its metadata say; "python" if they say nothing
    notes: tuple[str, ...] = ()

    @property
    def code(self) -> tuple[str, ...]:
        """The sources of the code cells, in order."""
        return tuple(cell.source for cell in self.cells if cell.kind == "code")


@dataclass(frozen=True)
class Unreadable:
    """Why there is nothing to grade, in a sentence that a TA can act on."""

    reason: str


@dataclass
class _Repairs:
    """Notes made on the way, each once."""

    notes: dict[str, None] = field(default_factory=dict)

    def note(self, sentence: str) -> None:
        self.notes[sentence] = None

    def sentences(self) -> tuple[str, ...]:
        """The notes; of very many only the first, as a person reads them."""
        rest = len(self.notes) - MOST_NOTES
        return (*list(self.notes)[:MOST_NOTES], *([f"{rest} more repairs like these were made."] if rest > 0 else []))


class _NoNotebook(Exception):
    """The text is the reason of an Unreadable."""


def read_notebook(content: bytes, names: Collection[str]) -> Notebook | Unreadable:
    """The notebook in `content`. `names` are the assignment's: one that binds none of them is another's notebook."""
    repairs = _Repairs()
    try:
        data = _json(_text(content, repairs), content)
        cells = tuple(_cells(data, repairs))
        notebook = Notebook(cells, _language(data), repairs.sentences())
        _refuse_other_work(notebook, names)
    except _NoNotebook as reason:
        return Unreadable(str(reason))
    return notebook


def _text(content: bytes, repairs: _Repairs) -> str:
    """The characters of the file, from whatever encoding an editor has put them in."""
    if len(content) > MOST_BYTES:
        size = f"{len(content) / 1e6:.0f} MB, more than the {MOST_BYTES / 1e6:.0f} MB that are read"
        raise _NoNotebook(f"The file has {size}: ask for it again with its outputs cleared.")
    mark, encoding = next(((mark, name) for mark, name in MARKS if content.startswith(mark)), (b"", ""))
    if not mark and content[:1] in b"{[" and content[1:2] == b"\x00":
        encoding = "utf-16-le"
    elif not mark and content[:1] == b"\x00" and content[1:2] in (b"{", b"["):
        encoding = "utf-16-be"
    try:
        text = content[len(mark) :].decode(encoding or "utf-8")
    except UnicodeDecodeError:
        if encoding or not content.lstrip().startswith(b"{"):
            raise _NoNotebook(f"The file is no notebook: it is {looks_like(content)}.") from None
        repairs.note("The file was not saved as UTF-8; some accented letters may read differently.")
        return content.decode("cp1252", errors="replace")
    if encoding not in ("", "utf-8"):
        repairs.note(f"The file was saved as {encoding.upper()[:6]} and was read as such; notebooks are UTF-8.")
    return text


def _json(text: str, content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_int=_integer)
    except json.JSONDecodeError as error:
        if not text.lstrip().startswith("{") or len(text.strip()) < 2:
            raise _NoNotebook(f"The file is no notebook: it is {looks_like(content)}.") from None
        if not text.rstrip().endswith("}"):
            where = f"it breaks off after line {text.count(chr(10)) + 1}"
            raise _NoNotebook(f"The file is a notebook that was saved in part: {where}. Ask for it again.") from None
        where = f"{error.msg} in line {error.lineno}, column {error.colno}"
        conflict = " (marks of a merge conflict are in it)" if "\n<<<<<<<" in text else ""
        raise _NoNotebook(f"The file is no valid JSON{conflict}: {where}. Ask for it again.") from None
    except RecursionError:
        raise _NoNotebook("The file is no notebook: its JSON is nested without end.") from None
    if not isinstance(data, dict):
        raise _NoNotebook(f"The file is JSON but no notebook: it holds {_json_kind(data)} where an object belongs.")
    return data


def _integer(digits: str) -> int:
    # Python refuses to read numbers of thousands of digits, and they would cost time: no cell depends on one.
    return int(digits) if len(digits) <= MOST_DIGITS else 0


def _json_kind(value: Any) -> str:
    kinds = {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")


def _cells(data: dict[str, Any], repairs: _Repairs) -> Iterator[Cell]:
    found = list(_raw_cells(data))
    if not any(isinstance(cell, dict) for cell in found):
        has = listed([str(key)[:40] for key in data], 5)
        empty = not data or "cells" in data or "worksheets" in data
        raise _NoNotebook(
            "The notebook has no cells." if empty else f"The file is JSON but no notebook: it has no cells, but {has}."
        )
    for number, cell in enumerate(found, 1):
        if isinstance(cell, dict):
            kind, source = _kind(cell, number, repairs), _source(cell, number, repairs)
            yield Cell(kind, _fit(source, number, repairs))
        else:
            repairs.note(f"Cell {number} holds {_json_kind(cell)} where a cell belongs and was left out.")


def _raw_cells(data: dict[str, Any]) -> Iterator[Any]:
    """Cells as they stand in the file: nbformat 4 keeps them at the top, nbformat 1 to 3 in worksheets."""
    sheets = data.get("worksheets")
    holders = [data, *(sheets if isinstance(sheets, list) else [])]
    for holder in holders:
        cells = holder.get("cells") if isinstance(holder, dict) else None
        yield from cells if isinstance(cells, list) else ()


def _kind(cell: dict[str, Any], number: int, repairs: _Repairs) -> Kind:
    declared = cell.get("cell_type")
    if isinstance(declared, str) and declared.lower() in KINDS:
        return KINDS[declared.lower()]
    kind: Kind = "code" if {"outputs", "execution_count", "input"} & set(cell) else "raw"
    repairs.note(f"Cell {number} does not say what it is; it was taken as {kind}.")
    return kind


def _source(cell: dict[str, Any], number: int, repairs: _Repairs) -> str:
    source = cell.get("source", cell.get("input"))  # `input`: code cells before nbformat 4
    if isinstance(source, str):
        return source
    if isinstance(source, list):
        lines = [line for line in source if isinstance(line, str)]
        if len(lines) < len(source):
            repairs.note(f"Cell {number} has lines that are no text; they were left out.")
        if len(lines) > 1 and not any(line.endswith("\n") for line in lines[:-1]):
            repairs.note(f"Cell {number} had lost its line ends; they were put back.")
            return "\n".join(lines)
        return "".join(lines)
    if source is not None:
        repairs.note(f"Cell {number} holds no text and was taken as empty.")
    return ""


def _fit(source: str, number: int, repairs: _Repairs) -> str:
    """The source without characters that neither Python nor a database takes, and with plain newlines."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if UNFIT.search(source):
        repairs.note(f"Cell {number} had characters that are no text; each became \ufffd.")
        source = UNFIT.sub("\ufffd", source)
    return source


def _language(data: dict[str, Any]) -> str:
    metadata = data.get("metadata")
    for part, key in (("kernelspec", "language"), ("language_info", "name"), ("kernelspec", "name")):
        about = metadata.get(part) if isinstance(metadata, dict) else None
        said = about.get(key) if isinstance(about, dict) else None
        if isinstance(said, str) and said.strip():
            name = UNFIT.sub("", said).strip().lower()[:40]
            return "python" if name.startswith("python") else name
    return "python"


def _refuse_other_work(notebook: Notebook, names: Collection[str]) -> None:
    code = notebook.code
    if not any(source.strip() for source in code):
        what = "its code cells are all empty" if code else "it holds text alone"
        raise _NoNotebook(f"The notebook has no code: {what}.")
    parse = sum(map(len, code)) <= MOST_PARSED
    found: dict[str, None] = {}
    for source in code:
        bound = list(bound_names(source, parse))
        if not names or binds_any(bound, names):
            return
        found.update(dict.fromkeys(bound))
    found = found or {"nothing": None}
    language = "" if notebook.language == "python" else f", and its language is {notebook.language}"
    raise _NoNotebook(
        f"This seems to be the notebook of another assignment: none of its cells defines {listed(list(names), 6)}; "
        f"what it defines is {listed([name[:40] for name in found], 6)}{language}."
    )
