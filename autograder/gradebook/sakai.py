"""Sakai's gradebook export. Source: sakaiproject/sakai, gradebookng, ImportGradesHelper.java.

The first two columns are the student's id and name, whatever their headers; one odd header stops the import.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.gradebook.base import Asked, Gradebook, IdColumn, same
from autograder.gradebook.template import Template
from autograder.intake.identity import IdKind

GRADE = re.compile(r"(?P<title>[^#*\[][^\[]*?)(?: \[(?P<points>[\d.,]+)\])?", re.DOTALL)


class Sakai(Gradebook):
    name = "sakai"
    called = "Sakai"
    ids = (IdColumn("", (IdKind.LOGIN, IdKind.NUMBER, IdKind.EMAIL)),)
    delimiters = (",", ";")
    advice = ("Sakai does not import items that belong to another tool, such as Assignments.",)

    def is_mine(self, titles: Sequence[str]) -> bool:
        return len(titles) > 2

    def claims(self, titles: Sequence[str]) -> bool:
        return False  # its first headers are not read, so that they may be anything

    def whose(self, titles: Sequence[str]) -> str:
        return "after a student's id and name there should be columns of grades"

    def misread(self, title: str) -> str:
        if "[" in title:
            return 'Sakai takes what stands after "[" in a title for points'
        return f'Sakai passes over or misreads a title that begins with "{title[0]}"' if title[:1] in ("#", "*") else ""

    def title_of(self, header: str) -> str | None:
        found = GRADE.fullmatch(header)
        return found["title"] if found else None

    def column(self, template: Template, asked: Asked) -> int:
        titles = template.titles
        found = [place for place in range(2, len(titles)) if titles[place] == asked.title]
        return found[0] if len(found) == 1 and not self.misread(asked.title) else super().column(template, asked)

    def unfit(self, header: str, asked: Asked) -> str:
        comment = header.startswith("*") and same(header.lstrip("* "), asked.title)
        return "is for comments, and there is none for the grades of it" if comment else ""

    def id_columns(self, titles: Sequence[str]) -> list[tuple[int, IdColumn]]:
        return [(0, self.ids[0])]

    def is_student(self, template: Template, row: int) -> bool:
        return super().is_student(template, row) and bool(template.value(row, 0).strip())

    def look_over(self, template: Template, rows: Sequence[int]) -> None:
        titles = template.titles
        for place, title in enumerate(titles[2:], 2):
            if not title:
                raise template.fault(
                    0, f"column {place + 1} has no header, which stops Sakai's import. Export it anew."
                )
            if titles.index(title, 2) != place:
                raise template.fault(0, f'two columns are called "{title}", which stops Sakai\'s import.')
            if not title.startswith(("#", "*")) and not GRADE.fullmatch(title):
                raise template.fault(
                    0, f'the header "{title}" stops Sakai\'s import: only [points] may be in brackets.'
                )

    def possible(self, template: Template, column: int, rows: Sequence[int]) -> list[tuple[int, str]]:
        found = GRADE.fullmatch(template.titles[column])
        return [(0, found["points"])] if found and found["points"] else []

    def has_comma(self, template: Template, cells: Sequence[str]) -> bool:
        """Sakai separates by semicolons where its language has a decimal comma."""
        pointed = any(re.fullmatch(r"\d+\.\d+", cell) for cell in cells)
        return not pointed and (template.delimiter == ";" or super().has_comma(template, cells))

    def warnings(self, template: Template, column: int, rows: Sequence[int]) -> list[str]:
        title = template.titles[column]
        if title.isascii():
            return []
        return [
            f'"{title}" has letters beyond ASCII: if Sakai offers a new item, its server reads no UTF-8; stop then.'
        ]
