"""The class lists that learning systems export are read as they come, awkward names, marks and all."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from autograder.intake.faults import IntakeError
from autograder.intake.identity import IdKind
from autograder.people.roster import Student, moment_of, read_roster

NAMES = (
    *('Student "Cy", Cem', "O'Student, Ben", "Ştudent, Dilârâ", "طالب, نور", "学生, 美", "Student 🙂, Fay"),
    *("van der Student, Ida-Jo", "NA, Null", "Student, Test-Ada", "=Student, Hal"),
)


def text_of(*rows: list[str], delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\r\n", quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return file.getvalue()


def read(folder: Path, content: str | bytes, name: str = "list.csv") -> tuple[Student, ...]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_roster(path).students


def login(n: int) -> str:
    return f"{n:04}"


def number(n: int) -> str:
    return f"00{n}7"


def split(name: str) -> list[str]:
    return name.split(", ")


def test_a_canvas_gradebook_gives_ids_of_three_kinds_and_no_row_that_is_no_student(tmp_path: Path) -> None:
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Lab (41)", "Final Score"]
    rows = [
        [f'="{name}"' if name[0] == "=" else name, str(9000 + n), number(n), f"u+{n}@example.edu", "Lab 1, Tue", "", ""]
        for n, name in enumerate(NAMES)
    ]
    content = text_of(
        head, ["", "", "", "", "", "Manual Posting", ""], ["    Points Possible", "", "", "", "", "20", "(read only)"],
        *rows, ["Student, Test", "9999", "", "abc", "Lab 1", "", ""],
    )  # fmt: skip
    found = read(tmp_path, content)
    assert [student.name for student in found] == list(NAMES)
    login = "u+1@example.edu"
    ids = {IdKind.CANVAS: "9001", IdKind.NUMBER: "0017", IdKind.LOGIN: login, IdKind.EMAIL: login}
    assert found[1] == Student("9001", NAMES[1], "", ids)


def test_a_canvas_gradebook_may_have_two_columns_for_the_name(tmp_path: Path) -> None:
    content = text_of(["LastName", "FirstName", "ID", "Section", "Lab (41)"], ["Student", "Ada", "012", "x", ""])
    assert read(tmp_path, content) == (Student("012", "Student, Ada", "", {IdKind.CANVAS: "012"}),)


def test_a_moodle_worksheet_gives_participants_teams_and_times(tmp_path: Path) -> None:
    head = ["Identifier", "Full name", "ID number", "Email address", "Status", "Group", "Grade", "Maximum grade"]
    head += ["Last modified (submission)", "Last modified (grade)", "Feedback comments"]
    when = "Tuesday, 17 November 2026, 6:12 PM"
    rows = [
        [f"Participant {100 + n}", f"'{name}" if name[0] == "=" else name, number(n), f"k+{n}@example.edu", "Submitted",
         f"Team {n % 2}", "", "20.00", when if n else "-", "-", ""]
        for n, name in enumerate(NAMES)
    ]  # fmt: skip
    found = read(tmp_path, text_of(head, *rows, quoting=csv.QUOTE_ALL).encode("utf-8-sig"))
    assert [student.name for student in found] == list(NAMES)
    ids = {IdKind.PARTICIPANT: "101", IdKind.NUMBER: "0017"}
    assert found[1] == Student("101", NAMES[1], "k+1@example.edu", ids, "Team 1", datetime(2026, 11, 17, 18, 12))
    assert found[0].handed_in is None


def test_a_moodle_worksheet_of_blind_marking_has_no_names(tmp_path: Path) -> None:
    content = text_of(["Identifier", "Status", "Grade", "Last modified (grade)"], ["Participant 0017", "", "", "-"])
    assert read(tmp_path, content) == (Student("0017", "", "", {IdKind.PARTICIPANT: "0017"}),)


def test_a_list_of_moodles_participants_has_its_addresses_as_keys(tmp_path: Path) -> None:
    rows = [[*reversed(split(name)), number(n), f"k{n}@example.edu", "Lab A, Lab B"] for n, name in enumerate(NAMES)]
    content = text_of(["First name", "Last name", "ID number", "Email address", "Groups"], *rows, delimiter=";")
    found = read(tmp_path, content)
    assert [student.name for student in found[:-1]] == list(NAMES[:-1])
    assert found[1] == Student("k1@example.edu", NAMES[1], "k1@example.edu", {IdKind.NUMBER: "0017"}, "Lab A, Lab B")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_blackboards_file_is_read_in_both_its_forms(tmp_path: Path, encoding: str) -> None:
    head = [
        "Last Name",
        "First Name",
        "Username",
        "Student ID",
        "Last Access",
        "Availability",
        "Lab [Total Pts: 20 Score] |9",
    ]
    rows = [[*split(name), login(n), number(n), "", "Yes", "Needs Grading(8)"] for n, name in enumerate(NAMES)]
    delimiter = "\t" if encoding == "utf-16" else ","
    content = text_of(head, *rows, delimiter=delimiter, quoting=csv.QUOTE_ALL).encode(encoding)
    found = read(tmp_path, content, "gc_column.xls")
    assert [student.name for student in found] == list(NAMES)
    assert found[1] == Student("0001", NAMES[1], "", {IdKind.LOGIN: "0001", IdKind.NUMBER: "0017"})


def test_brightspaces_mark_before_ids_is_no_part_of_them(tmp_path: Path) -> None:
    head = ["OrgDefinedId", "Username", "Last Name", "First Name", "Email", "Lab Points Grade", "End-of-Line Indicator"]
    content = text_of(head, ["#0017", "#0001", "#Student", "Ben", "b@example.edu", "", "#"])
    ids = {IdKind.NUMBER: "0017", IdKind.LOGIN: "0001"}
    assert read(tmp_path, content) == (Student("0001", "#Student, Ben", "b@example.edu", ids),)


def test_brightspace_without_user_names_goes_by_the_other_id(tmp_path: Path) -> None:
    content = text_of(["OrgDefinedId", "Lab Points Grade", "End-of-Line Indicator"], ["#0017", "", "#"])
    assert read(tmp_path, content) == (Student("0017", "", "", {IdKind.NUMBER: "0017"}),)


def test_sakais_gradebook_and_its_list_of_an_upload_have_the_same_key(tmp_path: Path) -> None:
    book = text_of(["Student ID", "Name", "Lab [20]", "* Lab"], ["0001", NAMES[1], "", ""], delimiter=";")
    upload = '"Lab, one",Points,,,\r\n,,,,\r\n' + text_of(
        ["Display ID", "ID", "Last Name", "First Name", "grade"], ["B-17", "0001", *split(NAMES[1]), ""]
    )
    assert read(tmp_path, book) == (Student("0001", NAMES[1], "", {IdKind.LOGIN: "0001"}),)
    assert read(tmp_path, upload.encode("utf-16"), "grades.csv") == (
        Student("0001", NAMES[1], "", {IdKind.LOGIN: "0001", IdKind.NUMBER: "B-17"}),
    )


def test_gradescopes_lists_have_the_address_as_key(tmp_path: Path) -> None:
    scores = text_of(
        ["First Name", "Last Name", "SID", "Email", "Sections", "Total Score", "Status", "Submission Time"],
        [*reversed(split(NAMES[1])), "0017", "b@example.edu", "", "", "Ungraded", "2026-11-16 18:12:05 -0800"],
    )
    zone = timezone(timedelta(hours=-8))
    ids = {IdKind.NUMBER: "0017"}
    when = datetime(2026, 11, 16, 18, 12, 5, tzinfo=zone)
    assert read(tmp_path, scores) == (Student("b@example.edu", NAMES[1], "b@example.edu", ids, "", when),)
    roster = text_of(["Name", "Email", "SID", "Section"], ["Ben O'Student", "b@example.edu", "", "1"])
    assert read(tmp_path, roster) == (Student("b@example.edu", "Ben O'Student", "b@example.edu"),)


def test_github_classrooms_list_brings_logins_to_identifiers(tmp_path: Path) -> None:
    rows = (["0001", "Ada-Codes", "55", "Student, Ada"], ["0002", "", "", "Student, Ben"])
    content = text_of(["identifier", "github_username", "github_id", "name"], *rows, quoting=csv.QUOTE_ALL)
    ada, ben = read(tmp_path, content)
    assert ada == Student("0001", "Student, Ada", "", {IdKind.GITHUB: "Ada-Codes"})
    assert ben == Student("0002", "Student, Ben")


def test_a_plain_list_may_have_ids_of_other_systems_and_a_group(tmp_path: Path) -> None:
    content = "key,name,email,Canvas ID,username,group\n007,A,a@example.edu,9001,ada,Blue\n"
    ids = {IdKind.CANVAS: "9001", IdKind.LOGIN: "ada"}
    assert read(tmp_path, content) == (Student("007", "A", "a@example.edu", ids, "Blue"),)


def test_a_plain_list_without_a_key_goes_by_its_strongest_id(tmp_path: Path) -> None:
    assert read(tmp_path, "login,canvas,name\nada,0017,A\n") == (
        Student("0017", "A", "", {IdKind.LOGIN: "ada", IdKind.CANVAS: "0017"}),
    )


def test_a_student_who_is_there_twice_counts_once_and_is_told_with_both_rows(tmp_path: Path) -> None:
    (tmp_path / "class.csv").write_text("key,name\na,x\nb,y\n a ,z\nb,y\n")
    roster = read_roster(tmp_path / "class.csv")
    assert roster.students == (Student("a", "x"), Student("b", "y"))
    assert [(one.kind, one.student) for one in roster.findings] == [("student twice", "a"), ("student twice", "b")]
    assert roster.findings[0].what == 'in class.csv in row 2 and again in row 4, there as "z"'
    assert roster.findings[1].what == "in class.csv in row 3 and again in row 5"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Student,ID,Section,Lab (1)\nA,1.04E+05,x,\n", 'row 2: the ID "1.04E+05" was spoilt by a spreadsheet'),
        ("key,username,login\na,b,c\n", 'the columns "username" and "login" hold the same kind of id'),
        ("key,sid,sid\na,b,c\n", 'the column "sid" is there twice'),
        ("First name,Last name,Email address\nA,B,\n", "row 2: the key is blank"),
    ],
)
def test_a_spoilt_or_unclear_list_is_refused(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(IntakeError) as raised:
        read(tmp_path, content)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Tuesday, 17 November 2026, 6:12 PM", datetime(2026, 11, 17, 18, 12)),
        ("Tuesday, November 17, 2026, 12:05\u202fAM", datetime(2026, 11, 17, 0, 5)),
        ("17 November 2026, 18:12", datetime(2026, 11, 17, 18, 12)),
        ("Dienstag, 17. November 2026, 18:12", None),
        ("-", None),
        ("", None),
        ("Tuesday, 31 November 2026, 6:12 PM", None),
    ],
)
def test_times_are_read_in_english_formats_and_else_unknown(text: str, moment: datetime | None) -> None:
    assert moment_of(text) == moment
