"""A class is graded once, whoever stands beside whom, and nobody pays for a fault of ours or a neighbour's."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import notebook_bytes
from made_up_class import POINTS, VARIANTS, Variant, compose, expected_points

from autograder.course import Assignment, Course
from autograder.engine import grading
from autograder.engine.grading import RECORD, REFERENCE, STUMBLED, grade, settled
from autograder.engine.options import Options
from autograder.engine.planning import plan
from autograder.engine.slots import Job, Slots
from autograder.intake.handin import HandIn
from autograder.people.roster import Roster, Student
from autograder.record.store import Record, RecordError
from autograder.report.outputs import write_outputs
from autograder.results import Outcome, QuestionResult, Status, TestOutcome, TestResult

SEED = 7


def result(name: str, outcome: TestOutcome, question: str = "q1", **more: Any) -> TestResult:
    share = 1.0 if outcome == "passed" else 0.0
    return TestResult(id=name, question=question, title=name, outcome=outcome, share=share, **more)


def judged(key: str, *tests: TestResult, **more: Any) -> Outcome:
    """An outcome as the judge gives it: two points for the share of its tests that passed."""
    faulty = any(test.outcome == "error" for test in tests)
    score = 2.0 * sum(test.share for test in tests) / len(tests)
    found: dict[str, Any] = {
        "status": Status.GRADER_ERROR if faulty else Status.GRADED,
        "score": None if faulty else score,
        "message": "1 hidden test(s) failed by themselves." if faulty else "",
        "max_score": 2.0,
        "questions": (QuestionResult(id="q1", title="First", points=2, score=score, tests=tests),),
    }
    return Outcome(key=key, **{**found, **more})


def handed_in(**contents: bytes | None) -> list[HandIn]:
    return [
        HandIn(key, content, f"{key}.ipynb", f"class/{key}.ipynb", None if content is not None else "it is a link")
        for key, content in contents.items()
    ]


# Whose fault a test is that failed by itself


def test_a_test_that_passes_on_the_solution_is_the_students_failure_and_flagged() -> None:
    outcome = judged("ada", result("a", "passed"), result("b", "error", detail="TypeError"), flags=("ODD",))
    reference = judged("solution", result("a", "passed"), result("b", "passed"))
    found = settled(outcome, reference)
    assert (found.status, found.score, found.message) == (Status.GRADED, 1.0, "")
    assert found.flags == ("ODD", STUMBLED)
    first, second = found.questions[0].tests
    assert first == outcome.questions[0].tests[0]
    assert (second.outcome, second.share, second.flags) == ("failed", 0.0, (STUMBLED,))
    assert second.found
    assert second.detail == "TypeError"


@pytest.mark.parametrize("there", ["error", "failed", "partial", "not_run"])
def test_a_test_that_does_not_pass_on_the_solution_is_our_fault_and_named(there: TestOutcome) -> None:
    outcome = judged("ada", result("a", "passed"), result("test_q1.py::b", "error"))
    found = settled(outcome, judged("solution", result("a", "passed"), result("test_q1.py::b", there)))
    assert (found.status, found.score) == (Status.GRADER_ERROR, None)
    assert "test_q1.py::b" in found.message


def test_one_faulty_test_of_ours_keeps_the_score_blank_though_another_was_settled() -> None:
    outcome = judged("ada", result("sound", "error"), result("broken", "error"))
    found = settled(outcome, judged("solution", result("sound", "passed"), result("broken", "error")))
    assert (found.status, found.score) == (Status.GRADER_ERROR, None)
    assert "broken" in found.message
    assert "sound" not in found.message


def test_without_a_solution_nobody_is_blamed() -> None:
    found = settled(judged("ada", result("a", "error")), None)
    assert (found.status, found.score) == (Status.GRADER_ERROR, None)


def test_a_settled_outcome_with_tests_that_were_not_run_is_partial() -> None:
    outcome = judged("ada", result("a", "error"), result("b", "not_run"))
    found = settled(outcome, judged("solution", result("a", "passed"), result("b", "passed")))
    assert found.status is Status.PARTIAL
    assert found.message


# A run, with a judge that answers at once


@dataclass
class FakeSlots:
    """Answers each job by its content, and keeps what it was asked."""

    answer: Callable[[Job], Outcome]
    seed: int = SEED
    versions: dict[str, str] = field(default_factory=dict)
    sandbox: Any = field(default_factory=lambda: SimpleNamespace(level="basic"))
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> FakeSlots:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def run(self, jobs: Iterable[Job], ended: Callable[[Job, Outcome], None]) -> None:
        for job in jobs:
            self.asked.append(job.key)
            ended(job, self.answer(job))


def by_content(job: Job) -> Outcome:
    """b"good" passes, b"bad" fails, b"stumbles" makes the test fail by itself; the solution passes."""
    kinds: dict[bytes, TestOutcome] = {b"bad": "failed", b"stumbles": "error"}
    return judged(job.key, result("a", kinds.get(job.content, "passed")))


@dataclass
class Runs:
    """Grades into one folder as often as is asked."""

    course: Course
    assignment: Assignment
    out: Path
    slots: FakeSlots

    def __call__(
        self, submissions: Sequence[HandIn], roster: Roster | None = None, **wish: Any
    ) -> tuple[list[str], dict[str, Outcome], list[tuple[str, Outcome | None]]]:
        """Whom the judge was asked about, all outcomes in the record, and what was heard on the way."""
        self.slots.asked = []
        heard: list[tuple[str, Outcome | None]] = []
        planned = plan(submissions, roster) if roster is not None else None
        record = grade(
            self.course, self.assignment, submissions, planned, Options(self.out, **{"seed": SEED, **wish}),
            lambda key, outcome: heard.append((key, outcome)),
        )  # fmt: skip
        outcomes = {outcome.key: outcome for outcome in record.outcomes()}
        record.close()
        return self.slots.asked, outcomes, heard


@pytest.fixture
def runs(course: Course, assignment: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    slots = FakeSlots(by_content)
    monkeypatch.setattr(grading, "Slots", lambda *_, **__: slots)
    return Runs(course, assignment, tmp_path / "run", slots)


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A solution for the course, whether or not one lies in the repository."""
    path = tmp_path / "solution.ipynb"
    path.write_bytes(b"good")
    monkeypatch.setattr(Course, "master_path", lambda self, assignment: path)
    return path


def test_everybody_who_handed_in_is_judged_once_and_heard_of(runs: Runs) -> None:
    asked, outcomes, heard = runs(handed_in(ada=b"good", ben=b"bad"))
    assert asked == ["ada", "ben"]
    assert {key: outcome.score for key, outcome in outcomes.items()} == {"ada": 2.0, "ben": 0.0}
    assert heard == [("", None), ("ada", outcomes["ada"]), ("ben", outcomes["ben"])]


def test_an_outcome_is_in_the_record_before_it_is_heard_of(runs: Runs, course: Course, assignment: Assignment) -> None:
    seen: list[bool] = []

    def heard(key: str, outcome: Outcome | None) -> None:
        if key:
            other = Record.open(runs.out / RECORD, create=False)
            seen.append(other.outcome(key) == outcome)
            other.close()

    grade(course, assignment, handed_in(ada=b"good", ben=None), None, Options(runs.out, SEED), heard).close()
    assert seen == [True, True]


def test_resuming_a_run_judges_nobody_twice_and_tells_the_outcomes_again(runs: Runs) -> None:
    _, first, _ = runs(handed_in(ada=b"good", ben=b"bad"))
    asked, outcomes, heard = runs(handed_in(ada=b"good", ben=b"bad"))
    assert asked == []
    assert outcomes == first
    assert dict(heard[1:]) == first


def test_a_changed_notebook_is_judged_again_and_no_other(runs: Runs) -> None:
    runs(handed_in(ada=b"good", ben=b"bad"))
    asked, outcomes, _ = runs(handed_in(ada=b"good", ben=b"good"))
    assert asked == ["ben"]
    assert outcomes["ben"].score == 2.0


def test_who_hands_in_later_is_judged_alone(runs: Runs) -> None:
    runs(handed_in(ben=b"good"))
    asked, outcomes, _ = runs(handed_in(ada=b"good", ben=b"good"))
    assert asked == ["ada"]
    assert set(outcomes) == {"ada", "ben"}


def test_fresh_judges_everybody_again(runs: Runs) -> None:
    runs(handed_in(ada=b"good", ben=b"bad"))
    assert runs(handed_in(ada=b"good", ben=b"bad"), fresh=True)[0] == ["ada", "ben"]


def test_only_the_named_students_are_judged_and_the_others_keep_what_they_had(runs: Runs) -> None:
    _, first, _ = runs(handed_in(ada=b"good", ben=b"bad"))
    asked, outcomes, _ = runs(handed_in(ada=b"good", ben=b"good"), only=("ada",), fresh=True)
    assert asked == ["ada"]
    assert outcomes == first


def test_a_run_that_was_broken_off_goes_on_where_it_stopped(runs: Runs) -> None:
    def pulled_plug(job: Job) -> Outcome:
        if job.key == "ben":
            raise KeyboardInterrupt
        return by_content(job)

    runs.slots.answer = pulled_plug
    with pytest.raises(KeyboardInterrupt):
        runs(handed_in(ada=b"good", ben=b"good", cleo=b"good"))
    runs.slots.answer = by_content
    asked, outcomes, _ = runs(handed_in(ada=b"good", ben=b"good", cleo=b"good"))
    assert asked == ["ben", "cleo"]
    assert {outcome.status for outcome in outcomes.values()} == {Status.GRADED}


def test_another_seed_needs_another_folder(runs: Runs) -> None:
    _, first, _ = runs(handed_in(ada=b"good"))
    with pytest.raises(RecordError, match="Name another folder with --out"):
        runs(handed_in(ada=b"bad"), seed=SEED + 1)
    assert runs(handed_in(ada=b"good"))[1] == first


def test_what_cannot_be_read_is_not_gradable_and_says_why(runs: Runs) -> None:
    asked, outcomes, _ = runs(handed_in(ada=None))
    assert asked == []
    assert (outcomes["ada"].status, outcomes["ada"].score) == (Status.NOT_GRADABLE, None)
    assert "it is a link" in outcomes["ada"].message


# The roster


CLASS = Roster((
    Student("ada", "Student, Ada", "ada@example.edu"),
    Student("007", "Student, Ben", "ben@example.edu"),
))  # fmt: skip


def test_who_handed_nothing_in_is_missing_and_has_no_score(runs: Runs) -> None:
    asked, outcomes, _ = runs(handed_in(ada=b"good", zoe=b"good"), CLASS)
    assert asked == ["ada", "zoe"]
    assert {key: outcome.status.value for key, outcome in outcomes.items()} == {
        "ada": "graded", "zoe": "graded", "007": "missing",
    }  # fmt: skip
    assert outcomes["007"].score is None


def test_the_rosters_names_stand_in_the_record_and_strangers_have_none(runs: Runs) -> None:
    runs(handed_in(ada=b"good", zoe=b"good"), CLASS)
    record = Record.open(runs.out / RECORD, create=False)
    people = {one.key: (one.name, one.email, one.filename) for one in record.people()}
    record.close()
    assert people == {
        "ada": ("Student, Ada", "ada@example.edu", "ada.ipynb"),
        "007": ("Student, Ben", "ben@example.edu", ""),
        "zoe": ("", "", "zoe.ipynb"),
    }


def test_who_was_missing_and_hands_in_later_is_judged(runs: Runs) -> None:
    runs(handed_in(ada=b"good"), CLASS)
    asked, outcomes, _ = runs(handed_in(**{"ada": b"good", "007": b"bad"}), CLASS)
    assert asked == ["007"]
    assert (outcomes["007"].status, outcomes["007"].score) == (Status.GRADED, 0.0)


def test_who_was_missing_and_hands_in_something_unreadable_is_no_longer_missing(runs: Runs) -> None:
    runs(handed_in(ada=b"good"), CLASS)
    _, outcomes, _ = runs(handed_in(**{"ada": b"good", "007": None}), CLASS)
    assert outcomes["007"].status is Status.NOT_GRADABLE


def test_grading_the_second_part_of_a_class_keeps_the_marks_of_the_first(runs: Runs) -> None:
    _, first, _ = runs(handed_in(ada=b"good"), CLASS)
    _, outcomes, _ = runs(handed_in(**{"007": b"good"}), CLASS)
    assert outcomes["ada"] == first["ada"]


# Tests that fail by themselves, in a run


def test_the_solution_is_judged_once_for_all_who_made_a_test_stumble(runs: Runs, solved: Path) -> None:
    asked, outcomes, _ = runs(handed_in(ada=b"stumbles", ben=b"good", cleo=b"stumbles"))
    assert asked == ["ada", "ben", "cleo", REFERENCE]
    assert {key: (one.status.value, one.score, one.flags) for key, one in outcomes.items()} == {
        "ada": ("graded", 0.0, (STUMBLED,)), "ben": ("graded", 2.0, ()), "cleo": ("graded", 0.0, (STUMBLED,)),
    }  # fmt: skip


def test_the_solution_is_not_judged_where_no_test_stumbled(runs: Runs, solved: Path) -> None:
    asked, outcomes, _ = runs(handed_in(ada=b"bad"))
    assert asked == ["ada"]
    assert set(outcomes) == {"ada"}


def test_a_test_that_stumbles_over_the_solution_gives_no_mark(runs: Runs, solved: Path) -> None:
    solved.write_bytes(b"stumbles")
    _, outcomes, _ = runs(handed_in(ada=b"stumbles", ben=b"good"))
    assert (outcomes["ada"].status, outcomes["ada"].score) == (Status.GRADER_ERROR, None)
    assert (outcomes["ben"].status, outcomes["ben"].score) == (Status.GRADED, 2.0)


def test_a_fault_of_ours_is_tried_again_when_the_run_is_resumed(runs: Runs, solved: Path) -> None:
    solved.write_bytes(b"stumbles")
    runs(handed_in(ada=b"stumbles"))
    runs.slots.answer = lambda job: judged(job.key, result("a", "passed"))  # the grader was mended
    asked, outcomes, _ = runs(handed_in(ada=b"stumbles"))
    assert asked == ["ada"]
    assert outcomes["ada"].score == 2.0


# A class, really judged


class Lent:
    """The shared judge and sandbox, lent to a run with a number of slots of its own."""

    def __init__(self, slots: Slots, workers: int) -> None:
        self.slots, self.usual = slots, slots.workers
        self.slots.workers = workers

    def __enter__(self) -> Slots:
        return self.slots

    def __exit__(self, *exception: object) -> None:
        self.slots.workers = self.usual


SOUND_PARTS: dict[str, tuple[str, ...]] = {
    "as-taught": ("q1-plain", "q2-plain", "q3-lab-order", "q4-lab", "q5-lab-order", "q6-linear-8"),
    "no-reset": ("q1-float-tensor", "q4-relu", "q5-no-reset", "q6-linear-4"),
    "misspelt": ("q1-misspelt", "q2-sum", "q3-reset-first"),
    "typed-in": ("q1-whole-number", "q2-typed-in"),
    "raises": ("q1-numpy", "q2-plain"),
}


def parts(names: Sequence[str]) -> dict[str, Variant]:
    return {VARIANTS[name].question: VARIANTS[name] for name in names}


SOUND = {
    key: compose(parts(names), extras=[VARIANTS["raises"]] if key == "raises" else [])
    for key, names in SOUND_PARTS.items()
}
HARMFUL = {
    "floods": compose(parts(["q1-plain"]), extras=[VARIANTS["floods"]]),
    "ends-the-process": notebook_bytes(
        "import os, torch\nscalar_tensor = torch.tensor(2.2)",
        "def fit_product(var_1, var_2, goal, *, lr=3e-3, steps=1):\n    os._exit(0)",
    ),
    "no-json": b"%PDF-1.4 a printed copy",
}


def table(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "scores.csv").open(newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def graded_thrice(
    course: Course, assignment: Assignment, slots: Slots, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The whole class one by one, the whole class backwards in two slots, and its sound half alone."""
    everybody = handed_in(**SOUND, **HARMFUL)
    plans = {"one by one": (1, everybody), "backwards": (2, everybody[::-1]), "sound": (2, everybody[: len(SOUND)])}
    folders = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, (workers, submissions) in plans.items():
            patch.setattr(grading, "Slots", lambda *_, workers=workers, **__: Lent(slots, workers))
            folder = tmp_path_factory.mktemp("run")
            record = grade(course, assignment, submissions, None, Options(folder, course.seed), lambda *_: None)
            write_outputs(folder, record)
            record.close()
            folders[name] = folder
    return folders


def test_neither_the_number_of_slots_nor_the_order_changes_a_byte(graded_thrice: dict[str, Path]) -> None:
    first, second = graded_thrice["one by one"], graded_thrice["backwards"]
    assert (first / "scores.csv").read_bytes() == (second / "scores.csv").read_bytes()
    for path in sorted((first / "results").iterdir()):
        assert path.read_bytes() == (second / "results" / path.name).read_bytes(), path.name


def test_a_broken_neighbour_changes_nobody_elses_row(graded_thrice: dict[str, Path]) -> None:
    alone, together = table(graded_thrice["sound"]), table(graded_thrice["backwards"])
    assert set(together) - set(alone) == set(HARMFUL)
    assert {key: together[key] for key in alone} == alone


def test_the_class_gets_the_marks_it_was_made_to_get(graded_thrice: dict[str, Path]) -> None:
    rows = table(graded_thrice["one by one"])
    for key, names in SOUND_PARTS.items():
        assert {name: float(rows[key][name]) for name in POINTS} == expected_points(parts(names)), key
        assert rows[key]["status"] == "graded"
    assert rows["no-reset"]["verdict"] == "MISSING_ZERO"


def test_a_harmful_notebook_keeps_what_it_earned_and_a_file_that_is_none_has_no_mark(
    graded_thrice: dict[str, Path],
) -> None:
    rows = table(graded_thrice["one by one"])
    assert {key: (rows[key]["status"], rows[key]["score"]) for key in HARMFUL} == {
        "floods": ("graded", "2"), "ends-the-process": ("graded", "0.5"), "no-json": ("not_gradable", ""),
    }  # fmt: skip
