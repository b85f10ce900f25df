"""Blackboard Learn's gradebook download, from help pages and files seen in public code alone: strict in what we write.

The user name alone decides whose a row is; the number after the last `|` of a header is the column's, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.gradebook.base import Asked, Gradebook, IdColumn, same
from autograder.gradebook.template import Template
from autograder.intake.identity import IdKind

GRADE = re.compile(r"(?P<title>.+?) \[Total Pts: (?P<points>[\d.,]+) Score\] \|\d+", re.DOTALL)
ANY = re.compile(r"(?P<title>.+?) \[Total Pts: (?P<rest>[^\]]*)\](?P<id> ?\|\d+)?", re.DOTALL)
PENDING = re.compile(r"(Needs Grading|In Progress)(\s*\(.*\))?", re.IGNORECASE)  # states of attempts, no grades


class Blackboard(Gradebook):
    name = "blackboard"
    called = "Blackboard"
    ids = (
        IdColumn("Username", (IdKind.LOGIN, IdKind.EMAIL)),
        IdColumn("Student ID", (IdKind.NUMBER,)),
    )
    delimiters = (",", "\t")
    advice = ("In Blackboard a grade from a file overrides later attempts.",)

    def is_mine(self, titles: Sequence[str]) -> bool:
        return "Username" in titles and "End-of-Line Indicator" not in titles and any(map(ANY.fullmatch, titles))

    def whose(self, titles: Sequence[str]) -> str:
        return "there is no column Username, or none of grades such as `Lab [Total Pts: 20 Score] |123`"

    def title_of(self, header: str) -> str | None:
        found = GRADE.fullmatch(header)
        return found["title"] if found else None

    def unfit(self, header: str, asked: Asked) -> str:
        found = ANY.fullmatch(header)
        if not found or not (same(found["title"], asked.title) or same(header, asked.title)):
            return ""
        if not found["id"]:
            return "has lost its number after |, so that Blackboard would make a new column of it; export it anew"
        return "is calculated or does not hold points, so that it takes no score"

    def look_over(self, template: Template, rows: Sequence[int]) -> None:
        place = template.titles.index("Username")
        for row in rows:
            if not template.value(row, place).strip():
                raise template.fault(row, "it has no Username, so that the whole upload would fail. Export it anew.")

    def possible(self, template: Template, column: int, rows: Sequence[int]) -> list[tuple[int, str]]:
        found = GRADE.fullmatch(template.titles[column])
        return [(0, found["points"])] if found else []

    def is_blank(self, text: str) -> bool:
        return super().is_blank(text) or bool(PENDING.fullmatch(text.strip()))

    def warnings(self, template: Template, column: int, rows: Sequence[int]) -> list[str]:
        left = [
            row for row in rows
            if PENDING.fullmatch(template.value(row, column).strip()) and (row, column) not in template.changes
        ]  # fmt: skip
        if not left:
            return []
        return [
            f'{len(left)} rows without a grade keep their "Needs Grading" or "In Progress"; the first is {left[0] + 1}.'
        ]
