"""What keeps a student's process apart, applied by that process to itself before any student code runs.

Levels are chosen by applying them in a throw-away child and looking at the effect, never by version checks. Here:

    namespaces   own pid, network, ipc and mount namespaces; the machine's files read-only, the course's secret folders
                 and every other student's hidden behind empty ones, a private folder with a size limit to work in
    process      what every level has: own process, clean environment and descriptors, limits of the kernel

The full levels `strong`, `restricted` and `basic` of the design take these places; `namespaces` is called
"restricted" in records, because that much it holds, and `process` is called "basic".
"""

from __future__ import annotations

import ctypes
import functools
import os
import resource
import sys
from dataclasses import dataclass

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
MOUNT_ATTR_RDONLY, AT_FDCWD, AT_RECURSIVE, SYS_MOUNT_SETATTR = 1, -100, 0x8000, 442
LINUX_CAPABILITY_VERSION_3 = 0x20080522
CAPABILITIES = 41
NAMESPACES = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWUTS


class ConfinementError(OSError):
    """A layer could not be applied; its text names the layer."""


@dataclass(frozen=True)
class Plan:
    """What to apply. `work` is an empty folder made for this session; `hidden` are paths it must not see."""

    level: str
    work: str
    hidden: tuple[str, ...] = ()
    memory_mb: int = 4096  # address space
    disk_mb: int = 256  # of the private folder
    cpu: int = 3600  # CPU seconds after which the kernel ends the process


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, layer: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise ConfinementError(number, f"{layer}: {os.strerror(number)}")


def become_root_of_children() -> None:
    """As an ordinary user: enter a user namespace, where this process may make the other ones. As root: nothing.

    Where user namespaces are refused, nothing changes; trying a session out will tell.
    """
    if sys.platform != "linux" or os.getuid() == 0:
        return
    uid, gid = os.getuid(), os.getgid()
    if _libc().unshare(CLONE_NEWUSER) != 0:
        return
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - one write call, as the kernel asks
            file.write(text)


def own_pid_namespace() -> int:
    """A descriptor of this process's pid namespace, for `children_here`; -1 where there is no such thing."""
    return os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC) if sys.platform == "linux" else -1


def children_apart() -> None:
    """The next child is the first process of a new pid namespace. Raises ConfinementError where that is refused."""
    _check(_libc().unshare(CLONE_NEWPID), "pid namespace")


def children_here(own: int) -> None:
    """Children after this one are in our own pid namespace again."""
    _check(_libc().setns(own, CLONE_NEWPID), "own pid namespace")


def unshare() -> None:
    """Enter the other new namespaces: network, ipc, mounts, host name."""
    _check(_libc().unshare(NAMESPACES), "namespaces")


def enclose(plan: Plan) -> None:
    """Inside the namespaces: files read-only, secret folders empty, a private work folder, no capabilities."""
    libc = _libc()
    _check(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "private mounts")
    options = f"size={plan.disk_mb}m,nr_inodes=20000,mode=0700".encode()
    _check(libc.mount(b"tmpfs", plan.work.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, options), "work folder")
    for path in plan.hidden:
        name = os.fsencode(path)
        if os.path.isdir(name):  # noqa: PTH112 - no pathlib in a fork that counts milliseconds
            _check(libc.mount(b"tmpfs", name, b"tmpfs", MS_RDONLY | MS_NOSUID, b"size=4k"), "hidden folder")
        elif os.path.isfile(name):  # noqa: PTH113
            _check(libc.mount(b"/dev/null", name, None, MS_BIND, None), "hidden file")
    proc = libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV, None)
    if (
        os.getuid() == 0
    ):  # a container's partly covered /proc forbids a fresh one to ordinary users; pids are apart anyway
        _check(proc, "own /proc")
    _read_only(libc, plan)
    _drop_capabilities(libc)


def _read_only(libc: ctypes.CDLL, plan: Plan) -> None:
    class MountAttr(ctypes.Structure):
        _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]

    size = ctypes.c_size_t(ctypes.sizeof(MountAttr))
    for path, attributes, flags in (
        (b"/", MountAttr(set=1), AT_RECURSIVE),
        (plan.work.encode(), MountAttr(clear=1), 0),
    ):
        done = libc.syscall(
            ctypes.c_long(SYS_MOUNT_SETATTR), AT_FDCWD, ctypes.c_char_p(path), flags, ctypes.byref(attributes), size
        )
        _check(done, "read-only files")


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    for capability in range(CAPABILITIES):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    _check(libc.capset(header, (ctypes.c_uint32 * 6)()), "capabilities")


def limit(plan: Plan) -> None:
    """Limits of the kernel, no new privileges, death with the parent: what every level has."""
    megabyte = 1 << 20
    for what, most in (
        (resource.RLIMIT_AS, plan.memory_mb * megabyte),
        (resource.RLIMIT_FSIZE, plan.disk_mb * megabyte),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CPU, plan.cpu),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
    if sys.platform == "linux":
        libc = _libc()
        _check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
        _check(libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "not dumpable")


def die_with_parent() -> None:
    """Linux: SIGKILL when the parent ends. Elsewhere the parent's end closes the channel, which ends the session."""
    if sys.platform == "linux":
        _libc().prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)
