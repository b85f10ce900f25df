"""Walks through folders, archives and archives within them, and says of every file what it is.

Called by `collect` alone, which turns what is found into submissions. Paths are shown as the command named them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from autograder.course.faults import did_you_mean
from autograder.intake.archive import Budget, Refused
from autograder.intake.faults import IntakeError
from autograder.intake.keys import (
    Place,
    cleaned,
    is_archive_name,
    is_export_name,
    is_notebook_name,
    is_script_name,
    without_ending,
)
from autograder.intake.layouts import wanted
from autograder.intake.reader import Reader

SHOWN = 5  # files that are named of many
LONGEST = 100  # characters of a name that are shown
CLUTTER = ("__MACOSX", "Thumbs.db", "desktop.ini")  # beside everything that begins with a dot
MOST_EXPORT = 20_000_000  # bytes of a page or a text that may be a notebook; a data set has no end
DEEPEST = 3  # a class's zip may hold students' zips, and one more by mistake
HIDDEN = "its name begins with a dot, as those of hidden files do; rename it if it is to be graded"
LINK = "it is a link to another file, which is not followed"


@dataclass(frozen=True)
class Found:
    """A file as it lies there: a hand-in with its content or a problem, else something that is left out."""

    place: Place
    source: str
    content: bytes | None = None
    problem: str | None = None
    left_out: str | None = None
    within: Place | None = None  # the archive of one student, if it lay in one
    named: str = ""  # what the command named, and
    path: str = ""  # the way from its folder: an archive stands in it as a folder of its name
    text: bytes | None = None  # of a file that is left out, but tells something about those beside it


@dataclass
class Search:
    """One walk through everything that the command named."""

    budget: Budget
    reader: Reader
    names: Sequence[str] = ()  # of the assignment: a page or a text is a hand-in if it defines some of them
    seen: set[Path] = field(default_factory=set)  # resolved, as two of the named paths may overlap
    clones: set[str] = field(default_factory=set)  # paths of folders with a .git in them, of those walked so far

    def all(self, paths: Sequence[Path]) -> Iterator[Found]:
        """Every file but clutter. Raises IntakeError for a named path that is absent or is no zip inside."""
        for path in paths:
            if not path.exists():
                there = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
                raise IntakeError(f"There is no {path}{did_you_mean(path.name, there) or '.'}")
            found = (
                self._folder(path)
                if path.is_dir()
                else self._file(path, Place(path.resolve().parent.name, cleaned(path.name)), named=True)
            )
            # What lies side by side belongs together, also where a shell has named it one by one
            named = path if not path.is_dir() and is_archive_name(path.name) else path.parent
            for item in found:
                way = item.path or f"{item.place.root}/{item.place.path}"
                yield replace(item, named=cleaned(named.as_posix()), path=way)

    def _folder(self, folder: Path) -> Iterator[Found]:
        root = folder.resolve().name
        unreadable: list[OSError] = []
        for parent, folders, files in os.walk(folder, onerror=unreadable.append):
            # Links are not followed: what a student packed must not lead to the solutions or to somebody else's work.
            if ".git" in folders:
                self.clones.add(f"{root}/{cleaned(Path(parent).relative_to(folder).as_posix())}".removesuffix("/."))
            links = [name for name in folders if (Path(parent) / name).is_symlink()]
            folders[:] = sorted(name for name in folders if not _is_clutter(name) and name not in links)
            several = sum(is_archive_name(name) for name in files) > 1
            for name in sorted([*files, *links]):
                path = Path(parent) / name
                place = Place(root, cleaned(path.relative_to(folder).as_posix()))
                if _is_hidden_work(name):
                    yield Found(place, cleaned(path.as_posix()), left_out=HIDDEN)
                elif not _is_clutter(name):
                    yield from self._file(path, place, named=False, beside=Path(parent) != folder or several)
        for error in unreadable:
            source = cleaned(os.fsdecode(error.filename))
            yield Found(Place(root, source), source, left_out=f"the folder cannot be read: {error.strerror}")

    def _file(self, path: Path, place: Place, named: bool, beside: bool = False) -> Iterator[Found]:
        """`beside`: there are other archives, so that this one, if it is one, is a student's and not the class's."""
        source = cleaned(path.as_posix())
        is_zip = is_archive_name(place.path)
        try:
            mode = path.stat(follow_symlinks=named).st_mode
            fault = LINK if stat.S_ISLNK(mode) else None if stat.S_ISREG(mode) else "it is no ordinary file"
            if fault:
                yield unusable(place, source, fault)
            elif path.resolve() in self.seen:
                yield Found(place, source, left_out="it was named twice")
            elif _is_export(place.path):
                self.seen.add(path.resolve())
                with path.open("rb") as stream:
                    yield self._export(Found(place, source, self.budget.read(stream, MOST_EXPORT)))
            elif not is_zip and not _is_work(place.path):
                text = None
                if most := wanted(place.path):
                    with path.open("rb") as stream:
                        text = self.budget.read(stream, most)
                yield Found(place, source, left_out=no_notebook(place.path), text=text)
            else:
                self.seen.add(path.resolve())
                with path.open("rb") as stream:
                    if is_zip and named:
                        at = place.path
                        place = Place(PurePosixPath(place.path).stem, "")
                        yield from self._zip(stream, place, source, at, 1, self.budget)
                    elif is_zip:
                        content, at = self.budget.read(stream), f"{place.root}/{place.path}"
                        yield from self._inner_zip(content, place, source, at, 1, self.budget, one_persons=beside)
                    else:
                        yield Found(place, source, self.budget.read(stream))
        except Refused as refusal:
            yield unusable(place, source, str(refusal))
        except OSError as error:
            yield unusable(place, source, f"it cannot be read: {error.strerror or error}")
        except IntakeError as error:
            raise IntakeError(f"{path} cannot be used: {error}.") from error

    def _zip(
        self, content: BinaryIO | bytes, place: Place, source: str, at: str, depth: int, budget: Budget
    ) -> Iterator[Found]:
        """The members of a zip, as if it were a folder. Raises IntakeError if it cannot be opened."""
        for member in self.reader.members(content, budget):
            if member.problem is None and _is_clutter(member.name) and not _is_hidden_work(member.name):
                if "/.git/" in f"/{member.name}":
                    self.clones.add(f"{at}/{cleaned(member.name)}".partition("/.git/")[0])
                continue
            name = cleaned(member.name)
            inside = Place(place.root, f"{place.path}/{name}".lstrip("/"))
            shown, path = f"{source}: {name}", f"{at}/{name}"
            if _is_hidden_work(name):
                yield Found(inside, shown, left_out=HIDDEN, path=path)
            elif member.problem is not None:
                yield replace(unusable(inside, shown, member.problem), path=path)
            elif member.content is None:
                yield Found(inside, shown, left_out=no_notebook(name), path=path)
            elif is_archive_name(name):
                yield from self._inner_zip(member.content, inside, shown, path, depth + 1, budget)
            elif _is_work(name):
                yield Found(inside, shown, member.content, path=path)
            elif _is_export(name):
                yield self._export(Found(inside, shown, member.content, path=path))
            else:
                yield Found(inside, shown, left_out=no_notebook(name), path=path, text=member.content)

    def _export(self, item: Found) -> Found:
        """A page or a text: a hand-in if it is a notebook of this assignment, as far as can be told in time."""
        if self.names and self.reader.names_in(item.content or b"", self.names):
            return item
        return replace(item, content=None, left_out=no_notebook(item.place.path))

    def _inner_zip(
        self,
        content: bytes,
        place: Place,
        source: str,
        at: str,
        depth: int,
        budget: Budget,
        *,
        one_persons: bool = True,
    ) -> Iterator[Found]:
        """A zip that somebody handed in: if there is nothing in it to grade, it is a hand-in with a problem."""
        if depth > DEEPEST:
            yield Found(place, source, problem=f"it is an archive within {DEEPEST} others; unpack it", path=at)
            return
        folder = Place(place.root, without_ending(place.path))
        found: list[Found] = []
        mine = budget.of_one_person() if one_persons else budget
        problem = "it is an archive that holds no notebook"
        try:
            found += self._zip(content, folder, source, at, depth, mine)
            problem += instead([PurePosixPath(item.place.path).name for item in found])
        except IntakeError as error:
            problem = str(error)
        if mine is not budget:
            budget.add(mine)
        one_persons = depth > 1  # in a class's archive; one that lies in a folder may well be the class's
        yield from (replace(item, within=place) for item in found) if one_persons else found
        if all(item.left_out is not None for item in found):
            yield Found(place, source, problem=problem, path=at)


def unusable(place: Place, source: str, problem: str) -> Found:
    """Something that cannot be read: a hand-in if its name is that of one, else a thing to leave out."""
    if is_notebook_name(place.path) or is_archive_name(place.path):
        return Found(place, source, problem=problem)
    return Found(place, source, left_out=problem)


def is_wanted(name: str) -> bool | int:
    """Whether a member of an archive is read, by its name; a number is the most bytes it may have."""
    if _is_clutter(name):
        return False
    if _is_export(name):
        return MOST_EXPORT
    return True if _is_work(name) or is_archive_name(name) else wanted(name)


def _is_work(name: str) -> bool:
    """Whether it may be graded: a notebook, or a script that may have been handed in instead of one."""
    return is_notebook_name(name) or is_script_name(name)


def _is_export(name: str) -> bool:
    """Whether it may be a notebook saved as something else; what an LMS lays there itself is none."""
    return is_export_name(name) and not wanted(name)


def _is_clutter(path: str) -> bool:
    """What file managers, notebook servers and version control leave behind; nobody hands it in."""
    return any(part.startswith(".") or part in CLUTTER for part in path.split("/"))


def _is_hidden_work(path: str) -> bool:
    """Whether clutter may be somebody's notebook after all: hidden by its own name, and not by macOS."""
    folder, _, name = path.rpartition("/")
    hidden = name.startswith(".") and not name.startswith("._") and is_notebook_name(name)
    return hidden and not (folder and _is_clutter(folder))


def no_notebook(name: str) -> str:
    ending = PurePosixPath(name).suffix
    return f"it is no notebook (.ipynb) but a {ending} file" if ending else "it is no notebook (.ipynb)"


def instead(names: Sequence[str]) -> str:
    """ ", but a.txt, b.pdf and 3 more": what is there where a notebook is not."""
    return f", but {some_of(names)}" if names else ""


def some_of(names: Sequence[str]) -> str:
    """The first few of several files' names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(name[:LONGEST] for name in names[:SHOWN])}{more}"
