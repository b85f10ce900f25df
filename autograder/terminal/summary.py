"""What `grade` prints at its end: the class's figures, lateness, findings by question, and what to look at.

Called by `engine.running` alone. pandas is imported where it is used, so that no other command waits for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.course import Assignment
from autograder.gradebook.writing import number
from autograder.intake.collecting import Collected
from autograder.record.anonymity import Overview
from autograder.record.folder import RECORD
from autograder.record.history import Regrade
from autograder.record.standing import LATE_UNKNOWN, MARKED_LATE, Seen, Standing
from autograder.record.store import Person
from autograder.report.class_page import misunderstood
from autograder.results import Status
from autograder.sandbox.sessions import NOT_PREVENTED

if TYPE_CHECKING:
    import pandas as pd

SHOWN_PROBLEMS = 30
SHOWN_REGRADES = 60
FIGURES = {"mean": "mean", "median": "median", "lowest": "min", "highest": "max"}


def summarise(console: Console, assignment: Assignment, view: Overview, collected: Collected, out: Path) -> None:
    """Scores, lateness, failures by question, problems, and where everything is."""
    judged = [one for one in view.shown if one.outcome is not None]
    console.print(scores_table(assignment, judged))
    if sentence := late_sentence(judged):
        console.print(sentence)
    if any(one.score is not None for one in judged):
        console.print(questions_table(assignment, judged, view.tests))
    trouble = [
        one
        for one in judged
        if one.outcome and (one.outcome.status is not Status.GRADED or {*one.flags} - {MARKED_LATE})
    ]
    if trouble:
        console.print(problems_table(trouble[:SHOWN_PROBLEMS]))
        if len(trouble) > SHOWN_PROBLEMS:
            console.print(f"... and {len(trouble) - SHOWN_PROBLEMS} more: see scores.csv")
    for note in collected.notes[:SHOWN_PROBLEMS]:
        console.print(escape(note), highlight=False)
    for left in [one for one in collected.left_out if not one.expected][:SHOWN_PROBLEMS]:
        console.print(f"left out: {escape(left.source)}: {escape(left.reason)}", highlight=False)
    level = next((one.outcome.level for one in judged if one.outcome and one.outcome.level), "")
    if level:
        console.print(f"Confinement: {level}. Not prevented here: {NOT_PREVENTED.get(level, 'see the README')}.")
    console.print(
        f"Written to {escape(str(out))}: scores.csv, problems.csv, feedback/, results/, {RECORD}", soft_wrap=True
    )


def class_frame(standings: Sequence[Standing]) -> pd.DataFrame:
    """A row for each student by key (text): score, final, penalty (points; NaN for none), late, unknown, excused."""
    import pandas as pd

    return pd.DataFrame(
        {
            "score": [one.score for one in standings],
            "final": [one.final for one in standings],
            "penalty": [one.penalty for one in standings],
            "late": [bool(one.late and one.late.seconds and not one.excused) for one in standings],
            "unknown": [LATE_UNKNOWN in one.flags for one in standings],
            "excused": [one.excused for one in standings],
        },
        index=pd.Index([one.person.key for one in standings], dtype=str, name="student"),
    ).astype({"score": float, "final": float, "penalty": float})


def scores_table(assignment: Assignment, standings: Sequence[Standing]) -> Table:
    """What the work earned and, where that differs for anybody, what counts."""
    table = Table(title=assignment.title, title_justify="left")
    frame = class_frame(standings)
    kinds = {"graded": "score"}
    if not frame["score"].equals(frame["final"]):
        kinds["counts"] = "final"
        table.add_column("")
    for heading in ("graded", "of", *FIGURES, "possible"):
        table.add_column(heading, justify="right")
    for name, column in kinds.items():
        scores = frame[column].dropna()
        figures = scores.agg(list(FIGURES.values())) if len(scores) else []
        cells = [f"{figure:.2f}" for figure in figures] or ["-"] * len(FIGURES)
        row = [str(len(scores)), str(len(frame)), *cells, f"{assignment.points:g}"]
        table.add_row(*([name] if len(kinds) > 1 else []), *row)
    return table


def late_sentence(standings: Sequence[Standing]) -> str:
    """How many came late, what that cost in all, and who is excused; "" if nobody is."""
    frame = class_frame(standings)
    late, unknown, excused = (int(frame[column].sum()) for column in ("late", "unknown", "excused"))
    marked = sum(MARKED_LATE in one.flags for one in standings)
    told = []
    if late:
        told.append(f"{late} late: {number(frame['penalty'].sum())} points off in all")
    if unknown:
        told.append(f"{unknown} late by an unknown time ({LATE_UNKNOWN}): give it as handed_in with --extensions")
    if marked:
        told.append(f"{marked} marked late by the LMS ({MARKED_LATE}); grading.yml has no late policy")
    if excused:
        told.append(f"{excused} excused")
    return f"{'; '.join(told)}." if told else ""


def questions_table(assignment: Assignment, standings: Sequence[Standing], tests: Sequence[Seen]) -> Table:
    """By question: how many have full marks, the mean, and what most often went wrong; of all who have a score."""
    import pandas as pd

    table = Table(title="By question", title_justify="left")
    for heading in ("question", "title", "full marks", "mean", "most common finding"):
        table.add_column(heading, justify="left" if heading in ("title", "most common finding") else "right")
    results = [result for one in standings if one.outcome and one.score is not None for result in one.outcome.questions]
    scores = pd.DataFrame(
        [(result.id, result.score, result.score >= result.points) for result in results],
        columns=["question", "score", "full"],
    )
    by_question = scores.groupby("question").agg(full=("full", "sum"), count=("full", "size"), mean=("score", "mean"))
    common = misunderstood(tests)
    for question in assignment.questions.values():
        row = by_question.reindex([question.id], fill_value=0).iloc[0]
        most = next((one for one in common if one.question == question.id), None)
        found = f"{most.sentence} ({most.students} student{'' if most.students == 1 else 's'})" if most else ""
        table.add_row(
            question.id, escape(question.title), f"{int(row['full'])} of {int(row['count'])}",
            f"{row['mean']:.2f} / {question.points:g}", escape(found),
        )  # fmt: skip
    return table


def problems_table(trouble: Sequence[Standing]) -> Table:
    table = Table(title="To look at", title_justify="left")
    for heading in ("student", "status", "why"):
        table.add_column(heading, overflow="fold")
    for one in trouble:
        assert one.outcome is not None
        why = "; ".join(filter(None, [one.outcome.message, ", ".join(one.flags)]))
        table.add_row(escape(one.person.key), one.outcome.status.value, escape(why))
    return table


def unused_extensions(assignment: Assignment, planned: Sequence[Person], anonymous: bool = False) -> Iterator[str]:
    """A sentence on each extension of grading.yml whose student does not stand in the run: a slip, perhaps. In an
    anonymous run one on how many there are."""
    there = {one.key for one in planned}
    unused = [student for student in assignment.extensions if student not in there]
    if unused and anonymous:
        yield f"Extensions of grading.yml for keys that nobody in this run has: {len(unused)}."
        return
    for student in unused:
        yield f'grading.yml grants "{student}" an extension, but nobody in this run has that key.'


def regrades_table(notes: Sequence[Regrade]) -> Table:
    table = Table(title="Changed", title_justify="left")
    for heading in ("student", "was", "is now", "why"):
        table.add_column(heading, overflow="fold")
    for note in notes[:SHOWN_REGRADES]:
        table.add_row(escape(note.key), note.was, note.now, escape(note.why))
    if len(notes) > SHOWN_REGRADES:
        table.caption = f"and {len(notes) - SHOWN_REGRADES} more: see regrades.csv"
    return table
