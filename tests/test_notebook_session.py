"""A student's notebook runs as its author meant it, and nothing it meets here costs a mark."""

from __future__ import annotations

import pytest
from attacks.liars import LIAR
from conftest import Judge, findings, notebook_bytes, points

from autograder.course import Assignment
from autograder.judge.notebook_run import NotebookRun
from autograder.judge.one import SESSION_FAULT, LocalBroker
from autograder.results import Status
from autograder.sandbox.sessions import Sandbox

Q1 = """
import torch
scalar_tensor = torch.tensor(2.2)
vector_tensor = torch.tensor([1, 3, 4])
matrix_tensor = torch.tensor([[3, 1, 4], [1, 7, 4]])
pairwise_sum = matrix_tensor + torch.tensor([[0, 2, 1], [3, 3, 4]])
"""
Q2 = """
var_1 = torch.tensor(3.0, requires_grad=True)
var_2 = torch.tensor(4.0, requires_grad=True)
my_latent_value = var_1 * var_2
"""


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    with Sandbox() as running:
        yield running


@pytest.fixture
def ran(sandbox: Sandbox, assignment: Assignment):
    """Run cells in a session of their own; the NotebookRun, ended."""

    def run(*cells: str, **limits: float) -> NotebookRun:
        changed = assignment.model_copy(update={"limits": assignment.limits.model_copy(update=limits)})
        found = NotebookRun(LocalBroker(sandbox, changed), cells, changed, 7)
        try:
            found.start()
        finally:
            found.end()
        return found

    return run


def shown(run: NotebookRun, cell: int) -> str:
    """What a cell printed and displayed."""
    texts = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in run.cells[cell - 1].outputs]
    return "".join(texts)


def test_cells_share_names_and_show_their_last_value(ran) -> None:
    run = ran(
        "x = 20\nprint('made')", "display(x)\nx + 1", "%%time\ny = x", "import asyncio\nawait asyncio.sleep(0)\ny"
    )
    assert [cell.error for cell in run.cells] == [None] * 4
    assert (shown(run, 1), shown(run, 2), shown(run, 4)) == ("made\n", "2021", "20")


def test_a_failing_cell_is_noted_with_its_line_and_the_next_one_runs(ran) -> None:
    run = ran("def f():\n    return missing", "x = 1\n\nf()", "x", "y = = 2")
    assert run.cells[1].error == "NameError: name 'missing' is not defined (in cell 1, line 2)"
    assert shown(run, 3) == "1"
    assert run.cells[3].error.startswith("SyntaxError") and run.cells[3].line == 1


def test_colab_otter_and_the_keyboard_are_stood_in_for(ran) -> None:
    run = ran(
        "from google.colab import drive, files\ndrive.mount('/content/drive')\nfiles.upload()",
        "!pip install -q otter-grader\n%pip install torch",
        "import otter\ngrader = otter.Notebook()\ngrader.check('q1')",
        "name = input('Name? ')\nname",
        "try:\n    import google.colab\n    on_colab = True\nexcept ImportError:\n    on_colab = False\non_colab",
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()",
    )
    assert [cell.error for cell in run.cells] == [None] * 6
    assert shown(run, 5) == "False"
    assert len([note for note in run.notes if "google.colab" in note]) == 2
    assert any("input()" in note for note in run.notes) and any("pip" in note for note in run.notes)


def test_an_absent_package_loses_nothing_but_itself(ran) -> None:
    run = ran(
        "import seaborn, torch\nfrom imaginary.parts import thing",
        "torch.ones(2).sum().item()",
        "seaborn.set_theme()\n1 + seaborn.count()",
        "try:\n    import imaginary\nexcept ImportError:\n    print('without')",
    )
    assert run.cells[0].error is None and shown(run, 2) == "2.0" and shown(run, 4) == "without\n"
    assert run.cells[2].error is None  # a light use goes on; a number it has not
    assert any("line 2 could not run here" in note and "seaborn.count is not available" in note for note in run.notes)
    assert any("`seaborn`" in note for note in run.notes)


def test_code_for_a_gpu_runs_on_the_cpu(ran) -> None:
    run = ran(
        "import torch\nfrom torch import nn\ndevice = torch.device('cuda')\nassert isinstance(device, torch.device)",
        "net = nn.Linear(3, 5).cuda().to('cuda:0').to(device)\nx = torch.zeros(3, device='cuda').cuda()\nnet(x).shape",
    )
    assert [cell.error for cell in run.cells] == [None, None]
    assert shown(run, 2) == "torch.Size([5])" and any("No GPU" in note for note in run.notes)


def test_the_same_seed_gives_the_same_random_numbers_everywhere(ran) -> None:
    cell = (
        "import random, numpy, torch\n"
        "random.random(), numpy.random.rand(), numpy.random.default_rng().random(), torch.rand(1).item(), hash('x')"
    )
    assert shown(ran(cell), 1) == shown(ran(cell), 1)


@pytest.mark.parametrize("loop", ["while True: pass", "while True:\n    try:\n        pass\n    except: pass"])
def test_an_endless_cell_is_interrupted_and_the_next_one_runs(ran, loop: str) -> None:
    run = ran(loop, "1 + 1", cell_cpu=0.5)
    assert "stopped: it used more than 0.5 CPU seconds" in run.cells[0].error
    assert shown(run, 2) == "2" and run.sessions == 1


def test_a_cell_that_only_waits_is_stopped_by_the_wall_clock(ran) -> None:
    run = ran("import time; time.sleep(1000)", "2", cell_cpu=0.2, wall_factor=2)
    assert "longer than 0.4 seconds" in run.cells[0].error and shown(run, 2) == "2"


def test_a_cell_that_cannot_be_interrupted_is_ended_and_left_out(ran) -> None:
    stubborn = (
        "import signal\nfor n in (signal.SIGPROF, signal.SIGALRM): signal.signal(n, signal.SIG_IGN)\nwhile True: pass"
    )
    run = ran("x = 5", stubborn, "x", cell_cpu=0.3)
    assert run.cells[1].skipped and "could not be interrupted" in run.cells[1].error
    assert shown(run, 3) == "5" and run.sessions == 2


@pytest.mark.parametrize("end", ["import os; os._exit(0)", "import ctypes; ctypes.string_at(0)"])
def test_a_cell_that_ends_the_process_is_left_out_and_the_others_run(ran, end: str) -> None:
    run = ran("x = 5", end, "x + 1")
    assert run.cells[1].skipped and shown(run, 3) == "6"
    assert run.trouble == [f"Code cell 2 was left out: {run.cells[1].error}."]


def test_a_notebook_that_ends_every_session_is_cut_short(ran) -> None:
    run = ran(*["import os; os._exit(1)"] * 5)
    assert run.sessions == 3 and "3 times" in run.cut_short and len(run.cells) == 5


def test_sys_exit_is_an_error_like_any_other(ran) -> None:
    run = ran("import sys\nsys.exit()", "3")
    assert run.cells[0].error == "SystemExit" and shown(run, 2) == "3"


def test_endless_printing_is_cut_at_the_cap(ran) -> None:
    run = ran("for _ in range(1000): print('x' * 100_000)", "4", output_kb=10)
    assert len(shown(run, 1)) < 11_000 and "the limit is 10000 for one cell" in shown(run, 1)
    assert shown(run, 2) == "4"


@pytest.mark.parametrize(
    ("source", "limits", "sentence"),
    [
        ("x = bytearray(3_000_000_000)", {"memory_mb": 2048}, "MemoryError (the limit is 2048 MB of memory)"),
        ("import torch\nx = torch.ones(10**9)", {"memory_mb": 2048}, "(the limit is 2048 MB of memory)"),
        ("open('big', 'wb').write(bytes(9_000_000))", {"disk_mb": 4}, "(the limit is 4 MB of files)"),
        ("kept = [open('/dev/null') for _ in range(200)]", {"files": 80}, "(the limit is 80 open files)"),
        ("import subprocess\nsubprocess.run(['true'])", {}, "(starting programs is not allowed here)"),
        ("while True: pass", {"cell_cpu": 1.0}, "stopped: it used more than 1 CPU seconds, the limit for one cell"),
        (
            "import time\ntime.sleep(30)",
            {"cell_cpu": 1.0, "wall_factor": 1.5},
            "stopped: it took longer than 1.5 seconds, the limit for one cell",
        ),
    ],
)
def test_a_limit_is_named_with_its_value(ran, source: str, limits: dict[str, float], sentence: str) -> None:
    run = ran(source, "5", **limits)
    assert run.cells[0].number == 1 and sentence in " ".join([str(run.cells[0].error), *run.notes])
    assert shown(run, 2) == "5"


def test_a_giant_cell_is_left_out_and_the_next_one_runs(ran) -> None:
    run = ran("x = '" + "y" * 50_000_000 + "'", "5")
    assert "50.0 million characters" in str(run.cells[0].error) and len(run.cells[0].source) < 2000
    assert shown(run, 2) == "5"


def test_a_notebook_that_takes_too_long_in_all_is_cut_short_and_says_where(ran) -> None:
    run = ran(*["import time\ntime.sleep(1.2)"] * 4, cell_cpu=2.0, notebook_cpu=2.0, wall_factor=1.0)
    assert run.cut_short == "the notebook had taken more than 2 seconds after code cell 2"
    assert [cell.skipped for cell in run.cells] == [False, False, True, True]
    assert run.cells[3].error == f"not run: {run.cut_short}"


def test_a_clock_of_its_own_does_not_stretch_the_limit_of_the_notebook(ran) -> None:
    spoilt = "import time\ntime.process_time = time.thread_time = lambda: 0.0\nx = 0"
    busy = "for _ in range(12_000_000): x += 1"
    run = ran(spoilt, *[busy] * 30, cell_cpu=1.5, notebook_cpu=1.5, wall_factor=50.0)
    assert run.cut_short.startswith("the notebook had used more than 1.5 CPU seconds after code cell ")


def test_memory_of_several_processes_is_added_up(ran) -> None:
    hoard = """
    import os, time
    for _ in range(4):
        if os.fork() == 0:
            mine = bytearray(os.urandom(4096)) * 90_000
            time.sleep(30)
    time.sleep(30)
    """
    run = ran(hoard, "5", memory_mb=1200)
    assert "its processes together used more than 1200 MB of memory" in str(run.cells[0].error)
    assert run.trouble[0].startswith("Code cell 1 was left out")
    assert shown(run, 2) == "5"


def test_later_training_does_not_spoil_an_earlier_answer(judge: Judge) -> None:
    spoil = "with torch.no_grad():\n    var_1 += 5\nscalar_tensor = 'later'"
    outcome = judge(Q1, Q2, spoil)
    assert points(outcome)["q1"] == 2.0 and points(outcome)["q2"] == 2.0


def test_a_class_that_was_right_counts_although_it_is_changed_later(judge: Judge) -> None:
    right = """
    import torch
    from torch import nn
    HIDDEN = 2
    class MyNetwork(nn.Module):
        def __init__(self):
            super(MyNetwork, self).__init__()
            self.m1, self.m2 = nn.Linear(3, HIDDEN), nn.Linear(HIDDEN, 5)
        def forward(self, x):
            return self.m2(self.m1(x))
    """
    later = "HIDDEN = 'no number'\nclass MyNetwork(nn.Module):\n    pass"
    outcome = judge(right, later)
    assert points(outcome)["q4"] == 2.0
    assert next(q for q in outcome.questions if q.id == "q4").moment == 1


def test_a_session_that_tells_a_fault_of_ours_gets_a_score_and_a_flag(judge: Judge) -> None:
    outcome = judge(Q1, LIAR + "lie(lambda header: {'fault': 'RuntimeError: so it says'})")
    assert outcome.status is Status.GRADED and points(outcome)["q1"] > 0
    assert SESSION_FAULT in outcome.flags and "so it says" in outcome.detail
    assert "Code cell 2 was left out: it broke what runs the cells." in outcome.message


def test_a_missing_name_costs_only_its_own_tests_and_is_explained(judge: Judge) -> None:
    outcome = judge(Q1.replace("vector_tensor", "vectortensor"), "def Train(network, examples, *, lr, epochs): pass")
    assert points(outcome)["q1"] == 1.5
    assert "no `vector_tensor`; it defines `vectortensor`: did you mean that?" in findings(outcome, "q1")
    assert "no `train`; it defines `Train`: did you mean that?" in findings(outcome, "q5")


def test_a_name_whose_cell_failed_is_explained_by_that_failure(judge: Judge) -> None:
    outcome = judge("1 / 0\nscalar_tensor = 3", "x = 1")
    assert "Cell 1 would define it, but did not come to its end: ZeroDivisionError" in findings(outcome, "q1")


def test_a_call_that_hangs_or_kills_costs_its_own_tests_only(judge: Judge) -> None:
    outcome = judge(Q1, Q2, "import os\ndef fit_product(*a, **k): os._exit(0)\ndef make_examples(n): os.abort()")
    assert points(outcome) == {"q1": 2.0, "q2": 2.0, "q3": 0.0, "q4": 0.0, "q5": 0.0, "q6": 0.0}
    assert outcome.status is Status.GRADED
    assert "The Python process ended while `fit_product(...)` was used." in findings(outcome, "q3")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"<html><body>Sign in</body></html>", "HTML"),
        (b'{"cells": [', "breaks off"),
        (notebook_bytes("x = 1", "print(x)"), "assignment"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}', "no cells"),
    ],
)
def test_what_is_no_notebook_of_this_lab_is_not_gradable_with_a_reason(judge: Judge, content: bytes, word: str) -> None:
    outcome = judge(content)
    assert outcome.status is Status.NOT_GRADABLE and outcome.score is None
    assert word.lower() in outcome.message.lower()
