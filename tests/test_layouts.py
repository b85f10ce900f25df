"""Every LMS's download brings each hand-in under its student's ids, whatever lies about it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from downloads import (
    HANDED_IN,
    PEOPLE,
    SYSTEMS,
    canvas,
    download,
    moodle,
    notebook,
    of,
    only,
    read,
    unpacked,
    work,
    zipped,
)

from autograder.intake.collecting import Collected, collect
from autograder.intake.faults import IntakeError
from autograder.intake.layouts import LAYOUTS, recognised


@pytest.mark.parametrize("name", SYSTEMS)
def test_everybodys_hand_in_has_their_ids_name_time_and_attempts(tmp_path: Path, name: str) -> None:
    system = SYSTEMS[name]
    collected = read(tmp_path, system.files)
    assert len(collected.submissions) == len(HANDED_IN)
    found = of(collected, system)
    for person in HANDED_IN:
        one = found[person.n]
        assert one.content == work(person, person.n % 3 if system.attempts else 0)
        assert (one.layout, one.ids, one.name) == (system.layout, system.ids(person), system.name(person))
        time = person.time.replace(tzinfo=system.zone) if system.has_time else None
        if time is not None and not system.seconds:
            time = time.replace(second=0)
        said = one.handed_in.replace(microsecond=0) if one.handed_in else None
        assert said == time and (said is None) == (time is None)
        assert (said.tzinfo if said else None) == (time.tzinfo if time else None)
        assert one.late == (system.late and person.n % 5 == 0)
        assert one.filename in ("my lab.ipynb", "my_lab.ipynb")
        contents = [attempt.content for attempt in one.attempts]
        several = system.attempts and person.n % 3
        assert contents == ([work(person, number) for number in range(1 + person.n % 3)] if several else [])


@pytest.mark.parametrize("name", SYSTEMS)
def test_noise_around_a_download_changes_nobody(tmp_path: Path, name: str) -> None:
    """Unpacked by a Mac into a folder, one more above, with what lies about there."""
    files = {
        f"week 3/downloads/{unicodedata.normalize('NFD', path)}": text for path, text in SYSTEMS[name].files.items()
    }
    noise = {
        "week 3/downloads/__MACOSX/._x.ipynb": b"x", "week 3/.DS_Store": b"x", "week 3/downloads/rubric.pdf": b"%PDF",
        "week 3/readme.txt": b"x", "week 3/downloads/.ipynb_checkpoints/a-checkpoint.ipynb": b"x",
    }  # fmt: skip
    clean = read(tmp_path, SYSTEMS[name].files)
    noisy = collect([unpacked(tmp_path / "class", {**files, **noise})], names=("alpha",))
    facts = [(one.key, one.ids, one.name, one.handed_in, one.late, one.content) for one in clean.submissions]
    assert [(one.key, one.ids, one.name, one.handed_in, one.late, one.content) for one in noisy.submissions] == facts
    left = {Path(one.source).name for one in noisy.left_out if not one.expected}
    assert {"rubric.pdf", "readme.txt"} <= left and left <= {"rubric.pdf", "readme.txt", "README.md"}


@pytest.mark.parametrize("other", SYSTEMS)
@pytest.mark.parametrize("name", ["canvas", "moodle, flat", "github"])
def test_two_downloads_at_once_are_both_read(tmp_path: Path, name: str, other: str) -> None:
    if SYSTEMS[name].layout == SYSTEMS[other].layout:
        pytest.skip("two of one LMS are another matter")
    folder = tmp_path / "both"
    folder.mkdir()
    download(folder, SYSTEMS[name].files, "one.zip")
    unpacked(folder / "other", SYSTEMS[other].files)
    (folder / "mine.ipynb").write_bytes(notebook("alpha = 99"))
    collected = collect([folder], names=("alpha",))
    counts = {layout: sum(one.layout == layout for one in collected.submissions) for layout in (*LAYOUTS, "")}
    assert counts[SYSTEMS[name].layout] == counts[SYSTEMS[other].layout] == len(HANDED_IN)
    assert counts[""] == 1


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_download_in_one_more_archive_is_the_same(tmp_path: Path, name: str) -> None:
    outer = download(tmp_path, {"submissions.zip": zipped(SYSTEMS[name].files)}, "mail.zip")
    found = of(collect([outer], names=("alpha",)), SYSTEMS[name])
    assert {n: one.ids for n, one in found.items()} == {
        person.n: SYSTEMS[name].ids(person) for person in HANDED_IN
    }  # fmt: skip


INSIDE = {
    "canvas": "bobstudent_9007_99999999_lab.ipynb",
    "moodle": "Bob Student_9007_assignsubmission_file/lab.ipynb",
    "blackboard": "Lab_1__part_2_kim_1_attempt_2027-01-01-00-00-00_lab.ipynb",
    "sakai": "Lab 1/Student, Bob(kim_1)/Submission attachment(s)/lab.ipynb",
    "brightspace": "9007-46025 - Bob - Jan 1, 2027 100 PM/lab.ipynb",
    "gradescope": "assignment_31_export/submission_7015/lab.ipynb",
    "nbgrader": "submitted/kim_1/lab1/lab.ipynb",
}


@pytest.mark.parametrize("name", ["canvas", "moodle, flat", "moodle, folders", "blackboard", "sakai", "gradescope"])
@pytest.mark.parametrize("fake", INSIDE)
def test_what_a_student_packs_cannot_pass_for_another_students(tmp_path: Path, name: str, fake: str) -> None:
    """Ada's archive holds files named as an LMS would name Bob's, and others'."""
    mine = next(path for path in SYSTEMS[name].files if SYSTEMS[name].files[path] == work(PEOPLE[0]))
    theft = {INSIDE[fake]: notebook("alpha = 666"), INSIDE[fake].replace("9007", "9014"): notebook("alpha = 667")}
    files = {path: content for path, content in SYSTEMS[name].files.items() if path != mine}
    files[mine.replace(".ipynb", ".zip")] = zipped(theft)
    collected = read(tmp_path, files)
    honest = of(read(tmp_path, SYSTEMS[name].files), SYSTEMS[name])
    stolen = [one for one in collected.submissions if any(b"alpha = 66" in (file.content or b"") for file in one.files)]
    assert [one.ids for one in stolen] == [honest[0].ids]
    found = of(Collected(tuple(one for one in collected.submissions if one not in stolen), ()), SYSTEMS[name])
    assert {n: one.content for n, one in found.items()} == {n: one.content for n, one in honest.items() if n}
    assert all(not one.attempts or len(one.attempts) == 1 + n % 3 for n, one in found.items())


# --- what is no download


PLAIN_CLASSES = {
    "weeks": {f"lab_1_2_{name}.ipynb": notebook(f"alpha = '{name}'") for name in ("ada", "ben", "cem")},
    "dates": {f"lab_2026_1116_{name}.ipynb": notebook(f"alpha = '{name}'") for name in ("ada", "ben", "cem")},
    "days": {f"lab_2026_111{n}_final.ipynb": notebook(f"alpha = {n}") for n in range(3)},
    "versions": {f"Ada Student_{n}_{n + 1}_lab.ipynb": notebook(f"alpha = {n}") for n in range(3)},
    "submitted": {f"submitted/tuesday/{name}/{name}.ipynb": notebook(f"alpha = '{name}'") for name in ("ada", "ben")},
    "hyphens": {f"{name}/{name}.ipynb": notebook(f"alpha = '{name}'") for name in ("jo-ann", "jo-ben", "jo-cy")},
    "folders": {f"{name}/lab.ipynb": notebook(f"alpha = '{name}'") for name in ("ada-student", "ben-student")},
}


@pytest.mark.parametrize("name", PLAIN_CLASSES)
def test_a_class_with_names_of_its_own_is_not_taken_for_a_download(tmp_path: Path, name: str) -> None:
    collected = read(tmp_path, PLAIN_CLASSES[name])
    assert len(collected.submissions) == len(PLAIN_CLASSES[name])
    assert not any(one.layout or one.attempts for one in collected.submissions)


def test_one_file_that_somebody_renamed_does_not_hide_a_canvas_download(tmp_path: Path) -> None:
    names = [f"student{n}kim_{9000 + n}_{5500 + n}_lab.ipynb" for n in range(4)]
    odd = "Student Ada 🙂_9009_5509_lab.ipynb"
    found = read(tmp_path, {name: notebook(f"alpha = '{name}'") for name in (*names, odd)})
    assert {one.key for one in found.submissions} == {"9000", "9001", "9002", "9003", "9009"}


def test_plain_names_are_recognised_as_nobodys() -> None:
    assert recognised(["ada.ipynb", "ben_lab_2.ipynb", "week 3/cem.ipynb"]) is None


def test_a_file_of_another_lms_among_a_classs_stays_with_the_student_who_handed_it_in(tmp_path: Path) -> None:
    other = "Lab_1_bob_attempt_2026-11-16-18-12-05_lab.ipynb"
    files = {**canvas(), f"zoestudent_8001_77001_{other}": notebook("alpha = 1")}
    collected = read(tmp_path, files)
    assert {one.layout for one in collected.submissions} == {"canvas"}
    assert [one.filename for one in collected.submissions if one.key == "8001"] == [other]


@pytest.mark.parametrize("name", ["canvas", "blackboard", "nbgrader", "github"])
@pytest.mark.parametrize("forced", ["moodle", "sakai", "nbgrader", "canvas"])
def test_a_forced_layout_that_is_anothers_is_refused_with_the_right_one(tmp_path: Path, name: str, forced: str) -> None:
    if forced == name:
        pytest.skip("that is the right one")
    with pytest.raises(
        IntakeError, match=rf"\d+ of \d+ files are named as {forced} names .*named as {name} names files"
    ):
        read(tmp_path, SYSTEMS[name].files, layout=forced)


def test_a_forced_layout_of_plain_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match="Leave --layout out"):
        read(tmp_path, {"ada.ipynb": notebook("alpha = 1")}, layout="canvas")


def test_a_forced_layout_reads_what_would_not_be_recognised_and_plain_nothing(tmp_path: Path) -> None:
    files = {"lab_1_2_ada.ipynb": notebook("alpha = 1")}
    assert only(read(tmp_path, files)).key == "lab_1_2_ada"
    assert only(read(tmp_path, files, layout="canvas")).key == "1"
    assert not any(one.layout for one in read(tmp_path, moodle(), layout="plain").submissions)
