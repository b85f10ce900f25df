"""nbgrader's course folder: `submitted/student/assignment/file`, with a timestamp.txt beside the file.

Source: jupyter/nbgrader, coursedir.py. There is one attempt; of several assignments the one that fits is graded.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from autograder.intake.identity import IdKind
from autograder.intake.layouts.base import Companion, FileName, Layout, Listing, Read, text_of, time_said

ENTRY = re.compile(r"submitted/(?P<student>[^/]+)/(?P<assignment>[^/]+)/(?P<file>.+)", re.DOTALL)
STAMP = re.compile(r"submitted/[^/]+/[^/]+/timestamp\.txt")


def entry(path: str) -> FileName | None:
    found = ENTRY.fullmatch(path)
    if found is None:
        return None
    return FileName(found["student"], found["file"], ids={IdKind.LOGIN: found["student"]})


def plausible(read: Read, listing: Listing) -> bool:
    """A folder may be called "submitted" for its own sake: nbgrader's has times, or files of the same name for all."""
    if any(STAMP.fullmatch(path) for path in listing.texts):
        return True
    files = Counter((one.file, one.student) for one in read.values())
    most = Counter(file for file, _ in files).most_common(1)
    students, assignments = ({path.split("/")[level] for path in read} for level in (1, 2))
    if len(students) == 1 and len(assignments) > 1:
        return False
    return bool(most) and 2 * most[0][1] > len(students)


def whole(read: Read, listing: Listing) -> Read:
    times = {
        path.rpartition("/")[0]: time_said(text_of(content))
        for path, content in listing.texts.items()
        if STAMP.fullmatch(path)
    }
    return {path: replace(one, when=times.get("/".join(path.split("/")[:3]))) for path, one in read.items()}


def companion(path: str) -> Companion | None:
    return Companion("nbgrader's note of the time", entry(path)) if STAMP.fullmatch(path) else None


NBGRADER = Layout(
    "nbgrader", "submitted/astudent/lab/lab.ipynb", entry, sure=False, whole=whole, plausible=plausible,
    companion=companion,
)  # fmt: skip
