"""What a gradebook is to hold of a student, and whose the grade is that stands there: this run's or somebody else's.

The rules of `export` and `push`, which differ in the way to the LMS alone. Both leave a receipt of what they put where,
so that each knows the other's, and what nobody here put there is replaced only by an explicit --overwrite.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autograder.course.models import Policy
from autograder.gradebook.base import amount
from autograder.record.history import Receipt
from autograder.record.standing import Standing
from autograder.results import Status, rounded


@dataclass(frozen=True)
class Grade:
    """What a gradebook is to hold of a student: points, or the word for excused, or nothing and why (a clause)."""

    points: float | None = None
    excused: bool = False
    why: str = ""


def grade_of(one: Standing, policy: Policy) -> Grade:
    """The final score at the declared places, and 0 for who is missing where the course says so."""
    if one.excused:
        return Grade(excused=True)
    if one.outcome is None:
        return Grade(why="not graded yet")
    if one.outcome.status is Status.MISSING:
        return Grade(0.0) if policy.gradebook.missing == "zero" else Grade(why="nothing was handed in")
    if one.final is None:
        return Grade(why=f"{one.outcome.status.value.replace('_', ' ')}: {one.outcome.message}")
    return Grade(rounded(one.final, policy.gradebook.places))


def arrived(receipt: Receipt) -> bool:
    """Whether the LMS was seen to have it; of a file nobody sees whether it was uploaded."""
    return receipt.answer.get("state") == "arrived"


def ours(there: str, receipts: Iterable[Receipt]) -> bool:
    """Whether the grade that stands `there` ("" for none) may be replaced: a receipt says that this run put it there,
    or there is none, and this run's was not taken back. Where it is not known that ours arrived, what stood there
    before may stand there still."""
    receipts = list(receipts)
    if not there and not any(map(arrived, receipts)):
        return True
    for receipt in receipts:
        known = ("grade",) if arrived(receipt) else ("grade", "was")
        if any(alike(there, receipt.sent.get(which) or "") for which in known):
            return True
    return False


def alike(one: str, other: str) -> bool:
    """Whether two cells are one grade, however many decimals are written; LMSs keep two of them."""
    if one.strip() == other.strip():
        return True
    left, right = amount(one), amount(other)
    return left is not None and right is not None and rounded(left) == rounded(right)
