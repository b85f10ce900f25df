"""Brightspace's (D2L's) grade export, from help pages and files seen in public code alone.

Every row ends in `#` below "End-of-Line Indicator", and ids have a `#` before them, to keep their zeros.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.gradebook.base import Asked, Gradebook, IdColumn, plain, same
from autograder.gradebook.template import Template
from autograder.intake.identity import IdKind

GRADE = re.compile(r"(?P<title>.+?) Points Grade(?: <Numeric MaxPoints:(?P<points>[\d.,]+)[^>]*>)?", re.DOTALL)
OTHER = re.compile(r"(?P<title>.+?) (Grade Symbol|Text Grade)(?: <.*>)?", re.DOTALL)
END = "End-of-Line Indicator"


def unmarked(text: str) -> str:
    return plain(text).removeprefix("#")


class Brightspace(Gradebook):
    name = "brightspace"
    called = "Brightspace"
    ids = (
        IdColumn("OrgDefinedId", (IdKind.NUMBER,), unmarked),
        IdColumn("Username", (IdKind.LOGIN, IdKind.EMAIL), unmarked),
    )
    advice = ("Grades of a Brightspace assignment are shown to its students as soon as they are imported.",)

    def is_mine(self, titles: Sequence[str]) -> bool:
        return END in titles and any(one.header in titles for one in self.ids)

    def whose(self, titles: Sequence[str]) -> str:
        return f"there is no column {END}, or neither OrgDefinedId nor Username"

    def title_of(self, header: str) -> str | None:
        found = GRADE.fullmatch(header)
        return found["title"] if found else None

    def unfit(self, header: str, asked: Asked) -> str:
        found = OTHER.fullmatch(header)
        return "holds symbols or text, not points" if found and same(found["title"], asked.title) else ""

    def look_over(self, template: Template, rows: Sequence[int]) -> None:
        titles = template.titles
        if titles[-1] != END:
            raise template.fault(0, f'its last column is not "{END}". Export it anew.')
        ids = [place for place, _ in self.id_columns(titles)]
        if ids != sorted(ids) or ids != list(range(len(ids))):
            raise template.fault(0, "OrgDefinedId and Username are not its first columns. Export it anew.")
        for row in rows:
            if template.value(row, len(titles) - 1).strip() != "#":
                raise template.fault(
                    row, "it does not end in #; the file was saved in part or changed. Export it anew."
                )

    def possible(self, template: Template, column: int, rows: Sequence[int]) -> list[tuple[int, str]]:
        found = GRADE.fullmatch(template.titles[column])
        return [(0, found["points"])] if found and found["points"] else []
