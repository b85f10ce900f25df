"""results/<key>.json: one outcome in Gradescope's results.json schema, ours under `extra_data`.

Source of the schema: gradescope-autograders.readthedocs.io/en/latest/specs. No `execution_time`, so that the same
outcome gives the same bytes. A status without a score has neither `score` nor scored tests, only `output`: Gradescope
shows such a result as failed, which a person then sees to; a 0 there would be a mark that nobody gave. `output` is for
the student, who need not read which hidden test of ours is broken; `extra_data` has the message for the TA.
"""

from __future__ import annotations

import json
from typing import Any

from autograder.judge.results import Outcome, QuestionResult, Status, TestResult, rounded
from autograder.report.feedback import STATUS_SENTENCES


def results_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome as Gradescope reads it. A test's points are its weighted part of the question's."""
    found: dict[str, Any] = {
        "output": outcome.message if outcome.status is not Status.GRADER_ERROR else STATUS_SENTENCES[outcome.status],
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [],
        "extra_data": {
            "status": outcome.status.value,
            "message": outcome.message,
            "verdict": outcome.verdict,
            "flags": list(outcome.flags),
            "level": outcome.level,
            "seed": outcome.seed,
            "max_score": outcome.max_score,
            "versions": dict(sorted(outcome.versions.items())),
            "notes": list(outcome.notes),
            "questions": {},
        },
    }
    if outcome.status.scored and outcome.score is not None:
        found["score"] = outcome.score
        found["extra_data"]["questions"] = {
            question.id: {"score": question.score, "points": question.points, "moment": question.moment}
            for question in outcome.questions
        }
        found["tests"] = [
            _test(question, test, f"{place}.{number}")
            for place, question in enumerate(outcome.questions, 1)
            for number, test in enumerate(question.tests, 1)
        ]
    return found


def _test(question: QuestionResult, test: TestResult, number: str) -> dict[str, Any]:
    total = sum(other.weight for other in question.tests)
    points = question.points * test.weight / total if total else 0.0
    where = f" ({test.where})" if test.where else ""
    return {
        "score": rounded(points * test.share),
        "max_score": rounded(points),
        "status": "passed" if test.outcome == "passed" else "failed",
        "name": f"{question.title}: {test.title}",
        "number": number,
        "output": f"{test.found}{where} {test.advice}".strip(),
        "output_format": "text",
        "visibility": test.visibility,
        "extra_data": {
            "id": test.id,
            "outcome": test.outcome,
            "verdict": test.verdict,
            "flags": list(test.flags),
            **({"evidence": test.evidence} if test.evidence else {}),
        },
    }


def as_text(found: dict[str, Any]) -> str:
    """Stable JSON text, ending in a line break."""
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
