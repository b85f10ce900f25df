"""Every grade arrives at the right person, by each LMS's own rules, and no other byte of its file changes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from autograder.gradebook.export import KINDS, Filled, Filling, fill, write_filled
from autograder.gradebook.template import TemplateError
from autograder.results import Status
from lms import importers
from lms.files import DATE, FILES
from lms.people import PEOPLE, Somebody, expected, plain, run_of, status


def grade_before(one: Somebody) -> str:
    """What stood in our column: an old grade here and there."""
    if one.n % 13 == 5:
        return "12.5"  # of somebody who handed in nothing
    return {2: "3.25", 6: plain(expected(6) or Decimal(0))}.get(one.n, "")


def commas(lms: str, text: str) -> str:
    return text.replace(".", ",") if lms == "sakai" else text


def before(lms: str) -> Callable[[Somebody], str]:
    return lambda one: commas(lms, grade_before(one))


def after(lms: str) -> Callable[[Somebody], str]:
    def cell(one: Somebody) -> str:
        value = expected(one.n)
        if value is None:
            return "EX" if lms == "canvas" and status(one.n) is None else before(lms)(one)
        return commas(lms, plain(value))

    return cell


def exported(tmp_path: Path, lms: str, content: bytes, **wishes: object) -> tuple[bytes, Filled]:
    (tmp_path / "template.csv").write_bytes(content)
    record = run_of(lms)
    try:
        filling = Filling(**{"overwrite": True, **wishes})  # type: ignore[arg-type]
        filled = fill(record, lms, tmp_path / "template.csv", filling)
        write_filled(filled, tmp_path / "upload.csv")
    finally:
        record.close()
    return (tmp_path / "upload.csv").read_bytes(), filled


def imported(lms: str, content: bytes) -> dict[int, str]:
    if lms == "moodle-worksheet":
        graded = {one.n: "-" if one.n % 4 else DATE for one in PEOPLE}
        return {n: grade for n, (grade, _) in importers.worksheet(content, graded).items()}
    return getattr(importers, lms)(content)


def test_there_is_a_made_up_file_of_every_kind() -> None:
    assert set(FILES) == set(KINDS) and len(PEOPLE) >= 40


@pytest.mark.parametrize("lms", FILES)
def test_every_grade_arrives_at_the_right_person_and_no_other_byte_changes(tmp_path: Path, lms: str) -> None:
    content, filled = exported(tmp_path, lms, FILES[lms](before(lms)))
    arrived = imported(lms, content)
    for one in PEOPLE:
        value = expected(one.n)
        if status(one.n) is None and lms == "canvas":
            assert arrived[one.n] == "EX"
        elif value is not None:
            assert Decimal(arrived[one.n]) == value, one
        else:
            assert arrived.get(one.n, "") == grade_before(one), one
    assert not filled.unplaced and not filled.held
    if lms == "moodle-worksheet":
        words = {row["Identifier"][12:]: row["Feedback comments"] for row in importers.moodle_rows(content)}
        same = FILES[lms](after(lms), lambda one: words[one.participant])
        assert content == same.replace(b'Kay Student\\"', b'Kay Student\\ "')  # a quote that Moodle would not see
    else:
        assert content == FILES[lms](after(lms))


def test_moodles_words_say_how_the_grade_came_about(tmp_path: Path) -> None:
    content, _ = exported(tmp_path, "moodle-worksheet", FILES["moodle-worksheet"](lambda one: ""))
    found = importers.worksheet(content, {one.n: "-" if one.n % 4 else DATE for one in PEOPLE})
    grade, words = found[14]  # late by a day
    assert words.startswith("Points: 7.16 of 20 (The = question 7.16/10; Another; one 0/10). Handed in 1 day late")
    assert words.endswith("2 points off. That makes 5.16.") and grade == "5.16"
    assert all(one.n in found or expected(one.n) is None for one in PEOPLE)


@pytest.mark.parametrize("mine", ["", "Points: 3 of 20.", "A teacher's own words"])
def test_a_teachers_own_words_stay_and_ours_are_brought_up_to_date(tmp_path: Path, mine: str) -> None:
    content, filled = exported(
        tmp_path, "moodle-worksheet", FILES["moodle-worksheet"](lambda one: "", lambda one: mine)
    )
    found = importers.worksheet(content, {one.n: "-" if one.n % 4 else DATE for one in PEOPLE})
    assert (found[0][1] == mine) is mine.startswith("A teacher")
    assert any("stay as they are" in note for note in filled.notes) is mine.startswith("A teacher")


@pytest.mark.parametrize(
    ("settings", "sent", "said"),
    [
        ({"late": "autograder"}, plain(expected(14) or Decimal(0)), "late penalties taken off: "),
        ({"late": "lms"}, "7.16", "grading.yml leaves that to the LMS"),
        ({"late": ""}, "7.16", "grading.yml has no late policy"),
        ({"late": "autograder", "places": 0}, "5", "a second time"),
        ({"late": "autograder", "places": 1}, "5.2", "Switch off a late policy of the Canvas course"),
    ],
)
def test_which_score_was_sent_is_said(tmp_path: Path, settings: dict, sent: str, said: str) -> None:
    (tmp_path / "t.csv").write_bytes(FILES["canvas"](lambda one: ""))
    record = run_of("canvas", **settings)
    filled = fill(record, "canvas", tmp_path / "t.csv")
    record.close()
    assert importers.canvas(filled.content)[14] == sent
    assert said in " ".join(filled.notes)


def test_what_is_counted_is_what_there_is(tmp_path: Path) -> None:
    """The numbers in the summary and in the notes, each against the made-up class itself."""
    kept = {one.n: plain(expected(one.n) or Decimal(0)) for one in PEOPLE if one.n % 10 == 2 and expected(one.n)}
    _, filled = exported(tmp_path, "canvas", FILES["canvas"](lambda one: kept.get(one.n, "")))
    stands = [status(one.n) for one in PEOPLE]
    excused = stands.count(None)
    assert (filled.same, filled.excused) == (len(kept), excused)
    assert sum(filled.statuses.values()) == len(PEOPLE)
    assert all(filled.statuses[one.value] == stands.count(one) for one in (Status.MISSING, Status.NOT_GRADABLE))
    assert f"Rows of excused students, written as EX: {excused}." in filled.notes


@pytest.mark.parametrize("lms", FILES)
def test_missing_is_a_nought_only_where_the_course_says_so_and_never_over_a_grade(tmp_path: Path, lms: str) -> None:
    def cells(one: Somebody) -> str:
        return commas(lms, "12.5") if one.n == 5 else ""

    (tmp_path / "t.csv").write_bytes(FILES[lms](cells))
    record = run_of(lms, missing="zero")
    filled = fill(record, lms, tmp_path / "t.csv")
    erased = fill(record, lms, tmp_path / "t.csv", Filling(erase=True))
    record.close()
    assert status(5) is Status.MISSING and status(18) is Status.MISSING
    arrived = imported(lms, filled.content)
    assert arrived[18] == "0" or float(arrived[18]) == 0
    assert float(arrived[5]) == 12.5 and [one.student for one in filled.held]
    assert float(imported(lms, erased.content)[5]) == 0


@pytest.mark.parametrize("lms", FILES)
def test_a_grade_is_taken_away_only_if_that_is_asked_for_and_never_for_our_fault(tmp_path: Path, lms: str) -> None:
    content = FILES[lms](lambda one: commas(lms, "12.5"))
    for name in ("kept", "erased"):
        (tmp_path / name).mkdir()
    kept, filled = exported(tmp_path / "kept", lms, content)
    erased, told = exported(tmp_path / "erased", lms, content, erase=True)
    for n, stays in ((5, False), (7, False), (11, True)):  # missing, not gradable, the grader's error
        assert float(imported(lms, kept)[n]) == 12.5
        assert (imported(lms, erased).get(n, "") in ("12.5", "12.50")) is stays
    assert not any(not change.new for change in filled.changes) and any(not change.new for change in told.changes)
    if lms in ("sakai", "moodle-worksheet", "blackboard", "brightspace"):
        assert any("passes over a blank" in note for note in told.notes)


def test_a_change_of_an_old_grade_is_told(tmp_path: Path) -> None:
    _, filled = exported(tmp_path, "canvas", FILES["canvas"](before("canvas")))
    replaced = [(change.row, change.old, change.new) for change in filled.changes if change.replaces]
    assert replaced == [(3 + 2, "3.25", plain(expected(2) or Decimal(0)))]
    assert filled.same == 1  # person 6 has it already


def test_decimals_have_a_comma_where_the_file_has_them(tmp_path: Path) -> None:
    content = FILES["moodle"](lambda one: "3,25" if one.n == 2 else "")
    written, filled = exported(tmp_path, "moodle", content)
    assert filled.comma and all(
        Decimal(importers.moodle(written, ",")[one.n]) == expected(one.n)
        for one in PEOPLE
        if expected(one.n) is not None
    )
    with pytest.raises(importers.ImportStopped):
        importers.moodle(written, ".")


def test_what_canvas_does_not_assign_and_moodle_has_locked_is_held_back(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    content = FILES["canvas"](lambda one: "N/A" if one.n == 1 else "")
    written, filled = exported(tmp_path / "a", "canvas", content)
    assert importers.canvas(written)[1] == "N/A" and [one.student for one in filled.held] == [PEOPLE[1].canvas]
    (tmp_path / "b").mkdir()
    sheet = FILES["moodle-worksheet"](lambda one: "")
    row = next(line for line in sheet.split(b"\n") if f"Participant {PEOPLE[1].participant}".encode() in line)
    sheet = sheet.replace(row, row.replace(b'"Yes"', b'"No"'))
    written, filled = exported(tmp_path / "b", "moodle-worksheet", sheet)
    assert [one.student for one in filled.held] == [PEOPLE[1].participant]
    assert row.replace(b'"Yes"', b'"No"') in written


@pytest.mark.parametrize("erase", [True, False])
def test_a_locked_row_keeps_its_grade_whatever_is_asked_for(tmp_path: Path, erase: bool) -> None:
    """Nobody's row that the LMS would not take is erased: not who is missing (5), nor who could not be graded (7)."""
    sheet = FILES["moodle-worksheet"](lambda one: "12.50").decode()
    for n in (5, 7):
        row = next(line for line in sheet.split("\n") if f"Participant {PEOPLE[n].participant}" in line)
        sheet = sheet.replace(row, row.replace('"Yes"', '"No"'))
    written, _ = exported(tmp_path, "moodle-worksheet", sheet.encode(), erase=erase)
    grades = {row["Identifier"][12:]: row["Grade"] for row in importers.moodle_rows(written)}
    assert [grades[PEOPLE[n].participant] for n in (5, 7)] == ["12.50", "12.50"]
    assert grades[PEOPLE[18].participant] == ("" if erase else "12.50")  # missing too, and not locked


def test_what_canvas_does_not_assign_is_not_erased(tmp_path: Path) -> None:
    written, _ = exported(tmp_path, "canvas", FILES["canvas"](lambda one: "N/A" if one.n == 5 else "12"), erase=True)
    assert importers.canvas(written)[5] == "N/A" and importers.canvas(written)[18] == ""


def test_blackboards_states_of_attempts_are_no_grades(tmp_path: Path) -> None:
    states = {1: "Needs Grading(8)", 2: "In Progress", 11: "Needs Grading(8)"}
    content = FILES["blackboard"](lambda one: states.get(one.n, ""))
    written, filled = exported(tmp_path, "blackboard", content)
    assert Decimal(importers.blackboard(written)[1]) == expected(1) and not filled.changes[1].replaces
    assert "Needs Grading(8)" in written.decode("utf-16") and "1 rows without a grade keep" in " ".join(filled.notes)


MENDED = {
    "a mark before a quoted header": lambda text: b"\xef\xbb\xbf" + text.replace(b"Student,", b'"Student",', 1),
    "a line break in the second row": lambda text: text.replace(b'"Lab 1, Tue"', b'"Lab 1,\r\n Tue"', 1),
    "two sorts of line ends": lambda text: text.replace(b"(read only)\r\n", b"(read only)\n"),
    "a quote within a field": lambda text: text.replace(b'"Student20, Kim20"', b'Student20 Kim "20"'),
}  # fmt: skip


@pytest.mark.parametrize("what", MENDED)
def test_what_canvas_would_refuse_in_its_own_file_is_mended_and_told(tmp_path: Path, what: str) -> None:
    content = MENDED[what](FILES["canvas"](lambda one: ""))
    if what != "a line break in the second row":
        with pytest.raises(importers.ImportStopped):
            importers.canvas(content)
    written, filled = exported(tmp_path, "canvas", content)
    arrived = importers.canvas(written)
    assert all(Decimal(arrived[one.n]) == expected(one.n) for one in PEOPLE if expected(one.n) is not None)
    assert any("Canvas" in note for note in filled.notes[:1])


def test_a_mark_that_canvas_takes_stays(tmp_path: Path) -> None:
    written, _ = exported(tmp_path, "canvas", b"\xef\xbb\xbf" + FILES["canvas"](lambda one: ""))
    assert written.startswith(b"\xef\xbb\xbfStudent,") and importers.canvas(written)


def test_an_old_file_and_a_second_export_change_nothing_more(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    once, _ = exported(tmp_path / "first", "moodle-worksheet", FILES["moodle-worksheet"](lambda one: ""))
    twice, filled = exported(tmp_path / "second", "moodle-worksheet", once)
    assert twice == once and not filled.changes and filled.same > 30


def test_the_column_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(FILES["canvas"](lambda one: ""))
    record = run_of("canvas", title="Week 3", column="Dipping into PyTorch")
    assert importers.canvas(fill(record, "canvas", tmp_path / "t.csv").content)[0] == "0"
    header = "Dipping into PyTorch (411)"
    assert len(fill(record, "canvas", tmp_path / "t.csv", Filling(column=header)).changes) > 30
    record.close()


def test_the_template_itself_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(FILES["canvas"](lambda one: ""))
    record = run_of("canvas")
    filled = fill(record, "canvas", path)
    record.close()
    (tmp_path / "folder").mkdir()
    for out in (path, tmp_path / "folder" / ".." / "t.csv"):
        with pytest.raises(TemplateError, match=r"is the template itself; name another file\."):
            write_filled(filled, out)
    assert path.read_bytes() == FILES["canvas"](lambda one: "")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text.replace(b",9007,", b",9008,"), r"row 4: it reads back as '9008'; do not upload it\."),
        (lambda text: b"".join(text.splitlines(keepends=True)[:-1]), r"reads back as 46 rows, not 47; do not upload"),
    ],
)
def test_a_file_that_does_not_read_back_as_it_was_meant_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[bytes], bytes], said: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(FILES["canvas"](lambda one: ""))
    record = run_of("canvas")
    filled = fill(record, "canvas", path)
    record.close()
    monkeypatch.setattr("autograder.gradebook.export.write_whole", lambda out, text: out.write_bytes(spoil(text)))
    with pytest.raises(TemplateError, match=said):
        write_filled(filled, tmp_path / "out.csv")
