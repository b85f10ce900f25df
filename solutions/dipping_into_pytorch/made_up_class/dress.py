"""Makes code cells look like a notebook that somebody hands in: headings, setup, checks, Colab's or Jupyter's traces.

Called by `students.compose`. Dress never changes a mark: it adds markdown, set-up and check cells, old outputs and
metadata, and joins cells of a question at times. A habit is what a student's own machine leaves in a notebook: lines
that fail where it is graded, and cost nothing either.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .variants import EXTRA

DRESSES = ("colab", "jupyter", "vscode", "bare")

_HEADINGS = {
    "q1": "Your first tensors",
    "q2": "A latent value",
    "q3": "SGD by hand",
    "q4": "MyNetwork",
    "q5": "The training loop",
    "q6": "Every integer triple",
}
_REMARKS = (
    "This one took me a while.",
    "Took three tries, see below.",
    "I think this is right?",
    "Worked on this with my table in class.",
    "*(question for Monday: why a frog?)*",
)
_SETUP = "import torch\nimport torch.nn as nn\nfrom torch.optim import SGD"
_OTTER = "import otter\n\ngrader = otter.Notebook()"


@dataclass(frozen=True)
class Habit:
    """Lines around the imports of the set-up cell, a cell at the end, and a sentence about them."""

    about: str
    above: str = ""
    below: str = ""
    end: str = ""


HABITS: dict[str, Habit] = {
    "": Habit(""),
    "drive": Habit(
        "Works in a folder of Google Drive.",
        above="from google.colab import drive\ndrive.mount('/content/drive')\n%cd /content/drive/MyDrive/lab\n!ls",
    ),
    "packages": Habit(
        "Logs to services and imports packages that are not there.",
        above="import seaborn as sns, wandb\nfrom torch.utils.tensorboard import SummaryWriter\nsns.set_theme()\n"
        "wandb.login()\nwriter = SummaryWriter('/content/runs')",
    ),
    "gpu": Habit(
        "Asks for a GPU.",
        below="assert torch.cuda.is_available(), 'Runtime > Change runtime type'\n"
        "print(torch.cuda.get_device_name(0))\ntorch.set_default_tensor_type('torch.cuda.FloatTensor')",
    ),
    "gradients-off": Habit("Leaves gradients switched off.", end="torch.set_grad_enabled(False)"),
}
_METADATA: dict[str, dict[str, Any]] = {
    "colab": {
        "colab": {"provenance": []},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
    },
    "jupyter": {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "file_extension": ".py", "version": "3.11.9"},
    },
    "vscode": {"language_info": {"name": "python", "version": "3.12.4"}},
    "bare": {},
}
_MINOR = {"colab": 0, "jupyter": 5, "vscode": 2, "bare": 4}  # of nbformat 4, as these programs write it


def dressed(answers: Mapping[str, Sequence[str]], *, dress: str, rng: random.Random, habit: str = "") -> bytes:
    """A notebook file from the code cells of each question; `answers["extra"]` stand between q3 and q4.

    Raises ValueError for a dress that is not in DRESSES and a habit that is not in HABITS.
    """
    if dress not in DRESSES:
        raise ValueError(f"no dress called {dress!r}; there are {', '.join(DRESSES)}")
    if habit not in HABITS:
        raise ValueError(f"no habit called {habit!r}; there are {', '.join(filter(None, HABITS))}")
    own = HABITS[habit]
    checks = dress in ("colab", "jupyter")
    cells = [_markdown("# Dipping into PyTorch\nBackprop, Optimize, Reset.")]
    cells += [_code(source) for source in _setup_cells(dress, own, checks=checks, rng=rng)]
    for question, heading in _HEADINGS.items():
        if question == "q4":
            cells += [_code(source) for source in answers.get(EXTRA, ())]
        if dress != "bare" or rng.random() < 0.5:
            cells.append(_markdown(f"## Question {question[1:]}: {heading}"))
        if rng.random() < 0.2:
            cells.append(_markdown(rng.choice(_REMARKS)))
        cells += [_code(source) for source in _sometimes_joined(answers.get(question, ()), rng)]
        if checks:
            cells.append(_code(f'grader.check("{question}")'))
    if own.end:
        cells.append(_code(own.end))
    if dress == "jupyter" and rng.random() < 0.5:
        cells.append(_code(""))
    _leave_traces(cells, dress, rng)
    notebook = {"cells": cells, "metadata": _METADATA[dress], "nbformat": 4, "nbformat_minor": _MINOR[dress]}
    return json.dumps(notebook, indent=None if dress == "colab" else 1, ensure_ascii=dress == "bare").encode()


def _setup_cells(dress: str, own: Habit, *, checks: bool, rng: random.Random) -> list[str]:
    cells = []
    if dress == "colab":
        cells.append("!pip install -q otter-grader")
        if rng.random() < 0.5:
            cells.append("from google.colab import drive\ndrive.mount('/content/drive')")
    setup = _SETUP + ("\nprint(torch.__version__)" if rng.random() < 0.3 else "")
    cells.append("\n".join(filter(None, (own.above, setup, own.below))))
    if checks:
        cells.append(_OTTER)
    return cells


def _sometimes_joined(sources: Sequence[str], rng: random.Random) -> list[str]:
    """The same code in fewer cells, where that is the same: a magic has to begin its cell, a definition to end well."""
    plain = all(line[:1] not in "%!" for source in sources for line in source.splitlines() if line)
    # Two cells at most: in longer rows a failing cell must not take the later ones with it.
    if len(sources) == 2 and plain and rng.random() < 0.3 and sources[0].startswith(("class ", "def ")):
        return ["\n\n".join(sources)]
    return list(sources)


def _leave_traces(cells: list[dict[str, Any]], dress: str, rng: random.Random) -> None:
    """Cell ids, execution counts and outputs of an earlier run, as each program leaves them."""
    count = 0
    for number, cell in enumerate(cells, start=1):
        if dress == "jupyter":
            cell["id"] = f"cell-{number:02d}"
        if dress == "colab":
            cell["metadata"] = {"id": "".join(rng.choices("abcdefghkmnpqrstuvwxyzABCDEF0123456789", k=12))}
        if cell["cell_type"] == "code" and dress != "bare":
            count += 1
            cell["execution_count"] = count
            if "print(" in cell["source"] and rng.random() < 0.5:
                cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["tensor([1., 2., 3.])\n"]}]
        if dress != "vscode":  # most programs write lines, a few one string
            cell["source"] = cell["source"].splitlines(keepends=True)


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
