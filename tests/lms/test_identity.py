"""Export, then import, is the identity on grades, whatever names, ids and spellings a file of the LMS may have."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.gradebook.export import KINDS, Filling, filled_in
from autograder.gradebook.template import read_template
from autograder.record.standing import Standing
from autograder.record.store import Person, RunInfo
from autograder.results import Outcome, Status

INFO = RunInfo("Course", "lab", "The lab", 1, "strong", {}, (("q1", "One", 20.0),))
# no line breaks (Canvas's first rows) and no backslash (Moodle's escape): files with these are mended, and told
names = st.text(st.characters(exclude_characters="\\", exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=10)
ids = st.text(st.sampled_from("0123456789abcXYZ.+-_é"), min_size=1, max_size=8).filter(
    lambda text: text[0] != "'" and text.strip() == text and "E+" not in text.upper()
)


@dataclass(frozen=True)
class One:
    """A student by all the ids that there are, with an old grade and a new one in cents; None is no result."""

    number: str
    login: str
    name: str
    unique: int
    old: int | None
    new: int | None


@dataclass(frozen=True)
class Sheet:
    head: list[str]
    row: Callable[[One, str], list[str]]
    column: int
    kinds: dict[str, Callable[[One], str]]
    delimiters: str
    encodings: tuple[str, ...] = ("utf-8", "utf-8-sig")


def participant(one: One) -> str:
    return str(one.unique)


SHEETS = {
    "canvas": Sheet(
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "The lab (7)", "Final Score"],
        lambda one, cell: [one.name, str(one.unique), one.number, one.login, "A", cell, "1,5"],
        5, {"canvas": participant, "login": lambda one: one.login}, ",;",
    ),
    "moodle": Sheet(
        ["First name", "ID number", "Email address", "Assignment: The lab (Real)"],
        lambda one, cell: [one.name, one.number, f"{one.unique}@example.edu", cell or "-"],
        3, {"number": lambda one: one.number}, ",;\t",
    ),
    "moodle-worksheet": Sheet(
        ["Identifier", "Full name", "Grade", "Maximum grade", "Last modified (grade)"],
        lambda one, cell: [f"Participant {one.unique}", one.name, cell, "20.00", "-"],
        2, {"participant": participant}, ",;\t",
    ),
    "blackboard": Sheet(
        ["Last Name", "Username", "Student ID", "The lab [Total Pts: 20 Score] |7"],
        lambda one, cell: [one.name, one.login, one.number, cell],
        3, {"login": lambda one: one.login}, ",\t", ("utf-8", "utf-8-sig", "utf-16"),
    ),
    "brightspace": Sheet(
        ["OrgDefinedId", "Username", "The lab Points Grade <Numeric MaxPoints:20>", "End-of-Line Indicator"],
        lambda one, cell: [f"#{one.number}", f"#{one.login}", cell, "#"],
        2, {"number": lambda one: one.number}, ",\t",
    ),
    "sakai": Sheet(
        ["Student ID", "Name", "The lab [20]", "# Notes"],
        lambda one, cell: [one.login, one.name, cell, "note"],
        2, {"login": lambda one: one.login}, ",;", ("utf-8",),
    ),
}  # fmt: skip
people = st.lists(
    st.builds(
        One, ids, ids, names, st.integers(1, 10**9), st.none() | st.integers(0, 2000), st.none() | st.integers(0, 2000)
    ),
    min_size=1,
    max_size=6,
    unique_by=(lambda one: one.number, lambda one: one.login, lambda one: one.unique),
)


def money(cents: int | None, comma: bool) -> str:
    if cents is None:
        return ""
    text = f"{cents // 100}.{cents % 100:02}"
    return text.replace(".", ",") if comma else text


@pytest.mark.parametrize("lms", SHEETS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), students=people, comma=st.booleans())
def test_grades_come_back_and_every_other_byte_is_as_it_was(
    tmp_path: Path, lms: str, data: st.DataObject, students: list[One], comma: bool
) -> None:
    sheet = SHEETS[lms]
    delimiter = data.draw(st.sampled_from(sheet.delimiters), "delimiter")
    encoding = data.draw(st.sampled_from(sheet.encodings), "encoding")
    end = data.draw(st.sampled_from(["\n", "\r\n"]), "line end")
    last = data.draw(st.booleans(), "ends with a line end")
    quotes = data.draw(st.lists(st.booleans(), min_size=len(sheet.head), max_size=len(sheet.head)), "quoted columns")

    def written(cells: list[str], before: list[str]) -> bytes:
        """`before`: what stood in our column; a cell that was quoted stays so."""
        ours = ["", *before]
        lines = [sheet.head, *(sheet.row(one, cell) for one, cell in zip(students, cells, strict=True))]
        text = "".join(
            delimiter.join(
                '"' + cell.replace('"', '""') + '"'
                if (quotes[place] and (number or lms != "canvas"))
                or {delimiter, '"'} & set(cell + (ours[number] if place == sheet.column else ""))
                else cell
                for place, cell in enumerate(line)
            )
            + end
            for number, line in enumerate(lines)
        )
        return (text if last else text.removesuffix(end)).encode(encoding)

    def read(content: bytes) -> list[str]:
        text = content.decode(encoding)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        return [row[sheet.column] for row in rows[1:]]

    old = [money(one.old, comma) for one in students]
    template = written(old, old)
    (tmp_path / "t.csv").write_bytes(template)
    standings = [
        Standing(
            Person(f"key {place}", one.name, ids={kind: of(one) for kind, of in sheet.kinds.items()}),
            Outcome(key=f"key {place}", status=Status.GRADED, score=one.new / 100, max_score=20, seed=1)
            if one.new is not None
            else Outcome(key=f"key {place}", status=Status.NOT_GRADABLE, max_score=20, seed=1),
            final=one.new / 100 if one.new is not None else None,
        )
        for place, one in enumerate(students)
    ]
    filled = filled_in(KINDS[lms], read_template(tmp_path / "t.csv"), INFO, standings, Filling(overwrite=True))
    cells = read(filled.content)
    for one, cell in zip(students, cells, strict=True):
        if one.new is not None:
            assert Decimal(cell.replace(",", ".")) == Decimal(one.new) / 100
        else:
            assert cell in (money(one.old, comma), "-")
    assert filled.content == written([cell if cell != "-" else "" for cell in cells], old)
    assert not filled.unplaced
