"""Whose a gradebook's rows are: a join of the run's students and the file's rows on their ids, all of them text.

Called by `export`. The strongest id that a student shares with a row counts; names never do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.gradebook.base import IdColumn, plain
from autograder.gradebook.template import Template
from autograder.intake.identity import NUMERIC, IdKind
from autograder.record.store import Person

if TYPE_CHECKING:
    import pandas as pd

ANY = "any"  # the kind of a key of which nobody says what it is
FOLDED = "folded "


@dataclass(frozen=True)
class Joined:
    """`row_of` gives each student's row by key. `at_odds` are sentences on weaker ids that say otherwise."""

    row_of: Mapping[str, int]
    at_odds: tuple[str, ...]


def joined(
    template: Template, rows: Sequence[int], columns: Sequence[tuple[int, IdColumn]], people: Sequence[Person]
) -> Joined:
    """Each student's row. Raises TemplateError where two rows have one id, two students are of one row, or an id has
    lost its zeros."""
    if not rows or not people:
        return Joined({}, ())
    theirs, ours = _ids_of_rows(template, rows, columns), _ids_of_people(people)
    found = _hits(theirs, ours)
    first = found.drop_duplicates("key")
    twice = first[first["row"].duplicated(keep=False)].sort_values("row")
    if len(twice):
        raise template.fault(
            int(twice["row"].iloc[0]),
            f"both {twice['key'].iloc[0]} and {twice['key'].iloc[1]} of the run are matched to it. If they are one "
            "person, say so with --match or mend the roster, then grade again.",
        )
    row_of = dict(zip(first["key"], first["row"].astype(int), strict=True))
    headers = {place: column.header for place, column in columns}
    _refuse_lost_zeros(template, theirs, ours, row_of, headers)
    others = found[~found["bare"] & (found["row"] != found["key"].map(row_of))].drop_duplicates("key")
    odd = [
        f'{key} went to row {row_of[key] + 1} by a stronger id; yet "{headers[column]}" in row {row + 1} is theirs too.'
        for key, column, row in zip(others["key"], others["column"], others["row"], strict=True)
    ]
    return Joined(row_of, tuple(odd))


def _hits(theirs: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """Which student has an id in common with which row; the strongest of each first."""
    found = theirs.merge(ours.drop(columns="folded"), on=["kind", "id"])
    generic = found["kind"].str.endswith(ANY)
    if generic.any():
        # A bare key is an id of one sort, so it is looked for in one column: in another it may be somebody else's.
        counts = found[generic].drop_duplicates(["key", "strength"])["strength"].value_counts()
        best = min(counts[counts == counts.max()].index)
        found = found[~generic | (found["strength"] == best)]
    return found.sort_values(["bare", "strength", "folded", "row"], kind="stable")


def _ids_of_rows(template: Template, rows: Sequence[int], columns: Sequence[tuple[int, IdColumn]]) -> pd.DataFrame:
    """row, column, strength, id, kind, folded: each id of the file, once for each kind that it may be of."""
    import pandas as pd

    records = [
        (row, place, strength, text, str(kind))
        for strength, (place, column) in enumerate(columns)
        for row in rows
        if (text := column.read(template.value(row, place)))
        for kind in (*column.kinds, ANY)
    ]
    frame = pd.DataFrame(records, columns=["row", "column", "strength", "id", "kind"])
    first = frame[(frame["kind"] == ANY) & (frame["strength"] == 0)]
    again = first[first["id"].duplicated(keep=False)].sort_values(["id", "row"])
    if len(again):
        one, other = again["row"].iloc[0], again["row"].iloc[1]
        raise template.fault(int(other), f'the id "{again["id"].iloc[0]}" is in row {one + 1} already.')
    both = _with_folded(frame)
    return both[~both.duplicated(["column", "kind", "id"], keep=False)]  # an id of several rows tells nothing


def _ids_of_people(people: Sequence[Person]) -> pd.DataFrame:
    """key, id, kind, bare: what the run calls each student by. A key that is no id of a known kind may be of any."""
    import pandas as pd

    records: list[tuple[str, str, str, bool]] = []
    for person in people:
        known = {kind: plain(str(text)) for kind, text in person.ids.items() if str(text).strip()}
        for kind, text in known.items():
            bare_number = text.lstrip("0") if kind in NUMERIC and text.isdecimal() else text
            records.append((person.key, bare_number, str(kind), False))
        if person.email:
            records.append((person.key, plain(person.email), str(IdKind.EMAIL), False))
        key = plain(person.key)
        if key not in known.values() or known.get(IdKind.KEY) == key:
            records += [(person.key, key, kind, True) for kind in ((ANY, str(IdKind.EMAIL)) if "@" in key else (ANY,))]
    frame = pd.DataFrame(records, columns=["key", "id", "kind", "bare"])
    return _with_folded(frame).drop_duplicates(["key", "id", "kind"])


def _with_folded(frame: pd.DataFrame) -> pd.DataFrame:
    """The same, and once more without regard to letter case: a weaker likeness, but for addresses the only one."""
    import pandas as pd

    folded = frame.assign(id=frame["id"].astype(str).str.casefold(), kind=FOLDED + frame["kind"].astype(str))
    exact = frame[frame["kind"] != str(IdKind.EMAIL)]
    return pd.concat([exact.assign(folded=False), folded.assign(folded=True)], ignore_index=True)


def _refuse_lost_zeros(
    template: Template, theirs: pd.DataFrame, ours: pd.DataFrame, row_of: Mapping[str, int], headers: Mapping[int, str]
) -> None:
    """An id that is one of ours but for leading zeros was spoilt, there or on the roster."""
    numbers = [frame[~frame["folded"] & frame["id"].str.isdecimal()] for frame in (theirs, ours)]
    left, right = (frame.assign(bare_id=frame["id"].str.lstrip("0")) for frame in numbers)
    left = left[~left["kind"].isin(NUMERIC)]
    near = left.merge(right, on=["kind", "bare_id"], suffixes=("", "_ours"))
    taken = set(row_of.values())
    for key, row, text, own, column in zip(
        near["key"], near["row"], near["id"], near["id_ours"], near["column"], strict=True
    ):
        theirs_too = row_of.get(key) == row or (key not in row_of and row not in taken)
        if text != own and theirs_too:
            raise template.fault(
                int(row),
                f'"{headers[column]}" is "{text}", in the run it is "{own}": one of them has lost its zeros in a '
                "spreadsheet. Export this file anew (or the roster, and grade again), and do not open it in between.",
            )
