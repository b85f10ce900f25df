"""Whose each hand-in is: joins of the class list, the groups and what was handed in.

Called by the plan of a run. A person's decision goes first, then the strongest kind of id that both sides have (the
order of `IdKind`), then a name, but only where the hand-in's ids are of kinds that the roster does not have at all and
the name is one student's and one hand-in's alone. Everything else is a finding: near names are proposed, never taken.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from autograder.course.faults import listed
from autograder.intake.finding import some_of
from autograder.intake.handin import HandIn
from autograder.intake.identity import RUNNING, IdKind
from autograder.people.claims import BY_ID, BY_NAME, DECIDED, Claims, settled
from autograder.people.findings import Finding, match_line
from autograder.people.groups import Groups, claim_for_teams, teams
from autograder.people.heads import head_of, ids_by_heads, kind_in_head
from autograder.people.idtables import LOCAL, joined, of_ids, of_students, of_text, table, unambiguous
from autograder.people.nearness import near_students
from autograder.people.roster import Roster, Student
from autograder.people.sheets import plain

if TYPE_CHECKING:
    import pandas as pd

UTC = ZoneInfo("UTC")
LEAST = 3
MOST = 0.5  # the share of hand-ins from which on a plain list's keys are taken for such numbers


@dataclass(frozen=True)
class Matched:
    """Hand-in -> the students that its outcome is for, in the order of the roster; absent for nobody's.

    `teams` are the names of groups by hand-in; `strangers` are members who are not on the roster; `rivals` are others
    that could as well be the one that counts for a hand-in's student.
    """

    owners: Mapping[str, tuple[str, ...]]
    teams: Mapping[str, str]
    strangers: Mapping[str, Student]
    students: tuple[Student, ...]
    findings: tuple[Finding, ...]
    rivals: Mapping[str, tuple[str, ...]]


def match(
    roster: Roster | None,
    submissions: Sequence[HandIn],
    groups: Groups | None = None,
    decisions: Mapping[str, str] | None = None,
    zone: ZoneInfo = UTC,
) -> Matched:
    """Bring hand-ins and students together: no student has two, and only a team's hand-in has several students.

    Without a roster the members of the groups are the class. `decisions` are hand-in -> student, "" for nobody's;
    `zone` is that of times without one.
    """
    if roster is None:
        members = dict.fromkeys(name for names in groups.members.values() for name in names) if groups else {}
        roster = Roster(tuple(Student(name) for name in members))
    by_key = {one.key: one for one in submissions}
    claims = Claims(findings=[*roster.findings])
    decided = _decided(decisions or {}, by_key, roster, claims)
    students, shared = unambiguous(of_students(roster.students))
    claims.findings += _shared(shared, roster)
    together = [team for team in teams(submissions, roster, groups) if team.hand_in not in decided]
    apart = {team.hand_in for team in together} | set(decided)
    single = [one for one in submissions if one.key not in apart]
    claims.rows += _by_id(single, students, roster, claims)
    claims.rows += _by_name(single, submissions, students, roster, {row[0] for row in claims.rows})
    claim_for_teams(together, groups, students, roster, claims, by_key)
    owners = settled(claims, by_key, roster, zone)
    if roster.students:
        claims.findings += _nobodys(single, {*claims.told, *(row[0] for row in claims.rows)}, owners, roster)
    return Matched(owners, claims.teams, claims.strangers, roster.students, tuple(claims.findings), claims.rivals)


def handed_in_otherwise(
    files: Sequence[HandIn], waiting: Sequence[Student], taken: Collection[str]
) -> list[tuple[HandIn, str]]:
    """Files that cannot be graded, as hand-ins of the students who are `waiting` for one and are called as the file is,
    or a folder above it. `taken` are keys of other hand-ins."""
    students, _ = unambiguous(of_students(waiting))
    rows = [row for place, file in enumerate(files) for text in _texts(file) for row in of_text(str(place), text)]
    found: dict[str, list[HandIn]] = {}
    for row in joined(table(rows), students).drop_duplicates("whose").itertuples():
        found.setdefault(str(row.student), []).append(files[int(str(row.whose))])
    result = []
    for student, them in found.items():
        one = them[0]
        if len(them) > 1:
            problem = f"{some_of([file.filename for file in them])} came in, and none of them is a notebook (.ipynb)"
            one = replace(one, problem=problem)
        key = next(key for key in (one.key, student, f"{student} (file)", one.source) if key not in taken)
        result.append((replace(one, key=key), student))
    return result


def _texts(one: HandIn) -> list[str]:
    """What may be the id of a plain file's student: what it is called, or a folder above it."""
    return [one.key, *one.folders]


def _decided(
    decisions: Mapping[str, str], by_key: Mapping[str, HandIn], roster: Roster, claims: Claims
) -> dict[str, str]:
    """The decisions that can still be carried out; of others about these hand-ins a finding."""
    decided = {}
    for hand_in, student in decisions.items():
        if hand_in in by_key and (not student or student in roster.keys):
            decided[hand_in] = student
            claims.rows += [(hand_in, student, DECIDED)] if student else []
        elif hand_in in by_key and roster.students:
            what = f"it was decided to be {student}'s, who is not on the roster"
            to_do = "decide again with --match, if nobody else is meant"
            claims.findings.append(Finding("decision without effect", student, by_key[hand_in].source, what, to_do))
    return decided


def _shared(shared: pd.DataFrame, roster: Roster) -> list[Finding]:
    """Two students of one id or one name."""
    import pandas as pd

    found = []
    for (kind, text), rows in shared[shared["kind"] != LOCAL].groupby(["kind", "id"], sort=True):
        what = f'the {kind} "{text}" is that of {listed(sorted(rows["whose"]))}'
        to_do = "mend the roster; until then this id brings nothing to anybody"
        found.append(Finding("id twice", str(rows["whose"].iloc[0]), "", what, to_do))
    names = pd.Series({one.key: name_key(one.name) for one in roster.students}, dtype=object)
    alike = set(names[(names != "") & names.duplicated(keep=False)].index)
    to_do = "nothing, if their hand-ins are right: they are told apart by their ids alone"
    found += [Finding("same name", one.key, "", one.name, to_do) for one in roster.students if one.key in alike]
    return found


def _by_id(
    single: Sequence[HandIn], students: pd.DataFrame, roster: Roster, claims: Claims
) -> list[tuple[str, str, int]]:
    import pandas as pd

    there = set(students["kind"])
    rows = _running_numbers(single, there, {plain(student.key) for student in roster.students})
    for one in single:
        hidden = kind_in_head(one) if head_of(one) else None
        rows += of_ids(one.key, {kind: text for kind, text in one.ids.items() if kind is not hidden}, there)
        if set(one.ids) <= {IdKind.KEY} and not head_of(one):
            rows += [row for text in _texts(one) for row in of_text(one.key, text)]
    heads = ids_by_heads([one for one in single if head_of(one)], students)
    pairs = joined(pd.concat([table(rows), heads], ignore_index=True).drop_duplicates(), students)
    pairs = pairs[~_of_others(pairs, single, roster, claims)]
    pairs = pairs[~_either(pairs, single, students, claims)]
    best = pairs.drop_duplicates("whose")
    named = {one.key for one in single if one.ids}
    meant = pairs[pairs["whose"].isin(named)].groupby("whose")["student"].agg(lambda them: list(dict.fromkeys(them)))
    for hand_in, several in meant[meant.str.len() > 1].items():
        what = f"its ids are of {listed(several)}; the strongest is {several[0]}'s, whose it was taken for"
        to_do = "look whose it is; if it is another's, decide with --match"
        claims.findings.append(Finding("ids disagree", several[0], str(hand_in), what, to_do))
    return [
        (str(row.whose), str(row.student), BY_ID + int(row.strength))
        for row in best[["whose", "student", "strength"]].itertuples(index=False)
    ]


def _running_numbers(single: Sequence[HandIn], there: set[str], keys: set[str]) -> list[tuple[str, str, str]]:
    """An LMS's own numbers as what a plain list's keys may be.

    One of them may by chance be another student's key, so they count only where several and most hand-ins find a
    student so: then the keys plainly are such numbers.
    """
    rows: list[tuple[str, str, str]] = []
    for kind in RUNNING:
        numbers = [(one.key, str(IdKind.KEY), one.ids[kind]) for one in single if kind in one.ids]
        found = sum(plain(text) in keys for _, _, text in numbers)
        if kind not in there and found >= LEAST and found > MOST * len(numbers):
            rows += numbers
    return rows


def _of_others(pairs: pd.DataFrame, single: Sequence[HandIn], roster: Roster, claims: Claims) -> pd.Series:
    """Which pairs are by a number within one assignment, and the names have no word in common.

    The number of another assignment's worksheet is somebody else's here.
    """
    import pandas as pd

    names = {one.key: one for one in single}
    people = {one.key: one for one in roster.students}
    wrong = pd.Series(False, index=pairs.index)
    for row in pairs[pairs["kind"] == IdKind.PARTICIPANT].itertuples():
        one, student = names[str(row.whose)], people[str(row.student)]
        ours, theirs = _words(one.name), _words(student.name)
        if ours and theirs and not ours & theirs:
            wrong[row.Index] = True
            what = f'participant {row.id} is "{student.name}" on the roster, the folder says "{one.name}"'
            to_do = "is the roster another assignment's worksheet? If it is theirs all the same, decide with --match"
            line = match_line(one.key, student.key)
            claims.told.add(one.key)
            claims.findings.append(Finding("another name", student.key, one.source, what, to_do, line))
    return wrong


def _either(pairs: pd.DataFrame, single: Sequence[HandIn], students: pd.DataFrame, claims: Claims) -> pd.Series:
    """Which pairs are by a number that is one student's id and another's user name.

    Some downloads' folders have the one or the other before the name, as the site is set for all. So where others
    can only be read as ids, and none as a user name alone, these are ids too; else nothing tells.
    """
    import pandas as pd

    logins = students[students["kind"] == IdKind.LOGIN].set_index("id")["whose"]
    numbers = students[students["kind"] == IdKind.NUMBER].set_index("id")["whose"]
    numbered = {one.key: one for one in single if one.way.id_or_login and IdKind.NUMBER in one.ids}
    texts = [plain(one.ids[IdKind.NUMBER]) for one in numbered.values()]
    as_ids = sum(text in numbers.index and text not in logins.index for text in texts)
    as_user_names = sum(text in logins.index and text not in numbers.index for text in texts)
    unsure = pd.Series(False, index=pairs.index)
    if as_ids >= LEAST and not as_user_names:
        return unsure
    for row in pairs[(pairs["kind"] == IdKind.NUMBER) & pairs["whose"].isin(numbered)].itertuples():
        other = str(logins.get(row.id, row.student))
        if other != row.student:
            unsure[row.Index] = True
            one = numbered[str(row.whose)]
            claims.told.add(one.key)
            what = (
                f'"{row.id}" is the id of {row.student} and the user name of {other}, and the folder says "{one.name}"'
            )
            lines = " or ".join(match_line(one.key, key) for key in (str(row.student), other))
            to_do = "put one of the lines into the --match file and grade again"
            claims.findings.append(Finding("ids disagree", "", one.source, what, to_do, lines))
    return unsure


def _words(name: str) -> frozenset[str]:
    return frozenset("".join(char if char.isalnum() else " " for char in name_key(name)).split())


def _by_name(
    single: Sequence[HandIn],
    submissions: Sequence[HandIn],
    students: pd.DataFrame,
    roster: Roster,
    taken: set[str],
) -> list[tuple[str, str, int]]:
    import pandas as pd

    kinds = set(students["kind"])
    ours = pd.DataFrame(
        [(one.key, name_key(one.name)) for one in submissions if not one.way.squeezed],
        columns=["hand_in", "name"],
        dtype=object,
    )
    people = [(one.key, name_key(one.name)) for one in roster.students]
    theirs = pd.DataFrame(people, columns=["student", "name"], dtype=object)
    ours, theirs = (side[(side["name"] != "") & ~side.duplicated("name", keep=False)] for side in (ours, theirs))
    pairs = ours.merge(theirs, on="name", how="inner", validate="one_to_one")
    may = {one.key for one in single if one.ids and not kinds & {str(kind) for kind in one.ids}} - taken
    pairs = pairs[pairs["hand_in"].isin(may)]
    return [(str(row.hand_in), str(row.student), BY_NAME) for row in pairs.itertuples(index=False)]


def name_key(name: str) -> str:
    """A name for comparing: composed, without letter case; "Family, Given" is "Given Family"."""
    name = unicodedata.normalize("NFC", " ".join(plain(name).replace("_", " ").casefold().split()))
    family, comma, given = name.partition(",")
    return f"{given.strip()} {family.strip()}" if comma and "," not in given else name


def _nobodys(
    single: Sequence[HandIn], claimed: set[str], owners: Mapping[str, tuple[str, ...]], roster: Roster
) -> list[Finding]:
    """Hand-ins that nothing brings to anybody, each with the students without one that it is near to."""
    served = {student for them in owners.values() for student in them}
    missing = [student for student in roster.students if student.key not in served]
    lost = [one for one in single if one.key not in claimed]
    proposals = near_students(lost, missing)
    kinds = {kind for student in roster.students for kind in student.known}
    return [_nobodys_finding(one, proposals[one.key], kinds) for one in lost]


def _nobodys_finding(one: HandIn, near: Sequence[Student], kinds: set[IdKind]) -> Finding:
    named = [f'{kind} "{text}"' for kind, text in one.ids.items()] or [f'id "{one.key}"']
    whose = f" ({one.name})" if one.name and not one.way.squeezed else ""
    what = f"nobody on the roster has the {listed(named)}{whose}"
    strange = [kind for kind in one.ids if kind not in kinds]
    if strange and len(strange) == len(one.ids):
        what = f"the roster has no ids of the kind {listed(strange)}, such as {listed(named)}{whose}"
        what += f'; if its keys are such ids, call that column "{strange[0]}"'
    lines = [match_line(one.key, student.key) for student in near]
    if len(near) == 1:
        to_do = f"perhaps it is {_called(near[0])}: then put the line into the --match file and grade again"
        return Finding("hand-in of nobody", one.key, one.source, what, to_do, lines[0])
    if near:
        to_do = f"perhaps it is one of {'; '.join(map(_called, near))}: put one of the lines into the --match file"
        return Finding("hand-in of nobody", one.key, one.source, what, to_do, " or ".join(lines))
    to_do = "mend the roster, or put a line hand_in,student into the --match file, and grade again"
    return Finding("hand-in of nobody", one.key, one.source, what, to_do)


def _called(student: Student) -> str:
    return f"{student.name} ({student.key})" if student.name else student.key
