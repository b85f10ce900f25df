"""Moodle's grading worksheet of one assignment, with feedback. Source: moodle/moodle, mod/assign/feedback/offline.

Rows are known by `Participant N`, N being a number of this assignment alone; a row graded after the date in it is
passed over, and so is, silently, what cannot be changed or is out of range.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.course.faults import listed
from autograder.gradebook.base import Asked, Gradebook, IdColumn, amount, plain
from autograder.gradebook.moodle import mended_backslashes
from autograder.gradebook.template import Template
from autograder.intake.identity import IdKind

NEEDED = ("Identifier", "Grade", "Last modified (grade)")
POSSIBLE = ("Maximum grade", "Maximum Grade")  # older releases write it so
DATES = ("Last modified (grade)", "Last modified (submission)")
CHANGEABLE = "Grade can be changed"
# How spreadsheets write a date that they have understood; Moodle writes the month's name, or "-"
SHEET_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}[:.]\d\d([:.]\d\d)?(\.\d+)?( ?[AP]M)?)?|\d{5}([.,]\d+)?", re.IGNORECASE
)


def participant(text: str) -> str:
    """The number in "Participant 1234"; "" if there is none."""
    found = re.search(r"(\d+)$", plain(text))
    return str(int(found[1])) if found else ""


class Worksheet(Gradebook):
    name = "moodle-worksheet"
    called = "Moodle"
    ids = (
        IdColumn("Identifier", (IdKind.PARTICIPANT,), participant),
        IdColumn("ID number", (IdKind.NUMBER,)),
        IdColumn("Username", (IdKind.LOGIN, IdKind.EMAIL)),
        IdColumn("Email address", (IdKind.EMAIL,)),
    )
    words_header = "Feedback comments"
    deducts = "a penalty rule of the Moodle course"

    def is_mine(self, titles: Sequence[str]) -> bool:
        return all(name in titles for name in NEEDED)

    def whose(self, titles: Sequence[str]) -> str:
        absent = [name for name in NEEDED if name not in titles]
        return f"there is no column {listed(absent)} (download and upload it with Moodle in English)"

    def title_of(self, header: str) -> str | None:
        return header if header == "Grade" else None

    def column(self, template: Template, asked: Asked) -> int:
        """A worksheet is of one assignment, so its column is always called Grade."""
        return super().column(template, Asked("Grade", False))

    def look_over(self, template: Template, rows: Sequence[int]) -> None:
        titles = template.titles
        twice = next((name for name in NEEDED if titles.count(name) > 1), None)
        if twice is not None:
            raise template.fault(0, f'two columns are called "{twice}". Export it anew.')
        if "Scale" in titles and not any(name in titles for name in POSSIBLE):
            raise template.fault(0, "this assignment is graded by a scale, not by points; change that in Moodle.")
        if self.words_header in titles[:1]:
            raise template.fault(0, f'"{self.words_header}" stands first, where Moodle does not see it. Export anew.')
        dates = [titles.index(name) for name in DATES if name in titles]
        for row in rows:
            if not participant(template.value(row, titles.index("Identifier"))):
                raise template.fault(row, "its Identifier has no number. Export it anew.")
            for place in dates:
                text = template.value(row, place).strip()
                if SHEET_DATE.fullmatch(text):
                    raise template.fault(
                        row, f'a spreadsheet has changed "{titles[place]}" to "{text}", by which Moodle tells which '
                        "rows are newer there. Download the worksheet again, and do not open it in between."
                    )  # fmt: skip

    def possible(self, template: Template, column: int, rows: Sequence[int]) -> list[tuple[int, str]]:
        titles = template.titles
        place = next((titles.index(name) for name in POSSIBLE if name in titles), None)
        return [] if place is None else [(row, template.value(row, place)) for row in rows]

    def held(self, template: Template, row: int, column: int) -> str:
        titles = template.titles
        if CHANGEABLE in titles and template.value(row, titles.index(CHANGEABLE)).strip().casefold() == "no":
            return f'"{CHANGEABLE}" says No: Moodle would pass it over; unlock it there'
        return ""

    def mend(self, template: Template) -> list[str]:
        return mended_backslashes(template)

    def warnings(self, template: Template, column: int, rows: Sequence[int]) -> list[str]:
        zeros = sum(amount(template.changes.get((row, column), "")) == 0 for row in rows)
        if not zeros:
            return []
        return [f"{zeros} grades are 0, which newer releases of Moodle may pass over: look at these after the upload."]
