"""Extensions from a CSV: who has until when, who is excused, and when work came where the LMS does not say.

`read_extensions` is called by the command line for --extensions before anything is graded, `granted` by the engine as
soon as it is known who stands in the run. A row whose fields are all blank takes an earlier extension back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from autograder.course.faults import did_you_mean
from autograder.course.late import Extension, unclear
from autograder.people.sheets import plain, unescaped
from autograder.people.tables import Entry, read_table

COLUMNS = ("due", "extra", "excused", "handed_in", "why")
TRUTH = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True, "x": True}
TIMES = ("due", "handed_in")


@dataclass(frozen=True)
class Grant:
    """One row: the student as the file names them, and what is granted."""

    row: Entry
    extension: Extension

    @property
    def student(self) -> str:
        return self.row["student"]


def read_extensions(path: Path, zone: ZoneInfo, has_due: bool) -> list[Grant]:
    """The rows of the CSV at `path`; `has_due` says whether the assignment has a due time to extend.

    Raises IntakeError with row and column for what cannot be understood.
    """
    return [_wanted(row, zone, has_due) for row in read_table(path, "list of extensions", ("student",), COLUMNS)]


def granted(wanted: Sequence[Grant], whose: Named) -> dict[str, Extension]:
    """By student's key; `whose` finds everybody in the run.

    Raises IntakeError for somebody unknown, meant by two rows, or not to be told from another.
    """
    found: dict[str, Grant] = {}
    for one in wanted:
        key = whose.key_of(one.row)
        if key in found:
            raise one.row.fault(f'"{one.student}" has an extension in row {found[key].row.number} already.', "student")
        found[key] = one
    return {key: one.extension for key, one in found.items()}


class Named:
    """Finds the student whom a row names: by key, or by any other id that is nobody else's."""

    def __init__(self, ids: Mapping[str, Iterable[str]]) -> None:
        self.keys = {plain(key): key for key in ids}
        self.others: dict[str, set[str]] = {}
        for key, others in ids.items():
            for text in filter(None, others):
                self.others.setdefault(_comparable(text), set()).add(key)

    def found(self, text: str) -> set[str]:
        """The keys of whom `text` may mean: one, where it is a key."""
        key = self.keys.get(plain(text)) or self.keys.get(plain(unescaped(text)))  # as scores.csv has it
        return {key} if key is not None else self.others.get(_comparable(text), set())

    def key_of(self, row: Entry) -> str:
        """The key of the row's `student`. Raises IntakeError that names the row and the nearest key."""
        text = row["student"]
        if not text:
            raise row.fault("who is it? The cell is blank.", "student")
        found = self.found(text)
        if len(found) == 1:
            return next(iter(found))
        if found:
            raise row.fault(f'"{text}" is an id of {len(found)} students; name the key.', "student")
        hint = did_you_mean(text, self.keys) or "."
        raise row.fault(f'nobody in this run has the key "{text}"{hint}', "student")


def _comparable(text: str) -> str:
    return plain(text).casefold() if "@" in text else plain(text)


def _wanted(row: Entry, zone: ZoneInfo, has_due: bool) -> Grant:
    excused = TRUTH.get(row["excused"].casefold())
    if excused is None:
        raise row.fault(f'expected yes or no, found "{row["excused"]}".', "excused")
    said = {column: row[column] for column in ("due", "extra", "handed_in", "why") if row[column]}
    try:
        extension = Extension.model_validate({**said, "excused": excused})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        context = first.get("ctx", {})
        column = str([*first["loc"], *context.get("path", ())][-1])
        raise row.fault(f"{context.get('message', first['msg'])}.", column) from None
    for column in TIMES:
        moment = getattr(extension, column)
        if moment is not None and (why := unclear(moment, zone)):
            raise row.fault(f"{why}.", column)
    for column in ("due", "extra", "handed_in"):
        if row[column] and not has_due:
            raise row.fault('the assignment has no "late" in grading.yml, so nothing is due.', column)
    return Grant(row, extension)
