"""Runs a command in the circumstances of some other machine: as an ordinary user, or with namespaces refused.

    python -m attacks.circumstances [--user] [--no-namespaces] COMMAND ...

`--no-namespaces` is a seccomp filter around the command that refuses what a container's default one refuses.
`--user` (of root) gives the rights of root away. Where the interpreter lies in a home that is closed to others, the
command gets a mount namespace of its own in which the ways to it and to this project are open; nothing else of that
home is there.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import os
import platform
import struct
import sys
from pathlib import Path

from autograder.sandbox import kernel, seccomp

NOBODY = 54321
REFUSED = ("unshare", "setns", "mount", "umount2", "pivot_root", "mount_setattr", "open_tree", "move_mount", "fsopen")


def refuse_namespaces() -> None:
    """No new namespace and no mount for this process and all that come from it."""
    column, architecture = seccomp.ARCHITECTURES[platform.machine()]
    number = {name: both[column] for name, both in seccomp.NUMBERS.items()}
    deny = seccomp.ERRNO | errno.EPERM
    steps: list[seccomp.Instruction] = [
        (seccomp.LD_WORD, 0, 0, seccomp.ARCH_AT),
        (seccomp.JEQ, 1, 0, architecture),
        (seccomp.RET, 0, 0, deny),
        (seccomp.LD_WORD, 0, 0, seccomp.NUMBER_AT),
    ]
    for name in REFUSED:
        steps += [(seccomp.JEQ, 0, 1, int(number[name] or 0)), (seccomp.RET, 0, 0, deny)]
    steps += [
        (seccomp.JEQ, 0, 1, int(number["clone3"] or 0)),
        (seccomp.RET, 0, 0, seccomp.ERRNO | errno.ENOSYS),
        (seccomp.JEQ, 0, 3, int(number["clone"] or 0)),
        (seccomp.LD_WORD, 0, 0, seccomp.ARGUMENTS_AT),
        (seccomp.JSET, 0, 1, seccomp.NEW_NAMESPACES),
        (seccomp.RET, 0, 0, deny),
        (seccomp.RET, 0, 0, seccomp.ALLOW),
    ]
    raw = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(raw, len(raw))
    program = seccomp.Program(len(steps), ctypes.cast(buffer, ctypes.c_void_p))
    libc = kernel.libc()
    kernel.check(libc.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no-new-privs")
    kernel.check(libc.prctl(seccomp.PR_SET_SECCOMP, seccomp.SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0), "filter")


def closed_home(path: Path) -> Path | None:
    """The topmost folder on the way to `path` that others may not enter; None if all are open."""
    for folder in reversed(path.parents):
        if not folder.stat().st_mode & 0o001:
            return folder
    return None


def become_ordinary() -> None:
    """Give root's rights away for good; the interpreter and this project stay within reach."""
    libc = kernel.libc()
    needed = {Path(sys.executable).resolve().parents[1], Path(__file__).resolve().parents[2], Path(sys.prefix)}
    closed = {path: closed_home(path / "x") for path in needed}
    if any(closed.values()):
        kernel.check(libc.unshare(kernel.CLONE_NEWNS), "mount namespace")
        kernel.check(libc.mount(None, b"/", None, kernel.MS_REC | kernel.MS_PRIVATE, None), "private mounts")
        kept = {path: os.open(path, os.O_PATH) for path, home in closed.items() if home}
        for home in {home for home in closed.values() if home}:
            kernel.check(libc.mount(b"tmpfs", bytes(home), b"tmpfs", 0, b"mode=0755"), "an open home")
        for path, number in sorted(kept.items()):
            path.mkdir(parents=True, exist_ok=True)
            source = f"/proc/self/fd/{number}".encode()
            kernel.check(libc.mount(source, bytes(path), None, kernel.MS_BIND | kernel.MS_REC, None), str(path))
            os.close(number)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--user", action="store_true")
    parser.add_argument("--no-namespaces", action="store_true")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    wish = parser.parse_args()
    if wish.user and os.geteuid() == 0:
        become_ordinary()
    if wish.no_namespaces:
        refuse_namespaces()
    os.execv(wish.command[0], wish.command)


if __name__ == "__main__":
    main()
