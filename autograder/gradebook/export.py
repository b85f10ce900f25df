"""Fills the file that an LMS exported with a run's scores: one column, and rows of students with a result alone.

Called by `engine.exporting`. What is particular to an LMS stands in its own module behind `Gradebook`. Scores go in for
`graded` and `partial`, and for `missing` where the course says zero; nobody else's cell is touched. No grade is taken
away, and none that somebody else gave is replaced, unless that is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from autograder.course.models import Policy
from autograder.gradebook.base import Asked, Gradebook, amount, short
from autograder.gradebook.blackboard import Blackboard
from autograder.gradebook.brightspace import Brightspace
from autograder.gradebook.canvas import Canvas
from autograder.gradebook.coverage import refuse_strangers
from autograder.gradebook.grades import alike, grade_of, ours
from autograder.gradebook.joining import joined
from autograder.gradebook.moodle import MoodleGradebook
from autograder.gradebook.sakai import Sakai
from autograder.gradebook.template import Template, TemplateError, read_template
from autograder.gradebook.words import OURS, words
from autograder.gradebook.worksheet import Worksheet
from autograder.gradebook.writing import number, write_whole
from autograder.people.sheets import spoilt
from autograder.record.history import FILE, Receipt, receipts_ending
from autograder.record.standing import LATE_UNKNOWN, MARKED_LATE, Standing, standings
from autograder.record.store import Record, RunInfo
from autograder.results import Status, rounded

KINDS: dict[str, Gradebook] = {
    kind.name: kind for kind in (Canvas(), MoodleGradebook(), Worksheet(), Blackboard(), Brightspace(), Sakai())
}


@dataclass(frozen=True)
class Change:
    """One cell that will be another. `replaces` says that there was a grade, `theirs` that somebody else gave it."""

    row: int  # as a person counts, from 1
    student: str
    old: str
    new: str
    replaces: bool = False
    theirs: bool = False


@dataclass(frozen=True)
class NotWritten:
    """Somebody whose score is not written, and why (a clause)."""

    row: int
    student: str
    why: str


@dataclass
class Filled:
    """What was, or would be, written."""

    template: Template
    content: bytes = b""
    changes: list[Change] = field(default_factory=list)
    same: int = 0  # grades that are there already
    excused: int = 0
    held: list[NotWritten] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)  # keys with a score that no row is of
    notes: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)  # how many of the run stand how
    comma: bool = False  # decimals are written with a comma
    spot: str = ""  # what receipts call the column


@dataclass(frozen=True)
class Filling:
    """How a file is filled in, as the command has it."""

    column: str | None = None  # the column's title, in place of the assignment's
    erase: bool = False  # blank the grades of who has no score
    part: bool = False  # the file is meant to be of a part of the class
    overwrite: bool = False  # replace also what somebody else gave


USUAL = Filling()


def fill(record: Record, to: str, path: Path, filling: Filling = USUAL) -> Filled:
    """The template at `path` with the run's scores. Writes nothing. Raises TemplateError if it cannot be filled in."""
    template = read_template(path)
    people = standings(record, with_tests=False)

    def known(spot: str) -> Mapping[str, Sequence[Receipt]]:
        return receipts_ending(record, f" {spot}")

    return filled_in(KINDS[to], template, record.info(), people, filling, known)


def filled_in(
    kind: Gradebook,
    template: Template,
    info: RunInfo,
    people: Sequence[Standing],
    filling: Filling = USUAL,
    known: Callable[[str], Mapping[str, Sequence[Receipt]]] = lambda spot: {},
) -> Filled:
    """The parsed template with these standings; `known` gives the receipts for a spot by student. Else as `fill`."""
    _refuse_others_file(kind, template)
    rows = [row for row in range(1, len(template.rows)) if kind.is_student(template, row)]
    columns = kind.id_columns(template.titles)
    _look_over(template, rows, [place for place, _ in columns])
    asked = _asked(kind, template, info, filling.column)
    kind.look_over(template, rows)
    place = kind.column(template, asked)
    _refuse_points(kind, template, place, rows, info)
    found = joined(template, rows, columns, [one.person for one in people])
    refuse_strangers(template, kind.called, rows, people, found.row_of, filling.part)
    cells = [template.value(row, place).strip() for row in rows]
    filled = Filled(template, comma=kind.has_comma(template, cells), spot=kind.spot(template.titles[place]))
    filled.statuses = Counter(one.outcome.status.value if one.outcome else "not graded yet" for one in people)
    filled.notes += [*kind.mend(template), *found.at_odds]
    column = Column(filled, kind, place, known(filled.spot), filling.overwrite)
    _write(column, people, found.row_of, info, filling.erase)
    filled.notes += kind.warnings(template, place, rows)
    filled.notes += _about(filled, kind, info.policy, people, filling.erase)
    filled.content = template.filled()
    return filled


def _refuse_others_file(kind: Gradebook, template: Template) -> None:
    titles = template.titles
    other = next((one for one in KINDS.values() if one is not kind and one.claims(titles)), None)
    if other is not None:
        raise template.fault(0, f"this is a file of {other.called} (--to {other.name}), not for --to {kind.name}.")
    if not kind.is_mine(titles):
        needs = kind.whose(titles) or f"there is no column {' or '.join(one.header for one in kind.ids)}"
        raise template.fault(0, f"{needs}; is it an export of {kind.called}?")
    if template.delimiter not in kind.delimiters:
        raise template.fault(0, f"its delimiter is none that {kind.called} writes or takes. Export it anew.")


def _look_over(template: Template, rows: Sequence[int], ids: Sequence[int]) -> None:
    """Raises TemplateError for a file that a spreadsheet has spoilt, or that was saved in part."""
    titles = template.titles
    for place in ids:
        if titles[place] and titles.count(titles[place]) > 1:
            raise template.fault(0, f'two columns are called "{titles[place]}". Export it anew.')
    for row in range(1, len(template.rows)):
        cells = template.rows[row]
        if len(cells) != len(titles) and (len(cells) > 1 or cells[0].value.strip()):
            raise short(row, template)
    for place in ids:
        texts = [template.value(row, place).strip().lstrip("#'") for row in rows]
        if (at := spoilt(texts)) is not None:
            what = f'the id "{texts[at]}" was spoilt by a spreadsheet.'
            raise template.fault(rows[at], f"{what} Export it anew, and do not open it in between.")


def _asked(kind: Gradebook, template: Template, info: RunInfo, named: str | None) -> Asked:
    """The column that is looked for. Raises TemplateError for a title that the LMS would misread."""
    wanted = named or info.policy.gradebook.column
    asked = Asked((wanted or info.title).strip(), wanted is not None)
    if why := kind.misread(kind.title_of(asked.title) or asked.title):
        raise template.fault(0, f'"{asked.title}": {why}; rename it there, or name another column with --column.')
    return asked


def _refuse_points(kind: Gradebook, template: Template, place: int, rows: Sequence[int], info: RunInfo) -> None:
    """Raises TemplateError if the LMS's points possible are not the assignment's."""
    most = _most(info)
    for row, text in kind.possible(template, place, rows):
        if text.strip() and amount(text) != Decimal(number(most)):
            raise template.fault(
                row,
                f"{text.strip()} points are possible there, {number(most)} here. Is it another assignment's column? "
                "Else change the points in one of the two.",
            )


def _most(info: RunInfo) -> float:
    return rounded(sum(points for _, _, points in info.questions))


def _write(column: Column, people: Sequence[Standing], row_of: Mapping[str, int], info: RunInfo, erase: bool) -> None:
    filled, kind, template, most = column.filled, column.kind, column.filled.template, _most(info)
    at = template.titles.index(kind.words_header) if kind.words_header in template.titles else None
    kept = 0
    for one in people:
        key = one.person.key
        row = row_of.get(key)
        grade = grade_of(one, info.policy)
        points = grade.points
        if row is None:
            if points is not None or (grade.excused and kind.excused):
                filled.unplaced.append(key)
            continue
        old = template.value(row, column.place)
        why = kind.held(template, row, column.place)
        if grade.excused:
            filled.excused += 1
            if kind.excused and not why:
                column.change(row, kind.excused, key)
        elif points is not None:
            if points > most:
                raise template.fault(
                    row, f"{key} has {number(points)}, more than the {number(most)} that are possible."
                )
            if _absent(one) and not kind.is_blank(old) and not erase and not alike(old, number(points)):
                why = why or f"nothing was handed in, but {old.strip()} is there; see --erase"
            if why:
                filled.held.append(NotWritten(row + 1, key, why))
                continue
            new = number(points).replace(".", ",") if filled.comma else number(points)
            if column.change(row, new, key, asked=_absent(one) and erase) and at is not None:
                kept += not _say(template, row, at, words(one, info.questions, points), erase)
        elif erase and _void(one) and not why and not kind.is_blank(old):
            column.change(row, "", key, asked=True)
    if kept:
        filled.notes.append(f"{kept} comments that somebody wrote there stay as they are; --erase puts ours in place.")


@dataclass
class Column:
    """The assignment's column as it is filled in; `receipts` say what this run put there before, by student."""

    filled: Filled
    kind: Gradebook
    place: int
    receipts: Mapping[str, Sequence[Receipt]]
    overwrite: bool

    def change(self, row: int, new: str, key: str, asked: bool = False) -> bool:
        """Bring a cell to `new`; False if a grade is kept there that somebody else gave. `asked` is for those that a
        person wants away."""
        old = self.filled.template.value(row, self.place)
        if alike(old, new):
            self.filled.same += 1
            return True
        blank = self.kind.is_blank(old)
        theirs = not ours("" if blank else old.strip(), self.receipts.get(key, ()))
        if theirs and not asked and not self.overwrite:
            there = "what was pushed is gone there" if blank else f"{old.strip()} is there, not by this run"
            why = f"{there}; it would be {new}, see --overwrite"
            self.filled.held.append(NotWritten(row + 1, key, why))
            return False
        self.filled.template.set(row, self.place, new)
        self.filled.changes.append(Change(row + 1, key, old, new, not blank, theirs))
        return True


def _absent(one: Standing) -> bool:
    return one.outcome is not None and one.outcome.status is Status.MISSING


def _void(one: Standing) -> bool:
    """Whether there is no score for a reason of the student's; a fault of ours takes nothing away."""
    return one.outcome is not None and one.outcome.status in (Status.MISSING, Status.NOT_GRADABLE)


def _say(template: Template, row: int, place: int, text: str, erase: bool) -> bool:
    """Write the words for the student, unless somebody else's stand there."""
    old = template.value(row, place).strip()
    if old and not old.startswith(OURS.strip()) and not erase:
        return False
    if old != text:
        template.set(row, place, text)
    return True


def _about(filled: Filled, kind: Gradebook, policy: Policy, people: Sequence[Standing], erase: bool) -> list[str]:
    """Sentences on which score was sent, and on what the upload does."""
    notes = []
    if filled.comma:
        notes.append("Decimals are written with a comma, as the template has them.")
    late = policy.late
    off = sum(bool(one.penalty) for one in people if not one.excused)
    if late is None:
        marked = sum(MARKED_LATE in one.flags for one in people)
        told = f", so nothing was taken off; marked late by the LMS: {marked}" if marked else ""
        notes.append(f"These are raw scores: grading.yml has no late policy{told}.")
    elif late.deducted_by == "lms":
        notes.append("These are raw scores, no late penalty taken off: grading.yml leaves that to the LMS.")
    else:
        notes.append(f"These are final scores: late penalties taken off: {off}.")
        if kind.deducts:
            notes.append(f"Switch off {kind.deducts}, if there is one: it would take the penalty off a second time.")
    unknown = sum(LATE_UNKNOWN in one.flags for one in people)
    if unknown:
        notes.append(f"{unknown} were marked late by the LMS, which did not say by how much: nothing was taken off.")
    if filled.excused:
        done = f"written as {kind.excused}" if kind.excused else f"left alone: {kind.called} takes no word for it"
        notes.append(f"Rows of excused students, {done}: {filled.excused}.")
    if erase and not kind.blank_erases and any(not change.new for change in filled.changes):
        notes.append(f"{kind.called} passes over a blank, so take those grades away by hand there.")
    if filled.template.ends[-1][1] == "":
        notes.append("The template does not end in a line end: look whether its last row is whole.")
    return [*notes, *kind.advice]


def receipts_of(filled: Filled, at: str) -> list[Receipt]:
    """What the record keeps of a file that was written: so a later export or push knows these grades for the run's."""
    sent = [(one, {"grade": one.new, "was": one.old.strip()}) for one in filled.changes]
    return [Receipt(one.student, f"{FILE}{filled.spot}", at, what, {"state": "written"}) for one, what in sent]


def write_filled(filled: Filled, out: Path) -> None:
    """Write it whole or not at all, never over the template, and read it back. Raises TemplateError if it differs."""
    template = filled.template
    if out.resolve() == template.path.resolve():
        raise TemplateError(f"-o {out} is the template itself; name another file.")
    write_whole(out, filled.content)
    again = read_template(out)
    if len(again.rows) != len(template.rows):
        raise TemplateError(f"{out} reads back as {len(again.rows)} rows, not {len(template.rows)}; do not upload it.")
    for row, cells in enumerate(template.rows):
        for place in range(len(cells)):
            if again.value(row, place) != template.expected(row, place):
                raise TemplateError(
                    f"{out}, row {row + 1}: it reads back as {again.value(row, place)!r}; do not upload it."
                )
