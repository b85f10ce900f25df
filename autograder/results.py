"""What judging one submission yields: tests, questions, outcome.

Pure data (pydantic), used by the judge that fills it in, the record that keeps it, and the gradebook and the
reports that show it. Imports neither torch nor pytest, so that every room may use it.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Visibility = Literal["hidden", "after_due_date", "after_published", "visible"]  # Gradescope's four words
TestOutcome = Literal["passed", "partial", "failed", "error", "not_run"]


UNDECIDED = "UNDECIDED"  # which of several files counts is for a person to say
JUDGE_FAILED = "JUDGE_FAILED"  # our side came to no end with this hand-in


class Status(StrEnum):
    """How far grading a submission got; only GRADED and PARTIAL carry a score."""

    GRADED = "graded"
    PARTIAL = "partial"
    NOT_GRADABLE = "not_gradable"
    GRADER_ERROR = "grader_error"
    MISSING = "missing"

    @property
    def scored(self) -> bool:
        return self in (Status.GRADED, Status.PARTIAL)


def _short(flag: str) -> str:
    return flag if len(flag) <= MOST_FLAG else f"{flag[: MOST_FLAG - 1]}\u2026"


MOST_FLAG = 80  # characters; a flag is a word for a person to look up, and may quote the student's side
Flag = Annotated[str, AfterValidator(_short)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Where(Model):
    """A place in the student's notebook: code cell (counted from 1) and line in it (from 1)."""

    cell: int
    line: int | None = None

    def __str__(self) -> str:
        return f"cell {self.cell}, line {self.line}" if self.line else f"cell {self.cell}"


class TestResult(Model):
    """One hidden test's result. `found` and `advice` are sentences for the student; `detail` is for the TA alone."""

    __test__ = False  # not a pytest class

    id: str  # "test_q5.py::test_learns_one_example"
    question: str
    title: str  # first line of the test's docstring
    weight: float = 1.0  # within its question
    visibility: Visibility = "after_published"
    outcome: TestOutcome
    share: float = Field(ge=0, le=1)  # of the weight
    found: str = ""
    advice: str = ""
    where: Where | None = None
    verdict: str | None = None  # upper case name, e.g. MISSING_ZERO or BOTTLENECK
    flags: tuple[Flag, ...] = ()
    detail: str = ""  # traceback or evidence: never shown to a student
    evidence: dict[str, Any] = Field(default_factory=dict)  # of the order check: both accounts, places, timeline
    cpu: float = 0.0  # CPU seconds that the student's code used in it


class QuestionResult(Model):
    """One question's result; `score` is rounded half up to 2 decimals."""

    id: str
    title: str
    points: float
    score: float
    tests: tuple[TestResult, ...]
    moment: int | None = None  # code cell after which the question's values were judged, if not at the end
    note: str = ""

    @property
    def share(self) -> float:
        """The reached share of the points, from 0 to 1."""
        return self.score / self.points if self.points else 1.0


class CellRun(Model):
    """One code cell as it ran: kept for appeals. `outputs` are nbformat 4 output dicts."""

    number: int  # code cells counted from 1
    source: str
    outputs: tuple[dict[str, Any], ...] = ()
    error: str | None = None  # "NameError: name 'x' is not defined"
    line: int | None = None  # of the error, from 1
    cpu: float = 0.0  # seconds
    skipped: bool = False  # left out because it ended an earlier session


class Outcome(Model):
    """Everything that is known of one submission after judging."""

    key: str
    status: Status
    message: str = ""  # one sentence a TA can act on; empty for an uneventful `graded`
    score: float | None = None  # points, rounded half up to 2 decimals; None unless status.scored
    max_score: float
    questions: tuple[QuestionResult, ...] = ()
    verdict: str | None = None  # of the training loop (q5), e.g. CORRECT
    flags: tuple[Flag, ...] = ()  # for a person to look at
    notes: tuple[str, ...] = ()  # for the student: what was stood in for, repaired, skipped
    cells: tuple[CellRun, ...] = ()
    level: str = ""  # confinement level
    seed: int = 0
    cpu: dict[str, float] = Field(default_factory=dict)  # seconds: notebook, tests, judge
    versions: dict[str, str] = Field(default_factory=dict)
    detail: str = ""  # traceback of a fault of ours, for the TA


def unfinished(known: Outcome, why: str, detail: str = "") -> Outcome:
    """What was `known` of a hand-in when our side came to no end with it; `why` is a clause.

    GRADER_ERROR until it is settled whether the same happens with the solution.
    """
    message, flags = f"Judging it came to no end: {why}.", (*known.flags, JUDGE_FAILED)
    update = {"status": Status.GRADER_ERROR, "score": None, "message": message, "flags": flags, "detail": detail}
    return known.model_copy(update=update)


def rounded(value: float | Decimal, places: int = 2) -> float:
    """`value` rounded half up (not to even) to `places` decimals, free of binary dust and of a negative zero."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    return float(exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)) + 0.0


def question_score(points: float, tests: tuple[TestResult, ...]) -> float:
    """Points times the weighted mean share of the tests; unrounded inputs, result rounded half up to 2 decimals."""
    total = sum(Decimal(str(test.weight)) for test in tests)
    if not total:
        return 0.0
    earned = sum(Decimal(str(test.weight)) * Decimal(repr(rounded(test.share, 6))) for test in tests)
    return rounded(Decimal(str(points)) * earned / total)
