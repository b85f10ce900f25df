"""scores.csv has one safe row for everybody, and the same record gives the same bytes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autograder.gradebook.writing import for_people, number, write_whole
from autograder.record.anonymity import overview
from autograder.record.standing import standing
from autograder.record.store import Person, Record, RunInfo
from autograder.report.scores import scores_csv, write_scores
from autograder.results import Outcome, QuestionResult, Status

INFO = RunInfo("Course", "lab", "The lab", 7, "basic", {}, (("q1", "First", 2.0), ("q2", "Second", 18.0)))
COLUMNS = "student,name,email,submission,status,score,max_score,q1,q2,verdict,late_days,flags,message"


def outcome(key: str, q1: float = 2.0, q2: float = 16.5, **more: Any) -> Outcome:
    questions = tuple(
        QuestionResult(id=name, title=name, points=points, score=score, tests=())
        for name, points, score in (("q1", 2.0, q1), ("q2", 18.0, q2))
    )
    found: dict[str, Any] = {"status": Status.GRADED, "score": q1 + q2, "max_score": 20.0, "questions": questions}
    return Outcome(key=key, **{**found, **more})


def table(planned: Sequence[Person], outcomes: Sequence[Outcome]) -> str:
    """The file of a run without a late policy."""
    by_key = {one.key: one for one in outcomes}
    return scores_csv(INFO, [standing(one, by_key.get(one.key), INFO.policy, {}) for one in planned])


def rows(planned: Sequence[Person], outcomes: Sequence[Outcome]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table(planned, outcomes), newline=""), strict=True))


def row(given_outcome: Outcome | None = None, **person: str) -> dict[str, str]:
    key = given_outcome.key if given_outcome else "ada"
    found = rows([Person(key, **person)], [given_outcome] if given_outcome else [])  # type: ignore[arg-type]
    assert len(found) == 1
    return found[0]


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    found = Record.open(tmp_path / "grades.sqlite")
    found.start_run(INFO)
    found.plan([Person("ben", "Student, Ben", "ben@example.edu"), Person("ada", position=1)])
    found.save(outcome("ben", cpu={"notebook": 1.234}), b"")
    yield found
    found.close()


# Rows and columns


def test_the_columns_are_the_contracts_with_the_questions_in_the_labs_order() -> None:
    assert table([], []) == COLUMNS + "\n"


def test_a_graded_student_has_every_figure_in_its_column() -> None:
    text = table(
        [Person("ada", "Student, Ada", "ada@example.edu", "class.zip: ada.ipynb", "ada.ipynb")],
        [outcome("ada", verdict="CORRECT", flags=("ODD", "LATE"), message="Cell 2 was skipped.")],
    )
    expected = (
        'ada,"Student, Ada",ada@example.edu,ada.ipynb,graded,18.5,20,2,16.5,CORRECT,,ODD; LATE,Cell 2 was skipped.'
    )
    assert text.splitlines()[1:] == [expected]


def test_everybody_planned_has_one_row_in_the_order_of_the_keys() -> None:
    planned = [Person(key, position=place) for place, key in enumerate(["cleo", "ada", "10", "9", "Ben"])]
    assert [one["student"] for one in rows(planned, [outcome("ada"), outcome("9")])] == [
        "10", "9", "Ben", "ada", "cleo",
    ]  # fmt: skip


def test_the_order_of_planning_and_of_judging_does_not_show() -> None:
    planned = [Person("ada", position=0), Person("ben", position=1)]
    judged = [outcome("ada"), outcome("ben")]
    assert table(planned, judged) == table(planned[::-1], judged[::-1])


@pytest.mark.parametrize("status", [Status.NOT_GRADABLE, Status.GRADER_ERROR, Status.MISSING])
def test_a_status_without_a_score_has_blanks_and_no_zero(status: Status) -> None:
    # Even where the questions that could be judged have figures: half a mark in a gradebook is a mark.
    found = row(outcome("ada", status=status, score=None, message="Why."))
    assert (found["status"], found["message"], found["max_score"]) == (status.value, "Why.", "20")
    assert (found["score"], found["q1"], found["q2"]) == ("", "", "")


def test_a_partial_outcome_keeps_its_score() -> None:
    found = row(outcome("ada", status=Status.PARTIAL))
    assert (found["status"], found["score"], found["q2"]) == ("partial", "18.5", "16.5")


def test_who_is_not_judged_yet_has_a_row_of_blanks() -> None:
    found = row(None, name="Student, Ada", email="ada@example.edu")
    assert {name for name, value in found.items() if value} == {"student", "name", "email"}


def test_a_question_that_was_not_judged_is_blank_and_not_zero() -> None:
    full = outcome("ada")
    found = row(full.model_copy(update={"questions": full.questions[1:]}))
    assert (found["q1"], found["q2"]) == ("", "16.5")


# Numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (20.0, "20"), (100.0, "100"), (18.5, "18.5"), (0.0, "0"), (-0.0, "0"), (-0.001, "0"), (0.1 + 0.2, "0.3"),
        (0.7000000000000001, "0.7"), (2.675, "2.68"), (0.125, "0.13"), (0.005, "0.01"), (1e-9, "0"),
        (99999.995, "100000"), (1e16, "10000000000000000"), (10, "10"),
    ],
)  # fmt: skip
def test_numbers_are_plain_and_rounded_half_up_to_two_decimals(value: float, text: str) -> None:
    assert number(value) == text


@settings(max_examples=60, derandomize=True, database=None)
@given(st.floats(-1e5, 1e5))
def test_every_number_is_within_half_a_cent_of_its_value_and_has_no_other_sign(value: float) -> None:
    assert re.fullmatch(r"-?(0|[1-9]\d*)(\.\d?[1-9])?", number(value))
    assert number(value) != "-0"
    assert abs(float(number(value)) - value) <= 0.005 + 1e-9


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_never_written_as_one(value: float) -> None:
    with pytest.raises(ValueError, match="is no number of points"):
        number(value)


# Text that others wrote


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\0=1", "  =1", "\n-1", "\uff1d1", "\xa0=1"]
)
def test_text_for_people_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    found = row(outcome("ada", message=text, flags=(text,)), name=text, filename=text)
    for column in ("name", "submission", "flags", "message"):
        assert found[column].startswith("'"), column


@pytest.mark.parametrize("text", ["Student, Ada", "a = b", "1-2", "'=1", "\u05d0\u05d3\u05d4", "e\u0301", ""])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert for_people(text) == text


@pytest.mark.parametrize("key", ["007", "1e5", "NA", "a,b", 'a"b', "Student, Ada"])
def test_keys_and_addresses_are_not_changed(key: str) -> None:
    found = row(outcome(key), email=f"{key}@example.edu")
    assert (found["student"], found["email"]) == (key, f"{key}@example.edu")


@pytest.mark.parametrize("key", ["+49", "=key", "-", "@ada", "=cmd|' /C calc'!A0"])
def test_keys_and_addresses_that_a_spreadsheet_would_run_get_an_apostrophe(key: str) -> None:
    found = row(outcome(key), email=f"{key}@example.edu")
    assert (found["student"], found["email"]) == (f"'{key}", f"'{key}@example.edu")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\n\n"])
def test_a_message_of_several_lines_becomes_one(end: str) -> None:
    assert row(outcome("ada", message=f"One.{end}Two."))["message"] == "One. Two."


def test_escape_sequences_do_not_reach_the_terminal_of_who_prints_the_file() -> None:
    assert "\x1b" not in table([Person("ada")], [outcome("ada", message="\x1b[31mred")])


@settings(max_examples=60, derandomize=True, database=None)
@given(st.text(max_size=20))
@example('"\\"')
@example("a\r\n=b")
def test_whatever_the_text_the_table_keeps_its_shape_and_runs_nothing(text: str) -> None:
    written = table([Person("ada", text, filename=text)], [outcome("ada", message=text, flags=(text,))])
    lines = list(csv.reader(io.StringIO(written, newline=""), strict=True))
    assert [len(line) for line in lines] == [len(COLUMNS.split(","))] * 2
    assert written.count("\n") == 2
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in lines[1])


# Writing


def test_the_same_record_gives_the_same_bytes_also_opened_again(tmp_path: Path, record: Record) -> None:
    first = write_scores(tmp_path / "one.csv", overview(record)).read_bytes()
    again = Record.open(tmp_path / "grades.sqlite", create=False)
    assert write_scores(tmp_path / "two.csv", overview(again)).read_bytes() == first
    assert first.decode().splitlines()[0] == COLUMNS
    again.close()


def test_what_judging_cost_is_not_in_the_file(tmp_path: Path, record: Record) -> None:
    first = write_scores(tmp_path / "scores.csv", overview(record)).read_bytes()
    record.save(outcome("ben", cpu={"notebook": 99.0}), b"")
    assert write_scores(tmp_path / "scores.csv", overview(record)).read_bytes() == first


def test_a_file_is_replaced_whole_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "scores.csv"
    write_whole(path, b"long old content")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [file.name for file in path.parent.iterdir()] == ["scores.csv"]


def test_a_write_that_fails_leaves_the_old_file_and_no_half_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scores.csv"
    write_whole(path, b"old")

    def full_disk(self: Path, target: Path) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["scores.csv"]
