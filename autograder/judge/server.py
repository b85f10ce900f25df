"""The warm judge: `python -m autograder.judge.server FD COURSE ASSIGNMENT`.

Imports torch and pytest and collects the assignment's hidden graders once; forks for each submission, so that every
one is judged by untouched graders. Obeys the supervisor over one channel:

    judge  {id, key, seed, secret, level} + content, descriptor   -> the fork talks over that descriptor (see `Lines`)
    ended  {id, status}                                    sent by itself when a fork has ended

It ends, with its forks, when the channel closes.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder import bounds, wire
from autograder.course import Assignment, Course, load_course
from autograder.errors import AutograderError
from autograder.judge.notebook_run import SessionFault
from autograder.judge.one import judge_one
from autograder.judge.packing import packed
from autograder.judge.plugin import graders_of
from autograder.judge.questions import question_of, test_id
from autograder.judge.seeds import Seeds
from autograder.loop import replay
from autograder.sandbox import hugepages
from autograder.sandbox.confinement import die_with_parent

SESSION_SECONDS = 180.0
MEMORY_MB = 2048  # that a fork may grow by; a usual one takes tens


class Lines:
    """A fork's broker: asks the supervisor for sessions over its own channel.

    Messages of the fork: {"need": n} (answered by {"session": pid} with a descriptor, or {"none": why}), {"drop": true}
    (kill my session), {"killed": true} (a process that answered tests was, and not by us), {"hello": pid} (first),
    {"so_far": true} with an outcome as JSON (what is known up to here), {"outcome": true} with the whole one (last).
    """

    def __init__(self, channel: wire.Channel) -> None:
        self.channel = channel

    def new(self) -> tuple[int, int]:
        self.channel.send({"need": True})
        try:
            reply, _ = self.channel.receive(time.monotonic() + SESSION_SECONDS)
        except wire.WireError as error:
            raise SessionFault(f"no session could be had: {error}") from None
        if "session" not in reply:
            raise SessionFault(f"no session could be had: {reply.get('none')}")
        return self.channel.fds[0], int(reply["session"])

    def end(self) -> None:
        self.channel.send({"drop": True})

    def killed(self) -> None:
        self.channel.send({"killed": True})


class JudgeServer:
    """A pytest plugin whose run loop serves submissions instead of running the collected items once."""

    def __init__(self, channel: wire.Channel, course: Course, assignment: Assignment) -> None:
        self.channel = channel
        self.course = course
        self.assignment = assignment
        self.failures: list[str] = []
        self.forks: dict[int, int] = {}  # pid -> job id

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failures.append(str(report.longrepr)[-3000:])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        unfit = self.failures or unfit_items(session.items, self.assignment)
        if unfit:
            self.channel.send({"failed": "\n".join(unfit)})
            return True
        self.warm()
        self.channel.send({"ready": {"tests": len(session.items)}})
        self.serve(session.items)
        return True

    def warm(self) -> None:
        """What the first fork would pay for."""
        torch.set_num_threads(1)
        replay.warm()
        gc.collect()
        gc.freeze()
        hugepages.gather()

    def serve(self, items: list[pytest.Item]) -> None:
        wake, wake_end = socket.socketpair()
        wake.setblocking(False)
        wake_end.setblocking(False)
        signal.set_wakeup_fd(wake_end.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        selector = selectors.DefaultSelector()
        selector.register(self.channel, selectors.EVENT_READ)
        selector.register(wake, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in selector.select()]
            if wake in ready:
                with contextlib.suppress(BlockingIOError):
                    wake.recv(4096)
                self.reap()
            if self.channel in ready:
                try:
                    header, body = self.channel.receive()
                except wire.ClosedError:
                    break
                self.fork(header, bytes(body), items)
        for pid in self.forks:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def fork(self, header: dict[str, Any], content: bytes, items: list[pytest.Item]) -> None:
        (fd,) = self.channel.fds
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                die_with_parent()
                gc.disable()  # a fork lives for one notebook; collecting would copy what it shares with the judge
                self.channel.close()
                self.judge(header, content, items, wire.Channel(socket.socket(fileno=fd)))
                code = 0
            finally:
                os._exit(code)
        os.close(fd)
        self.forks[pid] = int(header["id"])

    def judge(self, header: dict[str, Any], content: bytes, items: list[pytest.Item], channel: wire.Channel) -> None:
        channel.send({"hello": os.getpid()})
        seeds = Seeds(header["seed"], bytes.fromhex(header["secret"]))
        if items:
            graders_of(items[0].config, items[0].path).seeds = seeds
        bounds.take_memory(MEMORY_MB)
        bounds.take_cpu(self.assignment.limits.judge_cpu)
        outcome = judge_one(
            header["key"], content, self.assignment, items, Lines(channel), seeds, header["level"],
            lambda known: channel.send({"so_far": True}, packed(known)),
        )  # fmt: skip
        channel.send({"outcome": True}, packed(outcome))

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.forks:
                self.channel.send({"ended": self.forks.pop(pid), "status": os.waitstatus_to_exitcode(status)})


def unfit_items(items: list[pytest.Item], assignment: Assignment) -> list[str]:
    """What keeps the collected tests from judging: a test of no question, an unknown question, one without tests."""
    problems = [
        f"{test_id(item)}: it needs a mark such as @pytest.mark.question({next(iter(assignment.questions))!r})"
        for item in items
        if question_of(item) not in assignment.questions
    ]
    with_tests = {question_of(item) for item in items}
    problems += [
        f"question {name} of grading.yml has no hidden test" for name in assignment.questions if name not in with_tests
    ]
    return problems


def main() -> None:
    os.setsid()
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's to handle
    channel = wire.Channel(socket.socket(fileno=int(sys.argv[1])))
    try:
        course = load_course(Path(sys.argv[2]))
        assignment = course.assignment(sys.argv[3])
    except AutograderError as error:
        channel.send({"failed": str(error)})
        return
    graders = course.graders_dir(assignment)
    options = ["-c", os.devnull, f"--rootdir={graders}", f"--confcutdir={graders}", "-q", "-s"]
    options += ["-p", "autograder.judge.plugin"]  # the supervisor has switched off all that pytest would find by itself
    for plugin in (
        "cacheprovider",
        "logging",
        "warnings",
        "unraisableexception",
        "threadexception",
        "doctest",
        "junitxml",
    ):
        options += ["-p", f"no:{plugin}"]  # logging alone costs 50 ms a submission
    code = pytest.main([str(graders), *options], plugins=[JudgeServer(channel, course, assignment)])
    with contextlib.suppress(wire.ClosedError):
        channel.send({"failed": f"pytest ended with code {int(code)} before it could judge"})


if __name__ == "__main__":
    main()
