"""Shared by the tests of the program itself: one warm judge and one sandbox, and notebooks to put to them."""

from __future__ import annotations

import json
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.course import Assignment, Course, load_course
from autograder.engine.slots import Job, Slots
from autograder.results import Outcome

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def course() -> Course:
    return load_course(ROOT)


@pytest.fixture(scope="session")
def assignment(course: Course) -> Assignment:
    return course.assignment("dipping_into_pytorch")


@pytest.fixture(scope="session")
def slots(course: Course, assignment: Assignment) -> Iterator[Slots]:
    """A running judge and sandbox with two slots."""
    with Slots(course, assignment, 2, course.seed, trusted=True) as running:
        yield running


def notebook_bytes(*cells: str) -> bytes:
    """A plain nbformat 4 notebook of these code cells."""
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {
                "cell_type": "code", "id": f"cell-{number}", "metadata": {}, "outputs": [], "execution_count": None,
                "source": textwrap.dedent(source),
            }
            for number, source in enumerate(cells, 1)
        ],
    }  # fmt: skip
    return json.dumps(content).encode()


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that any user gets to: pytest closes its own to others, whenever another pytest starts here."""
    with tempfile.TemporaryDirectory(prefix="open-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


# Files that start judges and sandboxes, or compute for long, the longest first: begun early, they do not leave one of
# two workers idle at the end. `--fast` leaves them out.
LONG = (
    "test_crashes",
    "test_attacks",
    "test_gradescope",
    "test_corpus",
    "test_golden",
    "test_honest_traits",
    "test_honest_class",
    "test_tampering",
    "test_border",
    "test_engine",
    "test_programs",
    "test_own_code",
    "test_notebook_session",
    "test_whole_way",
    "test_attempts",
    "test_gradebooks",
    "test_fuzz",
    "test_limits",
    "test_wrong_files",
    "test_identity",
    "test_growth",
    "test_diagnose",
    "test_watch",
    "test_decision",
    "test_unusual_loops",
    "test_demo_class",
    "test_verify",
    "test_new",
    "test_second_lab",
    "test_assign",
    "test_lab_graders",
    "test_seeds",
    "test_clearing",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="leave out what starts sandboxes or computes for long")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: grades for real; left out by --fast")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    runs = collection_path.stem in LONG or collection_path == ROOT / "tests/graders"  # the lab's graders judge for real
    return True if runs and config.getoption("--fast") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))
    if config.getoption("--fast"):
        items[:] = [item for item in items if item.get_closest_marker("slow") is None]


Judge = Callable[..., Outcome]


@pytest.fixture(scope="session")
def judge(slots: Slots) -> Judge:
    """Judge one notebook: `judge(content)` or `judge(cell, cell, ...)`."""

    def run(*cells: str | bytes) -> Outcome:
        content = cells[0] if isinstance(cells[0], bytes) else notebook_bytes(*map(str, cells))
        found: list[Outcome] = []
        slots.run([Job("student", content)], lambda job, outcome: found.append(outcome))
        return found[0]

    return run


def points(outcome: Outcome) -> dict[str, float]:
    """Points by question."""
    return {question.id: question.score for question in outcome.questions}


def findings(outcome: Outcome, question: str) -> str:
    """Everything a student reads about one question's tests that did not pass."""
    tests = [test for result in outcome.questions if result.id == question for test in result.tests]
    return "\n".join(f"{test.found} {test.advice}" for test in tests if test.outcome != "passed")
