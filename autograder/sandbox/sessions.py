"""The trusted side's hold on student code: starts the zygote, asks it for sessions, ends them.

Used by the supervisor (one zygote for all slots) and by the pytest plugin. Nothing here reads what a student's process
writes; that is the judge's, over the channel that a `Hold` carries.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder import wire
from autograder.sandbox.confinement import Plan

START_SECONDS = 120
LEVELS = ("restricted", "basic")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
NOT_PREVENTED = {
    "restricted": "reading this machine's files, using up memory over several processes",
    "basic": "reading and writing your files, the network, processes left behind",
}


class SandboxError(RuntimeError):
    """The zygote or a session could not be started: a fault of ours or of this machine, never a student's."""


@dataclass
class Hold:
    """One running session: its host pid, the socket that speaks to it, and its private folder."""

    pid: int
    fd: int
    work: Path
    exited: bool = False


def clean_environment(home: Path) -> dict[str, str]:
    """What the zygote is started with: nothing of the caller's but where programs and certificates are not needed."""
    fixed = {
        "PATH": os.defpath,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "IPYTHONDIR": str(home / "ipython"),
        "TORCHINDUCTOR_CACHE_DIR": str(home / "inductor"),
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }
    return fixed | dict.fromkeys(THREADS, "1")


def needed(path: Path) -> bool:
    """Whether a folder holds what a session runs on (interpreter, packages, our own code): it cannot be hidden."""
    own = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable), Path(__file__), Path(tempfile.gettempdir())]
    return any(path in (place, place.resolve()) or path in place.resolve().parents for place in own)


class Sandbox:
    """A running zygote and the sessions forked from it.

    Parameters: `hidden` are paths that no session may see; `level` one of LEVELS, or None for the best that works.
    Raises SandboxError if it cannot start. Use as a context manager.
    """

    def __init__(self, hidden: tuple[Path, ...] = (), level: str | None = None) -> None:
        if level is not None and level not in LEVELS:
            raise SandboxError(f"there is no confinement level {level!r}; there are: {', '.join(LEVELS)}")
        self.hidden = tuple(str(path) for path in sorted({path.resolve() for path in hidden}) if not needed(path))
        self.folder = Path(tempfile.mkdtemp(prefix="autograder-"))
        self.log = self.folder / "zygote.log"
        self.level = level or ""
        self.wanted = level
        self.versions: dict[str, str] = {}
        self.holds: dict[int, Hold] = {}
        self._asked = 0
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        home = self.folder / "home"
        home.mkdir()
        ours, theirs = socket.socketpair()
        with theirs, self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-m", "autograder.sandbox.zygote", str(theirs.fileno())],
                env=clean_environment(home),
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(),),
            )
        self.channel = wire.Channel(ours)
        try:
            header, _ = self.channel.receive(time.monotonic() + START_SECONDS)
        except wire.WireError as error:
            raise SandboxError(
                f"the process that runs student code did not start ({error}): {self.log_text()}"
            ) from None
        self.versions = header["ready"]
        self.level = self._choose()

    def _choose(self) -> str:
        self.reasons: list[str] = []
        for level in (self.wanted,) if self.wanted else LEVELS:
            self.channel.send({"do": "try", "plan": asdict(self._plan(level, 4096, 64, 60))})
            header, _ = self.channel.receive(time.monotonic() + START_SECONDS)
            if not header["tried"]:
                return level
            self.reasons.append(f"{level}: {header['tried']}")
        raise SandboxError("no way to confine student code works here (" + "; ".join(self.reasons) + ")")

    def _plan(self, level: str, memory_mb: int, disk_mb: int, cpu: int) -> Plan:
        work = tempfile.mkdtemp(prefix="work-", dir=self.folder)
        hidden = self.hidden if level != "basic" else ()
        return Plan(level=level, work=work, hidden=hidden, memory_mb=memory_mb, disk_mb=disk_mb, cpu=cpu)

    def fork(self, memory_mb: int = 4096, disk_mb: int = 256, cpu: int = 3600) -> Hold:
        """A new session, confined, with nothing run in it yet. The caller owns `Hold.fd`."""
        self._asked += 1
        plan = self._plan(self.level, memory_mb, disk_mb, cpu)
        self.channel.send({"do": "fork", "id": self._asked, "plan": asdict(plan)})
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                header, _ = self.channel.receive(deadline)
            except wire.WireError as error:
                raise SandboxError(f"the process that runs student code is gone ({error}): {self.log_text()}") from None
            if header.get("forked") == self._asked:
                hold = Hold(header["pid"], self.channel.fds[0], Path(plan.work))
                self.holds[hold.pid] = hold
                return hold
            if header.get("failed") == self._asked:
                raise SandboxError(f"no session could be forked: {header['why']}")
            self._note(header)

    def hear(self) -> None:
        """Take in what the zygote has to say (sessions that ended); call when its channel is readable."""
        header, _ = self.channel.receive(time.monotonic() + 5)
        self._note(header)

    def _note(self, header: dict[str, object]) -> None:
        hold = self.holds.get(header.get("exited"))  # type: ignore[call-overload]
        if hold is not None:
            hold.exited = True
            self._clear(hold)

    def end(self, hold: Hold) -> None:
        """Kill a session and all of its pid namespace; its folder goes when the zygote has reaped it."""
        if not hold.exited:
            with contextlib.suppress(ProcessLookupError):
                if self.level == "basic":
                    os.killpg(hold.pid, signal.SIGKILL)
                else:
                    os.kill(hold.pid, signal.SIGKILL)

    def _clear(self, hold: Hold) -> None:
        self.holds.pop(hold.pid, None)
        shutil.rmtree(hold.work, ignore_errors=True)

    def log_text(self) -> str:
        """The end of what the zygote printed."""
        try:
            return self.log.read_text(errors="replace")[-1500:].strip()
        except OSError:
            return ""

    def close(self) -> None:
        """End every session and the zygote, and remove their folders."""
        for hold in list(self.holds.values()):
            self.end(hold)
        if hasattr(self, "channel"):
            self.channel.close()
        if hasattr(self, "process"):
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
