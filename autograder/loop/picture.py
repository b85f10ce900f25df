"""The first updates of a loop as beats for a picture, the wrong ones marked.

Made from a ledger and its reading, for `loop.decision` and for students' `watch`; drawn by `loop.drawing`. Standard
library only.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograder.loop.events import Back, Event, Kind
from autograder.loop.ledger import Ledger, Update, Use
from autograder.loop.reading import LedgerVerdict, resets_first
from autograder.loop.timeline import Beat, Row, Timeline
from autograder.loop.verdicts import KINDS, RIGHT

MOST_ROWS = 12


def picture(ledger: Ledger, reading: LedgerVerdict) -> Timeline:
    """The loop's first updates as beats, the wrong ones marked."""
    rows: list[Row] = []
    beats: list[Beat] = []
    by_position = {update.position: update for update in ledger.updates}
    rotated = reading.verdict == "CORRECT_ROTATED" or resets_first(ledger)
    stepped = False
    for position, event in enumerate(ledger.account.events):
        if len(rows) >= MOST_ROWS:
            break
        beat = _beat(event, by_position.get(position), reading)
        if beat is None:
            continue
        if stepped and (beat.step == "Backprop" or (beat.step == "Reset" and rotated)):
            rows.append(_row(rows, beats, reading))
            beats, stepped = [], False
        beats.append(beat)
        stepped = stepped or beat.step == "Optimize"
    if beats and len(rows) < MOST_ROWS:
        rows.append(_row(rows, beats, reading))
    return Timeline(
        tuple(rows),
        max(len(ledger.updates), ledger.account.updates, len(rows)),
        reading.verdict,
        reading.verdict in RIGHT,
        reading.sentence,
        reading.advice,
    )


def _row(rows: Sequence[Row], beats: list[Beat], reading: LedgerVerdict) -> Row:
    steps = {beat.step for beat in beats}
    ghosts = list(beats)
    missing = KINDS[reading.verdict].missing
    if missing is not None and missing not in steps:
        reset = next((n for n, beat in enumerate(ghosts) if beat.step == "Reset"), len(ghosts))
        place = {"Backprop": 0, "Optimize": reset, "Reset": len(ghosts)}[missing]
        ghosts.insert(place, Beat(missing, right=False, missing=True, note="missing"))
    return Row(len(rows) + 1, tuple(ghosts))


def _beat(event: Event, update: Update | None, reading: LedgerVerdict) -> Beat | None:
    verdict = reading.verdict
    if event.kind == Kind.BACKPROP:
        flags = Back(event.flags)
        if flags.raised:
            return Beat("Backprop", right=False, note="error")
        if not event.mask:
            return Beat("Backprop", right=False, note="marks nothing")
        if event.changed and verdict in ("STALE_LOSS", "STEP_BEFORE_BACKWARD"):
            return Beat("Backprop", right=False, note="out of date")
        return Beat("Backprop")
    if event.kind == Kind.RESET:
        return (
            Beat("Reset", right=False, note="too early") if verdict == "ZERO_BETWEEN" and event.mask else Beat("Reset")
        )
    if event.kind == Kind.OPTIMIZE and not event.mask:
        return Beat("Optimize", right=False, note="other tensors")
    if update is None:
        return None
    wrong = {
        Use.OLD_MARKS: "old marks", Use.TWICE: "marked twice", Use.STALE: "out of date", Use.AGAIN: "used again",
        Use.LOST: "no marks", Use.NOTHING: "no marks",
    }.get(update.use)  # fmt: skip
    if wrong is None or verdict in RIGHT or (update.use == Use.NOTHING and not KINDS[verdict].blames_empty):
        return Beat("Optimize")
    return Beat("Optimize", right=False, note=wrong)
