"""What ends a hidden test: a finding about the student's work, or a fault in the student's code.

Both carry sentences for the student. Any other exception in a test is suspected to be the grader's own mistake.
"""

from __future__ import annotations

from typing import Any, NoReturn

from autograder.results import Where


class CheckFailed(AssertionError):
    """A test's verdict on the work: what was found, what to do, and the share of the test's points still earned.

    `evidence` is plain data for the record: for the order check, what both witnesses say and the timeline.
    """

    def __init__(
        self,
        found: str,
        advice: str = "",
        *,
        share: float = 0.0,
        where: Where | None = None,
        verdict: str | None = None,
        flags: tuple[str, ...] = (),
        evidence: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(found)
        self.found, self.advice, self.share, self.where = found, advice, share, where
        self.verdict, self.flags, self.evidence = verdict, flags, evidence or {}


class StudentFault(Exception):
    """The student's code could not answer: it raised, is missing, took too long or died.

    `kind` is "raised", "missing", "limit", "died", "wire" (an answer that is no plain data) or "lost" (there is no
    session left to ask).
    """

    def __init__(self, found: str, advice: str = "", *, kind: str = "raised", where: Where | None = None) -> None:
        super().__init__(found)
        self.found, self.advice, self.kind, self.where = found, advice, kind, where


class WordError(TypeError):
    """A grader asked a handle for something that handles do not have: the grader's mistake."""


def check(condition: object, found: str, advice: str = "", *, flags: tuple[str, ...] = ()) -> None:
    """Pass if `condition` holds; else end the test with what was found and what to do."""
    if not condition:
        raise CheckFailed(found, advice, flags=flags)


def award(share: float, found: str, advice: str = "", *, verdict: str | None = None) -> NoReturn:
    """End the test with a part of its points (`share` from 0 to 1) and the reason."""
    raise CheckFailed(found, advice, share=max(0.0, min(1.0, share)), verdict=verdict)
