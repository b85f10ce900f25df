"""What is said of a file while it is read: notes on what was repaired, or why there is nothing to read.

Used by `read_notebook` and every module beside this one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MOST_NOTES = 20
CELL = re.compile(r"Cell \d+ ")


@dataclass
class Repairs:
    """Notes made on the way, each once; sentences for the student."""

    notes: dict[str, None] = field(default_factory=dict)

    def note(self, sentence: str) -> None:
        self.notes[sentence] = None

    def sentences(self) -> tuple[str, ...]:
        """The notes; what befell several cells alike is said of the first, and of very many notes only the first."""
        alike: dict[str, list[str]] = {}
        for note in self.notes:
            alike.setdefault(CELL.sub("Cell ", note), []).append(note)
        notes = [
            one if not more else f"{one} The same in {len(more)} more cell{'s' * (len(more) > 1)}."
            for one, *more in alike.values()
        ]
        rest = len(notes) - MOST_NOTES
        return (*notes[:MOST_NOTES], *([f"{rest} more repairs like these were made."] if rest > 0 else []))


class NoNotebook(Exception):
    """The text is the reason of an Unreadable."""
