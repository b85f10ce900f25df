"""A plain class list is read as text, strictly; what is wrong in it is told with its row."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.intake.faults import IntakeError
from autograder.people.roster import Roster, Student, read_roster

ADA = Student("007", "Student, Ada", "ada@example.edu")


def roster_in(folder: Path, content: str | bytes) -> Roster:
    path = folder / "roster.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_roster(path)


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(IntakeError) as raised:
        roster_in(folder, content)
    return str(raised.value)


@pytest.mark.parametrize(
    "content",
    [
        'key,name,email\n007,"Student, Ada",ada@example.edu\n',
        'Email;Seat; KEY ;Name\r\nada@example.edu;3; 007 ;"Student, Ada"\r\n',
        "key\tname\temail\n\n007\tStudent, Ada\tada@example.edu\n\n",
        'sep=;\nkey;name;email\n007;"Student, Ada";ada@example.edu\n',
        'key,name,email\n007,"Student, Ada",ada@example.edu\n'.encode("utf-8-sig"),
        "key\tname\temail\n007\tStudent, Ada\tada@example.edu\n".encode("utf-16"),
        'key,name,email\n007,"Student, Ada",ada@example.edu,,\n',
    ],
)
def test_every_usual_kind_of_csv_gives_the_same_student(tmp_path: Path, content: str | bytes) -> None:
    assert roster_in(tmp_path, content).students == (ADA,)


def test_name_and_email_may_be_left_out(tmp_path: Path) -> None:
    assert roster_in(tmp_path, "key\n0012\n").students == (Student("0012"),)


def test_a_short_row_has_blank_ends(tmp_path: Path) -> None:
    assert roster_in(tmp_path, "key,name,email\na\n").students == (Student("a", "", ""),)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("name,email\nx,y\n", 'row 1: expected a column "key" (and name, email), found name, email'),
        ("kye,name\na,b\n", 'row 1: expected the column "key", found "kye"'),
        ("key,nmae\na,b\n", 'row 1: expected the column "name", found "nmae"'),
        ("key,key\na,b\n", 'row 1: the column "key" is there twice'),
        ("key,name\na,x\n ,y\n", "row 3: the key is blank"),
        ("key,name\na,Student, Ada\n", "row 2: found 3 fields, expected 2"),
        ('key,name\na,"Student\n', "is no CSV"),
        (b"key,name\na,x\nb,Zo\xe9\n", "row 3: expected UTF-8"),
        (b"PK\x03\x04\x00\x00key", "is no text file; save the sheet as CSV"),
    ],
)
def test_what_is_wrong_is_told_with_its_row(tmp_path: Path, content: str | bytes, said: str) -> None:
    assert said in refusal(tmp_path, content)


def test_rows_separated_otherwise_than_the_header_are_refused_with_the_row(tmp_path: Path) -> None:
    said = refusal(tmp_path, "key;name;email\n007,Ada,ada@example.edu\n")
    assert 'row 2: found 1 fields, expected 3, and "007,Ada,ada@example.edu" for a key' in said


def test_a_missing_roster_is_told_with_its_near_neighbour(tmp_path: Path) -> None:
    roster_in(tmp_path, "key\na\n")
    with pytest.raises(IntakeError, match=r'did you mean "roster\.csv"'):
        read_roster(tmp_path / "rooster.csv")
