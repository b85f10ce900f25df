"""A course of another kind, graded by the real command: XOR, a hidden layer, full batches, binary cross-entropy.

Its training function is `fit(net, X, y, steps)`; the order check takes six lines of its grader.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from conftest import ROOT, notebook_bytes
from typer.testing import CliRunner

from autograder.cli import app

CONFIG = """
course: Networks (example)
seed: 8265430917
assignments:
  xor:
    title: Exclusive or
    notebook: xor.ipynb
    order:
      words:
        one: batch
        asks: this course asks for one update a step, of all the points
        rounds: Let each step take all the points at once.
        optimizer: the optimizer
        handed: net.parameters()
        all_handed: all of net.parameters()
        recompute: output = net(X)
        loss: the binary cross-entropy
        loss_advice: Use nn.BCEWithLogitsLoss().
        loop: the loop that is asked for
    questions:
      q1: {title: Fitting, points: 3, names: [fit]}
"""
DOCS = (ROOT / "docs/order-check.md").read_text()
GRADER = DOCS.split("### How to write a probe")[1].split("```python\n")[1].split("```")[0]
"""The example of docs/order-check.md."""
RIGHT = """
import torch
from torch import nn
def fit(net, X, y, steps):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.BCEWithLogitsLoss()(net(X), y)
        loss.backward()
        optimizer.step()
"""
RESET, LOSS, STEP = "        optimizer.zero_grad()\n", "nn.BCEWithLogitsLoss()(net(X), y)", "        optimizer.step()"
MEAN = "sum(nn.BCEWithLogitsLoss()(net(a), b) for a, b in zip(X, y)) / len(X)"
CLIP = "        nn.utils.clip_grad_norm_(net.parameters(), 0.1)\n"
PIECES = "      for X_, y_ in zip(X.split(2), y.split(2)):\n"
FINE = (3, "CORRECT_ROTATED", "full marks")
HAND_INS = {
    "adam": (RIGHT.replace("SGD", "Adam").replace("0.5", "0.05"), *FINE),
    "clipped": (RIGHT.replace(STEP, CLIP + STEP), *FINE),
    "each": (RIGHT.replace(LOSS, MEAN), *FINE),
    "mse": (RIGHT.replace("BCEWithLogits", "MSE"), 3, "WRONG_LOSS", "this loss is not the binary cross-entropy"),
    "never": (RIGHT.replace(RESET, ""), 0, "MISSING_ZERO", "the optimizer still had marks from 1 earlier batch"),
    "pieces": (RIGHT.replace(RESET, PIECES + RESET).replace("net(X), y", "net(X_), y_"), 3, "OTHER_BATCHES",
               "asks for one update a step, of all the points"),
    "right": (RIGHT, *FINE),
    "stale": (
        RIGHT.replace("    for _", "    output = net(X)\n    for _").replace("net(X), y)", "output, y)")
        .replace("backward()", "backward(retain_graph=True)"), 0, "STALE_LOSS", "computed before the last update"),
}  # fmt: skip


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("xor")
    for folder in ("course/tests/graders/xor", "course/solutions/xor", "class"):
        (root / folder).mkdir(parents=True)
    (root / "course/grading.yml").write_text(CONFIG)
    (root / "course/tests/graders/xor/test_q1.py").write_text(GRADER)
    (root / "course/solutions/xor/xor.ipynb").write_bytes(notebook_bytes(RIGHT))
    for name, (source, *_) in HAND_INS.items():
        (root / f"class/{name}.ipynb").write_bytes(notebook_bytes(source))
    words = ["grade", str(root / "class"), "--course", str(root / "course"), "--out", str(root / "run")]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return root / "run"


def test_the_verdict_column_is_fed_and_marks_follow(graded: Path) -> None:
    with (graded / "scores.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["student"]: (float(row["score"]), row["verdict"]) for row in csv.DictReader(file)}
    assert rows == {name: (float(score), verdict) for name, (_, score, verdict, _) in HAND_INS.items()}


@pytest.mark.parametrize("name", HAND_INS)
def test_each_is_told_in_that_assignments_words(graded: Path, name: str) -> None:
    result = json.loads((graded / "results" / f"{name}.json").read_text())
    told = json.dumps(result, ensure_ascii=False)
    assert HAND_INS[name][3] in told, told[:3000]
    assert "the lab" not in told and "var_1" not in told


def test_a_grader_needs_six_lines_for_it() -> None:
    assert 1 < len(GRADER[GRADER.index("order.check_loop(") :].strip().splitlines()) <= 6
