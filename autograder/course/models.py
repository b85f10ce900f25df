"""What a grading.yml may say: the models behind every key, each described where it is declared.

`load_course` fills them in; everybody else reads them. They are frozen, know no YAML and import of other rooms only
the names of the order check's verdicts.
Validation is strict: text is not read as a number, nor true as 1.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from autograder.course.faults import CourseError, did_you_mean, listed
from autograder.course.late import Extension, LatePolicy, Zone, unclear, zone_of
from autograder.course.strict import Strict, Text, fault
from autograder.loop.verdicts import KINDS
from autograder.loop.wording import WORDS

# The columns of scores.csv that stand beside the questions': a question of such a name would hide one of them.
TAKEN = frozenset({
    "student", "name", "email", "submission", "status", "score", "max_score", "verdict", "late_days", "flags",
    "message", "penalty", "final_score",
})  # fmt: skip
# Beyond this a weight is a slip of the keyboard; it also keeps every sum of points exact in two decimals.
MOST_POINTS = 100_000


def _identifier(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise fault(f'expected a Python name that does not begin with "_", found "{name}"')
    return name


def _assignment_id(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    if not plain or not name[0].isalnum() or len(name) > 64:
        raise fault(
            f'an assignment\'s id is the name of its folders: up to 64 letters, digits, "_" or "-", found "{name}"'
        )
    return name


def _question_id(name: str) -> str:
    if not (name.isascii() and name.isidentifier() and name[0].isalpha()) or len(name) > 64:
        raise fault(f'a question\'s id is up to 64 letters, digits or "_", a letter first, found "{name}"')
    if name.casefold() in TAKEN:
        raise fault(f'"{name}" is a column of scores.csv already; give the question another id')
    return name


def _notebook_name(name: str) -> str:
    if not name.endswith(".ipynb") or name.startswith(".") or set(name) & set('/\\:*?"<>|') or not name.isprintable():
        raise fault(f'expected the plain file name of a notebook, such as "lab.ipynb", found "{name}"')
    return name


def _distinct(names: list[str]) -> list[str]:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise fault(f'"{name}" stands in this list twice', position)
    return names


Identifier = Annotated[str, AfterValidator(_identifier)]
Names = Annotated[list[Identifier], AfterValidator(_distinct)]
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600)]


class Limits(Strict):
    """What student code may use. Limits of time count CPU seconds, so that a busy machine fails nobody."""

    cell_cpu: Seconds = Field(
        default=60, description="CPU seconds for one cell; then it is interrupted and the next one runs"
    )
    notebook_cpu: Seconds = Field(
        default=240, description="CPU seconds for the whole notebook; then the process is ended"
    )
    test_cpu: Seconds = Field(default=20, description="CPU seconds that student code may use in one hidden test")
    judge_cpu: Seconds = Field(
        default=60,
        description="CPU seconds that our own side may take to read and judge one hand-in; a usual one takes a few",
    )
    wall_factor: float = Field(
        default=4, ge=1, le=1000, description="wall-clock limits are this many times the CPU limits"
    )
    memory_mb: int = Field(
        default=4096,
        ge=64,
        le=2**20,
        description="MiB of memory: address space of each process, resident memory of all",
    )
    disk_mb: int = Field(default=256, ge=1, le=2**20, description="MiB of files that the notebook may write")
    files: int = Field(default=256, ge=64, le=65536, description="files that may be open at a time")
    processes: int = Field(
        default=0, ge=0, le=1000, description="processes and programs that the notebook may start; by default none"
    )
    output_kb: int = Field(default=256, gt=0, le=2**20, description="KiB of printed text that is kept per cell")
    frame_mb: int = Field(
        default=256, ge=1, le=256, description="MiB that student code may hand to a hidden test in one answer"
    )

    @model_validator(mode="after")
    def _a_cell_fits_its_notebook(self) -> Limits:
        if self.cell_cpu > self.notebook_cpu:
            what = f"at most notebook_cpu ({self.notebook_cpu:g})"
            raise fault(f"expected {what}, found {self.cell_cpu:g}", "cell_cpu")
        return self


def _verdict(name: str) -> str:
    if name not in KINDS:
        raise fault(f'there is no verdict "{name}"{did_you_mean(name, KINDS)}')
    return name


def _word(key: str) -> str:
    if key not in WORDS:
        raise fault(f'there is no word "{key}" in the sentences of the order check{did_you_mean(key, WORDS)}')
    return key


Share = Annotated[float, Field(ge=0, le=1)]


class Order(Strict):
    """What the order check gives for each kind of loop."""

    marks: dict[Annotated[str, AfterValidator(_verdict)], Share] = Field(
        default_factory=dict,
        description="share of the marks for order, from 0 to 1, by verdict; by default 1 where the "
        "order is right, else 0",
    )
    words: dict[Annotated[str, AfterValidator(_word)], str] = Field(
        default_factory=dict,
        description="what this assignment's sentences say where the first lab's own words stand by default, by the "
        "keys of WORDS in autograder/loop/wording.py",
    )
    leads: str | None = Field(
        default=None,
        description="the question whose order check gives a submission's verdict; by default the last that has one",
    )
    settings: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="the largest value of an optimizer's setting, such as weight_decay, that is believed",
    )


class Question(Strict):
    """One question of an assignment."""

    id: Annotated[str, AfterValidator(_question_id)] = Field(description="the key it stands under")
    title: Text = Field(description="what students and TAs see")
    points: float = Field(gt=0, le=MOST_POINTS, description="what it is worth; more than 0")
    names: Names = Field(min_length=1, description="the notebook's names that its graders may import")
    gradients: dict[Identifier, Names] = Field(
        default_factory=dict, description="for a tensor's name, the names by which its gradients are kept at a moment"
    )
    judged_on: Literal["best_moment", "last"] = Field(
        default="last",
        description="best_moment: when its names' values were best; last: as they are when the notebook ends",
    )

    @model_validator(mode="after")
    def _gradients_are_of_its_names(self) -> Question:
        for of, by in self.gradients.items():
            for position, name in [(-1, of), *enumerate(by)]:
                if name not in self.names:
                    path = ("gradients", of) if position < 0 else ("gradients", of, position)
                    near = did_you_mean(name, self.names)
                    raise fault(f'"{name}" is none of the question\'s names ({listed(self.names)}){near}', *path)
        return self


class CanvasPlace(Strict):
    """Where `autograder push canvas` sends grades to. The token is never here: it comes from the environment."""

    url: Text = Field(description='the site, such as "https://canvas.example.edu"')
    course: int = Field(gt=0, description="the number after /courses/ in the course's address")
    assignment: int = Field(gt=0, description="the number after /assignments/ in the assignment's address")


class WatchedLoop(Strict):
    """The training loop that students watch in their own notebook: a cell of it, all of which they see."""

    question: str = Field(description="the question whose loop it is; the cell stands after it")
    before: str = Field(default="", description="lines that make what the loop is called with")
    watch: Text = Field(description="what is watched: the name of a network, or of tensors with commas between")
    call: Text = Field(description="the call of the student's loop, on a few examples and for a few epochs")


class Gradebook(Strict):
    """How scores are written for the LMS."""

    column: Text | None = Field(default=None, description="the assignment's title in the LMS, if it is not ours")
    places: int = Field(default=2, ge=0, le=2, description="decimals of an exported score, rounded half up")
    missing: Literal["blank", "zero"] = Field(
        default="blank", description="what a student without a hand-in gets: an untouched cell, or 0"
    )
    canvas: CanvasPlace | None = Field(default=None, description="where `push canvas` sends the grades to")


class Policy(Strict):
    """Everything beside the marks that decides what stands in a gradebook; kept in the record with each run."""

    timezone: Zone = "UTC"
    late: LatePolicy | None = None
    extensions: dict[str, Extension] = Field(default_factory=dict)
    gradebook: Gradebook = Field(default_factory=Gradebook)


class Assignment(Strict):
    """One notebook that students hand in."""

    id: Annotated[str, AfterValidator(_assignment_id)] = Field(description="the key it stands under")
    title: Text = Field(description="what students and TAs see")
    notebook: Annotated[str, AfterValidator(_notebook_name)] = Field(description="file name of stub and master")
    packages: Names = Field(
        default_factory=list, description="packages, beside the standard library, that it may import"
    )
    version: Text = Field(
        default="1", description="stands in the students' notebook, so that an older one is recognised, such as 2026"
    )
    limits: Limits = Field(default_factory=Limits, description="what student code may use")
    loop: WatchedLoop | None = Field(default=None, description="the loop that students can watch in their notebook")
    order: Order = Field(default_factory=Order, description="marks for the order of Backprop, Optimize, Reset")
    attempts: Literal["newest", "best", "first"] = Field(
        default="newest", description="which of a student's several hand-ins counts; the others stay in the record"
    )
    late: LatePolicy | None = Field(default=None, description="when it is due, and what a late hand-in loses")
    extensions: dict[str, Extension] = Field(
        default_factory=dict, description="by student's key: another due date, or excused"
    )
    gradebook: Gradebook = Field(default_factory=Gradebook, description="how scores are written for the LMS")
    questions: dict[str, Question] = Field(min_length=1, description="its questions by id, in the order of the lab")

    @model_validator(mode="after")
    def _ids_differ(self) -> Assignment:
        _refuse_clashes("questions", self.questions)
        return self

    @model_validator(mode="after")
    def _a_question_leads(self) -> Assignment:
        leads = self.order.leads
        if leads is not None and leads not in self.questions:
            raise fault(f'no question "{leads}"; this assignment has: {listed(self.questions)}', "order", "leads")
        return self

    @model_validator(mode="after")
    def _the_watched_loop_is_of_a_question(self) -> Assignment:
        if self.loop is not None and self.loop.question not in self.questions:
            message = f'no question "{self.loop.question}"; this assignment has: {listed(self.questions)}'
            raise fault(message, "loop", "question")
        return self

    @model_validator(mode="after")
    def _extensions_have_something_to_extend(self) -> Assignment:
        for student, extension in self.extensions.items():
            for key in ("due", "extra"):
                if self.late is None and getattr(extension, key) is not None:
                    raise fault(
                        'there is no "late" in this assignment that it could change', "extensions", student, key
                    )
        return self

    def moments(self) -> Iterator[tuple[tuple[str, ...], datetime]]:
        """Every point in time that is written here, with its path."""
        if self.late is not None:
            yield ("late", "due"), self.late.due
        for student, extension in self.extensions.items():
            for key in ("due", "handed_in"):
                if (moment := getattr(extension, key)) is not None:
                    yield ("extensions", student, key), moment

    @property
    def points(self) -> float:
        """The most that can be earned."""
        return round(sum(question.points for question in self.questions.values()), 6)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that some question's graders may import, in the order of the file, each once."""
        return tuple(dict.fromkeys(name for question in self.questions.values() for name in question.names))


class Course(Strict):
    """A grading.yml and the folder it lies in."""

    title: Text = Field(alias="course", description="the course's title, for reports")
    seed: int = Field(ge=0, lt=2**63, description="held-out data and probes are drawn from it; --seed changes it")
    timezone: Zone = Field(
        default="UTC", description='the zone of due dates and of LMSs that name none, such as "Europe/Berlin"'
    )
    default: str | None = Field(default=None, description="the assignment that a command without -a means")
    student_part: Text | None = Field(
        default=None,
        description="what a student's notebook gives to pip to fetch `watch`",
    )
    assignments: dict[str, Assignment] = Field(min_length=1, description="what can be graded, by id")
    _root: Path = PrivateAttr()

    @model_validator(mode="after")
    def _ids_differ(self) -> Course:
        _refuse_clashes("assignments", self.assignments)
        if self.default is not None and self.default not in self.assignments:
            raise fault(f'"{self.default}" is not one of the assignments', "default")
        return self

    @model_validator(mode="after")
    def _times_are_clear(self) -> Course:
        zone = zone_of(self.timezone)
        for name, assignment in self.assignments.items():
            for path, moment in assignment.moments():
                if why := unclear(moment, zone):
                    raise fault(why, "assignments", name, *path)
        return self

    def model_post_init(self, context: Any) -> None:
        """Keep the folder, which the loader passes as validation context {"root": Path}; else the current one."""
        self._root = Path(context["root"] if context else ".").absolute()

    @property
    def root(self) -> Path:
        """The folder that holds grading.yml."""
        return self._root

    def assignment(self, name: str | None = None) -> Assignment:
        """The assignment of that id; without a name the course's default, or the only one. Raises CourseError."""
        there = f"this course has: {listed(tuple(self.assignments), 40)}"
        if name is None:
            if self.default is None and len(self.assignments) > 1:
                raise CourseError(f"Say which assignment with -a, or name a default in grading.yml; {there}.")
            return self.assignments[self.default or next(iter(self.assignments))]
        if name not in self.assignments:
            near = did_you_mean(name, self.assignments) or ";"
            raise CourseError(f'There is no assignment "{name}"{near} {there}.')
        return self.assignments[name]

    def policy(self, assignment: Assignment) -> Policy:
        """What the record keeps of this file, so that a run's outputs can be made anew without it."""
        return Policy(
            timezone=self.timezone,
            late=assignment.late,
            extensions=assignment.extensions,
            gradebook=assignment.gradebook,
        )

    def stub_path(self, assignment: Assignment) -> Path:
        """What students get: generated from the master and committed."""
        return self.root / "assignments" / assignment.id / assignment.notebook

    def master_path(self, assignment: Assignment) -> Path:
        """The solved notebook that the stub is made from."""
        return self.root / "solutions" / assignment.id / assignment.notebook

    def made_up_class_dir(self, assignment: Assignment) -> Path:
        """The package of the made-up class, beside the solution; not every assignment has one."""
        return self.master_path(assignment).parent / "made_up_class"

    def graders_dir(self, assignment: Assignment) -> Path:
        """The folder of the hidden graders."""
        return self.root / "tests" / "graders" / assignment.id


def _refuse_clashes(where: str, ids: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in ids:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            # The ids name files, and not every disk tells Q1 from q1.
            raise fault(f'"{name}" differs from "{other}" in letter case alone', where, name)
