"""Sends what a push to Canvas decided on, batch by batch, and keeps receipts. Called by `push`.

A receipt says before each batch what is sent, and afterwards, from what Canvas then shows, whether it arrived. So a
push that is killed at any point is simply given again: what arrived is seen there, and only the rest is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from autograder.canvas.assignment import COMMENT, CanvasAssignment, Held, Job
from autograder.canvas.client import CanvasError, UnansweredError
from autograder.canvas.plan import Entry, Step, sent_of
from autograder.gradebook.grades import arrived
from autograder.record.history import Receipt, keep_receipts
from autograder.record.store import Record

BATCH = 50  # students in one job: small enough to be done in seconds, and to lose little when one fails
BATCH_CHARACTERS = 200_000  # of comments in one job; some letters take nine bytes in a form, and Rack refuses 4 MiB
UNANSWERED = "unanswered"  # of a job: its comments may or may not be there

Batch = tuple[int, list[Entry]]  # which piece of the comments, and whose
Track = Callable[[Sequence[Batch]], Iterable[Batch]]  # hands them on, and may show how far it is


@dataclass(frozen=True)
class Sent:
    """What came of it. `answers` are as in the receipts, None where what arrived cannot be seen; `halted` says what
    ended it early."""

    going: int
    answers: Sequence[tuple[Entry, Mapping[str, Any]]] | None
    halted: str = ""

    @property
    def lost(self) -> list[tuple[Entry, Mapping[str, Any]]]:
        """Who was asked for and is not seen on Canvas."""
        return [(entry, answer) for entry, answer in self.answers or () if answer["state"] != "arrived"]

    @property
    def seen(self) -> int:
        """How many are seen on Canvas."""
        return len(self.answers or ()) - len(self.lost)


def batches(going: Sequence[Entry]) -> Iterator[Batch]:
    """First everybody's grade with the first piece of the comment, then the further pieces."""
    for piece in range(max(1, *(len(entry.to_send) for entry in going))):
        batch: list[Entry] = []
        size = 0
        for entry in (one for one in going if not piece or piece < len(one.to_send)):
            length = len(entry.data(piece).get(COMMENT, ""))
            if batch and (len(batch) == BATCH or size + length > BATCH_CHARACTERS):
                yield piece, batch
                batch, size = [], 0
            batch.append(entry)
            size += length
        if batch:
            yield piece, batch


def deliver(
    record: Record,
    site: CanvasAssignment,
    place: str,
    going: Sequence[Entry],
    receipts: Mapping[str, Receipt],
    track: Track,
) -> Sent:
    """Send to everybody in `going`, then look what Canvas shows."""
    jobs: dict[str, list[Job]] = {}
    halted = ""
    asked: set[str] = set()
    for piece, batch in track(list(batches(going))):
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
        held = site.held()
    except CanvasError as error:
        return Sent(len(going), None, halted or str(error))
    answers = [(entry, _answer(entry, held, jobs.get(entry.key, []))) for entry in going if entry.key in asked]
    keep_receipts(record, [_receipt(entry, place, receipts, answer) for entry, answer in answers])
    return Sent(len(going), answers, halted)


def _one(site: CanvasAssignment, piece: int, batch: Sequence[Entry]) -> Job:
    """Send one batch and wait for it. If no answer comes, only the grades go again: they may arrive twice, a comment
    may not. Raises CanvasError."""
    changes = {entry.user: entry.data(piece) for entry in batch}
    try:
        job = site.start(changes)
    except UnansweredError:
        grades = {user: data for user, whole in changes.items() if (data := _without_comment(whole))}
        if not grades:
            raise
        return site.follow(site.start(grades)).model_copy(update={"state": UNANSWERED})
    return site.follow(job)


def _without_comment(data: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in data.items() if name != COMMENT}


def _answer(entry: Entry, held: Mapping[int, Held], jobs: Sequence[Job]) -> dict[str, Any]:
    """Whether it is there now, by what Canvas shows, and what Canvas said. A comment also counts as there where every
    job was completed: Canvas may show a text in another form than it was sent in."""
    there = held.get(entry.user)
    grade = there is not None and there.grade == entry.grade
    completed = bool(jobs) and all(job.state == "completed" for job in jobs)
    words = there is not None and (completed or all(there.has(piece) for piece in entry.to_send))
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
