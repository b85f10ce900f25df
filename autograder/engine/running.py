"""What a person at the terminal sees of a run: a progress bar while it lasts, a summary at its end.

Called by the command line; the work is `engine.grading`'s. Progress goes to stderr, the summary to stdout.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from autograder.course import Assignment, Course
from autograder.engine.attempts import taken_of
from autograder.engine.failpoints import reached
from autograder.engine.grading import RECORD, Wish, grade
from autograder.engine.problems import write_problems
from autograder.engine.slots import Slots
from autograder.intake.faults import IntakeError
from autograder.intake.roster import read_roster
from autograder.intake.submissions import Collected, collect, file_safe
from autograder.judge.results import Outcome, Status
from autograder.record.store import Record, RecordError, RecordFullError
from autograder.report.rerender import write_all
from autograder.sandbox.sessions import NOT_PREVENTED

SHOWN_PROBLEMS = 30
LOCK = "grades.lock"


def grade_paths(
    course: Course,
    assignment: Assignment,
    paths: Sequence[Path],
    roster_path: Path | None,
    wish: Wish,
    console: Console,
    progress_console: Console,
) -> int:
    """Grade everything at `paths`; the exit code. Raises ValueError for what a user can mend before anything runs."""
    collected = collect(paths, names=assignment.names, layout=wish.layout, counts=assignment.attempts)
    roster = read_roster(roster_path) if roster_path is not None else None
    unknown = set(wish.only) - {one.key for one in collected.submissions}
    if unknown:
        raise IntakeError(f"--student: nothing was handed in under {', '.join(sorted(unknown))}.")
    if not collected.submissions and roster is None:
        raise IntakeError(f"There is no notebook in {', '.join(map(str, paths))}.")
    count = len(wish.only) or len(collected.submissions)
    wish = replace(wish, handed_in=tuple(paths))
    interrupt = Interrupt(progress_console)
    with locked(wish.out), interrupt, Bar(progress_console, count) as bar:
        record = grade(course, assignment, collected.submissions, roster, wish, bar.heard, interrupt.watch)
    if assignment.attempts == "best":
        collected = replace(collected, notes=(*collected.notes, *taken_of(record)))
    reached("before files")
    try:
        write_all(wish.out, record)
        write_problems(wish.out / "problems.csv", collected, roster, record.outcomes(with_cells=False))
    except OSError as error:
        raise RecordFullError(
            f"The files of the run cannot be written to {wish.out} ({error.strerror}). All scores are in {RECORD}: "
            f"make room, then `autograder report {wish.out}`."
        ) from None
    reached("finished")
    outcomes = record.outcomes(with_cells=False)
    summarise(console, assignment, outcomes, collected, wish)
    record.close()
    if interrupt.asked:
        left = len({one.key for one in collected.submissions} - {outcome.key for outcome in outcomes})
        console.print(f"Stopped as you asked: {left} hand-ins are left. The same command goes on with them.")
        return 1
    return int(any(outcome.status in (Status.NOT_GRADABLE, Status.GRADER_ERROR) for outcome in outcomes))


def write_again(run: Path) -> Path:
    """Everything in a run's folder anew from its record. Raises RecordError if there is none."""
    record = Record.open(run / RECORD, create=False)
    write_all(run, record)
    record.close()
    return run


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """One run in a folder at a time. Raises RecordError if another is at work there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = (out / LOCK).open("a")
    except OSError as error:
        raise RecordError(f"The run cannot be written to {out}: {error.strerror}. Name a folder with --out.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RecordError(f"Another grading is at work in {out}; wait for it, or name another --out.") from None
        yield


class Interrupt:
    """Ctrl-C once: what runs is finished, then it stops. Twice: now. A context manager for the main thread."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.asked = False
        self.slots: Slots | None = None

    def watch(self, slots: Slots) -> None:
        self.slots = slots
        slots.stop = self.asked

    def __enter__(self) -> Interrupt:
        self.before = None
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self._strike)
        return self

    def __exit__(self, *exception: object) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)

    def _strike(self, number: int, frame: object) -> None:
        if self.asked or self.slots is None:
            raise KeyboardInterrupt
        self.asked = self.slots.stop = True
        self.console.print("Stopping when what runs now is done; Ctrl-C again stops at once. Nothing graded is lost.")


class Bar:
    """A progress bar that says how many are done, how long is left and what went wrong so far."""

    def __init__(self, console: Console, total: int) -> None:
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[trouble]}"),
            console=console,
        )
        self.total = total
        self.trouble: Counter[str] = Counter()
        self.seen: set[str] = set()

    def __enter__(self) -> Bar:
        self.progress.start()
        self.task = self.progress.add_task("Warming up", total=self.total, trouble="")
        return self

    def __exit__(self, *exception: object) -> None:
        self.progress.stop()

    def heard(self, key: str, outcome: Outcome | None) -> None:
        """Take in one outcome; ("", None) says that grading begins."""
        if outcome is None:
            self.progress.update(self.task, description="Grading")
            return
        if outcome.status is Status.MISSING:
            return
        if outcome.status is not Status.GRADED and key not in self.seen:
            self.trouble[outcome.status.value.replace("_", " ")] += 1
        done = key not in self.seen
        self.seen.add(key)
        text = ", ".join(f"{count} {word}" for word, count in sorted(self.trouble.items()))
        self.progress.update(self.task, advance=int(done), trouble=escape(text))


def summarise(
    console: Console, assignment: Assignment, outcomes: Sequence[Outcome], collected: Collected, wish: Wish
) -> None:
    """Scores, failures by question, problems, and where everything is."""
    scored = [outcome for outcome in outcomes if outcome.score is not None]
    console.print(scores_table(assignment, scored, len(outcomes)))
    if scored:
        console.print(questions_table(assignment, scored))
    trouble = [outcome for outcome in outcomes if outcome.status is not Status.GRADED or outcome.flags]
    if trouble:
        console.print(problems_table(trouble[:SHOWN_PROBLEMS]))
        if len(trouble) > SHOWN_PROBLEMS:
            console.print(f"... and {len(trouble) - SHOWN_PROBLEMS} more: see scores.csv")
    for note in collected.notes[:SHOWN_PROBLEMS]:
        console.print(escape(note), highlight=False)
    for left in [one for one in collected.left_out if not one.expected][:SHOWN_PROBLEMS]:
        console.print(f"left out: {escape(left.source)}: {escape(left.reason)}", highlight=False)
    level = next((outcome.level for outcome in outcomes if outcome.level), "")
    if level:
        console.print(f"Confinement: {level}. Not prevented here: {NOT_PREVENTED.get(level, 'see the README')}.")
    console.print(
        f"Written to {escape(str(wish.out))}: scores.csv, problems.csv, feedback/, results/, {RECORD}", soft_wrap=True
    )


def scores_table(assignment: Assignment, scored: Sequence[Outcome], everybody: int) -> Table:
    table = Table(title=assignment.title, title_justify="left")
    for heading in ("graded", "of", "mean", "median", "lowest", "highest", "possible"):
        table.add_column(heading, justify="right")
    scores = sorted(outcome.score for outcome in scored if outcome.score is not None)
    if scores:
        middle = len(scores) // 2
        median = scores[middle] if len(scores) % 2 else (scores[middle - 1] + scores[middle]) / 2
        figures = [sum(scores) / len(scores), median, scores[0], scores[-1]]
    else:
        figures = []
    cells = [f"{figure:.2f}" for figure in figures] or ["-"] * 4
    table.add_row(str(len(scored)), str(everybody), *cells, f"{assignment.points:g}")
    return table


def questions_table(assignment: Assignment, scored: Sequence[Outcome]) -> Table:
    table = Table(title="By question", title_justify="left")
    for heading in ("question", "title", "full marks", "mean", "most common finding"):
        table.add_column(heading, justify="left" if heading in ("title", "most common finding") else "right")
    for question in assignment.questions.values():
        results = [result for outcome in scored for result in outcome.questions if result.id == question.id]
        full = sum(result.score >= result.points for result in results)
        mean = sum(result.score for result in results) / max(1, len(results))
        findings = Counter(
            test.verdict or test.title
            for result in results
            for test in result.tests
            if test.outcome in ("failed", "partial")
        )
        common = findings.most_common(1)
        found = f"{common[0][0]} ({common[0][1]})" if common else ""
        table.add_row(
            question.id, escape(question.title), f"{full} of {len(results)}", f"{mean:.2f} / {question.points:g}",
            escape(found),
        )  # fmt: skip
    return table


def problems_table(trouble: Sequence[Outcome]) -> Table:
    table = Table(title="To look at", title_justify="left")
    for heading in ("student", "status", "why"):
        table.add_column(heading, overflow="fold")
    for outcome in trouble:
        why = "; ".join(filter(None, [outcome.message, ", ".join(outcome.flags)]))
        table.add_row(escape(outcome.key), outcome.status.value, escape(why))
    return table


def adjust_run(run: Path, key: str, question: str, points: float | None, why: str) -> str:
    """Set points by hand, or take that back (None), and write the run's files anew; a sentence on the score.

    Raises RecordError for an unknown student or question, points out of range, or a missing reason.
    """
    record = Record.open(run / RECORD, create=False)
    try:
        with locked(run):
            before = record.outcome(key)
            if points is not None:
                now = datetime.now(UTC).isoformat(timespec="seconds")
                record.adjust(key, question, points, why, getpass.getuser(), now)
            elif not record.undo(key, question):
                raise RecordError(f"{key} has no adjustment of {question} to take back.")
            write_all(run, record)
            after = record.outcome(key)
    finally:
        record.close()
    scores = [one.score if one is not None else None for one in (before, after)]
    told = ["no score" if score is None else f"{score:g}" for score in scores]
    return f"{key}: {told[0]} -> {told[1]}"


def forget_student(run: Path, key: str) -> str:
    """Wipe a student: outcome, hand-in, executed cells, adjustments, pages. Raises RecordError for an unknown key."""
    record = Record.open(run / RECORD, create=False)
    try:
        with locked(run):
            record.forget(key)
            for folder, ending in (("feedback", "html"), ("results", "json")):
                (run / folder / f"{file_safe(key)}.{ending}").unlink(missing_ok=True)
            (run / "problems.csv").unlink(missing_ok=True)  # it may name them; `grade` writes it again
            write_all(run, record)
    finally:
        record.close()
    return f"{key} is forgotten here. Files that were exported or handed in elsewhere are yours to delete."
