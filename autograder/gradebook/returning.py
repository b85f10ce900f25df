"""A zip of feedback pages, each under the name by which the LMS brings it to its student.

Canvas takes re-uploaded submissions: it splits a name at `_` and takes the first two parts of digits alone for user and
attachment, so the page keeps the name that the hand-in had. Moodle's feedback files go by
`Full name_number_assignsubmission_file_name`, the name's own `_` as spaces. (Canvas: lib/content_zipper.rb; Moodle:
from memory of its assignfeedback_file import, so try it with one student first.)
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from autograder.intake.layouts import LAYOUTS
from autograder.record.store import Planned

EPOCH = (1980, 1, 1, 0, 0, 0)  # no times in the zip: the same run gives the same bytes


@dataclass(frozen=True)
class Returned:
    """The zip, how many pages are in it, and keys of those who have one that no name brings to them."""

    content: bytes
    count: int
    unplaced: tuple[str, ...]


def _canvas(name: str, person: Planned) -> str:
    return f"{name.rsplit('.', 1)[0]}.html"


def _moodle(name: str, person: Planned) -> str:
    full = name.split(f"_{person.key}_assignsubmission_")[0].replace("_", " ")
    return f"{full}_{person.key}_assignsubmission_file_feedback.html"


NAMES: dict[str, Callable[[str, Planned], str]] = {"canvas": _canvas, "moodle": _moodle}


def packed(people: list[Planned], page_of: Callable[[str], bytes | None], to: str) -> Returned:
    """Pages of everybody whose hand-in came in a download of that LMS. `page_of` gives a key's page, None if none."""
    layout, named = LAYOUTS[to], NAMES[to]
    unplaced, files = [], {}
    for person in sorted(people, key=lambda one: one.key):
        page = page_of(person.key) if person.source else None
        if page is None:
            continue
        name = _name_in_download(person.source)
        read = layout.read(name)
        if read is None or read.student != person.key:
            unplaced.append(person.key)
            continue
        files[named(name, person)] = page
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, page in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), page, zipfile.ZIP_DEFLATED)
    return Returned(stream.getvalue(), len(files), tuple(unplaced))


def _name_in_download(source: str) -> str:
    """The file's own name in "class.zip: folder/name" or "folder/name", with Moodle's folder kept."""
    inside = re.split(r"\.(?:zip|tar|tgz)\S*: ", source)[-1]
    moodle = re.search(r"[^/]+_\d+_assignsubmission_file_?/.*", inside)
    return moodle[0] if moodle else inside.rsplit("/", 1)[-1]
