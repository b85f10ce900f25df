"""Collects submissions from folders, zips and single files, in one order whatever the disk's.

Called by the engine with the paths of the command line. Nothing that was handed in gets lost: a notebook that cannot be
read is a submission with a problem, and every other file is listed with the reason why it was left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from autograder.intake.archive import Budget
from autograder.intake.finding import Found, Search, no_notebook
from autograder.intake.identity import IdKind
from autograder.intake.keys import Place, file_safe, is_script_name, keys_for, without_ending
from autograder.intake.layouts import LAYOUTS, HandIn, recognised
from autograder.intake.names import bound_names, same
from autograder.intake.notebook import Notebook, read_notebook

__all__ = ["Collected", "LeftOut", "Submission", "collect", "file_safe"]


@dataclass(frozen=True)
class Submission:
    """One hand-in. `content` is None exactly if `problem` (a clause, "it is ...") says why there is none."""

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


@dataclass(frozen=True)
class LeftOut:
    """A file that is no submission, and why (a clause)."""

    source: str
    reason: str


@dataclass(frozen=True)
class Collected:
    """What was found, sorted by key; `notes` are sentences for the TA, such as on two files of one name."""

    submissions: tuple[Submission, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...] = ()


def collect(
    paths: Sequence[Path], budget: Budget | None = None, names: Sequence[str] = (), layout: str | None = None
) -> Collected:
    """Everything in `paths`; folders are searched to the bottom, and an archive counts as a folder.

    Of several notebooks in one student's archive the one that defines most of the assignment's `names` is taken. A
    Python script is a hand-in only if it defines some of them, and no notebook beside it has its name. An LMS's
    download is known by its names (or forced by `layout`, a name of LAYOUTS or "plain"): then the key is what the LMS
    calls the student by, and of several attempts the newest is taken. The order of `paths` does not matter.
    Raises IntakeError for a path that is absent or an archive that cannot be read.
    """
    everything = list(Search(budget or Budget()).all(sorted(paths)))
    placed, people, layouts = by_layout(scripts_sorted_out(everything, names), layout)
    found, notes_of = chosen(placed, names)
    notebooks = sorted((item for item in found if item.left_out is None), key=lambda item: (item.place, item.source))
    keys, notes = keys_for([item.place for item in notebooks])
    submissions = []
    for key, item in zip(keys, notebooks, strict=True):
        person = people.get(item.source)
        filename = PurePosixPath(person.file if person else item.source.split(": ")[-1]).name
        about = (person.name, person.late) if person else ("", False)
        submissions.append(
            Submission(key, item.content, filename, item.source, item.problem, notes_of.get(item.source, ()), *about)
        )
    notes += layouts
    notes += [f"{item.source}: {note}" for item in notebooks for note in notes_of.get(item.source, ())]
    left_out = {LeftOut(item.source, item.left_out) for item in found if item.left_out is not None}
    return Collected(
        tuple(sorted(submissions, key=lambda submission: submission.key)),
        tuple(sorted(left_out, key=lambda left: (left.source, left.reason))),
        tuple(notes),
    )


def by_layout(found: Sequence[Found], layout: str | None) -> tuple[list[Found], dict[str, HandIn], list[str]]:
    """What an LMS has named, put under its student; by source whose it is; and a note on each layout recognised.

    Of several attempts of one student the newest stays, the others are left out with the reason.
    """
    work = [item for item in found if item.left_out is None]
    people: dict[str, HandIn] = {}
    notes: list[str] = []
    for root in dict.fromkeys(item.place.root for item in work):
        items = [item for item in work if item.place.root == root]
        way = LAYOUTS.get(layout) if layout else recognised([item.place.path for item in items])
        if way is None:
            continue
        read = {item.source: person for item in items if (person := way.read(item.place.path)) is not None}
        people |= read
        notes.append(f"{root}: read as a download of {way.name}: {len(read)} of {len(items)} files are named so.")
    newest: dict[tuple[str, str], HandIn] = {}
    for item in work:
        person = people.get(item.source)
        if person is not None:
            whose = (item.place.root, person.student)
            newest[whose] = max(newest.get(whose, person), person, key=lambda one: one.attempt)
    placed = []
    for item in found:
        person = people.get(item.source)
        if person is None:
            placed.append(item)
        elif person.attempt == newest[item.place.root, person.student].attempt or not person.attempt:
            placed.append(replace(item, within=Place(item.place.root, person.student)))
        else:
            newer = newest[item.place.root, person.student]
            placed.append(
                replace(item, content=None, left_out=f"an attempt of {person.student} that {newer.file} replaces")
            )
    return placed, people, notes


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
    """One notebook for each student's archive, called by the archive's name; and a note on each choice, by source."""
    groups: dict[Place, list[Found]] = {}
    for item in found:
        if item.within is not None and item.left_out is None:
            groups.setdefault(item.within, []).append(item)
    kept: dict[str, Found] = {}
    dropped: dict[str, Found] = {}
    notes: dict[str, tuple[str, ...]] = {}
    for within, items in groups.items():
        counts = {item.source: names_in(item, names) for item in items} if len(items) > 1 else {}
        # the first of several that are as good
        best = max(items, key=lambda item: (item.content is not None, counts.get(item.source, 0)))
        kept[best.source] = replace(best, place=within)
        for item in items:
            if item is not best:
                dropped[item.source] = replace(item, content=None, left_out=f"{best.source} was graded instead of it")
        if len(items) > 1:
            listed = ", ".join(f"{PurePosixPath(item.place.path).name} ({counts[item.source]})" for item in items)
            chose = PurePosixPath(best.place.path).name
            notes[best.source] = (
                f"Of {len(items)} notebooks in one hand-in {chose} was graded; so many of the assignment's names each "
                f"defines: {listed}.",
            )
    return [kept.get(item.source) or dropped.get(item.source) or item for item in found], notes
