"""The class list, and who of it has handed something in.

`read_roster` is called by the command line for --roster, `match` by the engine, so that everybody on the list stands in
scores.csv. A plain CSV with the columns key, name and email in any order, or what an LMS exports: Canvas's gradebook,
Moodle's grading worksheet or list of participants. Ids are text, and a student's other ids are kept for matching.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course.faults import did_you_mean, listed, nearest
from autograder.intake.faults import IntakeError
from autograder.intake.submissions import Submission

COLUMNS = ("key", "name", "email")
DELIMITERS = (",", ";", "\t")
# Of each LMS's exports: the headers by which it is known, and the field that each header fills
LMS = {
    "canvas": (("Student", "ID", "Section"),
               {"ID": "key", "Student": "name", "SIS User ID": "sis", "SIS Login ID": "login"}),
    "moodle": (("Identifier", "Full name"),
               {"Identifier": "key", "Full name": "name", "Email address": "email", "ID number": "number"}),
    "participants": (("First name", "Last name", "Email address"),
                     {"Email address": "key", "Last name": "name", "ID number": "number", "Username": "login"}),
    "blackboard": (("Last Name", "Username"), {"Username": "key", "Last Name": "name", "Student ID": "number"}),
    "brightspace": (("Username", "End-of-Line Indicator"), {"Username": "key", "OrgDefinedId": "number"}),
}  # fmt: skip
NO_STUDENTS = ("Points Possible", "Student, Test")  # rows of Canvas's export
PARTICIPANT = re.compile(r"\D+ (\d+)")
EXCEL_HINT = "sep="  # a first line by which Excel is told the delimiter


@dataclass(frozen=True)
class Student:
    """One line of the class list. `key` is text: leading zeros stay."""

    key: str
    name: str = ""
    email: str = ""
    others: tuple[str, ...] = ()  # further ids, such as a login; the strongest first


@dataclass(frozen=True)
class Roster:
    """The class, in the order of its file."""

    students: tuple[Student, ...]


@dataclass(frozen=True)
class Matched:
    """Who has handed in what. Students in the roster's order, submissions in that of their keys."""

    handed_in: tuple[tuple[Student, Submission], ...]
    missing: tuple[Student, ...]
    unmatched: tuple[Submission, ...]


def read_roster(path: Path) -> Roster:
    """The students in the CSV at `path`. Raises IntakeError with the row (the header is row 1) and what is wrong."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        there = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise IntakeError(f"There is no roster {path}{did_you_mean(path.name, there) or '.'}") from None
    except OSError as error:
        raise IntakeError(f"The roster {path} cannot be read: {error.strerror}.") from error
    rows = _rows(_text(content, path), path)
    header = next(rows, None)
    if header is None:
        raise IntakeError(f"The roster {path} is empty; expected a header row with key, name and email.")
    source, columns = _columns_of_lms(header[1]) or ("plain", _columns(header[1], path))
    students: list[Student] = []
    first_row: dict[str, int] = {}
    for number, row in rows:
        if len(row) > len(header[1]) and any(cell.strip() for cell in row[len(header[1]) :]):
            fault = f"found {len(row)} fields, expected {len(header[1])}; a name with a delimiter in it needs quotes"
            raise IntakeError(f"{path}, row {number}: {fault}.")
        if any(_cell(row, position).startswith(NO_STUDENTS) for position in columns.values()):
            continue
        fields = {name: _unescaped(_cell(row, position)) for name, position in columns.items()}
        student = Student(
            fields.pop("key"), fields.pop("name", ""), fields.pop("email", ""), tuple(filter(None, fields.values()))
        )
        if source == "moodle" and (participant := PARTICIPANT.fullmatch(student.key)):
            student = replace(student, key=participant[1])
        if not student.key:
            raise IntakeError(f"{path}, row {number}: the key is blank; every student needs one.")
        if student.key in first_row:
            raise IntakeError(
                f'{path}, row {number}: the key "{student.key}" is in row {first_row[student.key]} already.'
            )
        first_row[student.key] = number
        students.append(student)
    return Roster(tuple(students))


def match(roster: Roster, submissions: Iterable[Submission]) -> Matched:
    """Pair students and submissions whose keys are equal, but for surrounding spaces and how accents are encoded."""
    by_key: dict[str, Submission] = {}
    extra: list[Submission] = []
    known = {plain(student.key) for student in roster.students}
    aliases: dict[str, set[str]] = {}
    for student in roster.students:
        for other in filter(None, (*student.others, student.email)):
            aliases.setdefault(plain(other), set()).add(plain(student.key))
    for submission in submissions:
        key = plain(submission.key)
        if key not in known and len(aliases.get(key, ())) == 1:
            (key,) = aliases[key]  # by another id, that is nobody else's
        if key in known and key not in by_key:
            by_key[key] = submission
        else:
            extra.append(submission)
    return Matched(
        tuple((student, by_key[plain(student.key)]) for student in roster.students if plain(student.key) in by_key),
        tuple(student for student in roster.students if plain(student.key) not in by_key),
        tuple(sorted(extra, key=lambda submission: submission.key)),
    )


def plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _text(content: bytes, path: Path) -> str:
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # Excel's "Unicode text"
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise IntakeError(f'{path}, row {row}: expected UTF-8; save it as "CSV UTF-8".') from None
    if "\x00" in text:
        raise IntakeError(f"{path} is no text file; save the sheet as CSV.")
    return text


def _rows(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, with their number; a row of several lines counts as one."""
    delimiter = ""
    if text.lower().startswith(EXCEL_HINT):
        hint, _, text = text.partition("\n")
        delimiter = hint[len(EXCEL_HINT) :].strip("\r ")
        # A line was taken off the file; blank in its place, the numbers stay those of the file.
        text = "\n" + text
    if len(delimiter) != 1:
        first = next((line for line in text.splitlines() if line.strip()), "")
        delimiter = max(DELIMITERS, key=first.count)
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            if any(cell.strip() for cell in row):
                yield number, row
    except csv.Error as error:
        raise IntakeError(f"{path} is no CSV: {error}; a quote may be missing.") from error


def _columns_of_lms(header: list[str]) -> tuple[str, dict[str, int]] | None:
    """(the LMS, field -> column), if the header is that of an export."""
    titles = [plain(title) for title in header]
    for lms, (needed, fields) in LMS.items():
        if all(name in titles for name in needed):
            return lms, {field: titles.index(title) for title, field in fields.items() if title in titles}
    return None


def _unescaped(cell: str) -> str:
    """A cell without what LMSs put before a formula sign: `'=x` and `="=x"`."""
    if cell.startswith('="') and cell.endswith('"'):
        return cell[2:-1]
    if cell.startswith("#"):  # Brightspace
        return cell[1:]
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ("=", "+", "-", "@") else cell


def _columns(header: list[str], path: Path) -> dict[str, int]:
    """Where the columns are. A header near to one that is absent is a slip, and is not passed over."""
    titles = [plain(title).casefold() for title in header]
    for name in COLUMNS:
        if titles.count(name) > 1:
            raise IntakeError(f'{path}, row 1: the column "{name}" is there twice.')
    absent = [name for name in COLUMNS if name not in titles]
    for title in titles:
        meant = nearest(title, COLUMNS) if title not in COLUMNS else None
        if meant in absent:
            raise IntakeError(f'{path}, row 1: expected the column "{meant}", found "{title}".')
    if "key" in absent:
        raise IntakeError(f'{path}, row 1: expected a column "key" (and name, email), found {listed(titles)}.')
    return {name: titles.index(name) for name in COLUMNS if name in titles}


def _cell(row: list[str], position: int) -> str:
    return plain(row[position]) if position < len(row) else ""
