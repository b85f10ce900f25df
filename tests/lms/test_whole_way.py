"""From the LMS's zip to its gradebook: the class list, the matching, the record and the export together."""

from __future__ import annotations

import csv
import io
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import ROOT
from typer.testing import CliRunner

from autograder.cli import app
from autograder.gradebook.export import fill
from lms import importers
from lms.downloads import due_to, run_from_download
from lms.files import DATE, FILES, NOTHING, canvas
from lms.people import PEOPLE


@pytest.mark.parametrize("lms", FILES)
def test_who_handed_in_gets_the_grade_of_that_hand_in(tmp_path: Path, lms: str) -> None:
    path = tmp_path / "template.csv"
    path.write_bytes(FILES[lms](NOTHING))
    record = run_from_download(tmp_path, lms)
    filled = fill(record, lms, path)
    record.close()
    if lms == "moodle-worksheet":
        graded = {one.n: "-" if one.n % 4 else DATE for one in PEOPLE}
        arrived = {n: grade for n, (grade, _) in importers.worksheet(filled.content, graded).items()}
    else:
        arrived = getattr(importers, lms)(filled.content)
    for one in PEOPLE:
        due = due_to(one)
        assert (Decimal(arrived[one.n]) == Decimal(due)) if due is not None else not arrived.get(one.n), one
    assert not filled.unplaced and not filled.held


def test_a_real_class_goes_from_canvas_and_back(tmp_path: Path) -> None:
    """One solved notebook, one as it was given out, one that is none; graded by the program itself."""
    solved = (ROOT / "solutions/dipping_into_pytorch/dipping_into_pytorch.ipynb").read_bytes()
    given = (ROOT / "assignments/dipping_into_pytorch/dipping_into_pytorch.ipynb").read_bytes()
    hand_ins = {0: solved, 1: given, 5: b"no notebook"}
    with zipfile.ZipFile(tmp_path / "submissions.zip", "w") as archive:
        for n, content in hand_ins.items():
            archive.writestr(f"somebody_{PEOPLE[n].canvas}_{55000 + n}_lab.ipynb", content)
    book, upload, pages = tmp_path / "book.csv", tmp_path / "upload.csv", tmp_path / "pages.zip"
    book.write_bytes(canvas(NOTHING, people=PEOPLE[:8]))
    run = tmp_path / "run"

    def autograder(*words: object, code: int = 0) -> str:
        done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done.output

    autograder("grade", tmp_path / "submissions.zip", "--roster", book, "--out", run, "--course", ROOT, code=1)
    told = autograder("export", run, "--to", "canvas", "--template", book, "-o", upload, "--dry-run")
    assert not upload.exists() and "Nothing was written (--dry-run)" in told and PEOPLE[0].canvas in told
    autograder("export", run, "--to", "canvas", "--template", book, "-o", upload)
    arrived = importers.canvas(upload.read_bytes())
    with (run / "scores.csv").open(newline="") as file:
        scores = {row["student"]: row["score"] for row in csv.DictReader(file)}
    assert arrived[0] == "20" and {n: arrived[n] for n in (0, 1)} == {n: scores[PEOPLE[n].canvas] for n in (0, 1)}
    assert {n for n in arrived if arrived[n]} == {0, 1}
    autograder("feedback", run, "--to", "canvas", "-o", pages)
    with zipfile.ZipFile(io.BytesIO(pages.read_bytes())) as archive:
        assert {name.split("_")[1] for name in archive.namelist()} == {PEOPLE[n].canvas for n in hand_ins}
    refusal = autograder("export", run, "--to", "moodle", "--template", book, "-o", tmp_path / "no.csv", code=2)
    assert "a file of Canvas (--to canvas)" in refusal and not (tmp_path / "no.csv").exists()
