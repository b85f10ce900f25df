"""One late, one extended, one excused, one late by nobody knows how much: every output says so, beside the score."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from autograder.cli import app
from autograder.course import load_course
from autograder.course.late import Extension, LatePolicy
from autograder.course.models import Policy
from autograder.engine import grading
from autograder.engine.changing import adjust_from, adjust_run
from autograder.engine.slots import Job
from autograder.intake.collecting import Collected
from autograder.intake.faults import IntakeError
from autograder.people.extensions import Named, granted, read_extensions
from autograder.record.adjustments import Adjustment, adjust, adjustments, undo
from autograder.record.anonymity import overview
from autograder.record.grants import extensions, grant
from autograder.record.history import regrades
from autograder.record.standing import Standing, standings
from autograder.record.store import Person, Record, RecordError, RunInfo
from autograder.report.feedback import page
from autograder.report.outputs import write_outputs
from autograder.report.results_json import results_json
from autograder.report.scores import scores_csv
from autograder.results import Outcome, QuestionResult, Status
from autograder.terminal.summary import class_frame, scores_table, summarise, unused_extensions
from tests.conftest import notebook_bytes

QUESTIONS = (("q1", "First", 2.0), ("q2", "Second", 18.0))
DUE = "2026-11-20 23:59"
COLUMNS = "student,name,email,submission,status,score,max_score,q1,q2,verdict,late_days,flags,message"
PEOPLE = [
    Person("early", handed_in="2026-11-20T23:59:00+01:00"),
    Person("extended", handed_in="2026-11-22T23:59:00+01:00", position=1),
    Person("excused", handed_in="2026-11-22T23:59:00+01:00", position=2),
    Person("late", handed_in="2026-11-22T01:59:00+01:00", position=3),
    Person("silent", position=4),
    Person("unknown", marked_late=True, position=5),
    Person("away", position=6),
]


def outcome(key: str, q1: float = 2.0, q2: float = 16.5, status: Status = Status.GRADED) -> Outcome:
    questions = tuple(
        QuestionResult(id=name, title=title, points=points, score=score, tests=())
        for (name, title, points), score in zip(QUESTIONS, (q1, q2), strict=True)
    )
    score = q1 + q2 if status.scored else None
    return Outcome(
        key=key, status=status, score=score, max_score=20.0, questions=questions if status.scored else (),
    )  # fmt: skip


def policy(**keys: Any) -> Policy:
    late = LatePolicy.model_validate({"due": DUE, "percent": 10.0, **keys})
    granted = {"extended": {"extra": "3 days"}, "excused": {"excused": True, "why": "Private."}}
    return Policy(
        timezone="Europe/Berlin",
        late=late,
        extensions={key: Extension.model_validate(value) for key, value in granted.items()},
    )


def record_in(folder: Path, rules: Policy) -> Record:
    record = Record.open(folder / "grades.sqlite")
    record.start_run(RunInfo("Course", "lab", "The lab", 7, "basic", {}, QUESTIONS, rules))
    record.plan(PEOPLE)
    for person in PEOPLE:
        record.save(outcome(person.key, status=Status.MISSING if person.key == "away" else Status.GRADED), b"")
    return record


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    found = record_in(tmp_path, policy())
    yield found
    found.close()


@pytest.fixture
def by_lms(tmp_path: Path) -> Iterator[Record]:
    found = record_in(tmp_path, policy(deducted_by="lms"))
    yield found
    found.close()


def stands(record: Record, key: str) -> Standing:
    return next(one for one in standings(record) if one.person.key == key)


class Words(HTMLParser):
    text = ""

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def shown(record: Record, key: str) -> str:
    """The page's words."""
    reader = Words()
    reader.feed(page(record.info(), stands(record, key)).split("</style>")[1])
    return " ".join(reader.text.split())


def results(record: Record, key: str) -> dict[str, Any]:
    one = stands(record, key)
    assert one.outcome is not None
    return results_json(one.outcome, one, adjustments(record).get(key, ()))


def scores(record: Record) -> dict[str, dict[str, str]]:
    text = scores_csv(record.info(), standings(record))
    return {row["student"]: row for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)}


# scores.csv


def test_two_columns_follow_the_contracts_where_there_is_a_late_policy(record: Record) -> None:
    assert scores_csv(record.info(), standings(record)).splitlines()[0] == f"{COLUMNS},penalty,final_score"


def test_without_a_policy_the_columns_are_the_contracts_alone(record: Record) -> None:
    assert scores_csv(RunInfo("C", "lab", "L", 7, "", {}, QUESTIONS), []).splitlines() == [COLUMNS]


def test_an_excuse_alone_brings_the_two_columns_so_that_no_score_passes_for_one_that_counts(tmp_path: Path) -> None:
    record = record_in(tmp_path, Policy(extensions={"excused": Extension(excused=True)}))
    found = scores(record)
    record.close()
    assert (found["excused"]["score"], found["excused"]["final_score"]) == ("18.5", "")
    assert (found["late"]["late_days"], found["late"]["penalty"], found["late"]["final_score"]) == ("", "0", "18.5")


@pytest.mark.parametrize(
    ("key", "score", "days", "flags", "penalty", "final"),
    [
        ("early", "18.5", "0", "", "0", "18.5"),
        ("extended", "18.5", "0", "", "0", "18.5"),
        ("excused", "18.5", "2", "EXCUSED", "", ""),
        ("late", "18.5", "2", "", "4", "14.5"),
        ("silent", "18.5", "", "", "0", "18.5"),
        ("unknown", "18.5", "", "LATE_UNKNOWN", "0", "18.5"),
        ("away", "", "", "", "", ""),
    ],
)
def test_the_penalty_stands_apart_from_the_score(
    record: Record, key: str, score: str, days: str, flags: str, penalty: str, final: str
) -> None:
    row = scores(record)[key]
    assert [row[name] for name in ("score", "late_days", "flags", "penalty", "final_score")] == [
        score, days, flags, penalty, final,
    ]  # fmt: skip


def test_an_excuse_does_not_change_the_status(record: Record) -> None:
    grant(record, {"away": Extension(excused=True)})
    found = scores(record)
    assert (found["away"]["status"], found["away"]["flags"]) == ("missing", "EXCUSED")
    assert found["excused"]["status"] == "graded"


# The page


def test_who_was_late_reads_how_late_what_it_cost_and_what_is_left(record: Record) -> None:
    text = shown(record, "late")
    assert text.startswith("The lab late 14.5 of 20 points")
    assert "Handed in 1 day 2 h late: 4 points off." in text
    assert "Your work 18.5 Late −4 Counts 14.5" in text
    assert "Due: Fri 20 Nov 2026, 23:59 CET (Europe/Berlin)." in text
    assert "Handed in: Sun 22 Nov 2026, 01:59 CET." in text


def test_who_has_an_extension_reads_the_due_time_that_counted(record: Record) -> None:
    text = shown(record, "extended")
    assert "Due: Mon 23 Nov 2026, 23:59 CET (Europe/Berlin), with your extension." in text
    assert "Handed in on time" in text
    assert "Counts" not in text


def test_who_is_late_even_with_an_extension_reads_both(record: Record) -> None:
    grant(record, {"late": Extension.model_validate({"extra": "24 h"})})
    text = shown(record, "late")
    assert "Handed in 2 h late: 2 points off." in text
    assert "Due: Sat 21 Nov 2026, 23:59 CET (Europe/Berlin), with your extension." in text


def test_who_is_excused_is_told_so_and_nothing_of_lateness_or_reasons(record: Record) -> None:
    text = shown(record, "excused")
    assert "18.5 of 20 points, not counted" in text
    assert "You are excused from this assignment" in text
    assert " late" not in text
    assert "Private" not in text


def test_who_is_excused_and_handed_nothing_in_is_not_reproached(record: Record) -> None:
    grant(record, {"away": Extension(excused=True)})
    assert "Nothing was handed in" not in shown(record, "away")
    assert "You are excused" in shown(record, "away")


def test_lateness_of_unknown_length_is_said_and_costs_nothing(record: Record) -> None:
    text = shown(record, "unknown")
    assert "Marked as late, but it is not known by how much; nothing has been taken off so far." in text
    assert text.startswith("The lab unknown 18.5 of 20 points")


def test_who_is_marked_late_is_reckoned_as_soon_as_somebody_says_when(record: Record) -> None:
    grant(record, {"unknown": Extension.model_validate({"handed_in": "2026-11-21 00:00"})})
    assert (stands(record, "unknown").final, stands(record, "unknown").flags) == (16.5, ())


@pytest.mark.parametrize("key", ["early", "silent"])
def test_who_was_on_time_reads_nothing_of_due_times(record: Record, key: str) -> None:
    assert "Due" not in shown(record, key)
    assert "late" not in shown(record, key)


def test_where_the_lms_deducts_the_page_says_so_and_shows_the_raw_score(by_lms: Record) -> None:
    text = shown(by_lms, "late")
    assert text.startswith("The lab late 18.5 of 20 points")
    assert "Handed in 1 day 2 h late; what that costs is taken off where your grades are kept." in text
    assert "Counts" not in text


@pytest.mark.parametrize(
    ("handed_in", "said"),
    [
        ("2026-12-20 12:00", "29 days 12 h late, after the last time at which it is taken: 18.5 points off."),
        ("2026-11-21 00:00", "1 min late: 1 point off."),
    ],
)
def test_the_sentence_fits_the_case(tmp_path: Path, handed_in: str, said: str) -> None:
    record = record_in(tmp_path, policy(percent=5.0, cutoff="1 week"))
    grant(record, {"late": Extension.model_validate({"handed_in": handed_in})})
    sentence = stands(record, "late").late_sentence
    record.close()
    assert sentence == f"Handed in {said}"


# results/<key>.json


def test_results_carry_the_final_score_and_the_four_figures(record: Record) -> None:
    found = results(record, "late")
    assert found["score"] == 14.5
    extra = found["extra_data"]
    assert {name: extra[name] for name in ("raw_score", "seconds_late", "penalty", "final_score", "excused")} == {
        "raw_score": 18.5, "seconds_late": 93600, "penalty": 4.0, "final_score": 14.5, "excused": False,
    }  # fmt: skip
    assert "Handed in 1 day 2 h late: 4 points off." in found["output"]


def test_results_keep_the_raw_score_where_the_lms_deducts(by_lms: Record) -> None:
    found = results(by_lms, "late")
    assert (found["score"], found["extra_data"]["penalty"], found["extra_data"]["seconds_late"]) == (18.5, 0.0, 93600)


def test_results_of_the_excused_have_no_score_that_could_be_counted(record: Record) -> None:
    found = results(record, "excused")
    assert "score" not in found
    assert found["tests"] == []
    assert (found["extra_data"]["excused"], found["extra_data"]["raw_score"]) == (True, 18.5)
    assert "You are excused" in found["output"]
    assert "Private" not in json.dumps(found)


@pytest.mark.parametrize(("key", "seconds"), [("extended", 0), ("early", 0), ("silent", None), ("unknown", None)])
def test_results_tell_on_time_from_unknown(record: Record, key: str, seconds: int | None) -> None:
    found = results(record, key)
    assert (found["score"], found["extra_data"]["seconds_late"]) == (18.5, seconds)


# The summary


def printed(record: Record) -> str:
    course_question = SimpleNamespace(id="q1", title="First", points=2.0)
    assignment: Any = SimpleNamespace(title="The lab", points=20.0, questions={"q1": course_question})
    console = Console(file=io.StringIO(), width=140)
    summarise(console, assignment, overview(record), Collected((), ()), Path("run"))
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().replace("│", " ").replace("┃", " ").split())


def test_the_summary_says_how_many_were_late_and_what_it_cost_in_all(record: Record) -> None:
    text = printed(record)
    assert "1 late: 4 points off in all;" in text
    assert "1 late by an unknown time (LATE_UNKNOWN)" in text
    assert "1 excused." in text


def test_the_class_is_reckoned_before_and_after_penalties_and_without_the_excused(record: Record) -> None:
    text = printed(record)
    assert "graded 6 7 18.50 18.50 18.50 18.50 20" in text
    assert "counts 5 7 17.70 18.50 14.50 18.50 20" in text
    assert "q1 First 6 of 6 2.00 / 2" in text


def test_without_lateness_one_row_says_it_all(tmp_path: Path) -> None:
    record = record_in(tmp_path, Policy())
    assignment: Any = SimpleNamespace(title="The lab", points=20.0)
    assert scores_table(assignment, standings(record)).row_count == 1
    record.close()


def test_ids_stay_text_in_the_class_table() -> None:
    frame = class_frame([Standing(Person(key), None) for key in ("007", "NA", "1e5")])
    assert list(frame.index) == ["007", "NA", "1e5"]


def test_a_class_without_any_score_is_summed_up_too() -> None:
    assignment: Any = SimpleNamespace(title="The lab", points=20.0)
    assert scores_table(assignment, []).row_count == 1


def test_an_extension_in_grading_yml_of_nobody_is_told(record: Record) -> None:
    assignment: Any = SimpleNamespace(extensions={"late": 1, "lat": 1})
    assert list(unused_extensions(assignment, record.people())) == [
        'grading.yml grants "lat" an extension, but nobody in this run has that key.'
    ]
    (hidden,) = unused_extensions(assignment, record.people(), anonymous=True)
    assert "1" in hidden and "lat" not in hidden


def test_points_set_by_hand_are_told_as_regrades_csv_tells_them(record: Record, tmp_path: Path) -> None:
    assert adjust_run(tmp_path, "late", "q1", 1, "why") == "late: 18.5 -> 17.5; after the late penalty 14.5 -> 13.5"
    assert [(one.was, one.now) for one in regrades(record)] == [("14.5", "13.5")]
    assert adjust_run(tmp_path, "excused", "q1", 1, "why").endswith("; excused, so it does not count")


# Adjustments


def by_hand(key: str, question: str, points: float, why: str = "A valid reading") -> Adjustment:
    return Adjustment(key, question, points, why, "ta", "2026-11-25T10:00:00+00:00")


def test_points_set_by_hand_come_before_the_penalty(record: Record) -> None:
    adjust(record, [by_hand("late", "q1", 1.0)])
    assert (stands(record, "late").score, stands(record, "late").final) == (17.5, 13.5)


def test_the_page_and_the_results_say_what_was_set_but_not_by_whom(record: Record) -> None:
    adjust(record, [by_hand("late", "q1", 1.0)])
    assert "Set to 1 of 2 by hand (it was 2 of 2): A valid reading" in shown(record, "late")
    found = results(record, "late")["extra_data"]["adjustments"]
    assert found == [{"question": "q1", "was": 2.0, "points": 1.0, "why": "A valid reading"}]


def test_who_when_and_why_stay_in_the_record_also_when_taken_back(record: Record) -> None:
    adjust(record, [by_hand("late", "q1", 1.0, "First thought")])
    adjust(record, [by_hand("late", "q1", 0.5, "Second thought")])
    assert undo(record, "late", "q1")
    assert not undo(record, "late", "q1")
    assert stands(record, "late").score == 18.5
    kept = adjustments(record, with_undone=True)["late"]
    assert [(one.points, one.why, one.who, one.at, one.was, one.undone) for one in kept] == [
        (1.0, "First thought", "ta", "2026-11-25T10:00:00+00:00", 2.0, True),
        (0.5, "Second thought", "ta", "2026-11-25T10:00:00+00:00", 2.0, True),
    ]


def test_an_adjustment_survives_grading_again_and_tells_what_was_judged_then(record: Record) -> None:
    adjust(record, [by_hand("late", "q1", 1.0)])
    record.save(outcome("late", 1.5, 10.0), b"")
    assert stands(record, "late").score == 11.0
    assert "(it was 1.5 of 2)" in shown(record, "late")


def test_who_had_no_score_gets_one_out_of_the_questions_points(record: Record) -> None:
    adjust(record, [by_hand("away", "q2", 9.0), by_hand("away", "q1", 1.0)])
    text = shown(record, "away")
    assert "q1 · First 1 of 2 Marked by hand" in text
    assert "q2 · Second 9 of 18" in text
    assert stands(record, "away").score == 10


def test_of_several_one_that_cannot_be_set_keeps_all_from_being_set(record: Record) -> None:
    with pytest.raises(RecordError, match="q2 is worth 0 to 18 points, not 19"):
        adjust(record, [by_hand("late", "q1", 1.0), by_hand("early", "q2", 19.0)])
    assert adjustments(record) == {}


# The commands


COURSE_FILE = """\
course: A tiny course
seed: 5
timezone: Europe/Berlin
assignments:
  tiny:
    title: Tiny
    notebook: tiny.ipynb
    late: {due: 2026-11-20 23:59, percent: 10}
    questions:
      q1: {title: The answer, points: 2, names: [answer]}
"""
GRADER = """\
import pytest
from submission import answer


@pytest.mark.question("q1")
def test_the_answer():
    assert answer
"""


class FullMarks:
    """A judge that gives everybody 2 points at once."""

    seed = 5
    versions: dict[str, str] = {}  # noqa: RUF012 - never changed
    sandbox = SimpleNamespace(level="basic")

    def __enter__(self) -> FullMarks:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def run(self, jobs: Any, ended: Any) -> None:
        for job in jobs:
            assert isinstance(job, Job)
            question = QuestionResult(id="q1", title="The answer", points=2, score=2, tests=())
            ended(job, Outcome(key=job.key, status=Status.GRADED, score=2, max_score=2, questions=(question,)))


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(grading, "Slots", lambda *_, **__: FullMarks())
    folder = tmp_path / "course"
    graders, hand_ins = folder / "tests/graders/tiny", folder / "handed-in"
    for new in (graders, hand_ins):
        new.mkdir(parents=True)
    (folder / "grading.yml").write_text(COURSE_FILE)
    (graders / "test_q1.py").write_text(GRADER)
    for name in ("007", "ada", "ben"):
        (hand_ins / f"{name}.ipynb").write_bytes(notebook_bytes("answer = 42"))
    assert load_course(folder).assignment().late is not None
    return folder


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def grade(course: Path, extensions_csv: str | bytes | None = None, *more: object) -> Result:
    arguments: list[object] = [course / "handed-in", "--course", course, "--out", course / "run", *more]
    if extensions_csv is not None:
        content = extensions_csv.encode() if isinstance(extensions_csv, str) else extensions_csv
        (course / "extensions.csv").write_bytes(content)
        arguments += ["--extensions", course / "extensions.csv"]
    return call("grade", *arguments)


def table(course: Path) -> dict[str, dict[str, str]]:
    with (course / "run" / "scores.csv").open(newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def kept(course: Path) -> dict[str, Extension]:
    record = Record.open(course / "run" / "grades.sqlite", create=False)
    try:
        return extensions(record)
    finally:
        record.close()


GRANTS = """\
student,due,extra,excused,handed_in,why
007,,,,2026-11-21 10:00,Mailed to me
ada,,,yes,,Illness
ben,,2 days,,2026-11-22 23:59,
"""


def test_extensions_from_a_file_count_and_are_kept_for_the_next_run(course: Path) -> None:
    assert grade(course, GRANTS).exit_code == 0
    first = table(course)
    assert {key: (row["penalty"], row["final_score"], row["flags"]) for key, row in first.items()} == {
        "007": ("0.2", "1.8", ""), "ada": ("", "", "EXCUSED"), "ben": ("0", "2", ""),
    }  # fmt: skip
    assert grade(course).exit_code == 0
    assert table(course) == first


def test_a_later_file_changes_those_that_it_names_and_a_blank_row_takes_an_extension_back(course: Path) -> None:
    grade(course, GRANTS)
    assert grade(course, "student,extra,handed_in\nben,,\n007,1 day,\n").exit_code == 0
    assert kept(course)["ben"] == Extension()
    assert kept(course)["ada"].excused
    assert (table(course)["ben"]["late_days"], table(course)["007"]["late_days"]) == ("", "")


def test_a_file_takes_back_what_grading_yml_grants(course: Path) -> None:
    yml = COURSE_FILE.replace("    questions:", "    extensions: {ada: {excused: true}}\n    questions:")
    (course / "grading.yml").write_text(yml)
    grade(course)
    assert table(course)["ada"]["flags"] == "EXCUSED"
    grade(course, "student,excused\nada,no\n")
    assert table(course)["ada"]["flags"] == ""


@pytest.mark.parametrize(
    "content",
    [
        GRANTS.encode("utf-8-sig"), GRANTS.encode("utf-16"), GRANTS.replace(",", ";").encode(),
        b"sep=;\r\n" + GRANTS.replace(",", ";").replace("\n", "\r\n").encode(), GRANTS.replace(",", "\t").encode(),
        GRANTS.replace("student", " Student ").replace("\n", "\n\n").encode(),
    ],
)  # fmt: skip
def test_a_file_is_read_as_spreadsheets_write_it(course: Path, content: bytes) -> None:
    result = grade(course, content)
    assert result.exit_code == 0, result.output
    assert {key: row["final_score"] for key, row in table(course).items()} == {"007": "1.8", "ada": "", "ben": "2"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("student,extra\nada,1 day\nbenn,1 day\n", 'row 3, student: nobody in this run has the key "benn"; did you'),
        ("student,extra\n7,1 day\n", 'row 2, student: nobody in this run has the key "7"'),
        ("student,extra\n1.04E+05,1 day\n", 'row 2, student: the id "1.04E+05" was spoilt by a spreadsheet'),
        ("student,extra\n,1 day\n", "row 2, student: who is it?"),
        ("student,extra\nada,1 day\nada,2 days\n", 'row 3, student: "ada" has an extension in row 2 already'),
        ("student,extra\nada,one day\n", 'row 2, extra: expected a time such as "15 min", "2 hours" or "3 days", fo'),
        ("student,due\nada,20.11.2026\n", 'row 2, due: expected a date and time such as "2026-11-20 23:59", found'),
        ("student,due\nada,2026-10-25 02:30\n", "row 2, due: the clocks of Europe/Berlin show 2026-10-25 02:30 twice"),
        ("student,handed_in\nada,2026-03-29 02:30\n", "row 2, handed_in: the clocks of Europe/Berlin skip"),
        ("student,due,extra\nada,2026-12-01 12:00,1 day\n", 'row 2, extra: give "due" or "extra", not both'),
        ("student,excused\nada,perhaps\n", 'row 2, excused: expected yes or no, found "perhaps"'),
        ("student,extar\nada,1 day\n", 'row 1: there is no column "extar"; did you mean "extra"?'),
        ("student,extra,extra\nada,1 day,\n", 'row 1: the column "extra" is there twice'),
        ("extra\n1 day\n", "row 1: expected a header with student, due, extra"),
        ("", "is empty; expected a header row with student"),
        ("student,why\nada,ill,\nben,ill, so he said\n", "row 3: found 3 fields, expected 2"),
        ('student,why\nada,"ill\n', "is no CSV"),
        (b"student,why\nada,\xe9\n", "row 2: expected UTF-8"),
        (b"PK\x03\x04\x00\x00", "is no text file; save the sheet as CSV"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_row(tmp_path: Path, content: str | bytes, said: str) -> None:
    path = tmp_path / "extensions.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(IntakeError) as refusal:
        wanted = read_extensions(path, ZoneInfo("Europe/Berlin"), has_due=True)
        granted(wanted, Named(dict.fromkeys(("007", "ada", "ben"), ())))
    assert said in str(refusal.value)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("content", ["student,extra\nada,soon\n", "student,extra\nadda,1 day\n"])
def test_a_file_with_a_fault_stops_everything_before_anybody_is_graded(course: Path, content: str) -> None:
    result = grade(course, content)
    assert result.exit_code == 2, result.output
    assert "extensions.csv, row 2" in " ".join(result.stderr.split())
    assert not (course / "run" / "scores.csv").exists()


def test_a_file_that_is_not_there_is_told_with_its_near_neighbour(course: Path) -> None:
    (course / "extensions.csv").write_text(GRANTS)
    result = call("grade", course / "handed-in", "--course", course, "--extensions", course / "extension.csv")
    assert (result.exit_code, 'did you mean "extensions.csv"?' in result.stderr) == (2, True)


def test_where_nothing_is_due_nothing_can_be_extended(course: Path) -> None:
    (course / "grading.yml").write_text(COURSE_FILE.replace("    late: {due: 2026-11-20 23:59, percent: 10}\n", ""))
    result = grade(course, "student,extra\nada,1 day\n")
    assert 'row 2, extra: the assignment has no "late" in grading.yml' in " ".join(result.stderr.split())
    assert grade(course, "student,excused\nada,yes\n").exit_code == 0


def test_a_student_may_be_named_by_another_id_that_is_nobody_elses(course: Path, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("key,name,email\n007,A,shared@example.edu\nada,B,Ada@example.edu\nben,C,shared@example.edu\n")
    assert grade(course, "student,excused\nada@example.edu,x\n", "--roster", roster).exit_code == 0
    assert table(course)["ada"]["flags"] == "EXCUSED"
    result = grade(course, "student,excused\nshared@example.edu,x\n", "--roster", roster)
    assert 'row 2, student: "shared@example.edu" is an id of 2 students' in " ".join(result.stderr.split())


def test_who_gets_an_extension_after_grading_is_told_among_the_changes(course: Path) -> None:
    grade(course, "student,handed_in\nben,2026-11-21 12:00\n")
    result = grade(course, "student,handed_in,extra\nben,2026-11-21 12:00,1 day\n")
    assert re.search(r"ben\W+1\.8\W+2\W+an extension was given or taken back", result.stdout)


def adjusted(course: Path, content: str) -> Result:
    (course / "points.csv").write_text(content)
    return call("adjust", course / "run", "--from", course / "points.csv")


def test_points_for_many_come_from_a_file(course: Path) -> None:
    grade(course)
    result = adjusted(course, 'student;question;points;why\n007;q1;1,5;"Half; a slip"\nada;q1;0;Copied\n')
    assert (result.exit_code, result.stdout) == (0, "007: 2 -> 1.5\nada: 2 -> 0\n")
    assert {key: row["q1"] for key, row in table(course).items()} == {"007": "1.5", "ada": "0", "ben": "2"}
    assert "Half; a slip" in (course / "run/feedback/007.html").read_text()
    assert grade(course, None, "--fresh").exit_code == 0
    assert table(course)["007"]["score"] == "1.5"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("lat,q1,1,x", 'row 3, student: nobody in this run has the key "lat"; did you mean "late"?'),
        ("late,q3,1,x", 'row 3: There is no question "q3"'),
        ("late,q1,2.5,x", "row 3: q1 is worth 0 to 2 points, not 2.5"),
        ("late,q1,-1,x", 'row 3, points: expected a number with at most two decimals, found "-1"'),
        ("late,q1,nan,x", 'row 3, points: expected a number with at most two decimals, found "nan"'),
        ("late,q1,,x", "row 3, points: expected a number"),
        ("late,q1,1,", "row 3: Say why"),
        ("early,q1,1,x", "row 3: q1 of this student is in row 2 already"),
    ],
)
def test_one_bad_row_keeps_every_row_from_being_set(record: Record, tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text(f"student,question,points,why\nearly,q1,1,fine\n{row}\n")
    with pytest.raises(IntakeError) as refusal:
        adjust_from(tmp_path, path)
    assert said in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert adjustments(record, with_undone=True) == {}


@pytest.mark.parametrize(
    "arguments",
    [("ada", "q1", "1", "--from", "x.csv"), ("ada",), (), ("ada", "q1"), ("ada", "q1", "1", "--undo")],
)
def test_adjust_wants_one_student_or_a_file(course: Path, arguments: tuple[str, ...]) -> None:
    grade(course)
    assert call("adjust", course / "run", *arguments).exit_code == 2


def test_one_students_files_can_be_written_anew_alone(course: Path) -> None:
    grade(course)
    run = course / "run"
    written = sorted(path for path in run.rglob("*") if path.suffix in (".html", ".json", ".csv"))
    before = {path: path.read_bytes() for path in written}
    for path in written:
        path.write_text("spoilt")
    result = call("report", run, "--student", "ada")
    mine = [run / "feedback/ada.html", run / "results/ada.json"]
    assert result.stdout.split() == [str(path) for path in mine]
    for path in written:
        assert path.read_bytes() == (before[path] if path in mine else b"spoilt")


def test_an_unknown_student_cannot_be_reported(course: Path) -> None:
    grade(course)
    result = call("report", course / "run", "--student", "adda")
    assert (result.exit_code, 'did you mean "ada"?' in result.stderr) == (2, True)


def test_every_file_of_a_run_is_written_from_the_same_standing(record: Record, tmp_path: Path) -> None:
    write_outputs(tmp_path, record)
    for key, final in (("late", 14.5), ("extended", 18.5), ("excused", None), ("unknown", 18.5)):
        assert json.loads((tmp_path / f"results/{key}.json").read_text()).get("score") == final
        with (tmp_path / "scores.csv").open(newline="") as file:
            row = next(row for row in csv.DictReader(file) if row["student"] == key)
        assert row["final_score"] == ("" if final is None else f"{final:g}")
        shown_score = f"{18.5 if final is None else final:g} <small>of 20 points"
        assert shown_score in (tmp_path / f"feedback/{key}.html").read_text()
