"""Reads a notebook file as students hand it in, repairs what can be repaired, and says what cannot.

Called by the engine for every submission. Arbitrary bytes never raise: the answer is a Notebook, or Unreadable with a
sentence for the TA. Outputs are dropped. nbformat reads what is well formed, and brings old formats up to date. As it
refuses whole notebooks over one bad field, the others are read leniently here (nbformat 4: cells[].source; 1 to 3:
worksheets[].cells[].input). A file that breaks off is read as far as its cells are whole.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import nbformat

from autograder.course.faults import listed
from autograder.intake.names import binds_any, bound_names
from autograder.intake.signatures import PYTHON_SCRIPT, looks_like

MOST_BYTES = 200_000_000  # a notebook with all its pictures; Colab itself gives up at 20 MB
BREAKS_OFF = "The file breaks off"
NEWEST = 4  # the format's major version that is known here
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
MARKS = (  # the longer ones first, as UTF-32's begins like UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
CELLS = re.compile(r'"cells"\s*:\s*\[')
CONFLICT = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)  # marks that git leaves in a file it could not merge
SCRIPT_CELL = re.compile(r"^# (?:%%|In\s?\[[ \d]*\]:).*$", re.MULTILINE)  # as editors and nbconvert part a script
NO_WORD = re.compile(r"[^\w.+\\-]")
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
        text = _text(content, repairs)
        if looks_like(content) == PYTHON_SCRIPT:
            data = _script(text, repairs)
        else:
            data = _json(text, content, repairs)
        cells = _by_nbformat(data) or tuple(_cells(data, repairs))
        _note_conflicts(cells, repairs)
        if (language := _language(data)) not in ("python", "ipython"):
            repairs.note(f"The notebook says that its language is {language}; it was run as Python.")
        notebook = Notebook(cells, language, repairs.sentences())
        _refuse_other_work(notebook, names)
    except _NoNotebook as reason:
        broken = [note for note in repairs.notes if note.startswith(BREAKS_OFF)]
        return Unreadable(" ".join([*broken, str(reason)]))
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
    except UnicodeDecodeError as error:
        if len(content) - len(mark) - error.start < 4 and content.lstrip().startswith(
            (b"{", *(mark for mark, _ in MARKS))
        ):
            return content[len(mark) :].decode(encoding or "utf-8", errors="ignore")  # cut off within a character
        if encoding or not content.lstrip().startswith(b"{"):
            raise _NoNotebook(f"The file is no notebook: it is {looks_like(content)}.") from None
        repairs.note("The file was not saved as UTF-8; some accented letters may read differently.")
        return content.decode("cp1252", errors="replace")
    if encoding not in ("", "utf-8"):
        repairs.note(f"The file was saved as {encoding.upper()[:6]} and was read as such; notebooks are UTF-8.")
    return text


def _script(text: str, repairs: _Repairs) -> dict[str, Any]:
    """A Python script as a notebook: a cell where one is marked, else one for all of it."""
    repairs.note("A Python script was handed in, no notebook; it was run as one.")
    sources = [part.strip("\n") for part in SCRIPT_CELL.split(text)]
    return {"cells": [{"cell_type": "code", "source": source, "outputs": []} for source in sources if source.strip()]}


def _salvaged(text: str, repairs: _Repairs) -> dict[str, Any] | None:
    """The whole cells of a file that breaks off; None if there is none."""
    start = CELLS.search(text)
    if start is None:
        return None
    decoder, place, cells = json.JSONDecoder(parse_int=_integer), start.end(), []
    while True:
        place += len(text[place : place + 10_000]) - len(text[place : place + 10_000].lstrip(" \t\r\n,"))
        try:
            cell, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            break
        cells.append(cell)
    if not cells:
        return None
    whole = f"its {len(cells)} whole cells were" if len(cells) > 1 else "its one whole cell was"
    repairs.note(f"{BREAKS_OFF} in line {text.count(chr(10)) + 1}: {whole} read, and whatever followed is lost.")
    return {"cells": cells}


def _breaks_off(text: str, error: json.JSONDecodeError) -> bool:
    """Whether JSON ends too early, rather than being wrong somewhere in its midst."""
    return error.msg.startswith("Unterminated string") or not NO_WORD.search(text[error.pos :].rstrip())


def _json(text: str, content: bytes, repairs: _Repairs) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_int=_integer)
    except json.JSONDecodeError as error:
        if not text.lstrip().startswith("{") or len(text.strip()) < 2:
            raise _NoNotebook(f"The file is no notebook: it is {looks_like(content)}.") from None
        mark = CONFLICT.search(text)
        if mark:
            line = text.count("\n", 0, mark.start()) + 1
            raise _NoNotebook(
                f"The file has the marks of a merge conflict, the first in line {line}: git could not merge two "
                "versions of it. Ask for it again."
            ) from None
        if _breaks_off(text, error):
            found = _salvaged(text, repairs)
            if found is not None:
                return found
            where = f"it breaks off in line {text.count(chr(10)) + 1}, before its first cell is whole"
            raise _NoNotebook(f"The file is a notebook that was saved in part: {where}. Ask for it again.") from None
        where = f"{error.msg} in line {error.lineno}, column {error.colno}"
        raise _NoNotebook(f"The file is no valid JSON: {where}. Ask for it again.") from None
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


def _by_nbformat(data: dict[str, Any]) -> tuple[Cell, ...]:
    """The cells of a well-formed notebook by nbformat itself, brought up to version 4; none if it is not so."""
    major, minor = data.get("nbformat"), data.get("nbformat_minor", 0)
    if type(major) is not int or type(minor) is not int or major not in nbformat.versions or major < 2:
        return ()
    found = list(_raw_cells(data))
    if not found or not all(_is_plain(cell) for cell in found):
        return ()
    slim = {**data, "metadata": {}}
    if major == NEWEST:
        slim["cells"] = [{**cell, "outputs": []} if "outputs" in cell else cell for cell in found]
    else:
        slim["worksheets"] = [{"cells": [{**cell, "outputs": []} for cell in found], "metadata": {}}]
    try:
        read = nbformat.versions[major].to_notebook_json(slim, minor=minor)
        cells = (read if major == NEWEST else nbformat.convert(read, NEWEST)).cells
        return tuple(Cell(KINDS[cell.cell_type], cell.source) for cell in cells)
    except Exception:  # whatever it has against the file: the lenient reader says it in our words
        return ()


def _is_plain(cell: Any) -> bool:
    """Whether there is nothing to repair in a cell."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw", "heading", "html"):
        return False
    source = cell.get("source", cell.get("input"))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        if len(source) > 1 and not any(line.endswith("\n") for line in source[:-1]):
            return False
        source = "".join(source)
    return isinstance(source, str) and "\r" not in source and not UNFIT.search(source)


def _note_conflicts(cells: tuple[Cell, ...], repairs: _Repairs) -> None:
    for number, cell in enumerate(cells, 1):
        mark = CONFLICT.search(cell.source) if cell.kind == "code" else None
        if mark and "<<<<<<< " in cell.source:
            line = cell.source.count("\n", 0, mark.start()) + 1
            repairs.note(
                f"Cell {number} has the marks of a merge conflict, the first in line {line}; it cannot run so."
            )


def _cells(data: dict[str, Any], repairs: _Repairs) -> Iterator[Cell]:
    major = data.get("nbformat")
    if type(major) is int and major > NEWEST:
        repairs.note(f"The file says nbformat {major}, which is newer than is known here; it was read as nbformat 4.")
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
