"""The event loop of a run: N slots, each with one submission in the judge's hands, one thread, no fork of its own.

Used by `engine.grading`. A slot's fork asks for sessions and drops them; the supervisor alone starts and ends
student processes. Whatever dies costs its submission at most one more try.
"""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from autograder import wire
from autograder.course import Assignment, Course
from autograder.engine.judging import Judge, JudgeLostError
from autograder.judge.one import kernel_cpu, secret_folders
from autograder.judge.seeds import Seeds
from autograder.results import Outcome, Status, rounded, unfinished
from autograder.sandbox.sessions import Hold, Sandbox, SandboxError, SandboxLostError

STARTS = 3  # of a helper that is killed from outside while it starts
TRIES = 2  # of a submission that takes the judge or the sandbox down while it is alone; then it is set aside
SLACK = 300.0  # seconds on top of all limits together before a judge's fork is given up


@dataclass
class Job:
    """One submission to judge."""

    key: str
    content: bytes
    tries: int = 0
    alone: bool = False  # something went down while it ran: now it runs with no other beside it


@dataclass
class Slot:
    """A job in the judge's hands."""

    job: Job
    channel: wire.Channel
    deadline: float
    number: int = 0  # as the judge counts
    so_far: Outcome | None = None  # what its judge has told; made of these if that comes to its end
    own_end: bool = False  # its judge's end was neither brought about from outside nor that of all judges
    judge_pid: int = 0
    hold: Hold | None = None
    past: list[Hold] = field(default_factory=list)  # every session it has had
    lost: str = ""  # why what its judge says is worth nothing
    killed: bool = False  # as its session says: a process that answered tests, by somebody or by itself


@dataclass
class Slots:
    """Judge and sandbox with up to `workers` submissions at a time. A context manager; entering starts both."""

    course: Course
    assignment: Assignment
    workers: int
    seed: int
    level: str | None = None
    hidden: tuple[Path, ...] = ()
    trusted: bool = False
    secret: bytes = b""  # the run's, which its record keeps
    stop: bool = False  # start no more; what runs is finished
    _open: list[Slot] = field(default_factory=list)
    _count: int = 0

    def __enter__(self) -> Slots:
        self.judge = Judge(self.course, self.assignment)  # it starts while the zygote does
        try:
            self._start_sandbox()
            try:
                self.judge.wait_ready()
            except JudgeLostError:
                self._restart_judge()
        except BaseException:
            self.judge.close()
            if hasattr(self, "sandbox"):
                self.sandbox.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        for slot in self._open:
            slot.channel.close()
        self.judge.close()
        self.sandbox.close()

    @property
    def versions(self) -> dict[str, str]:
        return self.sandbox.versions

    def run(self, jobs: Iterable[Job], ended: Callable[[Job, Outcome], None]) -> None:
        """Judge all `jobs`; `ended` is called with each outcome as it comes, in no fixed order."""
        waiting = deque(jobs)
        while self._open or (waiting and not self.stop):
            while waiting and not self.stop and self._has_room(waiting[0]):
                self._start(waiting.popleft())
            for slot in self._ready():
                done = self._hear(slot)
                if done is None:
                    continue
                self._open.remove(slot)
                slot.channel.close()
                self._drop(slot)
                if isinstance(done, Outcome):
                    ended(slot.job, done)
                elif slot.job.tries < TRIES:
                    slot.job.alone = True
                    waiting.append(slot.job)
                else:
                    ended(slot.job, self._given_up(slot, done))

    def _has_room(self, job: Job) -> bool:
        if job.alone or any(slot.job.alone for slot in self._open):
            return not self._open
        return len(self._open) < self.workers

    def _start(self, job: Job) -> None:
        self._count += 1
        seeds = Seeds(self.seed, self.secret)
        job.tries += int(job.alone)  # else nobody knows whether it was this one
        try:
            channel = self.judge.judge(self._count, job.key, job.content, seeds, self.sandbox.level)
        except wire.ClosedError:
            self._restart_judge()
            channel = self.judge.judge(self._count, job.key, job.content, seeds, self.sandbox.level)
        limits = self.assignment.limits
        longest = 3 * limits.notebook_cpu + 60 * limits.test_cpu
        deadline = time.monotonic() + longest * limits.wall_factor + SLACK
        self._open.append(Slot(job, channel, deadline, self._count))

    def _ready(self) -> list[Slot]:
        """Wait until some slot has something to say or is overdue; meanwhile take in who has ended."""
        with selectors.DefaultSelector() as selector:
            for slot in self._open:
                selector.register(slot.channel, selectors.EVENT_READ, slot)
            selector.register(self.sandbox.channel, selectors.EVENT_READ, None)
            selector.register(self.judge.channel, selectors.EVENT_READ, None)
            found = [key for key, _ in selector.select(1.0)]
        for key in found:
            if key.fileobj is self.sandbox.channel:
                try:
                    self.sandbox.hear()
                except wire.WireError:
                    self._sandbox_died()
            elif key.fileobj is self.judge.channel:
                try:
                    self.judge.hear()
                except wire.ClosedError:
                    self._restart_judge()
        overdue = [slot for slot in self._open if time.monotonic() > slot.deadline]
        return [key.data for key in found if key.data is not None] + overdue

    def _hear(self, slot: Slot) -> Outcome | str | None:
        """One message of a slot's fork: an outcome, the reason why there is none, or None while it goes on."""
        if time.monotonic() > slot.deadline:
            if slot.judge_pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(slot.judge_pid, signal.SIGKILL)
            return self._unfinished(slot, "it took too long")
        try:
            header, body = slot.channel.receive(time.monotonic() + 60)
            if self.sandbox.process.poll() is not None:
                self._sandbox_died()
            if slot.lost:
                return slot.lost
            if "outcome" in header:
                if (slot.killed or self._killed_outside(slot)) and not slot.job.alone:
                    return "its process was killed from outside"
                return Outcome.model_validate_json(bytes(body))
            if "hello" in header:
                slot.judge_pid = int(header["hello"])
            elif "so_far" in header:
                told = Outcome.model_validate_json(bytes(body))
                first = slot.so_far.cells if slot.so_far is not None else told.cells
                slot.so_far = told.model_copy(update={"cells": first})
            elif "need" in header:
                self._serve(slot)
            elif "drop" in header:
                self._drop(slot)
            elif "killed" in header:
                slot.killed = True
        except wire.WireError as error:
            how = None if slot.lost else self.judge.how_ended(slot.number)
            if how == -signal.SIGXCPU:
                return self._unfinished(slot, f"our side used up {self.assignment.limits.judge_cpu:g} CPU seconds")
            slot.own_end = how not in (None, -signal.SIGKILL)
            return slot.lost or f"its judge ended ({error})"
        return None

    def _unfinished(self, slot: Slot, why: str) -> Outcome:
        known = slot.so_far or self._blank(slot.job, Status.PARTIAL)
        return unfinished(known, why, self.judge.log_text())

    def _killed_outside(self, slot: Slot) -> bool:
        """Whether a session of it was killed by somebody who is neither us nor, where pids are apart, the student."""
        deadline = time.monotonic() + 2
        with contextlib.suppress(wire.WireError):
            while time.monotonic() < deadline and any(
                hold.has_ended() and not (hold.ended or hold.exited) for hold in slot.past
            ):
                if select.select([self.sandbox.channel], [], [], 0.1)[0]:
                    self.sandbox.hear()
        return any(hold.killed for hold in slot.past)

    def _sandbox_died(self) -> None:
        """The zygote is gone, and every session with it: what their judges make of that is worth nothing."""
        for slot in self._open:
            slot.lost = "the process that runs student code ended"
            if slot.judge_pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(slot.judge_pid, signal.SIGKILL)
        self._restart_sandbox()

    def _serve(self, slot: Slot) -> None:
        self._drop(slot)
        try:
            hold = self.sandbox.fork(self.assignment.limits, kernel_cpu(self.assignment))
        except (SandboxError, wire.WireError) as error:
            if self.sandbox.process.poll() is None and isinstance(error, SandboxError):
                slot.channel.send({"none": str(error)})
            else:
                self._sandbox_died()
            return
        slot.hold = hold
        slot.past.append(hold)
        slot.channel.send({"session": hold.pid}, fds=(hold.fd,))
        os.close(hold.fd)

    def _drop(self, slot: Slot) -> None:
        if slot.hold is not None:
            self.sandbox.end(slot.hold)
            slot.hold = None

    def _start_sandbox(self) -> None:
        """Start the sandbox; fails closed where nothing would wall student code in, unless that was asked for."""
        for left in reversed(range(STARTS)):
            try:
                self.sandbox = Sandbox(hidden=(*secret_folders(self.course), *self.hidden), level=self.level)
                break
            except SandboxLostError:
                if not left:
                    raise
        if self.sandbox.level == "basic" and self.level is None and not self.trusted:
            raise SandboxError(
                f"student code cannot be walled in here ({'; '.join(self.sandbox.reasons)}): it could read and write "
                "your files and use the network. Grade on a Linux machine that allows namespaces, or say --level basic "
                "if you would run these notebooks yourself."
            )

    def _restart_judge(self) -> None:
        for left in reversed(range(STARTS)):
            self.judge.close()
            self.judge = Judge(self.course, self.assignment)
            try:
                self.judge.wait_ready()
                return
            except JudgeLostError:
                if not left:
                    raise

    def _restart_sandbox(self) -> None:
        self.sandbox.close()
        for slot in self._open:
            slot.hold = None
        self._start_sandbox()

    def _given_up(self, slot: Slot, why: str) -> Outcome:
        """What to say of a job that has taken its judge down each time it was tried, though nothing ran beside it."""
        if slot.own_end:
            return self._unfinished(slot, f"it was tried {slot.job.tries} times by itself, but {why}")
        told = f"Set aside: it was tried {slot.job.tries} times by itself, but {why}; grade it again, or by hand."
        return self._blank(slot.job, Status.GRADER_ERROR, told, self.judge.log_text())

    def _blank(self, job: Job, status: Status, message: str = "", detail: str = "") -> Outcome:
        return Outcome(
            key=job.key,
            status=status,
            max_score=rounded(self.assignment.points),
            seed=self.seed,
            level=self.sandbox.level,
            message=message,
            detail=detail,
        )
