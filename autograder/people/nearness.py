"""Which student a hand-in of nobody may be from: proposed to a person, never taken.

Called by `matching` for what no id and no name has brought to anybody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from autograder.intake.handin import HandIn
from autograder.people.roster import Student
from autograder.people.sheets import plain

CUTOFF = 80  # of 100, rapidfuzz's ratio of the words in alphabetical order: one slip in a name of ten letters is 90
AS_GOOD = 3  # points below the best that are as good as it
MOST = 3  # proposals for one hand-in
LOOKED_AT = 6  # of the nearest of each
WORDS = re.compile(r"[^\W\d_]+|\d+")
DIGITS = re.compile(r"\d+")


def near_students(hand_ins: Sequence[HandIn], students: Sequence[Student]) -> Mapping[str, tuple[Student, ...]]:
    """By hand-in's key, the students that it is near to by name or id, the nearest first; none is left out.

    Numbers are near only if they are equal: 104567 is as far from 104568 as from any other.
    """
    import numpy as np
    from rapidfuzz import fuzz, process

    asked = [(place, text) for place, one in enumerate(hand_ins) for text in _texts_of_hand_in(one)]
    there = [(place, text) for place, one in enumerate(students) for text in _texts_of_student(one)]
    found: dict[str, dict[int, float]] = {one.key: {} for one in hand_ins}
    if asked and there:
        scores = process.cdist(
            [text for _, text in asked], [text for _, text in there], scorer=fuzz.ratio, score_cutoff=CUTOFF,
            dtype=np.uint8,
        )  # fmt: skip
        count = min(LOOKED_AT, len(there))
        nearest = np.argpartition(scores, -count, axis=1)[:, -count:]
        for row, (place, text) in enumerate(asked):
            best = found[hand_ins[place].key]
            for column in nearest[row]:
                student, other = there[column]
                score = float(scores[row, column])
                if score >= CUTOFF and _digits_agree(text, other):
                    best[student] = max(best.get(student, 0.0), score)
    return {key: _best(by_student, students) for key, by_student in found.items()}


def _best(scores: Mapping[int, float], students: Sequence[Student]) -> tuple[Student, ...]:
    ranked = sorted(scores, key=lambda place: (-scores[place], place))
    return tuple(students[place] for place in ranked[:MOST] if scores[place] >= scores[ranked[0]] - AS_GOOD)


def _digits_agree(one: str, other: str) -> bool:
    ours, theirs = DIGITS.findall(one), DIGITS.findall(other)
    return ours == theirs or not (ours and theirs)


def _texts_of_hand_in(one: HandIn) -> list[str]:
    texts = [one.name, *one.ids.values()] if one.name and not one.way.squeezed else [one.key, *one.ids.values()]
    return _in_order(texts)


def _texts_of_student(one: Student) -> list[str]:
    return _in_order([one.name, one.key, one.email.partition("@")[0], *one.ids.values()])


def _in_order(texts: Sequence[str]) -> list[str]:
    """Each text with its words in alphabetical order, so that it does not matter which name comes first."""
    return list(
        dict.fromkeys(filter(None, (" ".join(sorted(WORDS.findall(plain(text).casefold()))) for text in texts)))
    )
