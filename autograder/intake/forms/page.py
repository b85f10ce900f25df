"""Reads a notebook that was saved as a web page: nbconvert's export (Jupyter's, VS Code's), an editor's own page.

Called by `read_notebook`. The code stands where each program puts what was typed in, known by class names:
nbconvert's classic and lab templates (`input_area`, `jp-InputArea-editor`; the program's share/templates), the pages
of Jupyter (CodeMirror) and Colab (Monaco) as a browser saves them, line by line. Where there is nothing of these: the
notebook's JSON shown by a browser as a page, then blocks that say they are Python (Quarto, pandoc, Sphinx).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from autograder.intake.forms.encoding import without_entities
from autograder.intake.forms.repairs import NoNotebook, Repairs

MOST_CHARACTERS = 50_000_000  # of a page with all its pictures
MOST_TAGS = 1_000_000  # some seconds' work; coloured code has two for each word
# What is not closed goes to the page's end, as in HTML 13.2.5: each character is looked at once. The standard
# library's parser looks for the end of every unclosed tag again.
TOKEN = re.compile(
    r"<!--(?:[^-]++|-(?!->))*+(?:-->)?+"
    r"|<(?P<end>/?+)(?P<tag>[a-z][^\s/>]*+)(?P<given>(?:=\s*+(?:\"[^\"]*+\"?+|'[^']*+'?+)|[^>])*+)>?+"
    r"|<[!?/][^>]*+>?+",
    re.IGNORECASE,
)
GIVEN = re.compile(r"([^\s=/]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"?+|'([^']*+)'?+|([^\s]*+)))?+")
# Text in which no tag begins but the one that ends it
VERBATIM = {tag: re.compile(rf"</{tag}(?=[\s/>])", re.IGNORECASE) for tag in ("script", "style", "title", "textarea")}
INPUTS = {"input_area", "jp-InputArea-editor", "inputarea", "lazy-editor", "cell-code"}
LINES = {"CodeMirror-line", "cm-line", "view-line"}
MEASURES = {"CodeMirror-measure", "cm-gutters", "CodeMirror-gutter-wrapper", "CodeMirror-linenumber", "linenos"}
PYTHON = {"python", "ipython3", "hl-ipython3", "hl-python", "language-python", "highlight-python", "lang-python"}
PYTHON |= {"highlight-ipython3", "highlight-default", "source-python", "language-ipython3", "monaco-colorized"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
DEEPEST = 500  # elements within each other; what lies deeper counts as lying in the last
TOP = re.compile(r"top:\s*(\d{1,9})")
INVISIBLE = str.maketrans({"\u00a0": " ", "\u200b": None, "\ufeff": None, "\u200c": None})


def page_cells(text: str, repairs: Repairs) -> dict[str, Any] | str | None:
    """The cells of a page, or the notebook's JSON that it shows; None if there is neither."""
    if len(text) > MOST_CHARACTERS:
        size = f"{len(text) / 1e6:.0f} million characters, more than the {MOST_CHARACTERS / 1e6:.0f} that are read"
        raise NoNotebook(f"The file is a web page of {size}: ask for the notebook (.ipynb).")
    page = _Page()
    page.read(text)
    sources = page.inputs
    if not sources:
        shown = next((block for block, _ in page.blocks if block.lstrip().startswith("{") and '"cells"' in block), None)
        if shown is not None:
            repairs.note("The notebook was saved as a web page that shows its JSON; that was read.")
            return shown
        sources = [block for block, classes in page.blocks if classes & PYTHON]
    sources = [source.strip("\n") for source in sources if source.strip()]
    if not sources:
        return None
    repairs.note("The notebook was handed in as a web page (HTML); the code in its cells was run.")
    return {"cells": [{"cell_type": "code", "source": source, "outputs": []} for source in sources]}


@dataclass
class _Open:
    tag: str
    classes: set[str]


@dataclass
class _Block:
    """Text that is being read: a whole block of code, or one line of it."""

    depth: int
    classes: set[str]
    is_line: bool
    top: int = 0
    text: list[str] = field(default_factory=list)


class _Page:
    """Collects what was typed in (`inputs`, in order) and every other preformatted block with its classes."""

    def __init__(self) -> None:
        self.inputs: list[str] = []
        self.blocks: list[tuple[str, set[str]]] = []
        self.open: list[_Open] = []
        self.counts: dict[str, int] = {}
        self.area: int | None = None  # the depth of the element that holds what was typed in
        self.lines: list[tuple[int, str]] = []
        self.block: _Block | None = None
        self.unseen: int | None = None  # the depth of something that measures or numbers lines

    def read(self, text: str) -> None:
        """Go once over the page. Raises NoNotebook if it has too many tags."""
        place = tags = 0
        while (token := TOKEN.search(text, place)) is not None:
            self._text(text[place : token.start()])
            place = token.end()
            tag = (token["tag"] or "").lower()
            if not tag:
                continue
            tags += 1
            if tags > MOST_TAGS:
                raise NoNotebook(f"The file is a web page with more than {MOST_TAGS:,} tags: ask for the notebook.")
            if token["end"]:
                self._end(tag)
                continue
            self._start(tag, token["given"])
            if tag in VERBATIM:
                end = VERBATIM[tag].search(text, place)
                stop = end.start() if end else len(text)
                if self.block is not None and self.unseen is None:
                    self.block.text.append(text[place:stop])
                place = stop
            elif token["given"].endswith("/"):
                self._end(tag)
        self._text(text[place:])
        self._end_block()

    def _start(self, tag: str, written: str) -> None:
        if tag in VOID:
            if tag == "br" and self.block is not None:
                self.block.text.append("\n")
            return
        if len(self.open) >= DEEPEST:
            return
        given = {name.lower(): double or single or plain for name, double, single, plain in GIVEN.findall(written)}
        classes = set(without_entities(given.get("class", "")[:1000]).split())
        self.open.append(_Open(tag, classes))
        self.counts[tag] = self.counts.get(tag, 0) + 1
        depth = len(self.open)
        if self.unseen is None and classes & MEASURES:
            self.unseen = depth
        if self.area is None and classes & INPUTS:
            self.area = depth
        if self.block is None and self.unseen is None:
            is_line = self.area is not None and bool(classes & LINES)
            if is_line or tag == "pre" or (tag == "script" and "json" in given.get("type", "")):
                around = set().union(*(one.classes for one in self.open[-3:]))
                found = TOP.search(given.get("style", "")[:1000])
                self.block = _Block(depth, around, is_line, int(found[1]) if found else 0)
        elif self.block is not None:
            self.block.classes |= classes if tag == "code" else set()

    def _end(self, tag: str) -> None:
        if not self.counts.get(tag):
            return
        while self.open:
            closed = self.open.pop()
            self.counts[closed.tag] -= 1
            depth = len(self.open)
            if self.block is not None and self.block.depth > depth:
                self._end_block()
            if self.unseen is not None and self.unseen > depth:
                self.unseen = None
            if self.area is not None and self.area > depth:
                self._end_area()
            if closed.tag == tag:
                return

    def _text(self, written: str) -> None:
        if self.block is not None and self.unseen is None:
            self.block.text.append(without_entities(written))

    def _end_block(self) -> None:
        """What has been read is whole."""
        block, self.block = self.block, None
        if block is None:
            return
        text = "".join(block.text)
        if block.is_line:
            self.lines.append((block.top, text.translate(INVISIBLE)))
        elif self.area is not None:
            self.inputs.append(text)
        else:
            self.blocks.append((text, block.classes))

    def _end_area(self) -> None:
        """The lines of an editor make one cell; Monaco keeps them in any order and says where each stands."""
        self.area = None
        if self.lines:
            self.inputs.append("\n".join(text for _, text in sorted(self.lines, key=lambda line: line[0])))
            self.lines = []
