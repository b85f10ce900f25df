"""Lets a statement inside a loop, a `with` or a function of a cell be left out alone, where `surroundings` says so.

`guard` rewrites a cell's tree before it is compiled. Each inner statement S becomes

    try:
        S
    except BaseException:
        if not __left_out__(17):
            raise

which costs nothing as long as S works. `with A as f` gets a stand-in where A cannot be had, so that its body runs.
Where a `try` of the notebook's own, a `suppress` or a `raises` stands around S, that has the word, and nothing is
changed.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

LEFT_OUT, IN_PLACE_OF, MANAGER = "__left_out__", "__in_place_of__", "__manager_{}__"
DEEPEST = 6  # guards within one another
MOST_BLOCKS = 11  # Python compiles 20 blocks within one another; with guards, these become about that many
NEVER = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Return, ast.Global, ast.Nonlocal, ast.Pass, ast.Break,
    ast.Continue,
)  # fmt: skip
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

CATCHERS = re.compile(r"suppress|raises", re.IGNORECASE)  # also pytest.raises and assertRaises


class Guard(ast.Try):
    """A `try` that is not the notebook's own; its first statement is."""


@dataclass
class Guarded:
    """A statement that is guarded, and the `if` that it stands in, if any."""

    node: ast.stmt
    within: ast.stmt | None
    waits: bool = False  # it stands in a `while`, which may go on until it works
    times: int = 0  # that it was left out


@dataclass
class Statements:
    """All that is guarded, by number; and (file, line) of what the notebook's own handlers are around."""

    guarded: list[Guarded] = field(default_factory=list)
    caught: set[tuple[str, int]] = field(default_factory=set)

    def guard(self, tree: ast.Module, file: str) -> None:
        """Guard all inner statements of a cell's tree, in place."""
        try:
            tree.body = self._block(tree.body, None, file, 0, top=True)
        except RecursionError:
            return  # what has been rewritten is whole
        ast.fix_missing_locations(tree)

    def _block(
        self, body: list[ast.stmt], parent: ast.stmt | None, file: str, depth: int, *, top: bool = False
    ) -> list[ast.stmt]:
        """The statements of one block as they are run."""
        found: list[ast.stmt] = []
        for node in body:
            at = DEEPEST + 1 if depth == 0 and _blocks(node) > MOST_BLOCKS else depth
            caught = self._inner(node, file, at)
            if isinstance(node, (ast.With, ast.AsyncWith)) and at < DEEPEST and not caught:
                found += self._managers(node)
            plain = isinstance(node, NEVER) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            found.append(node if top or plain or at > DEEPEST else self._guard(node, parent))
        return found

    def _inner(self, node: ast.AST, file: str, depth: int) -> bool:
        """Guard the blocks of a compound statement; whether it is one that catches what happens in it."""
        depth = 0 if isinstance(node, SCOPES) else depth + 1
        catches, before = _catches(node), len(self.guarded)
        for name, value in ast.iter_fields(node):
            if not isinstance(value, list) or not value:
                continue
            if isinstance(value[0], (ast.ExceptHandler, ast.match_case)):
                for part in value:
                    self._inner(part, file, depth)
            elif isinstance(value[0], ast.stmt) and catches and name == "body":
                lines = range(value[0].lineno, (value[-1].end_lineno or 0) + 1)
                self.caught.update((file, line) for line in lines)
            elif isinstance(value[0], ast.stmt):
                within = node if isinstance(node, ast.If) else None
                setattr(node, name, self._block(value, within, file, depth))
        if isinstance(node, ast.While):
            for guarded in self.guarded[before:]:
                guarded.waits = True
        return catches

    def _guard(self, node: ast.stmt, within: ast.stmt | None, otherwise: str = "") -> Guard:
        """`otherwise`: a line that is run where the statement is left out."""
        number = len(self.guarded)
        self.guarded.append(Guarded(node, within))
        text = f"if not {LEFT_OUT}({number}):\n    raise\n{otherwise}"
        handler = ast.ExceptHandler(type=ast.Name("BaseException", ast.Load()), name=None, body=ast.parse(text).body)
        for part in ast.walk(handler):
            if isinstance(part, (ast.expr, ast.stmt, ast.ExceptHandler)):
                part.lineno = part.end_lineno = node.lineno
                part.col_offset = part.end_col_offset = node.col_offset
        return ast.copy_location(Guard(body=[node], handlers=[handler], orelse=[], finalbody=[]), node)

    def _managers(self, node: ast.With | ast.AsyncWith) -> list[ast.stmt]:
        """Statements that make a context manager, or a stand-in, before its `with`; a second gets a `with` within."""
        number = len(self.guarded)
        name, item = MANAGER.format(number), node.items[0]
        made = ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], item.context_expr), item.context_expr)
        ast.fix_missing_locations(made)
        item.context_expr = ast.copy_location(ast.Name(name, ast.Load()), item.context_expr)
        found: list[ast.stmt] = [self._guard(made, None, f"{name} = {IN_PLACE_OF}({number})")]
        if node.items[1:]:
            within = ast.copy_location(type(node)(items=node.items[1:], body=node.body), node)
            node.items, node.body = node.items[:1], [*self._managers(within), within]
        return found


def _blocks(node: ast.AST) -> int:
    """How many blocks stand within one another in a statement, functions and classes aside."""
    if isinstance(node, (*SCOPES, ast.expr)):
        return 0
    within = max((_blocks(part) for part in ast.iter_child_nodes(node)), default=0)
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return within + len(node.items)
    if isinstance(node, (ast.Try, ast.TryStar)):
        return within + 2
    return within + isinstance(node, (ast.For, ast.AsyncFor, ast.While))


def _catches(node: ast.AST) -> bool:
    if isinstance(node, (ast.Try, ast.TryStar)):
        return bool(node.handlers)
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return any(CATCHERS.search(ast.unparse(item.context_expr)) for item in node.items)
    return False


def innermost(node: ast.AST, line: int) -> ast.AST:
    """The smallest statement of the notebook's within `node` that stands on `line`, else `node`."""
    found, waiting = node, [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Guard):
            part = part.body[0]
        if isinstance(part, ast.stmt) and part.lineno <= line <= (part.end_lineno or part.lineno):
            found = part
        waiting.extend(ast.iter_child_nodes(part))
    return found
