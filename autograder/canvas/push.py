"""`autograder push canvas`: from a run's record to the grades and comments on Canvas. Called by `terminal.push`, which
shows every change before it is made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.canvas.access import access_token, site_address
from autograder.canvas.assignment import CanvasAssignment, Target
from autograder.canvas.client import Client, Pace
from autograder.canvas.plan import Directory, Entry, Step, entries
from autograder.canvas.sending import Sent, Track, deliver, settle
from autograder.course.models import CanvasPlace, Policy
from autograder.errors import AutograderError
from autograder.record.folder import RECORD, locked
from autograder.record.history import FILE, Receipt, last_receipts, receipts_ending
from autograder.record.standing import LATE_UNKNOWN, Standing, standings
from autograder.record.store import Record, RunInfo
from autograder.report.comment import comment


@dataclass(frozen=True)
class Push:
    """What was asked for on the command line; None leaves it to the course."""

    send: bool = False
    comments: bool = True
    overwrite: bool = False
    url: str | None = None
    course: int | None = None
    assignment: int | None = None


@dataclass(frozen=True)
class Prepared:
    """A push before it is sent: what is there, and what is done about each student. `deducts` is whether Canvas takes
    points off whom it finds late, None if nobody says; `unsure` are late by nobody knows how much; `receipts` are those
    of earlier pushes to the same place."""

    record: Record
    info: RunInfo
    site: CanvasAssignment
    course: str
    target: Target
    deducts: bool | None
    entries: Sequence[Entry]
    receipts: Mapping[str, Receipt]
    unsure: int

    @property
    def going(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.step is Step.SEND]

    @property
    def stuck(self) -> bool:
        """Whether somebody's grade did not find its student."""
        return any(entry.faulty for entry in self.entries)

    def send(self, track: Track) -> Sent | None:
        """Do it; `track` is handed the batches. None if there was nothing to send."""
        place = named(self.site)
        settle(self.record, place, self.entries, self.receipts)
        return deliver(self.record, self.site, place, self.going, self.receipts, track) if self.going else None


@contextlib.contextmanager
def prepared(run: Path, push: Push, pace: Pace) -> Iterator[Prepared]:
    """The push, with the run's record open and, if it is to be sent, nobody else at work on the run. Raises
    AutograderError if nothing can be pushed."""
    record = Record.open(run / RECORD, create=False)
    try:
        info = record.info()
        place = place_of(info.policy, push)
        address = site_address(place.url)
        site = CanvasAssignment(Client(address, access_token(address), pace), place)
        with locked(run) if push.send else contextlib.nullcontext():
            yield _prepared(record, info, site, push)
    finally:
        record.close()


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


def named(site: CanvasAssignment) -> str:
    """The place's name in receipts."""
    return f"{site.client.site} course {site.place.course} assignment {site.place.assignment}"


def _prepared(record: Record, info: RunInfo, site: CanvasAssignment, push: Push) -> Prepared:
    course, target, deducts, everybody = site.course(), site.target(), site.deducts(), standings(record)
    _refuse(info, target, deducts, everybody, site.place)
    receipts = last_receipts(record, named(site))
    texts = {one.person.key: comment(info, one) for one in everybody} if push.comments else {}
    directory = Directory(site.students(), site.lookup)
    written = receipts_ending(record, f" assignment {site.place.assignment}")
    files = {key: [one for one in them if one.place.startswith(FILE)] for key, them in written.items()}
    found = entries(everybody, info.policy, texts, directory, site.held(), receipts, push.overwrite, files)
    if info.anonymous:
        found = [replace(entry, name="") for entry in found]
    unsure = sum(LATE_UNKNOWN in one.flags for one in everybody)
    return Prepared(record, info, site, course, target, deducts, found, receipts, unsure)


def _refuse(
    info: RunInfo, target: Target, deducts: bool | None, everybody: Sequence[Standing], place: CanvasPlace
) -> None:
    """Raises AutograderError where numbers would mean something else there."""
    possible = round(sum(points for _, _, points in info.questions), 6)
    if abs(possible - target.points) > 1e-6:
        raise AutograderError(
            f'"{target.title}" (assignment {place.assignment}) is worth {target.points:g} points on Canvas, this run '
            f"{possible:g}. Is it the right assignment? Else set its points to {possible:g} on Canvas."
        )
    late = [one.person.key for one in everybody if one.penalty]
    if deducts and late:
        raise AutograderError(
            f"Canvas's late policy takes points off in this course, and so did this run (from {len(late)}, first "
            f"{late[0]}): they would pay twice. Set late: {{deducted_by: lms}} in grading.yml and grade again, or turn "
            "Canvas's deduction off."
        )
