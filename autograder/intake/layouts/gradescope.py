"""Gradescope's export: `assignment_1_export/submission_2/file`; who it is stands in submission_metadata.yml.

The metadata are not read yet: the key is the submission's number.
"""

from __future__ import annotations

import re

from autograder.intake.layouts.base import HandIn, Layout, first_match

ENTRY = re.compile(r"^assignment_\d+_export/submission_(?P<number>\d+)/(?P<file>.+)$")


def read(path: str) -> HandIn | None:
    found = first_match(ENTRY, path)
    return HandIn(found["number"], found["file"]) if found else None


GRADESCOPE = Layout("gradescope", read)
