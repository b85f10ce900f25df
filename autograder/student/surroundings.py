"""Whose failure is it? A statement of a cell that fails for its surroundings' sake is left out, and the next one runs.

Used by `shell`. The border:

- For the surroundings' sake: an import that fails; a file, folder, address or program that is not there (OSError,
  unless it names a limit of ours); a variable of the environment that is not set; an unknown magic; a GPU that is not
  there; a check or a refusal that asks for such things (`assert torch.cuda.is_available()`); an answer that nobody
  gave (`int(input())`); and whatever fails because it uses a stand-in, or a name that a statement left out in this
  way would have made.
- The student's own: everything else (a typo, a wrong shape, a wrong type). It stops the cell, as in Jupyter.
"""

from __future__ import annotations

import ast
import errno
import linecache
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

from IPython.core.error import UsageError

from autograder.student.absent import STAND_INS

LIMITS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE)  # these name a limit of the process, not its place
ABSENT_DEVICE = re.compile(
    r"not compiled with \w+|No (?:CUDA|HIP|XPU) GPUs|NVIDIA driver|without (?:CUDA|MPS)|requires CUDA|CUDA support|"
    r"accelerator device|Cannot (?:initialize|execute|access) \w*(?:CUDA|MPS|XPU|HPU)|dummy base class|"
    r"Parent directory .* does not exist"  # torch.save
)
# Words by which a check asks for its surroundings rather than for the student's own numbers
ASKS = re.compile(
    r"is_available|device_count|is_cuda|is_built|cuda|\bmps\b|nvidia|gpu|environ|getenv|sys\.modules|platform|version|"
    r"exists\(|isfile|isdir|find_spec|which\(|colab|kaggle|get_ipython",
    re.IGNORECASE,
)
ENVIRON = (type(os.environ).__getitem__.__code__, type(os.environ).__delitem__.__code__)
WORD = re.compile(r"[A-Za-z_]\w*")
ASKED = frozenset({"input", "getpass", "upload"})  # calls that a person would answer


class Surroundings:
    """Judges the failures of one session's cells, and remembers which names are missing because of them."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.lost: set[str] = set()
        self.anything = False  # `from absent import *`: any name may be one of its

    def blamed(self, error: BaseException, code: CodeType, nodes: Sequence[ast.stmt], cells: str) -> ast.stmt | None:
        """The statement of `nodes` that failed for the surroundings' sake; None if the failure is the student's own.

        `code` is the compiled statement that ran, `cells` how the file names of cells begin.
        """
        frames = list(_frames(error))
        line = next((line for frame, line in frames if frame.f_code is code), 0)
        node = next((node for node in nodes if node.lineno <= line <= (node.end_lineno or 0)), None)
        if node is None or isinstance(error, KeyboardInterrupt):
            return None
        inner = innermost(node, line)
        theirs = (
            any(_of_a_place(one) for one in _chain(error))
            or (isinstance(error, NameError) and bool(error.name) and (error.name in self.lost or self.anything))
            or frames[-1][0].f_code in ENVIRON
            or _refuses(error, node, inner, frames[-1][0].f_code is code)
            or self._uses_a_stand_in(inner, frames, cells)
        )
        if not theirs:
            return None
        self.lost |= set(bound(node))
        return node

    def anything_is_missing(self) -> None:
        """From now on any unknown name may be one that is missing."""
        self.anything = True

    def _uses_a_stand_in(self, inner: ast.AST, frames: list[tuple[FrameType, int]], cells: str) -> bool:
        words = set(used(inner))
        if words & ASKED or any(self._stands_in(word, self.namespace) for word in words):
            return True
        for frame, number in frames:
            if frame.f_code.co_filename.startswith(cells) and frame.f_code.co_name != "<module>":
                names = {**self.namespace, **frame.f_locals}
                line = linecache.getline(frame.f_code.co_filename, number)
                if any(self._stands_in(word, names) for word in WORD.findall(line)):
                    return True
        return False

    def _stands_in(self, name: str, names: Mapping[str, Any]) -> bool:
        return (name in self.lost and name not in names) or isinstance(names.get(name), STAND_INS)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and those that it was raised from."""
    one: BaseException | None = error
    for _ in range(5):
        if one is None:
            return
        yield one
        one = one.__cause__


def _of_a_place(error: BaseException) -> bool:
    if isinstance(error, (ImportError, UsageError, subprocess.SubprocessError)):
        return True
    if isinstance(error, OSError):
        return error.errno not in LIMITS
    device = isinstance(error, (RuntimeError, AssertionError, TypeError, AttributeError))
    return device and bool(ABSENT_DEVICE.search(_text(error)))


def _refuses(error: BaseException, node: ast.stmt, inner: ast.AST, itself: bool) -> bool:
    """Whether the statement checks its surroundings and ends in a refusal: `assert gpu`, `if not gpu: raise`."""
    if isinstance(node, ast.Assert):
        return itself and isinstance(error, AssertionError) and bool(ASKS.search(ast.unparse(node)))
    asks = isinstance(node, ast.If) and bool(ASKS.search(ast.unparse(node.test)))
    return asks and (isinstance(error, SystemExit) or (itself and isinstance(inner, (ast.Raise, ast.Assert))))


def bound(node: ast.AST) -> Iterator[str]:
    """Names that a statement would have bound."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield part.name
            continue
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id
        elif isinstance(part, ast.alias):
            yield part.asname or part.name.partition(".")[0]
        waiting.extend(ast.iter_child_nodes(part))


def used(node: ast.AST) -> Iterator[str]:
    """Names that a statement reads, and the methods it calls."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
            yield part.id
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in ASKED:
            yield part.func.attr


def innermost(node: ast.stmt, line: int) -> ast.AST:
    """The smallest statement within `node` that stands on `line`; of a compound one, the statement inside it."""
    found: ast.AST = node
    for part in ast.walk(node):
        if isinstance(part, ast.stmt) and part.lineno <= line <= (part.end_lineno or part.lineno):
            found = part
    return found


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception whose __str__ raises is the student's own
        return ""
