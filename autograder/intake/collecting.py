"""Collects submissions from folders, zips and single files, in one order whatever the disk's.

Called by the engine with the paths of the command line. Nothing that was handed in gets lost: a notebook that cannot be
read is a submission with a problem, and every other file is listed with the reason why it was left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from autograder.intake.archive import Budget
from autograder.intake.attempts import Counts, in_order, undecided
from autograder.intake.choosing import chosen, scripts_sorted_out
from autograder.intake.downloads import Downloads, Recognised, read_downloads
from autograder.intake.finding import Found, Search, some_of
from autograder.intake.handin import HandIn
from autograder.intake.keys import Place, keys_for, without_ending
from autograder.intake.reader import Reader


@dataclass(frozen=True)
class LeftOut:
    """A file that is not graded, and why (a clause)."""

    source: str
    reason: str
    expected: bool = False  # as it should be: the LMS laid it there, or another attempt counts


@dataclass(frozen=True)
class Collected:
    """What was found, sorted by key; `notes` are sentences for the TA, such as on two files of one name.

    `otherwise` are files that cannot be graded and that no LMS brings to anybody: hand-ins if they are called as a
    student of the class is. They are left out as well.
    """

    submissions: tuple[HandIn, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...] = ()
    otherwise: tuple[HandIn, ...] = ()
    counts: Counts = "newest"


def collect(
    paths: Sequence[Path],
    budget: Budget | None = None,
    names: Sequence[str] = (),
    layout: str | None = None,
    counts: Counts = "newest",
) -> Collected:
    """Everything in `paths`; folders are searched to the bottom, and an archive counts as a folder.

    Of several notebooks of one student's the one that defines most of the assignment's `names` is taken, of such the
    newest by the LMS's own order; where nothing tells, it is left to a person. A Python script is a hand-in only if it
    defines some of the names, and no notebook beside it has its name. An LMS's download is known by its names (or
    forced by `layout`, a name of LAYOUTS or "plain"): then the key is what the LMS calls the student by, and whoever
    has handed in what is no notebook has a hand-in with a problem. Of several attempts the one that `counts` is the
    submission, and all are in its `attempts`; for "best" it is the newest until they are graded. The order of `paths`
    does not matter.
    Raises IntakeError for a path that is absent, an archive that cannot be read or a layout that is another's.
    """
    with Reader() as reader:
        return _collect(Search(budget or Budget(), reader, names), paths, names, layout, counts)


def _collect(
    search: Search, paths: Sequence[Path], names: Sequence[str], layout: str | None, counts: Counts
) -> Collected:
    everything = scripts_sorted_out(list(search.all(sorted(paths))), names, search.reader)
    read = read_downloads(everything, search.clones, layout)
    placed = [_placed(item, read, position) for position, item in enumerate(everything)]
    uploads = {position: one.hand_in.upload for position, one in read.by_item.items() if one.hand_in.upload is not None}
    found, notes_of, others_of = chosen(placed, names, search.reader, uploads)

    def attempt(position: int, item: Found) -> HandIn:
        one = replace(item, place=replace(item.place, root=everything[position].place.root))
        return _hand_in(one, notes_of.get(item.source, ()), read.by_item.get(position))

    people: dict[tuple[str, ...], list[HandIn]] = {}
    for position, item in enumerate(found):
        if item.left_out is None:
            others = others_of.get(position, ())
            one = replace(
                attempt(position, item),
                others=tuple(attempt(other, placed[other]) for other in others),
                undecided=position in others,
            )
            reading = read.by_item.get(position)
            people.setdefault(reading.student if reading else (str(position),), []).append(one)
    unread: dict[tuple[str, ...], list[int]] = {}
    for position, reading in read.otherwise.items():
        if reading.student not in people:
            unread.setdefault(reading.student, []).append(position)
    for student, positions in unread.items():  # what the LMS adds tells of a hand-in only where nothing else does
        unread[student] = [one for one in positions if one not in read.beside] or positions
    people |= {student: [_unreadable(positions, everything, read)] for student, positions in unread.items()}
    grouped = sorted((in_order(of) for of in people.values()), key=lambda of: (of[0][0].place, of[0][0].source))
    keys, notes = keys_for([kept[0].place for kept, _ in grouped])
    notes += read.notes
    handed_in = {position for positions in unread.values() for position in positions}
    handed_in |= {position for others in others_of.values() for position in others}
    left_out = [
        LeftOut(item.source, item.left_out, position in read.beside)
        for position, item in enumerate(found)
        if item.left_out is not None and position not in handed_in
    ]
    left_out += [
        LeftOut(each.source, "it is the same as another file of this student", True)
        for _, doubles in grouped
        for double in doubles
        for each in (double, *double.others)
    ]
    submissions = [_counted(key, kept, counts) for key, (kept, _) in zip(keys, grouped, strict=True)]
    otherwise = [
        _plain(item)
        for position, item in enumerate(everything)
        if item.left_out is not None and position not in read.otherwise and position not in read.beside
    ]
    return put_together(Collected((), tuple(left_out), tuple(notes), tuple(otherwise), counts), submissions)


def put_together(collected: Collected, submissions: Sequence[HandIn]) -> Collected:
    """The same with other submissions: with what of theirs does not count, and notes on them, in place of what was
    told of those before."""
    before, now = ([_told_of(one, collected.counts) for one in of] for of in (collected.submissions, submissions))
    old_left, old_notes = ({each for told in before for each in told[part]} for part in (0, 1))
    left_out = [one for one in collected.left_out if one not in old_left] + [one for told in now for one in told[0]]
    handed_in = {one.source for one in submissions} & {one.source for one in collected.otherwise}
    left_out = [one for one in left_out if one.source not in handed_in]
    notes = [one for one in collected.notes if one not in old_notes] + [one for told in now for one in told[1]]
    return replace(
        collected, submissions=tuple(sorted(submissions, key=lambda one: one.key)),
        left_out=tuple(sorted(set(left_out), key=lambda left: (left.source, left.reason))), notes=tuple(notes),
    )  # fmt: skip


def _placed(item: Found, read: Downloads, position: int) -> Found:
    """A file with the hand-in that it is of; or left out, if the LMS has laid it there."""
    reading = read.by_item.get(position)
    if reading is not None:
        return replace(item, within=Place(reading.download, f"{reading.hand_in.who}\n{reading.hand_in.label}"))
    if position in read.beside:
        return replace(item, content=None, left_out=f"it is {read.beside[position]}")
    return item


def _hand_in(item: Found, notes: tuple[str, ...], reading: Recognised | None) -> HandIn:
    """A chosen file as a hand-in that has no key yet."""
    if reading is None:
        filename = PurePosixPath(item.source.split(": ")[-1]).name
        folders = folders_of(item.place)
        return HandIn("", item.content, filename, item.source, item.problem, notes, folders=folders, place=item.place)
    told = reading.hand_in
    # The id itself is the key, whatever it looks like: no folder, and no ending to be cut off
    place = Place(item.place.root, f"{told.student.replace('/', '_')}.ipynb")
    return HandIn(
        "", item.content, PurePosixPath(told.file).name, item.source, item.problem, notes, told.name, told.late,
        reading.layout, told.ids, told.when, told.group, head=told.head, members=told.members, number=told.number,
        place=place,
    )  # fmt: skip


def _unreadable(positions: Sequence[int], everything: Sequence[Found], read: Downloads) -> HandIn:
    """The hand-in of who handed in nothing that can be graded."""

    def newest(position: int) -> tuple[object, ...]:
        one = read.otherwise[position].hand_in
        return one.number or 0, str(one.when or ""), one.upload or 0

    names = [read.beside.get(one) or PurePosixPath(read.otherwise[one].hand_in.file).name for one in positions]
    last = max(positions, key=newest)
    if len(positions) == 1 and last in read.beside:
        problem = f"{names[0]} came in, and no notebook"
    elif len(positions) == 1:
        problem = f"{some_of(names)} was handed in, and {everything[last].left_out}"
    else:
        problem = f"{some_of(names)} came in, and none of them is a notebook (.ipynb)"
    return _hand_in(replace(everything[last], problem=problem, content=None), (), read.otherwise[last])


def _plain(item: Found) -> HandIn:
    """A file that cannot be graded, as the hand-in that it is if a student is called so."""
    filename = PurePosixPath(item.source.split(": ")[-1]).name
    problem = f"{some_of([filename])} was handed in, and {item.left_out}"
    return HandIn(PurePosixPath(filename).stem, None, filename, item.source, problem, folders=folders_of(item.place))


def folders_of(place: Place) -> tuple[str, ...]:
    """The folders and archives above a file, below what was named."""
    return tuple(without_ending(part) for part in place.path.split("/")[:-1])


def _counted(key: str, kept: Sequence[HandIn], counts: Counts) -> HandIn:
    """A student's submission: of several attempts the one that counts, with all of them."""
    each = [_keyed(key, one) for one in kept]
    if len(each) == 1:
        return each[0]
    number = 0 if counts == "first" else len(kept) - 1
    problem = undecided(kept, counts)
    if problem is not None:
        return replace(each[number], content=None, problem=problem, attempts=tuple(each), undecided=True, others=())
    taken = replace(each[number], attempts=tuple(each))
    if counts == "best":
        return taken
    said = f"Of your {len(each)} attempts the {counts} counts: number {number + 1}."
    return replace(taken, notes=(said, *taken.notes))


def _keyed(key: str, one: HandIn) -> HandIn:
    return replace(one, key=key, others=tuple(_keyed(key, other) for other in one.others))


def _told_of(one: HandIn, counts: Counts) -> tuple[list[LeftOut], list[str]]:
    """What of a student's does not count, and sentences for the TA."""
    unused = [file for file in one.files if (file.source, file.content) != (one.source, one.content)]
    if one.undecided:
        left_out = [LeftOut(file.source, one.problem or "", True) for file in unused if file.source != one.source]
        return left_out, [f"{one.key}: {one.problem}."]
    if one.decided:
        left_out = [LeftOut(file.source, f"{one.source} counts, as a person decided", True) for file in unused]
        return left_out, [f"{one.key}: {one.source} counts, as a person decided."]
    left_out, notes = [], []
    attempts = one.attempts or (one,)
    for number, each in enumerate(attempts, 1):
        left_out += [
            LeftOut(file.source, each.problem or "" if each.undecided else f"{each.source} was graded instead of it")
            for file in each.others
            if file.source != each.source
        ]
        if not one.attempts or counts == "best":
            continue
        if (each.source, each.content) != (one.source, one.content):
            reason = f"it is attempt {number} of {len(attempts)} of {one.key}; the {counts} counts"
            left_out.append(LeftOut(each.source, reason, True))
        else:
            said = f", handed in {one.handed_in:%Y-%m-%d %H:%M:%S%z}" if one.handed_in is not None else ""
            which = f"the {counts} counts, number {number} ({one.source}{said})"
            notes.append(f"{one.key}: {len(attempts)} attempts; {which}.")
    return left_out, notes + [f"{each.source}: {note}" for each in attempts for note in each.notes]
