"""`autograder new`: what it writes works at once; the tutorial's commands are run as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from conftest import ROOT
from typer.testing import CliRunner

from autograder.authoring.leaks import AuthoringError
from autograder.authoring.new import scaffold
from autograder.cli import app
from autograder.course import CourseError, load_course

COMMANDS = [line for block in re.findall(r"```console\n(.*?)```", (ROOT / "docs/tutorial.md").read_text(), re.DOTALL)
            for line in block.splitlines()]  # fmt: skip
QUICK = {"verify": ["--seeds", "1", "--mutants", "6"]}  # as much of it as a test needs; the rest is the benchmark's


def test_the_tutorial_begins_proves_hands_out_and_grades() -> None:
    assert [shlex.split(line)[1] for line in COMMANDS] == ["new", "verify", "assign", "demo", "grade"]


def test_the_tutorials_commands_do_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = {}
    for line in COMMANDS:
        words = shlex.split(line)[1:]
        if words[0] == "grade":  # a zip of an LMS: what the demo has made will do
            words = ["grade", "runs/demo/handed-in", "--roster", "runs/demo/roster.csv"]
        done = CliRunner().invoke(app, [*words, *QUICK.get(words[0], ())])
        assert done.exit_code == 0 or words[0] == "grade", f"{line}: {done.output}"
        said[words[0]] = done.output
    assert "Sound: 8 entries" in said["verify"]
    assert "8 of 8 as expected" in said["demo"]
    assert (tmp_path / "runs/degrees/scores.csv").is_file()
    stub = (tmp_path / "assignments/degrees/degrees.ipynb").read_text()
    assert "celsius = ..." in stub and "/ 1.8" not in stub


def test_a_second_assignment_joins_the_first_and_every_other_line_stays(tmp_path: Path) -> None:
    scaffold(tmp_path, "one", "Der Erste: ä")
    before = (tmp_path / "grading.yml").read_text()
    scaffold(tmp_path, "two")
    course = load_course(tmp_path)
    assert {key: one.title for key, one in course.assignments.items()} == {"two": "Two", "one": "Der Erste: ä"}
    assert [line for line in before.splitlines() if line not in (tmp_path / "grading.yml").read_text()] == []


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    scaffold(tmp_path, "one")
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(AuthoringError, match=r"one\.ipynb is there already; choose another name"):
        scaffold(tmp_path, "one")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files


@pytest.mark.parametrize("name", ["No Id", "../up", "Ünicode"])
def test_a_name_that_is_no_id_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(CourseError):
        scaffold(tmp_path, name)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_course_file_that_cannot_be_added_to_says_how_to_write_it(tmp_path: Path) -> None:
    question = "{q1: {title: Q, points: 1, names: [x]}}"
    text = f"course: C\nseed: 1\nassignments: {{a: {{title: A, notebook: a.ipynb, questions: {question}}}}}\n"
    (tmp_path / "grading.yml").write_text(text)
    with pytest.raises(AuthoringError, match="no line `assignments:` of its own"):
        scaffold(tmp_path, "two")
    assert (tmp_path / "grading.yml").read_text() == text
