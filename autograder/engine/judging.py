"""The supervisor's hold on the warm judge process: starts it, hands it submissions, hears of its forks."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

from autograder import wire
from autograder.course import Assignment, Course
from autograder.errors import AutograderError
from autograder.judge.seeds import Seeds
from autograder.sandbox.sessions import START_SECONDS, THREADS


class GradersUnfit(AutograderError):
    """The hidden graders cannot be collected, or do not fit grading.yml; the text says where and why."""


class JudgeLostError(GradersUnfit):
    """The judge was killed from outside while it started: nobody's fault, and worth another try."""


class Judge:
    """A running judge process for one assignment. Raises GradersUnfit if its graders cannot be used."""

    def __init__(self, course: Course, assignment: Assignment) -> None:
        self.course = course
        self.assignment = assignment
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the judge; it has no name to be left behind
        self.tests = 0
        self.ended: dict[int, int] = {}  # number of a submission -> how its fork ended: exit code, or minus the signal
        ours, theirs = socket.socketpair()
        environment = {
            **os.environ,
            **dict.fromkeys(THREADS, "1"),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # other plugins cost time in every test, and may misjudge
        environment.pop("PYTEST_ADDOPTS", None)
        with theirs:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "autograder.judge.server",
                    str(theirs.fileno()),
                    str(course.root),
                    assignment.id,
                ],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=self.log,
                stderr=self.log,
                pass_fds=(theirs.fileno(),),
            )
        self.channel = wire.Channel(ours)

    def wait_ready(self) -> None:
        """Wait until the graders are collected."""
        try:
            header, _ = self.channel.receive(time.monotonic() + START_SECONDS)
        except wire.WireError as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                if self.process.wait(5) == -signal.SIGKILL:
                    raise JudgeLostError("the judge was killed while it started") from None
            raise GradersUnfit(f"the judge did not start ({error}): {self.log_text()}") from None
        if "ready" not in header:
            raise GradersUnfit(str(header.get("failed", "the judge gave no reason")))
        self.tests = int(header["ready"]["tests"])

    def judge(self, number: int, key: str, content: bytes, seeds: Seeds, level: str) -> wire.Channel:
        """Fork for one submission; the channel to that fork."""
        ours, theirs = socket.socketpair()
        drawn = {"seed": seeds.run, "secret": seeds.secret.hex()}
        with theirs:
            self.channel.send(
                {"do": "judge", "id": number, "key": key, "level": level, **drawn}, content, (theirs.fileno(),)
            )
        return wire.Channel(ours)

    def hear(self) -> None:
        """Take in that a fork has ended; call when the channel is readable. Raises ClosedError if the judge is gone."""
        header, _ = self.channel.receive(time.monotonic() + 5)
        if "ended" in header:
            self.ended[int(header["ended"])] = int(header["status"])

    def how_ended(self, number: int, seconds: float = 5.0) -> int | None:
        """How the fork for submission `number` ended; None where the judge does not say so in time, or is gone too."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(wire.WireError):
            while number not in self.ended and time.monotonic() < deadline:
                if select.select([self.channel], [], [], 0.1)[0]:
                    self.hear()
        return self.ended.pop(number, None)

    def log_text(self) -> str:
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), 2000, max(0, size - 2000)).decode(errors="replace").strip()

    def close(self) -> None:
        """End the judge and its forks."""
        self.channel.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
