"""What a run's record makes of a roster, decisions and groups that come later: nothing graded is lost or done twice."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import notebook_bytes
from test_cli import COURSE_FILE, GRADER, call
from test_engine import FakeSlots, by_content

from autograder.course import load_course
from autograder.course.late import Extension
from autograder.engine import grading
from autograder.engine.grading import RECORD, grade
from autograder.engine.looking import identities
from autograder.engine.options import Options
from autograder.engine.planning import known_in, plan
from autograder.intake.handin import HandIn
from autograder.people.decisions import read_decisions
from autograder.people.groups import Groups
from autograder.people.roster import Roster, Student
from autograder.record.adjustments import Adjustment, adjust
from autograder.record.grants import extensions, grant
from autograder.record.history import Receipt, keep_receipts, last_receipts, regrades
from autograder.record.standing import standings
from autograder.record.store import Record
from autograder.report.problems import problems


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A course of one question."""
    folder = tmp_path / "course"
    for name in ("tests/graders/tiny", "solutions/tiny"):
        (folder / name).mkdir(parents=True)
    (folder / "grading.yml").write_text(COURSE_FILE)
    (folder / "tests/graders/tiny/test_q1.py").write_text(GRADER)
    (folder / "solutions/tiny/tiny.ipynb").write_bytes(notebook_bytes("answer = 42"))
    return folder


def hand_in(key: str, content: bytes = b"good") -> HandIn:
    return HandIn(key, content, f"{key}.ipynb", f"class/{key}.ipynb")


class Run:
    """Grades into one folder as often as is asked, by a judge that answers at once."""

    def __init__(self, tiny: Path, out: Path, slots: FakeSlots) -> None:
        self.course, self.out, self.slots = load_course(tiny), out, slots

    def __call__(
        self,
        submissions: Sequence[HandIn],
        roster: Roster | None = None,
        groups: Groups | None = None,
        match: dict[str, str] | None = None,
        **wish: object,
    ) -> dict[str, float | str | None]:
        """Score, or status without one, by student."""
        known = known_in(self.out / RECORD)
        planned = plan(submissions, roster, groups, match, known.decisions, known.people)
        self.slots.asked = []
        assignment = self.course.assignment()
        record = grade(self.course, assignment, submissions, planned, Options(self.out, 5, **wish), lambda *_: None)
        record.close()
        return self.scores()

    def set_by_hand(self, key: str) -> None:
        self.read(lambda record: adjust(record, [Adjustment(key, "q1", 0.5, "why", "ta", "2026-11-25")]))

    def scores(self) -> dict[str, float | str | None]:
        found = self.read(lambda record: record.outcomes())
        return {one.key: one.score if one.score is not None else one.status.value for one in found}

    def read(self, of):  # type: ignore[no-untyped-def]
        record = Record.open(self.out / RECORD, create=False)
        try:
            return of(record)
        finally:
            record.close()


@pytest.fixture
def run(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    slots = FakeSlots(by_content)
    monkeypatch.setattr(grading, "Slots", lambda *_, **__: slots)
    return Run(tiny, tmp_path / "run", slots)


def people(*keys: str) -> Roster:
    return Roster(tuple(Student(key, f"Student, {key.title()}", f"{key}@example.edu") for key in keys))


def blue(*members: str) -> Groups:
    return Groups(Path("groups.csv"), {"Blue": members})


def test_what_was_graded_under_its_own_key_moves_to_its_student_with_the_points_set_by_hand(run: Run) -> None:
    run([hand_in("x"), hand_in("ben")])
    run.set_by_hand("x")
    run.read(lambda record: grant(record, {"x": Extension(excused=False, why="ill")}))
    scores = run([hand_in("x"), hand_in("ben")], people("ada", "ben"), match={"x": "ada"})
    assert (run.slots.asked, scores) == ([], {"ada": 0.5, "ben": 2.0})
    assert run.read(extensions)["ada"].why == "ill"
    assert [row.hand_in for row in run.read(lambda record: record.people())] == ["x", ""]


def test_a_move_onto_a_missing_student_is_noted(run: Run) -> None:
    run([hand_in("x")], people("ada"))
    assert run([hand_in("x")], people("ada"), match={"x": "ada"}) == {"ada": 2.0}
    assert [(one.key, one.was, one.now) for one in run.read(regrades)] == [("ada", "missing", "2")]


def test_decisions_hold_in_the_next_call_without_the_option(run: Run) -> None:
    run([hand_in("x")], people("ada"), match={"x": "ada"})
    assert run([hand_in("x", b"bad"), hand_in("y")], people("ada")) == {"ada": 0.0, "y": 2.0}
    assert run.slots.asked == ["x", "y"]


def test_a_wrong_decision_can_be_put_right_and_what_was_sent_of_a_student_stays_the_students(run: Run) -> None:
    both = [hand_in("x", b"good"), hand_in("y", b"bad")]
    assert run(both, people("ada", "ben"), match={"x": "ada", "y": "ben"}) == {"ada": 2.0, "ben": 0.0}
    run.read(lambda record: keep_receipts(record, [Receipt("ada", "lms", "t", {"grade": 2}, {})]))
    assert run(both, people("ada", "ben"), match={"x": "ben", "y": "ada"}) == {"ada": 0.0, "ben": 2.0}
    assert run.slots.asked == []
    assert list(run.read(lambda record: last_receipts(record, "lms"))) == ["ada"]
    assert run(both, people("ada", "ben"), match={"x": ""}) == {"ada": 0.0, "ben": "missing", "x": 2.0}


def test_a_run_without_its_roster_keeps_names_and_owners(run: Run) -> None:
    run([hand_in("x")], people("ada", "ben"), match={"x": "ada"})
    assert run([hand_in("x"), hand_in("ben")]) == {"ada": 2.0, "ben": 2.0}
    rows = run.read(lambda record: record.people())
    assert {row.key: (row.name, row.filename) for row in rows} == {
        "ada": ("Student, Ada", "x.ipynb"), "ben": ("Student, Ben", "ben.ipynb"),
    }  # fmt: skip


def test_who_was_graded_with_another_part_of_the_class_keeps_outcome_and_file(run: Run) -> None:
    run([hand_in("ada")], people("ada", "ben"))
    assert run([hand_in("ben", b"bad")], people("ada", "ben")) == {"ada": 2.0, "ben": 0.0}
    assert {row.filename for row in run.read(lambda record: record.people())} == {"ada.ipynb", "ben.ipynb"}


def test_a_hand_in_found_to_be_of_one_who_was_graded_from_another_file_loses_neither(run: Run) -> None:
    run([hand_in("ada")], people("ada"))
    run([hand_in("x", b"bad")], people("ada"))
    assert run([hand_in("x", b"bad")], people("ada"), match={"x": "ada"}) == {"ada": 0.0, "ada (file)": 2.0}
    assert run([hand_in("x", b"bad"), hand_in("ada")], people("ada"), match={"x": ""}) == {"ada": 2.0, "x": 0.0}


def test_one_hand_in_of_a_team_is_judged_once_for_all_its_members(run: Run) -> None:
    scores = run([hand_in("blue"), hand_in("cem", b"bad")], people("ada", "ben", "cem"), blue("ada", "ben"))
    assert (run.slots.asked, scores) == (["blue", "cem"], {"ada": 2.0, "ben": 2.0, "cem": 0.0})
    run.set_by_hand("ben")
    scores = run([hand_in("blue")], people("ada", "ben", "cem"), blue("ada", "ben"))
    assert (run.slots.asked, scores) == ([], {"ada": 2.0, "ben": 0.5, "cem": 0.0})


def test_a_team_is_judged_again_only_where_a_member_has_no_outcome_of_it(run: Run) -> None:
    run([hand_in("blue")])
    assert run([hand_in("blue")], None, blue("ada", "ben")) == {"ada": 2.0, "ben": 2.0}
    assert run.slots.asked == ["blue"]
    assert run([hand_in("blue")], None, blue("ada")) == {"ada": 2.0}
    assert run.slots.asked == []


def test_a_team_stays_a_team_where_the_groups_are_not_named_again(run: Run) -> None:
    run([hand_in("blue")], people("ada", "ben"), blue("ada", "ben"))
    assert run([hand_in("blue", b"bad")], people("ada", "ben")) == {"ada": 0.0, "ben": 0.0}
    assert run([hand_in("blue", b"good")]) == {"ada": 2.0, "ben": 2.0}


def test_a_hidden_test_that_stumbles_over_a_teams_work_is_settled_for_every_member(run: Run) -> None:
    assert run([hand_in("blue", b"stumbles")], None, blue("ada", "ben")) == {"ada": 0.0, "ben": 0.0}


@pytest.mark.parametrize("key", ["ben", "blue"])
def test_a_student_and_a_hand_in_can_both_be_named_to_be_judged_alone(run: Run, key: str) -> None:
    everybody = [hand_in("blue"), hand_in("cem")]
    run(everybody, people("ada", "ben", "cem"), blue("ada", "ben"))
    run(everybody, people("ada", "ben", "cem"), blue("ada", "ben"), only=(key,), fresh=True)
    assert run.slots.asked == ["blue"]


# problems.csv


def test_a_late_mark_without_a_time_is_to_be_looked_at_by_what_lateness_costs(run: Run, tiny: Path) -> None:
    late = replace(hand_in("ada"), late=True)
    run([late, hand_in("ben")])
    (found,) = problems([], run.read(standings), [])[1]
    assert (found.kind, found.student) == ("marked late", "ada") and "no late policy" in found.what
    assert {one.person.key: one.flags for one in run.read(standings)} == {"ada": ("MARKED_LATE",), "ben": ()}
    due = f'{COURSE_FILE}    late:\n      due: "2026-11-20 23:59"\n      percent: 10\n'
    (tiny / "grading.yml").write_text(due)
    run.course = load_course(tiny)
    run([late])
    (found,) = problems([], run.read(standings), [])[1]
    assert (found.kind, found.student) == ("late, time unknown", "ada")
    assert "handed_in" in found.to_do


def test_who_is_on_no_list_any_more_is_kept_and_told(run: Run) -> None:
    run([hand_in("ada")], people("ada", "ben", "cem"))
    run([hand_in("x")], people("cem"))
    found = identities(plan([hand_in("x")], people("cem")), run.read(standings))
    told = {(one.kind, one.student) for one in found}
    assert {("from an earlier call", "ada"), ("no longer on the roster", "ben"), ("hand-in of nobody", "x")} <= told


def test_a_line_of_a_key_with_a_delimiter_can_be_put_into_a_match_file_as_it_stands(tmp_path: Path) -> None:
    roster, submissions = Roster((Student('a,"1"', "Adelheid"),)), [hand_in("adelheit")]
    line = plan(submissions, roster).findings[0].line
    (tmp_path / "match.csv").write_text(f"hand_in,student\n{line}\n")
    assert read_decisions(tmp_path / "match.csv", submissions, roster) == {"adelheit": 'a,"1"'}


# From the command line, with a real judge


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_team_and_a_decision_from_the_command_line(tiny: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "handed-in", tmp_path / "run"
    folder.mkdir()
    for name, answer in (("team blue", 42), ("cemm", 41), ("stranger", 42)):
        (folder / f"{name}.ipynb").write_bytes(notebook_bytes(f"answer = {answer}"))
    (tmp_path / "class.csv").write_text("key,name\nada,A\nben,B\n0007,Cemm\n0007,Cemm\n")
    (tmp_path / "groups.csv").write_text("group,student\nTeam Blue,ada\nTeam Blue,ben\n")
    command = ("grade", folder, "--course", tiny, "--roster", tmp_path / "class.csv", "--out", out, "--workers", 1)
    first = call(*command, "--groups", tmp_path / "groups.csv")
    assert first.exit_code == 0, first.output
    scores = {row["student"]: (row["status"], row["score"]) for row in rows_of(out / "scores.csv")}
    assert scores == {
        "ada": ("graded", "2"), "ben": ("graded", "2"), "0007": ("missing", ""), "cemm": ("graded", "0"),
        "stranger": ("graded", "2"),
    }  # fmt: skip
    problems = rows_of(out / "problems.csv")
    assert {(row["kind"], row["student"]) for row in problems} == {
        ("student twice", "0007"), ("hand-in of nobody", "cemm"), ("hand-in of nobody", "stranger"),
        ("missing", "0007"),
    }  # fmt: skip
    line = next(row["line for --match"] for row in problems if row["student"] == "cemm")
    (tmp_path / "match.csv").write_text(f"hand_in,student\n{line}\n")
    second = call(*command, "--match", tmp_path / "match.csv")
    assert second.exit_code == 0, second.output
    scores = {row["student"]: row["score"] for row in rows_of(out / "scores.csv")}
    assert scores == {"ada": "2", "ben": "2", "0007": "0", "stranger": "2"}
    assert not (out / "feedback" / "cemm.html").exists()
    assert (out / "feedback" / "0007.html").exists()
