"""Whose failure is it? A statement of a cell that fails for its surroundings' sake is left out, and the next one runs.

The statement is the innermost one that can be left out (see `statements`), of a cell or of a function of a cell's,
whoever has called it. Used by `shell`. The border:

- For the surroundings' sake: an import that fails; a file, folder, address or program that is not there (OSError,
  unless it names a limit of ours); a variable of the environment that is not set; an unknown magic; a GPU that is not
  there; a check or a refusal that asks for such things (`assert torch.cuda.is_available()`); an answer that nobody
  gave (`int(input())`); an expression that fails while it works on a stand-in; and a name that a statement left out
  in this way would have made.
- The student's own: everything else (a typo, a wrong shape, a wrong type). It stops the cell, as in Jupyter.
"""

from __future__ import annotations

import ast
import builtins
import errno
import linecache
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from types import CodeType, FrameType, TracebackType
from typing import Any

from IPython.core.error import UsageError

from autograder.student.absent import STAND_INS, Harmless
from autograder.student.statements import IN_PLACE_OF, LEFT_OUT, Guard, Statements, innermost

LIMITS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE)  # these name a limit of the process, not its place
ABSENT_DEVICE = re.compile(
    r"not compiled with \w+|No (?:CUDA|HIP|XPU) GPUs|NVIDIA driver|without (?:CUDA|MPS)|requires CUDA|CUDA support|"
    r"accelerator device|Cannot (?:initialize|execute|access) \w*(?:CUDA|MPS|XPU|HPU)|dummy base class|"
    r"Parent directory .* does not exist"  # torch.save
)
# Words by which a check asks for its surroundings rather than for the student's own numbers
ASKS = re.compile(
    r"is_available|device_count|is_cuda|is_built|cuda|\bmps\b|nvidia|gpu|\benviron\b|getenv|sys\.modules|platform|"
    r"__version__|version_info|python_version|\.version\b|\bversion\(|"
    r"\bexists\(|isfile|isdir|find_spec|\bwhich\(|colab|kaggle|get_ipython",
    re.IGNORECASE,
)
MOVES = re.compile(r"\.(?:cuda|to)\([^()]*\)|device='\w+'")  # this only says where to compute, and asks nothing
ENVIRON = (type(os.environ).__getitem__.__code__, type(os.environ).__delitem__.__code__)
WORD = re.compile(r"[A-Za-z_]\w*")
ASKED = re.compile(r"(?<![\w.])input\(|\b(?:getpass|upload)\(")  # calls that a person would answer
MOST_TURNS = 1000  # of a `while` whose statement is left out each time
OWN_CALL = re.compile(r"\w\(\) (?:missing|takes|got (?:an|some|multiple)) ")  # a function was called in a wrong way


class Surroundings:
    """Judges the failures of one session's cells, and remembers which names are missing because of them.

    `cells` is how the file names of cells begin; `tell` is called with what failed, its statement, file and line.
    """

    def __init__(
        self, namespace: dict[str, Any], cells: str, tell: Callable[[BaseException, ast.stmt, str, int], None]
    ) -> None:
        self.namespace = namespace
        self.cells = cells
        self.tell = tell
        self.statements = Statements()
        self.lost: set[str] = set()  # an attribute with a dot before it
        self.anything = False  # `from absent import *`: any name may be one of its
        setattr(builtins, LEFT_OUT, self.left_out)
        setattr(builtins, IN_PLACE_OF, self.in_place_of)

    def left_out(self, number: int) -> bool:
        """Whether the guarded statement that has just failed is to be left out; called by its guard."""
        error, frame = sys.exception(), sys._getframe(1)
        guarded = self.statements.guarded[number]
        if isinstance(error, RecursionError) or (guarded.waits and guarded.times == MOST_TURNS):
            return False  # at the end of the stack nothing more can be asked; and the `while` would never end
        if not isinstance(error, (Exception, SystemExit)) or error.__traceback__ is None or self._caught(frame):
            return False
        line, node = error.__traceback__.tb_lineno, guarded.node
        block = getattr(node, "body", None)
        if block and not isinstance(node, (ast.Try, ast.TryStar)) and line >= block[0].lineno:
            return False  # a statement within it failed, and cannot be left out alone
        if (
            isinstance(node, ast.Raise)
            and _raised_of_a_place(error)
            and not _refuses(error, guarded.within, node, True)
        ):
            return False  # a function that raises by intent ends there; what has called it can be left out
        if not self._theirs(error, guarded.within or node, node, frame.f_code):
            return False
        guarded.times += 1
        self._leave_out(error, node, frame.f_code.co_filename, line)
        return True

    def in_place_of(self, number: int) -> Harmless:
        """What stands in for a context manager that could not be had."""
        made = self.statements.guarded[number].node
        return Harmless(ast.unparse(made).partition(" = ")[2][:60], "it could not be had here")

    def blamed(self, error: BaseException, code: CodeType, nodes: Sequence[ast.stmt]) -> bool:
        """Whether a cell's own statement, compiled to `code` and one of `nodes`, is to be left out for its failure."""
        line = next((trace.tb_lineno for trace in _traces(error) if trace.tb_frame.f_code is code), 0)
        own = (node for node in nodes if not isinstance(node, Guard))
        node = next((node for node in own if node.lineno <= line <= (node.end_lineno or 0)), None)
        if node is None or not isinstance(error, (Exception, SystemExit)):
            return False
        if not self._theirs(error, node, innermost(node, line), code):
            return False
        self._leave_out(error, node, code.co_filename, line)
        return True

    def anything_is_missing(self) -> None:
        """From now on any unknown name may be one that is missing."""
        self.anything = True

    def _leave_out(self, error: BaseException, node: ast.stmt, file: str, line: int) -> None:
        self.lost |= set(bound(node))
        self.tell(error, node, file, line)

    def _caught(self, frame: FrameType | None) -> bool:
        """Whether a handler of the notebook's own stands around what runs in `frame`."""
        while frame is not None:
            if (frame.f_code.co_filename, frame.f_lineno) in self.statements.caught:
                return True
            frame = frame.f_back
        return False

    def _theirs(self, error: BaseException, node: ast.stmt, inner: ast.AST, code: CodeType) -> bool:
        """Whether the surroundings are to blame; `node` failed at the statement `inner`, which runs in `code`."""
        last = list(_traces(error))[-1].tb_frame.f_code
        return (
            _raised_of_a_place(error)
            or self._is_lost(error)
            or last in ENVIRON
            or _refuses(error, node, inner, last is code)
            or self._works_on_a_stand_in(error, inner)
        )

    def _is_lost(self, error: BaseException) -> bool:
        """Whether a name or an attribute is unknown that a statement left out would have made."""
        if isinstance(error, AttributeError):
            return f".{error.name}" in self.lost
        if not isinstance(error, NameError):
            return False
        name = error.name or next(iter(re.findall(r"(?:local|free) variable '(\w+)'", _text(error))), "")
        return name in self.lost or (bool(name) and self.anything)

    def _works_on_a_stand_in(self, error: BaseException, inner: ast.AST) -> bool:
        """Whether the very expression that failed, in the innermost frame of the notebook's, is about a stand-in."""
        if isinstance(error, (NameError, SyntaxError)) or OWN_CALL.search(_text(error)):
            return False
        trace = [one for one in _traces(error) if one.tb_frame.f_code.co_filename.startswith(self.cells)][-1]
        text = _line(trace) if "to unpack" in _text(error) else _expression(trace)
        text = text.strip() or ast.unparse(
            inner
        )  # a cell magic run by a method has taken the place of the cell's lines
        names = {**self.namespace, **trace.tb_frame.f_locals}
        return bool(ASKED.search(text)) or any(isinstance(names.get(word), STAND_INS) for word in WORD.findall(text))


def _line(trace: TracebackType) -> str:
    return linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno)


def _expression(trace: TracebackType) -> str:
    """The source of the expression that failed there; the whole line where that is not known."""
    code = trace.tb_frame.f_code
    first, last, left, right = next(islice(code.co_positions(), trace.tb_lasti // 2, None))
    if first is None or last is None or left is None or right is None:
        return _line(trace)
    lines = [linecache.getline(code.co_filename, number).encode() for number in range(first, last + 1)]
    lines[-1] = lines[-1][:right]  # before the left end, for it may be the same line
    lines[0] = lines[0][left:]
    return b"".join(lines).decode("utf-8", "replace")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and those that it was raised from."""
    one: BaseException | None = error
    for _ in range(5):
        if one is None:
            return
        yield one
        one = one.__cause__


def _raised_of_a_place(error: BaseException) -> bool:
    return any(_of_a_place(one) for one in _chain(error))


def _of_a_place(error: BaseException) -> bool:
    if isinstance(error, (ImportError, UsageError, subprocess.SubprocessError)):
        return True
    if isinstance(error, OSError):
        return error.errno not in LIMITS
    device = isinstance(error, (RuntimeError, AssertionError, TypeError, AttributeError))
    return device and bool(ABSENT_DEVICE.search(_text(error)))


def _refuses(error: BaseException, node: ast.stmt | None, inner: ast.AST, itself: bool) -> bool:
    """Whether the statement checks its surroundings and ends in a refusal: `assert gpu`, `if not gpu: raise`."""
    if isinstance(node, ast.Assert):
        return itself and isinstance(error, AssertionError) and _asks(node.test)
    asks = isinstance(node, ast.If) and _asks(node.test)
    return asks and (isinstance(error, SystemExit) or (itself and isinstance(inner, (ast.Raise, ast.Assert))))


def _asks(test: ast.expr) -> bool:
    return bool(ASKS.search(MOVES.sub("", ast.unparse(test))))


def bound(node: ast.AST) -> Iterator[str]:
    """Names that a statement would have bound; of an attribute, with a dot before it."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield part.name
            continue
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id
        elif isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
            yield f".{part.attr}"
        elif isinstance(part, ast.alias):
            yield part.asname or part.name.partition(".")[0]
        waiting.extend(ast.iter_child_nodes(part))


def _traces(error: BaseException) -> Iterator[TracebackType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception whose __str__ raises is the student's own
        return ""
