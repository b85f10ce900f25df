"""Blackboard's gradebook download: `assignment_username_attempt_2026-11-16-18-12-05_file`.

Source: kwurst/bb-file-cleanup, jeroendoggen/blackboard-analysis-tools. Assignment and user name may hold `_`, so the
user name is taken to be what follows the last one; on a roster it is found by its end (see `roster.match`).
"""

from __future__ import annotations

import re

from autograder.intake.layouts.base import HandIn, Layout, time_of

ENTRY = re.compile(r"^(?P<head>.+)_attempt_(?P<time>\d{4}(?:-\d\d){5})_(?P<file>.+)$")


def read(path: str) -> HandIn | None:
    found = ENTRY.match(path.rsplit("/", 1)[-1])
    if found is None:
        return None
    user = found["head"].rsplit("_", 1)[-1]
    when = time_of(found["time"], "%Y-%m-%d-%H-%M-%S")
    return HandIn(user, found["file"], attempt=(found["time"],), when=when)


BLACKBOARD = Layout("blackboard", read)
