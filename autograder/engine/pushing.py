"""`autograder push canvas`: from a run's record to the grades and comments on Canvas, every change told before it is
made. Called by the command line; `delivery` sends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from autograder.course.models import CanvasPlace, Policy
from autograder.engine.delivery import deliver, settle
from autograder.errors import AutograderError
from autograder.gradebook.canvas_access import access_token, site_address
from autograder.gradebook.passback import Directory, Entry, Step, entries
from autograder.record.folder import RECORD, locked
from autograder.record.history import FILE, last_receipts, receipts_ending
from autograder.record.standing import LATE_UNKNOWN, Standing, standings
from autograder.record.store import Record, RunInfo
from autograder.report.comment import comment
from autograder.report.passback import people, show

if TYPE_CHECKING:  # canvasapi is an extra
    from autograder.gradebook.canvas_api import CanvasSite, Target
    from autograder.gradebook.canvas_http import Pace


@dataclass(frozen=True)
class Push:
    """What was asked for on the command line; None leaves it to the course."""

    send: bool = False
    comments: bool = True
    overwrite: bool = False
    url: str | None = None
    course: int | None = None
    assignment: int | None = None


def push_run(run: Path, push: Push, console: Console, progress: Console, pace: Pace | None = None) -> int:
    """0 if everybody's grade is or would be there, 1 if some cannot be. Raises AutograderError if nothing can be."""
    site_class, default = _canvas()
    record = Record.open(run / RECORD, create=False)
    try:
        info = record.info()
        place = place_of(info.policy, push)
        address = site_address(place.url)
        site = site_class(address, place, access_token(address), pace or default)
        name = f"{address} course {place.course} assignment {place.assignment}"
        with locked(run) if push.send else contextlib.nullcontext():
            return _push(record, info, site, name, push, console, progress)
    finally:
        record.close()


def _canvas() -> tuple[type[CanvasSite], Pace]:
    try:
        from autograder.gradebook.canvas_api import CanvasSite
        from autograder.gradebook.canvas_http import Pace
    except ModuleNotFoundError as missing:
        raise AutograderError(
            f"Talking to Canvas needs an extra that is not installed ({missing.name}): "
            "pip install 'autograder[canvas]', or in a checkout pip install -e '.[canvas]'."
        ) from None
    return CanvasSite, Pace()


def place_of(policy: Policy, push: Push) -> CanvasPlace:
    """The options or, where not given, what grading.yml said when it was graded. Raises AutograderError for a gap."""
    kept = policy.gradebook.canvas
    url = push.url or (kept.url if kept else None)
    course = push.course or (kept.course if kept else None)
    assignment = push.assignment or (kept.assignment if kept else None)
    if url is None or course is None or assignment is None:
        options = (("--url", url), ("--canvas-course", course), ("--canvas-assignment", assignment))
        missing = ", ".join(option for option, value in options if value is None)
        raise AutograderError(
            f"Where on Canvas? Give {missing}; or put gradebook: {{canvas: {{url, course, assignment}}}} under the "
            "assignment in grading.yml and grade again (what is graded already is not run again)."
        )
    return CanvasPlace(url=url, course=course, assignment=assignment)


def _push(
    record: Record, info: RunInfo, site: CanvasSite, place: str, push: Push, console: Console, progress: Console
) -> int:
    target = site.target()
    everybody = standings(record)
    _refuse(info, target, everybody, site.place)
    receipts = last_receipts(record, place)
    texts = {one.person.key: comment(info, one) for one in everybody} if push.comments else {}
    directory = Directory(site.students(), site.lookup)
    written = receipts_ending(record, f" assignment {site.place.assignment}")
    files = {key: [one for one in them if one.place.startswith(FILE)] for key, them in written.items()}
    found = entries(everybody, info.policy, texts, directory, site.held(), receipts, push.overwrite, files)
    if info.anonymous:
        found = [_unnamed(entry) for entry in found]
    show(console, info, site, target, found, sum(LATE_UNKNOWN in one.flags for one in everybody))
    going = [entry for entry in found if entry.step is Step.SEND]
    stuck = sum(entry.faulty for entry in found)
    if not push.send:
        told = f"Nothing was sent. Send {people(len(going))} with --send." if going else "There is nothing to send."
        console.print(told)
        return int(bool(stuck))
    settle(record, place, found, receipts)
    if not going:
        console.print("There was nothing to send.")
        return int(bool(stuck))
    lost = deliver(record, site, place, going, receipts, console, progress)
    return int(bool(stuck or lost))


def _refuse(info: RunInfo, target: Target, everybody: Sequence[Standing], place: CanvasPlace) -> None:
    """Raises AutograderError where numbers would mean something else there."""
    possible = round(sum(points for _, _, points in info.questions), 6)
    if abs(possible - target.points) > 1e-6:
        raise AutograderError(
            f'"{target.title}" (assignment {place.assignment}) is worth {target.points:g} points on Canvas, this run '
            f"{possible:g}. Is it the right assignment? Else set its points to {possible:g} on Canvas."
        )
    late = [one.person.key for one in everybody if one.penalty]
    if target.deducts and late:
        raise AutograderError(
            f"Canvas's late policy takes points off in this course, and so did this run ({people(len(late))}, first "
            f"{late[0]}): they would pay twice. Set late: {{deducted_by: lms}} in grading.yml and grade again, or turn "
            "Canvas's deduction off."
        )


def _unnamed(entry: Entry) -> Entry:
    return replace(entry, name="")
