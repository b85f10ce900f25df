"""What a person at the terminal sees of a run: a progress bar while it lasts, a summary at its end.

Called by the command line; the work is `engine.grading`'s. Progress goes to stderr, the summary to stdout.
"""

from __future__ import annotations

import contextlib
import getpass
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from autograder.course import Assignment, Course
from autograder.course.late import zone_of
from autograder.engine.attempts import taken_of
from autograder.engine.grading import Wish, grade
from autograder.engine.outputs import NAMES, remove_pages, shown_regrades, write_class, write_outputs
from autograder.engine.people import key_of, named
from autograder.engine.planning import Plan, planned_for, remembered
from autograder.engine.regrading import notes_so_far, regrades_table
from autograder.engine.slots import Slots
from autograder.gradebook.scores import number
from autograder.intake.faults import IntakeError
from autograder.intake.submissions import collect
from autograder.people.extensions import read_extensions
from autograder.record.adjustments import Adjustment, adjust, undo
from autograder.record.anonymity import made_up, naming, public_standings
from autograder.record.findings import forget_findings
from autograder.record.folder import RECORD, locked
from autograder.record.history import noting
from autograder.record.standing import Standing, by_key
from autograder.record.store import Record, RecordError, RecordFullError, now_utc
from autograder.report.rerender import write_students
from autograder.results import Outcome, Status
from autograder.terminal.summary import summarise, unused_extensions


def grade_paths(  # noqa: PLR0913
    course: Course,
    assignment: Assignment,
    paths: Sequence[Path],
    roster_path: Path | None,
    wish: Wish,
    console: Console,
    progress_console: Console,
    extensions: Path | None = None,
    match_path: Path | None = None,
    groups_path: Path | None = None,
) -> int:
    """Grade everything at `paths`; the exit code. Raises AutograderError before anything runs."""
    collected = collect(paths, names=assignment.names, layout=wish.layout, counts=assignment.attempts)
    if not collected.submissions and roster_path is None:
        raise IntakeError(f"There is no notebook in {', '.join(map(str, paths))}.")
    if extensions is not None:
        granted = read_extensions(extensions, zone_of(course.timezone), assignment.late is not None)
        wish = replace(wish, extensions=tuple(granted))
    _, known = remembered(wish.out / RECORD)
    planned, collected = planned_for(course, collected, roster_path, match_path, groups_path, wish.out / RECORD)
    wish = replace(wish, only=asked_for(wish, planned))
    wanted = {hand_in for key in wish.only for hand_in in planned.hand_ins(key)} or planned.owners.keys()
    count = sum(len(planned.owners[hand_in]) for hand_in in wanted)
    wish = replace(wish, handed_in=tuple(paths))
    if planned.strangers_alone:
        progress_console.print(
            f"None of {len(collected.submissions)} hand-ins is of a student on {escape(str(roster_path))}. Is it this "
            "class's, with the ids that the file names have? Was the download recognised (else see --layout)?"
        )
    if not wish.anonymous and (wish.out / NAMES).is_dir():
        progress_console.print("This run was anonymous until now; without --anonymous, its files will name students.")
    interrupt = Interrupt(progress_console)
    with locked(wish.out), interrupt, Bar(progress_console, count) as bar:
        since = notes_so_far(wish.out / RECORD)
        record = grade(course, assignment, collected.submissions, planned, wish, bar.heard, interrupt.watch)
    if assignment.attempts == "best":
        collected = replace(collected, notes=(*collected.notes, *taken_of(record)))
    try:
        gone = {one.key for one in known} - {one.key for one in record.planned()}
        remove_pages(wish.out, gone | set(map(naming(record), gone)))
        write_class(wish.out, record, collected, planned, paths)
    except OSError as error:
        raise RecordFullError(
            f"The files of the run cannot be written to {wish.out} ({error.strerror}). All scores are in {RECORD}: "
            f"make room, then `autograder report {wish.out}`."
        ) from None
    outcomes = record.outcomes(with_cells=False)
    if wish.anonymous:  # they name people's files
        collected = replace(collected, notes=(), left_out=())
    summarise(console, assignment, public_standings(record), collected, wish.out)
    if planned.findings:
        console.print(f"Whose is what, to look at in problems.csv: {len(planned.findings)}.")
    for sentence in unused_extensions(assignment, record.planned(), wish.anonymous):
        console.print(escape(sentence), highlight=False)
    if changed := shown_regrades(record, since):
        console.print(regrades_table(changed))
    record.close()
    if interrupt.asked:
        done = {outcome.key for outcome in outcomes}
        left = sum(not done.issuperset(rows) for rows in planned.owners.values())
        console.print(f"Stopped as you asked: {left} hand-ins are left. The same command goes on with them.")
        return 1
    return int(any(outcome.status in (Status.NOT_GRADABLE, Status.GRADER_ERROR) for outcome in outcomes))


def asked_for(wish: Wish, planned: Plan) -> tuple[str, ...]:
    """The keys that --student means. Raises IntakeError where nothing was handed in under one."""
    whose = named(planned.entries, made_up(wish.anonymous))
    meant = {text: {text} if planned.hand_ins(text) else whose.found(text) for text in wish.only}
    unknown = [text for text, keys in meant.items() if len(keys) > 1 or not any(map(planned.hand_ins, keys))]
    if unknown:
        raise IntakeError(f"--student: nothing was handed in under {', '.join(sorted(unknown))}.")
    return tuple(key for keys in meant.values() for key in keys)


def write_again(run: Path, student: str | None = None) -> list[Path]:
    """A run's files anew from its record; of one student, by key, the page and the results alone. What was written.

    Raises RecordError if there is no run, nobody has that key, or that student was not graded yet.
    """
    record = Record.open(run / RECORD, create=False)
    try:
        if student is None:
            write_outputs(run, record)
            return [run]
        written = write_students(run, record, {key_of(record, student)})
        if not written:
            raise RecordError(f"{student} was not graded yet; there is nothing to write.")
        return written
    finally:
        record.close()


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


def adjust_run(run: Path, key: str, question: str, points: float | None, why: str) -> str:
    """Set points by hand, or take that back (None), and write the run's files anew; a sentence on the score.

    Raises RecordError for an unknown student or question, points out of range, or a missing reason.
    """
    with changing(run) as record:
        key, who = key_of(record, key), getpass.getuser()
        name = naming(record)(key)
        before = by_key(record)[key]
        if points is not None:
            with noting(record, f"{question} set by hand by {who}: {why.strip()}"):
                adjust(record, [Adjustment(key, question, points, why, who, now_utc())])
        else:
            with noting(record, f"{question} no longer set by hand, by {who}"):
                if not undo(record, key, question):
                    raise RecordError(f"{key} has no adjustment of {question} to take back.")
        return told_change(name, before, by_key(record)[key])


def told_change(name: str, before: Standing, after: Standing) -> str:
    """What became of a student's score and, where that is not what counts, of what counts."""
    told = ["no score" if one.score is None else number(one.score) for one in (before, after)]
    sentence = f"{name}: {told[0]} -> {told[1]}"
    if after.excused:
        return f"{sentence}; excused, so it does not count"
    if before.final is not None and after.final is not None and (before.penalty or after.penalty):
        return f"{sentence}; after the late penalty {number(before.final)} -> {number(after.final)}"
    return sentence


@contextlib.contextmanager
def changing(run: Path) -> Iterator[Record]:
    """The record of a run that nobody else is at work on; the run's files are written anew when all went well.

    Raises RecordError if there is none, or if somebody is at work there.
    """
    record = Record.open(run / RECORD, create=False)
    try:
        with locked(run):
            yield record
            write_outputs(run, record)
    finally:
        record.close()


def forget_student(run: Path, key: str) -> str:
    """Wipe a student: outcome, hand-in, executed cells, adjustments, pages. Raises RecordError for an unknown key."""
    with changing(run) as record:
        key = key_of(record, key)
        name = naming(record)(key)
        forget_findings(record, next(one for one in record.planned() if one.key == key))
        record.forget(key)
        remove_pages(run, {key, name})
    return (
        f"{name} is forgotten here. Files that were exported or handed in elsewhere are yours to delete; who is still "
        "in the download or on the roster is back with the next `grade`."
    )
