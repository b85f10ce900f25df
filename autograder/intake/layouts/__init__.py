"""How each LMS names the files of a download: one small module each, behind `Layout`. Recognised by content."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.intake.layouts.base import HandIn, Layout
from autograder.intake.layouts.blackboard import BLACKBOARD
from autograder.intake.layouts.brightspace import BRIGHTSPACE
from autograder.intake.layouts.canvas import CANVAS
from autograder.intake.layouts.gradescope import GRADESCOPE
from autograder.intake.layouts.moodle import MOODLE
from autograder.intake.layouts.nbgrader import NBGRADER
from autograder.intake.layouts.sakai import SAKAI

LAYOUTS = {one.name: one for one in (MOODLE, BLACKBOARD, BRIGHTSPACE, SAKAI, GRADESCOPE, NBGRADER, CANVAS)}
PLAIN = "plain"
ENOUGH = 0.5  # share of a download's work that must be named so; a TA may have put a file or two beside it

__all__ = ["LAYOUTS", "PLAIN", "HandIn", "Layout", "recognised"]


def recognised(paths: Sequence[str]) -> Layout | None:
    """The layout that more than half of these paths fit, the most fitting one; None for a plain folder."""
    counts = {layout.name: sum(layout.read(path) is not None for path in paths) for layout in LAYOUTS.values()}
    best = max(counts, key=lambda name: counts[name])
    return LAYOUTS[best] if paths and counts[best] > ENOUGH * len(paths) else None
