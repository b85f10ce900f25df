"""Makes a real run die at a step: with this folder on PYTHONPATH and DIE_AT=STEP or STEP:N, for the N-th time.

Python imports it by its name when it starts. Steps are functions of the program, named here and wrapped from outside,
so that the program itself knows nothing of being killed. Used through `tests/killing.py`.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
from collections.abc import Callable
from typing import Any

STEPS: dict[str, tuple[str, str, bool]] = {
    "collected": ("autograder.engine.grading", "opened", False),
    "record opened": ("autograder.engine.grading", "opened", True),
    "ready": ("autograder.engine.slots", "Slots.__enter__", True),
    "planned": ("autograder.engine.grading", "settle", True),
    "handed over": ("autograder.engine.slots", "Slots._start", True),
    "session given": ("autograder.sandbox.sessions", "Sandbox.fork", True),
    "outcome heard": ("autograder.engine.grading", "Grading.keep", False),
    "before saving": ("autograder.record.store", "Record.save", False),
    "saved": ("autograder.record.store", "Record.save", True),
    "before files": ("autograder.engine.running", "write_class", False),
    "finished": ("autograder.engine.running", "write_class", True),
}
"""Step -> module, function, and whether it dies after the call (else before)."""
OF_ATTEMPTS = {
    "attempt saved": ("autograder.engine.attempts", "save_attempt", True),
    "attempt counted": ("autograder.engine.attempts", "count_attempt", True),
}
"""Steps that are reached only where somebody handed in several times."""


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(call: Callable[..., Any], after: bool, count: int, die: Callable[[], None]) -> Callable[..., Any]:
    left = count

    @functools.wraps(call)
    def run(*args: Any, **kwargs: Any) -> Any:
        nonlocal left
        found = call(*args, **kwargs) if after else None
        left -= 1
        if not left:
            die()
        return found if after else call(*args, **kwargs)

    return run


def arm(step: str, die: Callable[[], None] = kill, put: Callable[[Any, str, Any], None] = setattr) -> None:
    """Wrap the function of a step; `die` is what happens there, `put` how the wrapper takes the function's place."""
    name, _, count = step.partition(":")
    module, path, after = (STEPS | OF_ATTEMPTS)[name]
    *owners, last = path.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    put(owner, last, dying(getattr(owner, last), after, int(count or 1), die))


if os.environ.get("DIE_AT"):
    arm(os.environ["DIE_AT"])
