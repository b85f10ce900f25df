"""The committed stub is what the master gives, leaks nothing, and its checks work where it is the only file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Judge

from autograder.authoring.assign import AuthoringError, build_stub, stub_difference
from autograder.course import Assignment, Course

RUN_ALL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for number, source in enumerate(json.load(open(sys.argv[1])), 1):
    result = shell.run_cell(source)
    if not result.success:
        sys.exit(f"cell {number} failed")
"""


def cells_of(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def code_of(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in cells_of(path) if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def stub(course: Course, assignment: Assignment) -> Path:
    return course.stub_path(assignment)


@pytest.fixture(scope="module")
def master(course: Course, assignment: Assignment) -> Path:
    return course.master_path(assignment)


def test_the_committed_stub_is_what_the_master_gives(master: Path, stub: Path) -> None:
    assert stub_difference(master, stub) is None


def test_an_edited_stub_is_told_apart(
    master: Path, stub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = stub.read_text(encoding="utf-8")
    monkeypatch.setattr("autograder.authoring.assign.stub_text", lambda master: given)
    edited = tmp_path / stub.name
    edited.write_text(given.replace("scalar_tensor = ...", "scalar_tensor = 3"), encoding="utf-8")
    difference = stub_difference(master, edited)
    assert difference is not None and "scalar_tensor = 3" in difference
    assert stub_difference(master, tmp_path / "absent.ipynb") == "The stub does not exist yet."


def test_the_stub_holds_no_answer(master: Path, stub: Path) -> None:
    text = stub.read_text(encoding="utf-8")
    assert "SOLUTION" not in text
    for answer in ("torch.tensor(2.2)", "nn.Linear(3, 8)", "loss = (goal - my_latent_value)", "torch.randint(-10, 11"):
        assert answer in "\n".join(code_of(master))
        assert answer not in text


def test_master_and_stub_carry_the_names_of_the_lab(assignment: Assignment, master: Path, stub: Path) -> None:
    for path in (master, stub):
        text = "\n".join(code_of(path))
        assert [name for name in assignment.names if name not in text] == []


def run_alone(cells: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code cells with the real otter in a folder that holds nothing else, as on Colab."""
    listing = folder.parent / "cells.json"
    listing.write_text(json.dumps(cells), encoding="utf-8")
    folder.mkdir()
    return subprocess.run(
        [sys.executable, "-c", RUN_ALL, str(listing)], cwd=folder, capture_output=True, text=True, timeout=120
    )  # fmt: skip


def test_the_checks_pass_on_the_solution_where_the_notebook_is_the_only_file(
    master: Path, stub: Path, tmp_path: Path
) -> None:
    setup = next(source for source in code_of(stub) if "otter.Notebook()" in source)
    asked = [
        f"result = grader.check('q{n}')\nprint(result)\nassert 'passed' in repr(result), result" for n in range(1, 7)
    ]
    answers = [source for source in code_of(master) if "# IGNORE" not in source]
    done = run_alone([setup, *answers, *asked], tmp_path / "colab")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert sorted(path.name for path in (tmp_path / "colab" / "tests").iterdir()) == [f"q{n}.py" for n in range(1, 7)]


def test_the_checks_fail_on_the_untouched_stub_and_no_cell_of_it_dies(stub: Path, tmp_path: Path) -> None:
    cells = [
        f"print('failed' in repr({source}))" if source.startswith("grader.check") else source
        for source in code_of(stub)
    ]
    done = run_alone(cells, tmp_path / "colab")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert done.stdout.count("True\n") == 6


def test_the_untouched_stub_earns_nothing_and_every_cell_of_it_runs(judge: Judge, stub: Path) -> None:
    outcome = judge(stub.read_bytes())
    assert outcome.score == 0
    assert [cell.error for cell in outcome.cells] == [None] * len(outcome.cells)


def test_the_solution_earns_everything(judge: Judge, master: Path) -> None:
    outcome = judge(master.read_bytes())
    assert (outcome.score, outcome.verdict, outcome.flags) == (20, "CORRECT", ())
    assert [cell.error for cell in outcome.cells] == [None] * len(outcome.cells)


def test_a_master_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(AuthoringError, match=r"no master .*absent\.ipynb"):
        build_stub(tmp_path / "absent.ipynb", tmp_path / "out.ipynb")
    assert list(tmp_path.iterdir()) == []
