"""Soft limits: interrupts a cell or a call that takes too long, again and again until it gets through.

Counts CPU seconds (ITIMER_PROF), with a wall-clock timer some multiple above for code that only waits. `try: ...
except: pass` in a loop swallows the first interrupts, so the timer stays armed; a C loop swallows all of them, so
the trusted side keeps hard limits of its own.
"""

from __future__ import annotations

import signal
from types import FrameType

AGAIN = 0.05  # seconds between interrupts once the limit has passed


class LimitReached(KeyboardInterrupt):
    """Raised into student code. A KeyboardInterrupt, so that `except Exception` does not stop it."""


class Alarm:
    """One armed limit at a time; made before student code runs, in the main thread."""

    def __init__(self) -> None:
        self.struck = ""
        self._armed = False
        self._cpu = self._wall = 0.0
        signal.signal(signal.SIGPROF, self._strike)
        signal.signal(signal.SIGALRM, self._strike)

    def arm(self, cpu: float, wall: float) -> None:
        """Interrupt after `cpu` CPU seconds or `wall` seconds, whichever comes first."""
        self.struck, self._armed, self._cpu, self._wall = "", True, cpu, wall
        signal.setitimer(signal.ITIMER_PROF, max(cpu, 0.01), AGAIN)
        signal.setitimer(signal.ITIMER_REAL, max(wall, 0.01), AGAIN)

    def disarm(self) -> str:
        """Stop; returns the sentence that names the limit if it was reached, else ""."""
        self._armed = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        return self.struck

    def _strike(self, number: int, frame: FrameType | None) -> None:
        if not self._armed:
            return
        if number == signal.SIGPROF:
            self.struck = f"it used more than {self._cpu:g} CPU seconds"
        else:
            self.struck = f"it took longer than {self._wall:g} seconds"
        raise LimitReached(self.struck)
