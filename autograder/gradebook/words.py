"""What a student reads beside the grade in a gradebook's column for feedback: one line, no markup, no formula.

Called by `export`. Moodle puts a `'` before what begins with `= + - @` and takes a backslash before a quote for the
quote's escape (lib/csvlib.class.php), so the line begins with a letter and has no such backslash.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograder.gradebook.moodle import unhidden
from autograder.gradebook.writing import CONTROL, number
from autograder.record.standing import Standing

OURS = "Points: "  # what every such line begins with, so that a teacher's own words can be told from ours


def words(standing: Standing, questions: Sequence[tuple[str, str, float]], sent: float) -> str:
    """Points by question, what was set by hand, what lateness took, and the grade `sent`."""
    outcome = standing.outcome
    if outcome is None or not outcome.status.scored or standing.score is None:
        return f"{OURS}{number(sent)}. Nothing was handed in."
    titles = {question: title for question, title, _ in questions}
    parts = [
        f"{titles.get(result.id, result.id)} {number(result.score)}/{number(result.points)}"
        + (f" ({result.note})" if result.note else "")
        for result in outcome.questions
    ]
    total = f"{number(standing.score)} of {number(outcome.max_score)}"
    line = f"{OURS}{total}" + (f" ({'; '.join(parts)})." if parts else ".")
    if standing.late_sentence:
        line += f" {standing.late_sentence}"
    if sent != standing.score:
        line += f" That makes {number(sent)}."
    return unhidden(CONTROL.sub(" ", line).strip())
