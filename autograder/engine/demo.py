"""`autograder demo`: a made-up class, graded end to end, each mark held against the one it was made to earn.

The class belongs to the course and lies beside its solution: `made_up_class.make_class` gives `count` students. A
course without one has its graders' catalogue of right answers and mistakes shown.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.authoring.catalogue import FILE, load_catalogue, load_module
from autograder.authoring.made_up import make_class
from autograder.authoring.master import read_master
from autograder.course import Assignment, Course, CourseError
from autograder.engine.options import Options
from autograder.engine.running import grade_class
from autograder.gradebook.export import fill, write_filled
from autograder.record.folder import RECORD
from autograder.record.store import Record
from autograder.report.outputs import CLASS_PAGE
from autograder.results import Outcome

NEAR = 0.005  # points; scores are rounded to 2 decimals
PACKAGE = "made_up_class"


class MadeUpStudent(Protocol):
    """What the demo asks of a student who does not exist; `expected` is points by question, empty without a score."""

    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def filename(self) -> str: ...
    @property
    def content(self) -> bytes: ...
    @property
    def expected_status(self) -> str: ...
    @property
    def expected(self) -> Mapping[str, float]: ...
    @property
    def about(self) -> str: ...


def class_maker(course: Course, assignment: Assignment) -> Callable[[int, int], Sequence[MadeUpStudent]]:
    """The course's own `make_class(count, seed)`, else one of its catalogue. Raises CourseError if it has neither."""
    folder = course.made_up_class_dir(assignment)
    if (folder / "__init__.py").is_file():
        made: Callable[[int, int], Sequence[MadeUpStudent]] = load_module(folder / "__init__.py", PACKAGE).make_class
        return made
    points = {question.id: question.points for question in assignment.questions.values()}
    catalogue = load_catalogue(course.graders_dir(assignment), points)
    if not catalogue.entries:
        raise CourseError(
            f"{assignment.id} has no class to show: there is neither {folder} nor a catalogue of answers "
            f"({course.graders_dir(assignment) / FILE}). Grade your own instead."
        )
    return partial(make_class, read_master(course.master_path(assignment)), catalogue, points)


def run_demo(
    course: Course, assignment: Assignment, count: int, options: Options, console: Console, progress_console: Console
) -> int:
    """Make, grade and compare; 0 if every mark is as expected, else 1. An old run in the folder is replaced."""
    people = class_maker(course, assignment)(count, options.seed)
    folder = options.out / "handed-in"
    write_class(people, folder)
    roster = write_roster(people, options.out / "roster.csv")
    for old in options.out.glob(f"{RECORD}*"):
        old.unlink()
    secret = hashlib.sha256(f"demo {options.seed}".encode()).digest()  # nobody here would look for it
    options = replace(options, paths=(folder,), roster=roster, secret=secret)
    grade_class(course, assignment, options, console, progress_console)
    record = Record.open(options.out / RECORD, create=False)
    outcomes = {outcome.key: outcome for outcome in record.outcomes()}
    rows = [(person, outcomes.get(person.key), unlike(person, outcomes.get(person.key))) for person in people]
    console.print(comparison(rows, assignment))
    template = write_gradebook(people, assignment, options.out / "gradebook-as-canvas-exported-it.csv")
    filled, upload = fill(record, "canvas", template), options.out / "gradebook-canvas.csv"
    write_filled(filled, upload)
    record.close()
    told = f"{len(filled.changes)} grades filled into {escape(str(upload))}, the gradebook that Canvas exported."
    console.print(told, soft_wrap=True)
    wrong = sum(1 for _, _, difference in rows if difference)
    console.print(
        f"{len(rows) - wrong} of {len(rows)} as expected, run seed {options.seed}. "
        f"Class, pages and scores are in {escape(str(options.out))}.",
        soft_wrap=True,
    )
    console.print(f"The class at a glance: {escape(str(options.out / CLASS_PAGE))}", soft_wrap=True)
    return int(wrong > 0)


def write_class(people: Sequence[MadeUpStudent], folder: Path) -> None:
    """The hand-ins as plain files, the folder's old notebooks removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.ipynb"):
        old.unlink()
    for person in people:
        (folder / person.filename).write_bytes(person.content)


def write_roster(people: Sequence[MadeUpStudent], path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["key", "name", "email"])
        writer.writerows([person.key, person.name, person.email] for person in people)
    return path


def write_gradebook(people: Sequence[MadeUpStudent], assignment: Assignment, path: Path) -> Path:
    """A gradebook as Canvas would export it for this class, without a grade."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(["Student", "ID", "SIS User ID", "SIS Login ID", "Section", f"{assignment.title} (1001)"])
        writer.writerow(["    Points Possible", "", "", "", "", f"{assignment.points:g}"])
        for number, person in enumerate(people, 2001):
            writer.writerow([person.name, number, "", person.key, "Section 1", ""])
    return path


def unlike(person: MadeUpStudent, outcome: Outcome | None) -> str:
    """How the outcome differs from what was expected; "" if it does not."""
    if outcome is None:
        return "no outcome"
    if outcome.status != person.expected_status:
        return f"{outcome.status.value} instead of {person.expected_status}"
    if outcome.score is None:
        return ""
    got = {question.id: question.score for question in outcome.questions}
    off = [
        f"{name} {got.get(name, 0):g} instead of {points:g}"
        for name, points in person.expected.items()
        if abs(got.get(name, 0) - points) > NEAR
    ]
    return ", ".join(off)


def comparison(rows: Sequence[tuple[MadeUpStudent, Outcome | None, str]], assignment: Assignment) -> Table:
    """Expected beside graded, one line a student."""
    table = Table(title=f"Expected and graded, of {assignment.points:g} points", title_justify="left")
    table.add_column("student", no_wrap=True)
    table.add_column("what was made", overflow="fold")
    table.add_column("expected", justify="right")
    table.add_column("graded", justify="right")
    table.add_column("")
    for person, outcome, difference in rows:
        scored = person.expected_status in ("graded", "partial")
        expected = f"{sum(person.expected.values()):g}" if scored else person.expected_status.replace("_", " ")
        graded = "-" if outcome is None else outcome.status.value.replace("_", " ")
        if outcome is not None and outcome.score is not None:
            graded = f"{outcome.score:g}"
        mark = f"[red]{escape(difference)}[/red]" if difference else "[green]=[/green]"
        table.add_row(escape(person.key), escape(person.about), expected, graded, mark)
    return table
