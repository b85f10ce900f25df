"""A score that becomes another is noted: whose, from what, to what and why; one that stays is not."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.course.late import LatePolicy
from autograder.course.models import Policy
from autograder.engine.changing import adjust_run
from autograder.engine.grading import RECORD, opened
from autograder.record.history import newest_regrade, regrades
from autograder.record.store import Person, Record, RunInfo
from autograder.report.regrades import write_regrades
from autograder.results import Outcome, QuestionResult, Status

QUESTIONS = (("q1", "First", 2.0), ("q2", "Second", 8.0))


def info(policy: Policy | None = None) -> RunInfo:
    return RunInfo("Course", "lab", "The lab", 7, "strong", {}, QUESTIONS, policy or Policy())


def outcome(key: str, *scores: float, status: Status = Status.GRADED) -> Outcome:
    questions = tuple(
        QuestionResult(id=name, title=title, points=points, score=score, tests=())
        for (name, title, points), score in zip(QUESTIONS, scores, strict=False)
    )
    score = sum(scores) if status.scored else None
    return Outcome(key=key, status=status, score=score, max_score=10, questions=questions)


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    made = opened(tmp_path, info())
    made.plan([Person("ada", handed_in="2026-11-02T12:00:00+00:00"), Person("ben", position=1)])
    yield made
    made.close()


def told(record: Record) -> list[tuple[str, str, str, str]]:
    return [(note.key, note.was, note.now, note.why) for note in regrades(record)]


def test_a_first_score_and_one_that_stays_are_no_news(record: Record) -> None:
    record.save(outcome("ada", 1, 4), b"{}")
    record.save(outcome("ada", 1, 4), b"{}")
    assert told(record) == []


def test_the_same_file_graded_to_another_score_tells_the_questions(record: Record) -> None:
    record.save(outcome("ada", 1, 4), b"{}")
    record.save(outcome("ada", 2, 4), b"{}")
    assert told(record) == [("ada", "5", "6", "graded again: q1 1 -> 2")]


def test_another_file_is_the_reason_where_there_is_one(record: Record) -> None:
    record.save(outcome("ada", 1, 4), b"{}")
    record.save(outcome("ada", 2, 4), b"{ }")
    assert told(record) == [("ada", "5", "6", "another file counts")]


def test_who_hands_in_later_was_missing_before(record: Record) -> None:
    record.save(outcome("ben", status=Status.MISSING), None)
    record.save(outcome("ben", 2, 8), b"{}")
    assert told(record) == [("ben", "missing", "10", "handed in since")]


def test_a_provisional_outcome_that_is_settled_is_no_regrade(record: Record) -> None:
    record.save(outcome("ada", status=Status.GRADER_ERROR), b"{}")
    record.save(outcome("ada", 2, 8), b"{}", settles=True)
    assert told(record) == []


def test_points_set_by_hand_and_taken_back_are_noted_with_the_reason(record: Record, tmp_path: Path) -> None:
    record.save(outcome("ada", 1, 4), b"{}")
    adjust_run(tmp_path, "ada", "q1", 2, "A valid reading")
    adjust_run(tmp_path, "ada", "q1", None, "")
    notes = told(record)
    assert [note[:3] for note in notes] == [("ada", "5", "6"), ("ada", "6", "5")]
    assert notes[0][3].startswith("q1 set by hand by ") and notes[0][3].endswith(": A valid reading")
    assert notes[1][3].startswith("q1 no longer set by hand")


def test_a_late_policy_that_comes_later_is_noted_for_whom_it_touches(record: Record, tmp_path: Path) -> None:
    record.save(outcome("ada", 2, 8), b"{}")
    record.save(outcome("ben", 2, 8), b"{}")
    late = LatePolicy.model_validate({"due": "2026-11-01 23:59", "percent": 10.0})
    opened(tmp_path, info(Policy(late=late))).close()
    assert told(record) == [("ada", "10", "9", "the late policy or an extension in grading.yml changed")]


def test_the_file_holds_every_note_and_goes_when_there_are_none(record: Record, tmp_path: Path) -> None:
    record.save(outcome("ada", 1, 4), b"{}")
    record.save(outcome("ada", 2, 4), b"=")
    write_regrades(tmp_path, regrades(record))
    with (tmp_path / "regrades.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["student"], row["was"], row["is now"]) == ("ada", "5", "6")
    write_regrades(tmp_path, [])
    assert not (tmp_path / "regrades.csv").exists()


def test_only_what_is_new_since_a_moment_is_given(record: Record) -> None:
    record.save(outcome("ada", 1, 4), b"{}")
    record.save(outcome("ada", 2, 4), b"{}")
    since = newest_regrade(record)
    record.save(outcome("ada", 2, 5), b"{}")
    assert [note.was for note in regrades(record, since)] == ["6"]


def test_forgetting_a_student_forgets_the_notes_too(record: Record, tmp_path: Path) -> None:
    record.save(outcome("ada", 1, 4), b"{}")
    record.save(outcome("ada", 2, 4), b"{}")
    record.forget("ada")
    assert told(record) == []
    assert not any(b"ada" in path.read_bytes() for path in tmp_path.glob(f"{RECORD}*"))
