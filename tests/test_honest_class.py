"""Honest notebooks, a sample: traits in piles are graded, forms of the file read, and the class has them all."""

from __future__ import annotations

import json
import random

import pytest
from honest_forms import FORMS
from honest_people import honest_class
from honest_traits import COLAB, DEVICES, LETTERS, LONELY, PACKAGES, Notebook, solved, traits

from autograder.course import Assignment
from autograder.engine.slots import Job, Slots
from autograder.intake.notebook import Notebook as Read
from autograder.intake.notebook import read_notebook
from autograder.results import Outcome

PILE = 7


def piles() -> dict[str, Notebook]:
    """Traits of the larger tables, several to a notebook; one that leaves another nothing to change goes elsewhere."""
    known = {**COLAB, **PACKAGES, **DEVICES, **LETTERS}
    found = {name: known.pop(name)(solved()) for name in LONELY}
    waiting = random.Random(11).sample(sorted(known), len(known))
    while waiting:
        notebook, taken = solved(), []
        for name in waiting:
            if len(taken) == PILE:
                break
            try:
                notebook = known[name](notebook)
            except ValueError:
                continue
            taken.append(name)
        waiting = [name for name in waiting if name not in taken]
        found[" + ".join(taken)] = notebook
    return found


PILES = piles()


@pytest.fixture(scope="module")
def outcomes(slots: Slots) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    jobs = [Job(name, json.dumps(notebook).encode()) for name, notebook in PILES.items()]
    slots.run(jobs, lambda job, outcome: found.__setitem__(job.key, outcome))
    return found


@pytest.mark.parametrize("name", PILES)
def test_traits_together_cost_no_mark(outcomes: dict[str, Outcome], assignment: Assignment, name: str) -> None:
    outcome = outcomes[name]
    told = [f"{test.id}: {test.found}" for q in outcome.questions for test in q.tests if test.outcome != "passed"]
    told += [f"cell {cell.number}: {cell.error}" for cell in outcome.cells if cell.error]
    assert outcome.score == assignment.points and not told, f"{outcome.message} {told[:6]} {outcome.notes}"


def test_the_class_has_every_trait_and_every_form() -> None:
    people = honest_class(5)
    assert len(people) == 100 and people == honest_class(5)
    about = " + ".join(one.about for one in people).split(" + ")
    assert {*traits(), *FORMS} <= set(about)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_the_file_changes_no_cell(assignment: Assignment, name: str) -> None:
    plain = solved()
    read = read_notebook(FORMS[name].made(plain, random.Random(4)), assignment.names)
    assert isinstance(read, Read), read
    sources = [cell.source.strip() for cell in read.cells if cell.kind == "code"]
    assert sources == [cell["source"].strip() for cell in plain["cells"] if cell["cell_type"] == "code"]
