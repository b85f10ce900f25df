"""Finds the LMSs' downloads in what was handed over, and reads whose each file in them is.

Called by `collect`. A download is recognised by what lies in a folder, wherever that folder lies: below others, in an
archive, beside another LMS's download or plain notebooks. The outermost folder that fits is meant, so that what
students put into their own folders and archives cannot be taken for somebody else's hand-in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from autograder.intake.faults import IntakeError
from autograder.intake.finding import Found
from autograder.intake.keys import is_archive_name
from autograder.intake.layouts import LAYOUTS, PLAIN, HandIn, Layout, Listing, best


@dataclass(frozen=True)
class Reading:
    """Whose one file is, by which layout, and the folder of the download it is in."""

    layout: str
    download: str
    hand_in: HandIn

    @property
    def student(self) -> tuple[str, ...]:
        """The same for all files of one student, also in two downloads of one LMS.

        Not so where only a number tells: that may be somebody else's in another download.
        """
        one = self.hand_in
        nameless = not one.ids or (self.layout == "moodle" and not one.name)
        name = (
            "" if one.head else one.name.casefold()
        )  # a head is enough, and its name may be told in one download alone
        return (self.layout, one.who, name, self.download if nameless else "")


@dataclass(frozen=True)
class Download:
    """A folder whose files one LMS has named. `read` is by path."""

    folder: str
    layout: Layout
    read: Mapping[str, HandIn]
    of: int  # files that may be graded in that folder


@dataclass
class Downloads:
    """Everything that was read; `by_item` by position in what was found. `beside` says of files that are no hand-in
    what the LMS laid them there for, and whether somebody should look."""

    by_item: dict[int, Reading] = field(default_factory=dict)
    beside: dict[int, tuple[str, bool]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_downloads(found: Sequence[Found], clones: Set[str], layout: str | None) -> Downloads:
    """Read all of it, by the named `layout` alone if there is one.

    Raises IntakeError if a forced layout is not that of these files.
    """
    result = Downloads()
    if layout == PLAIN:
        return result
    for named in dict.fromkeys(item.named for item in found):
        items = {position: item for position, item in enumerate(found) if item.named == named}
        work = tuple(dict.fromkeys(item.path for item in items.values() if item.left_out is None))
        texts = {item.path: item.text for item in items.values() if item.text is not None}
        listing = Listing(work, texts, frozenset(clones))
        layouts = [LAYOUTS[layout]] if layout else list(LAYOUTS.values())
        downloads = list(_downloads("", listing, layouts, forced=layout is not None))
        if layout:
            _refuse_others(downloads, listing, LAYOUTS[layout], named)
        for download in downloads:
            result.notes.append(_note(named, download))
            for position, item in items.items():
                if position not in result.by_item and item.left_out is None and item.path in download.read:
                    result.by_item[position] = Reading(
                        download.layout.name, f"{named}\n{download.folder}", download.read[item.path]
                    )
        result.beside |= dict(_beside(items, downloads, result.by_item))
    return result


def _downloads(folder: str, listing: Listing, layouts: Sequence[Layout], forced: bool) -> Iterator[Download]:
    """The downloads in a folder and below it."""
    left = listing
    while left.work and (found := best(left, layouts, forced)) is not None:
        layout, read = found
        yield Download(folder, layout, {f"{folder}{path}": one for path, one in read.items()}, len(listing.work))
        left = Listing(tuple(path for path in left.work if path not in read), left.texts, left.clones)
    inner = _by_folder(left.work)
    texts, clones = _by_folder(left.texts), _by_folder(left.clones)
    alone = len({path.partition("/")[0] for path in listing.work}) == 1
    for name, work in inner.items():
        below = Listing(
            tuple(work), {path: left.texts[f"{name}/{path}"] for path in texts.get(name, ())},
            frozenset(clones.get(name, ())),
        )  # fmt: skip
        for download in _downloads(f"{folder}{name}/", below, layouts, forced):
            # An archive beside others may be one student's, who has packed something that looks like a download
            if is_archive_name(name) and not alone and len({one.who for one in download.read.values()}) < 2:
                continue
            yield download


def _by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    """What lies below each folder, by its name."""
    below: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        name, slash, rest = path.partition("/")
        if slash:
            below[name].append(rest)
    return below


def _refuse_others(downloads: Sequence[Download], listing: Listing, forced: Layout, named: str) -> None:
    read = sum(len(download.read) for download in downloads)
    others: dict[str, int] = defaultdict(int)
    for download in _downloads("", listing, list(LAYOUTS.values()), forced=False):
        others[download.layout.name] += len(download.read)
    most = max(others, key=lambda name: others[name], default="")
    total = len(listing.work)
    if listing.work and (not read or (most != forced.name and others.get(most, 0) > read)):
        looks = f" {others[most]} of them are named as {most} names files: leave --layout out." if most else ""
        plain = "" if most else " Leave --layout out to have each file's name taken as the student's key."
        raise IntakeError(
            f"{named}: {read} of {total} files are named as {forced.name} names them ({forced.example}).{looks}{plain}"
        )


def _note(named: str, download: Download) -> str:
    """One sentence or more on a download, for the TA."""
    above = PurePosixPath(named)
    where = (above.parent if is_archive_name(named) else above) / download.folder
    count, name = len(download.read), download.layout.name
    note = f"{where}: read as a download of {name}: {count} of {download.of} files are named so."
    unknown = sum(not one.ids for one in download.read.values())
    if unknown:
        note += f" Of {unknown} nothing tells who handed them in: their keys are the LMS's own numbers."
    if any(one.when is not None and one.when.tzinfo is None for one in download.read.values()):
        note += " Its times name no zone and are taken in the course's."
    return note


def _beside(
    items: Mapping[int, Found], downloads: Sequence[Download], read: Mapping[int, Reading]
) -> Iterator[tuple[int, tuple[str, bool]]]:
    """What the LMS laid beside the hand-ins, by position, and whether a person should look at it."""
    for download in downloads:
        present = {one.who for one in download.read.values()}
        for position, item in items.items():
            if position in read or not item.path.startswith(download.folder) or item.problem is not None:
                continue
            path = item.path.removeprefix(download.folder)
            found = download.layout.companion(path)
            if found is None:
                person = download.layout.entry(path)
                if item.left_out is not None and person is not None and person.who not in present:
                    yield position, (f"{item.left_out}, and {person.who} handed in no notebook", True)
            elif found.who and found.who not in present:
                yield position, (f"it is {found.what}, of {found.who}, who handed in no notebook", True)
            else:
                yield position, (f"it is {found.what}", False)
