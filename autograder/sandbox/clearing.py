"""Removes what a student's process has left in its folder, however deep, closed or oddly named it is.

Used by the supervisor and the zygote once the process has ended. shutil.rmtree goes down as deep as the folders do and
ends with an error there, and as an ordinary user it leaves what is closed to its owner. Here every folder is first
moved up into the top one and opened to us, so that nothing is ever deeper than one level; links are never followed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
PLACE = getattr(os, "O_PATH", os.O_RDONLY)  # Linux: also of a folder that is closed to us


def clear(folder: Path) -> None:
    """Remove `folder` and all that is in it; what cannot be removed stays, and nothing is raised for it."""
    with contextlib.suppress(OSError):
        parent = os.open(folder.parent, os.O_RDONLY | FOLDER)
        try:
            top = _opened(folder.name, parent)
            try:
                _empty(top)
            finally:
                os.close(top)
            os.rmdir(folder.name, dir_fd=parent)
        finally:
            os.close(parent)


def _empty(top: int) -> None:
    prefix, moved, waiting = f".{secrets.token_hex(8)}-", 0, ["."]
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(OSError):
            current = _opened(name, top)
            try:
                for entry in os.listdir(current):  # noqa: PTH208 - pathlib knows no descriptors
                    with contextlib.suppress(OSError):
                        if stat.S_ISDIR(os.stat(entry, dir_fd=current, follow_symlinks=False).st_mode):
                            os.close(_opened(entry, current))
                            moved += 1
                            os.rename(entry, f"{prefix}{moved}", src_dir_fd=current, dst_dir_fd=top)
                            waiting.append(f"{prefix}{moved}")
                        else:
                            os.unlink(entry, dir_fd=current)
            finally:
                os.close(current)
            if name != ".":
                os.rmdir(name, dir_fd=top)


def _opened(name: str, parent: int) -> int:
    """A descriptor of the folder, after its owner has been given back all rights to it."""
    place = os.open(name, PLACE | FOLDER, dir_fd=parent)
    try:
        with contextlib.suppress(OSError):
            os.chmod(f"/proc/self/fd/{place}", 0o700)  # noqa: PTH101 - by the descriptor: never what a link names
        return os.open(".", os.O_RDONLY | FOLDER, dir_fd=place)
    finally:
        os.close(place)
