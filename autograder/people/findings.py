"""What a person should look at when a class list, groups and hand-ins are brought together.

Made by the roster, the matching and the plan of a run; shown in problems.csv.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing to look at. `line` is what to put into the --match file for it, if that is the way; else ""."""

    kind: str
    student: str
    file: str
    what: str
    to_do: str
    line: str = ""


def match_line(hand_in: str, student: str) -> str:
    """The line of a --match file that says whose a hand-in is."""
    file = io.StringIO()
    csv.writer(file, lineterminator="").writerow([hand_in, student])
    return file.getvalue()
