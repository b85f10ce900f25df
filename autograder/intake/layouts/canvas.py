"""Canvas's "Download Submissions": flat files `name_[LATE_]user_attachment_file`.

Source: instructure/canvas-lms, lib/content_zipper.rb. The name is squeezed (no spaces, lower case), so it is no name to
show; a second upload of one name is `file-1.ipynb`; only the newest attempt is in the zip.
"""

from __future__ import annotations

import re

from autograder.intake.layouts.base import HandIn, Layout

ANONYMOUS = re.compile(r"^(?:(?P<late>LATE)_)?anon_(?P<user>[^_]+)_(?P<attachment>\d+)_(?P<file>.+)$")
NAMED = re.compile(r"^(?:(?P<name>.*?)_)?(?:(?P<late>LATE)_)?(?P<user>\d+)_(?P<attachment>\d+)_(?P<file>.+)$")


def read(path: str) -> HandIn | None:
    base = path.rsplit("/", 1)[-1]
    found = ANONYMOUS.match(base) or NAMED.match(base)
    if found is None:
        return None
    return HandIn(found["user"], found["file"], attempt=(int(found["attachment"]),), late=bool(found["late"]))


CANVAS = Layout("canvas", read)
