"""The few calls of Linux's kernel that Python 3.11 does not have, by ctypes. Numbers of x86_64 and aarch64."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import sys

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
PR_SET_CHILD_SUBREAPER = 36
MOUNT_ATTR_RDONLY, AT_FDCWD, AT_RECURSIVE, SYS_MOUNT_SETATTR = 1, -100, 0x8000, 442
LINUX_CAPABILITY_VERSION_3 = 0x20080522
CAPABILITIES = 41
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "arm64": 41}


class ConfinementError(OSError):
    """A layer could not be applied; its text names the layer."""


@functools.cache
def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def check(result: int, layer: str) -> None:
    """Raise ConfinementError with errno's text if a call did not give 0."""
    if result != 0:
        number = ctypes.get_errno()
        raise ConfinementError(number, f"{layer}: {os.strerror(number)}")


class _MountAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def mount_setattr(path: str, flags: int, add: int, remove: int) -> int:
    attributes = _MountAttr(set=add, clear=remove)
    return int(
        libc().syscall(
            ctypes.c_long(SYS_MOUNT_SETATTR),
            AT_FDCWD,
            ctypes.c_char_p(path.encode()),
            flags,
            ctypes.byref(attributes),
            ctypes.c_size_t(ctypes.sizeof(attributes)),
        )
    )


def pivot_root(new: bytes, old: bytes) -> int:
    return int(libc().syscall(SYS_PIVOT_ROOT.get(platform.machine(), 155), ctypes.c_char_p(new), ctypes.c_char_p(old)))


def drop_capabilities() -> None:
    """Give up every capability, also for programs that would be started."""
    call = libc()
    for capability in range(CAPABILITIES):
        call.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    check(call.capset(header, (ctypes.c_uint32 * 6)()), "capabilities")


def adopt_orphans() -> None:
    """Linux: processes whose parent ends below us become our children, so that none is lost."""
    if sys.platform == "linux":
        libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
