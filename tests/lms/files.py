"""What each LMS exports, written from the notes on its format: a file of the course with these cells in our column."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from lms.people import PEOPLE, TITLE, Somebody

Cells = Callable[[Somebody], str]
NOTHING: Cells = lambda one: ""  # noqa: E731 - a column without anything in it
DATE = "Monday, 16 November 2026, 6:12 PM"


def rows_of(rows: Sequence[Sequence[str]], delimiter: str = ",", end: str = "\r\n", quoting: int = 0) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue()


def canvas(cells: Cells, words: Cells = NOTHING, people: Sequence[Somebody] = PEOPLE) -> bytes:
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Warm-up (410)", f"{TITLE} (411)", "Final Score"]
    rows = [head, ["    Points Possible", "", "", "", "", "10", "20", "(read only)"]]
    for one in people:
        shown = f'="{one.sortable}"' if one.sortable.startswith("=") else one.sortable
        warm = f"{one.n % 10}.0"
        rows.append([shown, one.canvas, one.number, one.login, "Lab 1, Tue", warm, cells(one), "55.10"])
    rows.append(["Student, Test", "99999", "", "0a1b", "Lab 1, Tue", "", "", ""])
    return rows_of(rows).encode()


def moodle(cells: Cells, words: Cells = NOTHING, people: Sequence[Somebody] = PEOPLE) -> bytes:
    head = ["First name", "Last name", "ID number", "Email address", "Quiz: Warm-up (Real)"]
    rows = [[*head, f"Assignment: {TITLE} (Real)", "Course total (Real)", "Last downloaded from this course"]]
    for one in people:
        family = f"'{one.family}" if one.family.startswith("=") else one.family
        old = cells(one) or "-"
        rows.append([one.given, family, one.number, one.email, "-", old, "0.00", "1795000000"])
    return b"\xef\xbb\xbf" + rows_of(rows, end="\n").encode()


def worksheet(cells: Cells, words: Cells = NOTHING, people: Sequence[Somebody] = PEOPLE) -> bytes:
    head = ["Identifier", "Full name", "ID number", "Email address", "Status", "Grade", "Maximum grade"]
    tail = ["Grade can be changed", "Last modified (submission)", "Last modified (grade)", "Feedback comments"]
    rows = [[*head, *tail]]
    for one in people:
        about = [f"Participant {one.participant}", one.full, one.number, one.email, "Submitted for grading"]
        rows.append([*about, cells(one), "20.00", "Yes", DATE, "-" if one.n % 4 else DATE, words(one)])
    return rows_of(rows, end="\n", quoting=csv.QUOTE_ALL).encode()


def blackboard(cells: Cells, words: Cells = NOTHING, people: Sequence[Somebody] = PEOPLE) -> bytes:
    """Tabs, every field quoted, UTF-16 with its mark, as Blackboard's .xls is."""
    head = ["Last Name", "First Name", "Username", "Student ID", "Last Access", "Availability"]
    rows = [[*head, f"{TITLE} [Total Pts: 20 Score] |92372", "Total [Total Pts: up to 20 Score] |92370"]]
    rows += [[one.family, one.given, one.login, one.number, "", "Yes", cells(one), "3.5"] for one in people]
    return b"\xff\xfe" + rows_of(rows, "\t", quoting=csv.QUOTE_ALL).encode("utf-16-le")


def brightspace(cells: Cells, words: Cells = NOTHING, people: Sequence[Somebody] = PEOPLE) -> bytes:
    head = ["OrgDefinedId", "Username", f"{TITLE} Points Grade <Numeric MaxPoints:20 Weight:5>", "Quiz Points Grade"]
    rows = [[*head, "End-of-Line Indicator"]]
    rows += [[f"#{one.number}", f"#{one.login}", cells(one), "3.50", "#"] for one in people]
    return rows_of(rows).encode()


def sakai(cells: Cells, words: Cells = NOTHING, people: Sequence[Somebody] = PEOPLE) -> bytes:
    """With semicolons, as where decimals have a comma."""
    rows = [["Student ID", "Name", f"{TITLE} [20]", f"* {TITLE}", "Quiz [5]", "# Notes"]]
    rows += [[one.login, one.sortable, cells(one), "", "2,5", "kept; as it is"] for one in people]
    return rows_of(rows, ";", "\n").encode()


FILES = {
    "canvas": canvas, "moodle": moodle, "moodle-worksheet": worksheet, "blackboard": blackboard,
    "brightspace": brightspace, "sakai": sakai,
}  # fmt: skip
