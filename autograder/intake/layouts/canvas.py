"""Canvas's "Download Submissions": flat files `name_[LATE_]user_attachment_file`.

Source: instructure/canvas-lms, lib/content_zipper.rb. The name is squeezed: lower case, letters, digits and `_` alone.
Only the newest submission is in the zip; its files are attachments of their own. A second upload of one name is
`file-1.ipynb`, so where both are there (two downloads in one folder), the first is the older attempt. Text and
link entries have no attachment's number. A group's hand-in has the group's name and one member's id, and nothing tells
it from others.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import replace

from autograder.intake.identity import IdKind
from autograder.intake.layouts.base import PACKED, Companion, FileName, Layout, Listing, Read

FILE = r"(?P<attachment>\d+)_(?P<file>[^/]+)(?P<inside>/.+)?"
ANONYMOUS = re.compile(rf"(?:(?P<late>LATE)_)?anon_(?P<user>[^_/]+)_{FILE}", re.DOTALL)
NAMED = re.compile(rf"(?:(?P<name>[^/]*?)_)?(?:(?P<late>LATE)_)?(?P<user>\d+)_{FILE}", re.DOTALL)
ENTRY_ITSELF = re.compile(r"(?P<whose>(?:[^/]*?_)??(?:LATE_)?(?:\d+|anon_[^_/]+))_(?P<what>text|link)\.html")
VERSION = re.compile(r"(?P<stem>.*?)(?:-(?P<version>\d+))?(?P<ending>\.[^.]*)?", re.DOTALL)
ODD = 0.25  # share of names that may be written otherwise
SHORT = 3  # digits: "lab_1_2_ada" is somebody's own way of naming, Canvas has counted further


def entry(path: str) -> FileName | None:
    found = _named(path)
    return found if found is None or "/" not in path or PACKED.search(found.file) else None


def _named(path: str) -> FileName | None:
    """What Canvas's name tells of a file, or of the archive or folder of that name with everything in it."""
    found = ANONYMOUS.fullmatch(path)
    kind = IdKind.ANONYMOUS if found else IdKind.CANVAS
    found = found or NAMED.fullmatch(path)
    if found is None:
        return None
    name = found["name"] or "" if kind is IdKind.CANVAS else ""
    number = int(found["attachment"])
    late, ids = bool(found["late"]), {kind: found["user"]}
    return FileName(found["user"], found["file"], name, ids, str(number), number, number, late=late)


def plausible(read: Read, listing: Listing) -> bool:
    """Whether Canvas can have written these names: each user has one name and each attachment is one file.

    A few names that are not squeezed as Canvas does it do not count: somebody may have renamed a file.
    """
    attachments: dict[str, set[str]] = defaultdict(set)
    names: dict[str, set[str]] = defaultdict(set)
    for one in read.values():
        attachments[one.label].add(one.file)
        names[one.student].add(one.name)
    if not read or any(len(files) > 1 for files in attachments.values()) or any(len(of) > 1 for of in names.values()):
        return False
    if sum(not all(map(_squeezed, of)) for of in names.values()) > ODD * len(names):
        return False
    if any(IdKind.ANONYMOUS in one.ids for one in read.values()):
        return True
    if len(names) == 1:  # "lab_2026_1116_ada", "lab_2026_1117_ben": a class, not two files of user 2026
        one = next(iter(read.values()))
        return len(attachments) == 1 and min(len(one.student), len(one.label)) >= SHORT
    short = any(min(len(one.student), len(one.label)) < SHORT for one in read.values())
    return not short or len({name for of in names.values() for name in of}) > 1


def _squeezed(name: str) -> bool:
    return name == name.lower() and all(unicodedata.category(char)[0] in "LMN" or char == "_" for char in name)


def whole(read: Read, listing: Listing) -> Read:
    """The newest version of each of a user's files belongs to the newest attempt.

    A folder named so, beside files that are, is a user's archive that somebody has unpacked.
    """
    unpacked = {path: one for path in listing.work if read and path not in read and (one := _named(path)) is not None}
    read = {**read, **{path: one for path, one in unpacked.items() if min(len(one.student), len(one.label)) >= SHORT}}
    newest: dict[tuple[str, ...], int] = {}
    for one in read.values():
        newest[_file(one)] = max(newest.get(_file(one), -1), one.number or 0)
    last: dict[str, int] = {}
    for (student, *_), number in newest.items():
        last[student] = max(last.get(student, -1), number)
    return {
        path: replace(one, label=str(last[one.student]), number=last[one.student])
        if one.number == newest[_file(one)]
        else one
        for path, one in read.items()
    }


def _file(one: FileName) -> tuple[str, ...]:
    found = VERSION.fullmatch(one.file)
    return (one.student, found["stem"], (found["ending"] or "").lower()) if found else (one.student, one.file)


def companion(path: str) -> Companion | None:
    found = ENTRY_ITSELF.fullmatch(path)
    # It has no attachment's number: read as the name of a file that has the lowest
    one = entry(f"{found['whose']}_0_{found['what']}.html") if found else None
    return Companion(f"a {found['what']} entry on Canvas", one) if found and one else None


CANVAS = Layout(
    "canvas",
    "studentada_9001_55012_lab.ipynb",
    entry,
    sure=False,
    whole=whole,
    plausible=plausible,
    companion=companion,
    squeezed=True,
)
