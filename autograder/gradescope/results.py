"""One hand-in's standing as Gradescope's results.json: `report.results_json`, and what only Gradescope's page needs.

There is no feedback page on Gradescope, so the notes for the student stand in `output`, and lateness is reckoned here:
Gradescope reports it but takes nothing off. Raw score, penalty and what counts are kept apart.
"""

from __future__ import annotations

from typing import Any

from autograder.course.late import Extension, aware, zone_of
from autograder.course.models import Policy
from autograder.gradescope.metadata import Metadata
from autograder.record.standing import Standing, standing
from autograder.record.store import Person
from autograder.report.feedback import STATUS_SENTENCES, visible
from autograder.report.results_json import results_json
from autograder.results import Outcome, Status

KEY = "submission"  # Gradescope knows whose it is; nobody's name has to stand in a record here
NO_TIME = "Gradescope did not say when this was handed in, so nothing was taken off for lateness."


def stands(outcome: Outcome, policy: Policy, found: Metadata) -> Standing:
    """What lateness makes of the outcome. Gradescope's due time counts, with extensions as Gradescope gives them;
    where it names none, the course's."""
    came = aware(found.created_at, zone_of(policy.timezone)).isoformat() if found.created_at is not None else ""
    granted = {KEY: Extension(due=found.due)} if found.due is not None else {}
    return standing(Person(KEY, handed_in=came), outcome, policy, granted)


def as_results(policy: Policy, outcome: Outcome, found: Metadata, seconds: float) -> tuple[dict[str, Any], list[str]]:
    """The results, and lines for the instructor. `seconds` is how long grading took."""
    stand = stands(outcome, policy, found)
    late = late_lines(stand, policy, found)
    results = results_json(outcome, stand)
    results["output"] = "\n\n".join(visible(line) for line in [*sentences(outcome), *late, *outcome.notes])
    results["execution_time"] = round(seconds, 1)
    return results, [*late, *told(stand, policy, found)]


def sentences(outcome: Outcome) -> list[str]:
    """What the student is told of how far grading got. Which hidden test of ours is broken is not for them."""
    message = outcome.message if outcome.status is not Status.GRADER_ERROR else ""
    return [line for line in (message, STATUS_SENTENCES[outcome.status]) if line]


def late_lines(stand: Standing, policy: Policy, found: Metadata) -> list[str]:
    """For the student: what lateness did. Nothing for who was on time, or where the course has no policy."""
    if policy.late is None or stand.score is None:
        return []
    if stand.late is None:
        return [NO_TIME]
    if not stand.late.seconds:
        return []
    whose = "Gradescope's date" if found.due is not None else "the course's date"
    lines = f"Due {stand.late.due:%Y-%m-%d %H:%M:%S %Z} ({whose}). {stand.late_sentence}"
    return [f"{lines} It was {stand.score:g} points before that." if stand.penalty else lines]


def told(stand: Standing, policy: Policy, found: Metadata) -> list[str]:
    """For the instructor alone: everything else that one would ask."""
    outcome = stand.outcome
    assert outcome is not None
    lines = [
        f"Status {outcome.status.value}, level {outcome.level or '-'}, seed {outcome.seed}, "
        f"raw score {stand.score}, penalty {stand.penalty:g}, score {stand.final} of {outcome.max_score:g}.",
        f"Message: {outcome.message}" if outcome.message else "",
        f"Flags: {', '.join(stand.flags)}" if stand.flags else "",
        f"{found.members} people share this hand-in and its score." if found.members > 1 else "",
    ]
    if policy.late is not None and stand.late is not None and not stand.late.seconds:
        lines.append(f"On time: due {stand.late.due.isoformat()}.")
    if found.total_points is not None and found.total_points != outcome.max_score:
        lines.append(
            f"On Gradescope the assignment has {found.total_points:g} points, here {outcome.max_score:g}. "
            "Set it to the same there, unless others are given by hand."
        )
    for question in outcome.questions:
        lines.append(f"{question.id}: {question.score:g} of {question.points:g}")
        lines += [f"  {test.id}: {test.outcome} {test.detail}".rstrip() for test in question.tests if test.detail]
    return [line for line in [*lines, *found.faults, outcome.detail] if line]
