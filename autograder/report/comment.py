"""A student's feedback in plain words, for an LMS that shows comments. Called by `canvas.push`.

Says what the page says (see `feedback`), as text: points by question, what was found, lateness, what was set by hand.
Nothing of hidden tests, and nothing that is for the TA alone.
"""

from __future__ import annotations

from autograder.gradebook.writing import number
from autograder.record.standing import Standing
from autograder.record.store import RunInfo
from autograder.report.feedback import MARKS, STATUS_SENTENCES, summary, visible
from autograder.results import Outcome, QuestionResult, Status, TestResult

PIECE = 8000  # characters of one comment; Canvas takes 65,535 bytes (maximum_text_length), a reader far less


def comment(info: RunInfo, standing: Standing) -> str:
    """What the student reads; "" where there is nothing to say: excused, not judged, or for a person to look at."""
    outcome = standing.outcome
    if outcome is None or standing.excused or not (outcome.status.scored or outcome.status is Status.MISSING):
        return ""
    if standing.final is None:
        return visible(f"{info.title}: {STATUS_SENTENCES[outcome.status]}")
    head = [f"{info.title}: {number(standing.final)} of {number(outcome.max_score)} points"]
    if standing.late_sentence:
        head.append(standing.late_sentence)
    if standing.penalty:
        head.append(f"Before that: {number(standing.score or 0)} points.")
    head += filter(None, [STATUS_SENTENCES[outcome.status], summary(outcome.questions)])
    paragraphs = ["\n".join(head), *(_question(question) for question in outcome.questions), _notes(outcome)]
    return visible("\n\n".join(filter(None, paragraphs)))


def _question(question: QuestionResult) -> str:
    lines = [f"{question.id} {question.title}: {number(question.score)} of {number(question.points)}"]
    lines += [_test(test) for test in question.tests if test.visibility != "hidden" and test.outcome != "passed"]
    return "\n".join([*lines, question.note] if question.note else lines)


def _test(test: TestResult) -> str:
    found = " ".join(filter(None, [test.found, test.advice, f"({test.where})" if test.where else ""]))
    return f"- {MARKS[test.outcome][1]}: {test.title}{f': {found}' if found else ''}"


def _notes(outcome: Outcome) -> str:
    return "\n".join(f"Note: {note}" for note in outcome.notes)


def pieces(text: str, most: int = PIECE) -> tuple[str, ...]:
    """The text in comments of at most `most` characters, cut between paragraphs where one is near, else between lines
    or wherever it must be. Several say which they are: "(1 of 2)"."""
    room = most - len("(99 of 99)\n")
    found: list[str] = []
    while len(text) > (room if found else most):
        cut = max(text.rfind("\n\n", room // 2, room), text.rfind("\n", room * 3 // 4, room))
        cut = cut if cut > 0 else room
        found.append(text[:cut].rstrip())
        text = text[cut:].lstrip("\n")
    if not found:
        return (text,) if text else ()
    found.append(text)
    return tuple(f"({place} of {len(found)})\n{piece}" for place, piece in enumerate(found, 1))
