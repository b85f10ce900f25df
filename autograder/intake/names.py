"""Which names a notebook's cells bind, read from their text alone; nothing is run.

Called by `read_notebook` to tell the notebook of another assignment from one that is merely unfinished. It is meant to
be generous: a name bound anywhere, at any depth, counts.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator

# Cell magics whose body is Python that runs in the notebook's own namespace.
PYTHON_CELLS = re.compile(r"%%(time|timeit|capture|prun)\b[^\n]*")
MAGIC_VALUE = re.compile(r"[\w, \t]+=[ \t]*(?=[%!])")  # `files = !ls` binds `files`
WORD = re.compile(r"\w+")
BINDINGS = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|(\w+(?:[ \t]*,[ \t]*\w+)*)[ \t]*(?::[^=\n]*)?=(?!=))",
    re.MULTILINE,
)


def bound_names(source: str, parse: bool = True) -> Iterator[str]:
    """The names that a code cell binds; some may come twice. Without `parse`, by pattern alone: less sure, but fast."""
    if (magic := source.lstrip()).startswith("%%"):
        first = PYTHON_CELLS.match(magic)
        source = magic[first.end() :] if first else ""
        if not first or source.lstrip().startswith("%%"):
            return  # a shell script, HTML or a file to write: no Python names
    tree = tree_of(source) if parse else None
    yield from _in_tree(tree) if tree else _in_text(source)


def tree_of(source: str) -> ast.Module | None:
    """The cell's code as a tree, IPython's own lines left out; None if it is no Python."""
    return _parsed(source) or _parsed(_without_magics(source))


def same(name: str) -> str:
    """A name without what students change in it: letter case and underscores."""
    return name.replace("_", "").casefold()


def binds_any(found: Iterable[str], names: Iterable[str]) -> bool:
    """Whether one of `names`, or one that differs in case and underscores alone, is among those found."""
    wanted = {same(name) for name in names}
    return any(same(name) in wanted for name in found)


def _without_magics(source: str) -> str:
    """The source with IPython's own lines (`%magic`, `!command`, `help?`) turned into Python that does nothing."""
    lines = []
    # As Python parts lines: U+2028 and its like, at which splitlines() parts too, end none
    for line in source.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        text = line.strip()
        indent = line[: len(line) - len(line.lstrip())]
        value = MAGIC_VALUE.match(text)
        if value:
            line = f"{indent}{value[0]}None"
        elif text.startswith(("%", "!", "?")) or text.endswith("?"):
            line = f"{indent}pass"
        lines.append(line)
    return "\n".join(lines)


def _parsed(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # students' "\d" are theirs to see, not the TA's
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the parser's words for: too deep, or no Python
        return None


def _in_tree(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).split(".")[0]


def _in_text(source: str) -> Iterator[str]:
    for match in BINDINGS.finditer(source):
        yield from WORD.findall(match[1] or match[2])
