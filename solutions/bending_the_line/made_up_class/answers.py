"""Answers to the questions of "Bending the line": the taught ones, other right ones, and mistakes with what they cost.

Points follow from the questions' tests by hand: q1 weight 1, bias 2; q2 bend 1.5, input left alone 0.75, hill 0.75;
q4 shape 1, bend 1; q5 order 2, the given network 1, learning 2, my_bender 1; q6 one for each of its four tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

POINTS = {"q1": 3.0, "q2": 3.0, "q3": 2.0, "q4": 2.0, "q5": 6.0, "q6": 4.0}

RIGHT = {
    "imports": """import matplotlib.pyplot as plt
import torch
import torch.nn as nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset
""",
    "q1": """def merge(first, second):
    weight = second.weight @ first.weight
    bias = second.weight @ first.bias + second.bias
    return weight, bias
""",
    "q2": """def bend(x):
    return torch.where(x > 0, x, torch.zeros_like(x))

def hill(x):
    return bend(x) - 2 * bend(x - 1) + bend(x - 2)
""",
    "q3": """def make_points(n):
    inputs = 2 * torch.rand(n, 2) - 1
    above = inputs > 0
    return inputs, (above[:, 0] != above[:, 1]).long()
""",
    "q4": """class Bender(nn.Module):
    def __init__(self):
        super().__init__()
        self.m1 = nn.Linear(2, 16)
        self.bend = nn.ReLU()
        self.m2 = nn.Linear(16, 2)

    def forward(self, x):
        return self.m2(self.bend(self.m1(x)))
""",
    "q5": """def fit(network, loader, *, lr, epochs):
    my_sgd = SGD(network.parameters(), lr=lr)
    for _ in range(epochs):
        for inputs, labels in loader:
            loss = cross_entropy(network(inputs), labels)
            loss.backward()
            my_sgd.step()
            my_sgd.zero_grad()

my_bender = Bender()
points = TensorDataset(*make_points(400))
fit(my_bender, DataLoader(points, batch_size=16, shuffle=True), lr=0.5, epochs=60)
""",
    "q6": """def accuracy(network, inputs, labels):
    with torch.no_grad():
        return (network(inputs).argmax(dim=1) == labels).float().mean().item()

def fit_and_watch(network, loader, held_out, *, lr, epochs):
    held_inputs, held_labels = held_out
    train_losses, held_losses = [], []
    for _ in range(epochs):
        fit(network, loader, lr=lr, epochs=1)
        with torch.no_grad():
            sums = [cross_entropy(network(inputs), labels, reduction="sum") for inputs, labels in loader]
            train_losses.append((sum(sums) / len(loader.dataset)).item())
            held_losses.append(cross_entropy(network(held_inputs), held_labels).item())
    return train_losses, held_losses

def best_epoch(losses):
    return losses.index(min(losses))
""",
}


@dataclass(frozen=True)
class Answer:
    """Questions answered otherwise than as taught, and the points of those that lose some."""

    label: str
    code: Mapping[str, str]
    points: Mapping[str, float] = field(default_factory=dict)


def changed(question: str, old: str, new: str) -> dict[str, str]:
    """The taught answer with one piece of it replaced; AssertionError if it does not have that piece."""
    assert old in RIGHT[question], (question, old)
    return {question: RIGHT[question].replace(old, new)}


RESET, STEP = "            my_sgd.zero_grad()\n", "            my_sgd.step()\n"
BACKWARD, BENT = "            loss.backward()\n", "self.m2(self.bend(self.m1(x)))"
HELD = "            held_losses.append(cross_entropy(network(held_inputs), held_labels).item())\n"
ROUND = BACKWARD + STEP + RESET
ADAM = "torch.optim.Adam(network.parameters(), lr=lr)"

WAYS = (
    Answer("reset-first", changed("q5", ROUND, RESET + BACKWARD + STEP)),
    Answer("adam", {"q5": RIGHT["q5"].replace("SGD(network.parameters(), lr=lr)", ADAM).replace("lr=0.5", "lr=0.01")}),
    Answer("tanh-wide", {"q4": RIGHT["q4"].replace("nn.ReLU()", "nn.Tanh()").replace("16", "48")}),
    Answer("own-bend", {"q4": RIGHT["q4"].replace("self.bend(self", "bend(self")
                        .replace("        self.bend = nn.ReLU()\n", "")}),
    Answer("clamped", changed("q2", "torch.where(x > 0, x, torch.zeros_like(x))", "x.clamp(min=0)")),
    Answer("three-layers", changed("q4", "self.m2 = nn.Linear(16, 2)",
                                   "self.m2 = nn.Sequential(nn.Linear(16, 16), nn.GELU(), nn.Linear(16, 2))")),
)  # fmt: skip

MISTAKES = (
    Answer("first-bias-lost", changed("q1", "second.weight @ first.bias + second.bias", "second.bias"), {"q1": 1}),
    Answer("wrong-way-round", changed("q1", "second.weight @ first.weight", "first.weight @ second.weight"), {"q1": 0}),
    Answer("steep-hill", changed("q2", " + bend(x - 2)", ""), {"q2": 2.25}),
    Answer("no-bend", changed("q4", BENT, "self.m2(self.m1(x))"), {"q4": 1, "q5": 3}),
    Answer("reset-between", changed("q5", ROUND, BACKWARD + RESET + STEP), {"q5": 0, "q6": 3}),
    Answer("step-first", changed("q5", ROUND, STEP + RESET + BACKWARD), {"q5": 0, "q6": 2}),
    Answer("accuracy-in-percent", changed("q6", ".float().mean().item()", ".float().mean().item() * 100"), {"q6": 3}),
    Answer("looks-too-early", {"q6": RIGHT["q6"].replace(HELD, "").replace(
        "        fit(network, loader, lr=lr, epochs=1)\n",
        HELD.removeprefix("    ") + "        fit(network, loader, lr=lr, epochs=1)\n")}, {"q6": 3}),
    Answer("learns-from-held-out", changed(
        "q6", "        fit(network, loader, lr=lr, epochs=1)\n",
        "        fit(network, loader, lr=lr, epochs=1)\n        fit(network, [held_out], lr=lr, epochs=1)\n",
    ), {"q6": 3}),
    Answer("last-of-several", changed("q6", "losses.index(min(losses))",
                                      "max(range(len(losses)), key=lambda n: (-losses[n], n))"), {"q6": 3}),
)  # fmt: skip
