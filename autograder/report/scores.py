"""scores.csv: a row for everybody in the run, by key. Called whenever a run's files are written.

The same record gives the same bytes: no times, no measurements. Written as the project's data-safety rules say: ids are
text, what a spreadsheet would take for a formula gets a `'` (a key too: every command takes it so), a status without a
score has blanks, numbers have at most two decimals.

`score` is what the work earned. Where the run has a late policy, or excuses somebody, `penalty` and `final_score`
follow: what is taken off for lateness, and what counts. Both are blank for who has no score that counts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from autograder.gradebook.writing import for_people, number, write_whole
from autograder.record.anonymity import Overview
from autograder.record.standing import Standing
from autograder.record.store import RunInfo

BEFORE = ("student", "name", "email", "submission", "status", "score", "max_score")
AFTER = ("verdict", "late_days", "flags", "message")
COUNTS = ("penalty", "final_score")


def write_scores(path: Path, view: Overview) -> Path:
    """Write scores.csv anew, whole or not at all."""
    write_whole(path, scores_csv(view.info, view.shown).encode("utf-8", "replace"))
    return path


def scores_csv(info: RunInfo, standings: Sequence[Standing]) -> str:
    """The file's text. Everybody stands in it once; who has no outcome yet has an empty status."""
    counts = COUNTS if info.policy.late is not None or any(one.excused for one in standings) else ()
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*BEFORE, *(question for question, _, _ in info.questions), *AFTER, *counts])
    for one in sorted(standings, key=lambda one: one.person.key):
        row = _row(info, one)
        writer.writerow([*row, *_counting(one)] if counts else row)
    return file.getvalue()


def _row(info: RunInfo, one: Standing) -> list[str]:
    entry, outcome = one.person, one.outcome
    head = [for_people(text) for text in (entry.key, entry.name, entry.email, entry.filename)]
    flags = for_people("; ".join(one.flags))
    if outcome is None:
        return [*head, *[""] * (4 + len(info.questions)), "", flags, ""]
    scored = outcome.status.scored
    scores = {question.id: number(question.score) for question in outcome.questions} if scored else {}
    return [
        *head,
        outcome.status.value,
        number(one.score) if one.score is not None else "",
        number(outcome.max_score),
        *(scores.get(question, "") for question, _, _ in info.questions),
        outcome.verdict or "",
        str(one.late_days) if one.late_days is not None else "",
        flags,
        for_people(outcome.message),
    ]


def _counting(one: Standing) -> list[str]:
    return [number(one.penalty), number(one.final)] if one.final is not None else ["", ""]
