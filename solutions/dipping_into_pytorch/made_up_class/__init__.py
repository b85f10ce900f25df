"""The made-up class of this lab, which `autograder demo` grades: answers to each question, and what each should earn.

A class is a package of this name beside an assignment's solution, with one function, `make_class`. It is read by path
and belongs to the course: it answers every question, so no student's process sees it, and it is not installed with the
program.
"""

from __future__ import annotations

from .students import MadeUpStudent, compose, expected_points, make_class
from .variants import BROKEN, EXTRA, POINTS, VARIANTS, Variant, variants_of

__all__ = [
    "BROKEN",
    "EXTRA",
    "POINTS",
    "VARIANTS",
    "MadeUpStudent",
    "Variant",
    "compose",
    "expected_points",
    "make_class",
    "variants_of",
]
