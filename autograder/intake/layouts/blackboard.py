"""Blackboard's gradebook download: `assignment_username_attempt_2026-11-16-18-12-05_file`, and a .txt per attempt.

Source: kwurst/bb-file-cleanup, jeroendoggen/blackboard-analysis-tools. Assignment and user name may both hold `_`, so
the name alone does not tell where the user name begins: `head` is the part before `_attempt_`, and on a roster the
longest user name that ends it is meant. Without one, the attempt's .txt tells, or what all heads have in common, or the
last `_`. The times are the server's, in a zone that is not stated.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from autograder.intake.identity import IdKind
from autograder.intake.layouts.base import PACKED, Companion, FileName, Layout, Listing, Read, common_start, text_of

START = r"(?P<head>[^/]+?)_attempt_(?P<time>\d{4}(?:-\d\d){5})"
ENTRY = re.compile(rf"{START}_(?P<file>[^/]+)(?P<inside>/.+)?", re.DOTALL)
NOTE = re.compile(rf"{START}\.txt")
FIRST_LINE = re.compile(r"\s*+Name:(?P<person>[^\r\n]*+)")


def person_in(note: str) -> tuple[str, str] | None:
    """User name and name of a note's first line, `Name: Ada Student (ada)`; None where it has another."""
    found = FIRST_LINE.match(note)
    name, opened, user = found["person"].rstrip().removesuffix(")").rpartition("(") if found else ("", "", "")
    whole = found is not None and found["person"].rstrip().endswith(")")
    if not whole or not opened or not user or ")" in user or len(user.split()) != 1 or user != user.strip():
        return None
    return user, name.strip(" \t")


def entry(path: str) -> FileName | None:
    found = ENTRY.fullmatch(path)
    if found is None or (found["inside"] and not PACKED.search(found["file"])):
        return None
    try:
        when = datetime.strptime(found["time"], "%Y-%m-%d-%H-%M-%S")
    except ValueError:
        return None
    user = found["head"].rsplit("_", 1)[-1] or found["head"]
    return _as_user(FileName("", found["file"], label=found["time"], when=when, head=found["head"]), user)


def _as_user(one: FileName, user: str, name: str = "") -> FileName:
    return replace(one, student=user, name=name, ids={IdKind.LOGIN: user})


def whole(read: Read, listing: Listing) -> Read:
    # What all have in common, up to a "_", is the assignment; of a single student it is everything.
    common = common_start([one.head for one in read.values()], "_")
    told = {}
    for path, content in listing.texts.items():
        note, person = NOTE.fullmatch(path), person_in(text_of(content))
        # A student writes into this text too, but not its first line, and no name that the head does not end with
        if note and person and f"_{note['head']}".endswith(f"_{person[0]}"):
            told[note["head"]] = person
    found = {}
    for path, one in read.items():
        if one.head in told:
            found[path] = _as_user(one, *told[one.head])
        elif common:
            found[path] = _as_user(one, one.head[len(common) :])
        else:
            found[path] = one
    return found


def companion(path: str) -> Companion | None:
    found = NOTE.fullmatch(path)
    # Read as the name of a file of that attempt
    one = entry(f"{found['head']}_attempt_{found['time']}_{path}") if found else None
    return Companion("Blackboard's note on an attempt", one) if one else None


BLACKBOARD = Layout(
    "blackboard", "Lab_1_astudent_attempt_2026-11-16-18-12-05_lab.ipynb", entry, whole=whole, companion=companion
)
