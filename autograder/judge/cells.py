"""A code cell as it ran, made of what the session says; and where cells bind names. Used by `judge.notebook_run`."""

from __future__ import annotations

import ast
import functools
import json
import re
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from autograder.judge.conversation import _text
from autograder.results import CellRun

MOST_MOMENTS = 12  # of a question; the session keeps no more
MOST_PARSED = 200_000  # characters of a cell; of longer ones names are found by pattern
ESCAPED = 6  # characters of JSON that one character of an output may become
MOST_OUTPUTS = 2000  # of a cell
MOST_LEFT = 50  # statements that were left out, and names of each
MOST_DEPTH = 8  # of lists and dicts in an output
BINDS = re.compile(r"^[ \t]*(?:(?:class|def)[ \t]+(\w+)|(\w+)[ \t]*=)", re.MULTILINE)
FORM = 200_000  # characters of JSON that the forms of a cell's outputs may take beside their text


def cell_run(number: int, source: str, reply: dict[str, Any], most: int) -> tuple[CellRun, int]:
    """A cell's reply as data to keep, and how many characters its outputs have; what is malformed is left out.

    `most` are the characters of output that the session should have kept to; it is not relied upon.
    """
    error = _text(reply.get("error")) or None
    line, place = (_number(reply.get(name)) for name in ("line", "cell"))
    if error and place is not None and place != number:
        error, line = f"{error} (in cell {place}, line {line})", None
    cpu = reply.get("cpu")
    outputs = reply.get("outputs")
    kept = [_cleaned(out) for out in outputs[:MOST_OUTPUTS] if isinstance(out, dict)] if type(outputs) is list else []
    size = len(json.dumps(kept, ensure_ascii=False))
    if size > ESCAPED * most + FORM:
        told = "[its outputs were not kept: they are over the limit]\n"
        kept, size = [{"output_type": "stream", "name": "stderr", "text": told}], len(told)
    return CellRun(
        number=number,
        source=source,
        outputs=tuple(kept),
        error=error,
        line=line,
        cpu=cpu if isinstance(cpu, float) and 0 <= cpu < 1e6 else 0.0,
    ), size


def _number(value: Any) -> int | None:
    """A cell's or a line's number, counted from 1."""
    return value if type(value) is int and 0 < value < 1_000_000 else None


def moments_of(reply: dict[str, Any], last: int) -> dict[str, list[int]]:
    """Question -> the code cells, up to `last`, after which its names were bound; a list that cannot be is left out."""
    moments = reply.get("moments")
    return {
        str(question): cells
        for question, cells in (moments.items() if isinstance(moments, dict) else ())
        if isinstance(cells, list)
        and len(cells) <= MOST_MOMENTS
        and all(type(cell) is int and 0 < cell <= last for cell in cells)
        and all(one < other for one, other in pairwise(cells))
    }


@dataclass(frozen=True)
class Left:
    """A statement that was left out for its surroundings' sake: where, which names it would have made, and why."""

    cell: int
    line: int
    names: frozenset[str]
    told: str


def left_of(reply: dict[str, Any]) -> list[Left]:
    """What the session says it has left out; what is malformed is not taken."""
    found = []
    left = reply.get("left")
    for one in left[:MOST_LEFT] if isinstance(left, list) else ():
        cell, line = (_number(one.get(name)) for name in ("cell", "line")) if isinstance(one, dict) else (None, None)
        names = one.get("names") if cell and line else None
        if cell and line and isinstance(names, list):
            found.append(Left(cell, line, frozenset(map(_text, names[:MOST_LEFT])), _text(one.get("told"))[:200]))
    return found


def _cleaned(value: Any, depth: int = 0) -> Any:
    """Plain data without lone surrogates, and no deeper than outputs are."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, (dict, list)) and depth > MOST_DEPTH:
        return None
    if isinstance(value, dict):
        return {_cleaned(str(key)): _cleaned(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, depth + 1) for item in value]
    return value


@functools.cache  # a judge lives for one notebook, whose cells may be more than any number
def bindings(source: str) -> dict[str, int]:
    """Names that a cell's own level assigns, defines or imports, with the line; empty if it does not parse, or is huge.

    Magic lines are blanked first, so that line numbers stay.
    """
    if len(source) > MOST_PARSED:
        return {}
    plain = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    try:
        tree = ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, int] = {}
    waiting: deque[ast.AST] = deque(tree.body)
    while waiting:
        node = waiting.popleft()
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            found[node.name] = node.lineno
            continue  # what is bound inside is the function's own
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found[node.id] = node.lineno
        waiting.extend(ast.iter_child_nodes(node))
    return found


def mentions(source: str, name: str) -> bool:
    """Whether a cell that may not even parse looks as if it bound `name`."""
    return any(name in match.groups() for match in BINDS.finditer(source))
