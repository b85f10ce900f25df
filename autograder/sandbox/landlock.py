"""Landlock: which files a student's process may read and write, and that it may neither connect by TCP nor signal
processes outside. Any user may do this; what the kernel's version of it does not know is left out and reported.

Structures and numbers: Linux's include/uapi/linux/landlock.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Sequence

CREATE, ADD, RESTRICT = 444, 445, 446  # the same on x86_64 and aarch64
VERSION = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ = EXECUTE | READ_FILE | READ_DIR
RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many file rights each version of the interface knows
NET_FROM, SCOPES_FROM = 4, 6
BIND_AND_CONNECT, ABSTRACT_AND_SIGNAL = 3, 3
PATH_BENEATH = 1


class Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("rights", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def version(libc: ctypes.CDLL) -> int:
    """The kernel's version of Landlock; 0 where there is none."""
    return max(0, int(libc.syscall(CREATE, None, ctypes.c_size_t(0), VERSION)))


def restrict(
    libc: ctypes.CDLL,
    readable: Sequence[str],
    writable: Sequence[str],
    devices: Sequence[str],
    listed: Sequence[str] = (),
) -> str:
    """From now on only these paths, no TCP, no signals to the outside. "" or the name of what failed.

    Of folders in `listed` the names may be seen, and of those below. Needs no-new-privs. A path that does not exist is
    left out.
    """
    known = version(libc)
    if known < 1:
        return "Landlock is not available"
    every = (1 << RIGHTS.get(min(known, 5), 16)) - 1
    attributes = Ruleset(
        every,
        BIND_AND_CONNECT if known >= NET_FROM else 0,
        ABSTRACT_AND_SIGNAL if known >= SCOPES_FROM else 0,
    )
    size = 24 if known >= SCOPES_FROM else (16 if known >= NET_FROM else 8)
    ruleset = int(libc.syscall(CREATE, ctypes.byref(attributes), ctypes.c_size_t(size), 0))
    if ruleset < 0:
        return "Landlock's rules cannot be made"
    try:
        for paths, rights in (
            (readable, READ),
            (listed, READ_DIR),
            (writable, every & ~(1 << 6 | 1 << 11)),  # all but to make devices
            (devices, READ_FILE | WRITE_FILE | IOCTL_DEV),
        ):
            for path in paths:
                _allow(libc, ruleset, path, rights & every)
        if libc.syscall(RESTRICT, ruleset, 0) != 0:
            return "Landlock's rules cannot be applied"
    finally:
        os.close(ruleset)
    return ""


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not os.path.isdir(path):  # noqa: PTH112 - no pathlib in a fork that counts milliseconds
                rights &= FILE_RIGHTS
            rule = Beneath(rights, descriptor)
            libc.syscall(ADD, ruleset, PATH_BENEATH, ctypes.byref(rule), 0)
        finally:
            os.close(descriptor)
