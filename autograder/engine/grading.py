"""`autograder grade`: a class of submissions, from collected hand-ins to a finished run folder.

Called by the command line and by the demo. Every outcome is in the record before the next line is printed; everything
else in the run folder is made from the record at the end.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course import Assignment, Course
from autograder.engine.attempts import Contest, Several, still_counted
from autograder.engine.failpoints import reached
from autograder.engine.slots import Job, Slots
from autograder.intake.roster import Roster, match
from autograder.intake.submissions import Submission
from autograder.judge.notebook_run import environment_versions
from autograder.judge.results import Outcome, QuestionResult, Status, TestResult, question_score, rounded
from autograder.record.store import Planned, Record, RecordError, RunInfo

REFERENCE = "the solution"  # key of the job that judges our own solution, when a test failed by itself
STUMBLED = "GRADER_STUMBLED"
RECORD = "grades.sqlite"


@dataclass(frozen=True)
class Wish:
    """What a run is asked to do. `workers` 0 means one slot a core; `only` limits it to these keys."""

    out: Path
    seed: int
    workers: int = 0
    level: str | None = None
    only: tuple[str, ...] = ()
    trusted: bool = False  # the notebooks are our own, so that they may run even where nothing can wall them in
    handed_in: tuple[Path, ...] = ()  # where the hand-ins lie: no student's code may see them
    fresh: bool = False
    layout: str | None = None  # force an LMS's way of naming files


Heard = Callable[[str, Outcome | None], None]


def grade(
    course: Course,
    assignment: Assignment,
    submissions: Sequence[Submission],
    roster: Roster | None,
    wish: Wish,
    heard: Heard,
    stoppable: Callable[[Slots], None] = lambda slots: None,
) -> Record:
    """Grade what has no outcome in the run's record yet (all of it with `fresh`), and write the run's files.

    `heard` is called with each key and outcome as it ends, and once with ("", None) when the slots are ready.
    `stoppable` is given the slots, so that somebody can ask them to stop.
    Raises GradersUnfit, SandboxError or RecordError before anything is judged.
    """
    chosen = [one for one in submissions if not wish.only or one.key in wish.only]
    questions = tuple((question.id, question.title, question.points) for question in assignment.questions.values())
    policy = course.policy(assignment)
    info = RunInfo(course.title, assignment.id, assignment.title, wish.seed, "", {}, questions, policy)
    reached("collected")
    record = opened(wish.out, info)  # before anything slow, so that a refusal comes at once
    reached("record opened")
    try:
        planned = plan(submissions, roster)
        workers = wish.workers or os.cpu_count() or 1
        unseen = (wish.out, *wish.handed_in)
        with Slots(course, assignment, workers, wish.seed, wish.level, unseen, wish.trusted) as slots:
            versions = {**environment_versions(), **slots.versions}
            record.start_run(replace(info, level=slots.sandbox.level, versions=versions))
            reached("ready")
            record.plan(still_counted(record, planned, submissions))
            reached("planned")
            heard("", None)
            stoppable(slots)
            Grading(record, assignment, slots, heard).run(course, chosen, {one.key for one in planned}, wish)
    except BaseException:
        record.close()
        raise
    return record


def opened(out: Path, info: RunInfo) -> Record:
    """The record of the run in `out`, made if need be. Raises RecordError if it is another run's, or no folder."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordError(f"The run cannot be written to {out}: {error.strerror}. Name a folder with --out.") from None
    record = Record.open(out / RECORD)
    try:
        record.start_run(info)
    except RecordError:
        record.close()
        raise
    return record


def plan(submissions: Sequence[Submission], roster: Roster | None) -> list[Planned]:
    """Everybody who stands in the run: who handed in, and who is on the roster."""
    found = match(roster, submissions) if roster is not None else None
    people = {one.key: student for student, one in found.handed_in} if found else {}
    entries: list[Planned] = []
    for one in submissions:
        person = people.get(one.key)
        name, email = (person.name, person.email) if person else (one.name, "")
        entries.append(Planned(one.key, name, email, one.source, one.filename, len(entries)))
    for person in found.missing if found else ():
        entries.append(Planned(person.key, person.name, person.email, "", "", len(entries)))
    return entries


@dataclass
class Grading:
    """One pass over the chosen submissions."""

    record: Record
    assignment: Assignment
    slots: Slots
    heard: Heard

    def run(self, course: Course, chosen: Sequence[Submission], planned: set[str], wish: Wish) -> None:
        self.absent(sorted(planned - {one.key for one in chosen}) if not wish.only else [])
        contest = Contest(self.record, self.assignment.attempts == "best", wish.fresh)
        entered = [contest.enter(one) for one in chosen if one.attempts]
        several = {one.submission.key: one for one in entered if one.candidates}
        single = [one for one in chosen if one.key not in several]
        if not wish.fresh:
            single = self.left_to_do(single)
        jobs = [Job(one.key, one.content) for one in single if one.content is not None]
        for one in single:
            if one.content is None:
                self.keep(self.plain(one.key, Status.NOT_GRADABLE, f"There is nothing to read: {one.problem}."), None)
        numbers: dict[int, int] = {}  # of the attempt that a job is, by the job's identity
        for key, each in several.items():
            for number, content in each.to_judge():
                jobs.append(Job(key, content))
                numbers[id(jobs[-1])] = number
            self.unreadable(contest, each)
            if each.complete:
                self.settle_attempts(contest, each)
        suspects: list[tuple[Job, Outcome]] = []
        notes = {one.key: one.notes for one in single if one.notes}

        def ended(job: Job, outcome: Outcome) -> None:
            if any(test.outcome == "error" for question in outcome.questions for test in question.tests):
                suspects.append((job, outcome))
            take(job, outcome)

        def take(job: Job, outcome: Outcome) -> None:
            if id(job) in numbers:
                contest.heard(several[job.key], numbers[id(job)], outcome)
                if several[job.key].complete:
                    self.settle_attempts(contest, several[job.key])
                return
            outcome = outcome.model_copy(update={"notes": (*notes.get(job.key, ()), *outcome.notes)})
            self.keep(outcome, job.content)

        self.slots.run(jobs, ended)
        if suspects:
            reference = self.reference(course)
            for job, outcome in suspects:
                take(job, settled(outcome, reference))

    def unreadable(self, contest: Contest, several: Several) -> None:
        """Attempts that cannot be read have their outcome at once."""
        for number in several.candidates:
            one = several.attempt(number)
            if one.content is None and number not in several.outcomes:
                message = f"There is nothing to read: {one.problem}."
                contest.heard(several, number, self.plain(several.submission.key, Status.NOT_GRADABLE, message))

    def settle_attempts(self, contest: Contest, several: Several) -> None:
        """Put the attempt that counts under its student's name, unless it stands there already."""
        number, outcome = contest.choose(several)
        if contest.stands(several, number) and not contest.fresh:
            known = self.record.outcome(several.submission.key)
            if known is not None and known.status is not Status.GRADER_ERROR:
                self.heard(known.key, known)
                return
        contest.plan(several, number)
        self.keep(outcome, several.attempt(number).content)
        contest.count(several, number)

    def left_to_do(self, chosen: Sequence[Submission]) -> list[Submission]:
        """Those whose very bytes have no outcome in this run yet."""
        known = self.record.digests()
        left = []
        for one in chosen:
            digest = hashlib.sha256(one.content).hexdigest() if one.content is not None else None
            outcome = self.record.outcome(one.key) if digest is not None and known.get(one.key) == digest else None
            if outcome is not None and outcome.status is not Status.GRADER_ERROR:
                self.heard(one.key, outcome)
            else:
                left.append(one)
        return left

    def absent(self, keys: Sequence[str]) -> None:
        for key in keys:
            known = self.record.outcome(key)
            if known is not None and known.status is not Status.MISSING:
                continue  # graded from a part of the class that this call does not name
            self.keep(self.plain(key, Status.MISSING, "On the roster, but nothing was handed in."), None)

    def plain(self, key: str, status: Status, message: str) -> Outcome:
        points = rounded(self.assignment.points)
        return Outcome(key=key, status=status, message=message, max_score=points, seed=self.slots.seed)

    def keep(self, outcome: Outcome, content: bytes | None) -> None:
        reached("before saving")
        self.record.save(outcome, content)
        reached("saved")
        self.heard(outcome.key, outcome)

    def reference(self, course: Course) -> Outcome | None:
        """How our own solution does; None if there is none."""
        path = course.master_path(self.assignment)
        if not path.is_file():
            return None
        found: list[Outcome] = []
        self.slots.run([Job(REFERENCE, path.read_bytes())], lambda job, outcome: found.append(outcome))
        return found[0]


def settled(outcome: Outcome, reference: Outcome | None) -> Outcome:
    """Whose fault the tests were that failed by themselves.

    A test that passes on the solution is sound, so what it met is the student's failure, and flagged (else a student
    could turn a failure into a blank). One that fails there too is ours: the outcome stays GRADER_ERROR.
    """
    passed = {
        test.id
        for question in (reference.questions if reference else ())
        for test in question.tests
        if test.outcome == "passed"
    }
    questions = tuple(_settled(question, passed) for question in outcome.questions)
    ours = [test.id for question in questions for test in question.tests if test.outcome == "error"]
    if ours:
        message = f"These hidden tests failed on the solution too: {', '.join(ours)}. Mend them, then grade again."
        return outcome.model_copy(update={"questions": questions, "message": message})
    score = rounded(sum(question.score for question in questions))
    flags = tuple(dict.fromkeys([*outcome.flags, STUMBLED]))
    tests = [test for question in questions for test in question.tests]
    unrun = sum(test.outcome == "not_run" for test in tests)
    status = Status.PARTIAL if unrun else Status.GRADED
    message = f"{unrun} of {len(tests)} tests could not be run." if unrun else ""
    update = {"status": status, "questions": questions, "score": score, "flags": flags, "message": message}
    return outcome.model_copy(update=update)


def _settled(question: QuestionResult, passed: set[str]) -> QuestionResult:
    tests = tuple(_failed(test) if test.outcome == "error" and test.id in passed else test for test in question.tests)
    return question.model_copy(update={"tests": tests, "score": question_score(question.points, tests)})


def _failed(test: TestResult) -> TestResult:
    found = "This check could not make sense of what your code gave it."
    return test.model_copy(update={"outcome": "failed", "found": found, "flags": (*test.flags, STUMBLED)})
