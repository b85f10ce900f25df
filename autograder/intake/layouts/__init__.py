"""How each LMS names the files of a download: one small module each, behind `Layout`. Recognised by content."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from autograder.intake.layouts.base import SMALL, Companion, FileName, Layout, Listing, Member, Read
from autograder.intake.layouts.blackboard import BLACKBOARD
from autograder.intake.layouts.blackboard import NOTE as BLACKBOARD_NOTE
from autograder.intake.layouts.brightspace import BRIGHTSPACE
from autograder.intake.layouts.canvas import CANVAS
from autograder.intake.layouts.github import GITHUB
from autograder.intake.layouts.gradescope import GRADESCOPE, METADATA
from autograder.intake.layouts.moodle import MOODLE
from autograder.intake.layouts.nbgrader import NBGRADER
from autograder.intake.layouts.sakai import SAKAI

# Of two that read as many files, the first is meant: those whose names are unmistakable stand before the others.
LAYOUTS = {
    one.name: one for one in (MOODLE, SAKAI, BRIGHTSPACE, GRADESCOPE, BLACKBOARD, NBGRADER, CANVAS, GITHUB)
}  # fmt: skip
PLAIN = "plain"
NO_LAYOUT = Layout(PLAIN, "", lambda path: None)
ENOUGH = 0.5  # share of a folder's files that must be named so; a TA may have put a file or two beside it
# Texts that some layout reads, and how many bytes each may have
WANTED = (
    (re.compile(r"(?:.*/)?timestamp\.txt"), SMALL),
    (BLACKBOARD_NOTE, SMALL),
    (re.compile(rf"(?:.*/)?{re.escape(METADATA)}"), 16_000_000),  # 2,000 students with all their test results
)

__all__ = [
    "LAYOUTS",
    "PLAIN",
    "Companion",
    "FileName",
    "Layout",
    "Listing",
    "Member",
    "Read",
    "best",
    "layout_called",
    "recognised",
    "wanted",
]


def layout_called(name: str) -> Layout:
    """The layout of that name; for plain files one of which nothing particular holds."""
    return LAYOUTS.get(name, NO_LAYOUT)


def wanted(path: str) -> int:
    """How many bytes of a file that is no work some layout wants to read at most; 0 for none of it."""
    name = path.rpartition("/")[2]
    return next((most for pattern, most in WANTED if pattern.fullmatch(name)), 0)


def best(listing: Listing, layouts: Sequence[Layout], forced: bool = False) -> tuple[Layout, Read] | None:
    """The layout that reads most of a folder, and what it reads; None where none of them fits.

    What is not unmistakable must be plausible as a whole, and be more than half of what lies there, unless `forced`.
    """
    found: tuple[Layout, Read] | None = None
    for layout in layouts:
        read: Mapping[str, FileName] = {path: one for path in listing.work if (one := layout.entry(path)) is not None}
        if not forced and read and not layout.plausible(read, listing):
            continue
        read = layout.whole(read, listing)
        if not forced and not layout.sure and len(read) <= ENOUGH * len(_beside(listing, read)):
            continue
        if len(read) > (len(found[1]) if found else 0):
            found = (layout, read)
    return found


def _beside(listing: Listing, read: Read) -> list[str]:
    """What lies in the folder on the same level as what was read: folders of somebody else's do not count."""
    level = {path.count("/") for path in read}
    return [path for path in listing.work if path in read or path.count("/") in level]


def recognised(paths: Sequence[str]) -> Layout | None:
    """The layout that these paths fit, by their names alone; None for a plain folder."""
    found = best(Listing(tuple(paths)), list(LAYOUTS.values()))
    return found[0] if found else None
