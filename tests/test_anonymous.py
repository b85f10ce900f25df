"""An anonymous run tells nobody's name in any output but the gradebook, and what a person needs lies apart."""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from autograder.engine.changing import adjust_from, adjust_run, forget_student, write_again
from autograder.engine.exporting import export_run
from autograder.engine.grading import RECORD, opened
from autograder.engine.options import Options
from autograder.engine.people import key_of
from autograder.engine.planning import Plan
from autograder.engine.running import asked_for, write_class
from autograder.intake.collecting import Collected, LeftOut
from autograder.people.findings import Finding
from autograder.record.anonymity import made_up, naming, secret_path
from autograder.record.store import Person, Record, RecordError, RunInfo
from autograder.report.outputs import write_outputs
from autograder.results import CellRun, Outcome, QuestionResult, Status

INFO = RunInfo("Course", "lab", "The lab", 7, "strong", {}, (("q1", "First", 2.0),), anonymous=True)
PEOPLE = (
    Person(
        "ada-student", "Student, Ada", "ada@example.edu", "class.zip: ada-student_lab.ipynb", "ada-student_lab.ipynb"
    ),
    Person("ben-student", "Student, Ben", "ben@example.edu", position=1),
)
TELLING = ("ada", "ben", "student, ", "example.edu")


@pytest.fixture(autouse=True)
def secret_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AUTOGRADER_SECRET", str(tmp_path / "keys" / "secret.key"))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def record(run: Path) -> Iterator[Record]:
    made = opened(run, INFO)
    made.plan(PEOPLE)
    notes = ("Of 2 notebooks in one hand-in ada-student_lab.ipynb was graded.",)
    question = QuestionResult(id="q1", title="First", points=2, score=1, tests=())
    cells = (CellRun(number=1, source="x = 1"),)
    made.save(Outcome(key="ada-student", status=Status.GRADED, score=1, max_score=2, questions=(question,), notes=notes,
                      cells=cells), b"{}")  # fmt: skip
    made.save(Outcome(key="ben-student", status=Status.MISSING, max_score=2, message="Nothing came."), None)
    found = Finding(
        "hand-in of nobody", "", "class.zip: ada", "perhaps it is Student, Ada", "decide", "ada,ada-student"
    )
    collected = Collected((), (LeftOut("class.zip: ben.pdf", "it is no notebook"),), ("ada.ipynb: a note",))
    write_class(made, collected, Plan(PEOPLE, {}, (found,)), Options(run, 1))
    yield made
    made.close()


def outputs(run: Path) -> dict[str, str]:
    """Every file that may be shown, by its path in the run's folder: name and content in small letters."""
    paths = (path for path in run.rglob("*") if path.is_file() and not path.name.startswith("grades."))
    return {
        str(path.relative_to(run)).lower(): path.read_text(encoding="utf-8").lower()
        for path in paths
        if path.parent.name != "names"
    }


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_no_output_tells_who_anybody_is(record: Record, run: Path) -> None:
    adjust_run(run, "ada-student", "q1", 2, "A valid reading")
    found = outputs(run)
    assert {"scores.csv", "problems.csv", "regrades.csv"} < set(found)
    assert len([name for name in found if name.startswith(("feedback", "results"))]) == 4
    for name, text in found.items():
        assert not [word for word in TELLING if word in name or word in text], name


def test_scores_stand_under_pseudonyms_that_do_not_tell_the_key(record: Record, run: Path) -> None:
    name_of = naming(record)
    scores = {row["student"]: row["score"] for row in rows(run / "scores.csv")}
    assert scores == {name_of("ada-student"): "1", name_of("ben-student"): ""}
    assert all(name.startswith("s-") for name in scores)


def test_pseudonyms_are_the_same_in_another_run_and_others_under_another_secret(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = naming(record)("ada-student")
    other = opened(tmp_path / "other", INFO)
    assert naming(other)("ada-student") == first
    monkeypatch.setenv("AUTOGRADER_SECRET", str(tmp_path / "another.key"))
    assert naming(other)("ada-student") != first
    other.close()


def test_the_secret_is_the_owners_alone_and_not_in_the_run(record: Record, run: Path) -> None:
    assert stat.S_IMODE(secret_path().stat().st_mode) == 0o600
    assert run not in secret_path().parents


def test_names_and_whole_problems_lie_in_a_folder_of_the_owners(record: Record, run: Path) -> None:
    assert stat.S_IMODE((run / "names").stat().st_mode) == 0o700
    by_name = {row["name"]: row for row in rows(run / "names" / "students.csv")}
    assert by_name["Student, Ada"]["pseudonym"] == naming(record)("ada-student")
    lines = [row["line for --match"] for row in rows(run / "names" / "problems.csv")]
    assert "ada,ada-student" in lines
    kinds = [row["kind"] for row in rows(run / "problems.csv")]
    assert kinds == [row["kind"] for row in rows(run / "names" / "problems.csv")]


def test_a_person_may_be_named_by_pseudonym_or_key(record: Record, run: Path) -> None:
    name = naming(record)("ada-student")
    assert key_of(record, name) == key_of(record, "ada-student") == "ada-student"
    assert adjust_run(run, name, "q1", 2, "A valid reading") == f"{name}: 1 -> 2"
    with pytest.raises(RecordError, match="Nobody in this run"):
        key_of(record, "s-nobody")


def test_a_list_of_adjustments_takes_the_keys_that_the_outputs_show(record: Record, run: Path, tmp_path: Path) -> None:
    name = naming(record)("ada-student")
    table = tmp_path / "adjustments.csv"
    table.write_text(f"student,question,points,why\n{name},q1,2,A valid reading\n")
    assert adjust_from(run, table) == [f"{name}: 1 -> 2"]


def test_a_student_is_found_by_an_address_of_theirs_alone(record: Record) -> None:
    assert key_of(record, "Ada@example.edu") == "ada-student"
    record.plan([replace(one, email="both@example.edu") for one in PEOPLE])
    with pytest.raises(RecordError, match="an id of 2 students"):
        key_of(record, "both@example.edu")


@pytest.mark.parametrize("text", ["ada-student", "ada@example.edu", "made up", "ada"])
def test_one_student_is_graded_again_by_any_name_of_theirs(text: str) -> None:
    planned = Plan(PEOPLE, {"ada": ("ada-student",)})
    said = made_up(True)("ada-student") if text == "made up" else text
    keys = asked_for(Options(Path("run"), 5, only=(said,), anonymous=True), planned)
    assert [planned.hand_ins(key) for key in keys] == [{"ada"}]


def test_the_gradebook_has_real_people(record: Record, run: Path, tmp_path: Path) -> None:
    template = tmp_path / "gradebook.csv"
    template.write_text("Student,ID,SIS Login ID,Section,The lab (7)\nPoints Possible,,,,2\nAda,1,ada-student,A,\n")
    shown = StringIO()
    assert export_run(run, "canvas", template, tmp_path / "upload.csv", Console(file=shown)) == 0
    assert "Ada,1,ada-student,A,1\n" in (tmp_path / "upload.csv").read_text()
    assert "ada-student" not in shown.getvalue()


def test_a_run_that_is_no_longer_anonymous_keeps_no_page_under_a_pseudonym(record: Record, run: Path) -> None:
    name = naming(record)("ada-student")
    record.start_run(replace(INFO, anonymous=False))
    write_outputs(run, record)
    assert (run / "feedback" / "ada-student.html").is_file()
    assert not (run / "feedback" / f"{name}.html").exists()
    assert not (run / "names").exists()
    record.start_run(INFO)
    write_outputs(run, record)
    assert [path.name for path in (run / "feedback").iterdir() if "ada" in path.name] == []


def test_who_is_forgotten_is_in_no_file_of_the_run(record: Record, run: Path) -> None:
    name = naming(record)("ada-student")
    forget_student(run, name)
    write_again(run)
    for path in run.rglob("*"):
        assert "ada" not in path.name and name not in path.name
        if path.is_file():
            assert b"ada-student" not in path.read_bytes(), path
            assert b"Student, Ada" not in path.read_bytes(), path
    assert (run / RECORD).is_file()
