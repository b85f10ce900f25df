"""Named places where a run can be made to die, so that tests can prove that nothing is lost there.

AUTOGRADER_FAILPOINT=NAME or NAME:N ends the process with SIGKILL when it comes to NAME for the Nth time (default 1).
Unset, as it always is outside tests, a place costs one comparison.
"""

from __future__ import annotations

import os
import signal

NAMES = (
    "collected", "record opened", "ready", "planned", "handed over", "session given", "outcome heard", "before saving",
    "saved", "before files", "finished",
)  # fmt: skip
OF_ATTEMPTS = ("attempt saved", "attempt counted")  # reached only where somebody handed in several times
_wanted, _, _count = os.environ.get("AUTOGRADER_FAILPOINT", "").partition(":")
_left = int(_count) if _count.isdecimal() else 1


def reached(name: str) -> None:
    """Die here if that was asked for."""
    global _left
    if _wanted != name:
        return
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
