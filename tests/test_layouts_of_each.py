"""What each LMS does besides: entries without files, teams, blind marking, dates; and any name comes through."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from downloads import (
    HANDED_IN,
    PEOPLE,
    SYSTEMS,
    american,
    blackboard,
    canvas,
    moodle,
    nbgrader,
    notebook,
    of,
    only,
    read,
    twelve_hours,
    unpacked,
    work,
    zipped,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.intake.collecting import collect
from autograder.intake.identity import IdKind
from autograder.intake.layouts import LAYOUTS, FileName

# --- what each LMS does besides


def test_canvas_takes_the_second_upload_of_a_file_for_the_newer_attempt(tmp_path: Path) -> None:
    files = {
        "studentada_9001_901_lab.ipynb": notebook("alpha = 1"),
        "studentada_9001_905_lab-1.ipynb": notebook("alpha = 2"),
        "studentben_9002_903_lab.ipynb": notebook("alpha = 3"),
    }  # fmt: skip
    ada = read(tmp_path, files).submissions[0]
    assert (ada.filename, [one.filename for one in ada.attempts]) == ("lab-1.ipynb", ["lab.ipynb", "lab-1.ipynb"])


def test_two_files_of_one_canvas_submission_are_no_two_attempts(tmp_path: Path) -> None:
    files = {
        "studentada_9001_901_lab.ipynb": notebook("alpha = 1"), "studentada_9001_905_extra.ipynb": notebook("x = 2"),
        "studentben_9002_903_lab.ipynb": notebook("alpha = 3"),
    }  # fmt: skip
    ada = read(tmp_path, files).submissions[0]
    assert (ada.filename, ada.attempts) == ("lab.ipynb", ())
    assert "Of 2 notebooks in one hand-in studentada_9001_901_lab.ipynb was graded" in ada.notes[0]


def test_an_archive_of_a_canvas_download_that_somebody_has_unpacked_stays_its_users(tmp_path: Path) -> None:
    files = {
        **canvas(), "zoestudent_8001_95000_work/my lab/lab.ipynb": notebook("alpha = 1"),
        "lab_1_2_old/lab.ipynb": notebook("alpha = 2"),
    }  # fmt: skip
    found = {one.filename: one for one in read(tmp_path, files).submissions}
    assert (found["work"].key, found["work"].ids, found["work"].layout) == ("8001", {IdKind.CANVAS: "8001"}, "canvas")
    assert found["lab.ipynb"].layout == ""


@pytest.mark.parametrize("what", ["text", "link"])
def test_a_canvas_entry_without_a_file_is_a_hand_in_unless_a_notebook_is_there(tmp_path: Path, what: str) -> None:
    mine = next(path for path in canvas() if "_9007_" in path).split("_9007_")[0]
    files = {**canvas(), f"zoestudent_LATE_8001_{what}.html": b"<p>x</p>", f"{mine}_9007_{what}.html": b"<p>x</p>"}
    collected = read(tmp_path, files)
    (zoe,) = [one for one in collected.submissions if one.key == "8001"]
    assert (zoe.content, zoe.late, zoe.ids, zoe.name) == (None, True, {IdKind.CANVAS: "8001"}, "zoestudent")
    assert zoe.sentence == f"There is nothing to read: a {what} entry on Canvas came in, and no notebook."
    (beside,) = [one for one in collected.left_out if one.source.endswith(f"_9007_{what}.html")]
    assert beside.expected and beside.reason == f"it is a {what} entry on Canvas"


def test_a_moodle_text_entry_is_part_of_the_download_and_alone_a_hand_in(tmp_path: Path) -> None:
    files = {
        **moodle(), "Zoe Student_4_assignsubmission_onlinetext/onlinetext.html": b"<p>x</p>",
        "Yan Student_5_assignsubmission_comments/comments.html": b"<p>x</p>",
    }  # fmt: skip
    collected = read(tmp_path, files)
    assert [(one.key, one.problem) for one in collected.submissions if one.content is None] == [
        ("4", "a text entry on Moodle (onlinetext) came in, and no notebook")
    ]
    assert sum(one.expected for one in collected.left_out) == len(HANDED_IN) + 1 == len(collected.left_out)


@pytest.mark.parametrize("name", SYSTEMS)
def test_who_handed_in_something_else_alone_has_handed_in_all_the_same(tmp_path: Path, name: str) -> None:
    """With the same key, ids, name and time as for a notebook; one file or several, packed or not."""
    system = SYSTEMS[name]
    honest = of(read(tmp_path, system.files), system)[0]
    mine = next(path for path, content in system.files.items() if content == work(PEOPLE[0]))
    files = {path: content for path, content in system.files.items() if path != mine}
    pdf, jpg = (mine.replace(".ipynb", ending) for ending in (".pdf", ".jpg"))
    for there, said in (
        ({pdf: b"%PDF"}, "was handed in, and it is no notebook (.ipynb) but a .pdf file"),
        ({pdf: b"%PDF", jpg: b"JFIF"}, "came in, and none of them is a notebook (.ipynb)"),
        ({mine.replace(".ipynb", ".zip"): zipped({"a/report.pdf": b"%PDF"})}, "holds no notebook, but report.pdf"),
        ({mine.replace(".ipynb", ".zip"): zipped({})}, "it is an archive that holds no notebook"),
    ):
        collected = read(tmp_path, {**files, **there})
        (one,) = [one for one in collected.submissions if one.content is None]
        assert (one.key, one.ids, one.name, one.layout) == (honest.key, honest.ids, honest.name, honest.layout)
        assert (one.handed_in, one.late, one.head) == (honest.handed_in, honest.late, honest.head)
        if name != "github":  # there a README.md beside it is the student's as well
            assert one.problem is not None and one.problem.endswith(said) and one.filename
        assert not [left for left in collected.left_out if left.source == one.source]


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_class_that_handed_in_no_notebook_at_all_has_handed_in(tmp_path: Path, name: str) -> None:
    if name == "github":
        pytest.skip("nothing but the notebooks tells siblings from other folders")
    system = SYSTEMS[name]
    collected = read(tmp_path, {path.replace(".ipynb", ".pdf"): content for path, content in system.files.items()})
    honest = read(tmp_path, system.files)
    assert {one.key: one.ids for one in collected.submissions} == {one.key: one.ids for one in honest.submissions}
    assert all(one.content is None and one.problem for one in collected.submissions)


def test_a_file_beside_a_notebook_stays_left_out_also_in_a_newer_attempt(tmp_path: Path) -> None:
    files = {
        "Lab_1_ada_attempt_2026-11-16-18-12-05_lab.ipynb": notebook("alpha = 1"),
        "Lab_1_ada_attempt_2026-11-17-18-12-05_report.pdf": b"%PDF",
        "Lab_1_ben_attempt_2026-11-16-18-12-05_lab.ipynb": notebook("alpha = 2"),
    }  # fmt: skip
    collected = read(tmp_path, files)
    assert [(one.key, one.content is None) for one in collected.submissions] == [("ada", False), ("ben", False)]
    assert [(left.source.rsplit("_", 1)[1], left.expected) for left in collected.left_out] == [("report.pdf", False)]


def test_moodles_blind_marking_names_nobody(tmp_path: Path) -> None:
    files = {f"Participant_{n}_assignsubmission_file/lab.ipynb": notebook(f"alpha = {n}") for n in (17, 18)}
    assert [(one.key, one.name) for one in read(tmp_path, files).submissions] == [("17", ""), ("18", "")]


def test_a_moodle_teams_name_and_folders_of_its_own_are_kept(tmp_path: Path) -> None:
    one = only(read(tmp_path, {"Team Ada_55_assignsubmission_file/src/deep/lab.ipynb": notebook("alpha = 1")}))
    assert (one.key, one.name, one.filename) == ("55", "Team Ada", "lab.ipynb")


def test_a_file_named_like_somebody_elses_hand_in_stays_its_students(tmp_path: Path) -> None:
    flat = {
        "Ada Student_17_assignsubmission_file_Ben Student_18_assignsubmission_file_lab.ipynb": notebook("alpha = 1"),
        "Ben Student_18_assignsubmission_file_lab.ipynb": notebook("alpha = 2"),
    }
    assert [(one.key, one.attempts) for one in read(tmp_path, flat).submissions] == [("17", ()), ("18", ())]


def test_blackboards_head_is_kept_for_the_roster_and_without_notes_what_all_begin_with_is_cut_off(
    tmp_path: Path,
) -> None:
    files = {path: content for path, content in blackboard().items() if not path.endswith(".txt")}
    found = of(read(tmp_path, files), SYSTEMS["blackboard"])
    assert {one.head for one in found.values()} == {f"Lab_1__part_2_{person.login}" for person in HANDED_IN}
    assert all(one.ids == {IdKind.LOGIN: PEOPLE[n].login} for n, one in found.items())


def test_of_one_blackboard_student_alone_the_note_tells_the_user_name_else_the_last_part_is_guessed(
    tmp_path: Path,
) -> None:
    start = "Lab_1_a_kim_7_attempt_2026-11-16-18-12-05"
    files = {f"{start}_lab.ipynb": notebook("alpha = 1")}
    assert only(read(tmp_path, files)).ids == {IdKind.LOGIN: "7"}
    named = {**files, f"{start}.txt": b"Name: Ada Student (a_kim_7)\r\nAssignment: Lab 1\r\n"}
    one = only(read(tmp_path, named))
    assert (one.key, one.name, one.head) == ("a_kim_7", "Ada Student", "Lab_1_a_kim_7")
    lies = {**files, f"{start}.txt": b"Name: Bob Student (bob)\r\n"}
    assert only(read(tmp_path, lies)).ids == {IdKind.LOGIN: "7"}


def test_a_blackboard_attempt_of_text_alone_is_a_hand_in(tmp_path: Path) -> None:
    files = {**blackboard(), "Lab_1__part_2_zoe_attempt_2026-11-16-18-12-05.txt": b"Name: Zoe Student (zoe)\n"}
    (zoe,) = [one for one in read(tmp_path, files).submissions if one.content is None]
    assert (zoe.key, zoe.name, str(zoe.handed_in)) == ("zoe", "Zoe Student", "2026-11-16 18:12:05")
    assert zoe.problem == "Blackboard's note on an attempt came in, and no notebook"


def test_a_sakai_or_nbgrader_hand_in_without_a_file_is_one(tmp_path: Path) -> None:
    for name, path in (
        ("sakai", "Lab 1/Student, Zoe(zoe)/Student, Zoe_submissionText.html"),
        ("nbgrader", "course/submitted/zoe/lab1/timestamp.txt"),
    ):
        collected = read(tmp_path, {**SYSTEMS[name].files, path: b"2026-11-16 18:12:05 UTC"})
        (zoe,) = [one for one in collected.submissions if one.content is None]
        assert (zoe.key, zoe.ids) == ("zoe", {IdKind.LOGIN: "zoe"})


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Nov 16, 2026 612 PM", (16, 18, 12)), ("November 16, 2026 1205 AM", (16, 0, 5)),
        ("05 March 2026 612 PM", (5, 18, 12)), ("16 Nov, 2026 1230 PM", (16, 12, 30)),
        ("16 nov. 2026 18h12", (16, 18, 12)), ("5 août 2026 0905", (5, 9, 5)), ("2026-11-16 1812", (16, 18, 12)),
        ("16. März 2026 1812", (16, 18, 12)),
        ("16 de dez. de 2026 905 AM", (16, 9, 5)), ("Nov 16, 2026 6.12 p.m.", (16, 18, 12)),
    ],
)  # fmt: skip
def test_brightspaces_dates_are_read_in_the_sites_language(tmp_path: Path, text: str, time: tuple[int, ...]) -> None:
    one = only(read(tmp_path, {f"2-3 - Ada Student - {text}/lab.ipynb": notebook("alpha = 1")}))
    assert one.handed_in is not None
    assert (one.handed_in.day, one.handed_in.hour, one.handed_in.minute) == time


@pytest.mark.parametrize("text", ["11-12-2026 612 PM", "Nov 31, 2026 612 PM", "yesterday", "Nov 16, 2026 1312 PM"])
def test_a_brightspace_date_that_could_be_another_is_none(tmp_path: Path, text: str) -> None:
    one = only(read(tmp_path, {f"2-3 - Ada Student - {text}/lab.ipynb": notebook("alpha = 1")}))
    assert (one.handed_in, one.key) == (None, "2")


def test_a_number_among_brightspaces_user_names_is_one_of_them(tmp_path: Path) -> None:
    files = {
        f"{n}-3 - {who} - Nov 16, 2026 612 PM/lab.ipynb": notebook("alpha = 1")
        for n, who in ((1, "astudent Ada Student"), (2, "0042 Ben Student"), (3, "cstudent2 Cy Student"))
    }
    ids = {one.key: one.ids for one in read(tmp_path, files).submissions}
    assert ids["2"] == {IdKind.BRIGHTSPACE: "2", IdKind.LOGIN: "0042"}


def test_a_name_that_begins_small_is_no_brightspace_user_name(tmp_path: Path) -> None:
    files = {
        f"{n}-3 - {who} - Nov 16, 2026 612 PM/lab.ipynb": notebook("alpha = 1")
        for n, who in ((1, "van der Student"), (2, "Ada Student"), (3, "ada Student"))
    }
    names = [one.name for one in read(tmp_path, files).submissions]
    assert names == ["van der Student", "Ada Student", "ada Student"]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        (b"20261116181205000", datetime(2026, 11, 16, 18, 12, 5, tzinfo=UTC)),
        (b"2026-11-16T18:12:05Z\n", datetime(2026, 11, 16, 18, 12, 5, tzinfo=UTC)),
        (b"\xef\xbb\xbf2026-11-16 18:12:05", datetime(2026, 11, 16, 18, 12, 5)),
        (b"Nov 16", None), (b"20261399181205000", None), (b"\xff\xff", None), (b"", None),
    ],
)  # fmt: skip
def test_sakais_time_is_read_where_it_is_one(tmp_path: Path, text: bytes, time: datetime | None) -> None:
    folder = "Lab/Student, Ada (x)(ada)"
    files = {f"{folder}/Submission attachment(s)/lab.ipynb": notebook("alpha = 1"), f"{folder}/timestamp.txt": text}
    one = only(read(tmp_path, files))
    assert (one.key, one.name, one.handed_in) == ("ada", "Student, Ada (x)", time)


def test_a_text_that_is_too_long_to_be_a_time_is_not_read(tmp_path: Path) -> None:
    folder = "Lab/Student, Ada(ada)"
    long = b"2026-11-16 18:12:05" + b" " * 70_000
    files = {f"{folder}/Submission attachment(s)/lab.ipynb": notebook("alpha = 1"), f"{folder}/timestamp.txt": long}
    collected = read(tmp_path, files)
    assert only(collected).handed_in is None and len(collected.left_out) == 1


def test_a_graded_file_that_sakai_gave_back_is_no_hand_in(tmp_path: Path) -> None:
    folder = "Lab/Student, Ada(ada)"
    files = {
        f"{folder}/Submission attachment(s)/lab.ipynb": notebook("alpha = 1"),
        f"{folder}/Feedback Attachment(s)/marked.ipynb": notebook("alpha = 2"),
    }
    collected = read(tmp_path, files)
    assert only(collected).filename == "lab.ipynb" and [one.expected for one in collected.left_out] == [True]


def test_of_nbgraders_other_assignments_the_one_with_the_names_is_graded(tmp_path: Path) -> None:
    files = nbgrader()
    for person in HANDED_IN:
        files[f"course/submitted/{person.login}/lab2/my lab.ipynb"] = notebook("beta = 1")
        files[f"course/submitted/{person.login}/lab2/timestamp.txt"] = b"2026-12-24 00:00:00 UTC"
    found = of(read(tmp_path, files), SYSTEMS["nbgrader"])
    assert {n: one.handed_in for n, one in found.items()} == {
        person.n: person.time.replace(tzinfo=UTC) for person in HANDED_IN
    }  # fmt: skip


def test_nbgraders_folder_may_be_named_itself(tmp_path: Path) -> None:
    unpacked(tmp_path, nbgrader())
    collected = collect([tmp_path / "course" / "submitted"], names=("alpha",))
    assert {one.key for one in collected.submissions} == {person.login for person in HANDED_IN}


METADATA = """---
submission_1:
  :submitters:
  - :name: Ada Student
    :sid: 0012
    :email: ada@example.edu
  - :name: Ben Student
    :sid: '0013'
  :created_at: 2026-11-16 18:12:05.000000000 Z
submission_2:
  :submitters:
  - :name: Ben Student
    :sid: '0013'
  - :name: Ada Student
    :sid: 0012
    :email: ada@example.edu
  :created_at: 2026-11-16 19:12:05.000000000 +02:00
submission_3:
  :submitters:
  - :name: Cem Student
    :email: cem@example.edu
  :created_at: !ruby/object:Time 2026-11-16 18:12:05 Z
"""


def test_a_gradescope_group_is_one_hand_in_with_all_its_members_and_the_newest_by_the_clock_counts(
    tmp_path: Path,
) -> None:
    files = {f"export/submission_{n}/lab.ipynb": notebook(f"alpha = {n}") for n in (1, 2, 3)}
    files["export/submission_metadata.yml"] = METADATA.encode()
    group, cem = sorted(read(tmp_path, files).submissions, key=lambda one: one.key)
    assert (group.key, group.group, group.content) == (
        "0012 & 0013", "Ada Student & Ben Student", notebook("alpha = 1"),
    )  # fmt: skip
    assert [(member.name, dict(member.ids)) for member in group.members] == [
        ("Ada Student", {IdKind.NUMBER: "0012", IdKind.EMAIL: "ada@example.edu"}),
        ("Ben Student", {IdKind.NUMBER: "0013"}),
    ]
    assert [one.content for one in group.attempts] == [notebook("alpha = 2"), notebook("alpha = 1")]
    assert (cem.key, cem.ids, cem.members, cem.group) == (
        "cem@example.edu", {IdKind.EMAIL: "cem@example.edu"}, (), "",
    )  # fmt: skip


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[" * 20_000, b"submission_1: 7", b"- 1", b"submission_1: {':submitters:': [x, {}]}", b"\xff"]
)
def test_gradescope_metadata_that_are_none_cost_nobody_their_hand_in_and_are_told(tmp_path: Path, text: bytes) -> None:
    files = {"assignment_3_export/submission_1/lab.ipynb": notebook("alpha = 1")}
    collected = read(tmp_path, {**files, "assignment_3_export/submission_metadata.yml": text})
    assert (only(collected).key, only(collected).ids) == ("1", {})
    assert any("nothing tells who handed them in" in note for note in collected.notes)


def test_clones_are_known_by_their_git_folder_and_logins_with_a_hyphen_keep_their_head(tmp_path: Path) -> None:
    for login in ("ada-x", "ben-x", "x-team"):
        folder = tmp_path / "class" / f"lab-1-{login}"
        unpacked(folder, {f"{login}.ipynb": notebook("alpha = 1"), ".git/config": b"[core]\n\thooksPath = ./hooks"})
    collected = collect([tmp_path / "class"], names=("alpha",))
    assert {one.head: one.ids[IdKind.GITHUB] for one in collected.submissions} == {
        f"lab-1-{login}": login for login in ("ada-x", "ben-x", "x-team")
    }
    one_by_one = collect(sorted((tmp_path / "class").iterdir()), names=("alpha",))
    assert [one.ids for one in one_by_one.submissions] == [one.ids for one in collected.submissions]


# --- any name


NAMES = (
    st.text(
        st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters='/\\:*?"<>|'),
        min_size=1,
        max_size=24,
    )
    .map(lambda text: unicodedata.normalize("NFC", " ".join(text.split())))
    .filter(lambda text: text.strip(". "))
)
NUMBERS = st.integers(100, 10**9).map(str)
LOGINS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+@-]{0,18}", fullmatch=True)


def entry(layout: str, path: str) -> FileName:
    found = LAYOUTS[layout].read(path)
    assert found is not None, path
    return found


@settings(derandomize=True, deadline=None, max_examples=150)
@given(name=NAMES, number=NUMBERS, file=NAMES, ending=st.sampled_from(("/", "_/", "_")))
def test_any_name_comes_through_moodle(name: str, number: str, file: str, ending: str) -> None:
    written = name.replace("_", " ")
    one = entry("moodle", f"class/{written}_{number}_assignsubmission_file{ending}{file}.ipynb")
    assert (one.student, one.name) == (number, "" if written == "Participant" else written)
    assert one.file == f"{file}.ipynb"


@settings(derandomize=True, deadline=None, max_examples=150)
@given(name=NAMES, user=NUMBERS, attachment=NUMBERS, late=st.booleans(), file=NAMES)
def test_any_name_comes_through_canvas(name: str, user: str, attachment: str, late: bool, file: str) -> None:
    short = "".join(char for char in name.lower() if char.isalnum())  # a "_" of the name is no mark of Canvas's own
    one = entry("canvas", f"{short}_{'LATE_' if late else ''}{user}_{attachment}_{file}.ipynb")
    assert (one.student, one.name, one.late, one.file) == (user, short, late, f"{file}.ipynb")


@settings(derandomize=True, deadline=None, max_examples=150)
@given(title=NAMES, login=LOGINS, file=NAMES, time=st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)))
def test_any_name_comes_through_blackboard(title: str, login: str, file: str, time: datetime) -> None:
    time = time.replace(microsecond=0)
    one = entry("blackboard", f"{title}_{login}_attempt_{time:%Y-%m-%d-%H-%M-%S}_{file}.ipynb")
    assert (one.head, one.when, one.file) == (f"{title}_{login}", time, f"{file}.ipynb")
    assert one.student == login or "_" in login


@settings(derandomize=True, deadline=None, max_examples=150)
@given(name=NAMES, user=NUMBERS, file=NAMES, time=st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)))
def test_any_name_comes_through_brightspace(name: str, user: str, file: str, time: datetime) -> None:
    time = time.replace(second=0, microsecond=0)
    one = entry("brightspace", f"{user}-46025 - {name} - {american(time)} {twelve_hours(time)}/{file}.ipynb")
    assert (one.student, one.name, one.when, one.file) == (user, name, time, f"{file}.ipynb")


@settings(derandomize=True, deadline=None, max_examples=150)
@given(family=NAMES, given_name=NAMES, eid=LOGINS, file=NAMES)
def test_any_name_comes_through_sakai(family: str, given_name: str, eid: str, file: str) -> None:
    one = entry("sakai", f"Lab/{family}, {given_name}({eid})/Submission attachment(s)/{file}.ipynb")
    assert (one.student, one.name, one.file) == (eid, f"{family}, {given_name}", f"{file}.ipynb")


@settings(derandomize=True, deadline=None, max_examples=150)
@given(student=NAMES, assignment=NAMES, file=NAMES)
def test_any_name_comes_through_nbgrader(student: str, assignment: str, file: str) -> None:
    one = entry("nbgrader", f"course/submitted/{student}/{assignment}/{file}.ipynb")
    assert (one.student, one.file) == (student, f"{file}.ipynb")
