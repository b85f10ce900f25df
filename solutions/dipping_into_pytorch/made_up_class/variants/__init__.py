"""The parts of made-up notebooks: answers to each question, right and wrong, with their marks reasoned by hand.

Used by `students` for `autograder demo`, and by tests that need one certain notebook.
"""

from __future__ import annotations

from . import loop_mistakes, loops, triple_mistakes, triples
from .by_hand import Q3
from .hazards import BROKEN, EXTRAS, BrokenFile
from .model import EXTRA, POINTS, Variant
from .networks import Q4
from .tensors import Q1, Q2

__all__ = ["BROKEN", "EXTRA", "EXTRAS", "POINTS", "VARIANTS", "BrokenFile", "Variant", "variants_of"]

_Q5 = (*loops.RIGHT, *loop_mistakes.MISTAKES)
_Q6 = (*triples.RIGHT, *triple_mistakes.MISTAKES)
_ALL = (*Q1, *Q2, *Q3, *Q4, *_Q5, *_Q6, *EXTRAS)

VARIANTS: dict[str, Variant] = {part.name: part for part in _ALL}
"""Every part by its name."""


def variants_of(question: str, *, right: bool | None = None, drawn: bool | None = None) -> tuple[Variant, ...]:
    """The parts for one question, or only its right or wrong ones, or only those the demo may draw."""
    return tuple(
        part
        for part in VARIANTS.values()
        if part.question == question
        and (right is None or part.right == right)
        and (drawn is None or part.drawn == drawn)
    )
