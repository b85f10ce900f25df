"""The master's cells with the question each belongs to, held against grading.yml; called by assign.py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from autograder.authoring.leaks import AuthoringError
from autograder.course import Assignment

FIELD = re.compile(r"^\s*(name|points):\s*(.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Walked:
    """One cell of the master."""

    question: str  # "" outside of one; the raw cells that begin and end it are its own
    cell: Any

    @property
    def source(self) -> str:
        return str(self.cell.source)

    @property
    def is_code(self) -> bool:
        return bool(self.cell.cell_type == "code")


def walked(master: Any, assignment: Assignment, name: str) -> list[Walked]:
    """Every cell in its question. Raises AuthoringError if questions or points are not those of grading.yml."""
    found: list[Walked] = []
    question = ""
    seen: dict[str, int] = {}
    for number, cell in enumerate(master.cells, 1):
        first = cell.source.strip().partition("\n")[0].upper() if cell.cell_type == "raw" else ""
        if first == "# BEGIN TESTS":
            where = f"tests/graders/{assignment.id}/test_{question or 'q1'}.py"
            raise AuthoringError(
                f"{name}: cell {number} begins tests. A public check stands beside its hidden graders: write it as "
                f"def public_... in {where} and take the cell out (docs/writing-graders.md)."
            )
        if first == "# BEGIN QUESTION":
            question = _begun(cell.source, assignment, f"{name}: cell {number}")
            if question in seen:
                raise AuthoringError(f"{name}: {question} begins in cell {seen[question]} and again in cell {number}.")
            seen[question] = number
        found.append(Walked(question, cell))
        if first == "# END QUESTION":
            question = ""
    missing = [question for question in assignment.questions if question not in seen]
    if missing:
        raise AuthoringError(
            f"{name} has no question {', '.join(missing)}, which grading.yml names: begin it with a raw cell "
            f"`# BEGIN QUESTION` and a line `name: {missing[0]}`, or take it out of grading.yml."
        )
    return found


def _begun(source: str, assignment: Assignment, place: str) -> str:
    """The id of the question that a raw cell begins."""
    fields = dict(FIELD.findall(source))
    question = str(fields.get("name", ""))
    if not question:
        raise AuthoringError(f"{place} begins a question without a line `name: q1`.")
    if question not in assignment.questions:
        known = ", ".join(assignment.questions)
        raise AuthoringError(
            f"{place} begins {question}, which grading.yml does not have for {assignment.id}: {known}."
        )
    points = fields.get("points")
    wanted = assignment.questions[question].points
    if points is not None and _number(points) != wanted:
        raise AuthoringError(
            f"{place} gives {question} {points} points, and grading.yml gives it {wanted:g}: take the line out here, "
            "as grading.yml alone says so."
        )
    return question


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
