"""Honest notebooks: the solved lab, and what real notebooks have about them besides (one trait each).

`solved()` is the notebook; `traits()` names the ways to change it, none of which may cost a mark. Used by
test_honest_traits.py, and by whatever makes up a class of honest students.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

MASTER = Path(__file__).parent.parent / "solutions/dipping_into_pytorch/dipping_into_pytorch.ipynb"
Notebook = dict[str, Any]
Trait = Callable[[Notebook], Notebook]

IMPORTS = "import matplotlib.pyplot as plt"
TENSORS = "scalar_tensor = torch.tensor(2.2)"
FIT = "def fit_product("
NETWORK = "self.m2 = nn.Linear(8, 5)"
TRAIN = "def train("
LOOP = "        for my_input, my_desired_output in examples:\n"
LAST = "my_network = MyNetwork()\ntrain(my_network, make_examples(400)"
EXAMPLES = "def make_examples("


def solved(plots: bool = False) -> Notebook:
    """The lab's solution as a student hands it in; its pictures are left out unless `plots`, since they cost time."""
    cells: list[dict[str, Any]] = []
    in_tests = False
    for cell in json.loads(MASTER.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "raw":
            in_tests = "BEGIN TESTS" in source or (in_tests and "END TESTS" not in source)
        elif not in_tests and (plots or "plt.show" not in source):
            cells.append({**cell, "id": f"cell-{len(cells):03d}", "source": _as_handed_in(source)})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _as_handed_in(source: str) -> str:
    lines = [line for line in source.split("\n") if line.strip() not in ("# BEGIN SOLUTION", "# END SOLUTION")]
    return "\n".join(line.removesuffix("  # SOLUTION") for line in lines)


def changed(notebook: Notebook, mark: str, old: str, new: str) -> Notebook:
    """A copy in which the last code cell that holds `mark` has `new` for `old`. Raises ValueError if none does."""
    found = copy.deepcopy(notebook)
    for cell in reversed(found["cells"]):
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        if cell["cell_type"] == "code" and mark in source and old in source:
            cell["source"] = source.replace(old, new)
            return found
    raise ValueError(f"no code cell has {mark!r} and {old!r}")


def first(text: str) -> Trait:
    """Lines at the top of the cell that imports torch."""
    return lambda notebook: changed(notebook, IMPORTS, IMPORTS, f"{text}\n{IMPORTS}")


def after_imports(text: str) -> Trait:
    """Lines at the end of the cell that imports torch."""
    tail = "from torch.optim import SGD"
    return lambda notebook: changed(notebook, IMPORTS, tail, f"{tail}\n{text}")


def swap(mark: str, old: str, new: str) -> Trait:
    return lambda notebook: changed(notebook, mark, old, new)


def in_front(mark: str, text: str) -> Trait:
    """Lines in front of `mark` in its cell."""
    return swap(mark, mark, f"{text}\n{mark}")


def cell_before(mark: str, *sources: str) -> Trait:
    """Cells of their own before the last one that holds `mark`."""

    def change(notebook: Notebook) -> Notebook:
        found = copy.deepcopy(notebook)
        places = [n for n, c in enumerate(found["cells"]) if c["cell_type"] == "code" and mark in "".join(c["source"])]
        found["cells"][places[-1] : places[-1]] = [_cell(f"{text[:8]}{n}", text) for n, text in enumerate(sources)]
        return found

    return change


def last(*sources: str) -> Trait:
    """Cells at the end."""

    def change(notebook: Notebook) -> Notebook:
        found = copy.deepcopy(notebook)
        found["cells"] += [_cell(f"{text[:8]}{n}", text) for n, text in enumerate(sources)]
        return found

    return change


def both(*changes: Trait) -> Trait:
    def change(notebook: Notebook) -> Notebook:
        for one in changes:
            notebook = one(notebook)
        return notebook

    return change


def everywhere(old: str, new: str) -> Trait:
    """`new` for `old` in every code cell."""

    def change(notebook: Notebook) -> Notebook:
        found = copy.deepcopy(notebook)
        for cell in found["cells"]:
            if cell["cell_type"] == "code":
                cell["source"] = "".join(cell["source"]).replace(old, new)
        return found

    return change


def _cell(name: str, source: str) -> dict[str, Any]:
    name = "".join(letter for letter in name if letter.isalnum())
    return {
        "cell_type": "code", "id": f"x-{name}", "metadata": {}, "execution_count": None, "outputs": [],
        "source": source,
    }  # fmt: skip


DRIVE = "from google.colab import drive\ndrive.mount('/content/drive')\n"
ABSENT = """
import plotly.express as px, seaborn as sns, torchinfo, wandb
from torchsummary import summary
from torch.utils.tensorboard import SummaryWriter
import torchvision
from torchvision import transforms, datasets
import pandas as pd
from sklearn.model_selection import train_test_split
import lightning as L"""
MODULE = """%%writefile mytrain.py
import torch
from torch.optim import SGD
def train(network, examples, *, lr, epochs):
    my_sgd = SGD(network.parameters(), lr=lr)
    for _ in range(epochs):
        for x, y in examples:
            my_sgd.zero_grad()
            ((network(x) - y) ** 2).sum().backward()
            my_sgd.step()
"""
FROM_MODULE = "from mytrain import train\nwritten = train"

ENVIRONMENT: dict[str, Trait] = {
    "drive and %cd": first(DRIVE + "%cd /content/drive/MyDrive/lab"),
    "%cd .": first("%cd ."),
    "os.chdir": first("import os\nos.chdir('/content/drive/MyDrive')"),
    "many absent imports": first(ABSENT),
    "matplotlib.use": first("import matplotlib\nmatplotlib.use('TkAgg')"),
    "ipympl": first("import matplotlib\nmatplotlib.use('module://ipympl.backend_nbagg')"),
    "%matplotlib widget": first("%matplotlib widget"),
    "! beside code": first("!pip install torch==2.1 --quiet 2>/dev/null\n!git clone https://x.invalid/y.git\n%cd y"),
    "%%bash first": first("%%bash\npip install -q torch\nls -la"),
    "%load_ext": first("%load_ext tensorboard\n%load_ext nothing_like_it\n%reload_ext other"),
    "%memit": first("%load_ext memory_profiler\n%memit sum(range(10))"),
    "upload, indexed": first("from google.colab import files\nup = files.upload()\nname = list(up.keys())[0]"),
    "a mounted drive listed": first(DRIVE + "import os\nprint(os.listdir('/content/drive/MyDrive'))"),
    "urlretrieve": first("from urllib.request import urlretrieve\nurlretrieve('https://x.invalid/d.csv', 'd.csv')"),
    "%%writefile, then import": both(cell_before(TRAIN, MODULE), in_front(TRAIN, FROM_MODULE)),
    "NBSP": everywhere("    for _ in range(epochs)", "\u00a0\u00a0\u00a0 for _ in range(epochs)"),
}  # fmt: skip
NUMBERS: dict[str, Trait] = {
    "cuda.FloatTensor": swap(TENSORS, "torch.tensor(2.2)", "torch.tensor(2.2).type(torch.cuda.FloatTensor)"),
    "a generator on the GPU": swap(EXAMPLES, "(n, 3)", "(n, 3), generator=torch.Generator('cuda'), device='cuda'"),
    "float64 by default": after_imports("torch.set_default_dtype(torch.float64)"),
    "gradients off at the end": last("torch.set_grad_enabled(False)\nmy_network.eval()"),
    "DataLoader with workers": both(
        swap(TRAIN, LOOP, LOOP.replace("examples", "DataLoader(examples, batch_size=None, num_workers=2)")),
        in_front(TRAIN, "from torch.utils.data import DataLoader"),
    ),
}  # fmt: skip


def traits() -> dict[str, Trait]:
    """Every trait by its name; each takes a solved notebook and gives a changed copy."""
    return {**ENVIRONMENT, **NUMBERS}
