"""Judges one submission with collected graders: the notebook is read, run, and every question's tests are asked.

Used by the judge's forks (`judge.server`) and, for its first half, by the pytest plugin.
"""

from __future__ import annotations

import errno
import re
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.course import Assignment, Course
from autograder.intake.notebook import Unreadable, read_notebook
from autograder.intake.reader import Reader
from autograder.intake.stated import differs, stated_in
from autograder.judge.notebook_run import Broker, NotebookRun, SessionFault
from autograder.judge.questions import blank, order_checks, question_of, run_question
from autograder.judge.seeds import Seeds
from autograder.results import Outcome, QuestionResult, Status, TestResult, question_score, rounded, unfinished

if TYPE_CHECKING:
    import pytest

    from autograder.sandbox.sessions import Hold, Sandbox


ERROR_NAMED = re.compile(r"[A-Za-z_.]+(Error|Exception|Warning|Exit|Interrupt)\b")
NOTEBOOK = "notebook"  # label of the seed that a notebook's own random numbers start from
SESSION_FAULT = "SESSION_FAULT"  # our code beside the student's failed, or was made to: see the record's detail
UNFINISHED = "It was not run: judging your notebook came to no end before it."


class LocalBroker:
    """Sessions straight from a Sandbox in this process."""

    def __init__(self, sandbox: Sandbox, assignment: Assignment) -> None:
        self.sandbox = sandbox
        self.assignment = assignment
        self.hold: Hold | None = None

    def new(self) -> tuple[int, int]:
        self.hold = self.sandbox.fork(self.assignment.limits, kernel_cpu(self.assignment))
        return self.hold.fd, self.hold.pid

    def end(self) -> None:
        if self.hold is not None:
            self.sandbox.end(self.hold)
            self.hold = None

    def killed(self) -> None:
        """Nobody else's hand-in runs beside it, so it stays as it is."""


def kernel_cpu(assignment: Assignment) -> int:
    """CPU seconds after which the kernel ends a student's process, whatever our own clocks do."""
    limits = assignment.limits
    tests = 12 * len(assignment.questions) * limits.test_cpu
    return int(max(limits.notebook_cpu + 2 * limits.cell_cpu, tests)) + 10


def secret_folders(course: Course) -> tuple[Path, ...]:
    """What no student's process may see: graders, solutions, the history that may hold them."""
    return tuple(course.root / name for name in ("tests", "solutions", ".git"))


def run_notebook(path: Path, assignment: Assignment, broker: Broker, seeds: Seeds) -> NotebookRun:
    """Read and run one file. Raises ValueError, naming it, if it is no notebook of this assignment."""
    with Reader() as reader:
        read = reader.notebook(path.read_bytes(), assignment.names)
    if isinstance(read, Unreadable):
        raise ValueError(f"{path}: {read.reason}")  # noqa: TRY004 - it is the file that is wrong
    run = NotebookRun(broker, list(read.code), assignment, seeds.student(NOTEBOOK))
    run.notes += read.notes
    run.start()
    return run


def judge_one(
    key: str,
    content: bytes,
    assignment: Assignment,
    items: Sequence[pytest.Item],
    broker: Broker,
    seeds: Seeds,
    level: str,
    so_far: Callable[[Outcome], None] = lambda outcome: None,
) -> Outcome:
    """The outcome of one hand-in; whatever goes wrong on our side becomes GRADER_ERROR, never a score.

    `so_far` is told what is known when the cells have run (with them) and after each question, what is left as not run:
    should this process come to its end, the outcome is made of that. A failure here may be of the hand-in's making; it
    is flagged JUDGE_FAILED then, and `engine.grading.settled` decides, unless it is plainly ours.
    """
    plain: dict[str, Any] = {"key": key, "max_score": rounded(assignment.points), "level": level, "seed": seeds.run}
    started = time.process_time()
    known = Outcome(status=Status.PARTIAL, **plain)
    checks, leads = order_checks(items), assignment.order.leads

    def tell(questions: tuple[QuestionResult, ...]) -> None:
        nonlocal known
        first, known = (
            not known.questions,
            summed_up(run, questions, leading_verdict(questions, checks, leads), {}, plain),
        )
        so_far(known if first else known.model_copy(update={"cells": ()}))

    try:
        read = read_notebook(content, assignment.names)
        if isinstance(read, Unreadable):
            return Outcome(status=Status.NOT_GRADABLE, message=read.reason, **plain)
        run = NotebookRun(broker, list(read.code), assignment, seeds.student(NOTEBOOK))
        run.notes += read.notes
        other = differs(stated_in(read.code), assignment)
        if other is not None:
            run.trouble.append(other[1])
            plain["flags"] = (other[0],)
        try:
            run.start()
            questions = judge_questions(run, assignment, items, seeds, tell)
        finally:
            run.end()
    except (SessionFault, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:  # the memory that it may take is the hand-in's
            return unfinished(known, "it used up its memory", traceback.format_exc()[-6000:])
        message = f"The grader itself failed ({error}); grade this one again."
        return Outcome(status=Status.GRADER_ERROR, message=message, detail=traceback.format_exc()[-6000:], **plain)
    except Exception as error:
        return unfinished(known, f"it failed by itself ({type(error).__name__})", traceback.format_exc()[-6000:])
    used = {
        "notebook": run.notebook_cpu,
        "tests": sum(test.cpu for question in questions for test in question.tests),
        "judge": time.process_time() - started,
    }
    return summed_up(run, questions, leading_verdict(questions, checks, leads), used, plain)


def judge_questions(
    run: NotebookRun,
    assignment: Assignment,
    items: Sequence[pytest.Item],
    seeds: Seeds,
    heard: Callable[[tuple[QuestionResult, ...]], None] = lambda questions: None,
) -> tuple[QuestionResult, ...]:
    """Every question's result; `heard` gets them before the first test and after each question, some as not run yet."""
    found: dict[str, QuestionResult] = {}
    for question in assignment.questions.values():
        tests = tuple(blank(item, "not_run", found=UNFINISHED) for item in items if question_of(item) == question.id)
        found[question.id] = QuestionResult(
            id=question.id, title=question.title, points=question.points, score=0.0, tests=tests
        )
    heard(tuple(found.values()))
    # Questions of values share one process and need no fresh one, so they come first, one after the other.
    for question in sorted(assignment.questions.values(), key=lambda question: question.judged_on == "last"):
        own = [item for item in items if question_of(item) == question.id]
        attempt = run_question(run, question.id, own, seeds, question.judged_on == "best_moment")
        moments = run.moments.get(question.id, [])
        early = attempt.cell if attempt.moment is not None and attempt.moment < len(moments) - 1 else None
        tests = tuple(attempt.results)
        found[question.id] = QuestionResult(
            id=question.id,
            title=question.title,
            points=question.points,
            score=question_score(question.points, tests),
            tests=tests,
            moment=early,
            note=f"Judged as it was after code cell {early}." if early else "",
        )
        heard(tuple(found.values()))
    run.hang_up()
    return tuple(found.values())


def leading_verdict(questions: Sequence[QuestionResult], checks: Collection[str], leads: str | None) -> str | None:
    """What stands for the whole training loop: the last verdict of the tests `checks`, of the question `leads` alone if
    one is named; None where none of them came to one."""
    own = [test for question in questions if leads in (None, question.id) for test in question.tests]
    return next((test.verdict for test in reversed(own) if test.verdict and test.id in checks), None)


def reason_in(detail: str) -> str:
    """What a failed test of ours stopped with: the last line of its traceback that names an error."""
    lines = [line.removeprefix("E").strip() for line in detail.splitlines() if line.strip()]
    named = [line for line in lines if ERROR_NAMED.match(line)]
    return (named or lines or ["no reason was given"])[-1][:200].rstrip(".")


def summed_up(
    run: NotebookRun,
    questions: tuple[QuestionResult, ...],
    verdict: str | None,
    used: dict[str, float],
    plain: dict[str, Any],
) -> Outcome:
    """Status, score and message of a judged notebook."""
    tests: list[TestResult] = [test for question in questions for test in question.tests]
    unrun = [test for test in tests if test.outcome == "not_run"]
    faulty = [test for test in tests if test.outcome == "error"]
    plain = {**plain}
    stated = plain.pop("flags", ())
    flags = dict.fromkeys(
        [*stated, *(flag for test in tests for flag in test.flags), *([SESSION_FAULT] if run.faults else [])]
    )
    status, message = Status.GRADED, ""
    if faulty:
        status = Status.GRADER_ERROR
        told = "; ".join(f"{test.id} ({reason_in(test.detail)})" for test in faulty)
        message = f"{len(faulty)} hidden test(s) failed by themselves: {told}."
    elif unrun or run.cut_short:
        status = Status.PARTIAL
        what = f"{len(unrun)} of {len(tests)} tests could not be run" if unrun else "the last cells were not run"
        message = f"{what}: {run.cut_short or 'the notebook ends its Python process'}."
    elif run.trouble:
        message = " ".join(run.trouble)
    score = rounded(sum(question.score for question in questions)) if status.scored else None
    return Outcome(
        status=status,
        message=message,
        score=score,
        questions=questions,
        verdict=verdict,
        flags=tuple(flags),
        notes=tuple(dict.fromkeys([*run.trouble, *run.notes])),
        cells=tuple(run.cells),
        cpu={name: rounded(value, 3) for name, value in used.items()},
        detail="\n".join(run.faults),
        **plain,
    )
