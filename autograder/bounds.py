"""Limits that a process of ours takes on itself before it reads what a student made.

Called by the reader of hand-ins (`intake.reader`) for each file, and by the judge's fork (`judge.server`) for its one
hand-in. The kernel keeps to them, whatever the code is busy with: over the CPU limit it ends the process by SIGXCPU,
over the memory limit an allocation fails. Imports nothing of ours, and nothing heavy.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

MB = 1 << 20


class OverTimeError(Exception):
    """The CPU seconds of `watched` are used up."""


def take_cpu(seconds: float) -> None:
    """From now on this process may use so many CPU seconds more; may be called again for the next piece of work."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    most = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def take_memory(megabytes: int) -> None:
    """This process may grow by so many MiB of address space, and leaves no core file if it is ended."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):  # no /proc: another system than Linux, where the limit would not hold either
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        most = pages * os.sysconf("SC_PAGE_SIZE") + megabytes * MB
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


@contextlib.contextmanager
def watched(seconds: float) -> Iterator[None]:
    """Raises OverTimeError in the main thread once the work inside has used so many CPU seconds.

    For one file at a time in a process that must live on; it cannot stop what stays within one call of a C library.
    """

    def over(number: int, frame: FrameType | None) -> None:
        raise OverTimeError(f"it took more than {seconds:g} CPU seconds")

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
