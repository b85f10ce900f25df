"""While a run lasts: a progress bar, and what Ctrl-C does. Called by `grade`; it all goes to stderr."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from autograder.results import Outcome, Status


class Stoppable(Protocol):
    """What ends by itself, soon after `stop` is set."""

    stop: bool


class Interrupt:
    """Ctrl-C once: what runs is finished, then it stops. Twice: now. A context manager for the main thread."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.asked = False
        self.running: Stoppable | None = None

    def watch(self, running: Stoppable) -> None:
        self.running = running
        running.stop = self.asked

    def __enter__(self) -> Interrupt:
        self.before = None
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self._strike)
        return self

    def __exit__(self, *exception: object) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)

    def _strike(self, number: int, frame: object) -> None:
        if self.asked or self.running is None:
            raise KeyboardInterrupt
        self.asked = self.running.stop = True
        self.console.print("Stopping when what runs now is done; Ctrl-C again stops at once. Nothing graded is lost.")


class Bar:
    """A progress bar that says how many are done, how long is left and what went wrong so far."""

    def __init__(self, console: Console, total: int) -> None:
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[trouble]}"),
            console=console,
        )
        self.total = total
        self.trouble: Counter[str] = Counter()
        self.seen: set[str] = set()

    def __enter__(self) -> Bar:
        self.progress.start()
        self.task = self.progress.add_task("Warming up", total=self.total, trouble="")
        return self

    def __exit__(self, *exception: object) -> None:
        self.progress.stop()

    def heard(self, key: str, outcome: Outcome | None) -> None:
        """Take in one outcome; ("", None) says that grading begins."""
        if outcome is None:
            self.progress.update(self.task, description="Grading")
            return
        if outcome.status is Status.MISSING:
            return
        if outcome.status is not Status.GRADED and key not in self.seen:
            self.trouble[outcome.status.value.replace("_", " ")] += 1
        done = key not in self.seen
        self.seen.add(key)
        text = ", ".join(f"{count} {word}" for word, count in sorted(self.trouble.items()))
        self.progress.update(self.task, advance=int(done), trouble=escape(text))
