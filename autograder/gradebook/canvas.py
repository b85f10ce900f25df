"""Canvas's gradebook. Source: instructure/canvas-lms, lib/gradebook_importer.rb and csv_with_i18n.rb.

The import guesses the delimiter, reads an ID as Ruby's `to_i` does, and takes a blank over a grade for its removal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.gradebook.base import Asked, Gradebook, IdColumn, plain, same
from autograder.gradebook.template import Template
from autograder.intake.identity import IdKind

READ_ONLY = re.compile(r"(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")  # anywhere in a header
# What the importer takes for the columns of students, in this order alone
STUDENT_COLUMNS = re.compile(
    "(Student|LastName,FirstName),ID,"
    "(SIS Login ID,|SIS User ID,SIS Login ID,(Integration ID,)?(Root Account,)?)?Section"
)
GRADE = re.compile(r"(?P<title>.+) \((?P<id>\d+)\)", re.DOTALL)
EXCUSED = "EX"
LEADING = 3  # physical lines by which the delimiter is guessed


def to_i(text: str) -> str:
    """An id as Canvas reads it: leading zeros and what follows the digits do not count; "" if it begins with none."""
    found = re.match(r"\s*\+?(\d+)", text)
    return str(int(found[1])) if found and int(found[1]) else ""


class Canvas(Gradebook):
    name = "canvas"
    called = "Canvas"
    ids = (
        IdColumn("ID", (IdKind.CANVAS,), to_i),
        IdColumn("SIS User ID", (IdKind.NUMBER,), plain),
        IdColumn("SIS Login ID", (IdKind.LOGIN, IdKind.EMAIL), plain),
    )
    delimiters = (",", ";")
    excused = EXCUSED
    blank_erases = True
    deducts = "a late policy of the Canvas course"

    def is_mine(self, titles: Sequence[str]) -> bool:
        return {"ID", "Section"} <= set(titles) and any("Student" in title or title == "LastName" for title in titles)

    def misread(self, title: str) -> str:
        found = READ_ONLY.search(title)
        return f'Canvas takes a column with "{found[0]}" in its title for a total and passes it over' if found else ""

    def title_of(self, header: str) -> str | None:
        found = GRADE.fullmatch(header)
        return found["title"] if found else None

    def spot(self, header: str) -> str:
        found = GRADE.fullmatch(header)
        return f"assignment {found['id']}" if found else super().spot(header)

    def unfit(self, header: str, asked: Asked) -> str:
        alike = same(header, asked.title)
        return "has no id in brackets, so that Canvas may make a new assignment of it; export it anew" if alike else ""

    def is_student(self, template: Template, row: int) -> bool:
        """Not the row of points, nor one without an id: of manual posting, say."""
        if not super().is_student(template, row) or _is_points(template, row):
            return False
        titles = template.titles
        return any(plain(template.value(row, place)) for place, _ in self.id_columns(titles))

    def look_over(self, template: Template, rows: Sequence[int]) -> None:
        if template.encoding != "utf-8":
            raise template.fault(0, "it is not UTF-8; a spreadsheet has saved it. Export it anew.")
        titles = template.titles
        head = ",".join(titles[: titles.index("Section") + 1]) if "Section" in titles else ""
        if not STUDENT_COLUMNS.fullmatch(head):
            raise template.fault(
                0, f'Canvas refuses columns of students other than its own, not "{head}". Export anew.'
            )

    def possible(self, template: Template, column: int, rows: Sequence[int]) -> list[tuple[int, str]]:
        found = [row for row in range(1, len(template.rows)) if _is_points(template, row)]
        for row in found:
            if "(read only)" in template.value(row, column):
                title = template.titles[column]
                raise template.fault(row, f'"{title}" is (read only): Canvas would pass it over.')
        return [(row, template.value(row, column)) for row in found]

    def held(self, template: Template, row: int, column: int) -> str:
        return "N/A there: it is not assigned to them" if template.value(row, column).strip() == "N/A" else ""

    def mend(self, template: Template) -> list[str]:
        notes = []
        if template.mark and template.rows[0][0].quoted:
            template.drop_mark = True
            notes.append("The byte order mark was left out: Canvas refuses one before a quoted header.")
        if common := template.mixed_ends():
            template.line_end = common
            notes.append("Its line ends were of several sorts, which Canvas refuses; now they are all of one.")
        breaks = loose = 0
        for row, cells in enumerate(template.rows):
            for place, cell in enumerate(cells):
                if row < LEADING and re.search(r"[\r\n]", cell.value):
                    template.mend(row, place, re.sub(r"\s*[\r\n]+\s*", " ", cell.value))
                    breaks += 1
                elif not cell.quoted and '"' in cell.value:
                    template.mend(row, place, cell.value)
                    loose += 1
        if breaks:
            notes.append(
                f"{breaks} line breaks in the first three rows became spaces: there Canvas guesses the delimiter."
            )
        if loose:
            notes.append(f"{loose} fields with a quote in them were quoted: Canvas refuses them without.")
        return notes

    def warnings(self, template: Template, column: int, rows: Sequence[int]) -> list[str]:
        text = template.filled().removeprefix(template.mark).decode(template.encoding)
        if guessed(text) != template.delimiter:
            raise template.fault(
                0, f'Canvas would take "{guessed(text)}" for the delimiter, guessing from its first three lines. '
                "Export it with the other one."
            )  # fmt: skip
        excused = sum(
            template.value(row, column).strip().upper() in ("EX", "EXCUSED") and (row, column) in template.changes
            for row in rows
        )
        return [f"Excused in Canvas so far, and with a grade no longer: {excused}."] if excused else []


def _is_points(template: Template, row: int) -> bool:
    return "Points Possible" in template.value(row, 0)


def guessed(text: str) -> str:
    """The delimiter that Canvas sees: ";" if it splits each of the first three lines into as many fields, and more."""
    lines = [line for line in re.split(r"\r\n|\r|\n", text) if line.strip(",; \t")][:LEADING]
    counts = {sign: [len(_fields(line, sign)) for line in lines] for sign in ",;"}
    by = counts[";"]
    return ";" if by and len(set(by)) == 1 and by[0] > max(counts[","]) else ","


def _fields(line: str, sign: str) -> list[str]:
    return re.sub(r'"(?:[^"]|"")*"', "", line).split(sign)
