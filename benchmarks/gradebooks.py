"""A class from the LMS and back, beside grading: seconds by part, from one run.

    python benchmarks/gradebooks.py [--students N]

In: Canvas's zip and gradebook are read, and students and hand-ins matched. Out: scores.csv, every LMS's gradebook file
filled in, written and read back, and the zip of pages. The record is filled as a judge would fill it, with six
questions of six tests each; that, and drawing the pages, belongs to grading and is told apart. Each part is measured
once, with the wall clock and in CPU seconds, which a busy machine changes less.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from autograder.engine.exporting import return_feedback
from autograder.engine.planning import plan
from autograder.gradebook.export import KINDS, fill, write_filled
from autograder.intake.collecting import collect
from autograder.intake.keys import file_safe
from autograder.people.roster import read_roster
from autograder.record.anonymity import overview
from autograder.record.store import Record, RunInfo
from autograder.report.scores import write_scores
from autograder.results import Outcome, QuestionResult, Status, TestResult

TITLE = "The lab"
QUESTIONS = tuple((f"q{number}", f"Question {number}", 2.0) for number in range(1, 7))
PAGE = b"<!doctype html><p>" + b"What was found, where, and what to do. " * 500  # 20 kB, as a page of the lab is


class Clock:
    """Seconds by part."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, bool, float, float]] = []

    @contextmanager
    def part(self, name: str, counts: bool = True) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.parts.append((name, counts, time.perf_counter() - wall, time.process_time() - cpu))

    def show(self, students: int) -> None:
        table = Table(title=f"{students} students", title_justify="left")
        for heading in ("part", "seconds", "CPU seconds"):
            table.add_column(heading, justify="left" if heading == "part" else "right")
        for name, counts, wall, cpu in self.parts:
            table.add_row(name if counts else f"({name}: grading)", f"{wall:.2f}", f"{cpu:.2f}")
        table.add_section()
        books = [part for part in self.parts if part[0].removeprefix("out: ") in KINDS]
        rest = [part for part in self.parts if part[1] and part not in books]
        for words, out in (("one gradebook, the slowest", [max(books, key=lambda part: part[2])]), ("all six", books)):
            wall, cpu = (sum(part[place] for part in [*rest, *out]) for place in (2, 3))
            table.add_row(f"in and out, beside grading, {words}", f"{wall:.2f}", f"{cpu:.2f}")
        Console(width=100).print(table)


def sheet(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def files_of(count: int) -> dict[str, bytes]:
    """Every LMS's gradebook of the class."""
    students = range(count)
    number, login = [f"{n:07}" for n in students], [f"s{n:05}" for n in students]
    date = "Monday, 16 November 2026, 6:12 PM"
    return {
        "canvas": sheet([
            ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Warm-up (410)", f"{TITLE} (411)"],
            ["    Points Possible", "", "", "", "", "10", "12"],
            *([f"Student{n}, Kim", str(100_000 + n), number[n], login[n], "Lab 1, Tue", "9.5", ""] for n in students),
        ]),
        "moodle": sheet([
            ["First name", "Last name", "ID number", "Email address", f"Assignment: {TITLE} (Real)"],
            *(["Kim", f"Student{n}", number[n], f"{login[n]}@example.edu", "-"] for n in students),
        ]),
        "moodle-worksheet": sheet([
            ["Identifier", "Full name", "ID number", "Status", "Grade", "Maximum grade", "Grade can be changed",
             "Last modified (submission)", "Last modified (grade)", "Feedback comments"],
            *([f"Participant {500 + n}", f"Kim Student{n}", number[n], "Submitted", "", "12.00", "Yes", date, "-", ""]
              for n in students),
        ]),
        "blackboard": sheet([
            ["Last Name", "First Name", "Username", "Student ID", f"{TITLE} [Total Pts: 12 Score] |77"],
            *([f"Student{n}", "Kim", login[n], number[n], ""] for n in students),
        ]),
        "brightspace": sheet([
            ["OrgDefinedId", "Username", f"{TITLE} Points Grade <Numeric MaxPoints:12>", "End-of-Line Indicator"],
            *([f"#{number[n]}", f"#{login[n]}", "", "#"] for n in students),
        ]),
        "sakai": sheet([
            ["Student ID", "Name", f"{TITLE} [12]"],
            *([login[n], f"Student{n}, Kim", ""] for n in students),
        ]),
    }  # fmt: skip


def download(path: Path, count: int) -> Path:
    """Canvas's zip, of notebooks of about 20 kB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(count):
            cells = [
                {"cell_type": "code", "source": f"answer_{n} = {cell}  # {'x' * 500}", "metadata": {}, "outputs": []}
                for cell in range(30)
            ]
            notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
            archive.writestr(f"student{n}kim_{100_000 + n}_{900_000 + n}_lab.ipynb", json.dumps(notebook))
    return path


def outcome(key: str) -> Outcome:
    questions = tuple(
        QuestionResult(
            id=name,
            title=title,
            points=points,
            score=1.5,
            tests=tuple(
                TestResult(id=f"{name}::{n}", question=name, title="Does it", outcome="passed", share=1.0)
                for n in range(6)
            ),
        )
        for name, title, points in QUESTIONS
    )
    return Outcome(key=key, status=Status.GRADED, score=9.0, max_score=12.0, seed=1, questions=questions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=2000)
    count = parser.parse_args().students
    clock = Clock()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for lms, content in files_of(count).items():
            (folder / f"{lms}.csv").write_bytes(content)
        submissions = download(folder / "submissions.zip", count)
        (folder / "run" / "feedback").mkdir(parents=True)
        with clock.part("in: the class list"):
            roster = read_roster(folder / "canvas.csv")
        with clock.part("in: the download"):
            collected = collect([submissions], names=("answer",))
        with clock.part("in: whose is what"):
            entries = plan(collected.submissions, roster).entries
        numbers = [int(one.key) - 100_000 for one in entries]
        planned = [  # what a class list of each LMS would have told
            replace(one, email=f"s{n:05}@example.edu", ids={
                "canvas": one.key, "number": f"{n:07}", "login": f"s{n:05}", "participant": str(500 + n),
            })
            for one, n in zip(entries, numbers, strict=True)
        ]  # fmt: skip
        record = Record.open(folder / "run" / "grades.sqlite")
        record.start_run(RunInfo("Course", "lab", TITLE, 1, "strong", {}, QUESTIONS))
        with clock.part("in: the plan into the record"):
            record.plan(planned)
        contents = {one.key: one.content for one in collected.submissions}
        with clock.part("outcomes into the record", counts=False):
            for one in planned:
                record.save(outcome(one.key), contents[one.key])
        for one in planned:
            (folder / "run" / "feedback" / f"{file_safe(one.key)}.html").write_bytes(PAGE)
        with clock.part("out: scores.csv"):
            write_scores(folder / "run" / "scores.csv", overview(record))
        for lms in KINDS:
            with clock.part(f"out: {lms}"):
                filled = fill(record, lms, folder / f"{lms}.csv")
                write_filled(filled, folder / f"{lms}-upload.csv")
            assert len(filled.changes) == count and not filled.unplaced, lms
        record.close()
        with clock.part("out: the zip of pages"):
            assert return_feedback(folder / "run", "canvas", folder / "pages.zip", Console(quiet=True)) == 0
    clock.show(count)


if __name__ == "__main__":
    main()
