"""Brightspace's download: a folder `number-number - who - date time` for each submission.

Confirmed by live downloads in public code only, so it is read leniently: who may be a name, an id and a surname, or a
user name and a name, as the site is set. The first number is the user's within the course.
"""

from __future__ import annotations

import re

from autograder.intake.layouts.base import HandIn, Layout, first_match, time_of

ENTRY = re.compile(r"^(?P<user>\d+)-\d+ - (?P<who>[^/]+) - (?P<time>[^/]+?)/(?P<file>.+)$")
FORMATS = ("%b %d, %Y %I%M %p", "%B %d, %Y %I%M %p", "%d %B %Y %I%M %p", "%d %b %Y %I%M %p", "%d %B, %Y %I%M %p")


def read(path: str) -> HandIn | None:
    found = first_match(ENTRY, path)
    if found is None:
        return None
    when = time_of(found["time"], *FORMATS)
    order = (when.isoformat(),) if when else (found["time"],)
    return HandIn(found["user"], found["file"], name=found["who"], attempt=order, when=when)


BRIGHTSPACE = Layout("brightspace", read)
