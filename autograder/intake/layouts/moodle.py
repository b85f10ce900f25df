"""Moodle's "Download all submissions": `Full Name_number_assignsubmission_file[_]/path`, or flat.

Source: moodle/moodle, mod/assign/classes/downloader.php. The number is the worksheet's "Participant N", no user id. A
`_` in the full name becomes a space, so the first `_number_assignsubmission_` ends it, whatever a student calls a file.
With blind marking the name is "Participant"; a team's hand-in has the team's name and number, and nothing tells that
it is one. The zip holds the newest attempt alone, and no times.
"""

from __future__ import annotations

import re

from autograder.intake.identity import IdKind
from autograder.intake.layouts.base import Companion, FileName, Layout

ENTRY = re.compile(
    r"(?P<name>[^/]+?)_(?P<number>\d+)_assignsubmission_(?P<plugin>[a-z]+?)(?:_?/(?P<path>.+)|_(?P<flat>[^/]+(?:/.+)?))",
    re.DOTALL,
)
FILES = "file"  # the plug-in that takes files; onlinetext and others write texts, and
COMMENTS = "comments"  # are no hand-in
HIDDEN = "Participant"


def entry(path: str) -> FileName | None:
    found = ENTRY.fullmatch(path)
    if found is None:
        return None
    name = "" if found["name"] == HIDDEN else found["name"]
    return FileName(found["number"], found["path"] or found["flat"], name, {IdKind.PARTICIPANT: found["number"]})


def companion(path: str) -> Companion | None:
    found = ENTRY.fullmatch(path)
    if found is None or found["plugin"] == FILES:
        return None
    if found["plugin"] == COMMENTS:
        return Companion("what was said of a hand-in on Moodle")
    return Companion(f"a text entry on Moodle ({found['plugin']})", entry(path))


MOODLE = Layout("moodle", "Ada Student_17_assignsubmission_file/lab.ipynb", entry, companion=companion, ids_pass=True)
