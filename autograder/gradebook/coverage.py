"""Whether a gradebook's file is this class's, whole: held against who stands in the run.

Called by `export` once rows and students are joined. A file of another course is refused, and so is one whose end is
missing, as far as that can be known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autograder.gradebook.template import Template
from autograder.record.standing import Standing

FEW = 0.5  # a share below which neither side can be said to be the other's class
TAIL = 3  # students without a row, all after the last one that has one, from which on the file's end is missing
ORDERS: tuple[Callable[[Standing], Any], ...] = (
    lambda one: one.person.position,
    lambda one: one.person.name.casefold(),
    lambda one: one.person.key,
)
"""What an LMS may sort the students of its file by."""


def refuse_strangers(
    template: Template,
    called: str,
    rows: Sequence[int],
    people: Sequence[Standing],
    row_of: Mapping[str, int],
    part: bool,
) -> None:
    """Raises TemplateError for a file of other people, or of which the last rows are missing; the latter not for a
    `part` of the class."""
    if not people:
        return
    ours = sum(one.person.key in row_of for one in people)
    first = rows[0] if rows else 0
    if not rows:
        raise template.fault(
            first, f"there is no student in it; the file was saved in part. Export it from {called} anew."
        )
    if not ours:
        raise template.fault(
            first,
            "nobody of the run stands in it. Is it another course's? If not, the run does not know its ids: grade with "
            f"--roster and a list of the class that has them, such as this file or another export of {called}.",
        )
    if ours < FEW * len(people) and ours < FEW * len(rows):
        stranger = next(row for row in rows if row not in set(row_of.values()))
        raise template.fault(
            stranger,
            f"few of the people in it are the run's: {ours} of its {len(rows)} rows, {ours} of {len(people)} in "
            "the run. Is it another course's, or last year's? Export this course's gradebook.",
        )
    gone = [] if part else _cut_off(template, people, row_of)
    if gone:
        raise template.fault(
            len(template.rows) - 1,
            f"here it ends, and {len(gone)} students who should follow are not in it, such as {gone[0]}: it was saved "
            "in part. Export it anew; if it is meant to be a part of the class, such as a section, say --part.",
        )


def _cut_off(template: Template, people: Sequence[Standing], row_of: Mapping[str, int]) -> list[str]:
    """Keys of those who should stand after the file's last row: it has the order of names or of the run up to there."""
    absent = [one for one in people if one.person.key not in row_of and one.score is not None]
    unended = template.ends[-1][1] == ""  # every LMS ends its last row
    if len(absent) < (1 if unended else TAIL):
        return []
    there = [one for one in people if one.person.key in row_of]
    if len(there) < TAIL:
        return []
    for order in ORDERS:
        placed = sorted(there, key=lambda one: row_of[one.person.key])
        marks = [order(one) for one in placed]
        if marks == sorted(marks) and min(order(one) for one in absent) > marks[-1]:
            return [one.person.key for one in absent]
    return []
