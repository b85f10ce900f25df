"""Automatic mutants of a solved notebook, and whether one computes what the solution does; called by `verify`.

A mutant is the solution with one slip: a statement dropped, doubled or swapped with the next, a result detached, a
number, an operator or the order of two arguments changed. One that no hidden test notices is either harmless or shows
a hole in the graders. Harmless is what can be shown: the graded names hold the very same values at the end, or the
order check computed the whole training again and found the same numbers. The rest is for the author to settle.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from autograder.authoring.master import Master
from autograder.results import Outcome, QuestionResult

SEEDED = "import random as _r, numpy as _n, torch as _t\n_r.seed(0), _n.random.seed(0), _t.manual_seed(0)"
"""Before each question, so that one draw more or less in an answer leaves the draws of the others as they are."""

LAST_CELL = """
def _held(thing):
    if isinstance(thing, _t.Tensor):
        return thing.dtype, thing.requires_grad, type(thing.grad_fn), thing.tolist()
    if isinstance(thing, _t.nn.Module):
        return type(thing).__name__, [(name, _held(value)) for name, value in thing.state_dict().items()]
    return "callable" if callable(thing) else repr(thing)[:10000]
import hashlib as _h
print("graded names:", _h.sha256(repr([(n, _held(globals()[n])) for n in %r if n in globals()]).encode()).hexdigest())
"""
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.MatMult: ast.Mult, ast.Pow: ast.Mult,
    ast.Mod: ast.Mult, ast.FloorDiv: ast.Mult,
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.Lt, ast.Lt: ast.Gt, ast.GtE: ast.LtE, ast.LtE: ast.GtE, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Delete)  # a statement that may be doubled or swapped
SHOWN = 100  # characters of a line in a label


@dataclass(frozen=True)
class Mutant:
    """One slip in a question's answer; `label` says which, in one line."""

    question: str
    label: str
    cells: tuple[str, ...]
    code: str = ""  # the top-level function or class in whose body it is
    defined: tuple[str, ...] = ()  # functions and classes that its cell defines


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: "killed", "same" (with the reason) or "survived"."""

    mutant: Mutant
    fate: str
    reason: str = ""


def mutants_of(master: Master, question: str) -> Iterator[Mutant]:
    """Every mutant of a question's answer, each with different code."""
    answer = master.answer(question)
    seen = {_plain(source) for source in answer}
    for place, source in enumerate(answer):
        tree = _parsed(source)
        if tree is None:
            continue
        defined = tuple(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
        for number in range(len(list(_slips(tree)))):
            changed = copy.deepcopy(tree)
            code, slip = list(_slips(changed))[number]
            label = slip()
            made = ast.unparse(ast.fix_missing_locations(changed))
            if made in seen:
                continue
            seen.add(made)
            yield Mutant(question, label, (*answer[:place], made, *answer[place + 1 :]), code, defined)


def bare(master: Master, mutant: Mutant) -> dict[str, tuple[str, ...]]:
    """Later answers without their own definitions of what the mutant's cell defines, which would hide it."""
    later = master.questions[master.questions.index(mutant.question) + 1 :]
    made: dict[str, tuple[str, ...]] = {}
    for question in later:
        cells = master.answer(question)
        left = tuple(_without(cell, mutant.defined) for cell in cells)
        if left != cells:
            made[question] = left
    return made


def seeded(master: Master, answers: dict[str, tuple[str, ...]], names: Sequence[str]) -> bytes:
    """A notebook whose outputs end with a print of what its graded names hold."""
    before = dict.fromkeys(master.questions, (SEEDED,))
    return master.notebook(answers, before, last=LAST_CELL % (list(names),))


def fate_of(mutant: Mutant, outcome: Outcome, solution: Outcome) -> Fate:
    """Whether the graders noticed it, compared with the solution graded in the same way and with the same seed."""
    if not outcome.status.scored or _shares(outcome) != _shares(solution):
        return Fate(mutant, "killed")
    if not mutant.code and _print(outcome) and _print(outcome) == _print(solution):
        return Fate(mutant, "same", "the graded names hold the same values in the end")
    question = next((one for one in outcome.questions if one.id == mutant.question), None)
    if mutant.code and "backward" in "".join(mutant.cells) and question is not None and _replayed(question):
        return Fate(mutant, "same", "the order check computed the same training again")
    return Fate(mutant, "survived")


def _shares(outcome: Outcome) -> dict[str, float]:
    return {test.id: test.share for question in outcome.questions for test in question.tests}


def _print(outcome: Outcome) -> str:
    told = [str(part.get("text", "")) for part in outcome.cells[-1].outputs] if outcome.cells else []
    return "".join(told).partition("graded names:")[2].strip()


def _replayed(question: QuestionResult) -> bool:
    evidence = [test.evidence for test in question.tests if test.evidence]
    return bool(evidence) and all(
        one.get("verdict") == "CORRECT" and one.get("as_asked") is True and _same_numbers(one.get("replay", {}))
        for one in evidence
    )


def _same_numbers(replay: dict[str, Any]) -> bool:
    return replay.get("agrees_with_the_lab") is True


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except SyntaxError:
        return None  # a magic


def _plain(source: str) -> str:
    tree = _parsed(source)
    return source if tree is None else ast.unparse(tree)


def _without(cell: str, names: Sequence[str]) -> str:
    tree = _parsed(cell)
    if tree is None or not any(isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name in names for n in tree.body):
        return cell
    kept = [n for n in tree.body if not (isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name in names)]
    return ast.unparse(ast.Module(kept, []))


Slip = tuple[str, Callable[[], str]]  # the function or class that it is in, and what makes it and tells its label


def _slips(tree: ast.Module) -> Iterator[Slip]:
    """Every slip that can be made in a tree, in a fixed order."""
    for node in tree.body:
        yield from _whole(tree.body, node, "")
        yield from _within(node, "")


def _within(node: ast.stmt, code: str) -> Iterator[Slip]:
    for slip in _in_expressions(node):
        yield code, slip
    inside = code or (node.name if isinstance(node, ast.FunctionDef | ast.ClassDef) else "")
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            for inner in block:
                yield from _whole(block, inner, inside)
                yield from _within(inner, inside)


def _whole(block: list[ast.stmt], node: ast.stmt, code: str) -> Iterator[Slip]:
    """Slips of whole statements: left out, made twice, changed places with the next."""
    if _only_shows(node) or isinstance(node, ast.Pass | ast.Import | ast.ImportFrom):
        return

    def drop() -> str:
        place = block.index(node)
        block[place : place + 1] = [] if len(block) > 1 else [ast.Pass()]
        return f"without: {_line(node)}"

    def double() -> str:
        block.insert(block.index(node), copy.deepcopy(node))
        return f"twice: {_line(node)}"

    def swap() -> str:
        place = block.index(node)
        block[place], block[place + 1] = block[place + 1], block[place]
        return f"{_line(block[place])} before: {_line(node)}"

    yield code, drop
    if isinstance(node, SIMPLE):
        yield code, double
        if any(isinstance(after, SIMPLE) and not _only_shows(after) for after in block[block.index(node) + 1 :][:1]):
            yield code, swap


def _only_shows(node: ast.stmt) -> bool:
    """Whether a statement is a text, a name alone, or a call of `print`."""
    if not isinstance(node, ast.Expr):
        return False
    shown = node.value
    return isinstance(shown, ast.Constant | ast.Name) or (
        isinstance(shown, ast.Call) and isinstance(shown.func, ast.Name) and shown.func.id == "print"
    )


def _in_expressions(node: ast.stmt) -> Iterator[Callable[[], str]]:
    """Slips in the expressions of one statement; what stands in its blocks is left out."""
    if _only_shows(node):
        return
    line = _line(node)

    def told(change: Callable[[], None]) -> Callable[[], str]:
        def slip() -> str:
            change()
            return f"{line} -> {_line(node)}"

        return slip

    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            for part in ast.walk(child):
                yield from map(told, _changes(part))
    if isinstance(node, ast.Assign | ast.Return) and _a_result(node.value):

        def detach() -> None:
            node.value = ast.Call(ast.Attribute(cast(ast.expr, node.value), "detach", ast.Load()), [], [])

        yield told(detach)


def _a_result(value: ast.expr | None) -> bool:
    """What may be detached: arithmetic, or a call that makes no object of a class."""
    if isinstance(value, ast.Call):
        function = value.func
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        return not name[:1].isupper()
    return isinstance(value, ast.BinOp)


def _changes(part: ast.AST) -> Iterator[Callable[[], None]]:
    """Changes of one part of an expression: a number, an operator, a comparison, the order of two arguments."""
    if isinstance(part, ast.Constant) and type(part.value) in (int, float, bool):

        def other() -> None:
            part.value = _other_number(part.value)

        yield other
    elif isinstance(part, ast.BinOp) and type(part.op) in OPERATORS:

        def operator() -> None:
            part.op = OPERATORS[type(part.op)]()

        yield operator
    elif isinstance(part, ast.Compare) and type(part.ops[0]) in COMPARISONS:

        def comparison() -> None:
            part.ops[0] = COMPARISONS[type(part.ops[0])]()

        yield comparison
    elif isinstance(part, ast.Call) and len(part.args) > 1:

        def turn() -> None:
            part.args[:2] = part.args[1::-1]

        yield turn


def _other_number(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) or not value else 2 * value


def _line(node: ast.stmt) -> str:
    text = ast.unparse(node).partition("\n")[0]
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
