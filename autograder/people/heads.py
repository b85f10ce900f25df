"""Where a user name begins in a file's name that does not tell: Blackboard's `assignment_user`, GitHub's `lab-login`.

Both parts may hold the sign between them. Called by `matching`, which knows the class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autograder.intake.handin import HandIn
from autograder.intake.identity import IdKind
from autograder.people.idtables import COLUMNS, comparable

if TYPE_CHECKING:
    import pandas as pd


def head_of(one: HandIn) -> str:
    """The part of the name that ends with the student's id; "" where the layout tells the id itself."""
    return getattr(one, "head", "")


def kind_in_head(one: HandIn) -> IdKind:
    return IdKind.GITHUB if IdKind.GITHUB in one.ids else IdKind.LOGIN


def ids_by_heads(submissions: Sequence[HandIn], students: pd.DataFrame) -> pd.DataFrame:
    """Rows (hand-in, kind, id) of the ids on the roster with which heads end.

    The part before it has to be the assignment: the beginning that suits most heads of the class, and of several that
    suit as many the shortest, which leaves the longest id. So `Lab_x_b` is not taken for student b where others say
    that the assignment is `Lab`, though x_b is not on the roster.
    """
    import pandas as pd

    rows = []
    has = set(students["kind"])
    for one in submissions:
        kind = kind_in_head(one)
        meant = kind if kind in has else IdKind.KEY  # a plain list's keys may be such ids
        sign = "-" if kind is IdKind.GITHUB else "_"
        parts = head_of(one).split(sign)
        for cut in range(len(parts)):
            before, after = sign.join(parts[:cut]), sign.join(parts[cut:])
            rows.append((one.key, before, str(meant), comparable(str(meant), after)))
    ends = pd.DataFrame(rows, columns=["whose", "before", "kind", "id"], dtype=object)
    ends = ends.merge(
        students.rename(columns={"whose": "student"}), on=["kind", "id"], how="left", validate="many_to_one",
        indicator="hit",
    )  # fmt: skip
    hits = ends[ends["hit"] == "both"]
    suits = hits.groupby("before")["whose"].nunique().rename("suits").reset_index()
    ends = ends.merge(suits, on="before", how="left", validate="many_to_one").fillna({"suits": 0})
    ends["length"] = ends["before"].map(len)
    ends = ends.sort_values(["whose", "suits", "length"], ascending=[True, False, True], kind="stable")
    best = ends.drop_duplicates("whose")
    return best.loc[best["hit"] == "both", COLUMNS].reset_index(drop=True)
