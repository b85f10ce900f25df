"""Sakai's download: `Assignment/Family, Given(eid)/Submission attachment(s)/file`, and timestamp.txt beside the folder.

Seen in public code; timestamp.txt is from memory, so it is read leniently: a run of digits is what Sakai's own
Time.toString writes (yyyyMMddHHmmssSSS, in GMT), anything else must be an ISO date and time.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from autograder.intake.identity import IdKind
from autograder.intake.layouts.base import Companion, FileName, Layout, Listing, Read, text_of, time_said

PERSON = r"(?:[^/]+/)?(?P<name>[^/]*)\((?P<eid>[^()/]+)\)"
ENTRY = re.compile(rf"(?P<folder>{PERSON})/Submission attachment\(s\)/(?P<file>.+)", re.DOTALL)
BESIDE = re.compile(rf"{PERSON}/(?:[^/]+\.(?:txt|html)|Feedback Attachment\(s\)/.+)", re.DOTALL)
TOLD = re.compile(rf"(?P<folder>{PERSON})/(?:timestamp\.txt|(?P<text>[^/]*_submissionText\.(?:txt|html)))")
DIGITS = re.compile(r"\d{14}(?:\d{3})?")


def entry(path: str) -> FileName | None:
    found = ENTRY.fullmatch(path)
    if found is None:
        return None
    eid = found["eid"].strip()
    return FileName(eid, found["file"], found["name"].strip(), {IdKind.LOGIN: eid}, found["folder"])


def whole(read: Read, listing: Listing) -> Read:
    times = {path.rpartition("/")[0]: moment(text_of(content)) for path, content in listing.texts.items()}
    return {path: replace(one, when=times.get(one.label), label="") for path, one in read.items()}


def moment(text: str) -> datetime | None:
    """What a timestamp.txt says; None if that is no time."""
    first = text.strip().partition("\n")[0].strip()
    if not DIGITS.fullmatch(first):
        return time_said(first)
    try:
        return datetime.strptime(first[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def companion(path: str) -> Companion | None:
    name = path.rpartition("/")[2]
    if name.startswith("grades.") and path.count("/") <= 1:
        return Companion("Sakai's list of grades")
    told = TOLD.fullmatch(path)
    if told is not None:  # both are there only if something was handed in
        one = entry(f"{told['folder']}/Submission attachment(s)/{name}")
        return Companion("a text entry on Sakai" if told["text"] else "Sakai's note of the time", one)
    return Companion("a text or feedback that Sakai lays beside a hand-in") if BESIDE.fullmatch(path) else None


SAKAI = Layout(
    "sakai", "Lab/Student, Ada(astudent)/Submission attachment(s)/lab.ipynb", entry, whole=whole, companion=companion
)
