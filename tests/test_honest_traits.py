"""What real notebooks have about them costs no mark: the solved lab with each trait alone earns all its points."""

from __future__ import annotations

import json
import os

import pytest
from honest_traits import ENVIRONMENT, NUMBERS, Notebook, solved, traits

from autograder.course import Assignment
from autograder.engine.slots import Job, Slots
from autograder.results import Outcome

ONLY = os.environ.get("TRAITS", "")  # part of a name, to try a few of all; else test_honest_class has the others


def packed(notebook: Notebook) -> bytes:
    return json.dumps(notebook).encode()


NAMES = [name for name in traits() if ONLY in name] if ONLY else [*ENVIRONMENT, *NUMBERS]


@pytest.fixture(scope="module")
def outcomes(slots: Slots) -> dict[str, Outcome]:
    """Every trait's outcome, judged by two sessions at a time."""
    found: dict[str, Outcome] = {}
    jobs = [Job(name, packed(traits()[name](solved()))) for name in NAMES]
    slots.run(jobs, lambda job, outcome: found.__setitem__(job.key, outcome))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_trait_costs_no_mark(outcomes: dict[str, Outcome], assignment: Assignment, name: str) -> None:
    outcome = outcomes[name]
    told = [f"{test.id}: {test.found}" for q in outcome.questions for test in q.tests if test.outcome != "passed"]
    told += [f"cell {cell.number}: {cell.error}" for cell in outcome.cells if cell.error]
    score = outcome.score
    assert score == assignment.points and not told, f"{outcome.message} {told[:6]} {outcome.notes}"


def test_the_table_changes_the_notebook_each_time() -> None:
    plain = solved()
    assert all(change(plain) != plain for change in traits().values()) and solved() == plain
