"""nbgrader's course folder: `submitted/student/assignment/file`. Source: jupyter/nbgrader, coursedir.py."""

from __future__ import annotations

import re

from autograder.intake.layouts.base import HandIn, Layout, first_match

ENTRY = re.compile(r"^submitted/(?P<student>[^/]+)/(?P<assignment>[^/]+)/(?P<file>.+)$")


def read(path: str) -> HandIn | None:
    found = first_match(ENTRY, path)
    return HandIn(found["student"], found["file"]) if found else None


NBGRADER = Layout("nbgrader", read)
