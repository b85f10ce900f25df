"""What a gradebook is: how one LMS's file says who a row is of, where the grades stand, and what its import misreads.

Each LMS is a small module beside this one with a subclass of `Gradebook`; `export` works with any of them. Where
nothing else is said, docs/lms.md says where the rules were read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from autograder.course.faults import did_you_mean, listed
from autograder.gradebook.template import Template, TemplateError
from autograder.intake.identity import IdKind

NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


def plain(text: str) -> str:
    """Text as it is compared: composed (NFC), without surrounding spaces."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


def same(one: str, other: str) -> bool:
    """Whether two titles are the same but for letter case."""
    return plain(one).casefold() == plain(other).casefold()


def amount(text: str) -> Decimal | None:
    """A grade as a number, with a point or a comma for decimals; None for what is none."""
    text = text.strip()
    if not NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None


def unescaped(text: str) -> str:
    """An id without the `'` that LMSs put before what a spreadsheet would take for a formula."""
    text = plain(text)
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


@dataclass(frozen=True)
class IdColumn:
    """A column that says who a row is of: its header, the kinds of ids that may stand in it, and how it is read."""

    header: str
    kinds: tuple[IdKind, ...]
    read: Callable[[str], str] = unescaped


@dataclass(frozen=True)
class Asked:
    """What column is looked for: the assignment's title, or the column that somebody named in its place."""

    title: str
    named: bool


class Gradebook:
    """One LMS's file; the defaults are what most have. Methods that refuse raise TemplateError."""

    name: str  # as the command calls it
    called: str  # as people call it
    ids: tuple[IdColumn, ...] = ()  # the strongest first
    delimiters: tuple[str, ...] = (",", ";", "\t")
    excused: str = ""  # what is written for who is excused; "" leaves the row alone
    blank_erases = False  # whether an imported blank takes an existing grade away
    words_header: str = ""  # of the column for words
    advice: tuple[str, ...] = ()  # what to know at the upload
    deducts: str = ""  # what there may take off for lateness too

    def is_mine(self, titles: Sequence[str]) -> bool:
        """Whether a file with this header is this LMS's."""
        raise NotImplementedError

    def claims(self, titles: Sequence[str]) -> bool:
        """Whether a file with this header can be no other LMS's."""
        return self.is_mine(titles)

    def misread(self, title: str) -> str:
        """Why the LMS would misread a column of that title (a clause); "" if it does not."""
        return ""

    def title_of(self, header: str) -> str | None:
        """The assignment's title in a grade column's header; None for any other column."""
        raise NotImplementedError

    def spot(self, header: str) -> str:
        """What receipts call that column; an upload over the LMS's API calls it so too."""
        return f"{self.name}, column {header}"

    def unfit(self, header: str, asked: Asked) -> str:
        """Why a column that looks like the assignment's cannot take a number (a clause); "" if there is no such."""
        return ""

    def column(self, template: Template, asked: Asked) -> int:
        """Where the assignment's grades stand. Raises TemplateError where no column or several could be meant."""
        titles = template.titles
        of = [self.title_of(header) for header in titles]
        found = [place for place, title in enumerate(titles) if title == asked.title and of[place] is not None]
        found = found or [place for place, title in enumerate(of) if title is not None and same(title, asked.title)]
        if len(found) == 1:
            return found[0]
        if found:
            alike = len({titles[place] for place in found}) == 1
            way = f"{self.called} cannot tell them apart; rename one there" if alike else "name one with --column"
            raise template.fault(0, f'{len(found)} columns are "{asked.title}": {way}.')
        for header in titles:
            if why := self.unfit(header, asked):
                raise template.fault(0, f'the column "{header}" {why}.')
        there = [title for title in of if title is not None]
        hint = did_you_mean(asked.title, there) or ";"
        raise template.fault(
            0,
            f'no column is called "{asked.title}"{hint} its columns of grades are '
            f"{listed(there, 12) if there else 'none'}. Is it another course's? Else name the column with --column.",
        )

    def id_columns(self, titles: Sequence[str]) -> list[tuple[int, IdColumn]]:
        """Where the ids stand, the strongest first."""
        return [(titles.index(one.header), one) for one in self.ids if one.header in titles]

    def is_student(self, template: Template, row: int) -> bool:
        """Whether the row is a student's; lines that are blank are not."""
        return len(template.rows[row]) > 1

    def look_over(self, template: Template, rows: Sequence[int]) -> None:
        """Refuse a file that this LMS did not write like that, or would not take and we cannot mend."""

    def possible(self, template: Template, column: int, rows: Sequence[int]) -> list[tuple[int, str]]:
        """The points possible of that column as the file tells them, each with its row."""
        return []

    def is_blank(self, text: str) -> bool:
        """Whether a cell holds no grade."""
        return text.strip() in ("", "-")

    def held(self, template: Template, row: int, column: int) -> str:
        """Why that row's grade cannot be changed by an import (a clause); "" if it can."""
        return ""

    def has_comma(self, template: Template, cells: Sequence[str]) -> bool:
        """Whether decimals are written with a comma: the file's own grades tell."""
        if any(re.fullmatch(r"-?\d+\.\d+", cell) for cell in cells):
            return False
        return any(re.fullmatch(r"-?\d+,\d+", cell) for cell in cells)

    def mend(self, template: Template) -> list[str]:
        """Change what the LMS would refuse in its own file; a sentence on each change."""
        return []

    def warnings(self, template: Template, column: int, rows: Sequence[int]) -> list[str]:
        """Sentences on what the import would do with the filled-in file that a person should know."""
        return []

    def whose(self, titles: Sequence[str]) -> str:
        """What is missing in a header that is not this LMS's."""
        return ""


def short(row: int, template: Template) -> TemplateError:
    """The refusal of a row that has another number of fields than the header."""
    has, wants = len(template.rows[row]), len(template.rows[0])
    why = "the file was saved in part" if has < wants else "a quote or a delimiter was changed in it"
    return template.fault(row, f"it has {has} fields, the header {wants}; {why}. Export it anew.")
