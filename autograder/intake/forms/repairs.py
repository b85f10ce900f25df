"""What is said of a file while it is read: notes on what was repaired, or why there is nothing to read.

Used by `read_notebook` and every module beside this one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_NOTES = 20


@dataclass
class Repairs:
    """Notes made on the way, each once; sentences for the student."""

    notes: dict[str, None] = field(default_factory=dict)

    def note(self, sentence: str) -> None:
        self.notes[sentence] = None

    def sentences(self) -> tuple[str, ...]:
        """The notes; of very many only the first, as a person reads them."""
        rest = len(self.notes) - MOST_NOTES
        return (*list(self.notes)[:MOST_NOTES], *([f"{rest} more repairs like these were made."] if rest > 0 else []))


class NoNotebook(Exception):
    """The text is the reason of an Unreadable."""
