"""`autograder diagnose FILE... [--json]` as others drive it: verdicts, places, pictures, and files that are no use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import notebook_bytes
from loops.case import HEAD
from typer.testing import CliRunner

from autograder.cli import app

NETWORK = """
class MyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.m1, self.m2 = nn.Linear(3, 2), nn.Linear(2, 5)

    def forward(self, x):
        return self.m2(self.m1(x))
"""
TRAIN = """
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for epoch in range(epochs):
        for x, y in examples:
            loss = torch.sum((network(x) - y) ** 2)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
"""
FIT = """
import torch
def fit_product(var_1, var_2, goal, *, lr=3e-3, steps=1):
    for step in range(steps):
        loss = (goal - var_1 * var_2) ** 2
        loss.backward()
        with torch.no_grad():
            for tensor in (var_1, var_2):
                tensor -= lr * tensor.grad
"""
KEYS = ["file", "verdict", "correct", "sentence", "ledger", "replay", "where", "error"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """All files in one call, as a TA would; the JSON lines by file name."""
    folder = tmp_path_factory.mktemp("files")
    files = {
        "right.ipynb": notebook_bytes(HEAD, NETWORK, TRAIN),
        "wrong.ipynb": notebook_bytes(HEAD, "# a cell\n" + TRAIN.replace("            optimizer.zero_grad()\n", "")),
        "cut.ipynb": notebook_bytes(
            HEAD, NETWORK.replace("self.m2(self.m1(x))", "self.m2(self.m1(x).detach())"), TRAIN
        ),
        "right.py": (HEAD + NETWORK + TRAIN).encode(),
        "detached.py": (HEAD + TRAIN.replace("** 2)", "** 2).detach()")).encode(),
        "product.py": FIT.encode(),
        "broken.ipynb": b'{"cells": [',
        "empty.py": b"",
        "nothing.ipynb": notebook_bytes("x = 1"),
        "syntax.py": b"def train(:\n",
        "ends.py": b"import os\nos._exit(3)\n",
        "raises.py": (HEAD + "def train(network, examples, *, lr, epochs):\n    return network.nothing\n").encode(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    arguments = ["diagnose", "--json", "--svg", str(folder / "pictures"), *(str(folder / name) for name in files)]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    assert [Path(row["file"]).name for row in rows] == list(files)
    return {Path(row["file"]).name: {**row, "folder": folder} for row in rows}


def test_every_line_has_the_same_keys(found: dict[str, dict[str, object]]) -> None:
    assert all(set(KEYS) <= set(row) for row in found.values())


@pytest.mark.parametrize(
    ("name", "verdict", "correct"),
    [
        ("right.ipynb", "CORRECT", True), ("right.py", "CORRECT", True), ("wrong.ipynb", "MISSING_ZERO", False),
        ("detached.py", "DETACHED", False), ("product.py", "MISSING_ZERO", False), ("syntax.py", "NOT_RUN", None),
        ("ends.py", "NOT_RUN", None), ("raises.py", "NOT_RUN", None), ("empty.py", "NOT_RUN", None),
        ("nothing.ipynb", "NOT_RUN", None), ("broken.ipynb", None, None),
    ],
)  # fmt: skip
def test_verdicts(found: dict[str, dict[str, object]], name: str, verdict: str | None, correct: bool | None) -> None:
    row = found[name]
    assert (row["verdict"], row["correct"]) == (verdict, correct), row
    assert bool(row["error"]) == (correct is None)


def test_places_are_cells_in_notebooks_and_lines_in_files(found: dict[str, dict[str, object]]) -> None:
    assert {"cell": 2, "line": 9, "step": "Optimize"} in found["wrong.ipynb"]["where"]  # type: ignore[operator]
    assert {(spot["cell"], spot["step"]) for spot in found["right.py"]["where"]} == {  # type: ignore[attr-defined]
        (None, "Backprop"), (None, "Optimize"), (None, "Reset")
    }  # fmt: skip


def test_both_witnesses_are_told(found: dict[str, dict[str, object]]) -> None:
    row = found["wrong.ipynb"]
    assert row["ledger"]["verdict"] == "MISSING_ZERO"  # type: ignore[index]
    assert row["replay"]["agrees_with_the_lab"] is False  # type: ignore[index]
    assert row["replay"]["agrees_with_the_ledger"] is True  # type: ignore[index]
    assert found["right.py"]["replay"]["agrees_with_the_lab"] is True  # type: ignore[index]


def test_what_is_wrong_with_a_file_is_said(found: dict[str, dict[str, object]]) -> None:
    assert "breaks off" in str(found["broken.ipynb"]["error"])
    assert "neither `train` nor `fit_product`" in str(found["empty.py"]["error"])
    assert "ended the Python process" in str(found["ends.py"]["error"])
    assert "SyntaxError" in str(found["syntax.py"]["error"])
    assert "nothing" in str(found["raises.py"]["error"])


def test_what_never_learns_in_ones_own_network_is_named(found: dict[str, dict[str, object]]) -> None:
    assert (found["cut.ipynb"]["verdict"], found["cut.ipynb"]["correct"]) == ("CORRECT", True)
    assert "In your own network, m1.weight, m1.bias changes the output, but no gradient" in str(
        found["cut.ipynb"]["notes"]
    )
    assert "own network" not in str(found["right.ipynb"]["notes"])


def test_pictures_are_drawn(found: dict[str, dict[str, object]]) -> None:
    pictures = Path(str(found["right.py"]["folder"])) / "pictures"
    drawn = {path.name for path in pictures.iterdir()}
    assert {"right.svg", "wrong.svg"} <= drawn
    assert len([name for name in drawn if name.endswith("right.svg")]) == 2  # right.ipynb and right.py
    assert (pictures / "wrong.svg").read_text().count("missing") >= 3


def test_the_terminal_shows_the_timeline(tmp_path: Path) -> None:
    path = tmp_path / "loop.py"
    path.write_text(HEAD + TRAIN.replace("            optimizer.zero_grad()\n", ""))
    done = CliRunner().invoke(app, ["diagnose", str(path)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "MISSING_ZERO" in done.stdout and "You never Reset" in " ".join(done.stdout.split())
    assert "Backprop" in done.stdout and "line" in done.stdout


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["diagnose", str(tmp_path / "none.py")])
    assert done.exit_code == 2
