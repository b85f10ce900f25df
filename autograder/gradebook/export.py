"""Fills the file that an LMS exported with a run's scores: one column, and rows of students with a result alone.

The rules of each LMS stand in its `Kind`; their source is the project's notes on formats (the importers' own code).
Scores go in for `graded` and `partial`; nobody else's cell is touched, so that nothing is erased.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from autograder.course.faults import did_you_mean, listed
from autograder.gradebook.scores import number, write_whole
from autograder.gradebook.template import Template, TemplateError, read_template
from autograder.judge.results import Outcome
from autograder.record.store import Planned, Record

SPOILT = re.compile(r"\d+[.,]?\d*E\+\d+", re.IGNORECASE)  # what a spreadsheet makes of a long number
READ_ONLY = re.compile(r"(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")  # canvas: dropped columns
PARTICIPANT = re.compile(r"\D*(\d+)$")


@dataclass(frozen=True)
class Kind:
    """How one LMS's file is read. `ids` are the headers that say who a row is, the strongest first."""

    name: str
    ids: tuple[str, ...]
    needed: tuple[str, ...]  # headers that must be there
    column: Callable[[Template, str, str | None], int]
    possible: str = ""  # the header of the column that holds the points possible, if there is one
    feedback: str = ""  # the header of the column for words
    no_mark: bool = False  # a byte order mark is refused before a quoted header
    header: str = ""  # pattern of a grade column's header with the groups `title` and, where it has one, `points`
    first_is_id: bool = False  # who a row is of stands in the first column, whatever its header


@dataclass(frozen=True)
class Change:
    """One cell that will be another."""

    row: int  # as a person counts, from 1
    student: str
    old: str
    new: str


@dataclass
class Filled:
    """What was, or would be, written."""

    template: Template
    content: bytes
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)  # keys with a score that no row is of
    comma: bool = False  # decimals are written with a comma


def headers(template: Template) -> list[str]:
    return [cell.value.strip() for cell in template.rows[0]]


def _canvas_column(template: Template, title: str, wanted: str | None) -> int:
    found = []
    for place, header in enumerate(headers(template)):
        match = re.fullmatch(r"(.+) \((\d+)\)", header)
        if match and (header == wanted or match[1] == wanted or (wanted is None and same(match[1], title))):
            found.append(place)
    return _one(template, found, title, wanted, [head for head in headers(template) if re.search(r" \(\d+\)$", head)])


def _titled_column(template: Template, title: str, wanted: str | None) -> int:
    """Moodle's gradebook: `Assignment: Title (Real)`."""
    found = []
    for place, header in enumerate(headers(template)):
        bare = re.sub(r" \((Real|Punkte|R[ée]el[a-z]*)\)$", "", header)
        bare = bare.split(": ", 1)[-1]
        if header == wanted or bare == wanted or (wanted is None and same(bare, title)):
            found.append(place)
    return _one(template, found, title, wanted, headers(template))


def _column_like(pattern: str) -> Callable[[Template, str, str | None], int]:
    """For headers that hold more than a title: what the pattern's group `title` says is compared."""

    def column(template: Template, title: str, wanted: str | None) -> int:
        matches = [re.fullmatch(pattern, header) for header in headers(template)]
        found = [
            place
            for place, match in enumerate(matches)
            if match
            and (match[0] == wanted or match["title"] == wanted or (not wanted and same(match["title"], title)))
        ]
        return _one(template, found, title, wanted, [match[0] for match in matches if match])

    return column


def _grade_column(template: Template, title: str, wanted: str | None) -> int:
    return headers(template).index(wanted or "Grade")


def _one(template: Template, found: list[int], title: str, wanted: str | None, there: Sequence[str]) -> int:
    if len(found) == 1:
        return found[0]
    asked = wanted or title
    if found:
        raise TemplateError(f'{template.path}, row 1: {len(found)} columns are "{asked}"; name one with --column.')
    hint = did_you_mean(asked, there)
    raise TemplateError(
        f'{template.path}, row 1: no column is called "{asked}"{hint or ";"} its columns of grades are '
        f"{listed(list(there), 12) if there else 'none'}. Is it another course's? Else name the column with --column."
    )


BLACKBOARD = r"(?P<title>.+?) \[Total Pts: (?P<points>[\d.,]+) Score\] \|\d+"
BRIGHTSPACE = r"(?P<title>.+?) Points Grade(?: <Numeric MaxPoints:(?P<points>[\d.,]+)[^>]*>)?"
SAKAI = r"(?P<title>[^#*\[][^\[]*?)(?: \[(?P<points>[\d.,]+)\])?"
KINDS = {
    kind.name: kind
    for kind in (
        Kind("canvas", ("ID", "SIS User ID", "SIS Login ID"), ("Student", "ID", "Section"), _canvas_column,
             no_mark=True),
        Kind("moodle", ("ID number", "Email address", "Username"), (), _titled_column),
        Kind("moodle-worksheet", ("Identifier", "ID number", "Email address"),
             ("Identifier", "Grade", "Last modified (grade)"), _grade_column, "Maximum grade", "Feedback comments"),
        Kind("blackboard", ("Username", "Student ID"), ("Username",), _column_like(BLACKBOARD), header=BLACKBOARD),
        Kind("brightspace", ("OrgDefinedId", "Username"), ("End-of-Line Indicator",), _column_like(BRIGHTSPACE),
             header=BRIGHTSPACE),
        Kind("sakai", (), (), _column_like(SAKAI), header=SAKAI, first_is_id=True),
    )
}  # fmt: skip


def fill(record: Record, to: str, path: Path, column: str | None = None, erase: bool = False) -> Filled:
    """The template at `path` with the run's scores. Raises TemplateError if it cannot be filled in. Writes nothing."""
    kind = KINDS[to]
    template = read_template(path)
    titles = headers(template)
    absent = [name for name in kind.needed if name not in titles]
    if absent:
        raise TemplateError(f"{path}, row 1: there is no column {listed(absent)}; is it an export of {kind.name}?")
    info = record.info()
    place = kind.column(template, info.title, column)
    if READ_ONLY.search(titles[place]) and kind.name == "canvas":
        raise TemplateError(
            f'{path}, row 1: Canvas takes "{titles[place]}" for a total and passes it over; rename that assignment.'
        )
    ids = [0] if kind.first_is_id else [titles.index(name) for name in kind.ids if name in titles]
    if not ids:
        raise TemplateError(
            f"{path}, row 1: no column says who a row is of; one of {listed(list(kind.ids))} is needed."
        )
    rows = [row for row in range(1, len(template.rows)) if len(template.rows[row]) > 1]
    _look_over(template, rows, ids)
    filled = Filled(template, b"", comma=_has_comma(template, kind, rows, place))
    if filled.comma:
        filled.notes.append("Decimals are written with a comma, as the template has them.")
    if kind.no_mark and template.mark:
        filled.notes.append("The byte order mark at its beginning was left out: Canvas may refuse the file with it.")
    outcomes = {
        one.key: one for one in record.outcomes(with_cells=False) if one.status.scored and one.score is not None
    }
    _check_possible(template, kind, place, rows, outcomes)
    people = {one.key: one for one in record.planned()}
    taken: dict[int, str] = {}
    for key, outcome in outcomes.items():
        row = _row_of(template, rows, ids, key, people[key])
        if row is None:
            filled.unplaced.append(key)
            continue
        if row in taken:
            raise TemplateError(
                f"{path}, row {row + 1}: both {taken[row]} and {key} are matched to it; mend the roster."
            )
        taken[row] = key
        _change(filled, row, place, number(outcome.score or 0.0), key)
        if kind.feedback in titles:
            template.set(row, titles.index(kind.feedback), words(outcome, info.questions))
    if erase:
        for row in sorted(set(rows) - set(taken)):
            whose = next((one for one in people if _row_of(template, [row], ids, one, people[one]) is not None), None)
            if whose is not None and template.value(row, place).strip():
                _change(filled, row, place, "", whose)
    filled.content = template.filled(keep_mark=not kind.no_mark)
    return filled


def _has_comma(template: Template, kind: Kind, rows: Sequence[int], place: int) -> bool:
    """Whether the LMS speaks a language of decimal commas: its own grades have them, or Sakai's file semicolons."""
    cells = [template.value(row, place).strip() for row in rows]
    if any(re.fullmatch(r"\d+\.\d+", cell) for cell in cells):
        return False
    return (kind.name == "sakai" and template.delimiter == ";") or any(re.fullmatch(r"\d+,\d+", cell) for cell in cells)


def _change(filled: Filled, row: int, place: int, new: str, key: str) -> None:
    old = filled.template.value(row, place)
    if not _equal(old, new):
        if filled.comma:
            new = new.replace(".", ",")
        filled.template.set(row, place, new)
        filled.changes.append(Change(row + 1, key, old, new))


def _equal(old: str, new: str) -> bool:
    """Whether two grades are the same number at two decimals, so that nothing needs to change."""
    try:
        return bool(old.strip() and new) and round(Decimal(old.strip().replace(",", ".")), 2) == round(Decimal(new), 2)
    except InvalidOperation:
        return False


def _look_over(template: Template, rows: Sequence[int], ids: Sequence[int]) -> None:
    """Raises TemplateError for a file that a spreadsheet has spoilt, or that was saved in part."""
    width = len(template.rows[0])
    seen: dict[str, int] = {}
    for row in rows:
        if len(template.rows[row]) != width:
            raise TemplateError(
                f"{template.path}, row {row + 1}: it has {len(template.rows[row])} fields, the header {width}; "
                "the file was saved in part. Export it anew."
            )
        for place in ids:
            value = template.value(row, place).strip()
            if SPOILT.fullmatch(value):
                raise TemplateError(
                    f'{template.path}, row {row + 1}: the id "{value}" was spoilt by a spreadsheet. Export it anew, '
                    "and "
                    "do not open it in between."
                )
        first = template.value(row, ids[0]).strip()
        if first and first in seen:
            raise TemplateError(
                f'{template.path}, row {row + 1}: the id "{first}" is in row {seen[first] + 1} already.'
            )
        seen[first] = row


def _check_possible(
    template: Template, kind: Kind, place: int, rows: Sequence[int], outcomes: dict[str, Outcome]
) -> None:
    """Raises TemplateError if the LMS's points possible are not the assignment's."""
    most = next((outcome.max_score for outcome in outcomes.values()), None)
    if most is None:
        return
    titles = headers(template)
    told: list[tuple[int, str]] = []
    match = re.fullmatch(kind.header, titles[place]) if kind.header else None
    if match and match["points"]:
        told = [(0, match["points"])]
    if kind.possible in titles:
        told += [(row, template.value(row, titles.index(kind.possible))) for row in rows]
    elif kind.name == "canvas":
        told += [(row, template.value(row, place)) for row in rows if "Points Possible" in template.value(row, 0)]
    for row, text in told:
        if text.strip() and not _equal(text, number(most)):
            raise TemplateError(
                f"{template.path}, row {row + 1}: {text.strip()} points are possible there, {number(most)} here. "
                "Is it another assignment's column? Else change the points in one of the two."
            )


def _row_of(template: Template, rows: Sequence[int], ids: Sequence[int], key: str, person: Planned) -> int | None:
    """The one row whose id is the student's key or e-mail; by the strongest id that any row has."""
    for place in ids:
        for wanted in filter(None, (key, person.email)):
            found = [row for row in rows if _is_id(template.value(row, place), wanted)]
            if len(found) == 1:
                return found[0]
    return None


def _is_id(cell: str, wanted: str) -> bool:
    cell, wanted = plain(cell).removeprefix("#"), plain(wanted)  # Brightspace puts it before ids, to keep their zeros
    participant = PARTICIPANT.fullmatch(cell) if cell.lower().startswith("participant") else None
    if "@" in wanted:
        return cell.casefold() == wanted.casefold()
    return cell == wanted or bool(participant and participant[1] == wanted)


def words(outcome: Outcome, questions: Sequence[tuple[str, str, float]]) -> str:
    """One line for the student: points by question, and what was found. Begins with a letter, as Moodle wants it."""
    titles = {question: title for question, title, _ in questions}
    parts = []
    for result in outcome.questions:
        part = f"{titles.get(result.id, result.id)} {number(result.score)}/{number(result.points)}"
        parts.append(part)
    return ("Points: " + "; ".join(parts)).replace("\\", "/")


def same(one: str, other: str) -> bool:
    return plain(one).casefold() == plain(other).casefold()


def plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def write_filled(filled: Filled, out: Path) -> None:
    """Write it whole or not at all, never over the template, and read it back. Raises TemplateError if it differs."""
    template = filled.template
    if out.resolve() == template.path.resolve():
        raise TemplateError(f"-o {out} is the template itself; name another file.")
    write_whole(out, filled.content)
    again = read_template(out)
    for row, cells in enumerate(template.rows):
        for place, cell in enumerate(cells):
            wanted = template.changes.get((row, place), cell.value)
            if again.value(row, place) != wanted:
                raise TemplateError(
                    f"{out}, row {row + 1}: it reads back as {again.value(row, place)!r}; do not upload it."
                )
