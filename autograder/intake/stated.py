"""Which assignment a notebook says it is: the literal `ASSIGNMENT` in its first code cell, which `assign` wrote there.

Read from the text alone; nothing of a notebook is run. Whoever changes it is only graded with a flag.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from autograder.course.models import Assignment
from autograder.intake.names import tree_of

OTHER_ASSIGNMENT = "OTHER_ASSIGNMENT"  # it says it is another assignment's, though it answers this one's questions
OTHER_VERSION = "OTHER_VERSION"  # it was made from an older, or a newer, students' notebook
NAME = "ASSIGNMENT"
MOST = 200_000  # characters of a cell that is looked into
SHOWN = 60  # characters of its words that are repeated


@dataclass(frozen=True)
class Stated:
    """What a notebook says of itself."""

    id: str
    title: str
    version: str


def stated_in(code: Iterable[str]) -> Stated | None:
    """What the first cell that says anything says; None where none does, as in notebooks of one's own."""
    for source in code:
        tree = tree_of(source) if NAME in source and len(source) <= MOST else None
        for node in tree.body if isinstance(tree, ast.Module) else ():
            if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == NAME for to in node.targets):
                return _stated(node.value)
    return None


def differs(stated: Stated | None, assignment: Assignment) -> tuple[str, str] | None:
    """A flag and a sentence for student and TA, if a notebook says it is not this assignment's, or of this version."""
    if stated is None:
        return None
    if stated.id != assignment.id:
        return OTHER_ASSIGNMENT, (
            f'This notebook says that it is "{stated.title}" ({stated.id}), and it was graded as '
            f'"{assignment.title}" ({assignment.id}): if that was a slip, hand in the right one.'
        )
    if stated.version != assignment.version:
        return OTHER_VERSION, (
            f"This notebook was made from version {stated.version} of the assignment, and version "
            f"{assignment.version} is graded: questions may have changed. Put your work into the new notebook."
        )
    return None


def _stated(value: ast.expr) -> Stated | None:
    if not isinstance(value, ast.Dict):
        return None
    told = {
        key.value: item.value
        for key, item in zip(value.keys, value.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(item, ast.Constant) and isinstance(item.value, str)
    }
    if not told.get("id"):
        return None
    words = (
        "".join(letter for letter in told.get(key, "") if letter.isprintable()) for key in ("id", "title", "version")
    )
    return Stated(*(word[:SHOWN] or "?" for word in words))
