"""The first code cell of a stub: it brings the public checks along and starts otter; called by assign.py.

A student on Colab has one file, and otter refuses checks that are kept in a notebook's metadata there. So the checks'
text stands in this cell, which writes it to tests/. Without otter the notebook still runs: `check` then says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    importlib.invalidate_caches()

try:
    import otter

    grader = otter.Notebook()
except ImportError:

    class NoChecks:
        def check(self, question):
            print("The checks need the package otter-grader; you can go on without them.")

    grader = NoChecks()
"""


def setup_cell(checks: Mapping[str, str]) -> dict[str, Any]:
    """The cell (nbformat 4, without id) that writes `checks`, otter's test files by question."""
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
