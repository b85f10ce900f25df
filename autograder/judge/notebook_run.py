"""Drives one submission's session: runs its cells, opens conversations for its questions, replaces it when it dies.

Used by the judge's fork (sessions come from the supervisor) and by the pytest plugin (from a Sandbox of its own).
"""

from __future__ import annotations

import ast
import functools
import os
import re
import resource
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psutil

from autograder import wire
from autograder.judge.conversation import GRACE, Conversation, _text
from autograder.judge.results import CellRun, Where

MOST_SESSIONS = 3  # for one submission: every death during its cells costs one
POLL = 0.25  # seconds between looks at the CPU clock of a silent session
HARD_FACTOR, HARD_EXTRA = 1.2, 3.0  # a cell that cannot be interrupted is ended at limit * factor + extra CPU seconds
SETUP_SECONDS = 120.0
MOST_SOURCE = 2_000_000  # characters of one cell; the session is sent no more
MOST_PROCESSES = 2000  # that are looked at


class Lost(Exception):
    """The session has ended; the text says why, for the student."""


class Broker(Protocol):
    """Whoever can start a session: gives (descriptor of its channel, host pid); `end` kills the last one."""

    def new(self) -> tuple[int, int]: ...
    def end(self) -> None: ...


@dataclass(frozen=True)
class Settings:
    """What a session is set up with; plain data, so that it can be sent to the judge."""

    packages: list[str]
    watched: list[dict[str, Any]]  # question, names, gradients
    cell_cpu: float
    notebook_cpu: float
    test_cpu: float
    wall_factor: float
    output_kb: float
    memory_mb: int
    disk_mb: int
    files: int
    processes: int
    frame_mb: int

    @property
    def limits(self) -> dict[str, float]:
        """What the session itself keeps to, and names when it is passed."""
        own = ("packages", "watched", "notebook_cpu")
        return {name: value for name, value in vars(self).items() if name not in own}


@dataclass
class NotebookRun:
    """One submission's notebook, run as far as it goes.

    After `start`: `cells` as they ran, `moments` (question -> code cells after which its names were bound), `notes` for
    the student, `trouble` (sentences about sessions that died). `conversation` opens a talk about one question.
    """

    broker: Broker
    sources: Sequence[str]
    settings: Settings
    seed: int
    cells: list[CellRun] = field(default_factory=list)
    moments: dict[str, list[int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    cut_short: str = ""  # why the last cells were not run
    notebook_cpu: float = 0.0
    sessions: int = 0
    _channel: wire.Channel | None = None
    _pid: int = 0
    _talk: Conversation | None = None
    _shared: bool = False
    _looked: float = 0.0  # when memory was last looked at

    def start(self) -> None:
        """Run every cell; a cell that ends the session is skipped in the next one."""
        deadly: dict[int, str] = {}
        while True:
            try:
                self._open()
                self._run_cells(deadly)
                return
            except Lost as lost:
                self.end()
                number = len(self.cells) + 1
                deadly[number] = str(lost)
                self.trouble.append(f"Code cell {number} was left out: {lost}.")
                if self.sessions >= MOST_SESSIONS:
                    self.cut_short = f"the notebook ended its Python process {self.sessions} times"
                    self._skip_rest(deadly)
                    return

    def _open(self) -> None:
        fd, self._pid = self.broker.new()
        self.sessions += 1
        self._channel = wire.Channel(socket.socket(fileno=fd), takes_fds=False)
        self.cells = []
        self._request(
            {
                "do": "setup",
                "packages": self.settings.packages,
                "watched": self.settings.watched,
                "limits": self.settings.limits,
                "number": self.seed,
            },
            SETUP_SECONDS,
            None,
        )

    def _run_cells(self, deadly: dict[int, str]) -> None:
        limit, used = self.settings.cell_cpu, 0.0
        for number, source in enumerate(self.sources, 1):
            if number in deadly:
                self.cells.append(CellRun(number=number, source=source, skipped=True, error=deadly[number]))
                continue
            if len(source) > MOST_SOURCE:
                size = f"it has {len(source) / 1e6:.1f} million characters, of which {MOST_SOURCE / 1e6:g} are run"
                short = f"{source[:1000]}\n[...]"
                self.cells.append(CellRun(number=number, source=short, skipped=True, error=f"not run: {size}"))
                continue
            if used > self.settings.notebook_cpu:
                self.cut_short = f"the notebook used more than {self.settings.notebook_cpu:g} CPU seconds"
                self._skip_rest({})
                return
            reply = self._request(
                {"do": "cell", "number": number, "source": source},
                limit * self.settings.wall_factor + GRACE,
                limit * HARD_FACTOR + HARD_EXTRA,
            )
            cell = cell_run(number, source, reply)
            used += cell.cpu
            self.notebook_cpu += cell.cpu
            self.cells.append(cell)
            moments = reply.get("moments")
            if isinstance(moments, dict):
                self.moments = {
                    str(question): [cell for cell in cells if type(cell) is int]
                    for question, cells in moments.items()
                    if isinstance(cells, list)
                }

    def _skip_rest(self, deadly: dict[int, str]) -> None:
        for number, source in enumerate(self.sources[len(self.cells) :], len(self.cells) + 1):
            why = deadly.get(number, f"not run: {self.cut_short}")
            self.cells.append(CellRun(number=number, source=source, skipped=True, error=why))

    def _request(
        self, header: dict[str, Any], wall: float, cpu: float | None, fds: tuple[int, ...] = ()
    ) -> dict[str, Any]:
        """One request to the session. Raises Lost when it dies, hangs or answers with garbage."""
        channel = self._channel
        if channel is None:
            raise Lost("there is no session")
        deadline = time.monotonic() + wall
        try:
            channel.send(header, fds=fds)
            self._await(channel, deadline, cpu)
            reply, _ = channel.receive(deadline)
        except wire.LateError:
            raise Lost(f"it could not be interrupted and took longer than {wall:g} seconds") from None
        except wire.ClosedError:
            raise Lost("it ended the Python process (os._exit, a crash, or too much memory)") from None
        except wire.WireError as error:
            raise Lost(f"it broke the connection to the grader ({error})") from None
        if "fault" in reply:
            raise RuntimeError(f"the session failed: {_text(reply['fault'])}")
        notes = reply.get("notes")
        for note in notes[:20] if isinstance(notes, list) else []:
            if _text(note) not in self.notes:
                self.notes.append(_text(note))
        return reply

    def _await(self, channel: wire.Channel, deadline: float, cpu: float | None) -> None:
        start = cpu_of(self._pid) if cpu is not None else 0.0
        while time.monotonic() < deadline:
            if select.select([channel], [], [], POLL)[0]:
                return
            if cpu is not None and cpu_of(self._pid) - start > cpu:
                raise Lost(f"it could not be interrupted and used more than {cpu:g} CPU seconds")
            trouble = self.memory_trouble()
            if trouble:
                raise Lost(trouble)

    def memory_trouble(self) -> str:
        """What is wrong with the memory of the session and all that it has started, "" if nothing is.

        Each process has a limit of the kernel's; their sum is looked at here, a few times a second at most.
        """
        if time.monotonic() < self._looked + POLL:
            return ""
        self._looked = time.monotonic()
        if memory_of(self._pid) <= self.settings.memory_mb << 20:
            return ""
        return f"its processes together used more than {self.settings.memory_mb} MB of memory"

    def conversation(self, shared: bool = False) -> Conversation | None:
        """A talk with a fresh fork of the finished notebook; with `shared` the last one goes on if it was shared too.

        None when there is no session any more and none can be had.
        """
        if shared and self._shared and self._talk is not None and self._talk.alive:
            return self._talk
        self._shared = shared
        self.hang_up()
        while True:
            try:
                if self._channel is None:
                    raise Lost("there is no session")
                ours, theirs = socket.socketpair()
                with theirs:
                    reply = self._request({"do": "fork"}, 30, None, (theirs.fileno(),))
                if reply.get("forked") is not True:
                    ours.close()
                    raise Lost("it has left as many processes and threads as there may be")
                wall = self.settings.test_cpu * self.settings.wall_factor
                channel = wire.Channel(ours, self.settings.frame_mb << 20, takes_fds=False)
                self._talk = Conversation(channel, self.explain, wall, self.memory_trouble)
                return self._talk
            except Lost:
                self.end()
                if self.sessions >= MOST_SESSIONS:
                    return None
                known = list(self.trouble)
                self.start()
                self.trouble = known + [line for line in self.trouble if line not in known]

    def hang_up(self) -> None:
        """End the process of the last conversation."""
        if self._talk is None:
            return
        self.notes += [note for note in dict.fromkeys(self._talk.notes) if note not in self.notes]
        self._talk.channel.close()
        over, self._talk = self._talk.over_memory, None
        if over:  # whatever it has started goes on using it
            self.end()
            return
        try:
            self._request({"do": "kill"}, 10, None)
        except Lost:
            self.end()

    def end(self) -> None:
        """End the session."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
            self.broker.end()

    def explain(self, name: str) -> str:
        """Why `name` may be missing: the cell that would have defined it, and what stopped that cell."""
        for cell in reversed(self.cells):
            if (cell.error or cell.skipped) and (name in bindings(cell.source) or mentions(cell.source, name)):
                return f"Cell {cell.number} would define it, but did not come to its end: {cell.error}"
        return ""

    def locate(self, name: str, last: int | None = None) -> Where | None:
        """Where the notebook binds `name`: its latest place, up to code cell `last`."""
        for cell in reversed(self.cells):
            line = bindings(cell.source).get(name)
            if line is not None and (last is None or cell.number <= last):
                return Where(cell=cell.number, line=line)
        return None


def cell_run(number: int, source: str, reply: dict[str, Any]) -> CellRun:
    """A cell's reply as data to keep; whatever is malformed in it is left out."""
    error = _text(reply.get("error")) or None
    line = reply.get("line")
    if error and type(reply.get("cell")) is int and reply["cell"] != number:
        error, line = f"{error} (in cell {reply['cell']}, line {line})", None
    cpu = reply.get("cpu")
    outputs = reply.get("outputs")
    kept = [out for out in outputs if isinstance(out, dict)] if isinstance(outputs, list) else []
    return CellRun(
        number=number,
        source=source,
        outputs=tuple(map(_cleaned, kept)),
        error=error,
        line=line if type(line) is int and 0 < line < 1_000_000 else None,
        cpu=cpu if isinstance(cpu, float) and 0 <= cpu < 1e6 else 0.0,
    )


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_cleaned(str(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value


@functools.lru_cache(512)
def bindings(source: str) -> dict[str, int]:
    """Names that a cell's own level assigns, defines or imports, with the line; empty if it does not parse.

    Magic lines are blanked first, so that line numbers stay.
    """
    plain = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    try:
        tree = ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, int] = {}
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            found[node.name] = node.lineno
            continue  # what is bound inside is the function's own
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found[node.id] = node.lineno
        waiting.extend(ast.iter_child_nodes(node))
    return found


def mentions(source: str, name: str) -> bool:
    """Whether a cell that may not even parse looks as if it bound `name`."""
    return bool(re.search(rf"^\s*(?:class|def)\s+{re.escape(name)}\b|^\s*{re.escape(name)}\s*=", source, re.M))


def cpu_of(pid: int) -> float:
    """CPU seconds a process has used; 0 if it is gone."""
    try:
        times = psutil.Process(pid).cpu_times()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0
    return float(times.user + times.system)


def memory_of(pid: int) -> int:
    """Bytes of memory of a process and all that come from it; 0 if it is gone.

    Pages that processes share are counted once where the kernel tells (Pss, of our own processes and for root). Else a
    process counts with what it has beyond the first one, from which it was forked.
    """
    tree = descendants(pid)
    resident = [_resident(one) for one in tree]
    if len(tree) == 1:
        return resident[0]
    try:
        return sum(_proportional(one) for one in tree)
    except OSError:
        return resident[0] + sum(max(0, size - resident[0]) for size in resident[1:])


def descendants(pid: int) -> list[int]:
    """A process and all that have come from it, itself first; without the kernel's lists of children, itself alone."""
    found = [pid]
    for one in found:
        try:
            threads = list(Path(f"/proc/{one}/task").iterdir())
            found += [int(child) for thread in threads for child in (thread / "children").read_text().split()]
        except OSError:  # it has ended meanwhile
            continue
        if len(found) > MOST_PROCESSES:
            break
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (ProcessLookupError, FileNotFoundError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def environment_versions() -> dict[str, str]:
    """Python and platform of the trusted side, for the record."""
    import platform

    return {"python": platform.python_version(), "system": f"{os.uname().sysname} {os.uname().machine}"}
