"""Sakai's download: `Assignment/Family, Given(eid)/Submission attachment(s)/file`."""

from __future__ import annotations

import re

from autograder.intake.layouts.base import HandIn, Layout, first_match

ENTRY = re.compile(r"^(?P<name>[^/]*)\((?P<eid>[^()/]+)\)/Submission attachment\(s\)/(?P<file>.+)$")


def read(path: str) -> HandIn | None:
    found = first_match(ENTRY, path)
    return HandIn(found["eid"], found["file"], name=found["name"].strip()) if found else None


SAKAI = Layout("sakai", read)
