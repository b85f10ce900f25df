"""`autograder assign`: from an instructor's solved notebook to the one that students get.

The work is `otter assign`'s (extra [author]): it takes out the solutions and runs the public checks on the solved
notebook. What it cannot do is make a notebook that works alone: a student on Colab has one file, and otter refuses
checks that are kept in a notebook's metadata there. So the stub gets a first cell that writes the checks to tests/ and
starts otter.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

MARKERS = (
    "BEGIN SOLUTION",
    "END SOLUTION",
    "# SOLUTION",
    "BEGIN TESTS",
    "BEGIN QUESTION",
    "ASSIGNMENT CONFIG",
    "# IGNORE",
)
SECONDS = 600
TOLD = 1500  # characters of otter's own words that an error repeats
SETUP = """\
#@title Run this cell first: it prepares the checks { display-mode: "form" }
import importlib.util
import pathlib
import subprocess
import sys

CHECKS = {
%(checks)s}

pathlib.Path("tests").mkdir(exist_ok=True)
for name, text in CHECKS.items():
    pathlib.Path("tests", name + ".py").write_text(text, encoding="utf-8")

if "google.colab" in sys.modules and importlib.util.find_spec("otter") is None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "otter-grader>=7,<8"])

try:
    import otter

    grader = otter.Notebook()
except ImportError:

    class NoChecks:
        def check(self, question):
            print("The checks need the package otter-grader; you can go on without them.")

    grader = NoChecks()
"""


class AuthoringError(ValueError):
    """The master cannot be turned into a stub; the text names the file, the place and the way out."""


def build_stub(master: Path, out: Path) -> Path:
    """Write the students' notebook of `master` to `out`. Raises AuthoringError; `out` is then as it was."""
    text = stub_text(master)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(out)
    return out


def stub_difference(master: Path, stub: Path) -> str | None:
    """None if `stub` is byte for byte what `master` gives; else where the two part."""
    wanted = stub_text(master)
    if not stub.is_file():
        return "The stub does not exist yet."
    found = stub.read_text(encoding="utf-8")
    if found == wanted:
        return None
    try:
        cells = [_sources(json.loads(text)) for text in (found, wanted)]
    except (ValueError, KeyError, TypeError):
        return "The stub is no notebook."
    for number, (one, two) in enumerate(zip(*cells, strict=False), 1):
        if one != two:
            return f"Cell {number} differs. In the stub:\n{one[:300]}\nFrom the master:\n{two[:300]}"
    if len(cells[0]) != len(cells[1]):
        return f"The stub has {len(cells[0])} cells, the master gives {len(cells[1])}."
    return "The cells are equal, but not their metadata."


def stub_text(master: Path) -> str:
    """The students' notebook as JSON text; the same master gives the same bytes."""
    if not master.is_file():
        raise AuthoringError(f"There is no master {master}; write it there, in otter-assign's format.")
    with tempfile.TemporaryDirectory(prefix="autograder-assign-") as folder:
        student = _otter_assign(master, Path(folder))
        notebook = nbformat.read(student, as_version=4)
        checks = {
            path.stem: path.read_text(encoding="utf-8") for path in sorted((student.parent / "tests").glob("*.py"))
        }
    _refuse_leaks(notebook, master)
    cells = [_plain(cell) for cell in notebook.cells]
    first = next((place for place, cell in enumerate(cells) if cell["cell_type"] == "code"), len(cells))
    cells.insert(first, _setup_cell(checks))
    for number, cell in enumerate(cells, 1):
        cell["id"] = f"cell-{number:03d}"
    content = {
        "cells": cells,
        "metadata": {
            "colab": {"provenance": []},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    nbformat.validate(content)
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _otter_assign(master: Path, folder: Path) -> Path:
    """Run `otter assign` in a folder of its own; the path of the student's notebook it made."""
    if shutil.which("otter", path=str(Path(sys.executable).parent)) is None:
        raise AuthoringError("`autograder assign` needs otter-grader: pip install 'autograder[author]'")
    copy = folder / master.name
    shutil.copyfile(master, copy)
    done = subprocess.run(
        [str(Path(sys.executable).parent / "otter"), "assign", copy.name, "dist"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"},
    )
    made = folder / "dist" / "student" / master.name
    if done.returncode != 0 or not made.is_file():
        said = (done.stdout + done.stderr).strip()[-TOLD:]
        raise AuthoringError(f"otter assign refuses {master}; mend what it says and try again:\n{said}")
    return made


def _refuse_leaks(notebook: Any, master: Path) -> None:
    for number, cell in enumerate(notebook.cells, 1):
        for marker in MARKERS:
            if marker in cell.source:
                raise AuthoringError(
                    f"{master}: cell {number} of the student's notebook still holds {marker!r}; in the master, put it "
                    "on a line of its own, with its partner, inside the question's solution."
                )


def _plain(cell: Any) -> dict[str, Any]:
    """A cell without outputs, counts and otter's tags; a check stays undeletable."""
    metadata = {name: cell.metadata[name] for name in ("deletable", "editable") if name in cell.metadata}
    plain = {"cell_type": cell.cell_type, "metadata": metadata, "source": cell.source.splitlines(keepends=True)}
    if cell.cell_type == "code":
        plain |= {"outputs": [], "execution_count": None}
    return plain


def _setup_cell(checks: dict[str, str]) -> dict[str, Any]:
    listing = "".join(f'    {name!r}: """\\\n{_quoted(text)}""",\n' for name, text in checks.items())
    source = SETUP % {"checks": listing}
    return {
        "cell_type": "code",
        "metadata": {"cellView": "form", "jupyter": {"source_hidden": True}},
        "source": source.splitlines(keepends=True),
        "outputs": [],
        "execution_count": None,
    }


def _quoted(text: str) -> str:
    """Text that may stand between triple double quotes."""
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def _sources(notebook: Any) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"]]
