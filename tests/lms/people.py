"""A made-up course of awkward people, where everybody stands, and the record of its run; no notebook is run for it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from autograder.course.late import Extension, LatePolicy
from autograder.course.models import Gradebook, Policy
from autograder.intake.identity import IdKind
from autograder.record.store import Person, Record, RunInfo
from autograder.results import Outcome, QuestionResult, Status

TITLE = "Dipping into PyTorch"
POINTS = 20.0
AWKWARD = (
    ("Student, Jr.", "Ada"), ("O'Student", "Ben"), ('Student "Cy"', "Cem"), ("Ştudent", "Dilârâ"), ("Stüdent", "Émile"),
    ("طالب", "نور"), ("学生", "美"), ("Student 🙂", "Fay"), ("Student", "Gus"), ("Student", "Gus"), ("=Student", "Hal"),
    ("van der Student", "Ida-Jo"), ("Student\\", "Kay"), ("Student_12", "Lee"), ("Null", "Nan"),
)  # fmt: skip


@dataclass(frozen=True)
class Somebody:
    """One student. What one system calls them by is, now and then, what another calls somebody else by."""

    n: int
    family: str
    given: str

    @property
    def sortable(self) -> str:
        return f"{self.family}, {self.given}"

    @property
    def full(self) -> str:
        return f"{self.given} {self.family}"

    @property
    def canvas(self) -> str:
        return str(9000 + 7 * self.n)

    @property
    def participant(self) -> str:
        return str(9000 + 7 * (43 - self.n))  # somebody else's number in Canvas

    @property
    def number(self) -> str:
        return f"{(self.n + 1) % 44 if self.n < 44 else self.n:04}"  # somebody else's login; leading zeros

    @property
    def login(self) -> str:
        return f"{self.n:04}" if self.n % 3 else f"kim+{self.n}"

    @property
    def email(self) -> str:
        return f"{self.login}@Example.edu"


PEOPLE = [
    Somebody(n, *(AWKWARD[n] if n < len(AWKWARD) else (f"Student{n}", f"Kim{n}"))) for n in range(44)
]  # fmt: skip
KINDS: dict[str, tuple[str, tuple[IdKind, ...]]] = {  # by system: whose key is which, and what is known beside it
    "canvas": ("canvas", (IdKind.CANVAS, IdKind.NUMBER, IdKind.LOGIN)),
    "moodle": ("participant", (IdKind.PARTICIPANT, IdKind.NUMBER, IdKind.EMAIL)),
    "moodle-worksheet": ("participant", (IdKind.PARTICIPANT,)),
    "blackboard": ("login", (IdKind.LOGIN, IdKind.NUMBER)),
    "brightspace": ("number", (IdKind.NUMBER, IdKind.LOGIN)),
    "sakai": ("login", (IdKind.LOGIN,)),
}


def status(n: int) -> Status | None:
    """How the n-th did; None for who is excused."""
    by = {5: Status.MISSING, 7: Status.NOT_GRADABLE, 9: None, 11: Status.GRADER_ERROR, 3: Status.PARTIAL}
    return by.get(n % 13, Status.GRADED)


def raw(n: int) -> Decimal:
    return Decimal(n * 337 % 2001) / 100


def is_late(n: int) -> bool:
    return n % 10 == 4


def expected(n: int, late: bool = True, places: int = 2) -> Decimal | None:
    """What a gradebook should say: one day late costs 10 % of 20 points; rounded half up."""
    if status(n) not in (Status.GRADED, Status.PARTIAL):
        return None
    left = max(Decimal(0), raw(n) - (2 if late and is_late(n) else 0))
    return left.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def plain(value: Decimal) -> str:
    """As a person writes it: 7.50 -> 7.5, 20.00 -> 20."""
    return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"


def key_of(one: Somebody, lms: str) -> str:
    return str(getattr(one, KINDS[lms][0]))


def ids_of(one: Somebody, kinds: tuple[IdKind, ...]) -> dict[str, str]:
    names = {IdKind.CANVAS: "canvas", IdKind.PARTICIPANT: "participant", IdKind.NUMBER: "number",
             IdKind.LOGIN: "login", IdKind.EMAIL: "email"}  # fmt: skip
    return {str(kind): getattr(one, names[kind]) for kind in kinds}


RUNS = TemporaryDirectory(prefix="autograder-lms-")  # each run is made once: nothing here writes to it


def run_of(lms: str, **wishes: Any) -> Record:
    """The open record of a run of everybody, as it would be after that system's download was graded."""
    return Record.open(made(lms, tuple(sorted(wishes.items()))) / "grades.sqlite", create=False)


@functools.cache
def made(lms: str, wishes: tuple[tuple[str, Any], ...]) -> Path:
    folder = Path(mkdtemp(dir=RUNS.name))
    fill_record(folder, lms, **dict(wishes))
    return folder


def fill_record(
    folder: Path, lms: str, late: str = "autograder", title: str = TITLE, points: float = POINTS, **gradebook: Any
) -> None:
    record = Record.open(folder / "grades.sqlite")
    excused = {key_of(one, lms): Extension(excused=True) for one in PEOPLE if status(one.n) is None}
    policy = Policy(
        late=LatePolicy(due="2026-11-20 12:00", percent=10, deducted_by=late) if late else None,  # type: ignore[arg-type]
        extensions=excused,
        gradebook=Gradebook(**gradebook),
    )
    questions = (("q1", "The = question", points / 2), ("q2", "Another; one", points / 2))
    record.start_run(RunInfo("Course", "lab", title, 1, "strong", {}, questions, policy))
    record.plan([planned(one, lms) for one in PEOPLE])
    for one in PEOPLE:
        record.save(outcome(one.n, key_of(one, lms), questions), b"{}" if status(one.n) is not Status.MISSING else None)
    record.close()


def planned(one: Somebody, lms: str) -> Person:
    came = "2026-11-21T12:00:00+00:00" if is_late(one.n) else "2026-11-20T11:00:00+00:00"
    handed_in = "" if status(one.n) is Status.MISSING else came
    key, kinds = KINDS[lms]
    return Person(
        getattr(one, key),
        one.full,
        one.email if IdKind.EMAIL in kinds else "",
        source(one, lms) if handed_in else "",
        "lab.ipynb",
        one.n,
        ids=ids_of(one, kinds),
        handed_in=handed_in,
    )


def source(one: Somebody, lms: str) -> str:
    """Where the hand-in lay in that system's download."""
    squeezed = re.sub(r"\W", "", one.sortable.lower())
    names = {
        "canvas": f"{squeezed}_{'LATE_' if is_late(one.n) else ''}{one.canvas}_{55000 + one.n}_my_links-{one.n}.ipynb",
        "moodle": f"{one.full.replace('_', ' ')}_{one.participant}_assignsubmission_file_/week 3/lab.ipynb",
        "moodle-worksheet": f"{one.full.replace('_', ' ')}_{one.participant}_assignsubmission_file_lab.ipynb",
    }
    return f"class.zip: {names.get(lms, 'lab.ipynb')}"


def outcome(n: int, key: str, questions: tuple[tuple[str, str, float], ...]) -> Outcome:
    how = status(n) or Status.GRADED
    most = sum(points for _, _, points in questions)
    if not how.scored:
        return Outcome(key=key, status=how, message="no", max_score=most, seed=1)
    first = min(raw(n), Decimal(10))
    results = tuple(
        QuestionResult(id=name, title=title, score=float(score), points=points, tests=())
        for (name, title, points), score in zip(questions, (first, raw(n) - first), strict=True)
    )
    return Outcome(
        key=key, status=how, score=float(raw(n)), max_score=most, seed=1, questions=results, message=""
    )  # fmt: skip
