"""Everything in a run's folder beside the record, made anew from the record alone."""

from __future__ import annotations

from pathlib import Path

from autograder.gradebook.scores import write_scores, write_whole
from autograder.intake.submissions import file_safe
from autograder.record.store import Record
from autograder.report.feedback import page
from autograder.report.results_json import as_text, results_json


def write_all(run: Path, record: Record) -> None:
    """scores.csv, results/<key>.json and feedback/<key>.html."""
    info = record.info()
    for student in record.planned():
        outcome = record.outcome(student.key)  # one at a time: a class's executed notebooks can be gigabytes
        if outcome is None:
            continue
        name = file_safe(outcome.key)
        write_whole(run / "results" / f"{name}.json", as_text(results_json(outcome)).encode("utf-8", "replace"))
        html = page(info, student, outcome)
        write_whole(run / "feedback" / f"{name}.html", html.encode("utf-8", "replace"))
    write_scores(run / "scores.csv", record)
