"""Points set by hand: each is of one student's one question, and what it took the place of stays in the record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.record.adjustments import Adjustment, adjust, adjustments, undo
from autograder.record.store import Person, Record, RecordError, RunInfo
from autograder.results import Outcome, QuestionResult, Status


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    """Ada and Ben, who have 1 of 2 in q1 and 3 of 4 in q2."""
    made = Record.open(tmp_path / "grades.sqlite")
    made.start_run(RunInfo("Course", "lab", "Lab", 1, "strong", {}, (("q1", "One", 2.0), ("q2", "Two", 4.0))))
    made.plan([Person("ada", filename="a.ipynb"), Person("ben", filename="b.ipynb", position=1)])
    results = tuple(
        QuestionResult(id=name, title=name, points=most, score=most - 1, tests=())
        for name, most in (("q1", 2), ("q2", 4))
    )
    for key in ("ada", "ben"):
        made.save(Outcome(key=key, status=Status.GRADED, score=4, max_score=6, seed=1, questions=results), b"x")
    yield made
    made.close()


def by_hand(key: str, question: str, points: float, why: str = "A valid reading") -> Adjustment:
    return Adjustment(key, question, points, why, "ta", "2026-11-26T00:00:00+00:00")


def scores(record: Record) -> dict[str, tuple[float | None, ...]]:
    found = record.outcomes()
    return {one.key: (one.score, *(question.score for question in one.questions)) for one in found}


def test_one_that_is_set_again_takes_the_place_of_its_own_and_of_no_other(record: Record) -> None:
    adjust(record, [by_hand("ada", "q1", 2), by_hand("ada", "q2", 4), by_hand("ben", "q1", 2), by_hand("ben", "q2", 0)])
    adjust(record, [by_hand("ada", "q1", 0.5)])
    assert scores(record) == {"ada": (4.5, 0.5, 4), "ben": (2, 2, 0)}
    kept = {
        (key, one.question, one.points, one.undone) for key, them in adjustments(record, True).items() for one in them
    }
    assert kept == {
        ("ada", "q1", 2, True), ("ada", "q1", 0.5, False), ("ada", "q2", 4, False), ("ben", "q1", 2, False),
        ("ben", "q2", 0, False),
    }  # fmt: skip


def test_one_that_is_taken_back_leaves_the_others_and_stays_as_undone(record: Record) -> None:
    adjust(record, [by_hand("ada", "q1", 2), by_hand("ada", "q2", 4), by_hand("ben", "q1", 2)])
    assert undo(record, "ada", "q1") and not undo(record, "ada", "q1") and not undo(record, "ben", "q2")
    assert scores(record) == {"ada": (5, 1, 4), "ben": (5, 2, 3)}
    assert {(key, one.question) for key, them in adjustments(record).items() for one in them} == {
        ("ada", "q2"), ("ben", "q1"),
    }  # fmt: skip
    assert [(one.was, one.who, one.why) for one in adjustments(record)["ben"]] == [(1, "ta", "A valid reading")]


def test_half_a_cent_goes_up_and_the_reason_is_without_its_blanks(record: Record) -> None:
    adjust(record, [by_hand("ada", "q1", 0.125, "  He was right \n")])
    (one,) = adjustments(record)["ada"]
    assert (one.points, one.why) == (0.13, "He was right")


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (by_hand("adda", "q1", 1), 'Nobody in this run has the key "adda"; did you mean "ada"?'),
        (by_hand("ada", "q11", 1), 'There is no question "q11"; did you mean "q1"? known are q1, q2.'),
        (by_hand("ada", "essay", 1), 'There is no question "essay"; known are q1, q2.'),
        (by_hand("ada", "q1", 2.01), "q1 is worth 0 to 2 points, not 2.01."),
        (by_hand("ada", "q2", -0.01), "q2 is worth 0 to 4 points, not -0.01."),
        (by_hand("ada", "q1", float("nan")), "q1 is worth 0 to 2 points, not nan."),
        (by_hand("ada", "q1", 1, " \n"), "Say why: the student will read it."),
    ],
)
def test_what_cannot_be_set_is_told_and_nothing_is(record: Record, one: Adjustment, said: str) -> None:
    with pytest.raises(RecordError) as refusal:
        adjust(record, [by_hand("ben", "q1", 2), one])
    assert str(refusal.value) == said
    assert adjustments(record, with_undone=True) == {} and scores(record) == {"ada": (4, 1, 3), "ben": (4, 1, 3)}


@pytest.mark.parametrize("points", [0, 2])
def test_the_ends_of_the_range_can_be_set(record: Record, points: float) -> None:
    adjust(record, [by_hand("ada", "q1", points)])
    assert scores(record)["ada"] == (3 + points, points, 3)
