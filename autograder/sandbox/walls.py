"""What a session sees of the machine's files: an own root of read-only binds, or the same list for Landlock.

Everything that Python, torch and the notebook's packages are made of may be read; nothing else is there. Of our own
package, which could do the work for a student, those parts alone are there that run beside student code (`OURS`). Paths
are strings: this runs in a fork that counts milliseconds.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import sysconfig
from dataclasses import dataclass

from autograder.sandbox.kernel import (
    AT_FDCWD,
    AT_RECURSIVE,
    MNT_DETACH,
    MOUNT_ATTR_RDONLY,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    check,
    libc,
    mount_setattr,
    pivot_root,
)

# Without /dev/zero: a shared mapping of it is memory that belongs to no process and is counted with none
DEVICES = tuple(f"/dev/{name}" for name in ("null", "full", "random", "urandom"))
PARTS = ("bin", "sbin", "lib", "lib32", "lib64", "libexec", "share", "etc", "ssl")  # of /usr, /usr/local, a venv
SYSTEM = (*(f"/usr/{name}" for name in PARTS), "/usr/local/bin", "/usr/local/lib", "/lib", "/lib32", "/lib64", "/bin",
          "/sbin", "/etc/localtime", "/etc/ld.so.cache", "/etc/fonts", "/etc/ssl/certs", "/etc/mime.types")  # fmt: skip
OURS = ("__init__.py", "wire.py", "student", "loop/__init__.py", "loop/events.py", "loop/networks.py")
"""All of our own package that a session sees, besides what Python and its packages are made of."""
LINKS = (("/proc/self/fd", "/dev/fd"),)


@dataclass(frozen=True)
class Room:
    """A session's files: `work` may be written; `hidden` paths that lie inside readable folders are covered, and
    `ours` laid over that."""

    work: str
    readable: tuple[str, ...]
    hidden: tuple[str, ...]
    ours: tuple[str, ...]
    disk_mb: int
    uid: int | None


@functools.cache
def readable_paths(home: str) -> tuple[str, ...]:
    """Folders that the interpreter and its packages are in. `home` is the zygote's own folder.

    A prefix is not taken whole: a course, or earlier runs, may lie in the folder of its virtual environment.
    """
    paths = sysconfig.get_paths()
    wanted = [*SYSTEM, home]
    for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix):
        wanted += [f"{prefix}/{part}" for part in (*PARTS, "pyvenv.cfg")]
    wanted += [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    wanted += [os.path.realpath(path) for path in wanted]
    found = dict.fromkeys(path for path in wanted if os.path.exists(path) and path != "/")  # noqa: PTH110
    return tuple(path for path in found if not any(inside(path, other) for other in found if other != path))


@functools.cache
def own_folders(readable: tuple[str, ...]) -> tuple[str, ...]:
    """The folder of our own package, by each path that leads to it: as it was imported, without links, and through
    those of `readable` that it lies in."""
    import autograder

    own = os.path.dirname(os.path.abspath(autograder.__file__))  # noqa: PTH100, PTH120
    real = os.path.realpath(own)
    through = [(path, os.path.realpath(path)) for path in readable if not os.path.islink(path)]  # noqa: PTH114
    spelt = [path + real.removeprefix(end) for path, end in through if inside(real, end)]
    return tuple(dict.fromkeys((own, real, *spelt)))


def ours(readable: tuple[str, ...]) -> tuple[str, ...]:
    """What of our own package a session sees."""
    return tuple(f"{folder}/{part}" for folder in own_folders(readable) for part in OURS)


@functools.cache
def around(readable: tuple[str, ...], gap: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`readable` without the folder `gap`, for Landlock, which knows no exceptions: what may be read whole, and the
    folders on the way to the gap, which Python must be able to list.

    Landlock asks where a file lies, not by which path it was reached, so links are followed first, and none is kept: it
    would let in what it leads to.
    """
    gap = os.path.realpath(gap)
    real = dict.fromkeys(os.path.realpath(path) for path in readable)
    whole, listed = [path for path in real if not inside(gap, path)], []
    for step in [path for path in real if inside(gap, path)]:
        while step != gap:
            listed.append(step)
            onward = f"{step}/{os.path.relpath(gap, step).split('/')[0]}"
            whole += [one.path for one in os.scandir(step) if one.path != onward and not one.is_symlink()]
            step = onward
    return tuple(whole), tuple(dict.fromkeys(listed))


def inside(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def covered(hidden: tuple[str, ...], readable: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `hidden` that a session could see although only `readable` is there."""
    return tuple(path for path in hidden if any(inside(path, folder) for folder in readable))


def build(room: Room) -> None:
    """Inside a mount namespace: make the room and move in. The old root is gone afterwards.

    Raises ConfinementError with the name of the layer that failed.
    """
    call = libc()
    check(call.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "private mounts")
    root = room.work  # any folder will do to be covered by the new root
    check(call.mount(b"tmpfs", root.encode(), b"tmpfs", MS_NOSUID, b"size=1m,nr_inodes=4k,mode=0755"), "own root")
    owner = "" if room.uid is None else f",uid={room.uid},gid={room.uid}"
    size = f"size={room.disk_mb}m,nr_inodes=20000,mode=0700{owner}".encode()
    _tmpfs(root, "/tmp", size)
    for path in room.readable:
        _bind(root, path)
    for path in DEVICES:
        _bind(root, path)
    for path in room.hidden:
        _cover(root, path)
    for path in room.ours:
        _bind(root, path)
    _tmpfs(root, "/dev/shm", size)
    os.makedirs(root + "/proc", exist_ok=True)  # noqa: PTH103
    # A container's partly covered /proc forbids a fresh one to ordinary users; then there is none.
    call.mount(b"proc", (root + "/proc").encode(), b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, b"subset=pid")
    os.makedirs(root + room.work, exist_ok=True)  # noqa: PTH103
    _tmpfs(root, room.work, size)
    os.makedirs(root + "/.old", exist_ok=True)  # noqa: PTH103
    os.chdir(root)
    check(pivot_root(b".", b".old"), "own root")
    os.chdir("/")
    check(call.umount2(b"/.old", MNT_DETACH), "own root")
    check(mount_setattr("/", AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0), "read-only files")
    for path in (room.work, "/tmp", "/dev/shm"):
        check(mount_setattr(path, 0, 0, MOUNT_ATTR_RDONLY), "writable work folder")


def _tmpfs(root: str, path: str, options: bytes) -> None:
    os.makedirs(root + path, exist_ok=True)  # noqa: PTH103
    check(libc().mount(b"tmpfs", (root + path).encode(), b"tmpfs", MS_NOSUID | MS_NODEV, options), f"own {path}")


def _bind(root: str, path: str) -> None:
    target = root + path
    if os.path.islink(path):  # noqa: PTH114
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        os.symlink(os.readlink(path), target)  # noqa: PTH115, PTH211
        return
    if os.path.isdir(path):  # noqa: PTH112
        os.makedirs(target, exist_ok=True)  # noqa: PTH103
    elif os.path.exists(path):  # noqa: PTH110
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    else:
        return
    check(libc().mount(path.encode(), target.encode(), None, MS_BIND | MS_REC, None), f"read-only bind of {path}")


def _cover(root: str, path: str) -> None:
    target = (root + path).encode()
    if os.path.isdir(path):  # noqa: PTH112
        check(libc().mount(b"tmpfs", target, b"tmpfs", MS_NOSUID, b"size=4k,mode=0755"), "hidden folder")
    elif os.path.isfile(path):  # noqa: PTH113
        check(libc().mount(b"/dev/null", target, None, MS_BIND, None), "hidden file")


assert AT_FDCWD == -100 and ctypes.sizeof(ctypes.c_void_p) == 8  # what `kernel` is written for
