"""Graders that give expected values to student code, or repeat its output as it is, are pointed out."""

from __future__ import annotations

import pytest

from autograder.authoring.grader_lint import lint, remarks
from autograder.course import Course


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("wanted = 3\n    found = value(double(1.5, wanted))", "`wanted` is handed to the student's `double`"),
        ("double(x=expected_sum)", "`expected_sum` is handed to the student's `double`"),
        ('check(False, f"It gives {value(double(2))}.", "Look.")', "repeats `value(double(2))`"),
        ('found = value(double(2))\n    check(found == 4, f"It gives {found}.", "Look.")', "repeats `found`"),
        ('award(0.5, f"It gives {double}.", "Look.")', "repeats `double`"),
    ],
)
def test_what_gives_something_away_is_pointed_out(body: str, words: str) -> None:
    (remark,) = remarks(f"def test_double(draw):\n    {body}\n", "test_q1.py", ["double"])
    assert words in str(remark) and str(remark).startswith("test_q1.py, line ")


@pytest.mark.parametrize(
    "body",
    [
        "double(goal)",
        'found = value(double(2))\n    check(found == 4, f"It gives {found:.2f}, not {4}.", "Look.")',
        'found = value(double(2))\n    check(found == 4, f"It has the shape {tuple(found.shape)}.", "Look.")',
    ],
)
def test_what_is_usual_is_not(body: str) -> None:
    assert remarks(f"def test_double(draw):\n    {body}\n", "test_q1.py", ["double"]) == []


def test_the_graders_of_both_labs_give_nothing_away(course: Course) -> None:
    assert [str(one) for assignment in course.assignments.values() for one in lint(course, assignment)] == []
