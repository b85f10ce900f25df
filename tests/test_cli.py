"""The commands refuse, in a paragraph and with 2, what a user can mend; 1 says that a person must look."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import Result
from conftest import ROOT, notebook_bytes
from typer.testing import CliRunner

from autograder.authoring.leaks import AuthoringError
from autograder.cli import app
from autograder.course.faults import CourseError
from autograder.engine import grading
from autograder.engine.judging import GradersUnfit
from autograder.engine.slots import Job
from autograder.errors import AutograderError
from autograder.gradebook.template import TemplateError
from autograder.intake.faults import IntakeError
from autograder.record.store import RecordError
from autograder.results import Outcome, Status
from autograder.sandbox.sessions import SandboxError

COURSE_FILE = """\
course: A tiny course
seed: 5
assignments:
  tiny:
    title: Tiny
    notebook: tiny.ipynb
    questions:
      q1:
        title: The answer
        points: 2
        names: [answer]
"""
GRADER = '''\
import pytest
from submission import answer, check, value


@pytest.mark.question("q1")
def test_the_answer():
    """Is forty-two."""
    check(value(answer) == 42, "It is another number.")
'''
DIVIDES = '''

@pytest.mark.question("q1")
def test_of_ours_that_is_broken():
    """Divides by zero."""
    assert 1 / 0
'''


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A course of one question, with a grader and a solution."""
    folder = tmp_path / "course"
    graders, solutions = folder / "tests/graders/tiny", folder / "solutions/tiny"
    graders.mkdir(parents=True)
    solutions.mkdir(parents=True)
    (folder / "grading.yml").write_text(COURSE_FILE)
    (graders / "test_q1.py").write_text(GRADER)
    (solutions / "tiny.ipynb").write_bytes(notebook_bytes("answer = 42"))
    return folder


@pytest.fixture
def hand_ins(tmp_path: Path) -> Path:
    folder = tmp_path / "handed-in"
    folder.mkdir()
    (folder / "ada.ipynb").write_bytes(notebook_bytes("answer = 42"))
    (folder / "ben.ipynb").write_bytes(notebook_bytes("answer = 41"))
    return folder


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def told(result: Result, after_progress: bool = False) -> str:
    """What a refused command said; it has to be one paragraph on stderr, without a traceback."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    before, sign, text = result.stderr.partition("autograder: ")
    assert sign
    assert after_progress or not before
    assert "Traceback" not in text
    assert "\n\n" not in text.strip()
    return " ".join(text.split())


def table(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "scores.csv").open(newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


LIGHT = "import sys, autograder.cli; from autograder.engine import changing, exporting, running"


def test_what_does_not_grade_starts_without_the_large_packages() -> None:
    code = f"{LIGHT}\nprint(*[name for name in ('torch', 'numpy', 'pandas') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


# The manual


def test_help_lists_every_command() -> None:
    shown = call("--help")
    assert shown.exit_code == 0
    for command in ("grade", "demo", "assign", "report", "package"):
        assert f"  {command} " in shown.stdout


@pytest.mark.parametrize("command", ["grade", "demo", "assign", "report", "package"])
def test_every_command_explains_itself(command: str) -> None:
    shown = call(command, "--help")
    assert shown.exit_code == 0
    assert "--help" in shown.stdout


def test_an_unknown_command_is_a_usage_error() -> None:
    assert call("graed").exit_code == 2


def test_the_version_is_one_line() -> None:
    shown = call("--version")
    assert (shown.exit_code, len(shown.stdout.split())) == (0, 1)


# Refusals


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """Where a refused run would write; after the test there is nothing."""
    path = tmp_path / "run"
    yield path
    assert not path.exists()


def test_a_folder_without_a_course_is_refused(tmp_path: Path, hand_ins: Path, out: Path) -> None:
    text = told(call("grade", hand_ins, "--course", tmp_path, "--out", out))
    assert "no grading.yml" in text
    assert "--course" in text


def test_a_misspelt_assignment_is_refused_with_the_nearest(tiny: Path, hand_ins: Path, out: Path) -> None:
    text = told(call("grade", hand_ins, "--course", tiny, "-a", "tinny", "--out", out))
    assert 'There is no assignment "tinny"; did you mean "tiny"?' in text


def test_a_missing_path_is_refused_with_the_nearest(tiny: Path, hand_ins: Path, out: Path) -> None:
    text = told(call("grade", hand_ins / "adda.ipynb", "--course", tiny, "--out", out))
    assert "adda.ipynb" in text
    assert 'did you mean "ada.ipynb"?' in text


def test_a_folder_without_a_notebook_is_refused(tiny: Path, tmp_path: Path, out: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "essay.docx").write_text("words")
    assert "There is no notebook in" in told(call("grade", empty, "--course", tiny, "--out", out))


def test_a_zip_that_is_none_is_refused(tiny: Path, tmp_path: Path, out: Path) -> None:
    (tmp_path / "class.zip").write_text("no zip")
    assert "class.zip" in told(call("grade", tmp_path / "class.zip", "--course", tiny, "--out", out))


@pytest.mark.parametrize(
    ("roster", "fault"),
    [
        ("key,name\nada,A\nben,B,C\n", "row 3"),
        ("student\nada\n", '"key"'),
        ("", "is empty"),
        ("key\n\n,x\n", "row 3"),
    ],
)
def test_a_bad_roster_is_refused_with_its_row(
    tiny: Path, hand_ins: Path, tmp_path: Path, out: Path, roster: str, fault: str
) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(roster)
    text = told(call("grade", hand_ins, "--course", tiny, "--roster", path, "--out", out))
    assert "roster.csv" in text
    assert fault in text


def test_a_student_who_handed_nothing_in_cannot_be_named(tiny: Path, hand_ins: Path, out: Path) -> None:
    text = told(call("grade", hand_ins, "--course", tiny, "--student", "zoe", "--out", out))
    assert "zoe" in text


def test_a_folder_that_holds_no_run_cannot_be_reported(tmp_path: Path) -> None:
    assert "is this the folder of a run?" in told(call("report", tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["grade"], ["grade", "x", "--workers", "-1"], ["grade", "x", "--seed", "one"]])
def test_wrong_usage_has_exit_code_2(arguments: list[str]) -> None:
    assert call(*arguments).exit_code == 2


def test_a_run_folder_that_is_a_file_is_refused(tiny: Path, hand_ins: Path, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    assert "run" in told(call("grade", hand_ins, "--course", tiny, "--out", tmp_path / "run"), after_progress=True)


def test_an_unknown_confinement_is_refused(tiny: Path, hand_ins: Path, tmp_path: Path) -> None:
    run = ("grade", hand_ins, "--course", tiny, "--out", tmp_path / "run", "--level", "srtong")
    assert 'did you mean "strong"?' in told(call(*run))
    assert not (tmp_path / "run").exists()


# Graders that do not fit


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("import answer", "import answr", '"answr" is not declared for q1 in grading.yml; did you mean "answer"?'),
        ('question("q1")', 'question("q9")', 'grading.yml has no question "q9"'),
        ('@pytest.mark.question("q1")\n', "", "test_the_answer belongs to no question"),
        ("import pytest", "import pytest as", "is not Python"),
    ],
)
def test_a_grader_that_does_not_fit_is_refused_with_file_and_line(
    tiny: Path, hand_ins: Path, out: Path, old: str, new: str, fault: str
) -> None:
    (tiny / "tests/graders/tiny/test_q1.py").write_text(GRADER.replace(old, new))
    text = told(call("grade", hand_ins, "--course", tiny, "--out", out))
    assert fault in text
    assert "tests/graders/tiny/test_q1.py, line " in text


@pytest.mark.slow
def test_a_hidden_test_that_is_broken_costs_nobody_a_mark(tiny: Path, hand_ins: Path, tmp_path: Path) -> None:
    with (tiny / "tests/graders/tiny/test_q1.py").open("a") as file:
        file.write(DIVIDES)
    out = tmp_path / "run"
    result = call("grade", hand_ins, "--course", tiny, "--out", out, "--workers", 1)
    assert result.exit_code == 1, result.output
    rows = table(out)
    assert {(row["status"], row["score"], row["q1"]) for row in rows.values()} == {("grader_error", "", "")}
    assert set(rows) == {"ada", "ben"}
    for row in rows.values():
        assert "test_of_ours_that_is_broken" in row["message"]
        assert "on the solution too" in row["message"]
        assert "test_the_answer" not in row["message"]
    assert "test_of_ours_that_is_broken" not in (out / "feedback" / "ada.html").read_text()


# Exit codes of a run


class Answers:
    """A judge that gives everybody 0 points at once."""

    seed = 5
    versions: dict[str, str] = {}  # noqa: RUF012 - never changed
    sandbox = SimpleNamespace(level="basic")

    def __enter__(self) -> Answers:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def run(self, jobs: Any, ended: Any) -> None:
        for job in jobs:
            assert isinstance(job, Job)
            ended(job, Outcome(key=job.key, status=Status.GRADED, score=0, max_score=2))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading, "Slots", lambda *_, **__: Answers())


@pytest.mark.usefixtures("quick")
def test_low_scores_and_missing_students_are_no_errors(tiny: Path, hand_ins: Path, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text('key,name,email\nada,"Student, Ada",ada@example.edu\nzoe,"Student, Zoe",zoe@example.edu\n')
    result = call("grade", hand_ins, "--course", tiny, "--roster", roster, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    rows = table(tmp_path / "run")
    assert {key: (row["status"], row["score"], row["name"]) for key, row in rows.items()} == {
        "ada": ("graded", "0", "Student, Ada"), "ben": ("graded", "0", ""), "zoe": ("missing", "", "Student, Zoe"),
    }  # fmt: skip


@pytest.mark.usefixtures("quick")
def test_a_run_of_another_seed_is_refused_and_stays(tiny: Path, hand_ins: Path, tmp_path: Path) -> None:
    run = ("grade", hand_ins, "--course", tiny, "--out", tmp_path / "run")
    call(*run)
    before = (tmp_path / "run" / "scores.csv").read_bytes()
    assert "with seed 6" in told(call(*run, "--seed", 6), after_progress=True)
    assert (tmp_path / "run" / "scores.csv").read_bytes() == before


@pytest.mark.usefixtures("quick")
def test_report_writes_the_files_again_from_the_record(tiny: Path, hand_ins: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    call("grade", hand_ins, "--course", tiny, "--out", run)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.suffix in (".csv", ".html", ".json")}
    for path in before:
        path.unlink()
    result = call("report", run)
    assert (result.exit_code, result.stdout.strip()) == (0, str(run))
    assert len(before) == 7
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_a_file_that_is_no_notebook_makes_the_exit_code_1_and_costs_nobody_else(
    tiny: Path, hand_ins: Path, tmp_path: Path
) -> None:
    (hand_ins / "cleo.ipynb").write_text("not JSON")
    command = [sys.executable, "-m", "autograder", "grade", "../handed-in", "--out", "../run", "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tiny, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert {key: (row["status"], row["score"]) for key, row in table(tmp_path / "run").items()} == {
        "ada": ("graded", "2"), "ben": ("graded", "0"), "cleo": ("not_gradable", ""),
    }  # fmt: skip
    assert "cleo" in done.stdout
    assert "Written to ../run" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("quick")
def test_a_run_that_loses_its_anonymity_says_so(tiny: Path, hand_ins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRADER_SECRET", str(tiny / "secret"))
    asked = ("grade", hand_ins, "--course", tiny, "--out", tiny / "run")
    assert call(*asked, "--anonymous").exit_code == 0
    made_up = min(path.stem for path in (tiny / "run/feedback").glob("s-*.html"))
    again = call(*asked, "--anonymous", "--student", made_up, "--fresh")
    assert again.exit_code == 0 and "was anonymous" not in again.stderr
    assert "was anonymous until now" in call(*asked).stderr


@pytest.mark.parametrize("bug", [ValueError("one of ours"), RuntimeError("one of ours"), KeyError("one of ours")])
def test_a_bug_keeps_its_traceback(tiny: Path, bug: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(*_: Any) -> None:
        raise bug

    monkeypatch.setattr("autograder.engine.changing.write_again", fails)
    result = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert result.exception is bug
    assert "autograder:" not in result.output


def test_a_refusal_names_file_place_and_way_out_in_one_sentence() -> None:
    refusal = AutograderError("7 is no student.", file="roster.csv", place="row 3", way_out="Export it anew.")
    assert str(refusal) == "roster.csv, row 3: 7 is no student. Export it anew."
    assert (refusal.file, refusal.place, refusal.way_out) == ("roster.csv", "row 3", "Export it anew.")
    assert str(AutograderError("Give the points.")) == "Give the points."


@pytest.mark.parametrize(
    "kind", [CourseError, IntakeError, RecordError, TemplateError, GradersUnfit, SandboxError, AuthoringError]
)
def test_every_rooms_refusal_is_of_one_root(kind: type[Exception]) -> None:
    assert issubclass(kind, AutograderError)
    assert not issubclass(kind, ValueError)  # which a bug may be as well
