"""Makes cells of a notebook's data: by nbformat where they are well formed, leniently and with notes where not.

Called by `read_notebook`. nbformat brings old formats up to date; as it refuses whole notebooks over one bad field, the
others are read here (nbformat 4: cells[].source; 1 to 3: worksheets[].cells[].input). Outputs are dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import nbformat

from autograder.course.faults import listed
from autograder.intake.forms.conflicts import CONFLICT, same_code, sides
from autograder.intake.forms.damaged import json_kind
from autograder.intake.forms.encoding import without_entities
from autograder.intake.forms.repairs import NoNotebook, Repairs
from autograder.intake.names import tree_of

NEWEST = 4  # the format's major version that is known here
MOST_PARSED = 1_000_000  # characters of code; what has more is looked through faster and less closely
Kind = Literal["code", "markdown", "raw"]
KINDS: dict[Any, Kind] = {
    "code": "code",
    "markdown": "markdown",
    "raw": "raw",
    "heading": "markdown",
    "html": "markdown",
}
UNFIT = re.compile("[\ud800-\udfff\x00]")  # lone surrogates and NUL: no Python source, no database takes them
OTHER_LINE_ENDS = re.compile("[\u2028\u2029\x85\x0b]")
LINE_ENDS = tuple("\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")  # of str.splitlines, by which Jupyter parts a cell
ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#39|#x27|nbsp);")


@dataclass(frozen=True)
class Cell:
    """One cell; lines end in a plain newline."""

    kind: Kind
    source: str


def cells_of(data: dict[str, Any], repairs: Repairs) -> tuple[Cell, ...]:
    """All cells. Raises NoNotebook if there are none."""
    cells = _by_nbformat(data) or tuple(_leniently(data, repairs))
    return tuple(
        replace(cell, source=_whole(cell.source, number, repairs)) if cell.kind == "code" else cell
        for number, cell in enumerate(cells, 1)
    )


def language_of(data: dict[str, Any]) -> str:
    """As its metadata say; "python" if they say nothing."""
    metadata = data.get("metadata")
    for part, key in (("kernelspec", "language"), ("language_info", "name"), ("kernelspec", "name")):
        about = metadata.get(part) if isinstance(metadata, dict) else None
        said = about.get(key) if isinstance(about, dict) else None
        if isinstance(said, str) and said.strip():
            name = UNFIT.sub("", said).strip().lower()[:40]
            return "python" if name.startswith("python") else name
    return "python"


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
        if not all(line.endswith(LINE_ENDS) for line in source[:-1]):
            return False
        source = "".join(source)
    return isinstance(source, str) and "\r" not in source and not UNFIT.search(source)


def _leniently(data: dict[str, Any], repairs: Repairs) -> Iterator[Cell]:
    major = data.get("nbformat")
    if type(major) is int and major > NEWEST:
        repairs.note(f"The file says nbformat {major}, which is newer than is known here; it was read as nbformat 4.")
    found = list(_raw_cells(data))
    if not any(isinstance(cell, dict) for cell in found):
        has = listed([str(key)[:40] for key in data], 5)
        empty = not data or "cells" in data or "worksheets" in data
        raise NoNotebook(
            "The notebook has no cells." if empty else f"The file is JSON but no notebook: it has no cells, but {has}."
        )
    for number, cell in enumerate(found, 1):
        if isinstance(cell, dict):
            kind, source = _kind(cell, number, repairs), _source(cell, number, repairs)
            yield Cell(kind, _fit(source, number, repairs))
        else:
            repairs.note(f"Cell {number} holds {json_kind(cell)} where a cell belongs and was left out.")


def _raw_cells(data: dict[str, Any]) -> Iterator[Any]:
    """Cells as they stand in the file: nbformat 4 keeps them at the top, nbformat 1 to 3 in worksheets."""
    sheets = data.get("worksheets")
    holders = [data, *(sheets if isinstance(sheets, list) else [])]
    for holder in holders:
        cells = holder.get("cells") if isinstance(holder, dict) else None
        yield from cells if isinstance(cells, list) else ()


def _kind(cell: dict[str, Any], number: int, repairs: Repairs) -> Kind:
    declared = cell.get("cell_type")
    if isinstance(declared, str) and declared.lower() in KINDS:
        return KINDS[declared.lower()]
    kind: Kind = "code" if {"outputs", "execution_count", "input"} & set(cell) else "raw"
    repairs.note(f"Cell {number} does not say what it is; it was taken as {kind}.")
    return kind


def _source(cell: dict[str, Any], number: int, repairs: Repairs) -> str:
    source = cell.get("source", cell.get("input", cell.get("code")))  # `input`: before nbformat 4; `code`: before 2
    if isinstance(source, str):
        return source
    if isinstance(source, list):
        lines = [line for line in source if isinstance(line, str)]
        if len(lines) < len(source):
            repairs.note(f"Cell {number} has lines that are no text; they were left out.")
        return _joined(lines, number, repairs)
    if source is not None:
        repairs.note(f"Cell {number} holds no text and was taken as empty.")
    return ""


def _joined(lines: list[str], number: int, repairs: Repairs) -> str:
    """The lines as one text. All but the last should end in a newline; some programs lose all or some of these."""
    whole = "".join(lines)
    if all(line.endswith(LINE_ENDS) for line in lines[:-1]):
        return whole
    apart = "\n".join(line.removesuffix("\n") for line in lines)
    if len(whole) <= MOST_PARSED and tree_of(apart) is None and tree_of(whole) is not None:
        return whole  # a line in several pieces
    repairs.note(f"Cell {number} had lost its line ends; they were put back.")
    return apart


def _fit(source: str, number: int, repairs: Repairs) -> str:
    """The source without characters that neither Python nor a database takes, and with plain newlines."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if UNFIT.search(source):
        repairs.note(f"Cell {number} had characters that are no text; each became \ufffd.")
        source = UNFIT.sub("\ufffd", source)
    return source


def _whole(source: str, number: int, repairs: Repairs) -> str:
    """The source of a code cell as it was typed in, where what became of it on the way shows.

    It is changed only if it is no Python as it stands, and is so afterwards.
    """
    parted = sides(source)
    if parted is not None:
        ours, theirs = parted
        if same_code(ours, theirs):
            repairs.note(f"Cell {number} had the marks of a merge conflict; both sides say the same, and one was read.")
            return ours
        mark = CONFLICT.search(source)
        line = source.count("\n", 0, mark.start()) + 1 if mark else 1
        repairs.note(f"Cell {number} has the marks of a merge conflict, the first in line {line}; it cannot run so.")
        return source
    # Looked for before parsing, as hardly any cell has them
    chances = [(sentence, undo) for sentence, shows, undo in ON_THE_WAY if shows(source)]
    if not chances or len(source) > MOST_PARSED or tree_of(source) is not None:
        return source
    for sentence, undo in chances:
        changed = undo(source)
        if changed != source and tree_of(changed) is not None:
            repairs.note(f"Cell {number} {sentence}.")
            return changed
    return source


def _unescaped(source: str) -> str:
    try:
        return str(json.loads(f'"{source}"', strict=False))
    except ValueError:
        return source.replace("\\n", "\n")


ON_THE_WAY: tuple[tuple[str, Callable[[str], bool], Callable[[str], str]], ...] = (
    ("had its line ends written out; they were put back", lambda text: "\\n" in text and "\n" not in text, _unescaped),
    (
        "had line ends that Python does not know; they were made plain",
        lambda text: OTHER_LINE_ENDS.search(text) is not None,
        lambda text: OTHER_LINE_ENDS.sub("\n", text),
    ),
    (
        "was escaped as for a web page; that was undone",
        lambda text: ENTITY.search(text) is not None,
        lambda text: without_entities(text).replace("\u00a0", " "),
    ),
)
