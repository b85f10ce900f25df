"""Of a student's several hand-ins one counts, as the assignment says; all stay, and none is judged twice."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import killing
import pytest
from attacks.cases import RIGHT, WRONG
from attacks.suite import course_in
from conftest import notebook_bytes
from downloads import download, notebook, unpacked
from dying.sitecustomize import OF_ATTEMPTS, arm

from autograder.course import Assignment, Course
from autograder.course.late import Extension, LatePolicy
from autograder.engine import grading
from autograder.engine.attempts import UNGRADED, taken_of
from autograder.engine.grading import RECORD, grade
from autograder.engine.options import Options
from autograder.engine.slots import Job
from autograder.intake.collecting import collect
from autograder.intake.handin import HandIn
from autograder.record.attempts import attempts
from autograder.record.grants import grant
from autograder.record.standing import standings
from autograder.record.store import Record
from autograder.results import Outcome, QuestionResult, Status, TestResult

# --- which one counts, as far as the LMS tells


TWICE = {
    "Lab_ada_attempt_2026-11-10-08-00-00_lab.ipynb": notebook("alpha = 1"),
    "Lab_ada_attempt_2026-11-12-08-00-00_lab.ipynb": notebook("alpha = 2"),
    "Lab_ada_attempt_2026-11-11-08-00-00_lab.ipynb": notebook("alpha = 3"),
    "Lab_ben_attempt_2026-11-11-08-00-00_lab.ipynb": notebook("alpha = 4"),
}


@pytest.mark.parametrize(("counts", "source"), [("newest", "alpha = 2"), ("first", "alpha = 1"), ("best", "alpha = 2")])
def test_the_attempt_that_counts_is_taken_and_all_are_kept(tmp_path: Path, counts: Any, source: str) -> None:
    collected = collect([download(tmp_path, TWICE)], names=("alpha",), counts=counts)
    ada, ben = collected.submissions
    assert (ada.content, ben.attempts) == (notebook(source), ())
    assert [one.content for one in ada.attempts] == [notebook(f"alpha = {n}") for n in (1, 3, 2)]
    told = [note for note in collected.notes if f"ada: 3 attempts; the {counts} counts" in note]
    assert len(told) == (0 if counts == "best" else 1)  # that is known after grading alone
    assert len([one for one in collected.left_out if one.expected]) == (0 if counts == "best" else 2)


def test_two_downloads_of_one_assignment_are_put_together(tmp_path: Path) -> None:
    ben = {"studentben_9002_502_lab.ipynb": notebook("alpha = 2")}
    paths = [
        download(tmp_path, {"studentada_9001_501_lab.ipynb": notebook("alpha = 1"), **ben}, "monday.zip"),
        download(tmp_path, {"studentada_9001_507_lab-1.ipynb": notebook("alpha = 3"), **ben}, "friday.zip"),
    ]
    first, second = collect(paths, names=("alpha",)).submissions
    assert [one.content for one in first.attempts] == [notebook("alpha = 1"), notebook("alpha = 3")]
    assert (first.content, second.content, second.attempts) == (notebook("alpha = 3"), notebook("alpha = 2"), ())


@pytest.mark.parametrize("counts", ["newest", "first"])
def test_two_hand_ins_that_no_time_tells_apart_are_for_a_person_and_the_class_goes_on(
    tmp_path: Path, counts: Any
) -> None:
    paths = [
        download(
            tmp_path,
            {
                "Zoe Student_4_assignsubmission_file/lab.ipynb": notebook(f"alpha = {n}"),
                "Ada Student_5_assignsubmission_file/lab.ipynb": notebook("alpha = 5"),
            },
            f"{n}.zip",
        )
        for n in (1, 2)
    ]
    zoe, ada = collect(paths, names=("alpha",), counts=counts).submissions
    assert (zoe.key, zoe.content) == ("4", None) and "2 times with different content" in str(zoe.problem)
    assert [one.content for one in zoe.attempts] == [notebook("alpha = 1"), notebook("alpha = 2")]
    assert ada.content == notebook("alpha = 5")


def test_one_number_in_two_blind_downloads_is_not_one_student(tmp_path: Path) -> None:
    paths = [
        download(tmp_path, {"Participant_4_assignsubmission_file/lab.ipynb": notebook(f"alpha = {n}")}, f"{n}.zip")
        for n in (1, 2)
    ]
    assert len(collect(paths, names=("alpha",)).submissions) == 2


def test_a_files_time_on_disk_says_nothing(tmp_path: Path) -> None:
    unpacked(tmp_path / "class", TWICE)
    for name in TWICE:
        os.utime(tmp_path / "class" / name, (0, 2_000_000_000 if "11-10" in name else 1_000_000_000))
    assert collect([tmp_path / "class"], names=("alpha",)).submissions[0].content == notebook("alpha = 2")


# --- which one counts, after grading; with a judge that answers at once


SCORES = {b"two": 2.0, b"one": 1.0, b"none": 0.0, b"also two": 2.0}


def judged(job: Job) -> Outcome:
    if job.content == b"broken":
        return Outcome(key=job.key, status=Status.GRADER_ERROR, message="ours", max_score=2.0)
    score = SCORES[job.content]
    test = TestResult(id="a", question="q1", title="a", outcome="partial", share=score / 2)
    questions = (QuestionResult(id="q1", title="First", points=2, score=score, tests=(test,)),)
    return Outcome(key=job.key, status=Status.GRADED, score=score, max_score=2.0, questions=questions)


@dataclass
class FakeSlots:
    """Answers each job by its content, and keeps what it was asked; stops for good before the job number `dies_at`."""

    seed: int = 7
    versions: dict[str, str] = field(default_factory=dict)
    sandbox: Any = field(default_factory=lambda: SimpleNamespace(level="basic"))
    asked: list[bytes] = field(default_factory=list)
    answer: Callable[[Job], Outcome] = judged
    dies_at: int | None = None

    def __enter__(self) -> FakeSlots:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def run(self, jobs: Iterable[Job], ended: Callable[[Job, Outcome], None]) -> None:
        for number, job in enumerate(jobs):
            if number == self.dies_at:
                raise KeyboardInterrupt
            self.asked.append(job.content)
            ended(job, self.answer(job))


@dataclass
class Runs:
    """Grades into one folder as often as is asked; gives the record, open."""

    course: Course
    assignment: Assignment
    out: Path
    slots: FakeSlots

    def __call__(self, *submissions: HandIn, counts: str = "best", **wish: Any) -> Record:
        self.slots.asked = []
        late = LatePolicy(due="2026-11-12 12:00", percent=40, per="day")  # type: ignore[arg-type]
        assignment = self.assignment.model_copy(update={"attempts": counts, "late": late})
        return grade(
            self.course,
            assignment,
            submissions,
            None,
            Options(self.out, **{"seed": 7, **wish}),
            lambda key, outcome: None,
        )


@pytest.fixture
def runs(course: Course, assignment: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    slots = FakeSlots()
    monkeypatch.setattr(grading, "Slots", lambda *_, **__: slots)
    return Runs(course, assignment, tmp_path / "run", slots)


def student(key: str, *contents: bytes | None, day: int = 10, taken: int | None = None) -> HandIn:
    """A student whose attempts came on the days from `day` on at noon; the last one is taken."""
    each = [
        HandIn(
            key, content, f"{place}.ipynb", f"class/{key}-{place}.ipynb", None if content else "it is damaged",
            handed_in=datetime(2026, 11, day + place, 12),
        )
        for place, content in enumerate(contents)
    ]  # fmt: skip
    one = each[-1 if taken is None else taken]
    return HandIn(
        key, one.content, one.filename, one.source, one.problem, handed_in=one.handed_in,
        attempts=tuple(each) if len(each) > 1 else (),
    )  # fmt: skip


def final(record: Record, key: str) -> tuple[float | None, float | None, str]:
    """Raw and final score, and the file that they are of."""
    (one,) = [each for each in standings(record) if each.person.key == key]
    return one.score, one.final, one.person.filename


def test_of_all_attempts_the_best_counts_and_of_equals_the_newer(runs: Runs) -> None:
    record = runs(student("ada", b"one", b"two", b"none"), student("ben", b"two", b"also two", b"one"))
    assert final(record, "ada") == (2.0, 2.0, "1.ipynb")
    assert final(record, "ben") == (2.0, 2.0, "1.ipynb")
    assert [(one.number, one.score, one.counted) for one in attempts(record, "ada")] == [
        (1, 1.0, False), (2, 2.0, True), (3, 0.0, False),
    ]  # fmt: skip
    assert (
        "ada: several attempts; the best counts, number 2 (class/ada-1.ipynb, handed in 2026-11-11T12:00:00"
        in taken_of(record)[0]
    )
    assert "Of your 3 attempts the best counts: number 2." in record.outcomes()[0].notes


def test_the_best_is_the_one_that_is_left_after_lateness(runs: Runs) -> None:
    """Two points a day late are 1.2; one point on time is less, three days late nothing is left."""
    record = runs(student("ada", b"one", b"two", day=12), student("ben", b"one", b"none", b"none", b"two", day=12))
    assert final(record, "ada") == (2.0, 1.2, "1.ipynb")
    assert final(record, "ben") == (1.0, 1.0, "0.ipynb")


def test_a_later_extension_makes_another_attempt_the_best(runs: Runs) -> None:
    ben = student("ben", b"one", b"none", b"none", b"two", day=12)
    record = runs(ben)
    grant(record, {"ben": Extension(due="2026-11-20 12:00")})  # type: ignore[arg-type]
    record = runs(ben)
    assert (runs.slots.asked, final(record, "ben")) == ([], (2.0, 2.0, "3.ipynb"))
    assert [one.counted for one in attempts(record, "ben")] == [False, False, False, True]


@pytest.mark.parametrize(("counts", "taken", "asked"), [("newest", 2, [b"none"]), ("first", 0, [b"one"])])
def test_only_the_attempt_that_counts_is_judged_and_the_others_stay(
    runs: Runs, counts: str, taken: int, asked: list[bytes]
) -> None:
    record = runs(student("ada", b"one", b"two", b"none", taken=taken), counts=counts)
    assert (runs.slots.asked, final(record, "ada")[2]) == (asked, f"{taken}.ipynb")
    assert [one.counted for one in attempts(record, "ada")] == [place == taken for place in range(3)]


def test_what_was_judged_is_not_judged_again_whatever_counts_next(runs: Runs) -> None:
    runs(student("ada", b"one"), counts="newest")
    runs(student("ada", b"one", b"two"), counts="newest")
    assert runs.slots.asked == [b"two"]
    runs(student("ada", b"one", b"two", b"none"))
    assert runs.slots.asked == [b"none"]
    record = runs(student("ada", b"one", b"two", b"none", taken=0), counts="first")
    assert (runs.slots.asked, final(record, "ada")) == ([], (1.0, 1.0, "0.ipynb"))
    runs(student("ada", b"one", b"two", b"none"), fresh=True)
    assert runs.slots.asked == [b"one", b"two", b"none"]


def test_equal_bytes_are_judged_once(runs: Runs) -> None:
    record = runs(student("ada", b"one", b"one", b"one"))
    assert (runs.slots.asked, final(record, "ada")) == ([b"one"], (1.0, 1.0, "2.ipynb"))


def test_a_run_that_dies_between_attempts_goes_on_with_the_next(runs: Runs) -> None:
    ada = student("ada", b"one", b"two", b"none")
    runs.slots.dies_at = 2
    with pytest.raises(KeyboardInterrupt):
        runs(ada)
    runs.slots.dies_at = None
    record = runs(ada)
    assert (runs.slots.asked, final(record, "ada")) == ([b"none"], (2.0, 2.0, "1.ipynb"))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("step", [*OF_ATTEMPTS, "planned", "before saving", "saved"])
def test_a_run_that_dies_at_any_step_is_taken_up_and_judges_nothing_twice(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, step: str, count: int
) -> None:
    class_ = (student("ada", b"one", b"two"), student("ben", b"two", b"none"), student("cem", b"one", None))

    def interrupted() -> None:
        raise KeyboardInterrupt

    arm(f"{step}:{count}", interrupted, monkeypatch.setattr)
    asked: list[bytes] = []
    for _ in range(3):
        with contextlib.suppress(KeyboardInterrupt):
            runs(*class_)
        asked += runs.slots.asked
    record = runs(*class_)
    files = {key: final(record, key)[2] for key in ("ada", "ben", "cem")}
    assert files == {"ada": "1.ipynb", "ben": "0.ipynb", "cem": "0.ipynb"}
    counted = [[one.number for one in attempts(record, key) if one.counted] for key in files]
    assert counted == [[2], [1], [1]]
    assert len(asked) + len(runs.slots.asked) == 5


def test_an_attempt_that_cannot_be_read_does_not_count_where_another_can(runs: Runs) -> None:
    record = runs(student("ada", b"one", None), student("ben", None, None))
    assert final(record, "ada") == (1.0, 1.0, "0.ipynb")
    assert record.outcomes()[1].status is Status.NOT_GRADABLE


def test_a_fault_of_ours_in_one_attempt_is_flagged_and_tried_again(runs: Runs) -> None:
    ada = student("ada", b"one", b"broken")
    record = runs(ada)
    outcome = record.outcome("ada")
    assert outcome is not None and (outcome.score, outcome.flags) == (1.0, (UNGRADED,))
    runs.slots.answer = lambda job: judged(Job(job.key, b"two"))
    record = runs(ada)
    outcome = record.outcome("ada")
    assert outcome is not None and (outcome.score, outcome.flags) == (2.0, ())


def test_grading_one_student_again_leaves_anothers_attempt_as_it_is(runs: Runs) -> None:
    everybody = student("ada", b"one", b"two"), student("ben", b"two", b"none")
    runs(*everybody)
    record = runs(*everybody, only=("ada",), fresh=True)
    assert runs.slots.asked == [b"one", b"two"] and final(record, "ben") == (2.0, 2.0, "0.ipynb")


def test_nobody_is_judged_where_a_person_must_say_which_attempt_it_is(runs: Runs) -> None:
    one = student("ada", b"one", b"two")
    doubtful = HandIn(
        "ada", None, one.filename, one.source, "it was handed in 2 times", attempts=one.attempts
    )  # fmt: skip
    record = runs(doubtful, student("ben", b"one"), counts="newest")
    assert runs.slots.asked == [b"one"]
    assert [outcome.status.value for outcome in record.outcomes()] == ["not_gradable", "graded"]
    assert [each.counted for each in attempts(record, "ada")] == [False, False]


# --- the real command, killed


def best_counts(folder: Path) -> Path:
    course = course_in(folder)
    text = (course / "grading.yml").read_text()
    late = "    attempts: best\n    late: {due: 2026-11-12 12:00, percent: 10}\n"
    (course / "grading.yml").write_text(text.replace("    title: Tiny\n", f"    title: Tiny\n{late}"))
    return course


def test_the_command_killed_among_attempts_and_given_again_ends_with_the_best_of_each(tmp_path: Path) -> None:
    course, out = best_counts(tmp_path / "course"), tmp_path / "run"
    half = "answer = 42\ndouble = 1"

    def handed_in(login: str, sources: Sequence[str]) -> dict[str, bytes]:
        """A day apart, the first three on time."""
        return {
            f"Tiny_{login}_attempt_2026-11-1{day}-11-00-00_tiny.ipynb": notebook_bytes(source)
            for day, source in enumerate(sources)
        }

    files = handed_in("ada", [WRONG, half, RIGHT, WRONG]) | handed_in("ben", [half, WRONG, WRONG, RIGHT])
    path = download(tmp_path, files | handed_in("cem", [half]))
    run = killing.start(killing.command(path, course, out), killing.dies_at("attempt saved:4"))
    output, _ = run.communicate(timeout=120)
    assert run.returncode == -signal.SIGKILL, output
    last = killing.start(killing.command(path, course, out))
    output, _ = last.communicate(timeout=120)
    assert last.returncode == 0, output
    record = Record.open(out / RECORD, create=False)
    found = {one.person.key: (one.score, one.final) for one in standings(record)}
    assert found == {"ada": (4.0, 4.0), "ben": (4.0, 3.6), "cem": (2.0, 2.0)}
    counted = {key: [one.number for one in attempts(record, key) if one.counted] for key in ("ada", "ben")}
    judged_of = {key: [one.score for one in attempts(record, key)] for key in ("ada", "ben")}
    record.close()
    assert (counted, judged_of) == (
        {"ada": [3], "ben": [4]}, {"ada": [0.0, 2.0, 4.0, 0.0], "ben": [2.0, 0.0, 0.0, 4.0]},
    )  # fmt: skip
    assert not killing.left_over(out)
