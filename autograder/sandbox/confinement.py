"""What keeps a student's process apart, applied by that process to itself before any student code runs.

    strong      own pid, network, ipc, mount and host namespaces; a root of its own that holds what Python and torch are
                made of, read-only, of our own code what runs beside the student's alone, and a private work folder with
                a size limit; as root also a user id of its own; then all of `restricted`
    restricted  Landlock (files, TCP, signals), a seccomp filter (sockets, programs, other processes, the kernel), as
                root a user id of its own; then all of `basic`
    basic       a process of its own with a clean environment and descriptors, and limits of the kernel

Levels are chosen by applying them in a throw-away child and looking at the effect (`effects`), never by version checks.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import platform
import resource
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

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
    hidden: tuple[str, ...]
    memory_mb: int
    disk_mb: int
    cpu: int
    tasks: int
    files: int
    programs: bool
    uid: int | None = None  # as root: the id to become
    canary: str = ""  # for a throw-away session: a file that must not be readable; beside it lies a socket (DOOR)
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
    covered, own, ours = walls.covered(plan.hidden, readable), walls.own_folders(readable), walls.ours(readable)
    if plan.level == "strong":
        check(libc().unshare(NAMESPACES), "namespaces")
        hidden = (*covered, *walls.covered(own, readable))
        walls.build(walls.Room(plan.work, readable, hidden, ours, plan.disk_mb, plan.uid))
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
        alone = plan.level == "strong"
        private = (plan.work, "/tmp", "/dev/shm") if alone else (plan.work,)
        whole, listed = ((*readable, "/proc"), ()) if alone else walls.around(readable, own[0])
        missing = landlock.restrict(libc(), (*whole, *ours), private, walls.DEVICES, listed)
        if missing and plan.level == "restricted":
            raise ConfinementError(0, missing)
        if not seccomp.supported():
            raise ConfinementError(0, "the numbers of this processor's system calls are not known")
        check(seccomp.install(libc(), processes=plan.programs, alone=alone), "seccomp filter")


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
        # Of a process that is not dumpable an ordinary user is not told how much of its memory is shared. Where ids are
        # not the session's own, nobody else's code may look into it: the filter refuses the calls, Landlock /proc.
        shown = plan.uid is None and plan.level != "basic" and os.getuid() != 0
        check(libc().prctl(PR_SET_DUMPABLE, int(shown), 0, 0, 0), "not dumpable")


def die_with_parent() -> None:
    """Linux: SIGKILL when the parent ends. Elsewhere the parent's end closes the channel, which ends the session."""
    if sys.platform == "linux":
        libc().prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)


# --- effects, seen from inside -----------------------------------------------------------------------------------

LEFT_BEHIND, DOOR = "left-behind", "door"
FILTERED = ("own code", "metadata", "local sockets", "priorities", "between sessions", "shared memory", "new calls")
NEEDED = {
    "strong": (
        *("usable", "files", "writing", "network", "programs", "processes", "other processes", "memory", "disk"),
        *FILTERED,
    ),
    "restricted": ("usable", "files", "writing", "network", "programs", "memory", *FILTERED),
    "basic": ("usable", "memory"),
}
"""Layers without which a level is not that level."""


def effects(plan: Plan) -> dict[str, str]:
    """For each layer "" if it holds here, else what could be done in spite of it. Run in a throw-away session."""
    found = {}
    for name, attempt in ATTEMPTS.items():
        try:
            found[name] = attempt(plan)
        except (OSError, MemoryError):
            found[name] = ""
        except (AttributeError, KeyError):  # no Linux, or none that we know: nothing there keeps it from happening
            found[name] = "it could not be tried here"
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


def _outside(plan: Plan) -> int:
    """A process outside. Raises ProcessLookupError where its number is our own, in a namespace of ours."""
    if plan.outside == os.getpid():
        raise ProcessLookupError
    return plan.outside


def _signals(plan: Plan) -> str:
    os.kill(_outside(plan), 0)
    return "processes outside can be signalled"


def _reads_our_code(plan: Plan) -> str:
    for folder in walls.own_folders(()):
        for name in ("cli.py", "loop/machine.py", "judge/plugin.py"):
            with contextlib.suppress(OSError), open(f"{folder}/{name}", "rb"):  # noqa: PTH123
                return f"our own {name} could be read"
    return ""


def _changes_metadata(plan: Plan) -> str:
    """Of a file of ours and of one that all sessions read; what it changes to is what it was."""
    for path in (plan.canary, os.__file__):
        with contextlib.suppress(OSError):
            before = os.stat(path)  # noqa: PTH116
            changes: tuple[Callable[[], object], ...] = (
                partial(os.chmod, path, before.st_mode & 0o7777),
                partial(os.utime, path, ns=(before.st_atime_ns, before.st_mtime_ns)),
                partial(os.chown, path, -1, -1),
                partial(os.setxattr, plan.canary, "user.tried", b"x"),
            )
            for change in changes:
                with contextlib.suppress(OSError):
                    change()
            if os.stat(path).st_ctime_ns != before.st_ctime_ns:  # noqa: PTH116
                return "mode, owner, times or attributes of others' files could be changed"
    return ""


def _connects_by_path(plan: Plan) -> str:
    door = os.path.join(os.path.dirname(plan.canary), DOOR)  # noqa: PTH118, PTH120
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, kind) as one:
            one.connect(door)
            return "sockets that lie in a folder could be connected to"
    with contextlib.suppress(OSError):
        one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        one.sendto(b"x", door)
        return "sockets that lie in a folder could be sent to"
    return ""


def _slows_others(plan: Plan) -> str:
    nice, user = os.PRIO_PROCESS, os.PRIO_USER
    changes: tuple[Callable[[], object], ...] = (
        lambda: os.setpriority(user, 0, os.getpriority(user, 0)),
        lambda: os.setpriority(nice, _outside(plan), os.getpriority(nice, _outside(plan))),
        lambda: os.sched_setaffinity(_outside(plan), os.sched_getaffinity(_outside(plan))),
    )
    for change in changes:
        with contextlib.suppress(OSError):
            change()
            return "other processes can be put back or bound to one processor"
    return ""


def _hears_other_sessions(plan: Plan) -> str:
    """Watches, locks, leases and futexes on a file that every session has."""
    call, column = libc(), seccomp.ARCHITECTURES[platform.machine()][0]
    if call.inotify_init1(0) >= 0:
        return "reading of shared files can be watched"
    word = ctypes.cast(call.getpid, ctypes.c_void_p).value or 0  # on a page of the C library
    word -= word % 4
    moment = (ctypes.c_long * 2)(0, 1_000_000)
    waited = call.syscall(seccomp.NUMBERS["futex"][column], ctypes.c_void_p(word), 0,
                          ctypes.c_uint32.from_address(word), ctypes.byref(moment))  # fmt: skip
    if waited == 0 or ctypes.get_errno() == errno.ETIMEDOUT:
        return "a page of a shared file can be waited at"
    with open(os.__file__, "rb") as one, open(os.__file__, "rb") as other:  # noqa: PTH123
        try:
            for file in (one, other):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return "shared files can be locked"
        with contextlib.suppress(OSError):
            fcntl.fcntl(one, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            return "shared files can be leased"
    return ""


def _shares_memory(plan: Plan) -> str:
    import mmap

    mmap.mmap(-1, MEGABYTE).close()
    return "memory that counts for no process could be had"


def _makes_new_calls(plan: Plan) -> str:
    """Calls with arguments that make no sense: a kernel that has them says so, the filter that there are none."""
    for number in range(seccomp.NEWEST - 2, seccomp.NEWEST + 30):
        if libc().syscall(number, -1, None, None, None, None, None) != -1 or ctypes.get_errno() != errno.ENOSYS:
            return f"system call {number} is let through"
    return ""


def _grows(plan: Plan) -> str:
    import mmap

    mmap.mmap(-1, (plan.memory_mb + 64) * MEGABYTE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
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
    "own code": _reads_our_code, "metadata": _changes_metadata, "local sockets": _connects_by_path,
    "priorities": _slows_others, "between sessions": _hears_other_sessions, "shared memory": _shares_memory,
    "new calls": _makes_new_calls,
}  # fmt: skip
