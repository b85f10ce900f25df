"""Points out hidden graders that give something away; read from their text alone. `autograder assign` prints it.

Two habits are looked for: handing an expected value to the student's code, which can see what it is given, and putting
what student code gave back into a sentence as it is, which lets it write the sentence (and shows it anything). Both are
guesses from names and calls, so they are remarks and refuse nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from autograder.course import Assignment, Course

EXPECTED = re.compile(r"(?i)(^|_)(wanted|expected|correct|truth|solution|answer)s?($|_)")
RAW = frozenset({"value", "listed", "repr", "str"})  # words that give what student code made
SENTENCES = frozenset({"check", "award", "CheckFailed", "tell"})


@dataclass(frozen=True)
class Remark:
    """What should be looked at, and where."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.what}"


def lint(course: Course, assignment: Assignment) -> list[Remark]:
    """Remarks on every grader of the assignment."""
    found: list[Remark] = []
    for path in sorted(course.graders_dir(assignment).rglob("test_*.py")):
        file = path.relative_to(course.root).as_posix()
        found += remarks(path.read_text(encoding="utf-8"), file, assignment.names)
    return found


def remarks(source: str, file: str, names: Collection[str]) -> list[Remark]:
    """Remarks on one grader; `names` are those of the notebook."""
    tree = ast.parse(source)
    functions = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("public_")
    ]
    return sorted(
        {one for function in functions for one in _remarks(function, file, names)}, key=lambda one: (one.line, one.what)
    )


def _remarks(function: ast.FunctionDef, file: str, names: Collection[str]) -> Iterator[Remark]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    raw = {
        to.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and _is_raw(node.value, names, set())
        for to in node.targets
        if isinstance(to, ast.Name)
    }
    for call in calls:
        called = call.func.id if isinstance(call.func, ast.Name) else ""
        arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
        if called in names:
            for argument in arguments:
                if isinstance(argument, ast.Name) and EXPECTED.search(argument.id):
                    what = f"`{argument.id}` is handed to the student's `{called}`, which can see it: keep it here."
                    yield Remark(file, call.lineno, what)
        elif called in SENTENCES:
            for part in (node for argument in arguments for node in ast.walk(argument)):
                if isinstance(part, ast.FormattedValue) and not part.format_spec and _is_raw(part.value, names, raw):
                    what = (
                        f"the sentence repeats `{ast.unparse(part.value)}`, whatever student code makes of it: "
                        "say its type, its shape or a number with a format."
                    )
                    yield Remark(file, call.lineno, what)


def _is_raw(expression: ast.expr, names: Collection[str], raw: Collection[str]) -> bool:
    """Whether this is what student code gave back, as it is."""
    if isinstance(expression, ast.Name):
        return expression.id in raw or expression.id in names
    return (
        isinstance(expression, ast.Call)
        and isinstance(expression.func, ast.Name)
        and (
            expression.func.id in names
            or (expression.func.id in RAW and any(_is_raw(argument, names, raw) for argument in expression.args))
        )
    )
