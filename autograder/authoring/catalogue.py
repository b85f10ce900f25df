"""What an instructor knows of answers: right ones, mistakes and what they cost; catalogue.py beside the graders.

    from autograder.authoring.catalogue import answer, edit, mistake, right, same

    CATALOGUE = [
        right("reset-first", "Reset stands at the top.", edit("q5", BACKPROP, RESET + BACKPROP)),
        mistake("no-reset", "Reset is forgotten.", edit("q5", RESET, ""), q5=2, q6=1),
        same("q5", "for epoch in range(epochs)", "a loop's variable has any name"),
    ]

Each entry is the solved notebook with some answers changed. A mistake names the questions that it costs points, and
the points that are left there; everywhere else it must lose nothing. `autograder verify` grades them all.
"""

from __future__ import annotations

import importlib.util
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from autograder.authoring.leaks import AuthoringError
from autograder.authoring.master import Master

FILE = "catalogue.py"
Left = float | tuple[float, float]
"""The points that a mistake leaves in a question; a pair where chance decides: the fewest and the most."""


class CatalogueError(AuthoringError):
    """The catalogue does not fit its assignment; the text names the file, the entry and the way out."""


@dataclass(frozen=True)
class Edit:
    """A piece of a question's solved answer replaced; it must stand there exactly once (`every`: at least once)."""

    question: str
    old: str
    new: str
    every: bool = False

    def apply(self, cells: Sequence[str]) -> tuple[str, ...]:
        """The cells with the piece replaced. Raises CatalogueError."""
        count = sum(cell.count(self.old) for cell in cells)
        if count == 0 or (count > 1 and not self.every):
            raise CatalogueError(
                f"{self.question} of the solved notebook holds {self.old!r} {count} times; "
                "quote a piece of it that stands there once, as it is now"
            )
        return tuple(cell.replace(self.old, self.new) for cell in cells)


@dataclass(frozen=True)
class Answer:
    """A question answered by other cells."""

    question: str
    cells: tuple[str, ...]

    def apply(self, cells: Sequence[str]) -> tuple[str, ...]:
        return self.cells


@dataclass(frozen=True)
class Entry:
    """The solved notebook with some answers changed, and the points left in the questions that lose some."""

    name: str
    why: str
    changes: tuple[Edit | Answer, ...]
    left: Mapping[str, Left] = field(default_factory=dict)  # empty for a right answer

    @property
    def right(self) -> bool:
        return not self.left

    def answers(self, master: Master) -> dict[str, tuple[str, ...]]:
        """The cells of the changed questions. Raises CatalogueError."""
        made: dict[str, tuple[str, ...]] = {}
        for change in self.changes:
            if change.question not in master.questions:
                there = ", ".join(master.questions)
                raise CatalogueError(f'{self.name}: the solved notebook has no question "{change.question}" ({there})')
            try:
                made[change.question] = change.apply(made.get(change.question, master.answer(change.question)))
            except CatalogueError as error:
                raise CatalogueError(f"{self.name}: {error}") from None
        return made


@dataclass(frozen=True)
class Same:
    """Automatic mutants of a question that compute what the solution does: those whose label holds `piece`."""

    question: str
    piece: str
    reason: str


def edit(question: str, old: str, new: str, *, every: bool = False) -> Edit:
    """Replace a piece of the solved answer; with `every`, wherever it stands in it."""
    return Edit(question, old, new, every)


def answer(question: str, *cells: str) -> Answer:
    """Answer a question by other cells, dedented."""
    return Answer(question, tuple(textwrap.dedent(cell).strip("\n") for cell in cells))


def right(name: str, why: str, *changes: Edit | Answer) -> Entry:
    """An answer that must earn all points."""
    return Entry(name, why, changes)


def mistake(name: str, why: str, *changes: Edit | Answer, **left: Left) -> Entry:
    """A mistake, and the points that are left in each question that it costs some.

    Where chance decides, two numbers: `q6=(3, 4)` may even lose nothing there, if another question always does.
    """
    if not left:
        raise CatalogueError(f"{name}: say which questions this mistake costs points, and what is left: q5=2")
    return Entry(name, why, changes, left)


def same(question: str, piece: str, reason: str) -> Same:
    """Settle mutants that compute the same as the solution: the lines that `verify` printed hold `piece`."""
    return Same(question, piece, reason)


@dataclass(frozen=True)
class Catalogue:
    """All that is written beside the graders of one assignment."""

    entries: tuple[Entry, ...] = ()
    settled: tuple[Same, ...] = ()


def load_catalogue(folder: Path, points: Mapping[str, float]) -> Catalogue:
    """The catalogue of the graders in `folder`; `points` is what each question is worth.

    Empty where there is none. It is the course's own code and is run. Raises CatalogueError.
    """
    path = folder / FILE
    if not path.is_file():
        return Catalogue()
    try:
        listed = load_module(path, f"catalogue_of_{folder.name}").CATALOGUE
    except AuthoringError as error:
        raise CatalogueError(f"{path}: {error}") from None
    except AttributeError as error:
        raise CatalogueError(f"{path}: {error}; it must define the list CATALOGUE.") from None
    except Exception as error:
        raise CatalogueError(f"{path} stopped with {type(error).__name__}: {error}") from error
    strangers = [item for item in listed if not isinstance(item, Entry | Same)]
    if strangers:
        raise CatalogueError(f"{path}: {strangers[0]!r} is none of right(...), mistake(...), same(...).")
    entries = tuple(item for item in listed if isinstance(item, Entry))
    settled = tuple(item for item in listed if isinstance(item, Same))
    names: set[str] = set()
    for entry in entries:
        if entry.name in names:
            raise CatalogueError(f"{path}: two entries are called {entry.name}.")
        names.add(entry.name)
        for question, left in entry.left.items():
            if question not in points:
                raise CatalogueError(f"{path}: {entry.name} costs points in {question}; there is no such question.")
            least, most = bounds(left)
            if not 0 <= least <= most <= points[question] or least == points[question]:
                raise CatalogueError(
                    f"{path}: {entry.name} leaves {left} of {points[question]:g} points in {question}; "
                    "a mistake leaves less than all."
                )
        if entry.left and all(bounds(left)[1] >= points[question] for question, left in entry.left.items()):
            raise CatalogueError(f"{path}: {entry.name} may lose nothing at all; name a question where it always does.")
    return Catalogue(entries, settled)


def bounds(left: Left) -> tuple[float, float]:
    """The fewest and the most points that are left."""
    return left if isinstance(left, tuple) else (left, left)


def load_module(path: Path, name: str) -> ModuleType:
    """A module or package of the course, by its path, made anew under `name`."""
    package = path.name == "__init__.py"
    where = [str(path.parent)] if package else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=where)
    if spec is None or spec.loader is None:
        raise CatalogueError(f"{path} is no Python file.")
    for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
        del sys.modules[known]  # of another course
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
