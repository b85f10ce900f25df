"""A class of 100 honest students: the solved lab with a trait, two traits, a form of the file, or a form and a trait.

Made up by `honest_class` for benchmarks/honest_class.py, which grades them all, and for test_honest_class.py.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from honest_forms import FORMS, Form
from honest_traits import LONELY, Notebook, both, solved, traits

SIZE, IN_PAIRS = 100, 60  # students; and traits that come in pairs


@dataclass(frozen=True)
class Honest:
    """One hand-in: its file, and the names of the traits and the form that it has."""

    key: str
    about: str
    content: bytes
    ending: str


def alone(seed: int) -> list[Honest]:
    """Every trait and every form by itself."""
    plain = solved()
    wholes = [(name, plain, form) for name, form in FORMS.items()]
    wholes += [(name, change(plain), FORMS["plain"]) for name, change in traits().items()]
    return _numbered(wholes, seed)


def honest_class(seed: int) -> list[Honest]:
    """The class of 100, the same for the same seed; every trait and every form of a file is in it at least once."""
    rng = random.Random(seed)
    plain, known = solved(), traits()
    names = rng.sample(sorted(known), len(known))
    wholes: list[tuple[str, Notebook, Form]] = [(name, plain, form) for name, form in FORMS.items()]
    names.sort(key=LONELY.__contains__)
    paired, single = names[:IN_PAIRS], names[IN_PAIRS:]
    wholes += [(name, known[name](plain), FORMS["plain"]) for name in single]
    while paired:
        one = paired.pop()
        for other in [*paired, *(name for name in single if name not in LONELY)]:
            if (notebook := together(one, other)) is not None:
                break
        else:
            raise ValueError(f"{one} goes with no other trait")
        if other in paired:
            paired.remove(other)
        wholes.append((f"{one} + {other}", notebook, FORMS["plain"]))
    while len(wholes) < SIZE:
        name, form = rng.choice(names), rng.choice([form for form in FORMS if form != "plain"])
        wholes.append((f"{form} + {name}", known[name](plain), FORMS[form]))
    return _numbered(wholes[:SIZE], seed)


def together(one: str, other: str) -> Notebook | None:
    """The solved lab with both traits; None where one leaves the other nothing to change."""
    known = traits()
    try:
        return both(known[one], known[other])(solved())
    except ValueError:
        return None


def _numbered(wholes: Sequence[tuple[str, Notebook, Form]], seed: int) -> list[Honest]:
    people = []
    for number, (about, notebook, form) in enumerate(wholes, 1):
        content = form.made(notebook, random.Random(f"{seed} {about}"))
        people.append(Honest(f"student-{number:03d}", about, content, form.ending))
    return people
