"""`autograder assign`: from an instructor's solved notebook to the one that students get; called by cli.py.

The work is `otter assign`'s (extra [author]): it takes out the solutions and runs the public checks on the solved
notebook. Around it stand what it does not do: a stub that works where it is the only file (setup_cell.py), refusing
what would leak an answer (leaks.py), and the same bytes for the same master.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from difflib import unified_diff
from itertools import zip_longest
from pathlib import Path
from typing import Any

import nbformat

from autograder.authoring.leaks import AuthoringError, refuse_leaks, refuse_unpaired
from autograder.authoring.setup_cell import setup_cell

__all__ = ["AuthoringError", "build_stub", "stub_difference", "stub_text"]

SECONDS = 600  # for otter to run the master and its checks
TOLD = 1500  # characters of otter's own words that an error repeats
SHOWN = 40  # lines of a difference
RAISED = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Invalid): ", re.MULTILINE)  # a traceback's last paragraph


def build_stub(master: Path, out: Path) -> Path:
    """Write the students' notebook of `master` to `out`. Raises AuthoringError; `out` is then as it was."""
    text = stub_text(master)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(out)
    return out


def stub_difference(master: Path, stub: Path) -> str | None:
    """None if `stub` is byte for byte what `master` gives, else where they part. Does not run the master's checks."""
    wanted = stub_text(master, run_checks=False)
    if not stub.is_file():
        return "The stub does not exist yet."
    found = stub.read_bytes()
    if found == wanted.encode():
        return None
    try:
        cells = zip_longest(_sources(json.loads(found)), _sources(json.loads(wanted)), fillvalue="")
        lines = [line for number, (old, new) in enumerate(cells, 1) for line in _cell_difference(number, old, new)]
    except (ValueError, KeyError, TypeError):
        return "The stub is no notebook."
    if not lines:
        return "The sources of the cells are equal, but not their kinds or metadata."
    cut = [f"... and {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else []
    return "\n".join(lines[:SHOWN] + cut)


def stub_text(master: Path, *, run_checks: bool = True) -> str:
    """The students' notebook as JSON text; the same master gives the same bytes. Raises AuthoringError.

    With `run_checks` the master is run, and refused if it fails one of its own public checks.
    """
    if not master.is_file():
        raise AuthoringError(f"There is no master {master}; write it there, in otter-assign's format.")
    refuse_unpaired(_read(master), str(master))
    with tempfile.TemporaryDirectory(prefix="autograder-assign-") as folder:
        made = _otter_assign(master, Path(folder), run_checks)
        student = _read(made)
        checks = {path.stem: path.read_text(encoding="utf-8") for path in sorted((made.parent / "tests").glob("*.py"))}
    refuse_leaks(student, str(master))
    cells = [_plain(cell) for cell in student.cells]
    first = next((place for place, cell in enumerate(cells) if cell["cell_type"] == "code"), len(cells))
    cells.insert(first, setup_cell(checks))
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


def _read(path: Path) -> Any:
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError) as problem:  # nbformat's own
        raise AuthoringError(f"{path} is no notebook; save it again from Jupyter. ({str(problem)[:200]})") from problem


def _otter_assign(master: Path, folder: Path, run_checks: bool) -> Path:
    """Run `otter assign` in a folder of its own; the path of the student's notebook it made."""
    otter = shutil.which("otter", path=str(Path(sys.executable).parent))
    if otter is None:
        raise AuthoringError("`autograder assign` needs otter-grader: pip install 'autograder[author]'")
    shutil.copyfile(master, folder / master.name)
    options = [] if run_checks else ["--no-run-tests"]
    try:
        done = subprocess.run(
            [otter, "assign", *options, master.name, "dist"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"},
        )
    except subprocess.TimeoutExpired as late:
        raise AuthoringError(f"{master} ran for more than {SECONDS} s; shorten what its solutions train.") from late
    made = folder / "dist" / "student" / master.name
    if done.returncode != 0 or not made.is_file():
        said = _reason(done.stdout + done.stderr)
        raise AuthoringError(f"otter assign refuses {master}; mend what it says and try again:\n{said}")
    return made


def _reason(output: str) -> str:
    """What otter raised, without the way there; all of its last words if it raised nothing."""
    raised = list(RAISED.finditer(output))
    return output[raised[-1].start() :].strip()[:TOLD] if raised else output.strip()[-TOLD:]


def _plain(cell: Any) -> dict[str, Any]:
    """A cell without outputs, counts and otter's tags; a check stays undeletable."""
    metadata = {name: cell.metadata[name] for name in ("deletable", "editable") if name in cell.metadata}
    plain = {"cell_type": cell.cell_type, "metadata": metadata, "source": cell.source.splitlines(keepends=True)}
    if cell.cell_type == "code":
        plain |= {"outputs": [], "execution_count": None}
    return plain


def _cell_difference(number: int, old: str, new: str) -> list[str]:
    names = (f"cell {number} of the stub", f"cell {number} from the master")
    return list(unified_diff(old.splitlines(), new.splitlines(), *names, lineterm="", n=1))


def _sources(notebook: Any) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"]]
