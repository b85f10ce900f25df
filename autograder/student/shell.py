"""IPython's own shell without a kernel: runs one cell at a time and keeps what it showed.

Made once in the zygote (building it takes about 50 ms) and used by every session that is forked from it.
"""

from __future__ import annotations

import ast
import contextlib
import errno
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from autograder.student.surroundings import Surroundings, bound

KEPT_TYPES = ("text/plain", "text/html", "text/markdown", "image/png", "image/svg+xml")
MOST_OUTPUTS = 1000  # of one cell, besides what is printed
MOST_LEFT = 50  # lines of a notebook that are told to be left out, and names of each
CELL_NAME = "<cell {}>"
# What word processors, chats and web pages leave in code: spaces of other kinds, and characters without width
INVISIBLE = {
    **dict.fromkeys([0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " "),
    **dict.fromkeys([0xAD, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF], ""),
    **dict.fromkeys([0x2028, 0x2029, 0x85], "\n"),
}
# ... and quotes, dashes and full-width signs that Python writes in another way
LOOKALIKE = INVISIBLE | {
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u2032\u00b4"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"), '"'),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-"),
    0xD7: "*",
    0x2217: "*",
    0x2026: "...",
    0x2044: "/",
    0x2215: "/",
    **{wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)},
}


class Capture:
    """Collects a cell's outputs as nbformat 4 dicts, up to `cap` characters in all."""

    def __init__(self, cap: int = 256_000) -> None:
        self.cap = cap
        self.clear()

    def clear(self) -> None:
        self.outputs: list[dict[str, Any]] = []
        self.size = 0
        self.lost = 0

    def _room(self, text: str) -> str:
        kept = text[: max(0, self.cap - self.size)]
        self.size += len(kept)
        self.lost += len(text) - len(kept)
        return kept

    def stream(self, name: str, text: str) -> None:
        kept = self._room(text)
        if not kept:
            return
        last = self.outputs[-1] if self.outputs else None
        if last and last["output_type"] == "stream" and last["name"] == name:
            last["text"].append(kept)
        elif len(self.outputs) < MOST_OUTPUTS:
            self.outputs.append({"output_type": "stream", "name": name, "text": [kept]})
        else:
            self.lost += len(kept)

    def display(self, data: dict[str, Any], result: bool = False) -> None:
        kept = {kind: self._room(str(data[kind])) for kind in KEPT_TYPES if kind in data}
        if any(kept.values()) and len(self.outputs) < MOST_OUTPUTS:
            extra = {"execution_count": None} if result else {}
            kind = "execute_result" if result else "display_data"
            self.outputs.append({"output_type": kind, "data": kept, "metadata": {}, **extra})
        else:
            self.lost += sum(map(len, kept.values()))

    def taken(self) -> list[dict[str, Any]]:
        """The outputs so far, stream texts joined."""
        if self.lost:
            self.outputs.append(
                {
                    "output_type": "stream",
                    "name": "stderr",
                    "text": [f"[{self.lost} more characters were not kept: the limit is {self.cap} for one cell]\n"],
                }
            )
        return [{**out, "text": "".join(out["text"])} if "text" in out else out for out in self.outputs]


class CapturedStream:
    """Stands in for sys.stdout and sys.stderr; never writes to a real descriptor."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, name: str, capture: Capture) -> None:
        self.name = name
        self._capture = capture

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._capture.stream(self.name, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        return None

    def isatty(self) -> bool:
        return False

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


class Publisher(DisplayPublisher):
    """display(...) and friends."""

    shell: Shell

    def publish(self, data: dict[str, Any], metadata: Any = None, **kwargs: Any) -> None:  # type: ignore[override]
        if not kwargs.get("update"):
            self.shell.capture.display(data)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.capture.clear()


class ResultHook(DisplayHook):
    """The value of a cell's last expression."""

    shell: Shell

    def write_output_prompt(self) -> None:
        return None

    def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
        self.shell.capture.display(format_dict, result=True)

    def finish_displayhook(self) -> None:
        return None


class CellCompiler(CachingCompiler):
    """Names each code object after its cell, so that every traceback tells cell and line."""

    cell = 0

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        return CELL_NAME.format(self.cell)


@dataclass
class Ran:
    """How one cell ended."""

    error: str | None = None
    line: int | None = None
    cell: int | None = None  # the cell whose line raised; another one if a function made earlier did
    outputs: list[dict[str, Any]] = field(default_factory=list)


class Shell(InteractiveShell):
    """InteractiveShell that captures instead of printing, and keeps errors as text."""

    display_pub_class = Type(Publisher)
    displayhook_class = Type(ResultHook)
    compiler_class = Type(CellCompiler)

    def __init__(self, **kwargs: Any) -> None:
        self.capture = Capture()
        self.limits: dict[str, float] = {}
        self.surroundings: Surroundings | None = None  # set by the session: before, every failure ends its cell
        self.note: Callable[[str], None] = lambda text: None
        self.left: list[dict[str, Any]] = []  # what was left out: cell, line, names, told
        self.deleted: dict[str, Any] = {}  # names that %reset has taken away
        self._nodes: list[ast.stmt] = []  # the statements that are running
        super().__init__(**kwargs)

    def showtraceback(self, *args: Any, **kwargs: Any) -> None:
        """Tracebacks are told by cell and line (see `run`), so nothing is rendered here: it would cost 50 ms."""

    def showsyntaxerror(self, *args: Any, **kwargs: Any) -> None:
        """As showtraceback."""

    def readable(self, number: int, source: str) -> str:
        """The source; where it is no Python for characters that only look like Python's, with those in their place."""
        if source.isascii() or self._parses(source):
            return source
        for table in (INVISIBLE, LOOKALIKE):
            repaired = source.translate(table)
            if repaired != source and self._parses(repaired):
                self.note(
                    f"Code cell {number} had characters that only look like Python's (such as no-break spaces or "
                    "curly quotes); they were read as what they look like."
                )
                return repaired
        return source

    def _parses(self, source: str) -> bool:
        try:
            ast.parse(self.transform_cell(source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        return True

    def _format_exception_for_storage(self, exception: BaseException, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {}  # the history keeps no tracebacks; formatting one costs 30 to 160 ms

    async def run_ast_nodes(self, nodelist: list[ast.stmt], *args: Any, **kwargs: Any) -> Any:
        """As IPython's, which compiles and runs one statement after the other."""
        outer, self._nodes = self._nodes, nodelist
        try:
            return await super().run_ast_nodes(nodelist, *args, **kwargs)
        finally:
            self._nodes = outer

    async def run_code(self, code_obj: Any, result: Any = None, *, async_: bool = False) -> bool:
        """Run one statement; True ends the cell. What fails for its surroundings' sake is left out, with a note."""
        failed = bool(await super().run_code(code_obj, result, async_=async_))
        error = result.error_in_exec if result is not None else None
        if not failed or error is None or self.surroundings is None:
            return failed
        if not self.surroundings.blamed(error, code_obj, self._nodes):
            return True
        result.error_in_exec = None
        return False

    def transform_ast(self, node: ast.Module) -> ast.Module:
        """As IPython's; then what may fail for its surroundings' sake is guarded."""
        tree: ast.Module = super().transform_ast(node)
        if self.surroundings is not None:
            self.surroundings.statements.guard(tree, CELL_NAME.format(CellCompiler.cell))
        return tree

    def leave_out(self, error: BaseException, node: ast.stmt, file: str, line: int) -> None:
        """Tell, once for each line, that a statement was left out for its surroundings' sake."""
        cell = _cell_of(file)
        if len(self.left) == MOST_LEFT or any((one["cell"], one["line"]) == (cell, line) for one in self.left):
            return
        told = self.told(error)
        names = sorted(bound(node))[:MOST_LEFT]
        self.left.append({"cell": cell, "line": line, "names": names, "told": told[:200]})
        self.note(f"Code cell {cell}, line {line} could not run here and was left out: {told[:200]}")
        print(f"[cell {cell}, line {line} was left out: {told}]", file=sys.stderr)

    def told(self, error: BaseException) -> str:
        """An exception in words, with the limit that it comes from, if any."""
        text = describe(error)
        limit = limit_of(error, text, self.limits) if self.limits else ""
        return f"{text} ({limit})" if limit else text

    def run(self, number: int, source: str) -> Ran:
        """Run code cell `number` (from 1). Student exceptions of every kind end here, as text."""
        CellCompiler.cell = number
        self.capture.clear()
        self._nodes = []
        source = self.readable(number, source)
        out, err = CapturedStream("stdout", self.capture), CapturedStream("stderr", self.capture)
        failure: BaseException | None
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                result = self.run_cell(source, store_history=True)
            failure = result.error_before_exec or result.error_in_exec
        except BaseException as error:  # a limit that struck between two lines of IPython's own
            failure = error
        ran = Ran()
        if failure is not None:
            ran.error = self.told(failure)
            ran.cell, ran.line = place(failure)
            self.capture.outputs.append(
                {
                    "output_type": "error",
                    "ename": type(failure).__name__[:100],
                    "evalue": ran.error[:2000],
                    "traceback": [],
                }
            )
        ran.outputs = self.capture.taken()
        return ran


def make_shell() -> Shell:
    """A shell with history, completion and colours off, its namespace empty but for IPython's own names."""
    config = Config()
    config.HistoryManager.enabled = False  # it would start a thread, and threads do not survive a fork
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.autocall = 0
    config.InteractiveShell.cache_size = 100
    shell = Shell.instance(config=config)
    shell.user_ns["__name__"] = "__main__"
    return shell


def describe(error: BaseException) -> str:
    """ "NameError: name 'x' is not defined", at most 500 characters, whatever the exception's own methods do."""
    try:
        text = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1]
    except BaseException:  # an exception whose __str__ raises is still only a student's exception
        text = type.__getattribute__(type(error), "__name__")
    return text[:500]


def limit_of(error: BaseException, text: str, limits: dict[str, float]) -> str:
    """Names the limit of the process that an exception comes from, with its value; "" if it comes from none."""
    number = error.errno if isinstance(error, OSError) else None
    if type(error) is MemoryError or (isinstance(error, RuntimeError) and "can't allocate memory" in text):
        return f"the limit is {limits['memory_mb']:g} MB of memory"
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"the limit is {limits['disk_mb']:g} MB of files"
    if number == errno.EMFILE:
        return f"the limit is {limits['files']:g} open files"
    if number == errno.EAGAIN or (isinstance(error, RuntimeError) and "can't start new thread" in text):
        return f"the limit is {limits['processes']:g} processes, and some threads"
    if number == errno.EPERM and not limits["processes"] and "Operation not permitted" in text:
        return "starting programs is not allowed here"
    return ""


def place(error: BaseException) -> tuple[int | None, int | None]:
    """(cell, line) of the innermost frame that is in a cell; of a syntax error, its own line."""
    if isinstance(error, SyntaxError) and isinstance(error.lineno, int):
        cell = _cell_of(error.filename or "")
        if cell is not None:
            return cell, error.lineno
    found: tuple[int | None, int | None] = (None, None)
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        cell = _cell_of(trace.tb_frame.f_code.co_filename)
        if cell is not None:
            found = (cell, trace.tb_lineno)
        trace = trace.tb_next
    return found


def _cell_of(filename: object) -> int | None:
    if isinstance(filename, str) and filename.startswith("<cell ") and filename[6:-1].isdecimal():
        return int(filename[6:-1])
    return None


def current_place() -> tuple[int | None, int | None]:
    """(cell, line) of the innermost caller that is in a cell."""
    frame = sys._getframe(1)
    while frame is not None:
        cell = _cell_of(frame.f_code.co_filename)
        if cell is not None:
            return cell, frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]
    return None, None
