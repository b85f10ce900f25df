"""Finds the LMSs' downloads in what was handed over, and reads whose each file in them is.

Called by `collect`. A download is recognised by what lies in a folder, wherever that folder lies: below others, in an
archive, beside another LMS's download or plain notebooks. The outermost folder that fits is meant, so that what
students put into their own folders and archives cannot be taken for somebody else's hand-in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from autograder.intake.faults import IntakeError
from autograder.intake.finding import Found
from autograder.intake.keys import is_archive_name
from autograder.intake.layouts import LAYOUTS, PLAIN, FileName, Layout, Listing, Read, best, layout_called


@dataclass(frozen=True)
class Recognised:
    """Whose one file is, by which layout, and the folder of the download it is in."""

    layout: str
    download: str
    hand_in: FileName

    @property
    def student(self) -> tuple[str, ...]:
        """The same for all files of one student, also in two downloads of one LMS.

        Not so where only a number tells: that may be somebody else's in another download.
        """
        one = self.hand_in
        nameless = not one.ids or (layout_called(self.layout).ids_pass and not one.name)
        name = (
            "" if one.head else one.name.casefold()
        )  # a head is enough, and its name may be told in one download alone
        return (self.layout, one.who, name, self.download if nameless else "")


@dataclass(frozen=True)
class Download:
    """A folder whose files one LMS has named. `read` and, of what cannot be graded, `otherwise` are by path."""

    folder: str
    layout: Layout
    read: Mapping[str, FileName]
    otherwise: Mapping[str, FileName]
    of: int  # files that may be graded in that folder


@dataclass
class Downloads:
    """Everything that was read, by position in what was found: whose work is, whose the files are that cannot be
    graded (`otherwise`), and what the LMS has laid `beside` both, as a noun."""

    by_item: dict[int, Recognised] = field(default_factory=dict)
    otherwise: dict[int, Recognised] = field(default_factory=dict)
    beside: dict[int, str] = field(default_factory=dict)
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
        beside = tuple(item.path for item in items.values() if item.left_out is not None and item.path not in work)
        listing = Listing(work, texts, frozenset(clones), tuple(dict.fromkeys(beside)))
        layouts = [LAYOUTS[layout]] if layout else list(LAYOUTS.values())
        downloads = list(_downloads("", listing, layouts, forced=layout is not None))
        if layout:
            _refuse_others(downloads, listing, LAYOUTS[layout], named)
        for download in downloads:
            result.notes.append(_note(named, download))
            for position, item in items.items():
                if item.path.startswith(download.folder) and item.problem is None:
                    companion = download.layout.companion(item.path.removeprefix(download.folder))
                    if companion is not None:
                        result.beside.setdefault(position, companion.what)
                graded = item.left_out is None
                readings, told = (result.by_item, download.read) if graded else (result.otherwise, download.otherwise)
                if position not in readings and item.path in told:
                    folder = f"{named}\n{download.folder}"
                    readings[position] = Recognised(download.layout.name, folder, told[item.path])
    return result


def _downloads(
    folder: str, listing: Listing, layouts: Sequence[Layout], forced: bool, one_persons: bool = False
) -> Iterator[Download]:
    """The downloads in a folder and below it."""
    left = listing
    by_names = not listing.work and not one_persons  # what somebody packed may be called anything
    while (found := (_by_names if by_names else best)(left, layouts, forced)) is not None:
        layout, read = found
        read = _with_all(layout, read, left)
        graded, otherwise = (
            {f"{folder}{path}": read[path] for path in paths if path in read} for paths in (left.work, left.beside)
        )
        yield Download(folder, layout, graded, otherwise, len(listing.work))
        work, beside = (tuple(path for path in paths if path not in read) for paths in (left.work, left.beside))
        left = replace(left, work=work, beside=beside)
    works, besides = _by_folder(left.work), _by_folder(left.beside)
    texts, clones = _by_folder(left.texts), _by_folder(left.clones)
    alone = len({path.partition("/")[0] for path in listing.work or listing.beside}) == 1
    for name in dict.fromkeys((*works, *besides)):
        below = Listing(
            tuple(works.get(name, ())), {path: left.texts[f"{name}/{path}"] for path in texts.get(name, ())},
            frozenset(clones.get(name, ())), tuple(besides.get(name, ())),
        )  # fmt: skip
        # An archive beside others may be one student's, who has packed something that looks like a download
        packed = is_archive_name(name) and not alone
        for download in _downloads(f"{folder}{name}/", below, layouts, forced, one_persons or packed):
            if packed and len({one.who for one in download.read.values()}) < 2:
                continue
            yield download


def _by_names(listing: Listing, layouts: Sequence[Layout], forced: bool) -> tuple[Layout, Read] | None:
    """The layout of a folder without any work, by files that it cannot have laid there itself."""
    found: tuple[Layout, Read] | None = None
    for layout in layouts:
        files = tuple(path for path in listing.beside if layout.companion(path) is None)
        if any(layout.entry(path) is not None for path in files):
            read = best(replace(listing, work=files), [layout], forced)
            found = read if read and len(read[1]) > (len(found[1]) if found else 0) else found
    return found


def _with_all(layout: Layout, read: Read, listing: Listing) -> Read:
    """What was read, and whose everything is that cannot be graded: nobody is missing who has handed in that."""
    told = {path: one for path in listing.work if (one := layout.entry(path)) is not None}
    for path in listing.beside:
        companion = layout.companion(path)
        one = companion.hand_in if companion is not None else layout.entry(path)
        if one is not None:
            told[path] = one
    everything = layout.whole(told, replace(listing, work=(*listing.work, *listing.beside)))
    return everything if read.keys() <= everything.keys() else read


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
    if not download.of:
        note = f"{where}: read as a download of {name} by its {len(download.otherwise)} files; none is a notebook."
    unknown = sum(not one.ids for one in download.read.values())
    if unknown:
        note += f" Of {unknown} nothing tells who handed them in: their keys are the LMS's own numbers."
    if any(one.when is not None and one.when.tzinfo is None for one in download.read.values()):
        note += " Its times name no zone and are taken in the course's."
    return note
