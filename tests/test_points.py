"""How tests become points: the arithmetic that every mark goes through, held against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.results import QuestionResult, Status, TestResult, question_score, rounded


def result(share: float, weight: float = 1.0) -> TestResult:
    outcome = "passed" if share == 1 else "partial" if share else "failed"
    return TestResult(id="t", question="q1", title="T", weight=weight, outcome=outcome, share=share)


@pytest.mark.parametrize("tests", [(), (result(1, 0),), (result(1, 0), result(1, 0)), (result(0, 0),)])
def test_a_question_without_any_weight_earns_nothing(tests: tuple[TestResult, ...]) -> None:
    assert question_score(5, tests) == 0


def test_weights_count_and_shares_count_by_them() -> None:
    assert question_score(4, (result(1, 3), result(0, 1))) == 3
    assert question_score(4, (result(0.5, 3), result(1, 1))) == 2.5
    assert question_score(1, (result(1), result(0), result(0))) == 0.33
    assert question_score(2, (result(1), result(1), result(0))) == 1.33


def test_half_a_cent_goes_up() -> None:
    assert question_score(0.01, (result(0.5),)) == 0.01
    assert rounded(2.675) == 2.68 and rounded(0.125) == 0.13 and rounded(0.5, 0) == 1 and rounded(2.5, 0) == 3
    assert str(rounded(-0.001)) == "0.0"


@given(
    st.integers(0, 100).map(lambda n: n / 4),
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 4)), max_size=8),
)
def test_every_score_is_the_exact_one_to_half_a_cent(points: float, tests: list[tuple[int, int]]) -> None:
    results = tuple(result(share / 8, weight) for share, weight in tests)
    score, total = question_score(points, results), sum(weight for _, weight in tests)
    exact = Fraction(points) * sum(Fraction(share, 8) * weight for share, weight in tests) / (total or 1)
    assert abs(Fraction(str(score)) - exact) <= Fraction(1, 200)
    assert 0 <= score <= points


def test_a_questions_share_is_of_its_points() -> None:
    assert QuestionResult(id="q", title="Q", points=4, score=1, tests=()).share == 0.25
    assert QuestionResult(id="q", title="Q", points=0, score=0, tests=()).share == 1


def test_graded_and_partial_alone_have_a_score() -> None:
    assert [status for status in Status if status.scored] == [Status.GRADED, Status.PARTIAL]
