"""Whose a grade is that stands in a gradebook: this run's, which may become another, or somebody else's, which stays.

The one rule of `export` and `push`. Both leave a receipt of what they put where, so that each knows the other's, and
what nobody here put there is replaced only by an explicit --overwrite.
"""

from __future__ import annotations

from collections.abc import Iterable

from autograder.gradebook.base import amount
from autograder.record.history import Receipt
from autograder.results import rounded


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
