"""Whatever form a class is downloaded in, every hand-in is collected once, under a key of its own."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.intake import archive
from autograder.intake.archive import Budget
from autograder.intake.collecting import Collected, collect
from autograder.intake.faults import IntakeError
from autograder.intake.keys import file_safe


def put(root: Path, path: str, content: str = "{}") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return stream.getvalue()


def zip_file(folder: Path, *entries: tuple[str | zipfile.ZipInfo, bytes | str], name: str = "class.zip") -> Path:
    path = folder / name
    path.write_bytes(zipped(*entries))
    return path


def keys(collected: Collected) -> list[str]:
    return [submission.key for submission in collected.submissions]


def problems(collected: Collected) -> dict[str, str | None]:
    return {submission.key: submission.problem for submission in collected.submissions}


# Folders


def test_in_a_folder_the_files_stem_is_the_key(tmp_path: Path) -> None:
    put(tmp_path, "ada.ipynb", "A")
    put(tmp_path, "week 3/Student, Ben.ipynb", "B")
    collected = collect([tmp_path])
    assert [(each.key, each.content, each.filename) for each in collected.submissions] == [
        ("Student, Ben", b"B", "Student, Ben.ipynb"),
        ("ada", b"A", "ada.ipynb"),
    ]
    assert (collected.left_out, collected.notes) == ((), ())


def test_a_browsers_second_ending_is_not_part_of_the_key(tmp_path: Path) -> None:
    for name in ("a.ipynb.txt", "b.ipynb.json", "c.IPYNB"):
        put(tmp_path, name)
    assert keys(collect([tmp_path])) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "path",
    [".ipynb_checkpoints/a-checkpoint.ipynb", "__MACOSX/a.ipynb", "x/._a.ipynb", ".git/a.ipynb",
     ".DS_Store", "Thumbs.db"],
)  # fmt: skip
def test_clutter_is_passed_over_in_folders_and_zips(tmp_path: Path, path: str) -> None:
    put(tmp_path, f"class/{path}")
    zip_file(tmp_path / "class", (path, "{}"), ("ada.ipynb", "{}"))
    collected = collect([tmp_path / "class"])
    assert keys(collected) == ["ada"]
    assert collected.left_out == ()


def test_a_named_folder_may_lie_in_a_hidden_one(tmp_path: Path) -> None:
    put(tmp_path, ".cache/class/ada.ipynb")
    assert keys(collect([tmp_path / ".cache" / "class"])) == ["ada"]


def test_what_is_no_notebook_is_listed_with_the_reason(tmp_path: Path) -> None:
    put(tmp_path, "ada.pdf")
    put(tmp_path, "README")
    reasons = [left.reason for left in collect([tmp_path]).left_out]
    assert reasons == ["it is no notebook (.ipynb)", "it is no notebook (.ipynb) but a .pdf file"]


def test_two_files_of_one_name_get_their_paths_as_keys_and_a_note(tmp_path: Path) -> None:
    for path in ("ada/lab.ipynb", "ben/lab.ipynb", "cem.ipynb"):
        put(tmp_path, path, path)
    collected = collect([tmp_path])
    assert {each.key: each.content for each in collected.submissions} == {
        "ada/lab": b"ada/lab.ipynb",
        "ben/lab": b"ben/lab.ipynb",
        "cem": b"cem.ipynb",
    }
    assert [note.split('"')[1::2] for note in collected.notes] == [["lab", "ada/lab"], ["lab", "ben/lab"]]


def test_names_that_differ_in_letter_case_alone_are_told_apart_by_path(tmp_path: Path) -> None:
    put(tmp_path, "a/Ada.ipynb")
    put(tmp_path, "b/ada.ipynb")
    assert keys(collect([tmp_path])) == ["a/Ada", "b/ada"]


def test_equal_paths_in_two_folders_are_told_apart_by_the_folder(tmp_path: Path) -> None:
    for folder in ("monday", "tuesday"):
        put(tmp_path, f"{folder}/lab.ipynb")
    assert keys(collect([tmp_path / "tuesday", tmp_path / "monday"])) == ["monday/lab", "tuesday/lab"]


def test_equal_names_that_no_path_tells_apart_are_numbered(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        put(tmp_path, f"{folder}/class/lab.ipynb", folder)
    collected = collect([tmp_path / "a" / "class", tmp_path / "b" / "class"])
    assert sorted(each.content or b"" for each in collected.submissions) == [b"a", b"b"]
    assert keys(collected) == ["class/lab", "class/lab (2)"]


def test_a_file_named_twice_is_collected_once(tmp_path: Path) -> None:
    file = put(tmp_path, "ada.ipynb")
    collected = collect([tmp_path, file])
    assert keys(collected) == ["ada"]


def test_the_order_of_the_paths_does_not_matter(tmp_path: Path) -> None:
    paths = [put(tmp_path, f"{name}/lab.ipynb", name).parent for name in "dcab"]
    assert collect(paths) == collect(paths[::-1])


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    secret = put(tmp_path, "solutions/lab.ipynb", "secret")
    handed_in = tmp_path / "class"
    handed_in.mkdir()
    (handed_in / "ada.ipynb").symlink_to(secret)
    (handed_in / "more").symlink_to(secret.parent)
    collected = collect([handed_in])
    assert [(each.key, each.content) for each in collected.submissions] == [("ada", None)]
    assert "link" in str(collected.submissions[0].problem)
    assert [left.source.rsplit("/")[-1] for left in collected.left_out] == ["more"]


def test_what_is_no_ordinary_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ada.ipynb")
    assert problems(collect([tmp_path])) == {"ada": "it is no ordinary file"}


def test_a_missing_path_is_told_with_its_near_neighbour(tmp_path: Path) -> None:
    put(tmp_path, "submissions/ada.ipynb")
    with pytest.raises(IntakeError, match='did you mean "submissions"'):
        collect([tmp_path / "submisions"])


def test_a_file_that_is_too_large_is_a_problem_of_that_file_alone(tmp_path: Path) -> None:
    put(tmp_path, "ada.ipynb", "x" * 101)
    put(tmp_path, "ben.ipynb", "x" * 100)
    found = problems(collect([tmp_path], Budget(member_bytes=100)))
    assert found["ben"] is None
    assert "larger than" in str(found["ada"])


def test_a_name_that_is_not_utf_8_becomes_a_key_that_is(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"ad\xe9.ipynb")).write_text("{}")
    assert keys(collect([tmp_path])) == ["ad\ufffd"]


def test_decomposed_accents_become_composed(tmp_path: Path) -> None:
    put(tmp_path, unicodedata.normalize("NFD", "zoë.ipynb"))
    assert keys(collect([tmp_path])) == ["zoë"]


# Zips


def test_a_zip_counts_as_a_folder(tmp_path: Path) -> None:
    path = zip_file(tmp_path, ("one/lab.ipynb", "1"), ("two/lab.ipynb", "2"), ("two/notes.txt", "x"))
    collected = collect([path])
    assert {each.key: each.content for each in collected.submissions} == {"one/lab": b"1", "two/lab": b"2"}
    assert [left.source.split(": ")[-1] for left in collected.left_out] == ["two/notes.txt"]


def test_a_zip_among_the_files_is_opened(tmp_path: Path) -> None:
    put(tmp_path, "ada.ipynb")
    zip_file(tmp_path, ("ben.ipynb", "{}"))
    assert keys(collect([tmp_path])) == ["ada", "ben"]


def test_students_zips_in_the_classs_zip_are_opened(tmp_path: Path) -> None:
    path = zip_file(tmp_path, ("ada.zip", zipped(("lab.ipynb", "A"))), ("ben.zip", zipped(("lab.ipynb", "B"))))
    assert {each.key: each.content for each in collect([path]).submissions} == {"ada": b"A", "ben": b"B"}


def test_a_students_zip_without_a_notebook_is_a_hand_in_with_a_problem(tmp_path: Path) -> None:
    path = zip_file(tmp_path, ("ada.zip", zipped(("lab.pdf", "A"))), ("ben.zip", "no zip"), ("cem.ipynb", "C"))
    assert problems(collect([path])) == {
        "ada": "it is an archive that holds no notebook, but lab.pdf",
        "ben": "it is no zip or tar archive but plain text",
        "cem": None,
    }


def test_zips_are_not_opened_without_end(tmp_path: Path) -> None:
    content = zipped(("lab.ipynb", "{}"))
    for _ in range(5):
        content = zipped(("ada.zip", content))
    (tmp_path / "class.zip").write_bytes(content)
    assert problems(collect([tmp_path / "class.zip"])) == {"ada": "it is an archive within 3 others; unpack it"}


def with_mode(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/bad.ipynb", "points outside the archive"),
        ("\\\\server\\bad.ipynb", "points outside the archive"),
        ("a/../../bad.ipynb", "climbs out of the archive"),
        ("..\\bad.ipynb", "climbs out of the archive"),
        ("C:\\bad.ipynb", "is that of a drive"),
        (with_mode("bad.ipynb", stat.S_IFLNK | 0o777), "it is a link to another file"),
    ],
)
def test_a_member_that_leads_elsewhere_is_refused_and_the_rest_is_read(
    tmp_path: Path, name: str | zipfile.ZipInfo, reason: str
) -> None:
    found = problems(collect([zip_file(tmp_path, (name, "solutions"), ("good.ipynb", "{}"))]))
    assert found["good"] is None
    assert reason in str(found["bad"])


def test_an_encrypted_member_is_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    content = bytearray(zipped(("bad.ipynb", "{}"), ("good.ipynb", "{}")))
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    (tmp_path / "class.zip").write_bytes(content)
    assert problems(collect([tmp_path / "class.zip"])) == {"bad": "it is protected by a password", "good": None}


def test_a_damaged_member_is_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    content = bytearray(zipped(("bad.ipynb", "x" * 1000), ("good.ipynb", "{}")))
    start = content.index(b"bad.ipynb") + len("bad.ipynb")
    content[start : start + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "class.zip").write_bytes(content)
    found = problems(collect([tmp_path / "class.zip"]))
    assert found["good"] is None
    assert "damaged" in str(found["bad"])


def test_sizes_are_counted_while_reading_not_taken_from_the_header(tmp_path: Path) -> None:
    content = bytearray(zipped(("bad.ipynb", "x" * 5000), ("good.ipynb", "{}")))
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    (tmp_path / "class.zip").write_bytes(content)
    found = collect([tmp_path / "class.zip"], Budget(member_bytes=100))
    assert problems(found)["good"] is None
    assert problems(found)["bad"]


def test_a_member_that_unfolds_too_far_is_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    path = zip_file(tmp_path, ("bad.ipynb", "0" * 100_000), ("good.ipynb", "{}"))
    assert problems(collect([path], Budget(member_bytes=50_000))) == {
        "bad": "it is larger than 0.05 MB",
        "good": None,
    }


def test_the_total_of_all_archives_is_limited(tmp_path: Path) -> None:
    first = zip_file(tmp_path, ("a.ipynb", "0" * 600), name="1.zip")
    second = zip_file(tmp_path, ("b.ipynb", "0" * 600), ("c.ipynb", "0" * 300), name="2.zip")
    found = problems(collect([first, second], Budget(total_bytes=1000)))
    assert [key for key, problem in found.items() if problem] == ["b", "c"]


@pytest.mark.parametrize("packed", [True, False], ids=["in the class's archive", "in a folder"])
def test_a_bomb_in_one_students_archive_leaves_room_for_everybody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(archive, "ONE_BYTES", 1000)
    bomb = zipped(*[(f"{number}.zip", zipped(("lab.ipynb", "0" * 900))) for number in range(4)])
    students = [("ada.zip", bomb), ("ben.zip", zipped(("lab.ipynb", "{}"))), ("cem.ipynb", b"{}")]
    if packed:
        zip_file(tmp_path, *students)
    else:
        for name, content in students:
            (tmp_path / name).write_bytes(content)
    found = collect([tmp_path], Budget(total_bytes=3000))
    assert sum(one.content == b"{}" for one in found.submissions) == 2, problems(found)


def test_members_that_are_no_notebooks_cost_nothing(tmp_path: Path) -> None:
    path = zip_file(tmp_path, ("data.csv", "0" * 10_000), ("a.ipynb", "{}"))
    budget = Budget(total_bytes=100)
    assert problems(collect([path], budget)) == {"a": None}
    assert budget.spent == 2


def test_an_archive_of_too_many_members_is_refused(tmp_path: Path) -> None:
    path = zip_file(tmp_path, *[(f"{number}.txt", "") for number in range(11)])
    with pytest.raises(IntakeError, match="more than 10 files"):
        collect([path], Budget(members=10))


def test_a_zip_that_is_none_is_told_by_what_it_looks_like(tmp_path: Path) -> None:
    put(tmp_path, "class.zip", "<!DOCTYPE html><title>Sign in</title>")
    with pytest.raises(IntakeError, match="no zip or tar archive but an HTML page"):
        collect([tmp_path / "class.zip"])


def test_a_zip_that_is_cut_off_is_told(tmp_path: Path) -> None:
    path = zip_file(tmp_path, ("a.ipynb", "{}"))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(IntakeError, match="damaged or cut-off zip"):
        collect([path])


@pytest.mark.parametrize("encoding", ["utf-8", "cp437"])
def test_member_names_without_the_utf_8_flag_are_read_either_way(tmp_path: Path, encoding: str) -> None:
    stand_in = "Z" * len("zoé".encode(encoding))
    content = zipped((f"{stand_in}.ipynb", "{}")).replace(stand_in.encode(), "zoé".encode(encoding))
    (tmp_path / "class.zip").write_bytes(content)
    assert keys(collect([tmp_path / "class.zip"])) == ["zoé"]


def test_two_members_of_one_name_are_both_kept(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zip_file(tmp_path, ("a.ipynb", "1"), ("a.ipynb", "2"))
    assert sorted(each.content or b"" for each in collect([path]).submissions) == [b"1", b"2"]


# File names from keys


@pytest.mark.parametrize("key", ["ada", "s0012", "ada.student@example.edu", "a_b-c"])
def test_a_plain_key_is_its_own_file_name(key: str) -> None:
    assert file_safe(key) == key


@pytest.mark.parametrize(
    "key",
    ["Student, Ada", "a/b", "a\\b", "..", ".hidden", "", "con", "nul.txt", "x" * 500, "ü" * 500, "a\nb", "a.", " a"],
)
def test_any_key_becomes_a_name_that_every_disk_takes(key: str) -> None:
    name = file_safe(key)
    assert 0 < len(name) <= 120
    assert len(f"{name}.html".encode()) <= 255
    assert not set(name) & set('/\\:*?"<>|\n\0')
    assert not name.startswith((".", " "))
    assert not name.endswith((".", " "))
    assert name.split(".")[0].lower() not in ("con", "nul")
    assert unicodedata.is_normalized("NFC", name)


texts = st.text(st.one_of(st.characters(), st.sampled_from("aA~_-./ é\u0301")), max_size=12)


@given(texts, texts)
@settings(derandomize=True, deadline=None, max_examples=300)
def test_different_keys_never_share_a_file(one: str, other: str) -> None:
    if unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other):
        assert file_safe(one) == file_safe(other)
    else:
        assert file_safe(one).casefold() != file_safe(other).casefold()


def test_keys_that_differ_in_letter_case_alone_never_share_a_file() -> None:
    assert len({file_safe(key).casefold() for key in ("ada", "Ada", "ADA", "straße", "strasse")}) == 5


# Tar archives, scripts, several notebooks of one person


def notebook(*sources: str) -> bytes:
    cells = [{"cell_type": "code", "source": source, "outputs": []} for source in sources]
    return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode()


def tarred(*files: tuple[str | tarfile.TarInfo, bytes], mode: str = "w:gz") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            if info.isreg():
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return stream.getvalue()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_counts_as_a_folder(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "class.tar.gz"
    path.write_bytes(tarred(("week/ada.ipynb", b"A"), ("week/ben.tgz", tarred(("lab.ipynb", b"B"))), mode=mode))
    assert {each.key: each.content for each in collect([path]).submissions} == {"ada": b"A", "ben": b"B"}


def test_what_leads_out_of_a_tar_is_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    link, device = tarfile.TarInfo("link.ipynb"), tarfile.TarInfo("device.ipynb")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device.type = tarfile.CHRTYPE
    path = tmp_path / "class.tar"
    path.write_bytes(
        tarred(("../up.ipynb", b"x"), ("/etc/root.ipynb", b"x"), (link, b""), (device, b""), ("ok.ipynb", b"y"))
    )
    found = problems(collect([path]))
    assert found.pop("ok") is None
    assert len(found) == 4 and all(found.values())


def test_a_tar_that_unfolds_without_end_is_refused(tmp_path: Path) -> None:
    bomb = tarred(("zeros.bin", bytes(30_000_000)), ("ada.ipynb", b"A"))
    (tmp_path / "bomb.tgz").write_bytes(bomb)
    with pytest.raises(IntakeError, match="larger than 10 MB"):
        collect([tmp_path / "bomb.tgz"], Budget(total_bytes=10_000_000))


def test_a_cut_off_tar_is_told(tmp_path: Path) -> None:
    (tmp_path / "ada.tgz").write_bytes(tarred(("ada.ipynb", bytes(range(256)) * 999))[:-300])
    assert problems(collect([tmp_path])) == {"ada": "it is a damaged or cut-off tar archive"}


def test_an_archive_that_nothing_here_opens_is_a_hand_in_with_a_problem(tmp_path: Path) -> None:
    (tmp_path / "ada.rar").write_bytes(b"Rar!\x1a\x07\x00rest")
    assert problems(collect([tmp_path])) == {"ada": "it is no zip or tar archive but a RAR archive"}


def test_of_several_notebooks_of_one_student_the_assignments_is_taken(tmp_path: Path) -> None:
    other, right = notebook("x = 1"), notebook("alpha = 1", "beta = 2")
    path = zip_file(tmp_path, ("ada.zip", zipped(("draft.ipynb", other), ("my lab.ipynb", right))))
    found = collect([path], names=("alpha", "beta"))
    (ada,) = found.submissions
    assert (ada.key, ada.content, ada.filename) == ("ada", right, "my lab.ipynb")
    assert "Of 2 notebooks in one hand-in my lab.ipynb was graded" in ada.notes[0]
    assert [left.source for left in found.left_out] == ["class.zip: ada.zip: draft.ipynb"] or len(found.left_out) == 1


def test_a_script_counts_only_if_it_is_of_the_assignment(tmp_path: Path) -> None:
    for name in ("ada.py", "ben.py"):
        (tmp_path / name).write_text("import torch\nalpha = 1\n")
    (tmp_path / "helpers.py").write_text("import torch\nother = 1\n")
    (tmp_path / "ben.ipynb").write_bytes(notebook("alpha = 1"))
    found = collect([tmp_path], names=("alpha",))
    assert [one.filename for one in found.submissions] == ["ada.py", "ben.ipynb"]
    assert len(found.left_out) == 2
