"""Typical mistakes in q5 (the training loop).

Called by `variants`; the rubric is in `loops`. In q6 a `train` that cannot learn leaves 1 (`make_examples`), where
my_network is trained by it; one that learns something else than the network it is given leaves 3.5, since my_network
itself is right there. Tried with several starts: without Reset, with one Reset or one Optimize per epoch, every
two-layer network becomes NaN at lr 1e-3 and 3e-4 on 1500 triples, and a one-layer network is off by 1e7 and more.
"""

from __future__ import annotations

from .loops import LAB, LOSS, two_loops
from .model import Variant, wrong

CANNOT_LEARN = {"q6": 1.0}
CALLS_TRAIN = ("q6-linear-8", "q6-linear-3", "q6-linear-4", "q6-linear-16", "q6-linear-32")

MISTAKES: tuple[Variant, ...] = (
    wrong(
        "q5",
        "q5-no-reset",
        2.0,
        "Never Resets: moves, uses lr and epochs, but old marks pile up and nothing settles.",
        two_loops(LOSS + "\nloss.backward()\noptimizer.step()"),
        elsewhere=CANNOT_LEARN,
        needs=CALLS_TRAIN,
    ),
    wrong(
        "q5",
        "q5-reset-between",
        0.0,
        "Resets between Backprop and Optimize: nothing ever moves.",
        two_loops(LOSS + "\nloss.backward()\noptimizer.zero_grad()\noptimizer.step()"),
        elsewhere=CANNOT_LEARN,
        needs=CALLS_TRAIN,
    ),
    wrong(
        "q5",
        "q5-optimize-first",
        0.0,
        "Optimize, Backprop, Reset: the marks are wiped before they are used.",
        two_loops("optimizer.step()\n" + LOSS + "\nloss.backward()\noptimizer.zero_grad()"),
        elsewhere=CANNOT_LEARN,
        needs=CALLS_TRAIN,
    ),
    wrong(
        "q5",
        "q5-no-step",
        0.0,
        "`optimizer.step` without brackets is never called.",
        two_loops(LOSS + "\nloss.backward()\noptimizer.step\noptimizer.zero_grad()"),
        elsewhere=CANNOT_LEARN,
        needs=CALLS_TRAIN,
    ),
    wrong(
        "q5",
        "q5-reset-per-epoch",
        3.0,
        "Resets once per epoch; with a single example that is the right loop, with more it is not.",
        two_loops(LOSS + "\nloss.backward()\noptimizer.step()", before="optimizer.zero_grad()"),
        elsewhere=CANNOT_LEARN,
        needs=CALLS_TRAIN,
    ),
    wrong(
        "q5",
        "q5-step-per-epoch",
        4.0,
        "Optimizes once per pass, on the marks of all examples together: half the marks for order.",
        """
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for epoch in range(epochs):
        for x, y in examples:
            loss = torch.sum((network(x) - y) ** 2)
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()
""",
        elsewhere=CANNOT_LEARN,
        needs=CALLS_TRAIN,
    ),
    wrong(
        "q5",
        "q5-own-lr",
        4.0,
        "Ignores the lr it is given and uses 1e-3 always, which happens to learn; its order is right.",
        two_loops(LAB, start="optimizer = SGD(network.parameters(), lr=1e-3)"),
        needs=("q6-linear-8",),
    ),
    wrong(
        "q5",
        "q5-one-epoch",
        3.0,
        "Ignores `epochs` and goes through the examples once.",
        """
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for x, y in examples:
        loss = torch.sum((network(x) - y) ** 2)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
""",
        needs=("q6-one-long-pass",),
        drawn=False,
        notes="A fresh one-layer network is right within 0.25 after one pass of 1500 triples; of fewer, perhaps not.",
    ),
    wrong(
        "q5",
        "q5-new-network",
        0.0,
        "Trains a network of its own and returns it; the one it was given never moves.",
        """
def train(network, examples, *, lr, epochs):
    network = MyNetwork()
    optimizer = SGD(network.parameters(), lr=lr)
    for epoch in range(epochs):
        for x, y in examples:
            loss = torch.sum((network(x) - y) ** 2)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return network
""",
        elsewhere={"q6": 3.5},
        needs=("q6-takes-what-train-returns",),
    ),
    wrong(
        "q5",
        "q5-global-network",
        0.0,
        "The optimizer holds the notebook's own my_network, whatever network it was given.",
        two_loops(LAB, start="optimizer = SGD(my_network.parameters(), lr=lr)"),
        elsewhere={"q6": 3.5},
        needs=("q6-linear-8",),
    ),
    wrong(
        "q5",
        "q5-detached",
        0.0,
        "item() cuts the loss off from the network, so Backprop raises.",
        two_loops(
            "loss = torch.tensor(torch.sum((network(x) - y) ** 2).item())\n"
            "loss.backward()\noptimizer.step()\noptimizer.zero_grad()"
        ),
        elsewhere=CANNOT_LEARN,
        needs=CALLS_TRAIN,
    ),
    wrong(
        "q5",
        "q5-renamed",
        0.0,
        "The function is called `Train`; my_network was trained by it, but no fresh network can be.",
        two_loops(LAB).replace("def train(", "def Train("),
        elsewhere={"q6": 3.5},
        needs=("q6-calls-renamed-train",),
    ),
)
