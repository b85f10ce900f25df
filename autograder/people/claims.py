"""Who may have which hand-in, and who gets it where several may.

`matching` and `groups` make claims; `settled` gives each student one hand-in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from autograder.course.late import aware
from autograder.intake.handin import HandIn
from autograder.people.findings import Finding, match_line
from autograder.people.idtables import STRENGTH
from autograder.people.roster import Roster, Student

DECIDED, BY_TEAM, BY_ID, BY_NAME = 0, 1, 2, 2 + len(STRENGTH)  # which claim on a student goes first


@dataclass
class Claims:
    """What is known so far. `rows` are (hand-in, student, rank of the reason); `told` are hand-ins of nobody about
    which there is a finding already; `strangers` are members of teams who are not on the roster; `rivals`
    are hand-ins that are as much a student's as the one that came first, and not older."""

    rows: list[tuple[str, str, int]] = field(default_factory=list)
    teams: dict[str, str] = field(default_factory=dict)
    strangers: dict[str, Student] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    rivals: dict[str, tuple[str, ...]] = field(default_factory=dict)


def settled(claims: Claims, by_key: Mapping[str, HandIn], roster: Roster, zone: ZoneInfo) -> dict[str, tuple[str, ...]]:
    """One hand-in for each student: the strongest claim, of equal ones the newest hand-in. The others are findings."""
    import pandas as pd

    frame = pd.DataFrame(claims.rows, columns=["hand_in", "student", "rank"])
    frame["age"] = [_age(by_key[hand_in], zone) for hand_in in frame["hand_in"]]
    frame = frame.sort_values(["student", "rank", "age", "hand_in"], kind="stable")
    frame["counts"] = ~frame.duplicated("student")
    winner = dict(zip(frame[frame["counts"]]["student"], frame[frame["counts"]]["hand_in"], strict=True))
    owners: dict[str, list[str]] = {}
    for row in frame.itertuples(index=False):
        hand_in, student = str(row.hand_in), str(row.student)
        if winner[student] == hand_in:
            owners.setdefault(hand_in, [])
            owners[hand_in] += [student] if student not in owners[hand_in] else []
    for student, rows in frame.groupby("student", sort=False):
        first = rows.iloc[0]
        alike = [str(row.hand_in) for row in rows.itertuples() if (row.rank, row.age) == (first["rank"], first["age"])]
        others = [key for key in dict.fromkeys(alike) if by_key[key].content != by_key[winner[student]].content]
        if others and first["rank"] >= BY_ID:
            claims.rivals[winner[student]] = tuple(others)
    place = {student.key: number for number, student in enumerate(roster.students)}
    for row in frame[~frame["counts"]].itertuples(index=False):
        hand_in, student = str(row.hand_in), str(row.student)
        if winner[student] != hand_in:
            claims.findings.append(_second(by_key[hand_in], by_key[winner[student]], student, claims, owners))
    return {
        hand_in: tuple(sorted(them, key=lambda key: (place.get(key, len(place)), key)))
        for hand_in, them in owners.items()
    }


def _age(one: HandIn, zone: ZoneInfo) -> float:
    """Greater for older ones; without a time the oldest."""
    return -aware(one.handed_in, zone).timestamp() if one.handed_in is not None else math.inf


def _second(
    other: HandIn, counts: HandIn, student: str, claims: Claims, owners: Mapping[str, Sequence[str]]
) -> Finding:
    """A hand-in that could be a student's who has another one."""
    team, others = claims.teams.get(counts.key), claims.teams.get(other.key)
    own_key = "" if other.key in owners else "; this one is graded under its own key"
    line = match_line(other.key, student)
    if others is not None:
        kind = "in two groups" if team is not None else "own beside the group's"
        what = f"{counts.source} counts for this student, not {others}'s hand-in"
        return Finding(kind, student, other.source, what, "nothing, if that is right; else mend the groups")
    kind = "own beside the group's" if team is not None else "two hand-ins"
    what = f"{counts.source} counts for this student{own_key}"
    return Finding(kind, student, other.source, what, "if this one is to count, decide with --match", line)
