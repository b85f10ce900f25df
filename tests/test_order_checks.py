"""Whose verdict stands for a training loop: tests are found by a marker or by their fixture, never by their names."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.judge.one import leading_verdict
from autograder.judge.questions import order_checks
from autograder.results import QuestionResult, TestResult

LAB = Path(__file__).parent / "graders" / "dipping_into_pytorch"


def item(name: str, *fixtures: str, marked: bool = False) -> Any:
    """As much of a collected test as is asked."""
    mark = pytest.mark.order_check.mark if marked else None
    return SimpleNamespace(
        path=Path("test_q1.py"),
        name=name,
        fixturenames=fixtures,
        get_closest_marker=lambda wanted: mark if wanted == "order_check" else None,
    )


def question(name: str, **verdicts: str | None) -> QuestionResult:
    """A question whose tests came to these verdicts."""
    tests = tuple(
        TestResult(id=f"test_q1.py::{test}", question=name, title=test, outcome="passed", share=1.0, verdict=verdict)
        for test, verdict in verdicts.items()
    )
    return QuestionResult(id=name, title=name, points=1.0, score=1.0, tests=tests)


def test_tests_that_use_the_order_check_are_found_whatever_their_names() -> None:
    assert order_checks([item("anything", "draw", "order"), item("other", "draw")]) == {"test_q1.py::anything"}


def test_marked_tests_come_before_those_that_only_use_it() -> None:
    items = [item("fine", "order", marked=True), item("rate", "order")]
    assert order_checks(items) == {"test_q1.py::fine"}
    assert order_checks([item("own", marked=True), item("rate", "order")]) == {"test_q1.py::own"}


def test_the_last_verdict_leads_unless_a_question_is_named() -> None:
    found = [
        question("q3", fit="CORRECT"),
        question("q5", loop="MISSING_ZERO", rate="OTHER"),
        question("q6", loop2=None),
    ]
    checks = {"test_q1.py::fit", "test_q1.py::loop", "test_q1.py::loop2"}
    assert leading_verdict(found, checks, None) == "MISSING_ZERO"
    assert leading_verdict(found, checks, "q3") == "CORRECT"
    assert leading_verdict(found, checks, "q6") is None
    assert leading_verdict(found, (), None) is None


def test_the_lab_marks_one_test() -> None:
    marked = [path.name for path in LAB.glob("test_*.py") for _ in range(path.read_text().count("mark.order_check"))]
    assert marked == ["test_q5.py"]
