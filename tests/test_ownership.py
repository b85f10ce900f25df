"""A grade that this run did not put into a gradebook stays there and is listed, by file and by push alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lms.files import FILES
from lms.people import PEOPLE, expected, fill_record, key_of
from typer.testing import CliRunner

from autograder.canvas.assignment import CanvasStudent, Held
from autograder.canvas.plan import Directory, Step, entries
from autograder.cli import app
from autograder.course.late import Extension
from autograder.course.models import Policy
from autograder.gradebook.export import KINDS, Filling, fill, receipts_of
from autograder.gradebook.grades import alike, ours
from autograder.record.history import FILE, Receipt, keep_receipts
from autograder.record.standing import Standing, standings
from autograder.record.store import Person, Record, RunInfo
from autograder.results import Outcome, QuestionResult, Status

HEAD = "Student,ID,SIS Login ID,Section,The lab (411)\n    Points Possible,,,,20\n"
POINTS = {"101": 17.6, "102": 9.0, "103": 5.0}
PUSHED = "https://canvas.example.edu course 7 assignment 411"


def template(path: Path, **grades: str) -> Path:
    """Canvas's file of Ada (101), Ben (102) and Cem (103) with these grades there."""
    people = enumerate(("Ada", "Ben", "Cem"))
    rows = [f'"Student, {name}",{101 + n},l{n},x,{grades.get(name, "")}\n' for n, name in people]
    path.write_text(HEAD + "".join(rows))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Ada has 17.6, Ben 9; Cem is excused."""
    folder = tmp_path / "run"
    folder.mkdir()
    record = Record.open(folder / "grades.sqlite")
    policy = Policy(extensions={"103": Extension(excused=True)})
    record.start_run(RunInfo("Course", "lab", "The lab", 1, "strong", {}, (("q1", "One", 20.0),), policy))
    for position, (key, points) in enumerate(POINTS.items()):
        record.plan([Person(key, f"Student, {key}", ids={"canvas": key}, position=position)])
        result = QuestionResult(id="q1", title="One", score=points, points=20, tests=())
        graded = Outcome(key=key, status=Status.GRADED, score=points, max_score=20, seed=1, questions=(result,))
        record.save(graded, b"{}")
    record.close()
    return folder


def export(run: Path, path: Path, *options: str) -> Any:
    return CliRunner().invoke(
        app, ["export", str(run), "--to", "canvas", "--template", str(path), "-o", str(run / "up.csv"), *options]
    )


def written(run: Path) -> list[str]:
    return [line.rpartition(",")[2] for line in (run / "up.csv").read_text().splitlines()[2:]]


def test_what_somebody_gave_by_hand_stays_and_is_listed(tmp_path: Path, run: Path) -> None:
    path = template(tmp_path / "t.csv", Ada="20", Cem="12")
    dry = export(run, path, "--dry-run")
    assert "Row 3, 101: not written, 20 is there, not by this run; it would be 17.6, see --overwrite" in dry.output
    assert "Row 5, 103: not written, 12 is there, not by this run; it would be EX" in dry.output
    done = export(run, path)
    assert done.exit_code == 1 and written(run) == ["20", "9", "12"]
    assert "1 grades change, 0 are there already, 2 are held back" in done.output


def test_it_is_replaced_where_that_is_asked_for_and_marked(tmp_path: Path, run: Path) -> None:
    path = template(tmp_path / "t.csv", Ada="20", Cem="12")
    for options in (["--overwrite", "--dry-run"], ["--overwrite"]):
        done = export(run, path, *options)
        assert done.exit_code == 0 and "20 *" in done.output and "12 *" in done.output, done.output
        assert "Of the changes, 2 replace what this run did not put there (*)." in done.output
    assert written(run) == ["17.6", "9", "EX"]


def test_what_an_earlier_export_put_there_becomes_the_new_grade_without_a_question(tmp_path: Path, run: Path) -> None:
    assert export(run, template(tmp_path / "t.csv")).exit_code == 0
    uploaded = (run / "up.csv").rename(tmp_path / "from canvas.csv")
    CliRunner().invoke(app, ["adjust", str(run), "101", "q1", "18.2", "--why", "A slip of ours"])
    done = export(run, uploaded)
    assert done.exit_code == 0 and written(run) == ["18.2", "9", "EX"] and "*" not in done.output
    # This file was not uploaded: 17.6 is there still, and is this run's
    CliRunner().invoke(app, ["adjust", str(run), "101", "q1", "19", "--why", "Another slip"])
    assert export(run, uploaded).exit_code == 0 and written(run) == ["19", "9", "EX"]
    # Somebody has given Ben another one in between
    given = template(tmp_path / "given.csv", Ada="17.60", Ben="11", Cem="EX")
    done = export(run, given)
    assert done.exit_code == 1 and written(run) == ["19", "11", "EX"]
    assert "11 is there, not by this run; it would be 9" in done.output


def test_a_dry_run_leaves_no_receipt(tmp_path: Path, run: Path) -> None:
    export(run, template(tmp_path / "t.csv"), "--dry-run")
    assert export(run, template(tmp_path / "t.csv", Ada="17.5"), "--dry-run").exit_code == 1


@pytest.mark.parametrize("lms", KINDS)
def test_a_grade_that_moves_by_less_than_one_point_is_written_in_every_file(tmp_path: Path, lms: str) -> None:
    """Of 0.6 points more or less, whatever whole number both are near to; and only of those below 0.01 it is not."""
    fill_record(tmp_path, lms)
    record = Record.open(tmp_path / "grades.sqlite", create=False)
    sign = "," if lms == "sakai" else "."
    moved = {one.n: value for one in PEOPLE if (value := expected(one.n)) is not None and 1 < value < 19}

    def near(one: Any) -> str:
        cents = moved.get(one.n)
        return f"{cents + (-1) ** one.n * cents.__class__('0.4'):.2f}".replace(".", sign) if cents is not None else ""

    (tmp_path / "t.csv").write_bytes(FILES[lms](near))
    filled = fill(record, lms, tmp_path / "t.csv", Filling(overwrite=True))
    changed = {change.student for change in filled.changes if change.replaces}
    assert changed == {key_of(one, lms) for one in PEOPLE if one.n in moved} and len(changed) > 20
    keep_receipts(record, receipts_of(filled, "2026-11-26T00:00:00+00:00"))
    (tmp_path / "t.csv").write_bytes(filled.content)
    again = fill(record, lms, tmp_path / "t.csv")
    assert not again.changes and not again.held
    record.close()


def receipt(grade: str, was: str = "", state: str = "written", place: str = f"{FILE}assignment 411") -> Receipt:
    return Receipt("101", place, "2026-11-20", {"user": 101, "grade": grade, "was": was}, {"state": state})


@pytest.mark.parametrize(
    ("there", "receipts", "may"),
    [
        ("", [], True),
        ("12", [], False),
        ("12.00", [receipt("12")], True),
        ("12,5", [receipt("12.5")], True),
        ("12.01", [receipt("12")], False),
        ("EX", [receipt("EX")], True),
        ("3", [receipt("12", was="3")], True),  # the file was perhaps not uploaded
        ("3", [receipt("12", was="3", state="arrived")], False),  # it had arrived, so somebody put 3 back
        ("", [receipt("12", state="arrived")], False),  # somebody took it away
        ("", [receipt("12")], True),
        ("12", [receipt("3"), receipt("12", state="arrived", place=PUSHED)], True),
    ],
)
def test_the_rule(there: str, receipts: list[Receipt], may: bool) -> None:
    assert ours(there, receipts) is may


def test_two_cells_are_one_grade_by_two_decimals() -> None:
    assert alike("8.333", "8.33") and alike(" 8 ", "8.00") and alike("85%", "85%")
    assert not alike("8.34", "8.33") and not alike("8", "8%") and not alike("", "0")


def test_a_file_knows_what_was_pushed(tmp_path: Path, run: Path) -> None:
    record = Record.open(run / "grades.sqlite", create=False)
    keep_receipts(record, [receipt("16", state="arrived", place=PUSHED)])
    record.close()
    assert export(run, template(tmp_path / "t.csv", Ada="16.00")).exit_code == 0 and written(run)[0] == "17.6"
    other = template(tmp_path / "other.csv", Ada="16")
    other.write_text(other.read_text().replace("(411)", "(412)"))
    assert export(run, other).exit_code == 1 and written(run)[0] == "16"  # of another assignment
    gone = export(run, template(tmp_path / "t.csv"), "--dry-run")
    assert gone.exit_code == 1 and "what was pushed is gone there; it would be 17.6" in gone.output


def test_a_push_knows_what_a_file_brought(tmp_path: Path, run: Path) -> None:
    record = Record.open(run / "grades.sqlite", create=False)
    (ada, *_) = standings(record)
    record.close()
    found = {grade: pushed(ada, grade, [receipt("16")]) for grade in ("", "16", "15", "17.6")}
    assert found == {"": Step.SEND, "16": Step.SEND, "15": Step.THEIRS, "17.6": Step.SAME}
    assert pushed(ada, "16", []) is Step.THEIRS


def pushed(one: Standing, grade: str, files: list[Receipt]) -> Step:
    there = {101: Held(user=101, score=float(grade) if grade else None)}
    directory = Directory([CanvasStudent(user=101)], lambda kind, value: None)
    (entry,) = entries([one], Policy(), {}, directory, there, {}, False, {"101": files})
    return entry.step
