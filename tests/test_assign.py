"""The committed stub is what the master gives, leaks nothing, and its checks work where it is the only file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import Judge
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from autograder.authoring.assign import AuthoringError, build_stub, stub_difference
from autograder.authoring.leaks import refuse_leaks, refuse_unpaired
from autograder.course import Assignment, Course

QUESTIONS = [f"q{number}" for number in range(1, 7)]
ANSWERS = (
    "vector_tensor, matrix_tensor, var_1, my_latent_value, fit_product, MyNetwork, train, make_examples, my_network"
)

# Runs code cells as Colab would: otter tells it by the shell's name, the stub's first cell by the module.
AS_ON_COLAB = """
import json, sys, types
from IPython.core.interactiveshell import InteractiveShell

class Shell(InteractiveShell):
    __module__ = "google.colab._shell"

sys.modules["google.colab"] = types.ModuleType("google.colab")
shell = Shell.instance()
rounds = json.load(open(sys.argv[1]))
for cells in rounds:
    shell.reset()
    said = []
    for number, source in enumerate(cells, 1):
        ran = shell.run_cell(source)
        if not ran.success:
            sys.exit(f"cell {number} failed: {source[:80]}")
        if source.startswith("grader.check("):
            said.append(repr(ran.result))
    print("\\nSAID", json.dumps(said))
"""

MISTAKES = {  # a cell run after the solution, the question checked then, and words that the check must find
    "a row missing": ("matrix_tensor = torch.tensor([[3, 1, 4]])", "q1", "matrix_tensor has the shape (1, 3)"),
    "a list": ("vector_tensor = [1, 3, 4]", "q1", "vector_tensor is not a tensor yet"),
    "typed in": (
        "my_latent_value = torch.tensor(12.0, requires_grad=True)",
        "q2",
        "does not remember where it comes from",
    ),
    "not allowed to change": ("var_1 = torch.tensor(3.0)", "q2", "var_1 cannot change"),
    "other tensors moved": (
        "def fit_product(a, b, goal, *, lr=3e-3, steps=1):\n    return a + 1, b",
        "q3",
        "have not moved",
    ),
    "no super": (
        "class MyNetwork(nn.Module):\n    def __init__(self):\n        self.m1 = nn.Linear(3, 5)",
        "q4",
        "super().__init__()",
    ),
    "no return": (
        "class MyNetwork(nn.Linear):\n    def __init__(self):\n        super().__init__(3, 5)\n"
        "    def forward(self, x):\n        super().forward(x)",
        "q4",
        "did you forget `return`",
    ),
    "a new network": ("def train(network, examples, *, lr, epochs):\n    return MyNetwork()", "q5", "same as before"),
    "whole numbers": (
        "def make_examples(n):\n    return [(torch.tensor([1, 2, 3]), torch.tensor([1, 2, 3, 4, 5]))] * n",
        "q6",
        "decimal numbers",
    ),
    "untrained": ("my_network = nn.Linear(3, 5)", "q6", "for 1, 2, 3 your network says"),
}


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


@pytest.fixture(scope="module")
def setup(stub: Path) -> str:
    return next(source for source in code_of(stub) if "otter.Notebook()" in source)


@pytest.fixture(scope="module")
def checked(
    master: Path, stub: Path, setup: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[list[str]]]:
    """What the real checks say of the stub and of the solution, its mistakes after it, and the folder they ran in.

    One process for all, as importing otter and torch costs more than the rest.
    """
    answers = [source for source in code_of(master) if "# IGNORE" not in source]
    asked = [f'grader.check("{question}")' for question in QUESTIONS]
    slips = []
    for wrong, question, _ in MISTAKES.values():
        slips += [f"kept = {ANSWERS}", wrong, f'grader.check("{question}")', f"{ANSWERS} = kept"]
    rounds = [code_of(stub), [setup, *answers, *asked, *slips]]
    folder = tmp_path_factory.mktemp("alone")
    listing = folder / "cells.json"
    listing.write_text(json.dumps(rounds), encoding="utf-8")
    colab = folder / "colab"
    colab.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", AS_ON_COLAB, str(listing)], cwd=colab, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    said = [json.loads(line.removeprefix("SAID ")) for line in done.stdout.splitlines() if line.startswith("SAID ")]
    return colab, said


def notebook(*cells: Any) -> Any:
    return new_notebook(cells=list(cells))


def small_master(folder: Path, answer: str) -> Path:
    """A master of one question, whose public check wants x to be 2."""
    config = "# ASSIGNMENT CONFIG\ninit_cell: false\nexport_cell: false\ntests:\n  files: true\n  ok_format: false"
    cells = [
        *(new_raw_cell(text) for text in (config, "# BEGIN QUESTION\nname: q1\npoints: 1")),
        new_markdown_cell("Make x."),
        *(new_raw_cell("# BEGIN SOLUTION"), new_code_cell(answer), new_raw_cell("# END SOLUTION")),
        new_raw_cell("# BEGIN TESTS"),
        new_code_cell('def test_q1(x):\n    assert x == 2, "x is not two"\n\ntest_q1(x)  # IGNORE'),
        *(new_raw_cell("# END TESTS"), new_raw_cell("# END QUESTION")),
    ]
    made = notebook(*cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / "small.ipynb"
    nbformat.write(made, path)
    return path


def test_the_committed_stub_is_what_the_master_gives(master: Path, stub: Path) -> None:
    assert stub_difference(master, stub) is None


def test_a_difference_is_shown_where_it_is(
    master: Path, stub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = stub.read_text(encoding="utf-8")
    monkeypatch.setattr("autograder.authoring.assign.stub_text", lambda master, run_checks: given)
    edited = tmp_path / stub.name
    for old, new in (("scalar_tensor = ...", "scalar_tensor = 3"), ("grader = NoChecks()", "grader = None")):
        edited.write_text(given.replace(old, new), encoding="utf-8")
        difference = (stub_difference(master, edited) or "").splitlines()
        assert any(line.startswith("-") and line.endswith(new) for line in difference)
        assert any(line.startswith("+") and line.endswith(old) for line in difference)
        assert len(difference) < 12


def test_a_stub_that_is_absent_or_no_notebook_differs(
    master: Path, stub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = stub.read_text(encoding="utf-8")
    monkeypatch.setattr("autograder.authoring.assign.stub_text", lambda master, run_checks: given)
    assert stub_difference(master, tmp_path / "absent.ipynb") == "The stub does not exist yet."
    for content in (b"", b"\xff\xfe", b"[1]", b'{"cells": 3}'):
        (tmp_path / "odd.ipynb").write_bytes(content)
        assert stub_difference(master, tmp_path / "odd.ipynb") == "The stub is no notebook."


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


def test_the_checks_pass_on_the_solution_where_the_notebook_is_the_only_file(
    checked: tuple[Path, list[list[str]]],
) -> None:
    folder, (_, solution) = checked
    assert [(question, "passed" in said) for question, said in zip(QUESTIONS, solution, strict=False)] == [
        (question, True) for question in QUESTIONS
    ]
    assert sorted(path.name for path in (folder / "tests").glob("*.py")) == [f"{name}.py" for name in QUESTIONS]


def test_every_check_fails_on_the_untouched_stub_in_words(checked: tuple[Path, list[list[str]]]) -> None:
    untouched = checked[1][0]
    assert len(untouched) == len(QUESTIONS)
    for said in untouched:
        assert "failed" in said and "AssertionError" in said  # an assertion of ours, and no other exception


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_check_says_what_is_off(checked: tuple[Path, list[list[str]]], mistake: str) -> None:
    said = dict(zip(MISTAKES, checked[1][1][len(QUESTIONS) :], strict=True))[mistake]
    assert "failed" in said
    assert MISTAKES[mistake][2] in said


def test_without_otter_the_notebook_runs_and_says_that_it_cannot_check(
    setup: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "otter", None)
    names: dict[str, Any] = {}
    exec(setup, names)
    names["grader"].check("q1")
    assert "need the package otter-grader" in capsys.readouterr().out


def test_the_untouched_stub_earns_nothing_and_every_cell_of_it_runs(judge: Judge, stub: Path) -> None:
    outcome = judge(stub.read_bytes())
    assert outcome.score == 0
    assert [cell.error for cell in outcome.cells] == [None] * len(outcome.cells)


def test_the_solution_earns_everything(judge: Judge, master: Path) -> None:
    outcome = judge(master.read_bytes())
    assert (outcome.score, outcome.verdict, outcome.flags) == (20, "CORRECT", ())
    assert [cell.error for cell in outcome.cells] == [None] * len(outcome.cells)


def test_a_master_that_fails_its_own_check_is_refused_with_the_question_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "stub" / "small.ipynb"
    with pytest.raises(AuthoringError) as refusal:
        build_stub(small_master(tmp_path, "x = 3  # SOLUTION"), out)
    said = str(refusal.value)
    assert "small.ipynb" in said and "q1 results" in said and "x is not two" in said
    assert "Traceback" not in said
    assert not out.parent.exists()


@pytest.mark.parametrize(
    "left",
    ["x = 2  #  SOLUTION", "x = 2  # solution", "x = 2 #SOLUTION", "# begin solution\nx = 2", "test(x)  # IGNORE"],
)
def test_a_marker_that_otter_overlooks_is_refused(left: str) -> None:
    with pytest.raises(AuthoringError, match=r"lab\.ipynb: cell 2 .*still holds"):
        refuse_leaks(notebook(new_markdown_cell("Make x."), new_code_cell(left)), "lab.ipynb")


def test_half_an_answer_is_refused() -> None:
    with pytest.raises(AuthoringError, match="no longer Python"):
        refuse_leaks(notebook(new_code_cell("x = ...\n    2, 3]")), "lab.ipynb")


def test_comments_and_magics_of_a_lab_are_no_leak() -> None:
    cells = ["h = 8  # hidden", "# solution space\nx = ...", "%matplotlib inline\n!ls\nawait thing()", "# ignore\n..."]
    refuse_leaks(notebook(*(new_code_cell(cell) for cell in cells), new_markdown_cell("# SOLUTION")), "lab.ipynb")


@pytest.mark.parametrize(
    "cells", [["# BEGIN QUESTION\nname: q1"], ["# BEGIN TESTS", "# BEGIN TESTS"], ["# END SOLUTION"]]
)
def test_a_part_that_is_not_closed_is_refused_by_its_cell(cells: list[str]) -> None:
    with pytest.raises(AuthoringError, match=r"lab\.ipynb: cell 1 (begins|ends) a"):
        refuse_unpaired(notebook(*(new_raw_cell(cell) for cell in cells)), "lab.ipynb")


def test_a_master_that_is_absent_or_no_notebook_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(AuthoringError, match=r"no master .*absent\.ipynb"):
        build_stub(tmp_path / "absent.ipynb", tmp_path / "out.ipynb")
    for content in ("", "no json", "[1]", "{}"):
        (tmp_path / "odd.ipynb").write_text(content)
        with pytest.raises(AuthoringError, match=r"odd\.ipynb is no notebook"):
            build_stub(tmp_path / "odd.ipynb", tmp_path / "out.ipynb")
    assert not (tmp_path / "out.ipynb").exists()


def test_without_otter_assign_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    master = small_master(tmp_path, "x = 2  # SOLUTION")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(AuthoringError, match=r"autograder\[author\]"):
        build_stub(master, tmp_path / "out.ipynb")
