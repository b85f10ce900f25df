"""How numbers, cells and files are written, whatever the file: scores.csv, gradebooks, problems.csv, pages.

Written as the project's data-safety rules say: numbers have at most two decimals, what a spreadsheet would take for a
formula gets a `'`, a file is replaced whole or not at all.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from autograder.results import rounded

FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")  # the wide ones are formulas too where a spreadsheet speaks Japanese
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")  # line breaks of all sorts, escapes, NUL


def number(value: float) -> str:
    """18.5 -> "18.5", 20.0 -> "20": at most two decimals, no exponent, no "-0". ValueError for what is no number."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number of points")
    return f"{rounded(value):.2f}".rstrip("0").rstrip(".")


def for_people(text: str) -> str:
    """One line that no spreadsheet runs: control characters become spaces, a leading formula sign gets a `'`."""
    line = CONTROL.sub(" ", text).strip() if CONTROL.search(text) else text
    return f"'{line}" if FORMULA.match(line) else line


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file's content in one step: a reader sees the old bytes or the new ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_table(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Write a CSV for people anew: every cell is one line that no spreadsheet runs."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([for_people(cell) for cell in row] for row in rows)
    write_whole(path, file.getvalue().encode("utf-8", "replace"))
