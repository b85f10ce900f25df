"""What keeps a student's process apart, applied by that process to itself before any student code runs.

    strong      own pid, network, ipc, mount and host namespaces; a root of its own that holds what Python and torch are
                made of, read-only, and a private work folder with a size limit; as root also a user id of its own;
                then all of `restricted`
    restricted  Landlock (files, TCP, signals), a seccomp filter (sockets, programs, other processes, the kernel), as
                root a user id of its own; then all of `basic`
    basic       a process of its own with a clean environment and descriptors, and limits of the kernel

Levels are chosen by applying them in a throw-away child and looking at the effect (`effects`), never by version checks.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
from dataclasses import dataclass

from autograder.sandbox import landlock, seccomp, walls
from autograder.sandbox.kernel import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    ConfinementError,
    check,
    drop_capabilities,
    libc,
)

LEVELS = ("strong", "restricted", "basic")
NAMESPACES = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWUTS
UIDS = (61184, 4096)  # first and count of the ids that systemd, too, gives to passing services
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Plan:
    """What to apply. `work` is an empty folder made for this session; `hidden` are paths it must not see.

    `memory_mb` of address space, `disk_mb` of files, `cpu` seconds after which the kernel ends the process, `tasks`
    threads and processes together, `files` open at a time; with `programs` it may start some.
    """

    level: str
    work: str
    hidden: tuple[str, ...] = ()
    memory_mb: int = 4096
    disk_mb: int = 256
    cpu: int = 3600
    tasks: int = 64
    files: int = 256
    programs: bool = False
    uid: int | None = None  # as root: the id to become
    canary: str = ""  # for a throw-away session: a file that must not be readable
    outside: int = 0  # and a process that must not be within reach


def own_id(number: int) -> int | None:
    """The user id of the session with this number; None where only root could give one."""
    return UIDS[0] + number % UIDS[1] if os.getuid() == 0 else None


def own_pid_namespace() -> int:
    """A descriptor of this process's pid namespace, for `children_here`; -1 where there is no such thing."""
    return os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC) if sys.platform == "linux" else -1


def children_apart() -> None:
    """The next child is the first process of a new pid namespace; as an ordinary user, of a user namespace where it
    may make the other ones. Raises ConfinementError where that is refused."""
    uid, gid = os.getuid(), os.getgid()
    check(libc().unshare(CLONE_NEWPID if uid == 0 else CLONE_NEWUSER | CLONE_NEWPID), "pid namespace")
    if uid != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - one write call, as the kernel asks
                file.write(text)


def children_here(own: int) -> None:
    """Children after this one are in our own pid namespace again."""
    check(libc().setns(own, CLONE_NEWPID), "own pid namespace")


def confine(plan: Plan, readable: tuple[str, ...]) -> None:
    """Everything of the plan's level, in the session's own process. Raises ConfinementError naming the layer."""
    covered = walls.covered(plan.hidden, readable)
    if plan.level == "strong":
        check(libc().unshare(NAMESPACES), "namespaces")
        walls.build(walls.Room(plan.work, readable, covered, plan.disk_mb, plan.uid))
    elif plan.level == "restricted" and covered:
        raise ConfinementError(
            0, f"{covered[0]} lies in a folder that Python needs, and only `strong` can hide it there"
        )
    os.chdir(plan.work)
    if plan.level != "basic":
        _become(plan.uid)
        drop_capabilities()
        die_with_parent()  # a new user id has cleared it
    _limit(plan)
    if plan.level != "basic":
        private = (plan.work, "/tmp", "/dev/shm") if plan.level == "strong" else (plan.work,)
        missing = landlock.restrict(libc(), (*readable, "/proc") if plan.level == "strong" else readable, private,
                                    walls.DEVICES)  # fmt: skip
        if missing and plan.level == "restricted":
            raise ConfinementError(0, missing)
        if not seccomp.supported():
            raise ConfinementError(0, "the numbers of this processor's system calls are not known")
        check(seccomp.install(libc(), processes=plan.programs, groups=plan.level == "strong"), "seccomp filter")


def _become(uid: int | None) -> None:
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


def _limit(plan: Plan) -> None:
    """Limits of the kernel, no new privileges: what every level has.

    Threads and processes are counted by user id, so a limit on them is set only where the id is the session's own.
    """
    limits = [
        (resource.RLIMIT_AS, plan.memory_mb * MEGABYTE),
        (resource.RLIMIT_FSIZE, plan.disk_mb * MEGABYTE),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, plan.files),
        (resource.RLIMIT_CPU, plan.cpu),
    ]
    if plan.uid is not None or plan.level == "strong":
        limits.append((resource.RLIMIT_NPROC, plan.tasks))
    for what, most in limits:
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
    if sys.platform == "linux":
        check(libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
        check(libc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "not dumpable")


def die_with_parent() -> None:
    """Linux: SIGKILL when the parent ends. Elsewhere the parent's end closes the channel, which ends the session."""
    if sys.platform == "linux":
        libc().prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)


# --- effects, seen from inside -----------------------------------------------------------------------------------

LEFT_BEHIND = "left-behind"
NEEDED = {
    "strong": ("usable", "files", "writing", "network", "programs", "processes", "other processes", "memory", "disk"),
    "restricted": ("usable", "files", "writing", "network", "programs", "memory"),
    "basic": ("usable", "memory"),
}
"""Layers without which a level is not that level. [sandbox.md]"""


def effects(plan: Plan) -> dict[str, str]:
    """For each layer "" if it holds here, else what could be done in spite of it. Run in a throw-away session."""
    found = {}
    for name, attempt in ATTEMPTS.items():
        try:
            found[name] = attempt(plan)
        except (OSError, MemoryError):
            found[name] = ""
    return found


def _is_of_use(plan: Plan) -> str:
    """What a notebook needs: a folder to write in, packages that are imported late, random numbers of the system."""
    try:
        path = os.path.join(plan.work, "note.txt")  # noqa: PTH118
        with open(path, "w") as file:  # noqa: PTH123
            file.write("x")
        os.unlink(path)  # noqa: PTH108
        import colorsys  # of the standard library, and nobody has it loaded
        import tempfile

        import torch.distributions.gumbel

        tempfile.TemporaryFile(dir=plan.work).close()
        os.urandom(1)
        with open("/dev/null", "w") as null:  # noqa: PTH123
            null.write("x")
        return "" if colorsys and torch.distributions.gumbel else "?"
    except (OSError, ImportError) as error:
        return f"a notebook could not work there: {error}"


def _reads(plan: Plan) -> str:
    with open(plan.canary, "rb") as file:  # noqa: PTH123
        return f"{len(file.read())} bytes of another file could be read"


def _writes(plan: Plan) -> str:
    path = os.path.join(os.path.dirname(plan.work), LEFT_BEHIND)  # noqa: PTH118, PTH120
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    return "a file could be made outside the work folder"


def _connects(plan: Plan) -> str:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    return "an internet socket could be made"


def _starts_programs(plan: Plan) -> str:
    try:
        os.execve("/there-is-no-such-program", ["x"], {})
    except PermissionError:
        return ""
    except OSError:
        return "programs can be started"
    return "programs can be started"


def _forks(plan: Plan) -> str:
    children = []
    try:
        for _ in range(plan.tasks + 4):
            pid = os.fork()
            if pid == 0:
                signal.pause()
                os._exit(0)
            children.append(pid)
        return f"{len(children)} processes could be started, where {plan.tasks} are allowed"
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _signals(plan: Plan) -> str:
    os.kill(plan.outside, 0)
    return "processes outside can be signalled"


def _grows(plan: Plan) -> str:
    import mmap

    mmap.mmap(-1, (plan.memory_mb + 64) * MEGABYTE).close()
    return f"more than {plan.memory_mb} MB could be had"


def _fills_disk(plan: Plan) -> str:
    names = [os.path.join(plan.work, f"part-{number}") for number in range(3)]  # noqa: PTH118
    try:
        for name in names:
            with open(name, "wb") as file:  # noqa: PTH123
                for _ in range(plan.disk_mb):
                    file.write(bytes(MEGABYTE - 1))
                file.flush()
    finally:
        for name in names:
            with contextlib.suppress(OSError):
                os.unlink(name)  # noqa: PTH108
    return f"more than {plan.disk_mb} MB of files could be written"


def _anonymous_files(plan: Plan) -> str:
    os.close(os.memfd_create("x"))
    return "files in memory escape the limit of memory"


ATTEMPTS = {
    "usable": _is_of_use,
    "files": _reads, "writing": _writes, "network": _connects, "programs": _starts_programs, "processes": _forks,
    "other processes": _signals, "memory": _grows, "disk": _fills_disk, "anonymous files": _anonymous_files,
}  # fmt: skip
