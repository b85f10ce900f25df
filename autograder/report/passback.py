"""What a person at the terminal sees of a push to Canvas: what will change, who is left out, what did not arrive.

Called by `engine.pushing` and `engine.delivery`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.gradebook.passback import Entry, Step
from autograder.record.store import RunInfo

if TYPE_CHECKING:  # canvasapi is an extra
    from autograder.gradebook.canvas_api import CanvasSite, Target


def show(
    console: Console, info: RunInfo, site: CanvasSite, target: Target, found: Sequence[Entry], unsure: int
) -> None:
    """The place, what to know about it, and everybody who changes or is left out. `unsure` are late by nobody knows
    how much."""
    place = site.place
    console.print(
        f"{escape(site.site)}: {escape(target.course)} (course {place.course}), {escape(target.title)} "
        f"(assignment {place.assignment}), {target.points:g} points",
        highlight=False,
        soft_wrap=True,
    )
    for note in _notes(info, target, unsure):
        console.print(escape(note), highlight=False, soft_wrap=True)
    going = [entry for entry in found if entry.step is Step.SEND]
    if going:
        table = table_of("To send", ("student", "name", "Canvas user", "now", "will be", "comment"))
        for one in going:
            new = grade_in_words(one.grade) if one.grade_changes else "stays"
            table.add_row(
                escape(one.key),
                escape(one.name),
                str(one.user),
                grade_in_words(one.was),
                new,
                "new" if one.to_send else "no",
            )
        console.print(table)
    left = [entry for entry in found if entry.step in (Step.OUT, Step.THEIRS)]
    if left:
        table = table_of("Left out", ("student", "name", "now", "ours", "why"))
        for one in left:
            now = grade_in_words(one.was) if one.step is Step.THEIRS else "?" if one.faulty else ""
            why = f"{one.why}; --overwrite replaces it" if one.step is Step.THEIRS else one.why
            table.add_row(escape(one.key), escape(one.name), now, grade_in_words(one.grade), escape(why))
        console.print(table)
    counts = {step: sum(entry.step is step for entry in found) for step in Step}
    console.print(
        f"{len(found)} in the run: {counts[Step.SEND]} to send, {counts[Step.SAME]} already so on Canvas, "
        f"{counts[Step.THEIRS]} with somebody else's grade there, {counts[Step.OUT]} without a grade to send or a "
        "place for it.",
        highlight=False,
        soft_wrap=True,
    )


def _notes(info: RunInfo, target: Target, unsure: int) -> Iterator[str]:
    late = info.policy.late
    if late is not None and late.deducted_by == "lms":
        yield "Scores are raw: Canvas takes the late penalty off (deducted_by: lms)."
        if target.deducts is False:
            yield "But this course's late policy on Canvas takes nothing off: late students would lose nothing."
    elif late is not None:
        yield "Scores are those after the late penalty."
    if unsure:
        yield f"{people(unsure)} handed in late by nobody knows how much (LATE_UNKNOWN): no penalty was taken off."
    if target.deducts and (late is None or late.deducted_by != "lms"):
        yield "Canvas's own late policy is on in this course: it takes points off whom Canvas marks late."
    if target.deducts is None:
        yield "Whether Canvas's late policy takes points off is not for this token's owner to see; make sure of it."
    names = {info.title.casefold(), (info.policy.gradebook.column or info.title).casefold()}
    if target.title.strip().casefold() not in names:
        yield f'It is called "{target.title}" there and "{info.title}" here: make sure that it is the right one.'
    yield (
        "Students see nothing until you post the grades on Canvas."
        if target.hidden
        else "Students see grades and comments at once."
    )


def table_of(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold", justify="right" if heading in ("now", "will be", "ours") else "left")
    return table


def grade_in_words(grade: str) -> str:
    return {"EX": "excused", "": "-"}.get(grade, grade)


def people(count: int) -> str:
    return f"{count} student{'' if count == 1 else 's'}"


def tell(
    console: Console, going: Sequence[Entry], lost: Sequence[tuple[Entry, Mapping[str, Any]]], judged: int, halted: str
) -> None:
    if lost:
        table = table_of("Did not arrive", ("student", "name", "now", "ours", "why"))
        for one, answer in lost:
            missing = "comment" if answer["there"] == one.grade else "grade"
            why = f"Canvas refused the {missing}" if answer["state"] == "refused" else f"{missing}: no word from Canvas"
            told = f"{why}: {answer['message']}" if answer["message"] else why
            table.add_row(
                escape(one.key),
                escape(one.name),
                grade_in_words(answer["there"]),
                grade_in_words(one.grade),
                escape(told),
            )
        console.print(table)
    if halted:
        console.print(escape(halted), soft_wrap=True, highlight=False)
    console.print(
        f"Sent and seen on Canvas: {judged - len(lost)} of {people(len(going))}. The record keeps a receipt of each.",
        highlight=False,
    )
    if lost or halted:
        console.print("Give the same command again for the rest: it sends only what is not there.")
