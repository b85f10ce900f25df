"""Where everybody stands: the judged outcome, and what lateness, an extension or an excuse makes of it.

The one view that scores.csv, pages, results, gradebooks and pushes are made from, so that none of them reckons by
itself. Made from the record alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from autograder.course.late import Extension, Lateness, lateness, penalised, zone_of
from autograder.course.models import Policy
from autograder.record.grants import extensions
from autograder.record.store import Person, Record
from autograder.results import Outcome, Status, rounded

LATE_UNKNOWN = "LATE_UNKNOWN"  # marked late by the LMS, which does not say by how much
MARKED_LATE = "MARKED_LATE"  # marked late by the LMS, and grading.yml says nothing about lateness
EXCUSED = "EXCUSED"


class Seen(NamedTuple):
    """One hidden test of one student, as little of it as figures of a class need."""

    student: str
    question: str
    test: str
    title: str
    weight: float
    share: float
    missed: bool  # failed or passed in part; not what could not be run
    verdict: str
    found: str


def seen(outcome: Outcome) -> Iterator[Seen]:
    """The tests of an outcome that has a score."""
    for question in outcome.questions if outcome.status.scored else ():
        for test in question.tests:
            missed = test.outcome in ("failed", "partial")
            texts = (test.question, test.id, test.title, test.verdict or "", test.found if missed else "")
            name, number, title, verdict, found = map(sys.intern, texts)  # the same for a whole class
            yield Seen(outcome.key, name, number, title, test.weight, test.share, missed, verdict, found)


@dataclass(frozen=True)
class Standing:
    """One student. `late` is None where there is no due date or nobody said when the work came.

    `final` is what counts in a gradebook: the score less the penalty, None where there is no score or it is excused.
    `due` is the due time that counts for this student, in the course's zone; None where there is no due date.
    """

    person: Person
    outcome: Outcome | None
    late: Lateness | None = None
    extension: Extension | None = None
    final: float | None = None
    flags: tuple[str, ...] = ()
    due: datetime | None = None
    lms_deducts: bool = False  # the LMS takes the penalty off by itself, so nothing is taken off here

    @property
    def excused(self) -> bool:
        return self.extension is not None and self.extension.excused

    @property
    def score(self) -> float | None:
        """The raw score: before any penalty."""
        return self.outcome.score if self.outcome is not None and self.outcome.status.scored else None

    @property
    def penalty(self) -> float:
        """Points taken off for lateness; 0 where none are."""
        if self.score is None or self.final is None:
            return 0.0
        return rounded(self.score - self.final)

    @property
    def extended(self) -> bool:
        """Whether a due time of this student's own counts."""
        granted = self.extension
        return self.due is not None and granted is not None and (granted.due is not None or granted.extra is not None)

    @property
    def late_days(self) -> int | None:
        """Started days; 0 on time, None where it cannot be said."""
        return self.late.days if self.late is not None else None

    @property
    def late_sentence(self) -> str:
        """What lateness did, for the student; "" if nothing."""
        elsewhere = "what that costs is taken off where your grades are kept."
        if LATE_UNKNOWN in self.flags and self.lms_deducts:
            return f"Marked as late; {elsewhere}"
        if LATE_UNKNOWN in self.flags:
            return "Marked as late, but it is not known by how much; nothing has been taken off so far."
        if self.late is None or not self.late.seconds:
            return ""
        by = f"Handed in {self.late.words} late"
        if self.excused or self.score is None:
            return f"{by}."
        if self.lms_deducts:
            return f"{by}; {elsewhere}"
        if not self.penalty:
            return f"{by}; no points off."
        after = ", after the last time at which it is taken" if self.late.cut_off else ""
        return f"{by}{after}: {self.penalty:g} point{'' if self.penalty == 1 else 's'} off."


def standing(person: Person, outcome: Outcome | None, policy: Policy, granted: Mapping[str, Extension]) -> Standing:
    """One student's standing; `granted` is what a file or grading.yml gave, by student."""
    extension = granted.get(person.key)
    came = extension.handed_in if extension is not None and extension.handed_in is not None else None
    came = came or (datetime.fromisoformat(person.handed_in) if person.handed_in else None)
    handed_in = outcome is not None and outcome.status is not Status.MISSING
    rules, zone = policy.late, zone_of(policy.timezone)
    late = lateness(rules, extension, came, zone) if rules is not None and came is not None and handed_in else None
    flags = outcome.flags if outcome is not None else ()
    if person.marked_late and handed_in and (rules is None or came is None):
        flags = (*flags, MARKED_LATE if rules is None else LATE_UNKNOWN)
    excused = extension is not None and extension.excused
    if excused:
        flags = (*flags, EXCUSED)
    final = outcome.score if outcome is not None and outcome.status.scored and not excused else None
    if final is not None and outcome is not None and rules is not None and late is not None:
        final = penalised(rules, late, final, outcome.max_score)
    due = rules.due_for(extension, zone) if rules is not None else None
    lms_deducts = rules is not None and rules.deducted_by == "lms"
    return Standing(person, outcome, late, extension, final, flags, due, lms_deducts)


def by_key(record: Record) -> dict[str, Standing]:
    """Everybody's standing, without tests and cells."""
    return {one.person.key: one for one in standings(record, with_tests=False)}


def standings(record: Record, with_cells: bool = False, with_tests: bool = True) -> list[Standing]:
    """Everybody in the run, in its order."""
    policy, granted = record.info().policy, extensions(record)
    outcomes = {outcome.key: outcome for outcome in record.outcomes(with_cells, with_tests)}
    return [standing(person, outcomes.get(person.key), policy, granted) for person in record.people()]
