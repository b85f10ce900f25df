"""The trusted side's hold on student code: starts the zygote, asks it for sessions, ends them.

Used by the supervisor (one zygote for all slots) and by the pytest plugin. Nothing here reads what a student's process
writes; that is the judge's, over the channel that a `Hold` carries.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from autograder import wire
from autograder.course.models import Limits
from autograder.errors import AutograderError
from autograder.sandbox import walls
from autograder.sandbox.clearing import clear
from autograder.sandbox.confinement import DOOR, LEFT_BEHIND, LEVELS, NEEDED, Plan, own_id

FOLDER = "autograder-"
START_SECONDS = 120
TASKS = 64  # threads of torch, tqdm and plots, on top of the processes that are allowed
EXITING = 0x4  # PF_EXITING of linux/sched.h
STATE_AT, FLAGS_AT = 3, 9  # fields of /proc/PID/stat, of proc(5); the second one is the name in brackets
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
NOT_PREVENTED = {
    "strong": "using up memory over several processes for a moment, kernel bugs, timing channels",
    "restricted": "seeing which processes run here, filling the disk with many files, processes that outlast their "
    "student for a moment (and, unless you grade as root, starting many; before Linux 6.12 also signals to your own "
    "processes), kernel bugs, timing channels",
    "basic": "reading and writing your files, the network, processes left behind",
}


class SandboxError(AutograderError):
    """The zygote or a session could not be started: a fault of ours or of this machine, never a student's."""


class SandboxLostError(SandboxError):
    """The zygote was killed from outside while it started: worth another try."""


@dataclass
class Hold:
    """One running session: its host pid, the socket that speaks to it, and its private folder."""

    pid: int
    fd: int
    work: Path
    exited: bool = False
    ended: bool = False  # by us
    killed: bool = False  # by somebody else
    pidfd: int = -1  # readable once the process has ended

    def has_ended(self) -> bool:
        """Whether the process is over or on its way out, reaped or not; False where the system cannot tell.

        A process that is killed closes its sockets first; its pidfd turns readable later, as the first process of a pid
        namespace waits for all others in between. Whoever has seen the sockets close must be told True, so the
        kernel's flags are looked at too, and first: it may have been reaped between the two looks.
        """
        if self.exited or self._is_exiting():
            return True
        return self.pidfd >= 0 and bool(select.select([self.pidfd], [], [], 0)[0])

    def _is_exiting(self) -> bool:
        try:
            after_name = Path(f"/proc/{self.pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return False
        return bool(int(after_name[FLAGS_AT - STATE_AT]) & EXITING)


def clean_environment(home: Path) -> dict[str, str]:
    """What the zygote is started with: nothing of the caller's but where programs and certificates are not needed."""
    fixed = {
        "PATH": os.defpath,
        "HOME": str(home),
        "USER": "student",
        "LOGNAME": "student",
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


def sweep(folder: Path) -> None:
    """Remove what runs have left there that were killed together with their zygote: folders of processes that are no
    more, ours alone."""
    for path in folder.glob(f"{FOLDER}*-*"):
        number = path.name.split("-")[1]
        with contextlib.suppress(OSError):
            if number.isdecimal() and not psutil.pid_exists(int(number)) and path.stat().st_uid == os.getuid():
                clear(path)


@contextlib.contextmanager
def _listening(path: Path) -> Iterator[None]:
    """A socket at `path` that anybody might connect to; none where such a path is too long for one."""
    with socket.socket(socket.AF_UNIX) as door:
        with contextlib.suppress(OSError):
            door.bind(str(path))
            path.chmod(0o777)
            door.listen()
        yield
    path.unlink(missing_ok=True)


class Sandbox:
    """A running zygote and the sessions forked from it.

    Parameters: `hidden` are paths that no session may see; `level` one of LEVELS, or None for the best that works.
    Raises SandboxError if it cannot start. Use as a context manager.
    """

    def __init__(self, hidden: tuple[Path, ...] = (), level: str | None = None) -> None:
        if level is not None and level not in LEVELS:
            raise SandboxError(f"there is no confinement level {level!r}; there are: {', '.join(LEVELS)}")
        sweep(Path(tempfile.gettempdir()))
        self.folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
        # A session is told no path but those that it could see, as it may look into its own memory.
        candidates = tuple(str(path) for path in sorted({path.resolve() for path in hidden}) if not needed(path))
        self.hidden = walls.covered(candidates, walls.readable_paths(str(self.folder / "home")))
        self.folder.chmod(0o711)  # a session with a user id of its own has its work folder in it
        self.log = self.folder / "zygote.log"
        self.level = level or ""
        self.wanted = level
        self.versions: dict[str, str] = {}
        self.holds: dict[int, Hold] = {}
        self._asked = 0
        self._numbers = itertools.count(os.getpid())
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
            self._raise_if_killed()
            raise SandboxError(
                f"the process that runs student code did not start ({error}): {self.log_text()}"
            ) from None
        self.versions = header["ready"]
        try:
            self.level = self._choose()
        except wire.WireError as error:
            self._raise_if_killed()
            raise SandboxError(f"the process that runs student code ended ({error}): {self.log_text()}") from None

    def _raise_if_killed(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self.process.wait(5) == -signal.SIGKILL:
                raise SandboxLostError("the process that runs student code was killed while it started")

    def _choose(self) -> str:
        self.reasons: list[str] = []
        for level in (self.wanted,) if self.wanted else LEVELS:
            trouble, _ = self.tried(level)
            if not trouble:
                return level
            self.reasons.append(f"{level}: {trouble}")
        raise SandboxError("no way to confine student code works here (" + "; ".join(self.reasons) + ")")

    def tried(self, level: str) -> tuple[str, dict[str, str]]:
        """What keeps a level from working here ("" if nothing does), and for each layer what it lets through."""
        canary = self.folder / "canary"
        canary.write_text("another student's work")
        plan = replace(
            self._plan(level, Limits(memory_mb=2048, disk_mb=1), 60),
            tasks=8,
            canary=str(canary),
            outside=os.getpid(),
        )
        with _listening(self.folder / DOOR):
            self.channel.send({"do": "try", "plan": asdict(plan)})
            header, _ = self.channel.receive(time.monotonic() + START_SECONDS)
        layers = dict(header["layers"])
        left = self.folder / LEFT_BEHIND
        if left.exists():
            left.unlink()
        elif layers:
            layers["writing"] = ""  # written, if at all, to a private folder that only looks like this one
        if header["tried"]:  # it could not even be applied
            return str(header["tried"]), layers
        effects = {name: layers.get(name, "it was not tried") for name in NEEDED[level]}
        return "; ".join(f"{name}: {effect}" for name, effect in effects.items() if effect), layers

    def _plan(self, level: str, limits: Limits, cpu: int) -> Plan:
        work = tempfile.mkdtemp(prefix="work-", dir=self.folder)
        hidden = self.hidden if level != "basic" else ()
        uid = own_id(next(self._numbers)) if level != "basic" else None
        if uid is not None:
            os.chown(work, uid, uid)  # empty, and nobody else's yet
        return Plan(
            level, work, hidden, limits.memory_mb, limits.disk_mb, cpu, TASKS + limits.processes, limits.files,
            programs=limits.processes > 0, uid=uid,
        )  # fmt: skip

    def fork(self, limits: Limits | None = None, cpu: int = 3600) -> Hold:
        """A new session, confined, with nothing run in it yet, that the kernel ends after `cpu` seconds of CPU. The
        caller owns `Hold.fd`."""
        self._asked += 1
        plan = self._plan(self.level, limits or Limits(), cpu)
        self.channel.send({"do": "fork", "id": self._asked, "plan": asdict(plan)})
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                header, _ = self.channel.receive(deadline)
            except wire.WireError as error:
                raise SandboxError(f"the process that runs student code is gone ({error}): {self.log_text()}") from None
            if header.get("forked") == self._asked:
                hold = Hold(header["pid"], self.channel.fds[0], Path(plan.work))
                with contextlib.suppress(OSError, AttributeError):
                    hold.pidfd = os.pidfd_open(hold.pid)
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
            hold.killed = header.get("signal") == signal.SIGKILL and not hold.ended
            self._clear(hold)

    def end(self, hold: Hold) -> None:
        """Kill a session and all of its pid namespace; its folder goes when the zygote has reaped it."""
        hold.ended = hold.ended or not hold.has_ended()
        if not hold.exited:
            with contextlib.suppress(ProcessLookupError):
                if self.level != "strong":
                    os.killpg(hold.pid, signal.SIGKILL)
                else:
                    os.kill(hold.pid, signal.SIGKILL)

    def _clear(self, hold: Hold) -> None:
        self.holds.pop(hold.pid, None)
        if hold.pidfd >= 0:
            os.close(hold.pidfd)
            hold.pidfd = -1
        clear(hold.work)

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
            self._clear(hold)
        if hasattr(self, "channel"):
            self.channel.close()
        if hasattr(self, "process"):
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        clear(self.folder)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
