"""`autograder verify` at work: grades notebooks of the course's own making, without a record."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from autograder.authoring.verify import Verified, verify
from autograder.course import Assignment, Course
from autograder.engine.grading import settled
from autograder.engine.slots import Job, Slots
from autograder.results import JUDGE_FAILED, Outcome

REFERENCE = " the solution, as a reference"  # no notebook here has this name
Graded = Callable[[Mapping[str, bytes], int], dict[str, Outcome]]


def verified(
    course: Course,
    assignment: Assignment,
    seeds: Sequence[int],
    mutants: int,
    only: Sequence[str],
    workers: int,
    level: str | None,
    console: Console,
) -> Verified:
    """What authoring.verify finds, with a count of graded notebooks on `console`."""
    with console.status("grading begins") as status:
        count = iter(range(1, sys.maxsize))

        def heard(name: str) -> None:
            status.update(f"{next(count)} notebooks graded, the last: {escape(name)}")

        with trying(course, assignment, workers or os.cpu_count() or 1, level, heard) as grade:
            return verify(course, assignment, grade, seeds, mutants, only)


@contextmanager
def trying(
    course: Course, assignment: Assignment, workers: int, level: str | None, heard: Callable[[str], None]
) -> Iterator[Graded]:
    """A function that grades notebooks by name with a seed; judge and sandbox run as long as the context.

    `heard` is called with each name as it is graded. Raises GradersUnfit or SandboxError.
    """
    with Slots(course, assignment, workers, course.seed, level, trusted=True) as slots:

        def graded(contents: Mapping[str, bytes], seed: int) -> dict[str, Outcome]:
            slots.seed = seed
            found: dict[str, Outcome] = {}

            def ended(job: Job, outcome: Outcome) -> None:
                found[job.key] = outcome
                heard(job.key)

            slots.run([Job(name, content) for name, content in contents.items()], ended)
            unsure = [name for name, outcome in found.items() if _unsure(outcome)]
            if unsure:
                slots.run([Job(REFERENCE, course.master_path(assignment).read_bytes())], ended)
                reference = found.pop(REFERENCE)
                found |= {name: settled(found[name], reference) for name in unsure}
            return found

        yield graded


def _unsure(outcome: Outcome) -> bool:
    """Whether a hidden test failed by itself, so that the solution decides whose fault that was."""
    failed = any(test.outcome == "error" for question in outcome.questions for test in question.tests)
    return failed or JUDGE_FAILED in outcome.flags
