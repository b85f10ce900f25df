"""The committed stub is what the master gives, leaks nothing, and its checks work where it is the only file."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import Judge
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from autograder.authoring.assign import AuthoringError, build_stub, stub_difference, stub_text
from autograder.authoring.leaks import refuse_leaks, refuse_unpaired
from autograder.authoring.master import read_master
from autograder.course import Assignment, Course, load_course

QUESTIONS = [f"q{number}" for number in range(1, 7)]
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
    """What the real checks say of the stub and of the solution, and the folder they ran in.

    One process for all, as importing otter and torch costs more than the rest.
    """
    parts = read_master(master)
    solved = [source for question, source in parts.cells if not question]
    for question in QUESTIONS:
        solved += [*parts.answer(question), f'grader.check("{question}")']
    rounds = [code_of(stub), [setup, *solved]]
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


GRADER = """
import pytest
from submission import check, value, x

pytestmark = pytest.mark.question("q1")

TWO = 2


def test_x():
    check(value(x) == TWO, "x is not two.")


def public_x(x):
    \"\"\"x is two.\"\"\"
    assert x == TWO, "x is not two"
"""
COURSE = """
course: Small
seed: 1
assignments:
  small:
    title: Small
    notebook: small.ipynb
    version: "7"
    questions:
      q1: {title: Two, points: 1, names: [x]}
"""
CONFIG = "# ASSIGNMENT CONFIG\ninit_cell: false\nexport_cell: false\ntests:\n  files: true\n  ok_format: false"
QUESTION = "# BEGIN QUESTION\nname: q1"


def small_course(
    folder: Path, answer: str, *, question: str = QUESTION, grader: str = GRADER, given: str = ""
) -> Course:
    """A course of one question, whose public check wants x to be 2; its master has no kernelspec and no cell ids."""
    cells = [
        *(new_raw_cell(text) for text in (CONFIG, question)),
        new_markdown_cell("Make x."),
        *(new_raw_cell("# BEGIN SOLUTION"), new_code_cell(answer), new_raw_cell("# END SOLUTION")),
        new_raw_cell("# END QUESTION"),
        *([new_code_cell(given)] if given else []),
    ]
    for cell in cells:
        del cell["id"]
    for path, text in (
        ("grading.yml", COURSE),
        ("tests/graders/small/test_q1.py", grader),
        ("solutions/small/small.ipynb", json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 4})),
    ):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return load_course(folder)


def test_the_committed_stub_is_what_the_master_gives(course: Course, assignment: Assignment) -> None:
    assert stub_difference(course, assignment) is None


def test_a_difference_is_shown_where_it_is(
    course: Course, assignment: Assignment, stub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = stub.read_text(encoding="utf-8")
    monkeypatch.setattr("autograder.authoring.assign.stub_text", lambda course, assignment, run_checks: given)
    edited = tmp_path / stub.name
    for old, new in (("scalar_tensor = ...", "scalar_tensor = 3"), ("grader = NoChecks()", "grader = None")):
        edited.write_text(given.replace(old, new), encoding="utf-8")
        difference = (stub_difference(course, assignment, edited) or "").splitlines()
        assert any(line.startswith("-") and line.endswith(new) for line in difference)
        assert any(line.startswith("+") and line.endswith(old) for line in difference)
        assert len(difference) < 12


def test_a_stub_that_is_absent_or_no_notebook_differs(
    course: Course, assignment: Assignment, stub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = stub.read_text(encoding="utf-8")
    monkeypatch.setattr("autograder.authoring.assign.stub_text", lambda course, assignment, run_checks: given)
    assert stub_difference(course, assignment, tmp_path / "absent.ipynb") == "The stub does not exist yet."
    for content in (b"", b"\xff\xfe", b"[1]", b'{"cells": 3}'):
        (tmp_path / "odd.ipynb").write_bytes(content)
        assert stub_difference(course, assignment, tmp_path / "odd.ipynb") == "The stub is no notebook."


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


def test_without_otter_the_notebook_runs_and_says_that_it_cannot_check(
    setup: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "otter", None)
    names: dict[str, Any] = {}
    exec(setup, names)
    names["grader"].check("q1")
    assert "%pip install otter-grader" in capsys.readouterr().out


def test_the_untouched_stub_earns_nothing_and_every_cell_of_it_runs(judge: Judge, stub: Path) -> None:
    outcome = judge(stub.read_bytes())
    assert outcome.score == 0
    assert [cell.error for cell in outcome.cells] == [None] * len(outcome.cells)


def test_the_solution_earns_everything(judge: Judge, master: Path) -> None:
    outcome = judge(master.read_bytes())
    assert (outcome.score, outcome.verdict, outcome.flags) == (20, "CORRECT", ())
    assert [cell.error for cell in outcome.cells] == [None] * len(outcome.cells)


def refusal(course: Course, *, run_checks: bool = False) -> str:
    with pytest.raises(AuthoringError) as refused:
        stub_text(course, course.assignment(), run_checks=run_checks)
    assert "Traceback" not in str(refused.value)
    return str(refused.value)


def test_a_master_that_fails_its_own_check_is_refused_with_the_question_and_writes_nothing(tmp_path: Path) -> None:
    course = small_course(tmp_path, "x = 3  # SOLUTION")
    with pytest.raises(AuthoringError) as refused:
        build_stub(course, course.assignment())
    said = str(refused.value)
    assert "small.ipynb" in said and "q1 results" in said and "x is not two" in said
    assert "Traceback" not in said
    assert not (tmp_path / "assignments").exists()


def test_a_master_without_kernelspec_and_cell_ids_becomes_a_stub_that_says_which_assignment_it_is(
    tmp_path: Path,
) -> None:
    course = small_course(tmp_path, "x = 2  # SOLUTION")
    stub = nbformat.reads(stub_text(course, course.assignment(), run_checks=False), as_version=4)
    setup, work, check = [cell.source for cell in stub.cells if cell.cell_type == "code"]
    assert (work, check) == ("x = ...", 'grader.check("q1")')
    literals = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(setup).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
    }
    told = literals["ASSIGNMENT"]
    assert (told["id"], told["title"], told["version"], told["notebook"]) == ("small", "Small", "7", "small.ipynb")
    assert (told["names"], told["loop"]) == ({"q1": ["x"]}, None)
    assert "x is not two" in literals["CHECKS"]["q1"] and "TWO = 2" in literals["CHECKS"]["q1"]
    assert "submission" not in setup


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"question": "# BEGIN QUESTION\nname: q2"}, "begins q2, which grading.yml does not have for small: q1"),
        ({"question": "# BEGIN QUESTION\nname: q1\npoints: 3"}, "gives q1 3 points, and grading.yml gives it 1"),
        ({"question": "# BEGIN QUESTION"}, "without a line `name: q1`"),
        ({"given": "shown = 2 + 2\nx = torch.tensor(2)"}, "the answer to q1 that begins `x = torch.tensor(2)`"),
        (
            {"grader": GRADER.replace("public_x(x)", "public_x(y)").replace("assert x", "assert y")},
            "takes `y`, which is",
        ),
        ({"grader": GRADER.replace('    """x is two."""\n', "")}, "public_x has no docstring"),
        ({"grader": GRADER.replace(', "x is not two"\n', "\n")}, "has no sentence beside it"),
        ({"grader": GRADER.replace("assert x == TWO", "assert value(x) == TWO")}, "uses value, which a student's"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    assert words in refusal(small_course(tmp_path, "x = torch.tensor(2)  # SOLUTION", **changes))


def test_a_question_that_the_master_lacks_and_tests_in_the_master_are_refused(tmp_path: Path) -> None:
    course = small_course(tmp_path, "x = 2  # SOLUTION")
    file = course.root / "grading.yml"
    file.write_text(COURSE + "      q2: {title: Three, points: 1, names: [y]}\n", encoding="utf-8")
    assert "has no question q2, which grading.yml names" in refusal(load_course(tmp_path))
    file.write_text(COURSE, encoding="utf-8")
    master = course.master_path(course.assignment())
    content = json.loads(master.read_text())
    content["cells"][-1:-1] = [new_raw_cell("# BEGIN TESTS"), new_raw_cell("# END TESTS")]
    master.write_text(json.dumps(content))
    assert "def public_... in tests/graders/small/test_q1.py" in refusal(course)


def test_a_missing_master_or_graders_folder_is_one_sentence(tmp_path: Path) -> None:
    course = small_course(tmp_path, "x = 2  # SOLUTION")
    (tmp_path / "tests/graders/small/test_q1.py").unlink()
    (tmp_path / "tests/graders/small").rmdir()
    assert "There is no folder tests/graders/small: make it" in refusal(course)
    course.master_path(course.assignment()).unlink()
    assert "There is no master" in refusal(course)


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


def test_a_master_that_is_no_notebook_is_refused_by_name(tmp_path: Path) -> None:
    course = small_course(tmp_path, "x = 2  # SOLUTION")
    for content in ("", "no json", "[1]", "{}"):
        course.master_path(course.assignment()).write_text(content)
        assert "small.ipynb is no notebook" in refusal(course)


def test_without_otter_assign_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = small_course(tmp_path, "x = 2  # SOLUTION")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert "autograder[author]" in refusal(course)
