"""Moodle's "Download all submissions": `Full Name_number_assignsubmission_file[_]/path`, or flat.

Source: moodle/moodle, mod/assign/classes/downloader.php. The number is the worksheet's "Participant N", no user id.
"""

from __future__ import annotations

import re

from autograder.intake.layouts.base import HandIn, Layout, first_match

ENTRY = re.compile(
    r"^(?P<name>[^/]+)_(?P<number>\d+)_assignsubmission_(?P<plugin>[a-z]+)(?:_?/(?P<path>.+)|_(?P<flat>[^/]+))$"
)


def read(path: str) -> HandIn | None:
    found = first_match(ENTRY, path)
    if found is None:
        return None
    return HandIn(found["number"], found["path"] or found["flat"], name=found["name"])


MOODLE = Layout("moodle", read)
