"""What each LMS's bulk download looks like, written from the notes on names alone; and the run that comes of it."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

from autograder.engine.planning import plan
from autograder.intake.collecting import collect
from autograder.people.roster import read_roster
from autograder.record.store import Record, RunInfo
from autograder.results import Outcome, Status
from lms.files import FILES, NOTHING
from lms.people import PEOPLE, POINTS, TITLE, Somebody, outcome, raw, status

QUESTIONS = (("q1", "The = question", POINTS / 2), ("q2", "Another; one", POINTS / 2))
ROSTERS = {"moodle": "moodle-worksheet"}  # a list that has what its download calls people by


def names_of(one: Somebody, lms: str) -> list[str]:
    """The hand-in's path, and those of what the LMS lays beside it."""
    squeezed, no = re.sub(r"\W", "", one.sortable.lower()), one.participant
    cleaned = re.sub(r"""[&<>"'`|:\\/]""", "", one.full).replace("_", " ")  # as Moodle cleans a file's name
    if lms == "canvas":
        return [f"{squeezed}_{one.canvas}_{55000 + one.n}_lab-{one.n % 3}.ipynb"]
    if lms == "moodle":
        return [f"{cleaned}_{no}_assignsubmission_file/lab.ipynb"]
    if lms == "moodle-worksheet":
        return [f"{cleaned}_{no}_assignsubmission_file_lab.ipynb"]
    if lms == "blackboard":
        head = f"Dipping_into_PyTorch_{one.login}_attempt_2026-11-12-18-12-05"
        return [f"{head}_my_lab.ipynb", f"{head}.txt"]
    if lms == "brightspace":
        surname = one.family.replace("\\", "")
        folder = f"{70000 + one.n}-46025 - {one.number} {surname} - Nov 16, 2026 612 PM"
        return [f"{folder}/lab.ipynb"]
    return [f"{TITLE}/{one.sortable}({one.login})/Submission attachment(s)/lab.ipynb"]


def download(path: Path, lms: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        if lms == "brightspace":
            archive.writestr("index.html", "<html>")
        for one in PEOPLE:
            if status(one.n) is Status.MISSING:
                continue
            for name in names_of(one, lms):
                cell = {"cell_type": "code", "source": f"alpha = {one.n}", "metadata": {}, "outputs": []}
                notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
                archive.writestr(name, json.dumps(notebook) if name.endswith(".ipynb") else "There are no comments")
    return path


def run_from_download(folder: Path, lms: str) -> Record:
    """The download collected, matched to the class list and "graded": what was in a file tells its score."""
    (folder / "list.csv").write_bytes(FILES[ROSTERS.get(lms, lms)](NOTHING))
    found = collect([download(folder / "submissions.zip", lms)], names=("alpha",))
    entries = plan(found.submissions, read_roster(folder / "list.csv")).entries
    contents = {one.key: one.content for one in found.submissions}
    record = Record.open(folder / "grades.sqlite")
    record.start_run(RunInfo("Course", "lab", TITLE, 1, "strong", {}, QUESTIONS))
    record.plan(entries)
    for entry in entries:
        content = contents.get(entry.hand_in or entry.key) if entry.filename else None
        if content is None:
            record.save(Outcome(key=entry.key, status=Status.MISSING, max_score=POINTS, seed=1), None)
        else:
            n = int(json.loads(content)["cells"][0]["source"].removeprefix("alpha = "))
            record.save(outcome(n, entry.key, QUESTIONS), content)
    return record


def due_to(one: Somebody) -> str | None:
    """The grade that should arrive, of a run without late policy; None for nobody's."""
    return f"{raw(one.n)}" if status(one.n) in (Status.GRADED, Status.PARTIAL, None) else None
