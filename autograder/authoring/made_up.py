"""A made-up class from a catalogue: what `autograder demo` grades where a course has no class beside the solution.

The solved notebook, each right answer, each mistake and a file that is no notebook come first, the same for every
seed; who comes after them answers as one of those.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.authoring.catalogue import Catalogue, Entry
from autograder.authoring.master import Master

LARGEST = 500
NO_NOTEBOOK = b'{"cells": [{"cell_type": "code", "source": ["def '
GIVEN = ("Ada", "Ben", "Chloe", "Dev", "Elif", "Finn", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam")


@dataclass(frozen=True)
class MadeUpStudent:
    """One student who does not exist; `expected` is points by question, empty where no score is expected."""

    key: str
    name: str
    email: str
    filename: str
    content: bytes
    expected_status: str
    expected: Mapping[str, float]
    about: str


def make_class(
    master: Master, catalogue: Catalogue, points: Mapping[str, float], count: int, seed: int
) -> Sequence[MadeUpStudent]:
    """`count` students, 1 to 500. Raises ValueError for another number, CatalogueError for an entry."""
    if not 1 <= count <= LARGEST:
        raise ValueError(f"a made-up class has 1 to {LARGEST} students, not {count}")
    fixed = [entry for entry in catalogue.entries if not any(isinstance(left, tuple) for left in entry.left.values())]
    sorts: list[Entry | None] = [Entry("as-taught", "as the instructor solved it", ()), *fixed, None]
    people = []
    for number in range(1, count + 1):
        chosen = sorts[number - 1] if number <= len(sorts) else random.Random(f"{seed} {number}").choice(sorts[:-1])
        key, name = f"s{number:03}", f"Student, {GIVEN[(number - 1) % len(GIVEN)]} {number}"
        who = (key, name, f"{key}@example.edu", f"{key}.ipynb")
        if chosen is None:
            people.append(MadeUpStudent(*who, NO_NOTEBOOK, "not_gradable", {}, "a file that broke off"))
            continue
        expected = {question: float(str(chosen.left.get(question, most))) for question, most in points.items()}
        content = master.notebook(chosen.answers(master))
        people.append(MadeUpStudent(*who, content, "graded", expected, f"{chosen.name}: {chosen.why}"))
    return people
