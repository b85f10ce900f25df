"""The first code cell of a stub, and the one that watches the student's loop; made by assign.py.

A student on Colab has one file, and otter refuses checks that are kept in a notebook's metadata there. So the checks'
text stands in the first cell, which writes it to tests/. Without otter the notebook still runs: `check` then says what
to install. `ASSIGNMENT` and `CHECKS` are plain literals, so that programs read them without running the cell.
Nothing in them is secret: what a hidden grader knows is never here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.course import Assignment

SETUP = '''\
#@title Run this cell first: it prepares the checks { display-mode: "form" }
import importlib.util
import pathlib
import subprocess
import sys

ASSIGNMENT = {
%(assignment)s}

CHECKS = {
%(checks)s}

STUDENT_PART = %(student_part)r  # what pip fetches `watch` from

pathlib.Path("tests").mkdir(exist_ok=True)
for name, text in CHECKS.items():
    pathlib.Path("tests", name + ".py").write_text(text, encoding="utf-8")

if "google.colab" in sys.modules and importlib.util.find_spec("otter") is None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "otter-grader>=7,<8"])
    importlib.invalidate_caches()

try:
    import otter

    grader = otter.Notebook()
except ImportError:

    class NoChecks:
        def check(self, question):
            print("The checks need the package otter-grader. Write  %%pip install otter-grader  into a cell of "
                  "its own, run it, and then the first code cell again. You can go on without them.")

    grader = NoChecks()


def fetch_watch():
    """`watch`, fetched the first time; where it cannot be had, something that watches nothing, and a sentence."""
    try:
        if STUDENT_PART and importlib.util.find_spec("autograder") is None:
            subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", STUDENT_PART])
            importlib.invalidate_caches()
        from autograder.student import watch
    except Exception:
        import contextlib

        print("`watch` is not installed here, so your loop runs unwatched. Ask where your course keeps its package; "
              "%%pip install  it in a cell of its own.")
        return lambda *things: contextlib.nullcontext()
    return watch
'''

WATCH = """\
# Watch your own loop: what does each update do? Run it as often as you like; nothing in it is graded.
watch = fetch_watch()
%(before)s
with watch(%(watch)s):
    %(call)s
"""
HIDDEN = {"cellView": "form", "jupyter": {"source_hidden": True}}


def setup_cell(assignment: Assignment, checks: Mapping[str, str], student_part: str | None = None) -> dict[str, Any]:
    """The cell (nbformat 4, without id) that writes `checks`, otter's test files by question."""
    told = "".join(f"    {key!r}: {value!r},\n" for key, value in told_of(assignment).items())
    listing = "".join(f'    {name!r}: """\\\n{_quoted(text)}""",\n' for name, text in checks.items())
    return code_cell(SETUP % {"assignment": told, "checks": listing, "student_part": student_part}, HIDDEN)


def told_of(assignment: Assignment) -> dict[str, Any]:
    """What a stub says of its assignment: plain values, all of which a student may know."""
    loop = assignment.loop
    return {
        "id": assignment.id,
        "title": assignment.title,
        "version": assignment.version,
        "notebook": assignment.notebook,
        "names": {question.id: list(question.names) for question in assignment.questions.values()},
        "packages": list(assignment.packages),
        "limits": assignment.limits.model_dump(),
        "loop": loop and {**loop.model_dump(), "words": dict(assignment.order.words)},
    }


def watch_cell(assignment: Assignment) -> dict[str, Any] | None:
    """The cell in which students watch their loop; None if the course declares none."""
    loop = assignment.loop
    if loop is None:
        return None
    before = loop.before.strip("\n")
    return code_cell(WATCH % {"before": before, "watch": loop.watch, "call": loop.call.replace("\n", "\n    ")}, {})


def code_cell(source: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A code cell of nbformat 4 without id, outputs and count."""
    lines = source.strip("\n").splitlines(keepends=True)
    return {
        "cell_type": "code",
        "metadata": dict(metadata),
        "source": lines,
        "outputs": [],
        "execution_count": None,
    }


def _quoted(text: str) -> str:
    """Text that may stand between triple double quotes."""
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
