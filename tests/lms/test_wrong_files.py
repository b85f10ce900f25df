"""A file that is not this course's, or that a spreadsheet or a broken download has spoilt, is refused with the row."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.gradebook.export import KINDS, Filling, fill, filled_in
from autograder.gradebook.joining import joined
from autograder.gradebook.template import TemplateError, read_template
from autograder.record.standing import standings
from autograder.record.store import Person
from lms.files import FILES, canvas
from lms.people import PEOPLE, run_of

Spoil = Callable[[bytes], bytes]


def swapped(old: str, new: str, count: int = -1) -> Spoil:
    return lambda content: content.replace(old.encode(), new.encode(), count)


def in_utf16(spoil: Spoil) -> Spoil:
    return lambda content: b"\xff\xfe" + spoil(content.decode("utf-16").encode()).decode().encode("utf-16-le")


def without_rows(keep: int) -> Spoil:
    return lambda content: b"".join(content.splitlines(keepends=True)[:keep])


def cut(count: int) -> Spoil:
    return lambda content: content[:-count]


def within_a_quote(content: bytes) -> bytes:
    return content[: content.rindex(b'"Lab 1, Tue"') + 5]


TITLE = "Dipping into PyTorch"
DATES = ("Monday, 16 November 2026, 6:12 PM", "2026-11-16 18:12")
SPOILT: list[tuple[str, str, Spoil, str]] = [
    # another assignment
    ("canvas", "other title", swapped(TITLE, "Another lab"), "row 1: no column is called"),
    ("canvas", "other points", swapped("10,20,(read", "10,25,(read"), "row 2: 25 points are possible there, 20 here"),
    ("canvas", "read only", swapped("10,20,(read", "10,(read only),(read"), "row 2: "),
    ("canvas", "no id", swapped(f"{TITLE} (411)", TITLE), "has no id in brackets"),
    ("canvas", "twice", swapped("Warm-up (410)", f"{TITLE} (410)"), "2 columns are"),
    ("canvas", "quite the same twice", swapped("Warm-up (410)", f"{TITLE} (411)"), "cannot tell them apart"),
    ("moodle", "other title", swapped(TITLE, "Last week's"), "row 1: no column is called"),
    ("moodle", "percentages", swapped(f"{TITLE} (Real)", f"{TITLE} (Percentage)"), "grade display type Real"),
    ("moodle", "twice", swapped("Quiz: Warm-up", f"Assignment: {TITLE}"), "cannot tell them apart"),
    ("moodle-worksheet", "other points", swapped("20.00", "25.00"), "row 2: 25.00 points are possible there"),
    ("moodle-worksheet", "scale", swapped("Maximum grade", "Scale"), "by a scale"),
    ("blackboard", "other title", in_utf16(swapped(TITLE, "Another lab")), "row 1: no column is called"),
    ("blackboard", "other points", in_utf16(swapped("Total Pts: 20 Score", "Total Pts: 25 Score")), "25 points"),
    ("blackboard", "no number", in_utf16(swapped(" |92372", "")), "has lost its number after |"),
    ("blackboard", "letters", in_utf16(swapped("Pts: 20 Score", "Pts: 20 Letter")), "takes no score"),
    ("brightspace", "other points", swapped("MaxPoints:20", "MaxPoints:25"), "25 points are possible"),
    ("brightspace", "symbols", swapped(f"{TITLE} Points Grade", f"{TITLE} Grade Symbol"), "symbols or text"),
    ("sakai", "other points", swapped("PyTorch [20]", "PyTorch [25]"), "25 points are possible"),
    ("sakai", "twice", swapped("Quiz [5]", f"{TITLE} [20]"), "two columns are called"),
    ("sakai", "blank header", swapped("Quiz [5]", ""), "column 5 has no header"),
    ("sakai", "odd brackets", swapped("Quiz [5]", "Quiz [5] b"), "stops Sakai's import"),
    # opened in a spreadsheet
    ("canvas", "1.04E+05", swapped(",9007,", ",9.007E+03,"), 'row 4: the id "9.007E+03" was spoilt by a spreadsheet'),
    (
        "canvas",
        "zeros lost",
        swapped(",9007,0002,", ",9007,2,"),
        'row 4: "SIS User ID" is "2", in the run',
    ),
    ("blackboard", "1.04E+05", in_utf16(swapped('"0002"', '"2E+00"')), "was spoilt by a spreadsheet"),
    ("blackboard", "zeros lost", in_utf16(swapped('"0004"\t"0005"', '"4"\t"0005"')), 'row 6: "Username" is "4"'),
    ("brightspace", "zeros lost", swapped("#0005,", "#5,"), 'row 6: "OrgDefinedId" is "5", in the run it is "0005"'),
    ("sakai", "zeros lost", swapped("\n0004;", "\n4;"), "lost its zeros in a spreadsheet"),
    ("moodle", "zeros lost", swapped(",0005,", ",5,"), 'row 6: "ID number" is "5"'),
    ("moodle-worksheet", "dates changed", swapped(*DATES), 'row 2: a spreadsheet has changed "Last modified'),
    ("moodle-worksheet", "dates as numbers", swapped(DATES[0], "46342.758333"), "row 2: a spreadsheet has changed"),
    ("canvas", "other encoding", lambda content: content.decode().encode("cp1252", "replace"), "it is not UTF-8"),
    ("canvas", "a workbook", lambda content: b"PK\x03\x04" + content, "a spreadsheet's workbook"),
    # saved in part
    ("canvas", "within a row", cut(70), "the file was saved in part"),
    ("canvas", "within a quote", within_a_quote, "a quote is not closed"),
    ("canvas", "rows are missing", without_rows(30), "here it ends, and"),
    ("moodle", "rows are missing", without_rows(30), "row 30: here it ends, and"),
    ("moodle-worksheet", "rows are missing", without_rows(30), "row 30: here it ends, and"),
    ("sakai", "within a row", cut(20), "row 45: it has"),
    ("brightspace", "within the last field", cut(3), "row 45: it does not end in #"),
    ("canvas", "the header alone", without_rows(2), "there is no student in it"),
    ("sakai", "nothing", lambda content: b"", "is empty"),
    # other slips
    ("canvas", "an id twice", swapped(",9014,", ",9007,"), 'row 5: the id "9007" is in row 4 already'),
    ("canvas", "an id twice to Canvas", swapped(",9014,", ",09007.0,"), 'row 5: the id "9007" is in row 4 already'),
    ("moodle-worksheet", "an id twice", swapped("Participant 9007", "Participant 9014"), "already"),
    ("blackboard", "no user name", in_utf16(swapped('"0002"\t"0003"', '""\t"0003"')), "row 4: it has no Username"),
    (
        "moodle",
        "a grade in words",
        swapped("0005@Example.edu,-,-", "0005@Example.edu,-,none"),
        'row 7: "none" is no number there',
    ),
    ("canvas", "columns moved", swapped("SIS User ID,SIS Login ID", "SIS Login ID,SIS User ID"), "Canvas refuses"),
]


def refused(tmp_path: Path, lms: str, content: bytes, said: str, **wishes: str) -> None:
    path = tmp_path / "template.csv"
    path.write_bytes(content)
    record = run_of(lms, **wishes)
    try:
        with pytest.raises(TemplateError, match=re.escape(said)) as caught:
            fill(record, lms, path)
    finally:
        record.close()
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("lms", "what", "spoil", "said"), SPOILT, ids=[f"{lms}: {what}" for lms, what, *_ in SPOILT])
def test_a_spoilt_file_is_refused_with_the_row_and_the_reason(
    tmp_path: Path, lms: str, what: str, spoil: Spoil, said: str
) -> None:
    content = FILES[lms](lambda one: "")
    assert spoil(content) != content
    refused(tmp_path, lms, spoil(content), said)


@pytest.mark.parametrize("lms", FILES)
@pytest.mark.parametrize("others", FILES)
def test_the_file_of_another_lms_is_refused(tmp_path: Path, lms: str, others: str) -> None:
    if lms != others:
        refused(tmp_path, lms, FILES[others](lambda one: ""), "row 1: ")


STRANGERS = [replace(one, n=one.n + 200, family=f"Other{one.n}") for one in PEOPLE]


@pytest.mark.parametrize("lms", FILES)
@pytest.mark.parametrize("repeaters", [0, 9])
def test_another_courses_or_last_years_file_is_refused(tmp_path: Path, lms: str, repeaters: int) -> None:
    content = FILES[lms](lambda one: "", people=[*PEOPLE[:repeaters], *STRANGERS[:30]])
    said = f"few of the people in it are the run's: {repeaters} of" if repeaters else "nobody of the run stands in it"
    refused(tmp_path, lms, content, said)


def test_a_section_alone_is_taken_if_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(canvas(lambda one: "", people=PEOPLE[:30]))
    record = run_of("canvas")
    filled = fill(record, "canvas", path, Filling(part=True))
    record.close()
    assert len(filled.unplaced) > 5 and len(filled.changes) > 20


@pytest.mark.parametrize(
    ("lms", "title", "said"),
    [
        ("canvas", "Lab Final Score", 'takes a column with "Final Score" in its title for a total'),
        ("canvas", "Override Grade of the lab", "for a total and passes it over"),
        ("sakai", "Lab [hard]", 'takes what stands after "["'),
        ("sakai", "# Lab", 'begins with "#"'),
        ("sakai", "*Lab", 'begins with "*"'),
    ],
)
def test_a_title_that_the_lms_would_misread_is_refused_with_the_reason(
    tmp_path: Path, lms: str, title: str, said: str
) -> None:
    content = FILES[lms](lambda one: "").replace(TITLE.encode(), title.encode())
    refused(tmp_path, lms, content, said, title=title)


def test_more_points_than_possible_are_refused(tmp_path: Path) -> None:
    content = canvas(lambda one: "").replace(b"10,20,(read", b"10,19.5,(read")
    refused(tmp_path, "canvas", content, "19.5 points are possible there", places=0)
    path = tmp_path / "t.csv"
    path.write_bytes(canvas(lambda one: "").replace(b"10,20,(read", b"10,7,(read"))
    record = run_of("canvas", points=7.0)  # whose scores are up to 20
    with pytest.raises(TemplateError, match=r"row \d+: \d+ has [\d.]+, more than the 7 that are possible"):
        fill(record, "canvas", path)
    record.close()


def test_two_of_ours_in_one_row_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(canvas(lambda one: ""))
    template, sheet = read_template(path), KINDS["canvas"]
    twins = [Person("a", ids={"canvas": "9007"}), Person("b", ids={"login": "0001"})]
    with pytest.raises(TemplateError, match="row 4: both a and b of the run are matched to it"):
        joined(template, range(2, 46), sheet.id_columns(template.titles), twins)


def test_the_strongest_id_counts_and_a_weaker_one_that_says_otherwise_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(canvas(lambda one: ""))
    template, sheet = read_template(path), KINDS["canvas"]
    torn = [Person("a", ids={"canvas": "9007", "login": "0002"}), Person("b", ids={"canvas": "9014"})]
    found = joined(template, range(2, 46), sheet.id_columns(template.titles), torn)
    assert found.row_of == {"a": 3, "b": 4} and "in row 5 is theirs too" in found.at_odds[0]


@pytest.mark.parametrize(("points", "taken"), [(20.0, True), (20.01, False), (21.0, False), (40.0, False)])
def test_not_a_cent_more_than_is_possible_is_written(tmp_path: Path, points: float, taken: bool) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(canvas(lambda one: ""))
    record = run_of("canvas")
    info, (first, *others) = record.info(), standings(record)
    record.close()
    people = [replace(first, final=points), *others]
    if taken:
        assert filled_in(KINDS["canvas"], read_template(path), info, people).changes[0].new == "20"
        return
    with pytest.raises(TemplateError, match=rf"row 3: 9000 has {points:g}, more than the 20 that are possible"):
        filled_in(KINDS["canvas"], read_template(path), info, people)
