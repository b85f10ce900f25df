"""Public checks as otter's test files: taken from the grader modules by their text; nothing of them is run here.

A public check is a function `public_<what>(names of the notebook)` in its question's module of hidden graders, beside
the tests it belongs to. It must run in a student's own notebook with torch alone, so it may use its parameters, what it
imports itself, and the module's literal constants; those are taken along. Its docstring says what a pass means, and a
paragraph that begins with `Left open:` what it does not look at; both are shown when it passes.
"""

from __future__ import annotations

import ast
import builtins
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autograder.authoring.leaks import AuthoringError
from autograder.course import Assignment, Course
from autograder.course.faults import did_you_mean

PREFIX = "public_"
LEFT_OPEN = "Left open:"
HEAD = """\
from otter.test_files import test_case

OK_FORMAT = False

name = %(name)r
points = %(points)r


"""
THERE = """\
def _there(**given):
    for name, value in given.items():
        assert value is not None, f"`{name}` is not there yet: write it as the question says, and run its cell."
        assert value is not ..., f"`{name}` is still `...`: it is your turn."

"""
TOLD = "public checks:"
ASKING = """
def _passes(source, called, names):
    made = {}
    exec(source, made)
    try:
        made[called](**{name: globals().get(name) for name in names})
    except Exception:
        return False
    return True
print(*(lambda checks, told: (told, __import__("json").dumps([_passes(*check) for check in checks])))(%r, %r))
"""


@dataclass(frozen=True)
class PublicCheck:
    """One public check of a question."""

    question: str
    name: str  # of the function
    takes: tuple[str, ...]  # names of the notebook
    says: str  # when it passes
    text: str  # as it stands in otter's test file
    constants: Mapping[str, str]  # the module's own that it uses, as written there

    @property
    def leaves_open(self) -> str:
        """What a pass says is not looked at; "" if nothing is left open."""
        return self.says.partition(LEFT_OPEN)[2].strip()


def public_checks(course: Course, assignment: Assignment) -> dict[str, list[PublicCheck]]:
    """The public checks by question, in the order of grading.yml. Raises AuthoringError with file and line."""
    folder = course.graders_dir(assignment)
    if not folder.is_dir():
        shown = folder.relative_to(course.root).as_posix()
        raise AuthoringError(
            f"There is no folder {shown}: make it, with a test_q1.py for the first question (docs/writing-graders.md)."
        )
    found: dict[str, list[PublicCheck]] = {question: [] for question in assignment.questions}
    for path in sorted(folder.rglob("*.py")):
        file = path.relative_to(course.root).as_posix()
        for check in checks_of(path.read_text(encoding="utf-8"), file):
            if check.question not in found:
                raise AuthoringError(f"{file}: {check.name} is of {check.question!r}, which grading.yml does not have.")
            unknown = [name for name in check.takes if name not in assignment.names]
            if unknown:
                raise AuthoringError(
                    f"{file}: {check.name} takes `{unknown[0]}`, which is none of the names in grading.yml"
                    f"{did_you_mean(unknown[0], assignment.names) or '.'}"
                )
            found[check.question].append(check)
    return {question: checks for question, checks in found.items() if checks}


def otter_file(question: str, points: float, checks: list[PublicCheck]) -> str:
    """The text of otter's test file for one question."""
    parts = [HEAD % {"name": question, "points": int(points) if points == int(points) else points}, THERE]
    constants = {name: text for check in checks for name, text in check.constants.items()}
    if constants:
        parts.append("".join(f"{text}\n" for text in constants.values()) + "\n")
    for check in checks:
        parts.append(f"\n@test_case(points=None, hidden=False, success_message={check.says!r})\n{check.text}\n")
    return "".join(parts)


def asking_cell(question: str, checks: Iterable[PublicCheck]) -> str:
    """A cell that asks every check and prints which passed: after the question, in `verify`'s notebooks."""
    listed = [
        ("\n".join([THERE, *check.constants.values(), check.text]), check.name, list(check.takes)) for check in checks
    ]
    return ASKING % (listed, f"{TOLD} {question}")


def answers_in(outputs: Iterable[Mapping[str, Any]]) -> dict[str, list[bool]]:
    """What such cells printed, by question."""
    lines = "".join(str(one.get("text", "")) for one in outputs).splitlines()
    told = [line.removeprefix(TOLD).split(maxsplit=1) for line in lines if line.startswith(TOLD)]
    return {question: json.loads(passed) for question, passed in told}


def checks_of(source: str, file: str) -> Iterator[PublicCheck]:
    """The public checks in the text of a grader module. Raises AuthoringError."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise AuthoringError(f"{file}, line {error.lineno}: it is not Python: {error.msg}.") from error
    lines = source.splitlines()
    constants = dict(_constants(tree, lines))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith(PREFIX):
            yield _check(node, tree, lines, constants, file)


def _check(
    node: ast.FunctionDef, tree: ast.Module, lines: list[str], constants: Mapping[str, str], file: str
) -> PublicCheck:
    place = f"{file}, line {node.lineno}: {node.name}"
    question = _question(node.decorator_list) or _question_of_module(tree)
    if not question:
        raise AuthoringError(f'{place} belongs to no question: write pytestmark = pytest.mark.question("q1") above it.')
    says = " ".join((ast.get_docstring(node) or "").split())
    if not says:
        raise AuthoringError(
            f"{place} has no docstring: write what a pass means, and `{LEFT_OPEN} ...` if it does not look at all."
        )
    parameters = [argument.arg for argument in node.args.args]
    if not parameters or node.args.vararg or node.args.kwarg or node.args.kwonlyargs or node.args.defaults:
        raise AuthoringError(f"{place} takes the notebook's names as plain parameters: def {node.name}(my_tensor).")
    body = node.body[1:]
    if not body:
        raise AuthoringError(f"{place} checks nothing: write asserts with a sentence each.")
    for statement in ast.walk(node):
        if isinstance(statement, ast.Assert) and statement.msg is None:
            raise AuthoringError(
                f"{file}, line {statement.lineno}: an assert of {node.name} has no sentence beside it."
            )
    used = _free_names(node)
    unknown = sorted(used - set(constants))
    if unknown:
        raise AuthoringError(
            f"{place} uses {', '.join(unknown)}, which a student's notebook does not have: import modules within "
            "the function, and keep to its parameters and the module's literal constants."
        )
    body_text = "\n".join(lines[_first_line(body[0]) - 1 : node.end_lineno])
    indent = " " * body[0].col_offset
    guard = f"{indent}_there({', '.join(f'{name}={name}' for name in parameters)})"
    text = f"def {node.name}({', '.join(parameters)}):\n{guard}\n{body_text}"
    kept = {name: constants[name] for name in constants if name in used}
    return PublicCheck(question, node.name, tuple(parameters), says, text, kept)


def _first_line(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    return int(min([statement.lineno, *(item.lineno for item in decorators)]))


def _constants(tree: ast.Module, lines: list[str]) -> Iterator[tuple[str, str]]:
    """Names of the module that stand for a literal, as written."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            try:
                ast.literal_eval(node.value)
            except (ValueError, TypeError):
                continue
            yield node.targets[0].id, "\n".join(lines[node.lineno - 1 : node.end_lineno])


def _free_names(node: ast.FunctionDef) -> set[str]:
    """Names that a function reads and does not bind itself; Python's own are not among them."""
    bound = {argument.arg for part in ast.walk(node) if isinstance(part, ast.arguments) for argument in _all(part)}
    read: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            (read if isinstance(part.ctx, ast.Load) else bound).add(part.id)
        elif isinstance(part, ast.FunctionDef | ast.ClassDef):
            bound.add(part.name)
        elif isinstance(part, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).partition(".")[0] for alias in part.names}
        elif isinstance(part, ast.ExceptHandler) and part.name:
            bound.add(part.name)
    return read - bound - set(dir(builtins))


def _all(arguments: ast.arguments) -> list[ast.arg]:
    extra = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]


def _question_of_module(tree: ast.Module) -> str:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(to, ast.Name) and to.id == "pytestmark" for to in node.targets
        ):
            marks: list[Any] = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
            return _question(marks)
    return ""


def _question(marks: list[Any]) -> str:
    """The id in pytest.mark.question("q1"), if it is among these."""
    for mark in marks:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("mark.question") and mark.args:
            value = mark.args[0]
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
    return ""
