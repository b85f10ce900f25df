"""problems.csv: everything about a class that a person should look at, a row each, with what to do.

Written beside scores.csv whenever something in the record has changed. What calls of `grade` found is kept there, so
that grading a part loses nothing of the rest; what an outcome leaves to do is told from the outcomes as they stand.
Nothing in it is decided by guessing: near names are proposed, never taken; the last column is the line that says yes
to a proposal in a --match file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from autograder.gradebook.writing import write_table
from autograder.people.findings import Finding
from autograder.record.standing import EXCUSED, LATE_UNKNOWN, MARKED_LATE, Standing
from autograder.results import UNDECIDED, Status

HEADER = ("kind", "student", "file", "what", "what to do", "line for --match")
EARLIER = "from an earlier call"
TO_DO = {
    Status.PARTIAL: "look at the page; grade again with --student and --fresh, or set points with adjust",
    Status.NOT_GRADABLE: "ask for the file again, or set points with adjust",
    Status.GRADER_ERROR: "mend the grader or the machine, then grade again with --student and --fresh",
    Status.MISSING: "look whether one of the hand-ins of nobody is theirs",
}
SAY_WHICH = "name the file that counts in a --match file (columns hand_in and student), then grade again"


def problems(
    who: Sequence[Finding], standings: Iterable[Standing], left: Iterable[Finding]
) -> tuple[list[Finding], list[Finding], list[Finding]]:
    """What is to be looked at, the most pressing first: who is who, then the outcomes, then files; each once.

    Of who is only here from an earlier call nothing more is said than that call said.
    """
    told = {one.student for one in who if one.kind != EARLIER}
    who = [one for one in who if one.kind != EARLIER or one.student not in told]
    marks = [finding for one in standings for finding in of_outcome(one)]
    return list(dict.fromkeys(who)), marks, list(dict.fromkeys(left))


def of_outcome(one: Standing) -> Iterator[Finding]:
    """What an outcome leaves for a person to do."""
    key, file = one.person.key, one.person.source
    if LATE_UNKNOWN in one.flags:
        what = "marked late by the LMS, which does not say by how much: nothing was taken off"
        yield Finding("late, time unknown", key, file, what, "give handed_in in an extensions CSV, then grade again")
    if MARKED_LATE in one.flags:
        what = "marked late by the LMS; grading.yml has no late policy: nothing was taken off"
        yield Finding("marked late", key, file, what, "nothing, or give the assignment a `late`, or use adjust")
    if one.outcome is not None and one.outcome.status is not Status.GRADED and not one.excused:
        to_do = TO_DO[one.outcome.status] if UNDECIDED not in one.flags else SAY_WHICH
        yield Finding(one.outcome.status.value, key, file, one.outcome.message, to_do)
    elif flags := [flag for flag in one.flags if flag not in (LATE_UNKNOWN, MARKED_LATE, EXCUSED)]:
        yield Finding("flag", key, file, ", ".join(flags), "look at the page")


def write_problems(path: Path, findings: Iterable[Finding]) -> None:
    """Write the file anew, a row for each finding."""
    write_table(path, HEADER, ([one.kind, one.student, one.file, one.what, one.to_do, one.line] for one in findings))
