"""`autograder verify`: do the hidden graders tell right answers from wrong ones? Called by the command line.

The solved notebook must earn everything and the stub nothing. Of the catalogue, every right answer must earn
everything and every mistake must lose points on the questions that it names, as many as it says, and nowhere else: for
each seed. Besides, slips are made in the solution by machine, and those that no test notices are listed.

Nothing is graded here: `grade` is given, and takes notebooks by name and a seed.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.authoring.catalogue import Catalogue, CatalogueError, Entry, Left, Same, bounds, load_catalogue
from autograder.authoring.master import Master, read_master
from autograder.authoring.mutants import Fate, Mutant, bare, fate_of, mutants_of, seeded
from autograder.authoring.public_checks import PublicCheck, answers_in, asking_cell, public_checks
from autograder.course import Assignment, Course
from autograder.results import Outcome

Grade = Callable[[Mapping[str, bytes], int], Mapping[str, Outcome]]
"""Outcomes by name for notebooks by name, with a run's seed."""

SOLUTION, STUB = "the solution", "the stub"
NEAR = 0.005  # points; scores are rounded to 2 decimals
ENOUGH = 0.95  # of the mutants that were not shown to be the same, so many should be noticed


@dataclass(frozen=True)
class Complaint:
    """What is wrong with the graders: "blind", "unfair", "flaky", a "fault", or "praise" by a public check."""

    kind: str
    about: str  # an entry's name
    question: str
    sentence: str


@dataclass(frozen=True)
class Row:
    """One notebook whose points were foretold: what it should earn by question, and what it did at each seed."""

    name: str
    why: str
    expected: Mapping[str, Left]
    got: tuple[Mapping[str, float], ...]  # one for each seed; empty where it was not graded
    caught_by: tuple[tuple[str, str], ...]  # (question, test) that took points at every seed, on questions it names


@dataclass(frozen=True)
class Tested:
    """One hidden test: the mistakes that it catches, and those that no other test of their question does."""

    id: str
    title: str
    catches: tuple[str, ...]
    alone: tuple[str, ...]


@dataclass(frozen=True)
class Verified:
    """All that `verify` found out."""

    assignment: str
    points: Mapping[str, float]
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    tests: tuple[Tested, ...]
    complaints: tuple[Complaint, ...]
    fates: tuple[Fate, ...]
    mutants: int  # how many there are; `fates` may be of a sample
    unused: tuple[Same, ...] = ()  # settled in the catalogue, but no mutant is like that

    @property
    def survived(self) -> tuple[Mutant, ...]:
        return tuple(one.mutant for one in self.fates if one.fate == "survived")

    @property
    def killed(self) -> int:
        return sum(one.fate == "killed" for one in self.fates)

    @property
    def sound(self) -> bool:
        """Whether the graders are neither blind, unfair nor flaky."""
        return not self.complaints

    def plain(self) -> dict[str, Any]:
        """For programs: JSON values alone."""
        return {
            "assignment": self.assignment,
            "seeds": list(self.seeds),
            "sound": self.sound,
            "entries": [
                {
                    "name": row.name,
                    "expected": dict(row.expected),
                    "got": [dict(one) for one in row.got],
                    "caught_by": [test for _, test in row.caught_by],
                }
                for row in self.rows
            ],
            "tests": [
                {"id": one.id, "title": one.title, "catches": list(one.catches), "alone": list(one.alone)}
                for one in self.tests
            ],
            "complaints": [vars(one) for one in self.complaints],
            "mutants": [
                {"question": one.mutant.question, "slip": one.mutant.label, "fate": one.fate, "reason": one.reason}
                for one in self.fates
            ],
        }


def verify(
    course: Course,
    assignment: Assignment,
    grade: Grade,
    seeds: Sequence[int],
    mutants: int = 0,
    only: Sequence[str] = (),
) -> Verified:
    """Grade the solution, the stub, the catalogue and `mutants` slips (all if negative) and say what does not fit.

    `only` names entries; then stub and mutants are left out. Raises AuthoringError for a master or a catalogue that
    cannot be used, and what `grade` raises.
    """
    master = read_master(course.master_path(assignment))
    points = {question.id: question.points for question in assignment.questions.values()}
    catalogue = load_catalogue(course.graders_dir(assignment), points)
    entries = chosen(catalogue, only)
    contents = {SOLUTION: course.master_path(assignment).read_bytes()}
    expected: dict[str, Mapping[str, Left]] = {SOLUTION: points}
    why = {SOLUTION: "as the instructor solved it", STUB: "as students get it"}
    checks = public_checks(course, assignment)
    asking = {name: (asking_cell(name, found),) for name, found in checks.items()}
    stub = course.stub_path(assignment)
    if not only and stub.is_file():
        contents[STUB], expected[STUB] = stub.read_bytes(), dict.fromkeys(points, 0.0)
    for entry in entries:
        contents[entry.name] = master.notebook(entry.answers(master), after=asking)
        expected[entry.name], why[entry.name] = {**points, **entry.left}, entry.why
    graded = [grade(contents, seed) for seed in seeds]
    outcomes = {name: [one[name] for one in graded] for name in contents}
    complaints = [
        complaint
        for name, found in outcomes.items()
        for complaint in complaints_of(name, expected[name], points, found)
    ]
    for entry in entries:
        complaints += praised(entry, points, checks, outcomes[entry.name])
    rows = [
        Row(name, why[name], expected[name], tuple(map(earned, found)), caught_by(expected[name], points, found))
        for name, found in outcomes.items()
    ]
    tests = tested(outcomes[SOLUTION][0], [row for row in rows if row.name not in (SOLUTION, STUB)])
    fates, there = ([], 0) if only else tried_mutants(master, catalogue, assignment, grade, seeds[0], mutants)
    unused = _unused(catalogue.settled, fates) if fates and len(fates) == there else ()
    return Verified(
        assignment.id, points, tuple(seeds), tuple(rows), tests, tuple(complaints), tuple(fates), there, unused
    )


def chosen(catalogue: Catalogue, only: Sequence[str]) -> tuple[Entry, ...]:
    """The entries of those names, all without names. Raises CatalogueError for a name that is none's."""
    known = {entry.name: entry for entry in catalogue.entries}
    for name in only:
        if name not in known:
            raise CatalogueError(f'The catalogue has no entry "{name}"; it has {", ".join(known) or "none"}.')
    return tuple(known[name] for name in only) if only else catalogue.entries


def earned(outcome: Outcome) -> dict[str, float]:
    """Points by question; empty where it was not graded."""
    return {one.id: one.score for one in outcome.questions} if outcome.status.scored else {}


def complaints_of(
    name: str, expected: Mapping[str, Left], points: Mapping[str, float], outcomes: Sequence[Outcome]
) -> list[Complaint]:
    """How one notebook's points differ from those foretold, over all seeds."""
    found: list[Complaint] = []
    for outcome in outcomes:
        if not outcome.status.scored:
            sentence = f"It is {outcome.status.value.replace('_', ' ')}: {outcome.message}"
            return [Complaint("fault", name, "", sentence)]
    for question, left in expected.items():
        got = [earned(outcome)[question] for outcome in outcomes]
        off = [one for one in got if unlike(one, left)]
        if not off:
            continue
        most, wanted = points[question], bounds(left)[1]
        values = ", ".join(f"{one:g}" for one in dict.fromkeys(got))
        sentence = f"{values} of {most:g} points in {question} instead of {told(left)}"
        if len(off) < len(got):
            found.append(Complaint("flaky", name, question, f"{sentence}, {len(off)} of {len(got)} times."))
        elif wanted < most and any(one > wanted + NEAR for one in off):
            words = (
                "This is not noticed: " if all(one >= most - NEAR for one in got) else "It costs less than it says: "
            )
            found.append(Complaint("blind", name, question, f"{words}{sentence}."))
        else:
            found.append(Complaint("unfair", name, question, f"{sentence}.{_told(outcomes[0], question)}"))
    return found


def praised(
    entry: Entry, points: Mapping[str, float], checks: Mapping[str, list[PublicCheck]], outcomes: Sequence[Outcome]
) -> list[Complaint]:
    """Public checks that all pass on a mistake of their question and leave nothing open, or fail on what is right."""
    found: list[Complaint] = []
    for outcome in outcomes:
        told = answers_in([part for cell in outcome.cells for part in cell.outputs])
        for question, passed in told.items():
            mistaken = bounds(entry.left.get(question, points[question]))[1] < points[question]
            if mistaken and all(passed) and not any(check.leaves_open for check in checks[question]):
                sentence = f"The public checks of {question} pass, and do not say that anything is left open."
                found.append(Complaint("praise", entry.name, question, sentence))
            failed = [check.name for check, fine in zip(checks[question], passed, strict=True) if not fine]
            if entry.right and failed:
                sentence = f"Public checks of {question} fail on it: {', '.join(failed)}."
                found.append(Complaint("unfair", entry.name, question, sentence))
    return list(dict.fromkeys(found))


def unlike(got: float, left: Left) -> bool:
    """Whether points are not those foretold."""
    least, most = bounds(left)
    return not least - NEAR <= got <= most + NEAR


def told(left: Left) -> str:
    """ "2", or "1 to 3"."""
    least, most = bounds(left)
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"


def _told(outcome: Outcome, question: str) -> str:
    """What the first test of the question that took points says."""
    tests = [test for one in outcome.questions if one.id == question for test in one.tests if test.share < 1]
    return f" {tests[0].id}: {tests[0].found}" if tests else ""


def caught_by(
    expected: Mapping[str, Left], points: Mapping[str, float], outcomes: Sequence[Outcome]
) -> tuple[tuple[str, str], ...]:
    """(question, test) for each test that took points at every seed, of the questions that a mistake names."""
    named = {question for question, left in expected.items() if bounds(left)[1] < points[question]}
    each = [
        {(one.id, test.id) for one in outcome.questions if one.id in named for test in one.tests if test.share < 1}
        for outcome in outcomes
    ]
    always = set.intersection(*each) if each else set()
    first = outcomes[0].questions if outcomes else ()
    return tuple((one.id, test.id) for one in first for test in one.tests if (one.id, test.id) in always)


def tested(solution: Outcome, rows: Iterable[Row]) -> tuple[Tested, ...]:
    """Which test catches what."""
    catches: dict[str, list[str]] = defaultdict(list)
    alone: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_question: dict[str, list[str]] = defaultdict(list)
        for question, test in row.caught_by:
            catches[test].append(row.name)
            by_question[question].append(test)
        for tests in by_question.values():
            if len(tests) == 1:
                alone[tests[0]].append(row.name)
    return tuple(
        Tested(test.id, test.title, tuple(catches[test.id]), tuple(alone[test.id]))
        for one in solution.questions
        for test in one.tests
    )


def tried_mutants(
    master: Master, catalogue: Catalogue, assignment: Assignment, grade: Grade, seed: int, most: int
) -> tuple[list[Fate], int]:
    """What became of `most` mutants (all if negative), drawn by the seed; and how many there are."""
    every = [mutant for question in assignment.questions for mutant in mutants_of(master, question)]
    some = every if most < 0 or most >= len(every) else random.Random(seed).sample(every, most)
    some = sorted(some, key=every.index)
    contents: dict[str, bytes] = {}
    against: list[str] = []
    for number, mutant in enumerate(some):
        others = bare(master, mutant)
        of = f"solution without later {','.join(mutant.defined) if others else 'nothing'}"
        contents[of] = seeded(master, others, assignment.names)
        contents[f"mutant {number}"] = seeded(master, {**others, mutant.question: mutant.cells}, assignment.names)
        against.append(of)
    if not contents:
        return [], len(every)
    outcomes = grade(contents, seed)
    fates = [
        settled(fate_of(mutant, outcomes[f"mutant {number}"], outcomes[against[number]]), catalogue.settled)
        for number, mutant in enumerate(some)
    ]
    return fates, len(every)


def settled(fate: Fate, known: Sequence[Same]) -> Fate:
    """A survivor that the catalogue says computes the same is the same, by its reason."""
    for one in known:
        if fate.fate == "survived" and one.question == fate.mutant.question and one.piece in fate.mutant.label:
            return Fate(fate.mutant, "same", one.reason)
    return fate


def _unused(known: Sequence[Same], fates: Sequence[Fate]) -> tuple[Same, ...]:
    return tuple(
        one
        for one in known
        if not any(one.question == fate.mutant.question and one.piece in fate.mutant.label for fate in fates)
    )
