"""results/<key>.json: one outcome in Gradescope's results.json schema, ours under `extra_data`.

Source of the schema: gradescope-autograders.readthedocs.io/en/latest/specs. No `execution_time`, so that the same
outcome gives the same bytes. A status without a score has neither `score` nor scored tests, only `output`: Gradescope
shows such a result as failed, which a person then sees to; a 0 there would be a mark that nobody gave. `output` is for
the student, who need not read which hidden test of ours is broken; `extra_data` has the message for the TA.

Lateness. `score` is what counts: Gradescope reports lateness and deducts nothing by itself, and its top-level `score`
goes before the sum of the tests, which stay what the work earned. Where the late policy says `deducted_by: lms` it is
the raw score, so that no penalty is taken off twice. `output` then says what was taken off. The four figures of a late
hand-in (raw_score, seconds_late, penalty, final_score) always stand in `extra_data`; seconds_late is null where nobody
knows. Who is excused has no `score` and no scored tests, as no score counts; what the work earned stays in raw_score.
Points set by hand are in `adjustments`; who set them and when is in the record alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from autograder.record.adjustments import Adjustment
from autograder.record.standing import Standing
from autograder.record.store import Person
from autograder.report.feedback import EXCUSED_SENTENCE, STATUS_SENTENCES
from autograder.results import Outcome, QuestionResult, Status, TestResult, rounded


def results_json(
    outcome: Outcome, stands: Standing | None = None, by_hand: Sequence[Adjustment] = ()
) -> dict[str, Any]:
    """The outcome as Gradescope reads it. A test's points are its weighted part of the question's.

    `stands` is what lateness and extensions make of it; without one the outcome is taken as on time.
    """
    stands = stands or Standing(Person(outcome.key), outcome, final=outcome.score if outcome.status.scored else None)
    said = outcome.message if outcome.status is not Status.GRADER_ERROR else STATUS_SENTENCES[outcome.status]
    about = (EXCUSED_SENTENCE,) if stands.excused else (said, stands.late_sentence)
    found: dict[str, Any] = {
        "output": " ".join(filter(None, about)),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [],
        "extra_data": {
            "status": outcome.status.value,
            "message": outcome.message,
            "verdict": outcome.verdict,
            "flags": list(stands.flags),
            "level": outcome.level,
            "seed": outcome.seed,
            "max_score": outcome.max_score,
            "raw_score": stands.score,
            "seconds_late": stands.late.seconds if stands.late is not None else None,
            "penalty": stands.penalty,
            "final_score": stands.final,
            "excused": stands.excused,
            "adjustments": [
                {"question": one.question, "was": one.was, "points": one.points, "why": one.why} for one in by_hand
            ],
            "versions": dict(sorted(outcome.versions.items())),
            "notes": list(outcome.notes),
            "questions": {},
        },
    }
    if stands.final is not None:
        found["score"] = stands.final
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
