"""Who stands in a run: everybody on the roster, and every hand-in, each exactly once.

Called before anything is graded. A plan is made of the hand-ins, the roster, groups and decisions alone, or, without a
roster, of what the run's record already knows of its class; `settle` then brings the record up to it.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from autograder.course import Assignment, Course
from autograder.course.late import aware, zone_of
from autograder.engine.options import Options
from autograder.intake.collecting import Collected, put_together
from autograder.intake.faults import IntakeError
from autograder.intake.finding import some_of
from autograder.intake.handin import HandIn, called, with_file
from autograder.intake.identity import IdKind
from autograder.people.decisions import read_decisions, read_files
from autograder.people.extensions import Grant, read_extensions
from autograder.people.findings import Finding, match_line
from autograder.people.groups import Groups, read_groups, teams
from autograder.people.matching import UTC, Matched, handed_in_otherwise, match
from autograder.people.roster import Roster, Student, read_roster
from autograder.record.attempts import Attempt
from autograder.record.grants import counting as counting_in
from autograder.record.grants import decided
from autograder.record.history import newest_regrade
from autograder.record.store import Person, Record


@dataclass(frozen=True)
class Plan:
    """Everybody in the run, by the keys of scores.csv.

    `submissions` are the hand-ins as they are to be graded, with a person's word on which file counts. `owners` says
    for every hand-in whose rows its outcome is for: one, or all members of a team. `decisions`, and the files that are
    `counting` by decision, are to be kept in the record. `complete` is true if the entries are the whole class, as far
    as a roster says who is in it; `strangers_alone` if there is a roster and none of the hand-ins is of anybody on it.
    """

    entries: tuple[Person, ...]
    owners: Mapping[str, tuple[str, ...]]
    findings: tuple[Finding, ...] = ()
    decisions: Mapping[str, str] = field(default_factory=dict)
    complete: bool = False
    strangers_alone: bool = False
    submissions: tuple[HandIn, ...] = ()
    counting: Mapping[str, Attempt] = field(default_factory=dict)
    extensions: tuple[Grant, ...] = ()  # as read from a file; whose they are is looked up when everybody is known

    @property
    def missing(self) -> tuple[str, ...]:
        """Keys of those who handed in nothing."""
        return tuple(entry.key for entry in self.entries if not entry.filename)

    def leaves(self, row: Person) -> bool:
        """Whether a row of the record goes under other keys: it is of a hand-in that is somebody else's now."""
        owners = self.owners.get(row.hand_in or row.key, ()) if row.filename else ()
        return bool(owners) and row.key not in owners

    def hand_ins(self, key: str) -> frozenset[str]:
        """The hand-ins that a person means by a student's key or, if nobody has it, by a hand-in's."""
        found = frozenset(hand_in for hand_in, rows in self.owners.items() if key in rows)
        known = any(entry.key == key for entry in self.entries)
        return found if found or known else frozenset({key} & self.owners.keys())


@dataclass(frozen=True)
class Known:
    """What the run's record has from earlier calls: people, decisions, files that count by one, the last regrade."""

    people: Sequence[Person] = ()
    decisions: Mapping[str, str] = field(default_factory=dict)
    counting: Mapping[str, Attempt] = field(default_factory=dict)
    regrades: int = 0


def known_in(path: Path) -> Known:
    """Read once, before anything is planned; nothing where there is no record yet."""
    if not path.is_file():
        return Known()
    with contextlib.closing(Record.open(path, create=False)) as record:
        return Known(record.people(), decided(record), counting_in(record), newest_regrade(record))


def planned_for(
    course: Course, assignment: Assignment, collected: Collected, known: Known, options: Options
) -> tuple[Plan, Collected]:
    """Whose each hand-in is and which of its files counts, by the files that the command names and what is known
    already; and what was collected, as that leaves it."""
    zone = zone_of(course.timezone)
    extensions: Sequence[Grant] = ()
    if options.extensions is not None:
        extensions = read_extensions(options.extensions, zone, assignment.late is not None)
    roster = read_roster(options.roster) if options.roster is not None else None
    groups = read_groups(options.groups) if options.groups is not None else None
    decisions: dict[str, str] = {}
    named: Mapping[str, HandIn] = {}
    if options.match is not None:
        sources = {file.source: hand_in for hand_in, file in known.counting.items()}
        decisions = read_decisions(options.match, collected.submissions, roster, sources)
        named = read_files(options.match, collected.submissions)
    new = {hand_in: _as_kept(file, zone) for hand_in, file in named.items()}
    counting = {**known.counting, **new}
    found = put_together(collected, [_counting(one, counting.get(one.key)) for one in collected.submissions])

    def planned(decisions: Mapping[str, str]) -> Plan:
        kept, people = known.decisions, known.people
        return plan(found.submissions, roster, groups, decisions, kept, people, zone, found.otherwise)

    # A row that names the file which counts says whose it is only where nothing else does: a team's stays a team's
    plainly = {hand_in: student for hand_in, student in decisions.items() if hand_in not in named}
    result = planned(plainly)
    moved = {
        hand_in: decisions[hand_in]
        for hand_in in named
        if decisions.get(hand_in) and decisions[hand_in] not in (hand_in, *result.owners.get(hand_in, ()))
    }
    if moved and roster is None:
        hand_in, student = next(iter(moved.items()))
        raise IntakeError(f"{options.match}: {named[hand_in].source} is not known to be {student}'s; name the class "
                          "list with --roster.")  # fmt: skip
    result = planned({**plainly, **moved}) if moved else result
    return replace(result, counting=new, extensions=tuple(extensions)), put_together(found, result.submissions)


def _as_kept(file: HandIn, zone: ZoneInfo) -> Attempt:
    digest = hashlib.sha256(file.content).hexdigest() if file.content is not None else None
    return Attempt(0, file.source, file.filename, file.handed_in_at(zone), file.content, digest, late=file.late)


def _counting(one: HandIn, kept: Attempt | None) -> HandIn:
    """A hand-in with the file that counts by decision: the same bytes here or, where they are not, in the record."""
    if kept is None or kept.content is None:
        return one
    here = next((file for file in one.files if file.content == kept.content), None)
    if here is not None:
        return with_file(one, here) if len(one.files) > 1 else one
    came = datetime.fromisoformat(kept.handed_in) if kept.handed_in else None
    earlier = replace(one, content=kept.content, source=kept.source, filename=kept.filename, problem=None)
    return with_file(one, replace(earlier, handed_in=came, late=kept.late))


def plan(
    submissions: Sequence[HandIn],
    roster: Roster | None = None,
    groups: Groups | None = None,
    decisions: Mapping[str, str] | None = None,
    kept: Mapping[str, str] | None = None,
    known: Sequence[Person] = (),
    zone: ZoneInfo = UTC,
    otherwise: Sequence[HandIn] = (),
) -> Plan:
    """Everybody who stands in the run. `decisions` are new ones, `kept` those of earlier calls; `known` is who stands
    in the record so far; `zone` is that of times without one; `otherwise` are files that cannot be graded: hand-ins of
    students who have no other, if they are called as such a student is."""
    decisions, findings = dict(decisions or {}), []
    kept = {hand_in: student for hand_in, student in (kept or {}).items() if hand_in not in decisions}
    for hand_in, student in kept.items():
        if student and student in decisions.values():
            what = f"it was decided to be {student}'s, who has another hand-in by decision now"
            to_do = "decide again with --match, if it is anybody's"
            findings.append(Finding("decision without effect", student, hand_in, what, to_do))
            decisions[hand_in] = ""
    remembered = {} if groups is not None else _still_known(submissions, roster, decisions, known)
    new = [one for one in submissions if one.key not in remembered]
    class_list = roster if roster is not None or groups is not None else _absentees(known)
    matched = match(class_list, new, groups, {**kept, **decisions}, zone)
    submissions = [_undecided(one, matched, submissions) for one in submissions]
    new = [one for one in submissions if one.key not in remembered]
    owners = {one.key: tuple(row.key for row in remembered[one.key]) for one in submissions if one.key in remembered}
    served = {key for rows in owners.values() for key in rows}
    for one in new:
        theirs = tuple(key for key in matched.owners.get(one.key, ()) if key not in served)
        owners |= {one.key: theirs} if theirs else {}
    served |= {key for rows in owners.values() for key in rows} | {row.key for row in known if row.filename}
    waiting = [student for student in matched.students if student.key not in served]
    for one, key in handed_in_otherwise(otherwise, waiting, {one.key for one in submissions}):
        submissions.append(one)
        owners[one.key] = (key,)
    taken = {student.key for student in matched.students} | {row for rows in owners.values() for row in rows}
    taken |= {row.key for row in known if row.filename and (row.hand_in or row.key) != row.key}
    for one in new:
        if one.key not in owners:
            owners[one.key] = (own_key(one, taken),)
            taken |= set(owners[one.key])
    given = roster is not None or groups is not None
    entries = _entries(submissions, owners, matched, remembered, zone, with_missing=given)
    findings += [*matched.findings, *_without_file(matched.students, entries, known)]
    findings += _of_files(submissions, owners, roster)
    whose = {entry.key for entry in entries if entry.filename}
    alone = roster is not None and bool(whose) and whose.isdisjoint(roster.keys)
    return Plan(tuple(entries), owners, tuple(findings), decisions, roster is not None, alone, tuple(submissions))


def _undecided(one: HandIn, matched: Matched, submissions: Sequence[HandIn]) -> HandIn:
    """A student's hand-in beside another that is as much the student's, if nothing tells which of them is newer."""
    rivals = [other for other in submissions if other.key in matched.rivals.get(one.key, ())]
    if not rivals:
        return one
    them = (one, *rivals)
    problem = (
        f"{len(them)} hand-ins may be the one that counts ({some_of([called(each) for each in them])}), and nothing "
        "tells which is newest"
    )
    return replace(one, content=None, problem=problem, undecided=True, attempts=(), others=them)


def _of_files(
    submissions: Sequence[HandIn], owners: Mapping[str, tuple[str, ...]], roster: Roster | None
) -> Iterator[Finding]:
    """Hand-ins of several files where a person has to say which counts, or has said it."""
    for one in submissions:
        student = owners[one.key][0]
        written = student if roster is None or student in roster.keys else ""
        other = [file for file in one.files if (file.source, file.content) != (one.source, one.content)]
        lines = " or ".join(dict.fromkeys(match_line(file.source, written) for file in other))
        if one.undecided:
            to_do = "put the line of the file that counts into the --match file, then grade again"
            yield Finding("undecided", student, one.source, one.problem or "", to_do, lines)
        elif one.decided and other:
            what = f"it counts as a person decided, not {some_of([called(file) for file in other])}"
            to_do = "nothing, if that is right; else put the line of the file that counts into the --match file"
            yield Finding("counts by decision", student, one.source, what, to_do, lines)


def _without_file(students: Sequence[Student], entries: Sequence[Person], known: Sequence[Person]) -> Iterator[Finding]:
    """Students of whom the class list itself says that they handed in, and there is no file."""
    with_file = {row.key for row in (*entries, *known) if row.filename}
    for student in students:
        if student.handed_in is not None and student.key not in with_file:
            what = (
                f"the class list says that something came at {student.handed_in:%Y-%m-%d %H:%M}, and there is no file"
            )
            to_do = "look in the LMS: as a text entry, of another file type, or in a newer download"
            yield Finding("no file", student.key, "", what, to_do)


def _still_known(
    submissions: Sequence[HandIn],
    roster: Roster | None,
    decisions: Mapping[str, str],
    known: Sequence[Person],
) -> dict[str, list[Person]]:
    """Hand-ins that stay whose they were: all of them where no roster is given again; with one, those of teams that an
    earlier call's groups file told of."""
    told = {team.hand_in for team in teams(submissions, roster, None)} if roster is not None else set()
    return {
        hand_in: rows
        for hand_in, rows in rows_by_hand_in(known).items()
        if hand_in not in decisions and (roster is None or (len(rows) > 1 and hand_in not in told))
    }


def rows_by_hand_in(known: Sequence[Person]) -> dict[str, list[Person]]:
    """Hand-in -> the rows of the record that have its outcome."""
    found: dict[str, list[Person]] = {}
    for row in known:
        if row.filename:
            found.setdefault(row.hand_in or row.key, []).append(row)
    return found


def _absentees(known: Sequence[Person]) -> Roster | None:
    """Those of the record's class who have handed in nothing so far; None if there is nobody."""
    rows = [row for row in known if not row.filename]
    ids = [{IdKind(kind): text for kind, text in row.ids.items()} for row in rows]
    students = (Student(row.key, row.name, row.email, of, row.group) for row, of in zip(rows, ids, strict=True))
    return Roster(tuple(students)) if rows else None


def own_key(one: HandIn, taken: set[str]) -> str:
    """The key of a hand-in of nobody: its own, unless a student has that one."""
    if one.key not in taken:
        return one.key
    key = f"{one.key} ({one.layout or 'file'})"
    number = 2
    while key in taken:
        key, number = f"{one.key} ({one.layout or 'file'} {number})", number + 1
    return key


def _entries(
    submissions: Sequence[HandIn],
    owners: Mapping[str, tuple[str, ...]],
    matched: Matched,
    remembered: Mapping[str, Sequence[Person]],
    zone: ZoneInfo,
    with_missing: bool,
) -> list[Person]:
    students = {student.key: student for student in matched.students}
    before = {row.key: row for rows in remembered.values() for row in rows}
    entries: list[Person] = []
    for one in submissions:
        team = matched.teams.get(one.key, "")
        for key in owners[one.key]:
            person = students.get(key)
            row = before.get(key) if one.key in remembered else None
            if person is None and row is not None:
                ids = {IdKind(kind): text for kind, text in row.ids.items()}
                person, team = Student(row.key, row.name, row.email, ids), row.group
            elif person is None and key in matched.strangers:
                person = matched.strangers[key]
            entries.append(_entry(one, key, person, team, zone, len(entries)))
    there = {entry.key for entry in entries}
    for student in matched.students if with_missing else ():
        if student.key not in there:
            of = {str(kind): text for kind, text in student.known.items()}
            about = (student.key, student.name, student.email, "", "", len(entries))
            entries.append(Person(*about, group=student.group, ids=of))
    return entries


def _entry(one: HandIn, key: str, person: Student | None, team: str, zone: ZoneInfo, position: int) -> Person:
    # A team's hand-in has the ids of the member who handed it in
    ids = {} if team and person is not None else {str(kind): text for kind, text in one.ids.items()}
    ids |= {str(kind): text for kind, text in person.known.items()} if person is not None else {}
    came = one.handed_in or (person.handed_in if person is not None else None)
    name = (person.name if person is not None else "") or ("" if team else one.name)
    return Person(
        key, name, person.email if person is not None else "", one.source, one.filename, position,
        hand_in=one.key if one.key != key else "",
        group=team or (person.group if person is not None else "") or one.group,
        layout=one.layout, ids=ids, handed_in=aware(came, zone).isoformat() if came is not None else "",
        marked_late=one.late,
    )  # fmt: skip
