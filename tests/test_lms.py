"""From an LMS's download to its gradebook and back, for a made-up course of awkward people; no notebook is run here.

Downloads are made, and exports read back, by rules of the tests' own: the reader under test is not used for either.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from autograder.engine.changing import adjust_run, forget_student
from autograder.engine.exporting import export_run
from autograder.engine.options import Options
from autograder.engine.planning import plan
from autograder.engine.running import write_class
from autograder.gradebook.template import read_template
from autograder.intake.collecting import Collected, collect
from autograder.intake.keys import file_safe
from autograder.intake.layouts import LAYOUTS, recognised
from autograder.people.roster import Roster, read_roster
from autograder.record.store import Record, RecordError, RunInfo
from autograder.results import Outcome, QuestionResult, Status

TITLE = "Dipping into PyTorch"
AWKWARD = (
    *("Student, Ada", "O'Student, Ben", 'Student "Cy", Cem', "Ştudent, Dilârâ", "Stüdent, Émile", "طالب, نور"),
    *("学生, 美", "Student 🙂, Fay", "Student, Gus", "Student, Gus", "=Student, Hal", "van der Student, Ida-Jo"),
)
PEOPLE = [AWKWARD[n] if n < len(AWKWARD) else f"Student{n}, Kim{n}" for n in range(44)]


def ident(n: int) -> str:
    return str(9000 + 7 * n)


def login(n: int) -> str:
    return f"{n:04}" if n % 3 else f"kim+{n}"  # leading zeros, plus signs


def email(n: int) -> str:
    return f"{login(n)}@example.edu"


def notebook(n: int) -> bytes:
    cell = {"cell_type": "code", "source": f"alpha = {n}", "metadata": {}, "outputs": []}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()


HANDED_IN = [n for n in range(44) if n % 11 != 5]  # four hand in nothing


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def canvas_download(path: Path) -> Path:
    files = {}
    for n in HANDED_IN:
        squeezed = re.sub(r"\W", "", PEOPLE[n].lower())
        late = "LATE_" if n % 5 == 0 else ""
        files[f"{squeezed}_{late}{ident(n)}_{55000 + n}_my lab-{n % 3}.ipynb"] = notebook(n)
    files[f"{re.sub(chr(92) + 'W', '', PEOPLE[0].lower())}_{ident(0)}_text.html"] = b"<p>See my file</p>"
    return zipped(path, files)


def moodle_download(path: Path) -> Path:
    files = {
        f"{PEOPLE[n].replace('_', ' ')}_{ident(n)}_assignsubmission_file_/lab.ipynb": notebook(n) for n in HANDED_IN
    }
    return zipped(path, files)


def moodle_flat(path: Path) -> Path:
    return zipped(path, {f"{PEOPLE[n]}_{ident(n)}_assignsubmission_file_lab.ipynb": notebook(n) for n in HANDED_IN})


def blackboard_download(path: Path) -> Path:
    files = {}
    for n in HANDED_IN:
        head = f"Dipping_into_PyTorch_{ident(n)}_attempt_2026-11-"
        files[f"{head}10-18-12-05_lab.ipynb"] = b"{}"  # an older attempt
        files[f"{head}12-18-12-05_lab.ipynb"] = notebook(n)
        files[f"{head}12-18-12-05.txt"] = b"There are no student comments for this assignment"
    return zipped(path, files)


def brightspace_download(path: Path) -> Path:
    files = {"index.html": b"<html>"}
    for n in HANDED_IN:
        files[f"{ident(n)}-46025 - Student{n} - Nov 9, 2026 1105 PM/lab.ipynb"] = b"{}"
        files[f"{ident(n)}-46025 - Student{n} - Nov 16, 2026 612 PM/lab.ipynb"] = notebook(n)
    return zipped(path, files)


def sakai_download(path: Path) -> Path:
    return zipped(
        path, {f"Lab/{PEOPLE[n]}({ident(n)})/Submission attachment(s)/lab.ipynb": notebook(n) for n in HANDED_IN}
    )


def nbgrader_download(path: Path) -> Path:
    return zipped(path, {f"course/submitted/{ident(n)}/lab/lab.ipynb": notebook(n) for n in HANDED_IN})


DOWNLOADS = {
    "canvas": canvas_download, "moodle": moodle_download, "moodle flat": moodle_flat, "blackboard": blackboard_download,
    "brightspace": brightspace_download, "sakai": sakai_download, "nbgrader": nbgrader_download,
}  # fmt: skip


@pytest.mark.parametrize("lms", DOWNLOADS)
def test_a_download_is_recognised_and_everybody_is_in_it_once(tmp_path: Path, lms: str) -> None:
    found = collect([DOWNLOADS[lms](tmp_path / "submissions.zip")], names=("alpha",))
    assert {one.key: one.content for one in found.submissions} == {ident(n): notebook(n) for n in HANDED_IN}
    assert any(f"read as a download of {lms.split()[0]}" in note for note in found.notes)
    if lms == "canvas":
        assert {one.key for one in found.submissions if one.late} == {ident(n) for n in HANDED_IN if n % 5 == 0}


@pytest.mark.parametrize("lms", ["moodle", "canvas"])
def test_an_unpacked_download_is_the_same(tmp_path: Path, lms: str) -> None:
    path = DOWNLOADS[lms](tmp_path / "submissions.zip")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "unpacked")
    found = collect([tmp_path / "unpacked"], names=("alpha",))
    assert {one.key for one in found.submissions} == {ident(n) for n in HANDED_IN}


def test_plain_names_are_no_download() -> None:
    assert recognised(["ada.ipynb", "ben_lab_2.ipynb", "week 3/cem.ipynb"]) is None
    assert all(layout.read("ada.ipynb") is None for layout in LAYOUTS.values())


def test_of_several_notebooks_in_one_moodle_folder_the_assignments_is_taken(tmp_path: Path) -> None:
    folder = "Ada Student_17_assignsubmission_file_"
    files = {f"{folder}/scratch.ipynb": notebook(1).replace(b"alpha", b"other"), f"{folder}/lab.ipynb": notebook(2)}
    found = collect([zipped(tmp_path / "class.zip", files)], names=("alpha",))
    (one,) = found.submissions
    assert (one.key, one.filename, one.content) == ("17", "lab.ipynb", notebook(2)) and one.notes


# --- gradebooks


def worksheet() -> bytes:
    out = io.StringIO()
    head = "Identifier,Full name,ID number,Email address,Status,Grade,Maximum grade,Grade can be changed,"
    out.write(head + "Last modified (submission),Last modified (grade),Feedback comments\n")
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for n, name in enumerate(PEOPLE):
        modified = "Monday, 16 November 2026, 6:12 PM"
        row = [f"Participant {ident(n)}", name, login(n), email(n), "Submitted", "", "20.00", "Yes", modified, "-", ""]
        writer.writerow(row)
    return out.getvalue().encode()


def score(n: int) -> float | None:
    """Two cannot be graded; the others get something with up to two decimals."""
    return None if n % 13 == 7 else round((n * 3.37) % 20, 2)


def graded(folder: Path, found: Collected, roster: Roster | None, title: str = TITLE, most: float = 20.0) -> Path:
    """A run whose outcomes are made up."""
    folder.mkdir()
    record = Record.open(folder / "grades.sqlite")
    record.start_run(RunInfo("Course", "lab", title, 1, "strong", {}, (("q1", "The question", most),)))
    planned = plan(found.submissions, roster).entries
    record.plan(planned)
    by_key = {one.key: one for one in found.submissions}
    for entry in planned:
        one = by_key.get(entry.hand_in or entry.key)
        value = score(int(json.loads(one.content)["cells"][0]["source"][8:])) if one and one.content else None
        if one is None:
            outcome = Outcome(key=entry.key, status=Status.MISSING, message="nothing", max_score=most, seed=1)
        elif value is None:
            outcome = Outcome(key=entry.key, status=Status.NOT_GRADABLE, message="no", max_score=most, seed=1)
        else:
            result = QuestionResult(id="q1", title="The question", score=value, points=most, tests=())
            outcome = Outcome(
                key=entry.key,
                status=Status.GRADED,
                score=value,
                max_score=most,
                seed=1,
                questions=(result,),
                message="",
            )
        record.save(outcome, one.content if one else None)
    record.close()
    return folder


def read_back(content: bytes, delimiter: str) -> list[list[str]]:
    text = content.decode("utf-16" if content.startswith(b"\xff\xfe") else "utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "sheet.csv").write_bytes(worksheet())
    found = collect([moodle_download(tmp_path / "moodle.zip")], names=("alpha",))
    return graded(tmp_path / "run", found, read_roster(tmp_path / "sheet.csv"))


def test_a_dry_run_writes_nothing_and_lists_the_changes(
    tmp_path: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_bytes(worksheet())
    code = export_run(run, "moodle-worksheet", tmp_path / "t.csv", tmp_path / "u.csv", Console(width=200), dry_run=True)
    told = capsys.readouterr().out
    assert code == 0 and not (tmp_path / "u.csv").exists()
    assert "Nothing was written" in told and f"{sum(score(n) is not None for n in HANDED_IN)} grades change" in told


def test_points_set_by_hand_are_told_survive_a_regrade_and_can_be_taken_back(tmp_path: Path) -> None:
    found = collect([moodle_download(tmp_path / "moodle.zip")], names=("alpha",))
    run = graded(tmp_path / "run", found, None)
    judged = score(1)
    assert adjust_run(run, ident(1), "q1", 19.5, "A valid reading = of the task") == f"{ident(1)}: {judged:g} -> 19.5"
    record = Record.open(run / "grades.sqlite", create=False)
    outcome = record.outcome(ident(1))
    assert outcome is not None and outcome.score == 19.5 and "A valid reading" in outcome.questions[0].note
    question = outcome.questions[0].model_copy(update={"score": 2.0, "note": ""})
    record.save(outcome.model_copy(update={"score": 2.0, "questions": (question,)}), b"again")  # graded anew
    assert [one.score for one in record.outcomes() if one.key == ident(1)] == [19.5]
    record.close()
    page = (run / "feedback" / f"{file_safe(ident(1))}.html").read_text()
    assert "19.5" in page and "A valid reading = of the task" in page
    assert adjust_run(run, ident(1), "q1", None, "") == f"{ident(1)}: 19.5 -> 2"
    for key, name, points, why in (
        ("nobody", "q1", 1, "x"),
        (ident(1), "q7", 1, "x"),
        (ident(1), "q1", 21, "x"),
        (ident(1), "q1", 1, " "),
    ):
        with pytest.raises(RecordError):
            adjust_run(run, key, name, points, why)


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(texts, min_size=3, max_size=3), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t"),
    ends=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    mark=st.booleans(),
    last=st.booleans(),
    new=st.lists(texts, min_size=6, max_size=6),
)
def test_cells_are_replaced_in_place_and_all_else_stays(
    tmp_path_factory: pytest.TempPathFactory, rows, delimiter, ends, quoting, mark, last, new
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ends, quoting=quoting)
    writer.writerows([["Name", "Key", "Grade"], *rows])
    text = out.getvalue() if last else out.getvalue().removesuffix(ends)
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_bytes((b"\xef\xbb\xbf" if mark else b"") + text.encode())
    template = read_template(path)
    assert template.filled() == path.read_bytes()
    for row in range(1, len(rows) + 1):
        template.set(row, 2, new[row - 1])
    again = read_back(template.filled(), delimiter)
    kept = [row for row in again if row]
    assert kept == [["Name", "Key", "Grade"], *[[*row[:2], new[place]] for place, row in enumerate(rows)]]


def test_a_forgotten_student_is_nowhere_any_more(tmp_path: Path) -> None:
    found = collect([moodle_download(tmp_path / "moodle.zip")], names=("alpha",))
    run = graded(tmp_path / "run", found, None)
    adjust_run(run, ident(1), "q1", 1, "SECRET-REASON")
    before = (run / "grades.sqlite").read_bytes()
    assert b"SECRET-REASON" in before and PEOPLE[1].encode() in before
    forget_student(run, ident(1))
    for path in run.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"SECRET-REASON" not in content and PEOPLE[1].encode() not in content, path
    assert not (run / "feedback" / f"{ident(1)}.html").exists()
    record = Record.open(run / "grades.sqlite", create=False)
    assert len(record.people()) == len(HANDED_IN) - 1
    record.close()
    with pytest.raises(RecordError, match="Nobody in this run"):
        forget_student(run, ident(1))


def test_what_a_person_should_look_at_is_listed_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_bytes(worksheet().replace(f"Participant {ident(3)}".encode(), b"Participant 5"))
    files = {f"{PEOPLE[n]}_{ident(n)}_assignsubmission_file_/lab.ipynb": notebook(n) for n in HANDED_IN}
    path = zipped(tmp_path / "class.zip", {**files, "readme.pdf": b"x"})
    found, roster = collect([path], names=("alpha",)), read_roster(tmp_path / "sheet.csv")
    run = graded(tmp_path / "run", found, roster)
    record = Record.open(run / "grades.sqlite", create=False)
    write_class(record, found, plan(found.submissions, roster), Options(run, 1, (path,)))
    record.close()
    rows = read_back((run / "problems.csv").read_bytes(), ",")[1:]
    kinds = {(row[0], row[1]) for row in rows}
    assert ("hand-in of nobody", ident(3)) in kinds and ("missing", "5") in kinds
    assert {key for kind, key in kinds if kind == "same name"} == {ident(8), ident(9)}
    assert {key for kind, key in kinds if kind == "not_gradable"} == {ident(n) for n in HANDED_IN if score(n) is None}
    assert any(row[0] == "left out" and "readme.pdf" in row[2] for row in rows)
    (nobody,) = [row for row in rows if row[0] == "hand-in of nobody"]
    assert "perhaps it is" in nobody[4] and "(5)" in nobody[4]
    assert all(row[4] for row in rows)
