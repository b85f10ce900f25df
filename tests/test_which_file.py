"""Which of a student's files counts: by the LMS's own order, else a person's word, which no later run undoes; and who
handed in something else is not missing."""

from __future__ import annotations

import csv
import io
import sqlite3
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import notebook_bytes
from test_cli import COURSE_FILE, GRADER, call
from test_engine import FakeSlots, by_content

from autograder.engine import grading
from autograder.intake.notebook import Notebook, read_notebook

OLD, NEW, LATER = (notebook_bytes(f"answer = 42\nwhich = '{name}'") for name in ("old", "new", "later"))
CANVAS = "Student,ID,SIS User ID,SIS Login ID,Section,Tiny (77)\n    Points Possible,,,,,2\n" + "".join(
    f'"Student, {name}",{number},S{number},{name.lower()},A,\n'
    for number, name in enumerate(("Ada", "Ben", "Cyd", "Dee", "Eva"), 9001)
)


class Class:
    """A tiny course whose judge answers at once, and one run of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.run = folder, folder / "run"
        self.course = folder / "course"
        for name in ("tests/graders/tiny", "solutions/tiny"):
            (self.course / name).mkdir(parents=True)
        (self.course / "grading.yml").write_text(COURSE_FILE)
        (self.course / "tests/graders/tiny/test_q1.py").write_text(GRADER)
        (self.course / "solutions/tiny/tiny.ipynb").write_bytes(notebook_bytes("answer = 42"))
        (folder / "canvas.csv").write_text(CANVAS)

    def grade(self, files: Mapping[str, bytes], *options: object, name: str = "subs.zip", roster: bool = True) -> str:
        """Grade a zip of these files; what the command said."""
        (self.folder / name).write_bytes(packed(files))
        named = ("--roster", self.folder / "canvas.csv") if roster else ()
        result = call("grade", "--course", self.course, "--out", self.run, "--workers", 1, self.folder / name,
                      *named, *options)  # fmt: skip
        assert result.exit_code in (0, 1), result.output
        return result.output

    def match(self, *rows: str) -> tuple[str, Path]:
        (self.folder / "match.csv").write_text("\n".join(("hand_in,student", *rows)) + "\n")
        return ("--match", self.folder / "match.csv")

    def scores(self) -> dict[str, dict[str, str]]:
        with (self.run / "scores.csv").open(newline="", encoding="utf-8") as file:
            return {row["student"]: row for row in csv.DictReader(file)}

    def problems(self, kind: str) -> list[dict[str, str]]:
        with (self.run / "problems.csv").open(newline="", encoding="utf-8") as file:
            return [row for row in csv.DictReader(file) if row["kind"] == kind]

    def counts(self, student: str) -> bytes | None:
        """The bytes that the student's score is of."""
        with sqlite3.connect(self.run / "grades.sqlite") as record:
            return record.execute("select content from submission where key = ?", (student,)).fetchone()[0]


def packed(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Class:
    monkeypatch.setattr(grading, "Slots", lambda *_, **__: FakeSlots(by_content))
    return Class(tmp_path)


EVA = {"studenteva_9005_55001_lab.ipynb": OLD}  # two files of one user alone are no download
TWO = {**EVA, "studentada_9001_55012_lab.ipynb": OLD, "studentada_9001_55020_final.ipynb": NEW}
PACKED = {**EVA, "studentada_9001_55012_work.zip": packed({"a.ipynb": OLD, "b.ipynb": NEW})}


def test_of_two_files_of_one_canvas_submission_the_later_upload_counts(lab: Class) -> None:
    lab.grade(TWO)
    assert lab.counts("9001") == NEW


def test_a_file_that_says_less_of_the_lab_never_counts_for_being_newer(lab: Class) -> None:
    lab.grade({**TWO, "studentada_9001_55020_final.ipynb": notebook_bytes("x = 1")})
    assert lab.counts("9001") == OLD


def test_where_nothing_tells_the_student_has_a_row_that_says_so_and_how_to_decide(lab: Class) -> None:
    lab.grade(PACKED)
    row = lab.scores()["9001"]
    assert (row["status"], row["score"], row["flags"]) == ("not_gradable", "", "UNDECIDED")
    assert row["message"].startswith("Not graded yet: 2 notebooks may be the one that counts (a.ipynb, b.ipynb)")
    (found,) = lab.problems("undecided")
    lines = found["line for --match"].split(" or ")
    assert found["student"] == "9001" and len(lines) == 2
    lab.grade(PACKED, *lab.match(lines[1]))  # as it is written there
    assert lab.counts("9001") == NEW and lab.scores()["9001"]["status"] == "graded"


def test_notebooks_of_the_same_code_are_one(lab: Class) -> None:
    lab.grade({"studentada_9001_55012_work.zip": packed({"a.ipynb": OLD, "copy/a.ipynb": OLD + b"\n"})})
    assert lab.scores()["9001"]["status"] == "graded"


@pytest.mark.parametrize("first", [TWO, PACKED], ids=["two files", "one archive"])
def test_a_persons_choice_of_file_survives_every_later_run(lab: Class, first: dict[str, bytes]) -> None:
    file = "studentada_9001_55012_lab.ipynb" if first is TWO else "a.ipynb"
    lab.grade(first)
    lab.grade(first, *lab.match(f"{file},9001"))
    assert lab.counts("9001") == OLD
    lab.grade(first)
    assert lab.counts("9001") == OLD
    lab.grade(first, "--fresh")
    assert lab.counts("9001") == OLD
    lab.grade(first, roster=False)
    assert lab.counts("9001") == OLD
    more = {**first, "studentada_9001_56000_late.ipynb": LATER, "studentada_9001_56001_lab-1.ipynb": LATER}
    lab.grade(more, "--fresh")
    assert lab.counts("9001") == OLD
    lab.grade({"studentada_9001_56000_late.ipynb": LATER}, "--fresh", name="later.zip")  # the file itself is gone
    assert lab.counts("9001") == OLD
    (found,) = lab.problems("counts by decision")
    assert found["student"] == "9001" and found["what"] == (
        "it counts as a person decided, not studentada_9001_56000_late.ipynb"
    )
    lab.grade({"studentada_9001_56000_late.ipynb": LATER}, *lab.match(found["line for --match"]), name="later.zip")
    assert lab.counts("9001") in (OLD, LATER)


def test_a_choice_can_be_taken_back_by_another(lab: Class) -> None:
    lab.grade(TWO, *lab.match("studentada_9001_55012_lab.ipynb,9001"))
    lab.grade(TWO, *lab.match("studentada_9001_55020_final.ipynb,9001"))
    assert lab.counts("9001") == NEW
    lab.grade(TWO, "--fresh")
    assert lab.counts("9001") == NEW


def test_a_choice_needs_no_class_list_and_another_students_name_is_refused(lab: Class) -> None:
    lab.grade(TWO, *lab.match("studentada_9001_55012_lab.ipynb,"), roster=False)
    assert lab.counts("9001") == OLD
    result = call("grade", "--course", lab.course, "--out", lab.run, lab.folder / "subs.zip",
                  *lab.match("studentada_9001_55012_lab.ipynb,9002"))  # fmt: skip
    assert result.exit_code == 2 and "--roster" in result.stderr


def test_an_older_attempt_counts_if_a_person_says_so(lab: Class) -> None:
    start = "Lab_1_ada_attempt_2026-11-1"
    files = {f"{start}6-18-12-05_lab.ipynb": OLD, f"{start}7-18-12-05_lab.ipynb": NEW}
    lab.grade(files)
    assert lab.counts("9001") == NEW
    lab.grade(files, *lab.match(f"{start}6-18-12-05_lab.ipynb,9001"))
    assert lab.counts("9001") == OLD
    lab.grade({f"{start}7-18-12-05_lab.ipynb": NEW, f"{start}8-18-12-05_lab.ipynb": LATER}, "--fresh")
    assert lab.counts("9001") == OLD


def test_a_choice_among_a_teams_files_leaves_it_the_teams(lab: Class) -> None:
    (lab.folder / "groups.csv").write_text("group,student\nBlue,9001\nBlue,9002\n")
    groups = ("--groups", lab.folder / "groups.csv")
    files = {**EVA, "blue_9001_55012_lab.ipynb": OLD, "blue_9001_55020_final.ipynb": NEW}
    lab.grade(files, *groups)
    assert [lab.counts(key) for key in ("9001", "9002")] == [NEW, NEW]
    lab.grade(files, *groups, *lab.match("blue_9001_55012_lab.ipynb,9001"))
    lab.grade(files, *groups, "--fresh")
    assert [lab.counts(key) for key in ("9001", "9002")] == [OLD, OLD]


def test_two_plain_files_of_one_student_are_undecided_until_one_is_named(lab: Class) -> None:
    files = {"monday/ada/lab.ipynb": OLD, "tuesday/ada/final.ipynb": NEW, "monday/ben/lab.ipynb": OLD}
    lab.grade(files)
    assert lab.scores()["9001"]["flags"] == "UNDECIDED" and lab.scores()["9002"]["status"] == "graded"
    lab.grade(files, *lab.match(f"{lab.folder}/subs.zip: tuesday/ada/final.ipynb,9001"))
    assert lab.counts("9001") == NEW
    lab.grade(files, "--fresh")
    assert lab.counts("9001") == NEW


# --- what is no notebook


def test_who_handed_in_something_else_is_not_missing_has_a_page_and_gets_it_back(lab: Class) -> None:
    files = {
        "studentada_9001_55012_lab.ipynb": OLD,
        "studentben_9002_55013_report.pdf": b"%PDF",
        "studentcyd_LATE_9003_55014_a.jpg": b"JFIF",
        "studentcyd_LATE_9003_55015_b.docx": b"PK",
        "studentdee_9004_55016_work.zip": packed({}),
    }
    lab.grade(files)
    rows = lab.scores()
    assert {key: row["status"] for key, row in rows.items()} == {
        "9001": "graded", "9002": "not_gradable", "9003": "not_gradable", "9004": "not_gradable", "9005": "missing",
    }  # fmt: skip
    assert rows["9002"]["name"] == "Student, Ben" and "report.pdf was handed in" in rows["9002"]["message"]
    assert "a.jpg, b.docx came in, and none of them is a notebook" in rows["9003"]["message"]
    assert (lab.run / "feedback" / "9002.html").is_file() and not lab.problems("left out")
    assert call("feedback", lab.run, "--to", "canvas", "-o", lab.folder / "back.zip").exit_code == 0
    with zipfile.ZipFile(lab.folder / "back.zip") as archive:
        assert archive.namelist() == [
            "studentada_9001_55012_lab.html", "studentben_9002_55013_report.html",
            "studentcyd_LATE_9003_55015_b.html", "studentdee_9004_55016_work.html",
        ]  # fmt: skip


def test_missing_is_nought_is_not_said_of_who_handed_in_something_else(lab: Class) -> None:
    text = (lab.course / "grading.yml").read_text()
    (lab.course / "grading.yml").write_text(f"{text}    gradebook:\n      missing: zero\n")
    lab.grade({"studentada_9001_55012_lab.ipynb": OLD, "studentben_9002_55013_report.pdf": b"%PDF"})
    out = lab.folder / "out.csv"
    result = call("export", lab.run, "--to", "canvas", "--template", lab.folder / "canvas.csv", "-o", out)
    assert result.exit_code == 0, result.output
    cells = {row[1]: row[5] for row in csv.reader(out.read_text().splitlines()[2:])}
    assert cells == {"9001": "2", "9002": "", "9003": "0", "9004": "0", "9005": "0"}


def test_after_adjust_the_sentence_is_true_of_what_is_left(lab: Class) -> None:
    lab.grade({"studentada_9001_55012_lab.ipynb": OLD, "studentben_9002_55013_report.pdf": b"%PDF"})
    assert call("adjust", lab.run, "9002", "q1", 1, "--why", "marked on paper").exit_code == 0
    row = lab.scores()["9002"]
    assert (row["status"], row["score"], row["message"]) == ("graded", "1", "Marked by hand.")
    assert "report.pdf" not in (lab.run / "feedback" / "9002.html").read_text().partition("<body")[2].split("q1")[0]
    assert call("adjust", lab.run, "9002", "q1", "--undo").exit_code == 0
    assert "report.pdf was handed in" in lab.scores()["9002"]["message"]


def test_a_notebook_that_comes_later_takes_the_place_of_a_pdf(lab: Class) -> None:
    lab.grade({"studentada_9001_55012_lab.ipynb": OLD, "studentben_9002_55013_report.pdf": b"%PDF"})
    lab.grade({"studentben_9002_56013_lab.ipynb": NEW}, name="later.zip")
    assert lab.counts("9002") == NEW and lab.scores()["9001"]["status"] == "graded"


def test_in_a_plain_folder_a_file_is_a_hand_in_if_a_student_or_their_folder_is_called_so(lab: Class) -> None:
    files = {
        "ada.ipynb": OLD, "ada.pdf": b"%PDF", "ben.pdf": b"%PDF", "cyd/photo.jpg": b"JFIF", "cyd/notes.txt": b"x",
        "syllabus.pdf": b"%PDF",
    }  # fmt: skip
    lab.grade(files)
    rows = lab.scores()
    assert {key: row["status"] for key, row in rows.items()} == {
        "9001": "graded", "9002": "not_gradable", "9003": "not_gradable", "9004": "missing", "9005": "missing",
    }  # fmt: skip
    assert "ben.pdf was handed in" in rows["9002"]["message"] and "photo.jpg, notes.txt" in rows["9003"]["message"]
    left = {row["file"].rpartition(": ")[2] for row in lab.problems("left out")}
    assert {"ada.pdf", "syllabus.pdf"} <= left and "ben.pdf" not in left


def test_the_notebooks_of_these_tests_differ_in_their_code() -> None:
    codes = [read_notebook(content, ("answer",)) for content in (OLD, NEW, LATER)]
    assert all(isinstance(one, Notebook) for one in codes)
    assert len({tuple(one.code) for one in codes if isinstance(one, Notebook)}) == 3
