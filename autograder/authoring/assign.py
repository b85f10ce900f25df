"""`autograder assign`: from an instructor's solved notebook to the one that students get; called by cli.py.

otter-assign (extra [author]) takes out the solutions. Around it stands what it does not do: public checks from the
grader modules (public_checks.py), run on the solved notebook in a real kernel (kernel.py); a stub that works where it
is the only file (setup_cell.py); refusing what would leak an answer (leaks.py) or does not fit grading.yml; and the
same bytes for the same master.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from difflib import unified_diff
from itertools import zip_longest
from pathlib import Path
from typing import Any

import nbformat

from autograder.authoring.kernel import run_in_kernel
from autograder.authoring.leaks import AuthoringError, refuse_answers, refuse_leaks, refuse_unpaired
from autograder.authoring.public_checks import otter_file, public_checks
from autograder.authoring.questions import Walked, walked
from autograder.authoring.setup_cell import code_cell, setup_cell, watch_cell
from autograder.course import Assignment, Course

__all__ = ["AuthoringError", "build_stub", "stub_difference", "stub_text"]

SECONDS = 600  # for otter
TOLD = 1500  # characters of otter's own words that an error repeats
SHOWN = 40  # lines of a difference
RAISED = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Invalid): ", re.MULTILINE)  # a traceback's last paragraph
PASSED = "All test cases passed!"  # otter's words


def build_stub(course: Course, assignment: Assignment, out: Path | None = None) -> Path:
    """Write the students' notebook, to `out` if not to its place. Raises AuthoringError; the file is then as it was."""
    text = stub_text(course, assignment)
    out = course.stub_path(assignment) if out is None else out
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(out)
    return out


def stub_difference(course: Course, assignment: Assignment, stub: Path | None = None) -> str | None:
    """None if the stub is byte for byte what the master gives, else where they part. Does not run the checks."""
    wanted = stub_text(course, assignment, run_checks=False)
    stub = course.stub_path(assignment) if stub is None else stub
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


def stub_text(course: Course, assignment: Assignment, *, run_checks: bool = True) -> str:
    """The students' notebook as JSON text; the same master gives the same bytes. Raises AuthoringError.

    With `run_checks` the solved notebook is run, and refused if it fails one of its own public checks.
    """
    master = course.master_path(assignment)
    if not master.is_file():
        raise AuthoringError(
            f"There is no master {master}; write the solved notebook there, in otter-assign's format "
            "(docs/writing-graders.md)."
        )
    notebook = _read(master)
    refuse_unpaired(notebook, str(master))
    found = walked(notebook, assignment, str(master))
    checks = {
        question: otter_file(question, assignment.questions[question].points, of)
        for question, of in public_checks(course, assignment).items()
    }
    setup, watch = setup_cell(assignment, checks, course.student_part), watch_cell(assignment)
    notebook.cells = _with_checks(found, checks, assignment, watch)
    with tempfile.TemporaryDirectory(prefix="autograder-assign-") as folder:
        student = _read(_otter_assign(notebook, master, Path(folder)))
    refuse_leaks(student, str(master))
    refuse_answers(found, [(cell.cell_type, cell.source) for cell in student.cells], checks, str(master))
    cells = [_plain(cell) for cell in student.cells]
    if run_checks and checks:
        _refuse_failing(["".join(setup["source"]), *_code(notebook.cells)], str(master))
    first = next((place for place, cell in enumerate(cells) if cell["cell_type"] == "code"), len(cells))
    cells.insert(first, setup)
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


def _with_checks(
    found: list[Walked], checks: Mapping[str, str], assignment: Assignment, watch: dict[str, Any] | None
) -> list[Any]:
    """The master's cells, with a cell that checks at the end of each question, and the one that watches the loop."""
    cells: list[Any] = []
    for number, one in enumerate(found):
        ends = one.question and (number + 1 == len(found) or found[number + 1].question != one.question)
        if ends and one.question in checks:  # `one` is the raw cell END QUESTION
            check = code_cell(f'grader.check("{one.question}")', {"deletable": False, "editable": False})
            cells.append(_node(check))
        cells.append(one.cell)
        if ends and watch is not None and assignment.loop is not None and one.question == assignment.loop.question:
            cells.append(_node(watch))
    for number, cell in enumerate(cells, 1):
        cell["id"] = f"cell-{number:03d}"
    return cells


def _node(cell: dict[str, Any]) -> Any:
    """A cell as nbformat has it in memory: its source is one text."""
    return nbformat.from_dict({**cell, "source": "".join(cell["source"])})


def _refuse_failing(sources: list[str], name: str) -> None:
    """Raise AuthoringError unless every cell of the solved notebook runs and every public check passes."""
    with tempfile.TemporaryDirectory(prefix="autograder-assign-") as folder:
        ran = run_in_kernel(sources, Path(folder), SECONDS)
    for source, one in zip(sources, ran, strict=True):
        if one.error:
            raise AuthoringError(f"{name}: this cell of the solved notebook fails:\n{source[:300]}\n{one.error}")
        if source.startswith("grader.check(") and PASSED not in one.text:
            raise AuthoringError(
                f"{name}: the solution fails its own public check; mend one of them:\n{one.text.strip()[:TOLD]}"
            )


def _code(cells: list[Any]) -> list[str]:
    return [str(cell.source) for cell in cells if cell.cell_type == "code"]


def _read(path: Path) -> Any:
    """A notebook; one without a kernel's name or ids of its cells is as good as any."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        metadata = content.setdefault("metadata", {})
        metadata.setdefault("kernelspec", {"display_name": "Python 3", "language": "python", "name": "python3"})
        if content["nbformat"] == 4:
            content["nbformat_minor"] = 5
            for number, cell in enumerate(content["cells"], 1):
                cell["id"] = f"cell-{number:03d}"
                cell.setdefault("metadata", {})
                if cell["cell_type"] == "code":
                    cell |= {"outputs": [], "execution_count": None}
        return nbformat.reads(json.dumps(content), as_version=4)
    except (OSError, ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError) as problem:
        raise AuthoringError(f"{path} is no notebook; save it again from Jupyter. ({str(problem)[:200]})") from problem


def _otter_assign(notebook: Any, master: Path, folder: Path) -> Path:
    """Run `otter assign` in a folder of its own; the path of the student's notebook it made."""
    otter = shutil.which("otter", path=str(Path(sys.executable).parent))
    if otter is None:
        raise AuthoringError("`autograder assign` needs otter-grader: pip install 'autograder[author]'")
    nbformat.write(notebook, folder / master.name)
    try:
        done = subprocess.run(
            [otter, "assign", "--no-run-tests", master.name, "dist"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"},
        )
    except subprocess.TimeoutExpired as late:
        raise AuthoringError(f"otter assign took more than {SECONDS} s for {master}.") from late
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
