"""What a session's processes use, as the kernel tells it from outside: CPU seconds and memory.

Used by `judge.notebook_run`; nothing here asks the student's side.
"""

from __future__ import annotations

import resource
from pathlib import Path

import psutil

MOST_PROCESSES = 2000  # that are looked at


def cpu_of(pid: int) -> float:
    """CPU seconds a process has used; 0 if it is gone."""
    try:
        times = psutil.Process(pid).cpu_times()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0
    return float(times.user + times.system)


def memory_of(pid: int) -> int:
    """Bytes of memory of a process and all that come from it; 0 if it is gone.

    Pages that processes share are counted once where the kernel tells (Pss): for root, and of an ordinary user's own
    sessions, which are left dumpable for that. Else a process counts with what it has beyond the first one, from which
    it was forked. Memory that lies in no process (shared without a file) cannot be had: the filter refuses it.
    """
    tree = descendants(pid)
    resident = [_resident(one) for one in tree]
    if len(tree) == 1:
        return resident[0]
    try:
        return sum(_proportional(one) for one in tree)
    except OSError:
        return resident[0] + sum(max(0, size - resident[0]) for size in resident[1:])


def descendants(pid: int) -> list[int]:
    """A process and all that have come from it, itself first; without the kernel's lists of children, itself alone."""
    found = [pid]
    for one in found:
        try:
            threads = list(Path(f"/proc/{one}/task").iterdir())
            found += [int(child) for thread in threads for child in (thread / "children").read_text().split()]
        except OSError:  # it has ended meanwhile
            continue
        if len(found) > MOST_PROCESSES:
            break
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (ProcessLookupError, FileNotFoundError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Pss:", "SwapPss:")))
