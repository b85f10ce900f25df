"""Long tables of ids, and their join: who is called what, and which of two lists mean the same person.

A row is (whose, kind, id); ids are text and are compared within one kind alone. Called by `matching`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from autograder.intake.identity import IdKind
from autograder.people.roster import Student
from autograder.people.sheets import plain

if TYPE_CHECKING:
    import pandas as pd

LOCAL = "local part"  # of an e-mail address: the weakest of all
STRENGTH = {kind: place for place, kind in enumerate([*map(str, IdKind), LOCAL])}
FOLDED = frozenset({str(IdKind.EMAIL), str(IdKind.GITHUB), LOCAL})  # letter case does not count in these
# A text without a kind, such as a file's stem, may be any of these
UNNAMED = (IdKind.KEY, IdKind.NUMBER, IdKind.LOGIN, IdKind.GITHUB, IdKind.EMAIL, LOCAL)
ANYWHERE = (IdKind.NUMBER, IdKind.LOGIN, IdKind.GITHUB, IdKind.EMAIL)  # the same in every system of the institution
COLUMNS = ["whose", "kind", "id"]


def comparable(kind: str, text: str) -> str:
    """An id as it is compared: composed and stripped, e-mail addresses and GitHub's logins without letter case."""
    return plain(text).casefold() if kind in FOLDED else plain(text)


def table(rows: Iterable[tuple[str, str, str]]) -> pd.DataFrame:
    """(whose, kind, id) as a table of text without blanks and repetitions."""
    import pandas as pd

    cleaned = ((whose, str(kind), comparable(str(kind), text)) for whose, kind, text in rows)
    frame = pd.DataFrame([row for row in cleaned if row[2]], columns=COLUMNS, dtype=object)
    return frame.drop_duplicates(ignore_index=True)


def of_students(students: Iterable[Student]) -> pd.DataFrame:
    rows: list[tuple[str, str, str]] = []
    for one in students:
        known = one.known
        rows.append((one.key, IdKind.KEY, one.key))
        rows += [(one.key, kind, text) for kind, text in known.items()]
        rows.append((one.key, LOCAL, known.get(IdKind.EMAIL, "").partition("@")[0]))
    return table(rows)


def of_ids(whose: str, ids: Mapping[IdKind, str], there: Collection[str]) -> list[tuple[str, str, str]]:
    """Somebody's ids, and those of kinds that are not `there`, on the roster, as what a plain list's keys may be.

    Only of kinds that mean one person in the whole institution: an LMS's own running number may well be another
    student's key.
    """
    keys = [(whose, str(IdKind.KEY), text) for kind, text in ids.items() if kind in ANYWHERE and kind not in there]
    return [(whose, str(kind), text) for kind, text in ids.items()] + keys


def of_text(whose: str, text: str) -> list[tuple[str, str, str]]:
    """A text that may be an id of several kinds."""
    return [(whose, kind, text) for kind in UNNAMED]


def unambiguous(students: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows whose id is one student's alone, and the others."""
    shared = students.duplicated(["kind", "id"], keep=False)
    return students[~shared], students[shared]


def joined(asked: pd.DataFrame, students: pd.DataFrame) -> pd.DataFrame:
    """Every pair (whose, student) with the kind that brings them together and its `strength`, the strongest first."""
    pairs = asked.merge(
        students.rename(columns={"whose": "student"}), on=["kind", "id"], how="inner", validate="many_to_one"
    )
    pairs["strength"] = pairs["kind"].map(STRENGTH).astype(int)
    return pairs.sort_values(["whose", "strength"], kind="stable", ignore_index=True)
