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

from autograder.engine.exporting import export_run, return_feedback
from autograder.engine.planning import plan
from autograder.engine.problems import problems, write_problems
from autograder.engine.running import adjust_run, forget_student
from autograder.gradebook.export import KINDS, fill, write_filled
from autograder.gradebook.template import TemplateError, read_template
from autograder.intake.layouts import LAYOUTS, recognised
from autograder.intake.roster import Roster, read_roster
from autograder.intake.submissions import Collected, collect, file_safe
from autograder.judge.results import Outcome, QuestionResult, Status
from autograder.record.standing import standings
from autograder.record.store import Record, RecordError, RunInfo

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


def canvas_export() -> bytes:
    out = io.StringIO()
    out.write("Student,ID,SIS User ID,SIS Login ID,Section,Warm-up (410),Dipping into PyTorch (411),Final Score\r\n")
    out.write("    Points Possible,,,,,10,20,(read only)\r\n")
    writer = csv.writer(out)
    for n, name in enumerate(PEOPLE):
        old = "12.5" if n == 5 else ""
        shown = f'="{name}"' if name.startswith("=") else name
        writer.writerow([shown, ident(n), login(n), email(n), "Lab 1, Tue", f"{n % 10}.0", old, "55.10"])
    out.write('"Student, Test",99999,,abc,Lab 1,,,\r\n')
    return out.getvalue().encode()


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


def moodle_export() -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(
        ["First name", "Last name", "ID number", "Email address", f"Assignment: {TITLE} (Real)", "Course total"]
    )
    for n, name in enumerate(PEOPLE):
        writer.writerow([name.split(", ")[1], name.split(", ")[0], login(n), email(n), "-", "0.00"])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def blackboard_export() -> bytes:
    """Tabs, every field quoted, UTF-16 with its mark, as Blackboard's .xls is."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    grade = f"{TITLE} [Total Pts: 20 Score] |92372"
    writer.writerow(
        [
            "Last Name",
            "First Name",
            "Username",
            "Student ID",
            "Availability",
            grade,
            "Total [Total Pts: up to 20 Score] |7",
        ]
    )
    for n, name in enumerate(PEOPLE):
        old = "Needs Grading(8)" if n == 5 else ""
        writer.writerow([name, "Kim", ident(n), login(n), "Yes", old, ""])
    return b"\xff\xfe" + out.getvalue().encode("utf-16-le")


def brightspace_export() -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    grade = f"{TITLE} Points Grade <Numeric MaxPoints:20 Weight:5>"
    writer.writerow(["OrgDefinedId", "Username", grade, "Quiz Points Grade", "End-of-Line Indicator"])
    for n in range(len(PEOPLE)):
        writer.writerow([f"#{login(n)}", f"#user{n}", "", "3.50", "#"])
    return out.getvalue().encode()


def sakai_export() -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    writer.writerow(["Student ID", "Name", f"{TITLE} [20]", f"* {TITLE}", "# Notes"])
    for n, name in enumerate(PEOPLE):
        writer.writerow([login(n), name, "", "", "kept; as it is"])
    return out.getvalue().encode()


TEMPLATES = {
    "canvas": canvas_export, "moodle-worksheet": worksheet, "moodle": moodle_export, "blackboard": blackboard_export,
    "brightspace": brightspace_export, "sakai": sakai_export,
}  # fmt: skip


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


@pytest.mark.parametrize("to", TEMPLATES)
def test_every_grade_arrives_at_the_right_person_and_no_other_cell_has_changed(
    tmp_path: Path, run: Path, to: str
) -> None:
    if to == "canvas":
        (tmp_path / "book.csv").write_bytes(canvas_export())
        found = collect([canvas_download(tmp_path / "canvas.zip")], names=("alpha",))
        run = graded(tmp_path / "canvas-run", found, read_roster(tmp_path / "book.csv"))
    path = tmp_path / "template.csv"
    path.write_bytes(TEMPLATES[to]())
    record = Record.open(run / "grades.sqlite", create=False)
    filled = fill(record, to, path)
    write_filled(filled, tmp_path / "upload.csv")
    record.close()
    assert not filled.unplaced
    delimiter = {"moodle": ";", "sakai": ";", "blackboard": "\t"}.get(to, ",")
    before, after = (
        read_back(content, delimiter) for content in (path.read_bytes(), (tmp_path / "upload.csv").read_bytes())
    )
    column = {"canvas": 6, "moodle-worksheet": 5, "moodle": 4, "blackboard": 5, "brightspace": 2, "sakai": 2}[to]
    words = 10 if to == "moodle-worksheet" else None
    first = 2 if to == "canvas" else 1
    for n in range(len(PEOPLE)):
        old, new = before[first + n], after[first + n]
        expected = score(n) if n in HANDED_IN else None
        assert new[column] == (old[column] if expected is None else new[column])
        if expected is not None:
            assert float(new[column].replace(",", ".") if to == "sakai" else new[column]) == expected, PEOPLE[n]
        untouched = [place for place in range(len(old)) if place not in (column, words)]
        assert [old[place] for place in untouched] == [new[place] for place in untouched]
    assert len(before) == len(after) and before[:first] == after[:first]
    if to == "canvas":
        assert before[-1] == after[-1] and not (tmp_path / "upload.csv").read_bytes().startswith(b"\xef\xbb\xbf")
        assert after[2 + 5][6] == "12.5"  # an old grade of somebody without a result stays


def test_a_dry_run_writes_nothing_and_lists_the_changes(
    tmp_path: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_bytes(worksheet())
    code = export_run(
        run, "moodle-worksheet", tmp_path / "t.csv", tmp_path / "u.csv", None, True, False, Console(width=200)
    )
    told = capsys.readouterr().out
    assert code == 0 and not (tmp_path / "u.csv").exists()
    assert "Nothing was written" in told and f"{sum(score(n) is not None for n in HANDED_IN)} grades change" in told


@pytest.mark.parametrize("to", ["canvas", "moodle"])
def test_every_page_goes_back_under_its_students_name(tmp_path: Path, to: str) -> None:
    found = collect([DOWNLOADS[to](tmp_path / "submissions.zip")], names=("alpha",))
    run = graded(tmp_path / "run", found, None)
    (run / "feedback").mkdir()
    for one in found.submissions:
        (run / "feedback" / f"{file_safe(one.key)}.html").write_text(f"page of {one.key}")
    assert return_feedback(run, to, tmp_path / "back.zip", Console()) == 0
    arrived = {}
    with zipfile.ZipFile(tmp_path / "back.zip") as archive:
        for name in archive.namelist():
            parts = name.split("_")
            if to == "canvas":  # the first part of digits alone is the user, the second the attachment
                whose, attachment = [part for part in parts if part.isdecimal() and part.isascii()][:2]
                assert int(attachment) - 55000 == (int(whose) - 9000) // 7
            else:  # Full name_number_assignsubmission_file_name
                assert parts[2:4] == ["assignsubmission", "file"] and len(parts) == 5
                whose = parts[1]
            arrived[whose] = archive.read(name).decode()
    assert arrived == {ident(n): f"page of {ident(n)}" for n in HANDED_IN}


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


@pytest.mark.parametrize(
    ("to", "spoil", "said"),
    [
        ("canvas", lambda text: text.replace("Dipping into PyTorch (411)", "Another lab (411)"), "no column is called"),
        (
            "canvas",
            lambda text: text.replace("Points Possible,,,,,10,20", "Points Possible,,,,,10,25"),
            "25 points are",
        ),
        ("canvas", lambda text: text.replace(",9007,", ",9.007E+3,"), 'row 4: the id "9.007E+3" was spoilt'),
        ("canvas", lambda text: text[:-70], "saved in part"),
        ("canvas", lambda text: text[: text.index('"Lab 1, Tue"') + 5], "a quote is not closed"),
        ("canvas", lambda text: text.replace("Student,ID,", "Name,Number,", 1), "there is no column"),
        ("moodle-worksheet", lambda text: text.replace("20.00", "25.00"), "25.00 points are possible"),
        ("moodle-worksheet", lambda text: text.replace("Participant 9007", "Participant 9000"), "is in row 2 already"),
        ("moodle-worksheet", lambda text: "", "is empty"),
        ("moodle", lambda text: text.replace(TITLE, "Last year's"), "no column is called"),
    ],
)
def test_a_wrong_or_spoilt_template_is_refused_with_the_row(
    tmp_path: Path, run: Path, to: str, spoil, said: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(spoil(TEMPLATES[to]().decode("utf-8-sig")), newline="")
    record = Record.open(run / "grades.sqlite", create=False)
    with pytest.raises(TemplateError, match=re.escape(said)):
        fill(record, to, path)
    record.close()


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


def test_every_kind_has_a_template_here() -> None:
    assert set(KINDS) == set(TEMPLATES)


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
    assert len(record.planned()) == len(HANDED_IN) - 1
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
    write_problems(run / "problems.csv", problems(found, plan(found.submissions, roster), standings(record)))
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
