"""A class list is read as text, strictly, and matched to what was handed in."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from autograder.intake.faults import IntakeError
from autograder.intake.roster import Roster, Student, match, read_roster
from autograder.intake.submissions import Submission

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
        'Email;Group; KEY ;Name\r\nada@example.edu;3; 007 ;"Student, Ada"\r\n',
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
        ("key,name\na,x\nb,y\n a ,z\n", 'row 4: the key "a" is in row 2 already'),
        ("key,name\na,Student, Ada\n", "row 2: found 3 fields, expected 2"),
        ('key,name\na,"Student\n', "is no CSV"),
        (b"key,name\na,x\nb,Zo\xe9\n", "row 3: expected UTF-8"),
        (b"PK\x03\x04\x00\x00key", "is no text file; save the sheet as CSV"),
    ],
)
def test_what_is_wrong_is_told_with_its_row(tmp_path: Path, content: str | bytes, said: str) -> None:
    assert said in refusal(tmp_path, content)


def test_a_missing_roster_is_told_with_its_near_neighbour(tmp_path: Path) -> None:
    roster_in(tmp_path, "key\na\n")
    with pytest.raises(IntakeError, match=r'did you mean "roster\.csv"'):
        read_roster(tmp_path / "rooster.csv")


def submission(key: str) -> Submission:
    return Submission(key, b"{}", f"{key}.ipynb", f"class/{key}.ipynb")


def test_everybody_is_handed_in_missing_or_unmatched() -> None:
    roster = Roster((Student("b"), Student("a"), Student("c")))
    matched = match(roster, [submission("a"), submission("x"), submission("c")])
    assert [(student.key, handed.key) for student, handed in matched.handed_in] == [("a", "a"), ("c", "c")]
    assert [student.key for student in matched.missing] == ["b"]
    assert [handed.key for handed in matched.unmatched] == ["x"]


def test_spaces_around_a_key_and_how_accents_are_encoded_do_not_matter() -> None:
    matched = match(Roster((Student(" zoë "),)), [submission(unicodedata.normalize("NFD", "zoë"))])
    assert (len(matched.handed_in), matched.missing, matched.unmatched) == (1, (), ())


def test_letter_case_and_leading_zeros_do_matter() -> None:
    matched = match(Roster((Student("Ada"), Student("007"))), [submission("ada"), submission("7")])
    assert matched.handed_in == ()


def test_a_second_hand_in_for_one_student_is_not_lost() -> None:
    matched = match(Roster((Student("a"),)), [submission("a"), submission("a ")])
    assert [handed.key for handed in matched.unmatched] == ["a "]
