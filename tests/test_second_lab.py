"""The second lab, "Bending the line", as the first is graded: by nothing but its four places."""

from __future__ import annotations

import pytest
from conftest import points

from autograder.authoring.assign import stub_difference
from autograder.course import Course
from autograder.engine.demo import class_maker
from autograder.engine.slots import Job, Slots
from autograder.results import Outcome

LAB = "bending_the_line"
KEPT = ("as-taught", "adam", "tanh-wide", "no-bend", "reset-between", "looks-too-early")


@pytest.fixture(scope="module")
def graded(course: Course) -> dict[str, tuple[Outcome, dict[str, float]]]:
    """Outcome and expected points by what was made: the solution, the stub, and students of the made-up class."""
    assignment = course.assignment(LAB)
    full = {question.id: question.points for question in assignment.questions.values()}
    people = {one.about.partition(":")[0]: one for one in class_maker(course, assignment)(80, 0)}
    contents = {about: (people[about].content, dict(people[about].expected)) for about in KEPT}
    contents["solution"] = (course.master_path(assignment).read_bytes(), full)
    contents["stub"] = (course.stub_path(assignment).read_bytes(), dict.fromkeys(full, 0.0))
    found: dict[str, Outcome] = {}
    with Slots(course, assignment, 2, course.seed, trusted=True) as slots:
        jobs = [Job(key, content) for key, (content, _) in contents.items()]
        slots.run(jobs, lambda job, outcome: found.update({job.key: outcome}))
    return {key: (found[key], expected) for key, (_, expected) in contents.items()}


@pytest.mark.parametrize("about", [*KEPT, "solution", "stub"])
def test_each_earns_what_it_was_made_to_earn(graded: dict[str, tuple[Outcome, dict[str, float]]], about: str) -> None:
    outcome, expected = graded[about]
    assert points(outcome) == expected, [test.found for one in outcome.questions for test in one.tests if test.found]


def test_its_sentences_are_its_own(graded: dict[str, tuple[Outcome, dict[str, float]]]) -> None:
    told = [f"{t.found} {t.advice}" for outcome, _ in graded.values() for one in outcome.questions for t in one.tests]
    assert any("so the optimizer found no marks" in text for text in told)
    assert not any("var_1" in text or "summed squared" in text or "SGD" in text for text in told)
    line = [t.advice for one in graded["no-bend"][0].questions if one.id == "q5" for t in one.tests]
    assert any("straight line" in text for text in line)


def test_the_stub_is_the_masters(course: Course) -> None:
    assignment = course.assignment(LAB)
    assert stub_difference(course, assignment) is None
