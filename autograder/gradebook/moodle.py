"""Moodle's gradebook import (Grades > Import > CSV). Source: moodle/moodle, lib/csvlib.class.php, grade/import/csv.

Columns are mapped by hand on its page; one bad cell in a mapped column stops the whole import.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.gradebook.base import Asked, Gradebook, IdColumn, amount, plain, same
from autograder.gradebook.template import Template
from autograder.intake.identity import IdKind

DISPLAY = re.compile(r"(?P<title>.+?) \((?P<display>[^()]+)\)")
REAL = re.compile(r"Real|Punkte|R[ée]el[a-z]*|Real[a-z]*", re.IGNORECASE)  # the word for points in some languages
PREFIX = re.compile(r"[^\W\d]+ ?: ")
OTHER = {"percentage", "letter", "prozentsatz", "pourcentage", "lettre", "porcentaje", "letra", "feedback"}
PEOPLE = {"First name", "Last name", "First name(s)", "Surname", "Full name", "ID number", "Institution", "Department",
          "Email address", "Username", "Last downloaded from this course"}  # fmt: skip
NEWER = "Last downloaded from this course"


class MoodleGradebook(Gradebook):
    name = "moodle"
    called = "Moodle"
    ids = (
        IdColumn("ID number", (IdKind.NUMBER,)),
        IdColumn("Username", (IdKind.LOGIN, IdKind.EMAIL)),
        IdColumn("Email address", (IdKind.EMAIL,)),
    )
    blank_erases = True
    deducts = "a penalty rule of the Moodle course"

    def is_mine(self, titles: Sequence[str]) -> bool:
        return "Identifier" not in titles and any(one.header in titles for one in self.ids)

    def claims(self, titles: Sequence[str]) -> bool:
        return self.is_mine(titles) and {"First name", "Email address"} <= set(titles)

    def title_of(self, header: str) -> str | None:
        """`Assignment: Title (Real)`, with or without what is around the title."""
        bare = _without_display(header)
        return PREFIX.sub("", bare) if bare is not None else None

    def column(self, template: Template, asked: Asked) -> int:
        """The whole header counts before the title in it: an item that was made by hand has no "Assignment: "."""
        bare = [_without_display(header) for header in template.titles]
        whole = [place for place, title in enumerate(bare) if title is not None and same(title, asked.title)]
        return whole[0] if len(whole) == 1 else super().column(template, asked)

    def unfit(self, header: str, asked: Asked) -> str:
        if _display(header) not in OTHER:
            return ""
        bare = header.rsplit(" (", 1)[0].split(": ", 1)[-1]
        why = "does not hold points; export the gradebook with the grade display type Real"
        return why if same(bare, asked.title) else ""

    def mend(self, template: Template) -> list[str]:
        return mended_backslashes(template)

    def warnings(self, template: Template, column: int, rows: Sequence[int]) -> list[str]:
        titles = template.titles
        notes = []
        for row in rows:
            text = template.changes.get((row, column), template.value(row, column)).strip()
            if not self.is_blank(text) and amount(text.replace(" ", "")) is None:
                raise template.fault(row, f'"{text}" is no number there, and would stop the whole import.')
        maps = [
            one.header
            for place, one in self.id_columns(titles)
            if len({plain(template.value(row, place)).casefold() for row in rows} - {""}) == len(rows)
        ]
        by = f'"{maps[0]}"' if maps else "a column of ids without blanks (this file has none)"
        notes.append(
            f'On Moodle\'s page map {by} to whom it is of, "{titles[column]}" to its item, and ignore the rest.'
        )
        if NEWER in titles:
            notes.append(f'Ignore "{NEWER}" there too, or grades given since then stop the import.')
        return notes


def _without_display(header: str) -> str | None:
    if header in PEOPLE or _display(header) in OTHER:
        return None
    found = DISPLAY.fullmatch(header)
    return found["title"] if found and REAL.fullmatch(found["display"]) else header


def _display(header: str) -> str:
    found = DISPLAY.fullmatch(header)
    return found["display"].casefold() if found else ""


def mended_backslashes(template: Template) -> list[str]:
    r"""Put a space behind each `\` that stands before a quote: for Moodle's reader it would hide the quote."""
    count = 0
    for row, cells in enumerate(template.rows):
        for place, cell in enumerate(cells):
            if cell.quoted and '\\"' in template.raw(cell):
                template.mend(row, place, unhidden(cell.value))
                count += 1
    if not count:
        return []
    return [f"In {count} fields a space was put after a backslash: without it Moodle would misread the row."]


def unhidden(text: str) -> str:
    r"""Text without a `\` before a quote or at its end."""
    return re.sub(r'\\(?="|$)', r"\\ ", text)
