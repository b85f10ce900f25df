"""One student's session: runs the notebook's cells, then forks a process that answers each question's tests.

Lives in a confined child of the zygote and is driven by the judge over one wire.Channel, one request and one reply at
a time:

    setup   the assignment's packages, limits, watched questions and the seed
    cell    run code cell `number`
    fork    fork a process that answers tests over the channel that came along (see `Answers`)
    kill    end that process

The session itself never runs a test, so whatever a test breaks, the next question starts from the finished notebook.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import sys
import time
from typing import Any

from torch.optim.optimizer import register_optimizer_step_post_hook

from autograder import wire
from autograder.student import cuda, habits, magics, standins
from autograder.student.alarm import Alarm, LimitReached
from autograder.student.imports import ImportGuard
from autograder.student.moments import Moments, Watched
from autograder.student.objects import MissingName, Objects, mark_optimized, seed
from autograder.student.shell import CELL_NAME, Capture, Shell, describe, limit_of, place
from autograder.student.surroundings import Surroundings

MOST_NOTES = 20
ENDING = 100  # times 10 ms that a process may take to end once it has closed its connection


class TooLarge(Exception):
    """An answer is over the limit for one."""


class Session:
    """Serves the judge's requests until the connection ends."""

    def __init__(self, channel: wire.Channel, shell: Shell) -> None:
        self.channel = channel
        self.shell = shell
        self.alarm = Alarm()
        self.notes: list[str] = []
        self.told = 0  # how many of them the judge has
        self.own = frozenset(shell.user_ns)
        self.moments = Moments(shell.user_ns, [])
        self.guard: ImportGuard | None = None
        self.limits: dict[str, float] = {}
        self.on_cpu = self.mixes = False
        self.child = 0

    def serve(self) -> None:
        while True:
            try:
                header, _ = self.channel.receive()
            except wire.ClosedError:
                return
            reply = getattr(self, "do_" + str(header.pop("do")))(**header)
            self.channel.send({**reply, "notes": self.fresh_notes()})

    def note(self, text: str) -> None:
        """A sentence for the student's feedback; each is kept once."""
        if text not in self.notes and len(self.notes) < MOST_NOTES:
            self.notes.append(text)

    def fresh_notes(self) -> list[str]:
        """The notes that the judge has not been sent yet."""
        fresh, self.told = self.notes[self.told :], len(self.notes)
        return fresh

    # --- requests --------------------------------------------------------------------------------------------

    def do_setup(
        self, packages: list[str], watched: list[dict[str, Any]], limits: dict[str, float], number: int
    ) -> dict[str, Any]:
        self.limits = self.shell.limits = limits
        self.shell.capture = Capture(int(limits["output_kb"] * 1000))
        self.moments = Moments(self.shell.user_ns, [Watched(**watch) for watch in watched])
        self.shell.note = self.note
        self.shell.surroundings = around = Surroundings(self.shell.user_ns, CELL_NAME[:6], self.shell.leave_out)
        standins.install(self.shell, self.note)
        habits.install(self.note)
        self.guard = ImportGuard(self.shell.user_ns, packages, self.note, around)
        self.guard.install()
        register_optimizer_step_post_hook(mark_optimized)
        seed(number)
        return {"ready": True}

    def do_cell(self, number: int, source: str) -> dict[str, Any]:
        if not self.on_cpu and cuda.NAMED.search(source):
            cuda.install(self.note)
            self.on_cpu = True
        if not self.mixes and habits.PRECISION.search(source):
            habits.mix_precision()
            self.mixes = True
        source = magics.prepared(source)
        self.moments.before()
        started = clocks()
        cpu = self.limits["cell_cpu"]
        try:
            self.alarm.arm(cpu, cpu * self.limits["wall_factor"])
            ran = self.shell.run(number, source)
            struck = self.alarm.disarm()
        except LimitReached:  # it struck between the cell's last line and disarm
            struck = self.alarm.disarm()
            ran = self.shell.run(number, "")
        used = spent(started)
        if struck and ran.error:
            ran.error = f"stopped: {struck}, the limit for one cell"
            ran.outputs[-1].update(ename="LimitReached", evalue=ran.error)
        _close_figures()
        self.moments.after(number)
        return {
            "outputs": ran.outputs,
            "error": ran.error,
            "line": ran.line,
            "cell": ran.cell,
            "cpu": used,
            "left": self.shell.left,
            "moments": {question: [m.cell for m in kept] for question, kept in self.moments.kept.items()},
        }

    def do_fork(self) -> dict[str, Any]:
        (fd,) = self.channel.fds
        try:
            pid = os.fork()
        except BlockingIOError:  # the notebook has left so many processes that there is room for no more
            self._end_others()
            try:
                pid = os.fork()
            except BlockingIOError:
                os.close(fd)
                return {"forked": False}
        if pid == 0:
            code = 1
            try:
                self.channel.close()
                Answers(wire.Channel(socket.socket(fileno=fd)), self).serve()
                code = 0
            finally:
                os._exit(code)
        os.close(fd)
        self.child = pid
        return {"forked": True}

    def _end_others(self) -> None:
        """End every process that the notebook has left, where this is the first one of a pid namespace of its own."""
        if os.getpid() == 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.waitpid(-1, 0)

    def do_kill(self, ended: bool = False) -> dict[str, Any]:
        """End that process. With `ended` it has closed its connection: what it ended by is told, 0 if by itself."""
        if not self.child:
            return {"killed": True}
        found, status = (0, 0)
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            for _ in range(ENDING if ended else 0):
                found, status = os.waitpid(self.child, os.WNOHANG)
                if found:
                    break
                time.sleep(0.01)
            if not found:
                os.kill(self.child, signal.SIGKILL)
                os.waitpid(self.child, 0)
        self.child = 0
        return {"killed": True, "signal": os.WTERMSIG(status) if found and os.WIFSIGNALED(status) else 0}


class Answers:
    """Answers tests, in a fork of the finished session.

    Requests: `begin` (a test starts: the moment it is judged at, its seed, fresh limits) and `ask` (one operation of
    objects.Objects). A reply holds either `value`, or `raised` with the student's exception as text, or `missing` with
    the names there are.
    """

    def __init__(self, channel: wire.Channel, session: Session) -> None:
        self.channel = channel
        self.shell = session.shell
        self.alarm = session.alarm
        self.limits = session.limits
        self.session = session
        self.finished = {**self.shell.deleted, **self.shell.user_ns}
        self.judged_at: Any = None
        self.objects = Objects(self.shell.user_ns, session.own)
        self.left = 0.0
        self.shell.capture.clear()
        sys.stdout = sys.stderr = io.StringIO()  # prints of tests go nowhere

    def serve(self) -> None:
        while True:
            try:
                header, body = self.channel.receive()
            except wire.ClosedError:
                return
            answer = bytearray()
            if header["do"] == "begin":
                self.judge_at(header["question"], header["moment"])
                habits.level()
                seed(header["number"])
                self.left = self.limits["test_cpu"]
                reply: dict[str, Any] = {"value": None}
            else:
                reply = self._ask(header, body, answer)
            sys.stdout.seek(0)
            sys.stdout.truncate()
            self.channel.send({**reply, "notes": self.session.fresh_notes()}, bytes(answer))

    def judge_at(self, question: str, moment: int | None) -> None:
        """Put the names back as they were at that moment of the question; None: when the notebook had ended."""
        if (question, moment) == self.judged_at:
            return
        self.judged_at = (question, moment)
        kept = None if moment is None else self.session.moments.kept[question][moment]
        namespace = self.shell.user_ns
        namespace.clear()
        namespace.update(self.finished if kept is None else kept.namespace)
        self.objects = Objects(namespace, self.session.own)
        self.objects.facts = {} if kept is None else kept.facts

    def _ask(self, header: dict[str, Any], body: memoryview, answer: bytearray) -> dict[str, Any]:
        started = clocks()
        reply: dict[str, Any]
        failure: BaseException | None = None
        try:
            fields = {name: wire.decode(form, body) for name, form in header["fields"].items()}
            self.alarm.arm(self.left, self.left * self.limits["wall_factor"])
            value = getattr(self.objects, "ask_" + header["ask"])(**fields)
            reply = {"value": wire.encode(value, answer, self.objects.ref)}
            self.alarm.disarm()
            if len(answer) > self.limits["frame_mb"] * 2**20:
                raise TooLarge(f"its answer has {len(answer) / 2**20:.0f} MB; {self.limits['frame_mb']:g} MB may cross")
        except BaseException as error:  # whatever a student's code raises is an answer
            failure = error
        struck = self.alarm.disarm()
        used = spent(started)
        self.left = max(0.05, self.left - used)
        if failure is not None:
            answer.clear()
            reply = self._failed(failure, struck)
        return {**reply, "cpu": used}

    def _failed(self, failure: BaseException, struck: str) -> dict[str, Any]:
        if isinstance(failure, MissingName):
            return {"missing": str(failure), "names": self.objects.ask_names()[:500]}
        cell, line = place(failure)
        if struck:
            return {"raised": struck, "kind": "limit", "cell": cell, "line": line}
        kind = "wire" if isinstance(failure, wire.WireError) else type(failure).__name__[:100]
        told = describe(failure)
        limit = limit_of(failure, told, self.limits)
        return {"raised": f"{told} ({limit})" if limit else told, "kind": kind, "cell": cell, "line": line}


def clocks() -> tuple[float, float]:
    """CPU seconds of the process and of this thread. While a CPU timer is armed, Linux brings the first up to date only
    at clock ticks (4 ms), so short work is told by the second."""
    return time.process_time(), time.thread_time()


def spent(started: tuple[float, float]) -> float:
    """CPU seconds since `started`."""
    return max(now - then for now, then in zip(clocks(), started, strict=True))


def _close_figures() -> None:
    """As Jupyter's inline plots do at the end of a cell; else hundreds of figures would pile up."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and pyplot.get_fignums():
        pyplot.close("all")
