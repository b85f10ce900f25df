"""A push to Canvas as a person at the terminal sees it: what will change, who is left out, what did not arrive.

Called by the command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from autograder.canvas.client import Pace
from autograder.canvas.plan import Entry, Step
from autograder.canvas.push import Prepared, Push, prepared
from autograder.canvas.sending import Sent


def push_run(run: Path, push: Push, console: Console, progress: Console, pace: Pace | None = None) -> int:
    """0 if everybody's grade is or would be there, 1 if some cannot be. Raises AutograderError if nothing can be."""
    with prepared(run, push, pace or Pace()) as ready:
        _show(console, ready)
        if not push.send:
            going = len(ready.going)
            told = f"Nothing was sent. Send {people(going)} with --send." if going else "There is nothing to send."
            console.print(told)
            return int(ready.stuck)
        sent = ready.send(partial(track, description="Sending", console=progress))
    if sent is None:
        console.print("There was nothing to send.")
        return int(ready.stuck)
    _tell(console, sent)
    return int(ready.stuck or sent.seen < sent.going)


def _show(console: Console, ready: Prepared) -> None:
    """The place, what to know about it, and everybody who changes or is left out."""
    target, place, found = ready.target, ready.site.place, ready.entries
    _say(
        console,
        f"{ready.site.client.site}: {ready.course} (course {place.course}), {target.title} "
        f"(assignment {place.assignment}), {target.points:g} points",
    )
    for note in _notes(ready):
        _say(console, note)
    if ready.going:
        rows = [
            (
                one.key, one.name, str(one.user), grade_in_words(one.was),
                grade_in_words(one.grade) if one.grade_changes else "stays", "new" if one.to_send else "no",
            )
            for one in ready.going
        ]  # fmt: skip
        console.print(table_of("To send", ("student", "name", "Canvas user", "now", "will be", "comment"), rows))
    left = [_left_out(one) for one in found if one.step in (Step.OUT, Step.THEIRS)]
    if left:
        console.print(table_of("Left out", ("student", "name", "now", "ours", "why"), left))
    counts = {step: sum(entry.step is step for entry in found) for step in Step}
    _say(
        console,
        f"{len(found)} in the run: {counts[Step.SEND]} to send, {counts[Step.SAME]} already so on Canvas, "
        f"{counts[Step.THEIRS]} with somebody else's grade there, {counts[Step.OUT]} without a grade to send or a "
        "place for it.",
    )


def _left_out(one: Entry) -> tuple[str, ...]:
    theirs = one.step is Step.THEIRS
    now = grade_in_words(one.was) if theirs else "?" if one.faulty else ""
    return (
        one.key,
        one.name,
        now,
        grade_in_words(one.grade),
        f"{one.why}; --overwrite replaces it" if theirs else one.why,
    )


def _notes(ready: Prepared) -> Iterator[str]:
    info, target = ready.info, ready.target
    late = info.policy.late
    if late is not None and late.deducted_by == "lms":
        yield "Scores are raw: Canvas takes the late penalty off (deducted_by: lms)."
        if ready.deducts is False:
            yield "But this course's late policy on Canvas takes nothing off: late students would lose nothing."
    elif late is not None:
        yield "Scores are those after the late penalty."
    if ready.unsure:
        who = people(ready.unsure)
        yield f"{who} handed in late by nobody knows how much (LATE_UNKNOWN): no penalty was taken off."
    if ready.deducts and (late is None or late.deducted_by != "lms"):
        yield "Canvas's own late policy is on in this course: it takes points off whom Canvas marks late."
    if ready.deducts is None:
        yield "Whether Canvas's late policy takes points off is not for this token's owner to see; make sure of it."
    names = {info.title.casefold(), (info.policy.gradebook.column or info.title).casefold()}
    if target.title.strip().casefold() not in names:
        yield f'It is called "{target.title}" there and "{info.title}" here: make sure that it is the right one.'
    yield (
        "Students see nothing until you post the grades on Canvas."
        if target.hidden
        else "Students see grades and comments at once."
    )


def _tell(console: Console, sent: Sent) -> None:
    """What is seen on Canvas, and what did not arrive."""
    if sent.answers is None:
        _say(console, sent.halted)
        console.print("What arrived cannot be seen now. Give the same command again: it sends only what is not there.")
        return
    rows = []
    for one, answer in sent.lost:
        missing = "comment" if answer["there"] == one.grade else "grade"
        why = f"Canvas refused the {missing}" if answer["state"] == "refused" else f"{missing}: no word from Canvas"
        told = f"{why}: {answer['message']}" if answer["message"] else why
        rows.append((one.key, one.name, grade_in_words(answer["there"]), grade_in_words(one.grade), told))
    if rows:
        console.print(table_of("Did not arrive", ("student", "name", "now", "ours", "why"), rows))
    if sent.halted:
        _say(console, sent.halted)
    console.print(
        f"Sent and seen on Canvas: {sent.seen} of {people(sent.going)}. The record keeps a receipt of each.",
        highlight=False,
    )
    if rows or sent.halted:
        console.print("Give the same command again for the rest: it sends only what is not there.")


def _say(console: Console, text: str) -> None:
    console.print(escape(text), highlight=False, soft_wrap=True)


def table_of(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold", justify="right" if heading in ("now", "will be", "ours") else "left")
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def grade_in_words(grade: str) -> str:
    return {"EX": "excused", "": "-"}.get(grade, grade)


def people(count: int) -> str:
    return f"{count} student{'' if count == 1 else 's'}"
