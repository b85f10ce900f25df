"""Sends what a push to Canvas decided on, batch by batch, and keeps receipts. Called by `engine.pushing`.

A receipt says before each batch what is sent, and afterwards, from what Canvas then shows, whether it arrived. So a
push that is killed at any point is simply given again: what arrived is seen there, and only the rest is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from autograder.gradebook.ownership import arrived
from autograder.gradebook.passback import Entry, Step, has, sent_of
from autograder.record.history import Receipt, keep_receipts
from autograder.record.store import Record
from autograder.report.passback import tell

if TYPE_CHECKING:  # canvasapi is an extra
    from autograder.gradebook.canvas_api import CanvasSite, Held, Job

BATCH = 50  # students in one job: small enough to be done in seconds, and to lose little when one fails
BATCH_CHARACTERS = 200_000  # of comments in one job; some letters take nine bytes in a form, and Rack refuses 4 MiB
UNANSWERED = "unanswered"  # of a job: its comments may or may not be there


def batches(going: Sequence[Entry]) -> Iterator[tuple[int, list[Entry]]]:
    """(piece, students): first everybody's grade with the first piece of the comment, then the further pieces."""
    for piece in range(max(1, *(len(entry.to_send) for entry in going))):
        batch: list[Entry] = []
        size = 0
        for entry in going:
            if piece and piece >= len(entry.to_send):
                continue
            length = len(entry.to_send[piece]) if entry.to_send else 0
            if batch and (len(batch) == BATCH or size + length > BATCH_CHARACTERS):
                yield piece, batch
                batch, size = [], 0
            batch.append(entry)
            size += length
        if batch:
            yield piece, batch


def deliver(
    record: Record, site: CanvasSite, place: str, going: Sequence[Entry], receipts: Mapping[str, Receipt],
    console: Console, progress: Console,
) -> int:  # fmt: skip
    """How many did not arrive, as far as Canvas shows it afterwards."""
    from autograder.gradebook.canvas_api import CanvasError

    jobs: dict[str, list[Job]] = {}
    halted = ""
    asked: set[str] = set()
    planned = list(batches(going))
    with _bar(progress) as bar:
        for piece, batch in bar.track(planned, description="Sending"):
            new = [entry for entry in batch if entry.key not in asked]
            keep_receipts(record, [_receipt(one, place, receipts, {"state": "asked"}) for one in new])
            asked.update(entry.key for entry in new)
            try:
                job = _one(site, piece, batch)
            except CanvasError as error:  # the next would fare no better: what is out is looked at below
                halted = str(error)
                break
            for entry in batch:
                jobs.setdefault(entry.key, []).append(job)
    try:
        held: Mapping[int, Held] = site.held()
    except CanvasError as error:
        console.print(escape(halted or str(error)), soft_wrap=True, highlight=False)
        console.print("What arrived cannot be seen now. Give the same command again: it sends only what is not there.")
        return len(going)
    judged = [(entry, _answer(entry, held, jobs.get(entry.key, []))) for entry in going if entry.key in asked]
    keep_receipts(record, [_receipt(entry, place, receipts, answer) for entry, answer in judged])
    lost = [(entry, answer) for entry, answer in judged if answer["state"] != "arrived"]
    tell(console, going, lost, len(judged), halted)
    return len(going) - len(judged) + len(lost)


def _one(site: CanvasSite, piece: int, batch: Sequence[Entry]) -> Job:
    """Send one batch and wait for it. If no answer comes, only the grades go again: they may arrive twice, a comment
    may not. Raises CanvasError."""
    from autograder.gradebook.canvas_api import UnansweredError, Update

    updates = [
        Update(
            entry.user,
            entry.grade if entry.grade_changes and not piece else None,
            entry.to_send[piece] if entry.to_send else "",
        )
        for entry in batch
    ]
    try:
        job = site.start(updates)
    except UnansweredError:
        grades = [Update(one.user, one.grade) for one in updates if one.grade is not None]
        if not grades:
            raise
        return replace(site.follow(site.start(grades)), state=UNANSWERED)
    return site.follow(job)


def _answer(entry: Entry, held: Mapping[int, Held], jobs: Sequence[Job]) -> dict[str, Any]:
    """Whether it is there now, by what Canvas shows, and what Canvas said. A comment also counts as there where every
    job was completed: Canvas may show a text in another form than it was sent in."""
    there = held.get(entry.user)
    grade = there is not None and there.grade == entry.grade
    completed = bool(jobs) and all(job.state == "completed" for job in jobs)
    words = there is not None and (completed or all(has(there, piece) for piece in entry.to_send))
    waiting = not jobs or any(not job.over for job in jobs)
    state = "arrived" if grade and words else "unknown" if waiting else "refused"
    return {
        "state": state,
        "there": there.grade if there is not None else "",
        "comment": words,
        "jobs": [job.id for job in jobs],
        "message": "; ".join(job.message for job in jobs if job.message)[:500],
    }


def _receipt(entry: Entry, place: str, before: Mapping[str, Receipt], answer: Mapping[str, Any]) -> Receipt:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Receipt(entry.key, place, now, sent_of(entry, before.get(entry.key)), answer)


def settle(record: Record, place: str, found: Sequence[Entry], receipts: Mapping[str, Receipt]) -> None:
    """What an earlier push was not sure of, and Canvas shows now, has arrived."""
    unsure = [one for one in found if one.step is Step.SAME and one.key in receipts and not arrived(receipts[one.key])]
    answer = {"state": "arrived", "message": "seen on Canvas by a later push"}
    keep_receipts(record, [_receipt(entry, place, receipts, answer) for entry in unsure])


def _bar(console: Console) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console)
