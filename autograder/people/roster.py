"""The class list: who is in the class, and by which ids each learning system calls them.

`read_roster` is called by the command line for --roster. It takes a plain CSV with the columns key, name and email in
any order (and more ids, see `exports.PLAIN_IDS`), or what a learning system exports (see `exports.EXPORTS`). Ids are
text: leading zeros stay. `matching` brings the students together with what was handed in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from autograder.course.faults import listed, nearest
from autograder.intake.faults import IntakeError
from autograder.intake.identity import IdKind
from autograder.people.exports import EXPORTS, PLAIN_IDS, Export
from autograder.people.findings import Finding
from autograder.people.sheets import DELIMITERS, Row, Sheet, check_width, plain, read_sheet, spoilt, unescaped

__all__ = ["Roster", "Student", "moment_of", "plain", "read_roster"]

COLUMNS = ("key", "name", "email")
PARTICIPANT = re.compile(r"\D+ (\d+)")
# Moodle's English formats (lang/en/langconfig.php: strftimedaydatetime and neighbours), Gradescope's, and ISO's
FORMATS = (
    *("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S%z"),
    *(
        f"{day}{date}, {time}"
        for day in ("%A, ", "%a, ", "")
        for date in ("%d %B %Y", "%B %d, %Y", "%d %b %Y", "%b %d, %Y")
        for time in ("%I:%M %p", "%H:%M", "%I:%M:%S %p", "%H:%M:%S")
    ),
)


@dataclass(frozen=True)
class Student:
    """One line of the class list. `key` is text: leading zeros stay.

    `ids` are what other systems call the student by; `handed_in` is the time that the list itself gives, in no zone
    where it names none.
    """

    key: str
    name: str = ""
    email: str = ""
    ids: Mapping[IdKind, str] = field(default_factory=dict)
    group: str = ""
    handed_in: datetime | None = None

    @property
    def known(self) -> Mapping[IdKind, str]:
        """All ids, the e-mail address too."""
        return {**self.ids, IdKind.EMAIL: self.email} if self.email else self.ids


@dataclass(frozen=True)
class Roster:
    """The class, in the order of its file; `findings` are rows of it that a person should look at."""

    students: tuple[Student, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(student.key for student in self.students)


def read_roster(path: Path) -> Roster:
    """The students in the list at `path`; of a student who is there twice the first row.

    Raises IntakeError with the row (rows count from 1) and what is wrong.
    """
    sheet = read_sheet(path, "roster", "key, name and email")
    rows = sheet.rows
    if len(rows) > 1 and rows[0].cell(1) == "Points" and rows[1].cell(0) == "Display ID":  # Sakai's grades.csv
        rows = rows[1:]
    header = [rows[0].cell(place) for place in range(len(rows[0].cells))]
    export = next((one for one in EXPORTS if one.fits(header)), None)
    if export is None or "key" in [title.casefold() for title in header]:
        export, header = _plain_export(header, path, rows[0].number)
    people = [(row, cells) for row in rows[1:] if not export.nobody(cells := _cells(export, header, row, sheet))]
    _refuse_spoilt(export, people, sheet)
    students: dict[str, tuple[int, Student]] = {}
    findings: list[Finding] = []
    for row, cells in people:
        student = _student(export, cells, row, sheet)
        if len(row.cells) < len(header) and any(sign in student.key for sign in DELIMITERS):
            fault = f'found {len(row.cells)} fields, expected {len(header)}, and "{student.key}" for a key'
            raise IntakeError(
                f"{path}, row {row.number}: {fault}; its fields are separated otherwise than the header's."
            )
        first = students.setdefault(_folded(student.key), (row.number, student))
        if first[0] != row.number:
            findings.append(_twice(path, first, row.number, student))
    return Roster(tuple(student for _, student in students.values()), tuple(findings))


def _cells(export: Export, header: Sequence[str], row: Row, sheet: Sheet) -> dict[str, str]:
    """A row's cells by title. Raises IntakeError for a row that is wider than the header."""
    check_width(sheet, row, len(header))
    cells: dict[str, str] = {}
    for place, title in enumerate(header):
        cell = unescaped(row.cell(place))
        cell = cell.removeprefix("#") if export.marked and title in export.ids else cell
        cells.setdefault(title, plain(cell))
    return cells


def _refuse_spoilt(export: Export, people: Sequence[tuple[Row, Mapping[str, str]]], sheet: Sheet) -> None:
    """Raises IntakeError for a column of ids whose numbers a spreadsheet has changed."""
    for title in dict.fromkeys((*export.keys, *export.ids)):
        ids = [cells.get(title, "") for _, cells in people]
        if (place := spoilt(ids)) is not None:
            fault = f'the {title} "{ids[place]}" was spoilt by a spreadsheet'
            way_out = "export the list anew, and do not save it there."
            raise IntakeError(
                f"{fault};", file=str(sheet.path), place=f"row {people[place][0].number}", way_out=way_out
            )


def _student(export: Export, cells: dict[str, str], row: Row, sheet: Sheet) -> Student:
    """Who is in the row. Raises IntakeError for a blank key."""
    ids = {}
    for title, kind in export.ids.items():
        value = cells.get(title, "")
        if kind is IdKind.PARTICIPANT and (participant := PARTICIPANT.fullmatch(value)):
            value = cells[title] = participant[1]
        if value:
            ids[kind] = value
    key = next((cells[title] for title in export.keys if cells.get(title)), "")
    if not key:
        raise IntakeError(f"{sheet.path}, row {row.number}: the key is blank; every student needs one.")
    email, login = _first(cells, export.email), ids.get(IdKind.LOGIN, "")
    if not email and "@" in login:
        ids[IdKind.EMAIL] = login
    return Student(
        key, _name(export, cells), email, ids, _first(cells, export.group), moment_of(_first(cells, export.handed_in))
    )


def _name(export: Export, cells: Mapping[str, str]) -> str:
    parts = filter(None, [_first(cells, export.family_name), _first(cells, export.given_name)])
    return _first(cells, export.full_name) or ", ".join(parts)


def _first(cells: Mapping[str, str], titles: Sequence[str]) -> str:
    return next((cells[title] for title in titles if cells.get(title)), "")


def _folded(key: str) -> str:
    return key.casefold() if "@" in key else key


def _twice(path: Path, first: tuple[int, Student], number: int, student: Student) -> Finding:
    row, counts = first
    what = f"in {path.name} in row {row} and again in row {number}"
    if student.name != counts.name:
        what += f', there as "{student.name}"'
    elif replace(student, key=counts.key) != counts:
        what += ", there with other entries"
    return Finding("student twice", counts.key, path.name, what, f"row {row} counts; delete the other one")


def moment_of(text: str) -> datetime | None:
    """The time in a cell such as "Tuesday, 17 November 2026, 6:12 PM"; None for "-" and for other languages' dates."""
    text = " ".join(text.replace("\u202f", " ").split())  # newer versions put a narrow space before PM
    for form in FORMATS if text[:1].isalnum() else ():
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None


def _plain_export(header: Sequence[str], path: Path, number: int) -> tuple[Export, list[str]]:
    """How to read a plain list, and its titles folded. A header near to one that is absent is a slip, and is told.

    Without a column "key" the strongest id there is the key.
    """
    titles = [title.casefold() for title in header]
    ids = {title: PLAIN_IDS[title] for title in titles if title in PLAIN_IDS}
    for name in (*COLUMNS, "group", *ids):
        if titles.count(name) > 1:
            raise IntakeError(f'{path}, row {number}: the column "{name}" is there twice.')
    by_kind: dict[IdKind, str] = {}
    for title, kind in ids.items():
        if kind in by_kind:
            both = f'"{by_kind[kind]}" and "{title}"'
            raise IntakeError(f"{path}, row {number}: the columns {both} hold the same kind of id; leave one out.")
        by_kind[kind] = title
    absent = [name for name in COLUMNS if name not in titles]
    for title in titles:
        meant = nearest(title, COLUMNS) if title not in (*COLUMNS, *ids) else None
        if meant in absent:
            raise IntakeError(f'{path}, row {number}: expected the column "{meant}", found "{title}".')
    strongest = tuple(by_kind[kind] for kind in IdKind if kind in by_kind)
    if "key" in absent and not strongest:
        raise IntakeError(
            f'{path}, row {number}: expected a column "key" (and name, email), found {listed(titles)}. An export of '
            "an LMS is known by its English headers."
        )
    keys = ("key",) if "key" in titles else strongest[:1]
    return Export("a plain list", (), ids, keys, ("name",), email=("email",), group=("group",)), titles
