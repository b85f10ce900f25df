"""The made-up class of this lab, which `autograder demo -a bending_the_line` grades: what each answer should earn.

It belongs to the course and answers every question, so no student's process sees it. The first seventeen students are
the same sorts of work for every seed; later ones answer each question by chance, right or with one of the mistakes.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

from .answers import MISTAKES, POINTS, RIGHT, WAYS, Answer

__all__ = ["MISTAKES", "POINTS", "RIGHT", "WAYS", "Answer", "MadeUpStudent", "make_class", "notebook"]

LARGEST = 500
GIVEN = ("Ada", "Ben", "Chloe", "Dev", "Elif", "Finn", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam")
NOT_JSON = b'{"cells": [{"cell_type": "code", "source": ["def merge('


@dataclass(frozen=True)
class MadeUpStudent:
    """One student who does not exist; `expected` is points per question, and empty where no score is expected."""

    key: str
    name: str
    email: str
    filename: str
    content: bytes
    expected_status: str
    expected: dict[str, float]
    about: str


def notebook(answers: dict[str, str]) -> bytes:
    """A notebook with the lab's imports and these answers, a cell each."""
    sources = [RIGHT["imports"], *(answers[question] for question in POINTS if question in answers)]
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
        for n, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    return json.dumps(made).encode()


def make_class(students: int = 17, seed: int = 0) -> list[MadeUpStudent]:
    """A class of 1 to 500, the same for the same seed; raises ValueError for another number."""
    if not 1 <= students <= LARGEST:
        raise ValueError(f"a made-up class has 1 to {LARGEST} students, not {students}")
    return [_student(number, seed) for number in range(1, students + 1)]


def _student(number: int, seed: int) -> MadeUpStudent:
    draw = random.Random(f"{seed} {number}")
    sorts: list[Answer | None] = [None, *WAYS, *MISTAKES]
    if number == len(sorts) + 1:
        return _named(number, NOT_JSON, "not_gradable", {}, "not-json")
    chosen = sorts[number - 1] if number <= len(sorts) else draw.choice([*WAYS, *MISTAKES])
    answers = {question: RIGHT[question] for question in POINTS}
    expected = dict(POINTS)
    if chosen is not None:
        answers.update(chosen.code)
        expected.update(chosen.points)
    return _named(number, notebook(answers), "graded", expected, chosen.label if chosen else "as-taught")


def _named(number: int, content: bytes, status: str, expected: dict[str, float], about: str) -> MadeUpStudent:
    given = GIVEN[(number - 1) % len(GIVEN)]
    key = f"b{number:03}"
    return MadeUpStudent(
        key, f"Student, {given} {number}", f"{key}@example.edu", f"{key}.ipynb", content, status, expected, about
    )
