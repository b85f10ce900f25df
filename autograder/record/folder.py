"""A run's folder: the record's file in it, and one job at a time on it. Called by whatever works on a run."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from autograder.record.store import RecordError

RECORD = "grades.sqlite"
LOCK = "grades.lock"


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """One run in a folder at a time. Raises RecordError if another is at work there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = (out / LOCK).open("a")
    except OSError as error:
        raise RecordError(f"The run cannot be written to {out}: {error.strerror}. Name a folder with --out.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RecordError(f"Another grading is at work in {out}; wait for it, or name another --out.") from None
        yield
