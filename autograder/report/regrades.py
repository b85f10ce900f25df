"""regrades.csv: who changed when a run was graded again or marks were set by hand, from what to what and why.

The notes are made in the record, as each outcome is saved; here they are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from autograder.gradebook.writing import write_table
from autograder.record.history import Regrade, regrades
from autograder.record.store import Record

FILE = "regrades.csv"


def shown_regrades(record: Record, name_of: Callable[[str], str], since: int = 0) -> list[Regrade]:
    """The notes after that number, by the names that outputs have for students."""
    return [replace(one, key=name_of(one.key)) for one in regrades(record, since)]


def write_regrades(run: Path, notes: Sequence[Regrade]) -> None:
    """Write regrades.csv anew, or take it away where there is nothing to tell."""
    if not notes:
        (run / FILE).unlink(missing_ok=True)
        return
    rows = ([note.key, note.at, note.was, note.now, note.why] for note in notes)
    write_table(run / FILE, ["student", "when", "was", "is now", "why"], rows)
