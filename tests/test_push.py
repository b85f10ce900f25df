"""A push to Canvas sends what is new to whom it belongs, and nothing else, whatever the network or Canvas does."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import canvas_server
import keyring
import pytest
from canvas_server import API, ASSIGNMENT, COURSE, PAGE, TOKEN, UPDATE, FakeCanvas, Server, Submission
from click.testing import Result
from keyring.backends import fail
from rich.console import Console
from typer.testing import CliRunner

from autograder.canvas import client, sending
from autograder.canvas.access import access_token, site_address
from autograder.canvas.assignment import CanvasStudent
from autograder.canvas.client import Pace
from autograder.canvas.plan import Directory, ids_of
from autograder.canvas.push import Push
from autograder.cli import app
from autograder.course.late import Extension, LatePolicy
from autograder.course.models import CanvasPlace, Gradebook, Policy
from autograder.errors import AutograderError
from autograder.intake.identity import IdKind
from autograder.record.adjustments import Adjustment, adjust
from autograder.record.folder import locked
from autograder.record.grants import grant
from autograder.record.history import Receipt, keep_receipts, last_receipts
from autograder.record.standing import standings
from autograder.record.store import Person, Record, RunInfo
from autograder.report.comment import comment, pieces
from autograder.results import Outcome, QuestionResult, Status, TestResult, Where
from autograder.terminal.push import push_run

QUICK = Pace(tries=4, backoff=0, longest=0, silence=10, poll=0, polls=5)
SUBMISSIONS = f"{API}/assignments/{ASSIGNMENT}/submissions"
DUE = LatePolicy.model_validate({"due": "2026-11-20 12:00", "percent": 10})


def outcome(key: str, score: float, status: Status = Status.GRADED, **more: Any) -> Outcome:
    test = TestResult(
        id="t::b", question="q2", title="Every update uses a fresh gradient", outcome="failed", share=0,
        found="`zero_grad` is never called.", advice="Call it in each step.", where=Where(cell=3, line=4),
        detail="Traceback for the TA",
    )  # fmt: skip
    unseen = test.model_copy(update={"title": "Held out", "visibility": "hidden", "found": "a held-out value"})
    questions = (
        QuestionResult(id="q1", title="First", points=10, score=10, tests=()),
        QuestionResult(id="q2", title="Loop", points=10, score=score - 10, tests=(test, unseen)),
    )
    found: dict[str, Any] = {"questions": questions, "score": score} if status.scored else {"message": "No notebook."}
    return Outcome(key=key, status=status, max_score=20, **{**found, **more})


class Class:
    """A run's folder and the record in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = Record.open(folder / "grades.sqlite")
        self.plan(Policy())

    def plan(self, policy: Policy) -> None:
        questions = (("q1", "First", 10.0), ("q2", "Loop", 10.0))
        self.record.start_run(
            RunInfo("AML", "dipping", "Dipping into PyTorch", 7, "basic", {}, questions, policy, anonymous=False)
        )

    def add(self, person: Person, found: Outcome | None) -> None:
        self.record.plan([person])
        if found is not None:
            self.record.save(found, b"")

    def receipts(self, canvas: FakeCanvas) -> dict[str, Receipt]:
        return last_receipts(self.record, f"{canvas.url} course {COURSE} assignment {ASSIGNMENT}")


def person(n: int, **more: Any) -> Person:
    """Who handed in through Canvas: the key is the user's number there."""
    return Person(**{"key": str(n), "name": f"Student, Kim{n}", "position": n, "layout": "canvas", **more})


@pytest.fixture
def canvas() -> Iterator[FakeCanvas]:
    """Seven students, users 101 to 107; nobody has a grade."""
    users = {n: {"sis_user_id": f"00{n}", "login_id": f"kim{n}"} for n in range(101, 108)}
    found = FakeCanvas(users, {n: Submission() for n in users})
    with Server(found):
        yield found


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of seven graded hand-ins, 11 to 17 points."""
    found = Class(tmp_path_factory.mktemp("graded"))
    for n in range(101, 108):
        found.add(person(n), outcome(str(n), n - 90))
    found.record.close()
    return found.folder / "grades.sqlite"


@pytest.fixture
def course(graded: Path, tmp_path: Path, canvas: FakeCanvas, monkeypatch: pytest.MonkeyPatch) -> Iterator[Class]:
    """The seven in a run whose place is the server."""
    monkeypatch.setenv("CANVAS_API_TOKEN", TOKEN)
    shutil.copy(graded, tmp_path)
    found = Class(tmp_path)
    found.plan(policy(canvas))
    yield found
    found.record.close()


def policy(canvas: FakeCanvas, late: LatePolicy | None = None, **gradebook: Any) -> Policy:
    place = CanvasPlace(url=canvas.url, course=COURSE, assignment=ASSIGNMENT)
    return Policy(late=late, gradebook=Gradebook(canvas=place, **gradebook))


class Said:
    """What one push did: its exit code and everything it printed."""

    def __init__(self, course: Class, /, **push: Any) -> None:
        out, progress = Console(width=200, record=True, quiet=True), Console(width=200, record=True, quiet=True)
        with Path(course.folder / "said.txt").open("w+") as file:
            out.file = progress.file = file
            out.quiet = progress.quiet = False
            self.code = push_run(course.folder, Push(**push), out, progress, QUICK)
            file.seek(0)
            self.text = " ".join(file.read().split())


def send(course: Class, /, **push: Any) -> Said:
    return Said(course, send=True, **push)


def grades(canvas: FakeCanvas) -> dict[int, float | None]:
    return {user: one.score for user, one in canvas.submissions.items()}


ALL = {n: float(n - 90) for n in range(101, 108)}


# Shown before it is sent


def test_a_dry_run_shows_every_change_and_sends_nothing(course: Class, canvas: FakeCanvas) -> None:
    canvas.submissions[102].score = 12
    shown = Said(course)
    assert canvas.posts() == 0
    assert course.receipts(canvas) == {}
    assert "Student, Kim101 │ 101 │ - │ 11 │ new" in shown.text
    assert "Student, Kim102 │ 102 │ 12 │ stays │ new" in shown.text
    assert "Nothing was sent. Send 7 students with --send." in shown.text
    assert shown.code == 0


def test_the_place_and_what_students_will_see_are_told(course: Class, canvas: FakeCanvas) -> None:
    canvas.assignment = {"post_manually": True, "name": "Another title"}
    shown = Said(course)
    assert f"Applied ML (course {COURSE}), Another title (assignment {ASSIGNMENT}), 20 points" in shown.text
    assert 'called "Another title" there' in shown.text
    assert "see nothing until you post" in shown.text


# Sent once, and only what is new


def test_everybody_gets_the_grade_and_the_feedback_in_words(course: Class, canvas: FakeCanvas) -> None:
    done = send(course)
    assert (done.code, grades(canvas)) == (0, ALL)
    assert "Sent and seen on Canvas: 7 of 7 students" in done.text
    (text,) = canvas.submissions[101].comments
    assert "Dipping into PyTorch: 11 of 20 points" in text
    assert "`zero_grad` is never called. Call it in each step. (cell 3, line 4)" in text
    assert {one.answer["state"] for one in course.receipts(canvas).values()} == {"arrived"}


def test_a_second_push_sends_nothing(course: Class, canvas: FakeCanvas) -> None:
    send(course)
    before = canvas.posts()
    again = send(course)
    assert canvas.posts() == before
    assert "7 already so on Canvas" in again.text


def test_only_what_changed_is_sent(course: Class, canvas: FakeCanvas) -> None:
    send(course, comments=False)
    adjust(course.record, [Adjustment("103", "q2", 9, "Read it again.", "ta", "2026-11-25T00:00:00+00:00")])
    canvas.sent.clear()
    send(course, comments=False)
    assert canvas.sent == [{"103": {"posted_grade": "19"}}]


def test_an_adjustment_brings_its_reason_as_a_new_comment(course: Class, canvas: FakeCanvas) -> None:
    send(course)
    adjust(course.record, [Adjustment("103", "q2", 9, "Read it again.", "ta", "2026-11-25T00:00:00+00:00")])
    send(course)
    assert len(canvas.submissions[103].comments) == 2
    assert "Read it again." in canvas.submissions[103].comments[1]
    assert len(canvas.submissions[102].comments) == 1


def test_without_comments_none_are_sent_and_later_ones_come_once(course: Class, canvas: FakeCanvas) -> None:
    send(course, comments=False)
    assert not any(one.comments for one in canvas.submissions.values())
    for _ in range(2):
        send(course)
    assert [len(one.comments) for one in canvas.submissions.values()] == [1] * 7


def test_a_comment_that_a_person_deleted_is_not_sent_again(course: Class, canvas: FakeCanvas) -> None:
    send(course)
    canvas.submissions[104].comments.clear()
    send(course)
    assert canvas.submissions[104].comments == []


def test_a_long_comment_comes_in_order_in_several_pieces(course: Class, canvas: FakeCanvas) -> None:
    notes = tuple(f"Note {number}: {'word ' * 100}" for number in range(40))
    course.add(person(101), outcome("101", 11, notes=notes))
    send(course)
    found = canvas.submissions[101].comments
    assert len(found) == 3
    assert [one.partition("\n")[0] for one in found] == ["(1 of 3)", "(2 of 3)", "(3 of 3)"]
    assert all(note.strip() in " ".join(" ".join(found).split()) for note in map(str.strip, notes))
    assert max(map(len, found)) <= 8000


def test_batches_are_bounded(course: Class, canvas: FakeCanvas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "BATCH", 3)
    send(course)
    assert [len(one) for one in canvas.sent] == [3, 3, 1]
    assert grades(canvas) == ALL


# What is sent for whom


def test_somebody_elses_grade_stays_and_is_listed(course: Class, canvas: FakeCanvas) -> None:
    canvas.submissions[105].score = 3.5
    done = send(course)
    assert canvas.submissions[105].score == 3.5
    assert canvas.submissions[105].comments == []
    assert "given there by somebody" in done.text


def test_a_grade_changed_there_after_our_push_stays_and_is_listed(course: Class, canvas: FakeCanvas) -> None:
    send(course)
    canvas.submissions[105].score = 19
    canvas.submissions[106].score = None  # taken back
    done = send(course)
    assert (canvas.submissions[105].score, canvas.submissions[106].score) == (19, None)
    assert done.text.count("changed there since the last push; --overwrite replaces it") == 2


def test_overwrite_replaces_it(course: Class, canvas: FakeCanvas) -> None:
    send(course)
    canvas.submissions[105].score = 19
    send(course, overwrite=True)
    assert grades(canvas) == ALL


def test_an_excused_student_is_excused_and_can_be_graded_again(course: Class, canvas: FakeCanvas) -> None:
    send(course)
    grant(course.record, {"105": Extension(excused=True)})
    send(course)
    assert (canvas.submissions[105].excused, canvas.submissions[105].score) == (True, None)
    assert canvas.sent[-1] == {"105": {"excuse": "true"}}
    grant(course.record, {"105": Extension()})
    send(course)
    assert (canvas.submissions[105].excused, canvas.submissions[105].score) == (False, 15)


@pytest.mark.parametrize(("missing", "expected"), [("blank", None), ("zero", 0.0)])
def test_a_missing_hand_in_is_what_the_course_says(
    course: Class, canvas: FakeCanvas, missing: str, expected: float | None
) -> None:
    course.plan(policy(canvas, missing=missing))
    course.add(person(101), Outcome(key="101", status=Status.MISSING, max_score=20))
    done = send(course)
    assert canvas.submissions[101].score == expected
    assert ("nothing was handed in" in done.text) is (missing == "blank")


@pytest.mark.parametrize("status", [Status.NOT_GRADABLE, Status.GRADER_ERROR])
def test_who_could_not_be_graded_gets_nothing_and_is_listed(course: Class, canvas: FakeCanvas, status: Status) -> None:
    course.plan(policy(canvas, missing="zero"))
    course.add(person(101), outcome("101", 0, status))
    done = send(course)
    assert (canvas.submissions[101].score, canvas.submissions[101].comments) == (None, [])
    assert f"{status.value.replace('_', ' ')}: No notebook." in done.text


@pytest.mark.parametrize(
    ("by", "grade", "told"),
    [("autograder", 9.0, "Scores are those after the late penalty."), ("lms", 11.0, "Scores are raw")],
)
def test_a_late_score_is_final_or_raw_as_the_course_says(
    course: Class, canvas: FakeCanvas, by: str, grade: float, told: str
) -> None:
    course.plan(policy(canvas, DUE.model_copy(update={"deducted_by": by})))
    late = datetime(2026, 11, 21, 11, tzinfo=UTC).isoformat()
    course.add(person(101, handed_in=late), outcome("101", 11))
    done = send(course)
    assert canvas.submissions[101].score == grade
    assert told in done.text
    assert "Handed in 23 h late" in canvas.submissions[101].comments[0]


def test_who_is_late_by_nobody_knows_how_much_is_told(course: Class, canvas: FakeCanvas) -> None:
    course.plan(policy(canvas, DUE))
    course.add(person(101, marked_late=True), outcome("101", 11))
    assert "1 student handed in late by nobody knows how much (LATE_UNKNOWN)" in Said(course).text


def test_nobody_pays_twice_for_being_late(course: Class, canvas: FakeCanvas) -> None:
    canvas.late_policy = {"late_submission_deduction_enabled": True}
    course.plan(policy(canvas, DUE))
    late = datetime(2026, 11, 21, 11, tzinfo=UTC).isoformat()
    course.add(person(101, handed_in=late), outcome("101", 11))
    with pytest.raises(AutograderError, match="they would pay twice"):
        send(course)
    assert canvas.posts() == 0


def test_what_canvas_takes_off_is_no_change_by_a_person(course: Class, canvas: FakeCanvas) -> None:
    send(course)
    canvas.submissions[105].deducted = 2
    again = send(course)
    assert "7 already so on Canvas" in again.text


@pytest.mark.parametrize(("places", "expected"), [(0, 13.0), (1, 12.5), (2, 12.45)])
def test_grades_have_as_many_decimals_as_the_course_says(
    course: Class, canvas: FakeCanvas, places: int, expected: float
) -> None:
    course.plan(policy(canvas, places=places))
    course.add(person(101), outcome("101", 12.45 if places else 12.5))
    send(course)
    assert canvas.submissions[101].score == expected
    assert "1 already" not in send(course).text  # rounded alike when compared


# Who is who


def directory(canvas: FakeCanvas) -> Directory:
    seen = [CanvasStudent(id=user, **about) for user, about in canvas.users.items()]
    return Directory(seen, lambda prefix, value: None)


@pytest.mark.parametrize(
    ("who", "user"),
    [
        (Person("x", ids={IdKind.CANVAS: "103"}), 103),
        (Person("x", ids={IdKind.NUMBER: "00103"}), 103),
        (Person("x", ids={IdKind.LOGIN: "kim103"}), 103),
        (Person("103", layout="canvas"), 103),
        (Person("103", layout="canvas", ids={IdKind.NUMBER: "00103"}), 103),
    ],
)
def test_a_student_is_found_by_any_of_the_ids(canvas: FakeCanvas, who: Person, user: int) -> None:
    assert directory(canvas).find(who) == user


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (Person("x", name="Student, Kim103"), "no Canvas, SIS or login id is known"),
        (Person("103", layout="moodle"), "no Canvas, SIS or login id is known"),
        (Person("103", layout="canvas", hand_in="team-a"), "no Canvas, SIS or login id is known"),
        (Person("x", ids={IdKind.NUMBER: "103"}), "no student of the course on Canvas has sis_user_id 103"),
        (Person("x", ids={IdKind.CANVAS: "999"}), "no student of the course on Canvas has user 999"),
        (Person("x", ids={IdKind.CANVAS: "103", IdKind.LOGIN: "kim104"}), "are of 2 different students"),
    ],
)
def test_nobody_is_guessed(canvas: FakeCanvas, who: Person, why: str) -> None:
    assert why in str(directory(canvas).find(who))


def test_two_users_of_one_login_are_neither_of_them(canvas: FakeCanvas) -> None:
    canvas.users[104]["login_id"] = "kim103"
    assert "different students" in str(directory(canvas).find(Person("x", ids={IdKind.LOGIN: "kim103"})))


def test_the_strongest_id_comes_first() -> None:
    who = Person("x", ids={IdKind.LOGIN: "kim", IdKind.NUMBER: "007", IdKind.CANVAS: "5"})
    assert ids_of(who) == [("user", "5"), ("sis_user_id", "007"), ("sis_login_id", "kim")]


def test_ids_that_the_list_hides_are_asked_for_one_by_one(course: Class, canvas: FakeCanvas) -> None:
    canvas.users = {n: {} for n in canvas.users}
    course.add(person(1, key="x", layout="", ids={IdKind.NUMBER: "S101"}), outcome("x", 11))
    course.add(person(2, key="y", layout="", ids={IdKind.NUMBER: "S999"}), outcome("y", 12))
    shown = Said(course)
    assert "2 students of the run are user 101 on Canvas" in shown.text
    assert "no student of the course on Canvas has sis_user_id S999" in shown.text
    assert shown.code == 1


def test_two_students_of_one_user_get_nothing_either_of_them(course: Class, canvas: FakeCanvas) -> None:
    course.add(person(1, key="x", ids={IdKind.CANVAS: "103"}), outcome("x", 20))
    done = send(course)
    assert canvas.submissions[103].score is None
    assert done.code == 1


def test_who_cannot_be_placed_is_listed_and_the_others_are_sent(course: Class, canvas: FakeCanvas) -> None:
    course.add(Person("zoe", "Student, Zoe"), outcome("zoe", 20))
    del canvas.submissions[107]  # not assigned to that student
    done = send(course)
    assert {user: score for user, score in ALL.items() if user != 107} == grades(canvas)
    assert "no Canvas, SIS or login id is known" in done.text
    assert "not assigned to user 107" in done.text
    assert done.code == 1


# Places that cannot take the grades


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"points_possible": 25.0}, "worth 25 points on Canvas, this run 20"),
        ({"points_possible": None}, "worth 0 points on Canvas"),
        ({"published": False}, "is not published"),
        ({"grading_type": "not_graded"}, "is not graded on Canvas"),
        ({"grading_type": "pass_fail"}, 'shows grades as "pass_fail"'),
        ({"course_id": 8}, "is in course 8, not in 7"),
        ({"moderated_grading": True}, "is moderated"),
        ({"anonymize_students": True}, "hides its students' names"),
        ({"group_category_id": 3}, "one grade to a whole group"),
    ],
)
def test_an_assignment_that_cannot_take_them_is_refused(
    course: Class, canvas: FakeCanvas, change: dict[str, Any], told: str
) -> None:
    canvas.assignment = change
    with pytest.raises(AutograderError, match=told):
        send(course)
    assert canvas.posts() == 0


def test_an_assignment_that_is_not_there_is_named(course: Class, canvas: FakeCanvas) -> None:
    with pytest.raises(AutograderError, match=r"has no assignment 13 of course 7, or .* \(404\)"):
        send(course, assignment=13)


def test_the_options_go_before_what_the_record_keeps(course: Class, canvas: FakeCanvas) -> None:
    course.plan(Policy())
    with pytest.raises(AutograderError, match="Give --canvas-course, --canvas-assignment"):
        send(course, url=canvas.url)
    assert send(course, url=canvas.url, course=COURSE, assignment=ASSIGNMENT).code == 0


def test_another_job_in_the_folder_is_waited_for(course: Class, canvas: FakeCanvas) -> None:
    with locked(course.folder), pytest.raises(AutograderError, match="is at work"):
        send(course)
    assert canvas.posts() == 0


# The network and the server


@pytest.mark.parametrize(
    "fault",
    [canvas_server.throttled, canvas_server.status(429, Retry_After="0"), canvas_server.status(429, Retry_After="?")],
)
@pytest.mark.parametrize("place", [("GET", SUBMISSIONS), ("POST", UPDATE)])
def test_a_throttled_request_is_made_again(
    course: Class, canvas: FakeCanvas, fault: Any, place: tuple[str, str]
) -> None:
    canvas.faults = [(*place, fault)] * 2
    assert send(course).code == 0
    assert grades(canvas) == ALL
    assert [len(one.comments) for one in canvas.submissions.values()] == [1] * 7


@pytest.mark.parametrize("fault", [canvas_server.status(500), canvas_server.status(503), canvas_server.hang_up])
@pytest.mark.parametrize("place", [f"{API}/search_users", "/api/v1/progress/1", f"{API}/assignments/{ASSIGNMENT}"])
def test_a_reading_that_failed_is_made_again(course: Class, canvas: FakeCanvas, fault: Any, place: str) -> None:
    canvas.faults = [("GET", place, fault)] * 2
    assert send(course).code == 0
    assert grades(canvas) == ALL


@pytest.mark.parametrize("fault", [canvas_server.throttled, canvas_server.status(502), canvas_server.hang_up])
def test_repeats_are_bounded(course: Class, canvas: FakeCanvas, fault: Any) -> None:
    canvas.faults = [("GET", f"{API}/search_users", fault)] * 50
    with pytest.raises(AutograderError, match=r"127\.0\.0\.1"):
        send(course)
    assert len(canvas.faults) == 50 - QUICK.tries


@pytest.mark.parametrize("fault", [canvas_server.status(500), canvas_server.hang_up])
def test_a_lost_answer_repeats_grades_and_not_comments(course: Class, canvas: FakeCanvas, fault: Any) -> None:
    canvas.faults = [("POST", UPDATE, fault)]
    done = send(course)
    assert grades(canvas) == ALL
    assert not any(one.comments for one in canvas.submissions.values())
    assert "comment: no word from Canvas" in done.text
    assert done.code == 1
    assert send(course).code == 0
    assert [len(one.comments) for one in canvas.submissions.values()] == [1] * 7


def test_a_comment_whose_answer_was_lost_does_not_come_twice(course: Class, canvas: FakeCanvas) -> None:
    texts = {one.person.key: comment(course.record.info(), one) for one in standings(course.record)}

    def taken(found: FakeCanvas) -> None:
        for key, text in texts.items():
            found.submissions[int(key)].comments.append(text)

    canvas.faults = [("POST", UPDATE, taken)]
    assert send(course).code == 0
    assert [len(one.comments) for one in canvas.submissions.values()] == [1] * 7


def test_a_push_that_died_sends_only_what_did_not_arrive(
    course: Class, canvas: FakeCanvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "BATCH", 3)

    class Killed(BaseException):
        pass

    original = sending._one

    def one(*arguments: Any) -> Any:
        if canvas.sent:
            raise Killed
        return original(*arguments)

    monkeypatch.setattr(sending, "_one", one)
    with pytest.raises(Killed):
        send(course)
    monkeypatch.setattr(sending, "_one", original)
    assert sum(score is not None for score in grades(canvas).values()) == 3
    canvas.sent.clear()
    assert send(course).code == 0
    assert [len(batch) for batch in canvas.sent] == [3, 1]
    assert [len(one.comments) for one in canvas.submissions.values()] == [1] * 7
    assert {receipt.answer["state"] for receipt in course.receipts(canvas).values()} == {"arrived"}


def test_students_whom_a_job_refused_are_listed_and_the_others_have_theirs(course: Class, canvas: FakeCanvas) -> None:
    canvas.refuses = {103, 104}
    done = send(course)
    assert {user for user, score in grades(canvas).items() if score is None} == {103, 104}
    assert "Sent and seen on Canvas: 5 of 7" in done.text
    assert "Couldn't find User(s) with API ids '103', '104'" in done.text
    assert course.receipts(canvas)["103"].answer["state"] == "refused"
    assert done.code == 1
    canvas.refuses, canvas.sent = set(), []
    assert send(course).code == 0
    assert set(canvas.sent[0]) == {"103", "104"}


def test_a_job_that_claims_success_is_not_believed(course: Class, canvas: FakeCanvas) -> None:
    canvas.works = False
    done = send(course)
    assert "Sent and seen on Canvas: 0 of 7" in done.text
    assert done.code == 1


def test_a_job_that_never_ends_is_waited_for_a_bounded_time(course: Class, canvas: FakeCanvas) -> None:
    canvas.stuck = True
    done = send(course)
    assert sum(path.startswith("/api/v1/progress") for _, path in canvas.heard) == QUICK.polls
    assert "grade: no word from Canvas" in done.text
    canvas.stuck = False
    assert send(course).code == 0
    assert grades(canvas) == ALL


def test_a_job_is_asked_about_until_it_is_over(course: Class, canvas: FakeCanvas) -> None:
    canvas.looks = 4
    assert send(course).code == 0
    assert canvas.heard.count(("GET", "/api/v1/progress/1")) == 4


def test_every_page_is_read(course: Class, canvas: FakeCanvas) -> None:
    Said(course)
    assert canvas.heard.count(("GET", f"{API}/search_users")) == -(-7 // PAGE)
    assert canvas.heard.count(("GET", SUBMISSIONS)) == -(-7 // PAGE)


def test_a_list_without_an_end_is_refused(course: Class, canvas: FakeCanvas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGES", 2)
    with pytest.raises(AutograderError, match="more than 2 pages"):
        send(course)
    assert canvas.heard.count(("GET", f"{API}/search_users")) == 2


def test_an_answer_without_an_end_is_refused(
    course: Class, canvas: FakeCanvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LARGEST", 5000)
    canvas.faults = [("GET", API, canvas_server.status(200, " " * 5001))]
    with pytest.raises(AutograderError, match="more than 5,000 bytes"):
        send(course)
    canvas.faults = [("GET", API, canvas_server.status(404, " " * 5001))]
    with pytest.raises(AutograderError, match="more than 5,000 bytes"):
        send(course)
    assert send(course).code == 0


@pytest.mark.parametrize(
    ("tried", "header", "seconds"),
    [
        (1, "", 0),
        (2, "", 4),
        (3, "soon", 8),
        (5, "", 30),
        (1, "7", 7),
        (1, "900", 30),
        (1, "Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
def test_waits_are_what_the_server_asks_for_and_bounded(
    tried: int, header: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(client.time, "sleep", waited.append)
    Pace(backoff=2, longest=30).wait_to_retry(tried, header)
    assert waited == [seconds]


def test_a_page_at_another_address_is_not_asked_with_the_token(course: Class, canvas: FakeCanvas) -> None:
    elsewhere = canvas_server.status(200, [], Link='<https://canvas.example.edu/api/v1/courses/7/x>; rel="next"')
    canvas.faults = [("GET", f"{API}/search_users", elsewhere)]
    with pytest.raises(AutograderError, match="sends us to another address"):
        send(course)


def test_a_redirect_is_not_followed(course: Class, canvas: FakeCanvas) -> None:
    canvas.faults = [("POST", UPDATE, canvas_server.status(302, Location=f"{canvas.url}{API}"))]
    done = send(course)
    assert "sends us to another address" in done.text
    assert done.code == 1


def test_a_web_page_instead_of_an_answer_is_told(course: Class, canvas: FakeCanvas) -> None:
    canvas.faults = [("GET", API, canvas_server.status(200, "<html>Log in</html>"))]
    with pytest.raises(AutograderError, match="something that Canvas does not say"):
        send(course)


def test_a_site_out_of_reach_is_told(course: Class) -> None:
    with pytest.raises(AutograderError, match=r"cannot be reached, or broke off: .*refused"):
        send(course, url="http://127.0.0.1:1")


def test_who_may_not_grade_is_told(course: Class, canvas: FakeCanvas) -> None:
    refusal = {"status": "unauthorized", "errors": [{"message": "user not authorized"}]}
    canvas.faults = [("POST", UPDATE, canvas_server.status(403, refusal))]
    done = send(course)
    assert "a teacher's or TA's role is needed" in done.text
    assert canvas.posts() == 1
    assert done.code == 1


# The token


@pytest.fixture
def no_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    yield
    keyring.set_keyring(before)


def test_a_wrong_token_is_told_and_never_shown(
    course: Class, canvas: FakeCanvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANVAS_API_TOKEN", "9~wrongButSecret")
    with pytest.raises(AutograderError, match=r"did not take the token \(401\)") as refusal:
        send(course)
    chain: BaseException | None = refusal.value
    while chain is not None:
        assert "9~wrongButSecret" not in f"{chain!r} {chain}"
        chain = chain.__cause__ or chain.__context__


def test_a_line_in_netrc_does_not_replace_the_token(
    course: Class, canvas: FakeCanvas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login kim password word\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert send(course).code == 0


def test_a_server_that_quotes_the_token_does_not_get_it_shown_or_kept(
    course: Class, canvas: FakeCanvas, tmp_path: Path
) -> None:
    canvas.faults = [("POST", UPDATE, canvas_server.status(400, f"bad token {TOKEN}"))]
    done = send(course)
    assert "****" in done.text
    assert TOKEN not in done.text
    course.record.close()
    assert not [path for path in tmp_path.iterdir() if TOKEN.encode() in path.read_bytes()]


def test_without_a_token_the_ways_to_give_one_are_told(no_keyring: None) -> None:
    with pytest.raises(AutograderError, match=r"CANVAS_API_TOKEN.*keyring set autograder https://canvas\.example\.edu"):
        access_token("https://canvas.example.edu", {})


@pytest.mark.parametrize("text", ["a b", "7~tok\nen", "tokén"])
def test_a_token_that_no_header_may_hold_is_refused_unquoted(text: str) -> None:
    with pytest.raises(AutograderError, match="in CANVAS_API_TOKEN has blanks") as refusal:
        access_token("https://canvas.example.edu", {"CANVAS_API_TOKEN": text})
    assert text not in str(refusal.value)


def test_the_keyring_is_asked_for_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(keyring, "get_password", lambda *about: asked.append(about) or "secret")
    found = access_token("https://canvas.example.edu", {})
    assert asked == [("autograder", "https://canvas.example.edu")]
    assert (found.reveal(), "secret" in repr(found)) == ("secret", False)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://canvas.example.edu", "unencrypted"),
        ("http://127.0.0.1.example.edu", "unencrypted"),
        ("http://10.0.0.1", "unencrypted"),
        ("canvas.example.edu", "no address of a site"),
        ("ftp://canvas.example.edu", "no address of a site"),
        ("https://kim:word@canvas.example.edu", "user name or password"),
        ("https://canvas.example.edu/courses/7", "says more than the site"),
        ("https://canvas.example.edu:port", "is no address"),
    ],
)
def test_an_address_that_will_not_do_is_refused(url: str, told: str) -> None:
    with pytest.raises(AutograderError, match=told):
        site_address(url)


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://Canvas.Example.edu/", "https://canvas.example.edu"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_an_address_is_brought_into_one_form(url: str, site: str) -> None:
    assert site_address(url) == site


# The command, the comment


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_shows_first_and_then_sends(course: Class, canvas: FakeCanvas) -> None:
    shown = call("push", "canvas", course.folder)
    assert (shown.exit_code, canvas.posts()) == (0, 0)
    assert "Nothing was sent." in shown.stdout
    sent = call("push", "canvas", course.folder, "--send", "--no-comments")
    assert (sent.exit_code, grades(canvas)) == (0, ALL)
    assert TOKEN not in shown.output + sent.output


def test_another_system_is_refused(tmp_path: Path) -> None:
    refused = call("push", "moodle", tmp_path)
    assert (refused.exit_code, "Known are canvas" in refused.stderr) == (2, True)


@pytest.mark.parametrize("package", ["requests", "keyring"])
def test_without_the_extra_the_way_to_install_it_is_told(
    course: Class, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    for name in [name for name in sys.modules if name.startswith(("autograder.canvas", "autograder.terminal"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    refused = call("push", "canvas", course.folder)
    assert refused.exit_code == 2
    assert "pip install 'autograder[canvas]'" in refused.stderr


def test_a_comment_says_nothing_that_is_for_the_ta(course: Class) -> None:
    text = comment(course.record.info(), standings(course.record)[0])
    assert "Held out" not in text
    assert "held-out value" not in text
    assert "Traceback" not in text


@pytest.mark.parametrize("text", ["", "a", "word " * 5000, "x" * 20000, "one\n\n" * 4000])
def test_pieces_are_bounded_and_lose_nothing(text: str) -> None:
    found = pieces(text, 500)
    bodies = [one.partition("\n")[2] for one in found] if len(found) > 1 else list(found)
    assert all(0 < len(one) <= 500 for one in found)
    assert "".join("".join(bodies).split()) == "".join(text.split())


def test_a_receipt_of_another_place_says_nothing_here(course: Class, canvas: FakeCanvas) -> None:
    elsewhere = Receipt("101", "https://canvas.example.edu course 7 assignment 12", "", {"grade": "3"}, {})
    keep_receipts(course.record, [elsewhere])
    canvas.submissions[101].score = 3
    assert "given there by somebody" in Said(course).text


def test_what_was_sent_stands_in_the_record(course: Class, canvas: FakeCanvas) -> None:
    send(course)
    with sqlite3.connect(course.folder / "grades.sqlite") as database:
        rows = database.execute("SELECT sent, answer FROM receipt WHERE submission = '101' ORDER BY id").fetchall()
    states = [json.loads(answer)["state"] for _, answer in rows]
    assert states == ["asked", "arrived"]
    assert json.loads(rows[1][0])["grade"] == "11"
