"""Whatever reads a student's bytes on our side has limits, and whoever goes over them costs nobody else anything."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import killing
import pytest
import torch
from attacks.cases import RIGHT
from attacks.suite import course_in
from conftest import notebook_bytes

from autograder import wire
from autograder.engine.grading import settled
from autograder.intake import reader as reading
from autograder.intake.archive import Budget
from autograder.intake.collecting import collect
from autograder.intake.faults import IntakeError
from autograder.intake.notebook import Notebook, Unreadable
from autograder.intake.reader import OVER, Reader
from autograder.judge.packing import packed
from autograder.people.extensions import Named
from autograder.record.history import Regrade
from autograder.record.standing import Standing
from autograder.record.store import Person, RunInfo
from autograder.report.regrades import write_regrades
from autograder.report.scores import scores_csv
from autograder.results import (
    JUDGE_FAILED,
    CellRun,
    Outcome,
    QuestionResult,
    Status,
    TestResult,
    unfinished,
)

DEADLY = "# DEADLY"


@pytest.fixture
def stumbling(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A reader that never comes to an end with bytes that hold DEADLY: what the next pattern of ours may do."""
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        "import sys\n"
        "if any('autograder.intake.reader' in word for word in sys.orig_argv):\n"
        "    import autograder.intake.archive as archive, autograder.intake.notebook as notebook\n"
        "    read, text = archive.Budget.read, notebook.characters\n"
        "    def endless(content):\n"
        f"        while {DEADLY.encode()!r} in content: pass\n"
        "        return content\n"
        "    archive.Budget.read = lambda self, *given: endless(read(self, *given))\n"
        "    notebook.characters = lambda content, repairs: text(endless(content), repairs)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(hook))
    monkeypatch.setattr(reading.Reader, "cpu", 1.0)
    monkeypatch.setattr(reading.Reader, "__init__", _quick(reading.Reader.__init__))


def _quick(made):  # type: ignore[no-untyped-def]
    def init(self: Reader, cpu: float = 1.0, wall: float = 60.0) -> None:
        made(self, cpu, wall)

    return init


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(f"{name.replace('__', '/')}.ipynb", content)
    return packed.getvalue()


def test_a_member_that_takes_too_long_has_that_as_its_problem_and_all_others_are_read(
    stumbling: None, tmp_path: Path
) -> None:
    right, deadly = notebook_bytes(RIGHT), notebook_bytes(DEADLY)
    path = tmp_path / "class.zip"
    path.write_bytes(zipped(ada=right, ben=deadly, cem=right, dot=deadly, eve=right))
    found = {one.key: one for one in collect([path], names=("answer",)).submissions}
    assert sorted(found) == ["ada", "ben", "cem", "dot", "eve"]
    assert {key: one.problem for key, one in found.items() if one.problem} == {"ben": OVER, "dot": OVER}
    assert all(found[key].content == right for key in ("ada", "cem", "eve"))


def test_one_students_archive_cannot_hold_up_the_class(stumbling: None, tmp_path: Path) -> None:
    two = (notebook_bytes("answer = 1"), notebook_bytes("answer = 1\nx = 1"))
    files = {
        "ada.zip": zipped(**{f"n{number}": notebook_bytes(DEADLY) for number in range(9)}),
        "ben.zip": zipped(a=two[0], b=two[1]),
        "cem.py": f"{DEADLY}\nanswer = 1".encode(),
    }
    with zipfile.ZipFile(tmp_path / "class.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    collected = collect([tmp_path / "class.zip"], names=("answer", "x"))
    found = {one.key: one for one in collected.submissions}
    assert found["ada"].problem == OVER and found["ben"].content == two[1]
    assert ("class.zip: cem.py", OVER) in {(Path(left.source).name, left.reason) for left in collected.left_out}


def test_the_reader_answers_as_the_reading_itself_would(tmp_path: Path) -> None:
    content = notebook_bytes("answer = 1", "# caf\u00e9\nx = 2")
    with Reader() as reader:
        assert reader.notebook(content, ("x",)) == reading.read_notebook(content, ("x",))
        assert isinstance(reader.notebook(b"junk", ()), Unreadable)
        assert isinstance(reader.notebook(b"\xff\xfe", ()), Unreadable)
        assert reader.names_in(content, ("answer", "X", "y")) == 2
        budget, direct = Budget(), Budget()
        archive = zipped(a=content, b__c=b"")
        assert list(reader.members(archive, budget)) == list(reading.members(archive, lambda name: True, direct))
        assert vars(budget) == vars(direct)
        with pytest.raises(IntakeError, match="no zip or tar"):
            list(reader.members(b"no archive", budget))
        with (tmp_path / "a.zip").open("wb+") as file:
            file.write(archive)
            file.flush()
            assert len(list(reader.members(file, budget))) == 2
            assert len(list(reader.members(file, budget))) == 2, "from its beginning"


def test_a_reader_that_somebody_kills_is_asked_again_and_costs_no_hand_in() -> None:
    content = notebook_bytes("alpha = 1")
    with Reader() as reader:
        first = reader.notebook(content, ("alpha",))
        assert reader.process is not None
        reader.process.kill()
        reader.process.wait()
        assert reader.notebook(content, ("alpha",)) == first and isinstance(first, Notebook)
        assert reader.process is not None
        reader.process.kill()
        assert reader.names_in(content, ("alpha",)) == 1


def test_what_takes_too_much_memory_is_told_and_the_next_one_is_read() -> None:
    huge = json.dumps({"cells": [[]] * 1_000_000}, separators=(",", ":")).encode()
    with Reader(memory=40) as reader:
        assert reader.notebook(huge, ()) == Unreadable(f"There is nothing to read: {OVER}.")
        assert isinstance(reader.notebook(notebook_bytes("a = 1"), ()), Notebook)


def outcome(*results: str, status: Status = Status.PARTIAL, flags: tuple[str, ...] = ()) -> Outcome:
    questions = []
    for number, result in enumerate(results, 1):
        test = TestResult(
            id=f"t{number}", question=f"q{number}", title="", outcome=result, share=float(result == "passed")
        )
        questions.append(QuestionResult(id=f"q{number}", title="", points=2, score=2 * test.share, tests=(test,)))
    points = 2.0 * len(results)
    return Outcome(key="a", status=status, max_score=points, questions=tuple(questions), flags=flags)


def test_who_keeps_the_judge_from_its_end_gets_what_was_known() -> None:
    cut = unfinished(outcome("passed", "not_run"), "our side used up 60 CPU seconds")
    assert cut.status is Status.GRADER_ERROR and cut.score is None
    sound, broken = outcome("passed", "passed", status=Status.GRADED), unfinished(outcome("passed", "not_run"), "so")
    found = settled(cut, sound)
    assert (found.status, found.score, found.flags) == (Status.PARTIAL, 2.0, (JUDGE_FAILED,))
    assert "60 CPU seconds" in found.message and "1 of 2 tests could not be run" in found.message
    assert settled(cut, broken) == cut == settled(cut, None), "ours, where the solution fares no better"
    unknown = settled(unfinished(outcome(), "our side used up 60 CPU seconds"), sound)
    assert unknown.status is Status.NOT_GRADABLE and unknown.score is None


def test_outputs_are_dropped_to_fit_the_largest_first_and_a_note_says_so() -> None:
    def cell(number: int, text: str) -> CellRun:
        return CellRun(number=number, source="x" * 5000, outputs=({"output_type": "stream", "text": text},))

    whole = outcome("passed").model_copy(update={"cells": (cell(1, "a"), cell(2, "\x01" * 90_000), cell(3, "b"))})
    assert packed(whole) == whole.model_dump_json().encode()
    data = packed(whole, 20_000)
    small = Outcome.model_validate_json(data)
    assert len(data) <= 20_000 and small.questions == whole.questions
    assert small.cells[0] == whole.cells[0] and small.cells[2] == whole.cells[2]
    assert "not kept" in small.cells[1].outputs[0]["text"]
    assert small.notes == ("The outputs of code cells 2 were not kept: together they are over the limit.",)
    many = whole.model_copy(update={"cells": tuple(cell(number, "c" * 500) for number in range(1, 400))})
    assert len(packed(many, 300_000)) <= 300_000 and len(packed(many, 20_000)) <= 20_000


@pytest.mark.parametrize("shape", [(2**24, 0), (2**21, 1), (2**12, 2**13), (0, 2**20, 2**5), (1,) * 15 + (2**25,)])
def test_a_tensor_that_turns_into_much_more_is_refused(shape: tuple[int, ...]) -> None:
    tensor = torch.zeros((1,) * len(shape), dtype=torch.uint8).expand(shape) if 0 not in shape else torch.empty(shape)
    body = bytearray()
    assert wire._encode_array(tensor, body) is None, "it crosses as a handle"
    size = 1
    for part in shape:
        size *= part
    form = {"k": "tensor", "dtype": "uint8", "shape": list(shape), "o": 0, "n": size}
    with pytest.raises(wire.WireError, match="rows of numbers"):
        wire.decode(form, bytes(size))


def test_many_small_ones_count_together() -> None:
    one = {"k": "tensor", "dtype": "uint8", "shape": [2**19, 0], "o": 0, "n": 0}
    assert len(wire.decode({"k": "list", "v": [one] * 2}, b"")) == 2
    with pytest.raises(wire.WireError, match="rows"):
        wire.decode({"k": "list", "v": [one] * 3}, b"")
    with pytest.raises(wire.WireError, match="values"):
        wire.decode({"k": "list", "v": [{"k": "list", "v": [0] * 999}] * 2001}, b"")


def test_what_a_lab_needs_crosses_as_before() -> None:
    for tensor in (torch.zeros(4096, 4096), torch.zeros(100_000, 3), torch.zeros(()), torch.zeros(512, 512, 3, 3)):
        body = bytearray()
        assert wire.decode(wire.encode(tensor, body), body).shape == tensor.shape


# --- the judge's fork


POISON = 'answer = 42\ndef double(x):\n    return 13 if x == "poison" else 2 * x'


@pytest.mark.parametrize(
    ("grader", "why"),
    [
        ("while found == 13: pass", "our side used up 3 CPU seconds"),
        ("found == 13 and os.kill(os.getpid(), 11)", "tried 2 times by itself"),
        ("found == 13 and os._exit(3)", "tried 2 times by itself"),
    ],
)
def test_a_judge_that_ends_for_one_hand_in_alone_is_that_ones_and_the_others_are_graded(
    tmp_path: Path, grader: str, why: str
) -> None:
    course, folder, out = course_in(tmp_path / "course"), tmp_path / "class", tmp_path / "run"
    folder.mkdir()
    config = course / "grading.yml"
    config.write_text(config.read_text().replace("limits: {", "limits: {judge_cpu: 3, "))
    path = course / "tests/graders/tiny/test_q1.py"
    trap = f"    found = double('poison')\n    {grader}\n    for _ in range(3):"
    path.write_text("import os\n" + path.read_text().replace("    for _ in range(3):", trap))
    (folder / "poison.ipynb").write_bytes(notebook_bytes(POISON))
    (folder / "ada.ipynb").write_bytes(notebook_bytes(RIGHT))
    run = killing.start(killing.command(folder, course, out, "--workers", "2"))
    output, _ = run.communicate(timeout=180)
    graded = killing.graded(out)
    assert graded["ada"][0] == "graded" and graded["poison"][0] == "partial", output
    line = next(line for line in (out / "scores.csv").read_text("utf-8-sig").splitlines() if line.startswith("poison"))
    assert ",partial,2,4,2,0," in line and "JUDGE_FAILED" in line and why in line, line
    assert "1 of 2 tests could not be run" in line
    assert not killing.left_over(out)


# --- what people open in a spreadsheet, and what was skipped without a word


def test_a_key_that_a_spreadsheet_would_run_is_told_apart_and_found_again(tmp_path: Path) -> None:
    entry = Person("=cmd|calc", name="@x", filename="+a.ipynb", email="=1@x.invalid")
    text = scores_csv(RunInfo("c", "a", "A", 1, "", {}, (("q1", "Q", 1.0),)), [Standing(entry, None)])
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["student"], row["email"], row["submission"]) == ("'=cmd|calc", "'=1@x.invalid", "'+a.ipynb")
    write_regrades(tmp_path, [Regrade("@a", "now", "1", "+2", "=why")])
    (regrade,) = csv.DictReader(io.StringIO((tmp_path / "regrades.csv").read_text()))
    assert all(cell[:1] not in "=+-@" for cell in regrade.values())
    assert Named({"=cmd|calc": ()}).found("'=cmd|calc") == {"=cmd|calc"}


def test_a_flag_is_a_word_and_no_essay() -> None:
    (flag,) = outcome("passed", flags=("LEDGER_DISAGREES: " + "x" * 5000,)).flags
    assert len(flag) == 80 and flag.startswith("LEDGER_DISAGREES: x")


def test_a_hidden_notebook_is_left_out_with_a_word_and_a_long_name_too(tmp_path: Path) -> None:
    (tmp_path / ".lab.ipynb").write_bytes(notebook_bytes(RIGHT))
    for clutter in ("._lab.ipynb", ".DS_Store"):
        (tmp_path / clutter).write_bytes(b"junk")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints/lab-checkpoint.ipynb").write_bytes(b"{}")
    with zipfile.ZipFile(tmp_path / "ada.zip", "w") as file:
        for name in (".b.ipynb", "__MACOSX/._b.ipynb", "a" * 3000 + ".ipynb", "lab.ipynb"):
            file.writestr(name, notebook_bytes(RIGHT))
    collected = collect([tmp_path], names=("answer",))
    told = {Path(left.source).name: left.reason for left in collected.left_out}
    assert {name: why for name, why in told.items() if "begins with a dot" in why}.keys() == {
        ".lab.ipynb",
        "ada.zip: .b.ipynb",
    }
    assert any("its name has 3006 characters" in (one.problem or "") for one in collected.submissions)
    assert all(len(one.source) < 400 for one in collected.submissions)
