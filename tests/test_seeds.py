"""Nothing that a student's process can read of its random numbers leads to the run's seed, and so to held-out data."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from conftest import notebook_bytes

from autograder.course import Assignment, Course
from autograder.engine.slots import Job, Slots
from autograder.judge.seeds import Seeds
from autograder.record.store import Record, RunInfo
from autograder.results import Outcome

TELLS = """
import random, numpy, torch
scalar_tensor = torch.tensor(2.2)
print(torch.initial_seed(), random.random(), numpy.random.rand())
"""
INFO = RunInfo("Course", "lab", "The lab", 20260901, "strong", {}, (("q1", "One", 2.0),))


def test_trying_every_seed_does_not_find_the_one_of_the_run() -> None:
    """With the run's secret; what has none is no run in which somebody is marked."""
    labels = ("notebook", "draw/notebook", "test_q6.py::test_examples", "diagnose")
    seen = {Seeds(2026, bytes(range(32))).student(label) for label in labels}
    for seed, label in itertools.product(range(3000), labels):
        assert Seeds(seed).student(label) not in seen
        assert Seeds(seed).draw(label) not in seen


def test_the_draws_of_the_judge_are_those_of_the_seed_alone() -> None:
    one, two = Seeds(7, b"a" * 32), Seeds(7, b"b" * 32)
    assert one.draw("x") == two.draw("x") != Seeds(8, b"a" * 32).draw("x")
    assert one.student("x") != two.student("x")
    assert one.student("x") != Seeds(8, b"a" * 32).student("x")
    assert one.student("x") != one.student("y")


def test_a_record_keeps_its_secret_and_no_two_have_the_same(tmp_path: Path) -> None:
    secrets = []
    for name in ("one", "two"):
        for _ in range(2):
            record = Record.open(tmp_path / f"{name}.sqlite")
            record.start_run(INFO)
            secrets.append(record.secret())
            record.close()
    assert secrets[0] == secrets[1] != secrets[2] == secrets[3]
    assert all(len(secret) == 32 for secret in secrets)


def test_a_record_can_be_given_a_secret_once(tmp_path: Path) -> None:
    record = Record.open(tmp_path / "run.sqlite")
    record.start_run(INFO, b"k" * 32)
    record.start_run(INFO, b"other" * 6)
    assert record.secret() == b"k" * 32
    record.close()


def test_what_a_notebook_draws_hangs_on_the_secret(
    course: Course, assignment: Assignment, slots: Slots, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def ended(job: Job, outcome: Outcome) -> None:
        told.append(str(outcome.cells[0].outputs))

    for secret in (b"a" * 32, b"b" * 32, b"a" * 32):
        monkeypatch.setattr(slots, "secret", secret)
        slots.run([Job("ada", notebook_bytes(TELLS))], ended)
    first, second, third = told
    assert first == third
    assert str(Seeds(course.seed, b"a" * 32).student("notebook")) in first
    assert first != second
