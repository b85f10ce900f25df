"""The forms in which an honest notebook may arrive: made from the solved lab by what damages or dresses files.

`FORMS` names them; each makes a file's bytes of a notebook and some chance. Used by benchmarks/honest_class.py and
test_honest_class.py, beside the traits of honest_traits.py.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from honest_traits import Notebook


@dataclass(frozen=True)
class Form:
    """How a notebook is made a file, and how the file's name ends."""

    made: Callable[[Notebook, random.Random], bytes]
    ending: str = ".ipynb"


def written(notebook: Notebook, indent: int | None = 1) -> bytes:
    """As Jupyter writes it: a cell's source is a list of lines."""
    cells = [{**cell, "source": _lines(cell)} for cell in notebook["cells"]]
    return json.dumps({**notebook, "cells": cells}, indent=indent, ensure_ascii=False).encode()


def _lines(cell: Notebook) -> list[str]:
    return _source(cell).splitlines(keepends=True)


def _source(cell: Notebook) -> str:
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def junk_behind(notebook: Notebook, rng: random.Random) -> bytes:
    """What is left of a longer file that was written over."""
    rest = written(notebook)
    return rest + rest[-rng.randint(20, 200) :]


def nul_bytes(notebook: Notebook, rng: random.Random) -> bytes:
    """A file that a sync program or a crash filled up."""
    return written(notebook) + bytes(rng.randint(1, 4096))


def twice(notebook: Notebook, rng: random.Random) -> bytes:
    return written(notebook) + b"\n" + written(notebook)


def trailing_comma(notebook: Notebook, rng: random.Random) -> bytes:
    """Edited by hand."""
    text = written(notebook).decode()
    place = text.rindex("\n ],")  # the end of the cells
    return f"{text[:place]},{text[place:]}".encode()


def contents_api(notebook: Notebook, rng: random.Random) -> bytes:
    """What Jupyter's contents API answers, saved as the notebook."""
    about = {"name": "lab.ipynb", "path": "week3/lab.ipynb", "type": "notebook", "format": "json", "writable": True}
    return json.dumps({**about, "mimetype": None, "content": json.loads(written(notebook))}).encode()


def double_json(notebook: Notebook, rng: random.Random) -> bytes:
    return json.dumps(written(notebook).decode()).encode()


def merge_conflict(notebook: Notebook, rng: random.Random) -> bytes:
    """Two sides that differ in outputs and metadata alone."""
    lines = written(notebook).decode().split("\n")
    counts = [number for number, line in enumerate(lines) if '"execution_count": null' in line]
    place = rng.choice(counts)
    other = lines[place].replace("null", str(rng.randint(1, 40)))
    lines[place : place + 1] = ["<<<<<<< HEAD", lines[place], "=======", other, ">>>>>>> origin/main"]
    return "\n".join(lines).encode()


def half_lost_newlines(notebook: Notebook, rng: random.Random) -> bytes:
    """A program took the newlines off the ends of a cell's lines: here, of about half of them."""

    def line(text: str) -> str:
        return text if rng.random() < 0.5 else text.rstrip("\n")

    cells = [{**cell, "source": [line(text) for text in _lines(cell)]} for cell in notebook["cells"]]
    return json.dumps({**notebook, "cells": cells}, indent=1).encode()


def markdown(notebook: Notebook, rng: random.Random) -> bytes:
    """As jupytext writes it."""
    head = "---\njupyter:\n  jupytext:\n    text_representation:\n      extension: .md\n      format_name: markdown\n"
    head += "      format_version: '1.3'\n  kernelspec:\n    display_name: Python 3\n    name: python3\n---\n"
    parts = [head]
    for cell in notebook["cells"]:
        source = _source(cell)
        parts.append(f"```python\n{source}\n```\n" if cell["cell_type"] == "code" else f"{source}\n")
    return "\n".join(parts).encode()


def page(notebook: Notebook, rng: random.Random) -> bytes:
    """As nbconvert exports it to HTML."""
    import nbformat
    from nbconvert import HTMLExporter

    body, _ = HTMLExporter().from_notebook_node(nbformat.from_dict(notebook))
    return str(body).encode()


FORMS: dict[str, Form] = {
    "plain": Form(lambda notebook, rng: written(notebook)),
    "junk behind": Form(junk_behind),
    "NUL bytes": Form(nul_bytes),
    "twice": Form(twice),
    "trailing comma": Form(trailing_comma),
    "contents API": Form(contents_api),
    "double JSON": Form(double_json),
    "merge conflict": Form(merge_conflict),
    "half-lost newlines": Form(half_lost_newlines),
    "jupytext Markdown": Form(markdown, ".md"),
    "HTML export": Form(page, ".html"),
    "UTF-16": Form(lambda notebook, rng: written(notebook).decode().encode("utf-16")),
    "BOM": Form(lambda notebook, rng: b"\xef\xbb\xbf" + written(notebook)),
    "gzip": Form(lambda notebook, rng: gzip.compress(written(notebook), mtime=0)),
}
