"""Reads a notebook file as students hand it in, repairs what can be repaired, and says what cannot.

Called by the engine for every submission. Arbitrary bytes never raise: the answer is a Notebook, or Unreadable with a
sentence for the TA. How a file may be damaged, wrapped or exported is told in `forms`, one module each; here they are
put in order. What was not plain is noted for the student's page.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from autograder.course.faults import listed
from autograder.intake.forms.cells import MOST_PARSED, Cell, Kind, cells_of, language_of
from autograder.intake.forms.conflicts import CONFLICT, same_work, sides
from autograder.intake.forms.damaged import BREAKS_OFF, read_json
from autograder.intake.forms.encoding import characters
from autograder.intake.forms.markdown import markdown_cells
from autograder.intake.forms.packing import MOST_BYTES, unpacked
from autograder.intake.forms.page import page_cells
from autograder.intake.forms.repairs import NoNotebook, Repairs
from autograder.intake.forms.script import script_cells
from autograder.intake.forms.wrapped import notebook_in
from autograder.intake.names import binds_any, bound_names, tree_of
from autograder.intake.signatures import HTML_PAGE, PLAIN_TEXT, PYTHON_SCRIPT, looks_like
from autograder.intake.stated import stated_in

__all__ = ["MOST_BYTES", "Cell", "Kind", "Notebook", "Unreadable", "read_notebook"]

HEAD = 4096  # characters by which a text is known
JSON_AFTER = re.compile(r'\{\s*"(?:cells|nbformat|nbformat_minor|metadata|worksheets)"\s*:')


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


def read_notebook(content: bytes, names: Collection[str]) -> Notebook | Unreadable:
    """The notebook in `content`. `names` are the assignment's: one that binds none of them is another's notebook."""
    repairs = Repairs()
    try:
        content = unpacked(content, repairs)
        cells, language = _of_text(characters(content, repairs), looks_like(content), names, repairs)
        if language not in ("python", "ipython"):
            repairs.note(f"The notebook says that its language is {language}; it was run as Python.")
        notebook = Notebook(cells, language, repairs.sentences())
        _refuse_other_work(notebook, names)
    except NoNotebook as reason:
        broken = [note for note in repairs.notes if note.startswith(BREAKS_OFF)]
        return Unreadable(" ".join([*broken, str(reason)]))
    return notebook


def _of_text(text: str, what: str, names: Collection[str], repairs: Repairs) -> tuple[tuple[Cell, ...], str]:
    """Cells and language. `what` says what the bytes look like, for a reason. Raises NoNotebook."""
    parted = sides(text)
    if parted is not None:
        return _merged(text, parted, what, names, repairs)
    data = _data(text, what, names, repairs)
    return cells_of(data, repairs), language_of(data)


def _merged(
    text: str, parted: tuple[str, str], what: str, names: Collection[str], repairs: Repairs
) -> tuple[tuple[Cell, ...], str]:
    """One side of a merge conflict, if the other has the same work in it."""
    read = []
    for side in parted:
        try:
            noted = Repairs()
            data = _data(side, what, names, noted)
            read.append((cells_of(data, noted), language_of(data), noted))
        except NoNotebook:
            continue
    codes = [[cell.source for cell in cells if cell.kind == "code"] for cells, _, _ in read]
    if len(codes) < 2 or not same_work(codes[0], codes[1], names):
        mark = CONFLICT.search(text)
        line = text.count("\n", 0, mark.start()) + 1 if mark else 1
        why = "its two sides differ in their code" if len(read) == 2 else "its two sides cannot be told apart"
        raise NoNotebook(
            f"The file has the marks of a merge conflict, the first in line {line}, and {why}: git could not merge two "
            "versions of it. Ask for it again."
        )
    repairs.note("The file has the marks of a merge conflict; both sides hold the same work, and the first was read.")
    cells, language, noted = read[0]
    repairs.notes |= noted.notes
    return cells, language


def _data(text: str, what: str, names: Collection[str], repairs: Repairs) -> dict[str, Any]:
    """The notebook as data, in whatever form it is. Raises NoNotebook."""
    start = text[:HEAD].lstrip()
    if start.startswith("{"):
        return notebook_in(read_json(text, what, repairs), repairs)
    shown = looks_like(_without_comment(text).encode("utf-8", "replace")[:HEAD])
    if start.startswith(("[", '"')) and shown != PYTHON_SCRIPT:
        try:
            value = read_json(text, what, repairs)
        except NoNotebook:
            value = None
        if value is not None:
            return notebook_in(value, repairs)
    if shown in (PYTHON_SCRIPT, PLAIN_TEXT):
        found = _written(text, shown, names, repairs)
        if found is not None:
            return found
    if start.startswith("<"):
        page = page_cells(text, repairs)
        if isinstance(page, str):
            return notebook_in(read_json(page, HTML_PAGE, repairs), repairs)
        if page is not None:
            return page
    inner = JSON_AFTER.search(text)
    if inner is not None:
        data = notebook_in(read_json(text[inner.start() :], what, repairs), repairs)
        repairs.note(f"Something else stands before the notebook ({inner.start()} characters); it was left out.")
        return data
    return notebook_in(read_json(text, what, repairs), repairs)


def _written(text: str, shown: str, names: Collection[str], repairs: Repairs) -> dict[str, Any] | None:
    """A text that is a script or Markdown; None if it is neither, or is no work of this assignment."""
    is_python = len(text) <= MOST_PARSED and tree_of(text) is not None
    if shown == PYTHON_SCRIPT and is_python:
        return script_cells(text, repairs)
    markdown = markdown_cells(text, repairs)
    if markdown is not None:
        return markdown
    if shown == PYTHON_SCRIPT or (is_python and names and binds_any(bound_names(text), names)):
        return script_cells(text, repairs)
    return None


def _without_comment(text: str) -> str:
    """The head of a text, without the remark that a browser puts before a page it saves."""
    start = text[:HEAD].lstrip()
    return start.partition("-->")[2] if start.startswith("<!--") else start


def _refuse_other_work(notebook: Notebook, names: Collection[str]) -> None:
    code = notebook.code
    if not any(source.strip() for source in code):
        what = "its code cells are all empty" if code else "it holds text alone"
        raise NoNotebook(f"The notebook has no code: {what}.")
    parse = sum(map(len, code)) <= MOST_PARSED
    found: dict[str, None] = {}
    for source in code:
        bound = list(bound_names(source, parse))
        if not names or binds_any(bound, names):
            return
        found.update(dict.fromkeys(bound))
    found = found or {"nothing": None}
    language = "" if notebook.language == "python" else f", and its language is {notebook.language}"
    stated = stated_in(code) if parse else None
    says = f'It says that it is "{stated.title}" ({stated.id}). ' if stated is not None else ""
    raise NoNotebook(
        f"{says}This seems to be the notebook of another assignment: none of its cells defines "
        f"{listed(list(names), 6)}; "
        f"what it defines is {listed([name[:40] for name in found], 6)}{language}."
    )
