"""Parts the two sides of a merge that git could not make, and says whether they are the same work.

Called by `read_notebook` for a whole file, and for a cell with the marks in it (as nbdime leaves them).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Sequence

from autograder.intake.names import same, tree_of

CONFLICT = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)  # marks that git leaves in a file it could not merge
MOST_COMPARED = 1_000_000  # characters


def sides(text: str) -> tuple[str, str] | None:
    """The text as either side would have it; None if it has no whole set of marks."""
    if "<<<<<<<" not in text or ">>>>>>>" not in text:
        return None
    ours: list[str] = []
    theirs: list[str] = []
    to: tuple[list[str], ...] = (ours, theirs)
    where, met = "both", False
    for line in text.splitlines(keepends=True):
        if where == "both" and line.startswith("<<<<<<<"):
            where, to, met = "ours", (ours,), True
        elif where == "ours" and line.startswith("|||||||"):  # what both come from, where git was asked for it
            where, to = "base", ()
        elif where in ("ours", "base") and line.rstrip() == "=======":
            where, to = "theirs", (theirs,)
        elif where == "theirs" and line.startswith(">>>>>>>"):
            where, to = "both", (ours, theirs)
        elif line.startswith("<<<<<<<"):
            return None
        else:
            for side in to:
                side.append(line)
    return ("".join(ours), "".join(theirs)) if met and where == "both" else None


def same_work(ours: Sequence[str], theirs: Sequence[str], names: Collection[str]) -> bool:
    """Whether two rows of code cells say the same, but for comments and cells that neither bind nor use a name that
    matters."""
    one, other = ([_meaning(cell) for cell in cells if _matters(cell, names)] for cells in (ours, theirs))
    return one == other


def same_code(one: str, other: str) -> bool:
    return _meaning(one) == _meaning(other)


def _meaning(source: str) -> str:
    tree = tree_of(source) if len(source) <= MOST_COMPARED else None
    try:
        return ast.dump(tree) if tree is not None and "%" not in source and "!" not in source else source.strip()
    except RecursionError:
        return source.strip()


def _matters(source: str, names: Collection[str]) -> bool:
    """Whether the cell could change an answer; without names to look for, whether it has code at all."""
    if not source.strip():
        return False
    tree = tree_of(source) if len(source) <= MOST_COMPARED else None
    if tree is None or not names:
        return True
    wanted = {same(name) for name in names}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            return True
        if isinstance(node, ast.Name) and (not isinstance(node.ctx, ast.Load) or same(node.id) in wanted):
            return True
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            return True
    return False
