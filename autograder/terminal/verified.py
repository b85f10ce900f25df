"""What `autograder verify` found, as tables: what each notebook earned, which test catches what, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from autograder.authoring.verify import ENOUGH, SOLUTION, STUB, Row, Verified, unlike


def shown(found: Verified) -> Group:
    """Tables and sentences, the verdict last."""
    return Group(*_parts(found))


def _parts(found: Verified) -> Iterator[RenderableType]:
    yield _entries(found)
    if any(test.catches for test in found.tests):
        yield _tests(found)
    idle = [test for test in found.tests if not test.catches]
    if idle and any(row.name == STUB for row in found.rows):  # else it is of some entries alone
        yield Text("No mistake of the catalogue is caught by: " + ", ".join(test.id for test in idle))
    if found.fates:
        yield from _mutants(found)
    for one in found.unused:
        yield Text(f"Settled in the catalogue, but no such slip is made any more: {one.question}, {one.piece!r}")
    for complaint in found.complaints:
        yield Text.assemble((f"{complaint.kind}: ", "red"), f"{complaint.about}: {complaint.sentence}")
    yield Text(verdict(found), style="bold")


def verdict(found: Verified) -> str:
    """One sentence."""
    seeds = f"{len(found.seeds)} seed{'s' if len(found.seeds) > 1 else ''}"
    entries = len([row for row in found.rows if row.name not in (SOLUTION, STUB)])
    if found.sound:
        return f"Sound: {entries} entries of the catalogue earn what they should, with {seeds}."
    kinds = [
        kind
        for kind in ("fault", "blind", "unfair", "flaky", "praise")
        if any(c.kind == kind for c in found.complaints)
    ]
    questions = sorted({complaint.question for complaint in found.complaints if complaint.question})
    where = f" in {', '.join(questions)}" if questions else ""
    return f"The graders of {found.assignment} are not sound ({', '.join(kinds)}{where}): see above."


def _entries(found: Verified) -> Table:
    table = Table(title=f"{found.assignment}: points of {sum(found.points.values()):g}", title_justify="left")
    table.add_column("notebook", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for question in found.points:
        table.add_column(question, justify="right")
    table.add_column("caught by", overflow="fold")
    for row in found.rows:
        cells = [_points(row, question, found.points[question]) for question in found.points]
        names = ", ".join(dict.fromkeys(test.partition("::")[2].removeprefix("test_") for _, test in row.caught_by))
        table.add_row(escape(row.name), escape(row.why), *cells, "" if row.name == STUB else escape(names))
    return table


def _points(row: Row, question: str, most: float) -> str:
    """Points at all seeds; dim where nothing is lost, red where it is not as foretold."""
    got = dict.fromkeys(f"{one[question]:g}" if question in one else "-" for one in row.got)
    text = "/".join(got)
    if any(question not in one or unlike(one[question], row.expected[question]) for one in row.got):
        return f"[red]{text}[/red]"
    return f"[dim]{text}[/dim]" if row.expected[question] == most else text


def _tests(found: Verified) -> Table:
    table = Table(title="Which hidden test catches how many mistakes", title_justify="left")
    table.add_column("test", no_wrap=True)
    table.add_column("says", overflow="fold")
    table.add_column("catches", justify="right")
    table.add_column("alone", justify="right")
    table.add_column("for example", overflow="fold")
    for test in found.tests:
        example = next(iter((*test.alone, *test.catches)), "")
        numbers = (str(len(test.catches)), str(len(test.alone)))
        table.add_row(escape(test.id), escape(test.title), *numbers, escape(example))
    return table


def _mutants(found: Verified) -> Iterator[RenderableType]:
    tried, survived = len(found.fates), found.survived
    same = tried - found.killed - len(survived)
    of = f" of {found.mutants}" if tried < found.mutants else ""
    yield Text(
        f"Slips made by machine: {tried}{of}. Noticed: {found.killed} ({found.killed / tried:.1%}). "
        f"Shown to compute the same: {same}. Not noticed: {len(survived)}."
    )
    counted = found.killed + len(survived)
    if counted:
        share = found.killed / counted
        wish = "" if share >= ENOUGH else f"; {ENOUGH:.0%} are wished for"
        yield Text(f"Of those not shown to be the same, {share:.1%} are noticed{wish}.")
    for one in survived:
        yield Text(f"  {one.question}  {one.label}")
