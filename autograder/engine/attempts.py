"""Students who handed in several times: which attempts are to be judged, and which of them counts.

Called by `grading` alone. All attempts are in the record before one is judged, and each outcome is there as it ends.
What counts is reckoned anew from the record by every run, so a run that dies between two of its steps loses nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from autograder.course.late import Extension, zone_of
from autograder.course.models import Policy
from autograder.intake.handin import HandIn
from autograder.record.attempts import (
    Attempt,
    attempt_outcome,
    attempts,
    count_attempt,
    counted,
    keep_attempts,
    raw_outcome,
    save_attempt,
)
from autograder.record.grants import extensions
from autograder.record.standing import standing
from autograder.record.store import Person, Record
from autograder.results import Outcome, Status

UNGRADED = "ATTEMPT_NOT_GRADED"  # one that could not be judged might have been better than the one that counts


@dataclass
class Attempts:
    """The attempts of the student `key` in this pass. `candidates` are numbers from 1, the oldest first.

    Every member of a team has them, since each may have an extension of one's own. `outcomes` come without executed
    cells, so that a big class stays small in memory; the record has them.
    """

    submission: HandIn
    key: str
    candidates: tuple[int, ...]
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def attempt(self, number: int) -> HandIn:
        return self.submission.attempts[number - 1]

    @property
    def complete(self) -> bool:
        return all(number in self.outcomes for number in self.candidates)

    def number_of(self, content: bytes) -> int:
        """The first candidate of those bytes. Raises StopIteration if there is none."""
        return next(number for number in self.candidates if self.attempt(number).content == content)

    def to_judge(self) -> Iterator[bytes]:
        """What candidates hold that have no outcome which is worth something; equal bytes once."""
        met = set()
        for number in self.candidates:
            content = self.attempt(number).content
            known = self.outcomes.get(number)
            if content is not None and content not in met and (known is None or known.status is Status.GRADER_ERROR):
                met.add(content)
                self.outcomes.pop(number, None)
                yield content


def still_counted(record: Record, planned: Sequence[Person], submissions: Iterable[HandIn]) -> tuple[Person, ...]:
    """The plan, with time and file of the attempt that counts already, where it is still among the student's."""
    sources = {one.key: {attempt.source for attempt in one.attempts} for one in submissions if one.attempts}
    known = counted(record) if sources else {}
    before = {one.key: one for one in record.people()} if known else {}
    return tuple(
        replace(
            one, source=before[one.key].source, filename=before[one.key].filename,
            handed_in=before[one.key].handed_in, marked_late=before[one.key].marked_late,
        )
        if one.key in known and one.key in before and before[one.key].source in sources.get(one.hand_in or one.key, ())
        else one
        for one in planned
    )  # fmt: skip


@dataclass
class Choosing:
    """Everybody with several attempts, of those to be graded now. `policy` and zone are the run's."""

    record: Record
    best: bool
    fresh: bool
    policy: Policy = field(init=False)
    digests: Mapping[str, str | None] = field(init=False)  # of what each student's outcome is of, before this pass
    people: Mapping[str, Person] = field(init=False)
    granted: Mapping[str, Extension] = field(init=False)

    def __post_init__(self) -> None:
        self.policy = self.record.info().policy
        self.people = {one.key: one for one in self.record.people()}
        self.digests = self.record.digests()
        self.granted = extensions(self.record)

    def enter(self, one: HandIn, key: str) -> Attempts:
        """Keep all attempts as the student's of that key; those that may count, with the outcomes that are known."""
        zone = zone_of(self.policy.timezone)
        taken = [
            number
            for number, each in enumerate(one.attempts, 1)
            if one.problem is None and (each.source, each.content) == (one.source, one.content)
        ]
        entries = [
            Attempt(number, each.source, each.filename, each.handed_in_at(zone), each.content, _digest(each.content))
            for number, each in enumerate(one.attempts, 1)
        ]
        there = attempts(self.record, key)
        if [_same(entry) for entry in there] != [_same(entry) for entry in entries]:
            alone = raw_outcome(self.record, key) if not there else None  # it was the only one so far
            keep_attempts(self.record, key, entries)
            for entry in entries:
                if alone is not None and entry.sha256 is not None and alone[0] == entry.sha256:
                    save_attempt(self.record, key, entry.number, alone[1])
        candidates = range(1, len(one.attempts) + 1) if self.best and not one.decided else taken[:1]
        several = Attempts(one, key, tuple(candidates))
        if not self.fresh:
            for number in several.candidates:
                known = attempt_outcome(self.record, key, number)
                if known is not None:
                    several.outcomes[number] = _light(known)
        return several

    def heard(self, several: Attempts, number: int, outcome: Outcome) -> None:
        """Keep an attempt's outcome, for all attempts of the same bytes."""
        content = several.attempt(number).content
        for each in several.candidates:
            if each == number or (content is not None and several.attempt(each).content == content):
                save_attempt(self.record, several.key, each, outcome)
                several.outcomes[each] = _light(outcome)

    def choose(self, several: Attempts) -> tuple[int, Outcome]:
        """The attempt with the best final score, as lateness leaves it; of equals the newer. All must have ended."""
        key = several.key
        number = max(several.candidates, key=lambda each: (*self._worth(several, each), each))
        outcome = attempt_outcome(self.record, key, number) or several.outcomes[number]
        unjudged = any(several.outcomes[each].status is Status.GRADER_ERROR for each in several.candidates)
        worth = self._worth(several, number)[1]
        if unjudged and outcome.status.scored and worth < outcome.max_score:
            outcome = outcome.model_copy(update={"flags": (*outcome.flags, UNGRADED)})
        notes = several.submission.notes
        if self.best and not several.submission.decided:
            said = f"Of your {len(several.submission.attempts)} attempts the best counts: number {number}."
            notes = (said, *several.attempt(number).notes)
        notes = tuple(dict.fromkeys((*notes, *outcome.notes)))
        return number, outcome.model_copy(update={"key": key, "notes": notes})

    def _worth(self, several: Attempts, number: int) -> tuple[bool, float]:
        outcome = several.outcomes[number]
        stands = standing(self._person(several, number), outcome, self.policy, self.granted)
        points = stands.final if stands.final is not None else stands.score
        return points is not None, points or 0.0

    def _person(self, several: Attempts, number: int) -> Person:
        """The student as the plan has them, handing in that attempt."""
        one = several.attempt(number)
        return replace(
            self.people[several.key], source=one.source, filename=one.filename, marked_late=one.late,
            handed_in=one.handed_in_at(zone_of(self.policy.timezone)),
        )  # fmt: skip

    def stands(self, several: Attempts, number: int) -> bool:
        """Whether the record has that attempt as the one that counts already, with its outcome."""
        key = several.key
        content = several.attempt(number).content
        outcome = self.record.outcome(key)
        now = [each.number for each in attempts(self.record, key) if each.counted]
        if outcome is None or now != [number] or self.people[key] != self._person(several, number):
            return False
        return outcome.status is several.outcomes[number].status and self.digests.get(key) == _digest(content)

    def plan(self, several: Attempts, number: int) -> None:
        """The student's time and file become that attempt's, since lateness is reckoned from them."""
        self.record.plan([self._person(several, number)])

    def count(self, several: Attempts, number: int) -> None:
        count_attempt(self.record, several.key, number)


def taken_of(record: Record) -> list[str]:
    """Of everybody with several attempts, which counts: sentences for the TA."""
    return [
        f"{key}: several attempts; the best counts, number {one.number} ({one.source}"
        f"{f', handed in {one.handed_in}' if one.handed_in else ''})."
        for key, one in sorted(counted(record).items())
    ]


def _light(outcome: Outcome) -> Outcome:
    return outcome.model_copy(update={"cells": ()})


def _digest(content: bytes | None) -> str | None:
    return hashlib.sha256(content).hexdigest() if content is not None else None


def _same(one: Attempt) -> tuple[object, ...]:
    return one.number, one.source, one.filename, one.handed_in, one.sha256
