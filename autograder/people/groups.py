"""Teams: which hand-ins are a team's, and who is in it.

A team is known by the download (Gradescope's several submitters, a folder that has a team's name), by the roster's
group column, or by --groups FILE: a CSV with the columns group and student. Called by `matching`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.course.faults import did_you_mean, listed
from autograder.intake.handin import HandIn
from autograder.intake.identity import IdKind
from autograder.people.claims import BY_TEAM, Claims
from autograder.people.findings import Finding
from autograder.people.idtables import joined, of_ids, of_text, table
from autograder.people.roster import Roster, Student
from autograder.people.sheets import plain
from autograder.people.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

HEADER = ("group", "student")


@dataclass(frozen=True)
class Groups:
    """A groups file: group -> its members as they are written there, both in the order of the file."""

    path: Path
    members: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Team:
    """A hand-in of several. Its members as a person or the roster writes them, or as the download tells of them."""

    hand_in: str
    name: str
    written: tuple[str, ...] = ()
    told: tuple[Student, ...] = ()  # without keys


def read_groups(path: Path) -> Groups:
    """The groups file at `path`; a line that is there twice counts once. Raises IntakeError with the row."""
    members: dict[str, dict[str, None]] = defaultdict(dict)
    spelling: dict[str, str] = {}
    for row in read_table(path, "groups file", HEADER):
        group, student = (plain(row[column]) for column in HEADER)
        if not group or not student:
            raise row.fault("the cell is blank.", "student" if group else "group")
        members[spelling.setdefault(folded(group), group)][student] = None
    return Groups(path, {group: tuple(names) for group, names in members.items()})


def teams(submissions: Sequence[HandIn], roster: Roster, groups: Groups | None) -> list[Team]:
    """The hand-ins that are a team's, with its members: by the groups file, else the download, else the roster."""
    by_file = {folded(name): name for name in groups.members} if groups is not None else {}
    on_roster: dict[str, list[str]] = defaultdict(list)
    for student in roster.students:
        for name in {folded(student.group), *map(folded, student.group.split(","))} - {""}:
            on_roster[name].append(student.key)
    people = {folded(student.name) for student in roster.students}
    found = []
    for one in submissions:
        told = tuple(getattr(one, "members", ()))
        filed = _filed(one, by_file)
        called = folded(one.group or (one.name if not one.way.squeezed and folded(one.name) not in people else ""))
        if filed is not None and groups is not None:
            found.append(Team(one.key, filed, groups.members[filed]))
        elif one.group or len(told) > 1:
            name = one.group or one.name or one.key
            written = () if told else tuple(on_roster.get(called, ()))
            found.append(Team(one.key, name, written, tuple(map(_as_student, told))))
        elif called in on_roster:
            found.append(Team(one.key, one.name, tuple(on_roster[called])))
    return found


def _as_student(member: Any) -> Student:
    return Student("", member.name, member.ids.get(IdKind.EMAIL, ""), member.ids)


def _filed(one: HandIn, by_file: Mapping[str, str]) -> str | None:
    """The group of the file that a hand-in is named after.

    The number by which an LMS calls a student is no group's name, though groups are often numbered too.
    """
    names = [one.group, one.ids.get(IdKind.GROUP, "")]
    if one.way.squeezed:
        squeezed = {_squeezed(name): name for name in by_file.values()}
        return squeezed.get(one.name) if one.name else None
    names += [one.name] if one.ids or one.layout else [one.key]
    return next((by_file[folded(name)] for name in names if folded(name) in by_file), None)


def folded(text: str) -> str:
    """A group's name for comparing: letter case and spaces between words do not matter."""
    return " ".join(plain(text).replace("_", " ").casefold().split())


def _squeezed(text: str) -> str:
    """A name as a layout with squeezed names has it: letters, digits and `_`, lower case."""
    return "".join(char for char in plain(text).lower() if char.isalnum() or char == "_")


def claim_for_teams(
    together: Sequence[Team],
    groups: Groups | None,
    students: pd.DataFrame,
    roster: Roster,
    claims: Claims,
    by_key: Mapping[str, HandIn],
) -> None:
    """Claims of every team's hand-in on its members; a group of the file whose one hand-in is a member's counts too."""
    texts = {text for team in together for text in team.written}
    texts |= {text for names in groups.members.values() for text in names} if groups is not None else set()
    found = dict(_first_pairs(joined(table(row for text in sorted(texts) for row in of_text(text, text)), students)))
    there = set(students["kind"])
    for team in together:
        claims.teams[team.hand_in] = team.name
        members = [found.get(text) or _stranger(text, None, team.name, roster, claims) for text in team.written]
        ids = table(row for place, of in enumerate(team.told) for row in of_ids(str(place), of.ids, there))
        by_ids = dict(_first_pairs(joined(ids, students)))
        for place, of in enumerate(team.told):
            text = next((of.ids[kind] for kind in IdKind if of.ids.get(kind)), "")
            known = by_ids.get(str(place))
            if known or text:
                members.append(known or _stranger(text, of, team.name, roster, claims))
        claims.rows += [(team.hand_in, member, BY_TEAM) for member in dict.fromkeys(members)]
        if not members:
            to_do = "name its members with --groups, a CSV with the columns group and student"
            source = by_key[team.hand_in].source
            claims.findings.append(Finding("group of nobody", team.name, source, "nobody is known to be in it", to_do))
    if groups is not None:
        _of_file(groups, {team.name for team in together}, found, roster, claims)


def _of_file(groups: Groups, with_own: set[str], found: Mapping[str, str], roster: Roster, claims: Claims) -> None:
    """The groups of the file that no hand-in is named after, and students in two of them."""
    of_student: dict[str, list[str]] = {}
    for name, texts in groups.members.items():
        for text in texts:
            of_student.setdefault(found.get(text, text), []).append(name)
        if name in with_own:
            continue
        members = [found.get(text) or _stranger(text, None, name, roster, claims) for text in texts]
        theirs = list(dict.fromkeys(row[0] for row in claims.rows if row[1] in members and row[0] not in claims.teams))
        if len(theirs) == 1:
            claims.teams[theirs[0]] = name
            claims.rows += [(theirs[0], member, BY_TEAM) for member in members]
        elif theirs:
            what = f"{len(theirs)} of its members handed in, and nothing says which is the group's: {listed(theirs)}"
            to_do = "leave one of them in the download, then grade again; until then each counts for its own student"
            claims.findings.append(Finding("several of one group", name, "", what, to_do))
        else:
            what = f"nobody of {listed(members)} handed in"
            claims.findings.append(Finding("group without a hand-in", name, "", what, "look for it, or ask the group"))
    for student, names in of_student.items():
        if len(names) > 1:
            what, to_do = f"in {listed(names)}", f"mend {groups.path.name}; the first hand-in of the two counts"
            claims.findings.append(Finding("in two groups", student, groups.path.name, what, to_do))


def _first_pairs(pairs: pd.DataFrame) -> Iterable[tuple[str, str]]:
    best = pairs.drop_duplicates("whose")
    return zip(best["whose"], best["student"], strict=True)


def _stranger(text: str, person: Student | None, group: str, roster: Roster, claims: Claims) -> str:
    """The key of a member who is not on the roster: as the source calls them, but never another student's."""
    key = text if text not in roster.keys else f"{text} (of {group})"
    if key not in claims.strangers:
        claims.strangers[key] = replace(person or Student(key), key=key)
        if roster.students:
            what = f'"{text}" of {group} is not on the roster{did_you_mean(text, roster.keys)}'
            to_do = "mend the groups or the roster, then grade again; until then a row of its own has the group's score"
            claims.findings.append(Finding("member not on the roster", key, "", what, to_do))
    return key
