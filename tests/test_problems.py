"""problems.csv tells of the whole class, whichever part of it the last call looked at."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pytest
from conftest import notebook_bytes
from test_cli import COURSE_FILE, GRADER, call
from test_engine import FakeSlots, by_content

from autograder.engine import grading


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course of one question, whose judge answers at once."""
    folder = tmp_path / "course"
    for name in ("tests/graders/tiny", "solutions/tiny"):
        (folder / name).mkdir(parents=True)
    (folder / "grading.yml").write_text(COURSE_FILE)
    (folder / "tests/graders/tiny/test_q1.py").write_text(GRADER)
    (folder / "solutions/tiny/tiny.ipynb").write_bytes(notebook_bytes("answer = 42"))
    monkeypatch.setattr(grading, "Slots", lambda *_, **__: FakeSlots(by_content))
    return folder


@pytest.fixture
def course(tiny: Path, tmp_path: Path) -> tuple[object, ...]:
    """The command without its hand-ins."""
    (tmp_path / "class.csv").write_text("key,name\nada,Ada\nben,Ben\nben,Benn\ncem,Cem\n")
    return ("grade", "--course", tiny, "--out", tmp_path / "run", "--workers", 1)


def zipped(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, notebook_bytes("answer = 42") if name.endswith(".ipynb") else b"%PDF")
    return path


def listed(run: Path) -> set[tuple[str, str, str]]:
    """Kind, student and file, without the folder that it lies in."""
    with (run / "problems.csv").open(newline="", encoding="utf-8") as file:
        return {(row["kind"], row["student"], row["file"].rpartition("/")[2]) for row in csv.DictReader(file)}


def test_grading_a_part_keeps_what_was_said_of_the_rest(tmp_path: Path, course: tuple[object, ...]) -> None:
    run, roster = tmp_path / "run", ("--roster", tmp_path / "class.csv")
    first = zipped(tmp_path / "first.zip", "ada.ipynb", "stranger.ipynb", "notes.pdf")
    assert call(*course, first, *roster).exit_code == 0
    known = listed(run)
    assert ("hand-in of nobody", "stranger", "first.zip: stranger.ipynb") in known
    assert ("student twice", "ben", "class.csv") in known
    assert ("left out", "", "first.zip: notes.pdf") in known and ("missing", "cem", "") in known
    for more in ((), roster):  # with the class list and without
        second = zipped(tmp_path / "second.zip", "cem.ipynb", "plan.pdf")
        assert call(*course, second, *more).exit_code == 0
        assert listed(run) == known - {("missing", "cem", "")} | {("left out", "", "second.zip: plan.pdf")}


def test_what_was_put_right_is_no_longer_listed(tmp_path: Path, course: tuple[object, ...]) -> None:
    run, roster = tmp_path / "run", ("--roster", tmp_path / "class.csv")
    first = zipped(tmp_path / "first.zip", "ada.ipynb", "stranger.ipynb", "notes.pdf")
    call(*course, first, *roster)
    (tmp_path / "class.csv").write_text("key,name\nada,Ada\nben,Ben\ncem,Cem\n")
    (tmp_path / "match.csv").write_text("hand_in,student\nstranger,ben\n")
    again = zipped(tmp_path / "downloaded again.zip", "ada.ipynb", "stranger.ipynb", "notes.pdf")
    still = {("left out", "", "downloaded again.zip: notes.pdf"), ("missing", "cem", "")}
    assert call(*course, again, *roster, "--match", tmp_path / "match.csv").exit_code == 0
    assert listed(run) == still
    assert call(*course, again, *roster, "--student", "ada").exit_code == 0
    assert listed(run) == still


def test_it_follows_the_record_after_report_adjust_and_forget(tmp_path: Path, course: tuple[object, ...]) -> None:
    run, roster = tmp_path / "run", ("--roster", tmp_path / "class.csv")
    call(*course, zipped(tmp_path / "first.zip", "ada.ipynb", "stranger.ipynb", "notes.pdf"), *roster)
    whole = (run / "problems.csv").read_bytes()
    (run / "problems.csv").unlink()
    assert call("report", run).exit_code == 0 and (run / "problems.csv").read_bytes() == whole
    assert call("adjust", run, "cem", "q1", 1, "--why", "By hand").exit_code == 0
    assert ("missing", "cem", "") not in listed(run) and ("left out", "", "first.zip: notes.pdf") in listed(run)
    assert call("forget", run, "stranger").exit_code == 0
    assert b"stranger" not in (run / "problems.csv").read_bytes()
    assert b"stranger" not in (run / "grades.sqlite").read_bytes()
    assert ("left out", "", "first.zip: notes.pdf") in listed(run)


def test_the_lmss_mark_of_lateness_is_told_where_there_is_no_policy(tmp_path: Path, course: tuple[object, ...]) -> None:
    names = ("studentada_LATE_101_9001_tiny.ipynb", "studentben_102_9002_tiny.ipynb")
    done = call(*course, zipped(tmp_path / "class.zip", *names))
    assert done.exit_code == 0, done.output
    assert ("marked late", "101", f"class.zip: {names[0]}") in listed(tmp_path / "run")
    with (tmp_path / "run" / "scores.csv").open(newline="") as file:
        assert {row["student"]: row["flags"] for row in csv.DictReader(file)} == {"101": "MARKED_LATE", "102": ""}
    assert "1 marked late by the LMS (MARKED_LATE); grading.yml has no late policy." in " ".join(done.output.split())
