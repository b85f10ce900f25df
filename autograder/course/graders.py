"""Do the hidden graders fit the course file? Read from their text alone: nothing is imported or run.

Called before grading, by `verify`, and by tests. Finds a question without a test, a test without a question, a
question that the course does not have, and names of the notebook that a grader imports but its question does not
declare.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autograder.course.faults import CourseError, Fault, did_you_mean, listed
from autograder.course.loading import COURSE_FILE
from autograder.course.models import Assignment, Course
from autograder.course.places import read_yaml

MODULE = "submission"  # the judge's module whose names are the student's


def check_graders(course: Course, assignment: Assignment, words: Collection[str]) -> None:
    """Raise CourseError if the graders of `assignment` and its questions do not fit; see `grader_faults`."""
    faults = grader_faults(course, assignment, words)
    if faults:
        raise CourseError(faults)


def grader_faults(course: Course, assignment: Assignment, words: Collection[str]) -> tuple[Fault, ...]:
    """Everything that does not fit, in the order of the files.

    `words` are what `submission` offers beside the student's names (autograder.judge.submission.WORDS).
    """
    folder = course.graders_dir(assignment)
    shown = folder.relative_to(course.root).as_posix()
    if not folder.is_dir():
        return (Fault(shown, 0, f"expected a folder with the graders of {assignment.id}, found none"),)
    reading = read_yaml((course.root / COURSE_FILE).read_bytes(), COURSE_FILE)

    def line(question: str, *rest: str | int) -> int:
        return reading.line(("assignments", assignment.id, "questions", question, *rest))

    faults = [
        Fault(
            COURSE_FILE,
            line(question.id, "names", position),
            f'the name "{name}" of question {question.id} is a word of `{MODULE}`; choose another',
        )
        for question in assignment.questions.values()
        for position, name in enumerate(question.names)
        if name in words
    ]
    asked: set[str] = set()
    for path in sorted(folder.rglob("*.py")):
        file = path.relative_to(course.root).as_posix()
        try:
            tree = ast.parse(path.read_bytes(), filename=file)
        except SyntaxError as error:
            faults.append(Fault(file, error.lineno or 0, f"is not Python: {error.msg}"))
            continue
        except ValueError as error:
            faults.append(Fault(file, 0, f"is not Python: {error}"))
            continue
        grader = _Grader(file, tree, assignment, is_test=_holds_tests(path))
        grader.read()
        asked |= grader.questions
        faults += grader.faults
        faults += _import_faults(grader, words)
    for question in assignment.questions.values():
        if question.id not in asked:
            expected = f'expected a test marked @pytest.mark.question("{question.id}") in {shown}'
            faults.append(
                Fault(COURSE_FILE, line(question.id), f"question {question.id} has no grader: {expected}, found none")
            )
    return tuple(sorted(set(faults)))


def _holds_tests(path: Path) -> bool:
    return path.name.startswith("test_") or path.name.endswith("_test.py")


@dataclass
class _Grader:
    """One file of graders: the questions that it marks, and what is wrong with its marks."""

    file: str
    tree: ast.Module
    assignment: Assignment
    is_test: bool
    questions: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    marks: dict[str, ast.expr] = field(
        default_factory=dict
    )  # by names that stand for one, as in q5 = pytest.mark.question("q5")

    def read(self) -> None:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and _is_mark(node.func):
                self._mark(node)
        if self.is_test:
            self._tests(self.tree.body, inherited=False)

    def _mark(self, call: ast.Call) -> None:
        """A question's mark, wherever in the file it stands."""
        known = self.assignment.questions
        argument = call.args[0] if call.args else None
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            self._refuse(call, 'expected a question\'s id written as text, such as question("q1"), found none')
        elif argument.value not in known:
            near = did_you_mean(argument.value, known) or "."
            message = f'{COURSE_FILE} has no question "{argument.value}" in {self.assignment.id}{near}'
            self._refuse(call, f"{message} It has: {listed(tuple(known), 40)}.")
        else:
            self.questions.add(argument.value)

    def _tests(self, body: list[ast.stmt], inherited: bool) -> None:
        """Refuse test functions that no mark of their own, of their class or of the module gives a question."""
        assigned = dict(_assigned(body))
        self.marks.update({name: value for name, value in assigned.items() if _holds_mark(value)})
        inherited = inherited or ("pytestmark" in assigned and self._marked([assigned["pytestmark"]]))
        for statement in body:
            if isinstance(statement, ast.ClassDef) and statement.name.startswith("Test"):
                self._tests(statement.body, inherited or self._marked(statement.decorator_list))
            elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                is_test = statement.name.startswith("test")
                if is_test and not inherited and not self._marked(statement.decorator_list):
                    expected = 'expected @pytest.mark.question("...") on it'
                    self._refuse(statement, f"{statement.name} belongs to no question: {expected}")

    def _marked(self, expressions: list[ast.expr]) -> bool:
        """Whether one of these decorators, or what `pytestmark` is set to, names a question."""
        names = (node.id for part in expressions for node in ast.walk(part) if isinstance(node, ast.Name))
        return any(map(_holds_mark, expressions)) or any(name in self.marks for name in names)

    def _refuse(self, node: ast.stmt | ast.expr, message: str) -> None:
        self.faults.append(Fault(self.file, node.lineno, message))


def _assigned(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for statement in body:
        if isinstance(statement, ast.Assign):
            yield from ((to.id, statement.value) for to in statement.targets if isinstance(to, ast.Name))
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
            yield statement.target.id, statement.value


def _holds_mark(expression: ast.expr) -> bool:
    return any(isinstance(node, ast.Call) and _is_mark(node.func) for node in ast.walk(expression))


def _is_mark(function: ast.expr) -> bool:
    """pytest.mark.question or mark.question."""
    if not isinstance(function, ast.Attribute) or function.attr != "question":
        return False
    base = function.value
    return (isinstance(base, ast.Attribute) and base.attr == "mark") or (
        isinstance(base, ast.Name) and base.id == "mark"
    )


def _import_faults(grader: _Grader, words: Collection[str]) -> Iterator[Fault]:
    """Names taken from `submission` that are neither words nor declared for a question of this file."""
    questions: Mapping[str, object] = grader.assignment.questions
    of = sorted(grader.questions) or list(questions)  # a conftest or a helper serves them all
    declared = dict.fromkeys(name for question in of for name in grader.assignment.questions[question].names)
    for node, name in _taken(grader.tree):
        if name == "*":
            yield Fault(grader.file, node.lineno, f"expected the names one by one, found `from {MODULE} import *`")
        elif name not in declared and name not in words:
            near = did_you_mean(name, [*declared, *words]) or "."
            message = f'"{name}" is not declared for {listed(of)} in {COURSE_FILE}{near}'
            yield Fault(grader.file, node.lineno, f"{message} Declared: {listed(tuple(declared), 40)}.")


def _taken(tree: ast.Module) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    """Every name that the file takes from `submission`, with its place."""
    aliases: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == MODULE and not node.level:
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            aliases |= {alias.asname or alias.name for alias in node.names if alias.name == MODULE}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            yield node, node.attr
