"""What a layout is: how one LMS names the files of a bulk download."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class HandIn:
    """Whose a file is. `student` is what the LMS calls the student by (text: zeros stay); `file` its name as handed in.

    `attempt` orders the attempts of one student: the greatest is the newest. `when` is the LMS's own time, in no zone
    where the LMS does not say one. `late` is the LMS's mark.
    """

    student: str
    file: str
    name: str = ""
    attempt: tuple[int | str, ...] = ()
    when: datetime | None = None
    late: bool = False


@dataclass(frozen=True)
class Layout:
    """One LMS's way. `read` takes a path within the download ("/" between folders) and gives None if it is not so."""

    name: str
    read: Callable[[str], HandIn | None]


def tails(path: str) -> Sequence[str]:
    """A path, and what is left of it without its first folders: people unzip into folders of their own."""
    parts = path.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def first_match(pattern: re.Pattern[str], path: str) -> re.Match[str] | None:
    return next((found for tail in tails(path) if (found := pattern.match(tail))), None)


def time_of(text: str, *formats: str) -> datetime | None:
    """`text` by the first of the formats that fits."""
    for one in formats:
        try:
            return datetime.strptime(text, one)
        except ValueError:
            continue
    return None
