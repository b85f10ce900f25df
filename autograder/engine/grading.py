"""`autograder grade`: a class of submissions, from collected hand-ins to a finished run folder.

Called by the command line and by the demo. Every outcome is in the record before the next line is printed; everything
else in the run folder is made from the record at the end.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder.course import Assignment, Course
from autograder.course.late import zone_of
from autograder.engine.attempts import Attempts, Choosing, still_counted
from autograder.engine.options import Options
from autograder.engine.people import named
from autograder.engine.planning import Plan, plan
from autograder.engine.settling import settle
from autograder.engine.slots import Job, Slots
from autograder.intake.handin import HandIn
from autograder.judge.notebook_run import environment_versions
from autograder.people.extensions import granted
from autograder.record.anonymity import made_up
from autograder.record.folder import RECORD
from autograder.record.grants import decide, grant
from autograder.record.history import noting
from autograder.record.store import Record, RecordError, RunInfo
from autograder.results import (
    JUDGE_FAILED,
    UNDECIDED,
    Outcome,
    QuestionResult,
    Status,
    TestResult,
    question_score,
    rounded,
)

REFERENCE = "the solution"  # key of the job that judges our own solution, when a test failed by itself
STUMBLED = "GRADER_STUMBLED"


Heard = Callable[[str, Outcome | None], None]


def grade(
    course: Course,
    assignment: Assignment,
    submissions: Sequence[HandIn],
    planned: Plan | None,
    options: Options,
    heard: Heard,
    stoppable: Callable[[Slots], None] = lambda slots: None,
) -> Record:
    """Grade what has no outcome in the run's record yet (all of it with `fresh`), and write the run's files.

    `planned` says whose each hand-in is; without it, it is as the record has it.
    `heard` is called with each key and outcome as it ends, and once with ("", None) when the slots are ready.
    `stoppable` is given the slots, so that somebody can ask them to stop.
    Raises GradersUnfit, SandboxError or RecordError before anything is judged.
    """
    questions = tuple((question.id, question.title, question.points) for question in assignment.questions.values())
    policy = course.policy(assignment)
    title, anonymous = assignment.title, options.anonymous
    info = RunInfo(course.title, assignment.id, title, options.seed, "", {}, questions, policy, anonymous)
    record = opened(options.out, info, options.secret)  # before anything slow, so that a refusal comes at once
    try:
        planned = planned or plan(submissions, known=record.people(), zone=zone_of(course.timezone))
        submissions = planned.submissions
        stay = [one for one in record.people() if not planned.leaves(one)]
        people = named((*stay, *planned.entries), made_up(options.anonymous))
        granted_now = granted(planned.extensions, people)
        only = {hand_in for key in options.only for hand_in in planned.hand_ins(key)}
        chosen = [one for one in submissions if not options.only or one.key in only]
        workers = options.workers or os.cpu_count() or 1
        unseen = (options.out, *options.paths)
        asked = (options.seed, options.level, unseen, options.trusted, record.secret())
        with Slots(course, assignment, workers, *asked) as slots:
            versions = {**environment_versions(), **slots.versions}
            record.start_run(replace(info, level=slots.sandbox.level, versions=versions))
            decide(record, planned.decisions, planned.counting)
            settle(record, replace(planned, entries=still_counted(record, planned.entries, submissions)))
            if granted_now:
                with noting(record, "an extension was given or taken back"):
                    grant(record, granted_now)
            heard("", None)
            stoppable(slots)
            grading = Grading(record, assignment, slots, heard, planned.owners)
            grading.run(course, chosen, planned.missing, options)
    except BaseException:
        record.close()
        raise
    return record


def opened(out: Path, info: RunInfo, secret: bytes | None = None) -> Record:
    """The record of the run in `out`, made if need be (with this secret, or one that is drawn).

    Raises RecordError if it is another run's, or no folder.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordError(f"The run cannot be written to {out}: {error.strerror}. Name a folder with --out.") from None
    record = Record.open(out / RECORD)
    try:
        if record.policy() in (None, info.policy):
            record.start_run(info, secret)
        else:
            with noting(record, "the late policy or an extension in grading.yml changed"):
                record.start_run(info)
    except RecordError:
        record.close()
        raise
    return record


@dataclass
class Grading:
    """One pass over the chosen submissions. `owners` says under which keys a hand-in's outcome is kept."""

    record: Record
    assignment: Assignment
    slots: Slots
    heard: Heard
    owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def run(self, course: Course, chosen: Sequence[HandIn], missing: Sequence[str], options: Options) -> None:
        self.absent(sorted(missing) if not options.only else [])
        contest = Choosing(self.record, self.assignment.attempts == "best", options.fresh)
        several: dict[str, list[Attempts]] = {}  # by hand-in: one for each student whose it is
        for one in chosen:
            entered = [contest.enter(one, key) for key in self.rows(one.key)] if one.attempts else []
            if any(each.candidates for each in entered):
                several[one.key] = entered
        single = [one for one in chosen if one.key not in several]
        if not options.fresh:
            single = self.left_to_do(single)
        jobs = [Job(one.key, one.content) for one in single if one.content is not None]
        for one in single:
            if one.content is None:
                self.keep(self.unread(one.key, one), None)
        for hand_in, entered in several.items():
            contents = dict.fromkeys(content for each in entered for content in each.to_judge())
            jobs += [Job(hand_in, content) for content in contents]
            for each in entered:
                self.unreadable(contest, each)
                if each.complete:
                    self.settle_attempts(contest, each)
        suspects: list[tuple[Job, Outcome]] = []
        notes = {one.key: one.notes for one in single if one.notes}

        def ended(job: Job, outcome: Outcome) -> None:
            if JUDGE_FAILED in outcome.flags or _errors(outcome):
                suspects.append((job, outcome))
            take(job, outcome)

        def take(job: Job, outcome: Outcome, settles: bool = False) -> None:
            for each in several.get(job.key, ()):
                contest.heard(each, each.number_of(job.content), outcome)
                if each.complete:
                    self.settle_attempts(contest, each, settles)
            if job.key not in several:
                outcome = outcome.model_copy(update={"notes": (*notes.get(job.key, ()), *outcome.notes)})
                self.keep(outcome, job.content, settles)

        self.slots.run(jobs, ended)
        if suspects:
            reference = self.reference(course)
            for job, outcome in suspects:
                take(job, settled(outcome, reference), settles=True)

    def unreadable(self, contest: Choosing, several: Attempts) -> None:
        """Attempts that cannot be read have their outcome at once."""
        for number in several.candidates:
            one = several.attempt(number)
            if one.content is None and number not in several.outcomes:
                contest.heard(several, number, self.unread(several.key, one))

    def settle_attempts(self, contest: Choosing, several: Attempts, settles: bool = False) -> None:
        """Put the attempt that counts under its student's name, unless it stands there already."""
        number, outcome = contest.choose(several)
        if contest.stands(several, number) and not contest.fresh:
            known = self.record.outcome(several.key)
            if known is not None and known.status is not Status.GRADER_ERROR:
                self.heard(known.key, known)
                return
        contest.plan(several, number)
        self.save(outcome, several.attempt(number).content, settles)
        contest.count(several, number)

    def left_to_do(self, chosen: Sequence[HandIn]) -> list[HandIn]:
        """Those whose very bytes have no outcome in this run yet."""
        known = self.record.digests()
        left = []
        for one in chosen:
            digest = hashlib.sha256(one.content).hexdigest() if one.content is not None else None
            rows = self.rows(one.key)
            judged = digest is not None and all(known.get(key) == digest for key in rows)
            outcomes = [self.record.outcome(key) for key in rows] if judged else []
            done = [one for one in outcomes if one is not None and one.status is not Status.GRADER_ERROR]
            if judged and len(done) == len(rows):
                for outcome in done:
                    self.heard(outcome.key, outcome)
            else:
                left.append(one)
        return left

    def rows(self, hand_in: str) -> tuple[str, ...]:
        """Under which keys the outcome of a hand-in is kept: one, or those of all members of a team."""
        return self.owners.get(hand_in, (hand_in,))

    def absent(self, keys: Sequence[str]) -> None:
        for key in keys:
            known = self.record.outcome(key)
            if known is not None and known.status is not Status.MISSING:
                continue  # graded from a part of the class that this call does not name
            self.save(self.plain(key, Status.MISSING, "On the roster, but nothing was handed in."), None)

    def unread(self, key: str, one: HandIn) -> Outcome:
        outcome = self.plain(key, Status.NOT_GRADABLE, one.sentence)
        return outcome.model_copy(update={"flags": (UNDECIDED,) if one.undecided else ()})

    def plain(self, key: str, status: Status, message: str) -> Outcome:
        points = rounded(self.assignment.points)
        return Outcome(key=key, status=status, message=message, max_score=points, seed=self.slots.seed)

    def keep(self, outcome: Outcome, content: bytes | None, settles: bool = False) -> None:
        """Save the outcome of a hand-in for everybody whose it is."""
        for key in self.rows(outcome.key):
            self.save(outcome.model_copy(update={"key": key}), content, settles)

    def save(self, outcome: Outcome, content: bytes | None, settles: bool = False) -> None:
        self.record.save(outcome, content, settles)
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
    """Whose fault it was that tests failed by themselves, or that judging came to no end.

    A test that passes on the solution is sound, so what it met is the student's failure, and flagged (else a student
    could turn a failure into a blank). One that fails there too is ours: the outcome stays GRADER_ERROR. In the same
    way, where judging the solution comes to its end, it was the hand-in that kept it from that: what was known counts,
    and the tests that are left count as not passed. Where nothing was known, not even its cells could be had:
    NOT_GRADABLE.
    """
    if JUDGE_FAILED in outcome.flags:
        if reference is None or not reference.status.scored:
            return outcome
        if not outcome.questions:
            message = f"{outcome.message} With the solution it does: ask for the file again, or look at it by hand."
            return outcome.model_copy(update={"status": Status.NOT_GRADABLE, "message": message})
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
    tests = [test for question in questions for test in question.tests]
    unrun = sum(test.outcome == "not_run" for test in tests)
    status = Status.PARTIAL if unrun else Status.GRADED
    message = f"{unrun} of {len(tests)} tests could not be run." if unrun else ""
    flags = outcome.flags
    if JUDGE_FAILED in flags:
        message = f"{outcome.message} With the solution it does. {message}"
    if _errors(outcome):
        flags = tuple(dict.fromkeys([*flags, STUMBLED]))
    update = {"status": status, "questions": questions, "score": score, "flags": flags, "message": message.strip()}
    return outcome.model_copy(update=update)


def _errors(outcome: Outcome) -> bool:
    """Whether a hidden test failed by itself."""
    return any(test.outcome == "error" for question in outcome.questions for test in question.tests)


def _settled(question: QuestionResult, passed: set[str]) -> QuestionResult:
    tests = tuple(_failed(test) if test.outcome == "error" and test.id in passed else test for test in question.tests)
    return question.model_copy(update={"tests": tests, "score": question_score(question.points, tests)})


def _failed(test: TestResult) -> TestResult:
    found = "This check could not make sense of what your code gave it."
    return test.model_copy(update={"outcome": "failed", "found": found, "flags": (*test.flags, STUMBLED)})
