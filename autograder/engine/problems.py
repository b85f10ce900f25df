"""problems.csv: everything about a class that a person should look at, a row each, with what to do.

Written by `grade` beside scores.csv. Nothing in it is decided by guessing: near names are proposed, never taken.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.gradebook.scores import for_people, write_whole
from autograder.intake.roster import Roster, Student, match, plain
from autograder.intake.submissions import Collected
from autograder.judge.results import Outcome, Status

HEADER = ("kind", "student", "file", "what", "what to do")
NEAR = 0.75  # difflib's ratio from which on two names are worth a person's look
Row = tuple[str, str, str, str, str]
TO_DO = {
    Status.PARTIAL: "look at the page; grade again with --student and --fresh, or set points with adjust",
    Status.NOT_GRADABLE: "ask for the file again, or set points with adjust",
    Status.GRADER_ERROR: "mend the grader or the machine, then grade again with --student and --fresh",
    Status.MISSING: "look whether one of the hand-ins of nobody is theirs",
}


def problems(collected: Collected, roster: Roster | None, outcomes: Sequence[Outcome]) -> Iterator[Row]:
    """What is to be looked at, the most pressing first."""
    files = {one.key: one.source for one in collected.submissions}
    if roster is not None:
        matched = match(roster, collected.submissions)
        for one in matched.unmatched:
            near = _near(one.name or one.key, matched.missing)
            hint = f"perhaps it is {near}: " if near else ""
            what = "nobody on the roster has this id"
            yield ("hand-in of nobody", one.key, one.source, what, f"{hint}mend the roster's key, then grade again")
        names = Counter(plain(student.name).casefold() for student in roster.students if student.name)
        for student in roster.students:
            if names[plain(student.name).casefold()] > 1:
                yield ("same name", student.key, "", student.name, "tell them apart by their ids alone")
    for outcome in outcomes:
        if outcome.status is not Status.GRADED:
            kind, to_do = outcome.status.value, TO_DO[outcome.status]
            yield (kind, outcome.key, files.get(outcome.key, ""), outcome.message, to_do)
        elif outcome.flags:
            yield ("flag", outcome.key, files.get(outcome.key, ""), ", ".join(outcome.flags), "look at the page")
    for left in collected.left_out:
        to_do = "nothing" if left.expected else "nothing, unless it should have been graded"
        yield ("left out", "", left.source, left.reason, to_do)
    for note in collected.notes:
        yield ("note", "", "", note, "nothing, if that is right")


def _near(name: str, missing: Sequence[Student]) -> str:
    """The one student without a hand-in whose name or key is like this; "" if none or several are."""
    wanted = plain(name).casefold()
    found = [
        student
        for student in missing
        if max(
            difflib.SequenceMatcher(None, wanted, plain(text).casefold()).ratio()
            for text in (student.key, student.name)
        )
        >= NEAR
    ]
    return f"{found[0].name or found[0].key} ({found[0].key})" if len(found) == 1 else ""


def write_problems(path: Path, collected: Collected, roster: Roster | None, outcomes: Sequence[Outcome]) -> int:
    """Write the file anew; how many rows it has."""
    rows = list(problems(collected, roster, outcomes))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows([for_people(cell) for cell in row] for row in rows)
    write_whole(path, file.getvalue().encode("utf-8", "replace"))
    return len(rows)
