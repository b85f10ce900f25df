"""`autograder new NAME`: the files of a small assignment that works at once, for an instructor to change.

A solved notebook, hidden graders with public checks, a catalogue and an entry in grading.yml. `verify` calls it sound.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.authoring.leaks import AuthoringError
from autograder.course import CourseError, load_course
from autograder.course.loading import COURSE_FILE

ASSIGNMENTS = re.compile(r"assignments:\s*(#.*)?$")
TEMPLATES = Path(__file__).parent / "templates"
GRADERS = ("test_q1.py", "test_q2.py", "catalogue.py")
FIRST_LINES = "course: %(course)s\nseed: %(seed)d   # held-out data are drawn from it: keep it secret\nassignments:\n"
CONFIG = (
    "# ASSIGNMENT CONFIG\nname: %s\ninit_cell: false\nexport_cell: false\ntests:\n  files: true\n  ok_format: false"
)
CELLS = (
    ("markdown", "# %(title)s\n\nWhat this notebook is about, in two sentences."),
    ("code", "import torch\nimport torch.nn as nn\nfrom torch.optim import SGD"),
    ("code", "fahrenheit = torch.tensor([14.0, 50.0, 212.0])"),
    ("begin", "q1"),
    (
        "markdown",
        "### Question 1: degrees\n\nMake `celsius`: the temperatures of `fahrenheit`, less 32, divided by 1.8.",
    ),
    ("solution", "celsius = (fahrenheit - 32) / 1.8  # SOLUTION"),
    ("end", ""),
    ("begin", "q2"),
    (
        "markdown",
        "### Question 2: a line that learns\n\nWrite `fit(network, inputs, targets, *, lr, steps)`. In each step, "
        "take the mean squared difference of the network's outputs and the targets, all at once, and then Backprop, "
        "Optimize, Reset.",
    ),
    (
        "solution",
        "def fit(network, inputs, targets, *, lr, steps):\n"
        "    # BEGIN SOLUTION\n"
        "    sgd = SGD(network.parameters(), lr=lr)\n"
        "    for _ in range(steps):\n"
        "        loss = ((network(inputs) - targets) ** 2).mean()\n"
        "        loss.backward()\n"
        "        sgd.step()\n"
        "        sgd.zero_grad()\n"
        "    # END SOLUTION",
    ),
    ("end", ""),
)


def scaffold(root: Path, name: str, title: str | None = None) -> list[Path]:
    """Write the assignment `name` into the course at `root`, and grading.yml if there is none; the files that it wrote.

    Raises AuthoringError if something of that name is there, CourseError if grading.yml could not be read before or
    would not be afterwards. Then nothing is written.
    """
    course = root / COURSE_FILE
    before = course.read_text(encoding="utf-8") if course.is_file() else None
    if before is not None:
        load_course(root)
    title = title or name.replace("_", " ").capitalize()
    texts = dict(_files(root, name, title))
    there = [path for path in texts if path.exists()]
    if there:
        raise AuthoringError(f"{there[0]} is there already; choose another name, or take it away.")
    entry = (TEMPLATES / "grading.yml.txt").read_text(encoding="utf-8")
    entry %= {"name": name, "title": json.dumps(title, ensure_ascii=False)}
    root.mkdir(parents=True, exist_ok=True)
    course.write_text(_with_entry(before, entry, root), encoding="utf-8")
    try:
        load_course(root).assignment(name)
    except CourseError:
        if before is None:
            course.unlink()
        else:
            course.write_text(before, encoding="utf-8")
        raise
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [course, *texts]


def _with_entry(before: str | None, entry: str, root: Path) -> str:
    """The text of grading.yml with the entry as the first of its assignments; its other lines stay as they are."""
    if before is None:
        named = json.dumps(root.resolve().name.replace("_", " ") or "Course", ensure_ascii=False)
        return FIRST_LINES % {"course": named, "seed": secrets.randbelow(10**12)} + entry
    lines = before.splitlines(keepends=True)
    for place, line in enumerate(lines):
        if ASSIGNMENTS.match(line):
            return "".join([*lines[: place + 1], entry, "\n", *lines[place + 1 :]])
    raise AuthoringError(
        f"{root / COURSE_FILE} has no line `assignments:` of its own; write it so, with each assignment two spaces in."
    )


def _files(root: Path, name: str, title: str) -> Iterator[tuple[Path, str]]:
    yield root / "solutions" / name / f"{name}.ipynb", json.dumps(_master(name, title), indent=1, ensure_ascii=False)
    for file in GRADERS:
        text = (TEMPLATES / f"{file}.txt").read_text(encoding="utf-8")
        yield root / "tests" / "graders" / name / file, text


def _master(name: str, title: str) -> dict[str, Any]:
    cells = [_cell("raw", CONFIG % name)]
    for kind, text in CELLS:
        if kind == "begin":
            cells.append(_cell("raw", f"# BEGIN QUESTION\nname: {text}"))
        elif kind == "end":
            cells.append(_cell("raw", "# END QUESTION"))
        elif kind == "solution":
            cells += [_cell("raw", "# BEGIN SOLUTION"), _cell("code", text), _cell("raw", "# END SOLUTION")]
        else:
            cells.append(_cell(kind, text.replace("%(title)s", title)))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    for number, cell in enumerate(cells, 1):
        cell["id"] = f"cell-{number:03d}"
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _cell(kind: str, text: str) -> dict[str, Any]:
    run: dict[str, Any] = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True), **run}
