"""Collects submissions from folders, zips and single files, in one order whatever the disk's.

Called by the engine with the paths of the command line. Nothing that was handed in gets lost: a notebook that cannot be
read is a submission with a problem, and every other file is listed with the reason why it was left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from autograder.course.late import aware
from autograder.intake.archive import Budget
from autograder.intake.attempts import Counts, Try, in_order, told, undecided
from autograder.intake.downloads import Downloads, Reading, read_downloads
from autograder.intake.finding import Found, Search, no_notebook
from autograder.intake.identity import IdKind
from autograder.intake.keys import Place, file_safe, is_script_name, keys_for, without_ending
from autograder.intake.layouts import Member
from autograder.intake.names import bound_names, same
from autograder.intake.notebook import Notebook, read_notebook

__all__ = ["Collected", "LeftOut", "Submission", "collect", "file_safe"]


@dataclass(frozen=True)
class Submission:
    """One hand-in. `content` is None exactly if `problem` (a clause, "it is ...") says why there is none.

    `head` is there where the file's name does not tell where the student's id begins (Blackboard's user names and
    GitHub's logins may hold the sign that parts them from the assignment): the head ends with the id. Whoever on a
    roster has the longest id that ends it is meant; the id in `ids` is a guess then.
    """

    key: str  # who it is from, as far as the file's name tells
    content: bytes | None
    filename: str
    source: str  # where from, for the TA: "class.zip: week 3/ada.ipynb"
    problem: str | None = None
    notes: tuple[str, ...] = ()  # for the student: how it was chosen
    name: str = ""  # of the student (or of the group), where the LMS writes it into the file's name
    late: bool = False  # as marked by the LMS
    layout: str = ""  # whose way of naming files it was found by; "" for plain files
    ids: Mapping[IdKind, str] = field(default_factory=dict)  # what the LMS calls the student by
    handed_in: datetime | None = None  # by the LMS's own clock; without a zone where the LMS names none
    group: str = ""  # the team's name, where the hand-in is a team's
    attempts: tuple[Submission, ...] = ()  # all of the student's, this one too, the oldest first; () for a single one
    head: str = ""
    members: tuple[Member, ...] = ()  # of a team, where the LMS names them

    def handed_in_at(self, zone: ZoneInfo) -> str:
        """ISO 8601 with offset; a time without a zone is one of the course's. "" if nobody said."""
        return aware(self.handed_in, zone).isoformat() if self.handed_in is not None else ""


@dataclass(frozen=True)
class LeftOut:
    """A file that is not graded, and why (a clause)."""

    source: str
    reason: str
    expected: bool = False  # as it should be: the LMS laid it there, or another attempt counts


@dataclass(frozen=True)
class Collected:
    """What was found, sorted by key; `notes` are sentences for the TA, such as on two files of one name."""

    submissions: tuple[Submission, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...] = ()


def collect(
    paths: Sequence[Path],
    budget: Budget | None = None,
    names: Sequence[str] = (),
    layout: str | None = None,
    counts: Counts = "newest",
) -> Collected:
    """Everything in `paths`; folders are searched to the bottom, and an archive counts as a folder.

    Of several notebooks in one student's archive the one that defines most of the assignment's `names` is taken. A
    Python script is a hand-in only if it defines some of them, and no notebook beside it has its name. An LMS's
    download is known by its names (or forced by `layout`, a name of LAYOUTS or "plain"): then the key is what the LMS
    calls the student by. Of several attempts the one that `counts` is the submission, and all are in its `attempts`;
    for "best" it is the newest until they are graded. The order of `paths` does not matter.
    Raises IntakeError for a path that is absent, an archive that cannot be read or a layout that is another's.
    """
    search = Search(budget or Budget())
    everything = scripts_sorted_out(list(search.all(sorted(paths))), names)
    read = read_downloads(everything, search.clones, layout)
    placed = [
        replace(item, within=Place(reading.download, f"{reading.hand_in.who}\n{reading.hand_in.label}"))
        if (reading := read.by_item.get(position)) is not None
        else (replace(item, content=None, left_out=read.beside[position][0]) if position in read.beside else item)
        for position, item in enumerate(everything)
    ]
    found, notes_of = chosen(placed, names)
    tries = [
        _try(replace(item, place=replace(item.place, root=before.place.root)), notes_of.get(item.source, ()), reading)
        for item, before, reading in zip(found, everything, map(read.by_item.get, range(len(found))), strict=True)
    ]
    people: dict[tuple[str, ...], list[Try]] = {}
    for position, one in enumerate(tries):
        if found[position].left_out is None:
            reading = read.by_item.get(position)
            people.setdefault(reading.student if reading else (str(position),), []).append(one)
    grouped = sorted((in_order(of) for of in people.values()), key=lambda of: (of[0][0].place, of[0][0].source))
    keys, notes = keys_for([kept[0].place for kept, _ in grouped])
    submissions: list[Submission] = []
    left_out = [
        LeftOut(item.source, *_reason(item, read, position))
        for position, item in enumerate(found)
        if item.left_out is not None
    ]
    notes += read.notes
    for key, (kept, doubles) in zip(keys, grouped, strict=True):
        submission, others, told_of = _counted(key, kept, counts)
        submissions.append(submission)
        notes += told_of
        notes += [f"{each.source}: {note}" for each in kept for note in each.notes]
        left_out += others
        left_out += [LeftOut(each.source, "it is the same as another file of this student", True) for each in doubles]
    return Collected(
        tuple(sorted(submissions, key=lambda submission: submission.key)),
        tuple(sorted(set(left_out), key=lambda left: (left.source, left.reason))),
        tuple(notes),
    )


def _try(item: Found, notes: tuple[str, ...], reading: Reading | None) -> Try:
    """A chosen file as one attempt of its student."""
    if reading is None:
        filename = PurePosixPath(item.source.split(": ")[-1]).name
        return Try(item.place, item.source, filename, item.content, item.problem, notes)
    person = reading.hand_in
    # The id itself is the key, whatever it looks like: no folder, and no ending to be cut off
    place = Place(item.place.root, f"{person.student.replace('/', '_')}.ipynb")
    filename = PurePosixPath(person.file).name
    return Try(place, item.source, filename, item.content, item.problem, notes, reading.layout, person)


def _reason(item: Found, read: Downloads, position: int) -> tuple[str, bool]:
    """Why a file is left out, and whether that is as it should be."""
    what, look = read.beside.get(position, (item.left_out or "", True))
    return what, not look


def _counted(key: str, kept: Sequence[Try], counts: Counts) -> tuple[Submission, list[LeftOut], list[str]]:
    """A student's submission, what of theirs does not count, and sentences for the TA."""
    each = [_submission(key, one) for one in kept]
    if len(each) == 1:
        return each[0], [], []
    number = 0 if counts == "first" else len(kept) - 1
    problem = undecided(kept, counts)
    if problem is not None:
        nobody = replace(each[number], content=None, problem=problem, attempts=tuple(each))
        return (
            nobody,
            [LeftOut(one.source, problem, True) for one in each if one is not each[number]],
            [f"{key}: {problem}."],
        )
    taken = replace(each[number], attempts=tuple(each))
    which = f"the {counts} counts"
    if counts != "best":
        taken = replace(taken, notes=(f"Of your {len(each)} attempts {which}: number {number + 1}.", *taken.notes))
    left_out = [
        LeftOut(one.source, f"it is attempt {place} of {len(each)} of {key}; {which}", True)
        for place, one in enumerate(each, 1)
        if counts != "best" and place != number + 1
    ]
    return taken, left_out, [told(key, kept, number, counts)] if counts != "best" else []


def _submission(key: str, one: Try) -> Submission:
    person = one.hand_in
    if person is None:
        return Submission(key, one.content, one.filename, one.source, one.problem, one.notes)
    return Submission(
        key, one.content, one.filename, one.source, one.problem, one.notes, person.name, person.late, one.layout,
        person.ids, person.when, person.group, head=person.head, members=person.members,
    )  # fmt: skip


def scripts_sorted_out(found: Sequence[Found], names: Sequence[str]) -> list[Found]:
    """Scripts that are no hand-in are left out: helpers, and what lies beside a notebook of the same name."""
    taken = {_where(item) for item in found if item.left_out is None and not is_script_name(item.place.path)}
    return [
        replace(item, content=None, left_out=no_notebook(item.place.path))
        if is_script_name(item.place.path)
        and item.content is not None
        and (_where(item) in taken or not names_in(item, names))
        else item
        for item in found
    ]


def _where(item: Found) -> tuple[str, str]:
    return item.place.root, without_ending(item.place.path)


def names_in(item: Found, names: Sequence[str]) -> int:
    """How many of the assignment's names a file defines; 0 if it cannot be read."""
    read = read_notebook(item.content, names) if item.content is not None and names else None
    if not isinstance(read, Notebook):
        return 0
    bound = {same(name) for source in read.code for name in bound_names(source)}
    return sum(same(name) in bound for name in names)


def chosen(found: Sequence[Found], names: Sequence[str]) -> tuple[list[Found], dict[str, tuple[str, ...]]]:
    """One notebook of what belongs together, called by its archive's name; and a note on each choice, by source."""
    groups: dict[Place, list[int]] = {}
    for position, item in enumerate(found):
        if item.within is not None and item.left_out is None:
            groups.setdefault(item.within, []).append(position)
    result = list(found)
    notes: dict[str, tuple[str, ...]] = {}
    for within, positions in groups.items():
        items = {position: found[position] for position in positions}
        counts = {position: names_in(item, names) if len(items) > 1 else 0 for position, item in items.items()}
        # the first of several that are as good
        best = max(positions, key=lambda position: (items[position].content is not None, counts[position]))
        for position, item in items.items():
            if position == best:
                result[position] = replace(item, place=within)
            else:
                left_out = f"{items[best].source} was graded instead of it"
                result[position] = replace(item, content=None, left_out=left_out)
        if len(items) > 1:
            listed = ", ".join(
                f"{PurePosixPath(item.place.path).name} ({counts[position]})" for position, item in items.items()
            )
            chose = PurePosixPath(items[best].place.path).name
            notes[items[best].source] = (
                f"Of {len(items)} notebooks in one hand-in {chose} was graded; so many of the assignment's names each "
                f"defines: {listed}.",
            )
    return result, notes
