"""A notebook of another assignment, or of an old version of this one, is recognised: told and flagged, still graded."""

from __future__ import annotations

import pytest
from conftest import Judge, notebook_bytes

from autograder.authoring.setup_cell import setup_cell
from autograder.course import Assignment, Course
from autograder.intake.notebook import Unreadable, read_notebook
from autograder.intake.stated import OTHER_ASSIGNMENT, OTHER_VERSION, Stated, differs, stated_in

TENSOR = "import torch\nscalar_tensor = torch.tensor(2.2)"


def stub_cell(assignment: Assignment) -> str:
    return "".join(setup_cell(assignment, {})["source"])


def test_a_stub_says_what_it_is(assignment: Assignment) -> None:
    stated = stated_in(["import torch", stub_cell(assignment)])
    assert stated == Stated("dipping_into_pytorch", "Dipping into PyTorch", assignment.version)
    assert differs(stated, assignment) is None
    assert differs(stated_in([TENSOR]), assignment) is None


def test_an_old_version_and_another_assignment_are_told_in_a_sentence(course: Course, assignment: Assignment) -> None:
    old = differs(stated_in([stub_cell(assignment.model_copy(update={"version": "2019"}))]), assignment)
    assert old is not None and old[0] == OTHER_VERSION
    assert "version 2019 of the assignment, and version 2026 is graded" in old[1]
    other = differs(stated_in([stub_cell(course.assignment("bending_the_line"))]), assignment)
    assert other is not None and other[0] == OTHER_ASSIGNMENT and '"Bending the line" (bending_the_line)' in other[1]


@pytest.mark.parametrize(
    "source",
    [
        "ASSIGNMENT = 3",
        "ASSIGNMENT = {}",
        "ASSIGNMENT = {**{'id': 'x'}}",
        "ASSIGNMENT = {'id': 7}",
        "ASSIGNMENT = open('x')",
        "ASSIGNMENT = {",
        "print(ASSIGNMENT)",
    ],
)
def test_what_says_nothing_is_no_claim(source: str) -> None:
    assert stated_in([source]) is None


def test_a_notebook_that_answers_nothing_of_this_one_is_refused_by_its_own_name(
    course: Course, assignment: Assignment
) -> None:
    content = notebook_bytes(stub_cell(course.assignment("bending_the_line")), "def merge(first, second): ...")
    read = read_notebook(content, assignment.names)
    assert isinstance(read, Unreadable)
    assert read.reason.startswith('It says that it is "Bending the line" (bending_the_line). This seems to be')


def test_an_old_notebook_is_graded_with_a_flag_and_the_sentence(judge: Judge, assignment: Assignment) -> None:
    old = assignment.model_copy(update={"version": "2019"})
    outcome = judge(notebook_bytes(stub_cell(old), TENSOR))
    assert OTHER_VERSION in outcome.flags and outcome.score == 0.5
    assert "version 2019" in outcome.message and any("version 2019" in note for note in outcome.notes)
