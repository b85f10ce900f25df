"""Drives one submission's session: runs its cells, opens conversations for its questions, replaces it when it dies.

Used by the judge's fork (sessions come from the supervisor) and by the pytest plugin (from a Sandbox of its own).
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from autograder import wire
from autograder.course.models import Assignment, Limits
from autograder.judge.cells import Left, bindings, cell_run, left_of, mentions, moments_of
from autograder.judge.conversation import GRACE, Conversation, _text
from autograder.judge.usage import cpu_of, memory_of
from autograder.results import CellRun, Where

MOST_SESSIONS = 3  # for one submission: every death during its cells costs one
POLL = 0.25  # seconds between looks at the CPU clock of a silent session
HARD_FACTOR, HARD_EXTRA = 1.2, 3.0  # a cell that cannot be interrupted is ended at limit * factor + extra CPU seconds
SETUP_SECONDS = 120.0
MOST_SOURCE = 2_000_000  # characters of one cell; the session is sent no more
MOST_CODE = 20_000_000  # characters of all cells, which are kept in the record too
MOST_CELLS = 5000  # code cells that are run
MOST_OUTPUTS = 50_000_000  # characters of all outputs that are kept, whatever the session sends
MOST_NOTES = 100
TESTS = 60  # all tests together may take as long as so many that use up their limits


class Lost(Exception):
    """The session has ended; the text says why, for the student."""


class SessionFault(RuntimeError):
    """A session could not be had, or failed before any student code ran in it: ours, whoever's turn it was."""


class Broker(Protocol):
    """Whoever can start a session: gives (descriptor of its channel, host pid); `end` kills the last one.

    `killed` is told that a process which answered tests was killed, and perhaps not by the student's own code.
    """

    def new(self) -> tuple[int, int]: ...
    def end(self) -> None: ...
    def killed(self) -> None: ...


OURS = {"notebook_cpu", "judge_cpu"}  # limits that the session itself does not keep


def set_up(assignment: Assignment) -> dict[str, Any]:
    """What a session is told of its assignment: the packages, the names that are watched, what it may use."""
    watched = [
        {
            "question": question.id,
            "names": list(question.names),
            "gradients": {name: list(others) for name, others in question.gradients.items()},
        }
        for question in assignment.questions.values()
        if question.judged_on == "best_moment"
    ]
    limits = assignment.limits.model_dump(exclude=OURS)
    return {"packages": list(assignment.packages), "watched": watched, "limits": limits}


@dataclass
class NotebookRun:
    """One submission's notebook, run as far as it goes.

    After `start`: `cells` as they ran, `moments` (question -> code cells after which its names were bound), `notes` for
    the student, `trouble` (sentences about sessions that died), `faults` (what a session said of an error in our own
    code there, or made up). `conversation` opens a talk about one question.
    """

    broker: Broker
    sources: Sequence[str]
    assignment: Assignment
    seed: int
    cells: list[CellRun] = field(default_factory=list)
    moments: dict[str, list[int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)  # statements that were left out
    cut_short: str = ""  # why the last cells or tests were not run
    notebook_cpu: float = 0.0
    sessions: int = 0
    _channel: wire.Channel | None = None
    _pid: int = 0
    _talk: Conversation | None = None
    _shared: bool = False
    _looked: float = 0.0  # when memory was last looked at
    _asked: float | None = None  # when the first test was asked

    @property
    def limits(self) -> Limits:
        return self.assignment.limits

    def start(self) -> None:
        """Run every cell; a cell that ends the session is skipped in the next one."""
        if len(self.sources) > MOST_CELLS:
            self.trouble.append(f"Of its {len(self.sources)} code cells the first {MOST_CELLS} were run.")
            self.sources = self.sources[:MOST_CELLS]
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
        self.cells, self.moments, self.left = [], {}, []
        self._request(
            {
                "do": "setup",
                **set_up(self.assignment),
                "number": self.seed,
            },
            SETUP_SECONDS,
            None,
        )

    def _run_cells(self, deadly: dict[int, str]) -> None:
        limit, room, code, used = self.limits.cell_cpu, MOST_OUTPUTS, 0, 0.0
        began, at_first = time.monotonic(), cpu_of(self._pid)
        for number, source in enumerate(self.sources, 1):
            if number in deadly:
                self.cells.append(CellRun(number=number, source=source, skipped=True, error=deadly[number]))
                continue
            if len(source) > MOST_SOURCE or code + len(source) > MOST_CODE:
                size = f"it has {len(source) / 1e6:.1f} million characters, of which {MOST_SOURCE / 1e6:g} are run"
                if len(source) <= MOST_SOURCE:
                    size = f"the notebook has more than {MOST_CODE / 1e6:g} million characters of code"
                short = f"{source[:1000]}\n[...]"
                self.cells.append(CellRun(number=number, source=short, skipped=True, error=f"not run: {size}"))
                continue
            code += len(source)
            self.cut_short = self._over(max(used, cpu_of(self._pid) - at_first), time.monotonic() - began)
            if self.cut_short:
                self._skip_rest({})
                return
            reply = self._request(
                {"do": "cell", "number": number, "source": source},
                limit * self.limits.wall_factor + GRACE,
                limit * HARD_FACTOR + HARD_EXTRA,
            )
            cell, taken = cell_run(number, source, reply, min(room, int(self.limits.output_kb * 1000)))
            room -= taken
            used += cell.cpu
            self.notebook_cpu += cell.cpu
            self.cells.append(cell)
            self.moments = moments_of(reply, number)
            self.left = left_of(reply)

    def _over(self, cpu: float, wall: float) -> str:
        """Which limit of the whole notebook is passed, in words; "" if none is."""
        most, last = self.limits.notebook_cpu, len(self.cells)
        if cpu > most:
            return f"the notebook had used more than {most:g} CPU seconds after code cell {last}"
        if wall > most * self.limits.wall_factor:
            return f"the notebook had taken more than {most * self.limits.wall_factor:g} seconds after code cell {last}"
        return ""

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
            channel.send(header, fds=fds, deadline=deadline)
            self._await(channel, deadline, cpu)
            reply, _ = channel.receive(deadline)
        except wire.LateError:
            raise Lost(f"it could not be interrupted and took longer than {wall:g} seconds") from None
        except wire.ClosedError:
            raise Lost("it ended the Python process (os._exit, a crash, or too much memory)") from None
        except wire.WireError as error:
            raise Lost(f"it broke the connection to the grader ({error})") from None
        if "fault" in reply:
            told = str(reply["fault"])[-2000:].encode("utf-8", "replace").decode()
            if header["do"] == "setup":  # no student code has run in it yet
                raise SessionFault(f"the session failed: {told}")
            self.faults.append(told)
            raise Lost("it broke what runs the cells")
        notes = reply.get("notes")
        self.add_notes([_text(note) for note in notes[:20]] if isinstance(notes, list) else [])
        return reply

    def add_notes(self, notes: Sequence[str]) -> None:
        """Keep sentences for the student, each once, and no more than somebody would read."""
        for note in notes:
            if len(self.notes) < MOST_NOTES and note not in self.notes:
                self.notes.append(note)

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
        if memory_of(self._pid) <= self.limits.memory_mb << 20:
            return ""
        return f"its processes together used more than {self.limits.memory_mb} MB of memory"

    def conversation(self, shared: bool = False) -> Conversation | None:
        """A talk with a fresh fork of the finished notebook; with `shared` the last one goes on if it was shared too.

        None when there is no session any more and none can be had, or when the tests' time is up.
        """
        if self.is_late():
            return None
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
                wall = self.limits.test_cpu * self.limits.wall_factor
                channel = wire.Channel(ours, self.limits.frame_mb << 20, takes_fds=False)
                self._talk = Conversation(channel, self.explain, wall, self.memory_trouble)
                return self._talk
            except Lost:
                self.end()
                if self.sessions >= MOST_SESSIONS:
                    return None
                known = list(self.trouble)
                self.start()
                self.trouble = known + [line for line in self.trouble if line not in known]

    def is_late(self) -> bool:
        """Whether all tests together have taken as long as they may; then `cut_short` says so."""
        self._asked = self._asked or time.monotonic()
        most = TESTS * self.limits.test_cpu * self.limits.wall_factor
        if time.monotonic() - self._asked <= most:
            return False
        self.cut_short = self.cut_short or f"the tests had taken more than {most:g} seconds together"
        return True

    def hang_up(self) -> None:
        """End the process of the last conversation."""
        if self._talk is None:
            return
        talk, self._talk = self._talk, None
        self.add_notes(talk.notes)
        talk.channel.close()
        if talk.over_memory:  # whatever it has started goes on using it
            self.end()
            return
        try:
            reply = self._request({"do": "kill", "ended": talk.closed}, 10, None)
        except Lost:
            self.end()
            return
        if reply.get("signal") == signal.SIGKILL:
            self.broker.killed()

    def end(self) -> None:
        """End the session."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
            self.broker.end()

    def explain(self, name: str) -> str:
        """Why `name` may be missing: the statement or the cell that would have defined it, and what stopped it."""
        for left in reversed(self.left):
            if name in left.names:
                return f"Cell {left.cell}, line {left.line} would define it, but could not run here: {left.told}"
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


def environment_versions() -> dict[str, str]:
    """Python and platform of the trusted side, for the record."""
    import platform

    return {"python": platform.python_version(), "system": f"{os.uname().sysname} {os.uname().machine}"}
