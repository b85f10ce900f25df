"""Everything in a run's folder beside the record, made anew from the record alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from autograder.gradebook.scores import write_scores, write_whole
from autograder.intake.submissions import file_safe
from autograder.record.adjustments import adjustments
from autograder.record.anonymity import presenting
from autograder.record.standing import standings
from autograder.record.store import Record
from autograder.report.feedback import page
from autograder.report.results_json import as_text, results_json


def write_all(run: Path, record: Record) -> None:
    """scores.csv, results/<key>.json and feedback/<key>.html."""
    write_students(run, record)
    write_scores(run / "scores.csv", record)


def write_students(run: Path, record: Record, only: Collection[str] | None = None) -> list[Path]:
    """results/<key>.json and feedback/<key>.html of who has an outcome, or of the keys in `only`; the paths."""
    info, by_hand, shown = record.info(), adjustments(record), presenting(record)
    written = []
    for stands in standings(record, with_tests=False):
        key = stands.person.key
        if stands.outcome is None or (only is not None and key not in only):
            continue
        whole = record.outcome(key)  # one at a time: a class's executed notebooks can be gigabytes
        assert whole is not None
        one = shown(replace(stands, outcome=whole))
        assert one.outcome is not None
        name = file_safe(one.person.key)
        results, html = run / "results" / f"{name}.json", run / "feedback" / f"{name}.html"
        write_whole(results, as_text(results_json(one.outcome, one, by_hand.get(key, ()))).encode("utf-8", "replace"))
        write_whole(html, page(info, one).encode("utf-8", "replace"))
        written += [html, results]
    return written
