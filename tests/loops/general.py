# ruff: noqa: E501 - sources of loops
"""Training loops of any kind: right and faulty ones over many networks, losses, optimizers and ways of batching.

What each is expected to be told was written down before it was first run. `tests/test_general_loops.py` runs a sample,
`benchmarks/general_loops.py` all of them.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy
import torch
import torch.nn.functional as F

from autograder.loop.asked import Asked
from autograder.loop.probes import Data, Draw, Probe

Tensors = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Task:
    """A network, data that fit it, and what kind of loss belongs to it."""

    spec: Any
    inputs: tuple[int, ...]  # the shape of one example
    outputs: tuple[int, ...]
    targets: str  # "numbers", "classes", "truths", "tokens"
    words: int = 0  # inputs are numbers of words below this

    def data(self, loss_targets: str) -> Draw:
        def drawn(draw: numpy.random.Generator, count: int) -> Tensors:
            generator = torch.Generator().manual_seed(int(draw.integers(2**40)))
            if self.words:
                inputs = torch.randint(self.words, (count, *self.inputs), generator=generator)
                inputs[:, 0] = torch.arange(count) % self.words  # no two alike
                inputs[:, 1] = torch.arange(count) // self.words
            else:
                inputs = torch.randn(count, *self.inputs, generator=generator)
            if loss_targets == "classes":
                return inputs, torch.randint(self.outputs[-1], (count,), generator=generator)
            if loss_targets == "truths":
                return inputs, torch.randint(2, (count, *self.outputs), generator=generator).float()
            if loss_targets == "shares":
                return inputs, torch.rand(count, *self.outputs, generator=generator).softmax(-1)
            return inputs, torch.randn(count, *self.outputs, generator=generator)

        return drawn


NETWORKS: dict[str, Task] = {
    "line": Task([("Linear", 3, 2)], (3,), (2,), "any"),
    "two lines": Task([("Linear", 3, 4), ("Linear", 4, 2)], (3,), (2,), "any"),
    "relu": Task([("Linear", 4, 8), "ReLU", ("Linear", 8, 3)], (4,), (3,), "any"),
    "tanh": Task([("Linear", 2, 6), "Tanh", ("Linear", 6, 2)], (2,), (2,), "any"),
    "deep": Task(
        [("Linear", 3, 6), "GELU", ("Linear", 6, 6), "SiLU", ("Linear", 6, 6), "Sigmoid", ("Linear", 6, 2)],
        (3,),
        (2,),
        "any",
    ),
    "norm": Task([("Linear", 3, 6), ("LayerNorm", 6), "ELU", ("Linear", 6, 3)], (3,), (3,), "any"),
    "image": Task([("Conv2d", 1, 2, 3), "ReLU", "Flatten", ("Linear", 18, 3)], (1, 5, 5), (3,), "any"),
    "pooled image": Task(
        [("Conv2d", 2, 3, 3), "Tanh", ("AvgPool2d", 2), "Flatten", ("Linear", 12, 2)], (2, 6, 6), (2,), "any"
    ),
    "signal": Task([("Conv1d", 2, 3, 3), "LeakyReLU", "Flatten", ("Linear", 18, 2)], (2, 8), (2,), "any"),
    "words": Task([("Embedding", 20, 3), "Flatten", ("Linear", 12, 2)], (4,), (2,), "any", words=20),
    "no bias": Task(
        [("Linear", 3, 5, {"bias": False}), "Softplus", ("Linear", 5, 2, {"bias": False})], (3,), (2,), "any"
    ),
    "nested": Task([[("Linear", 3, 5), "Tanh"], [("Linear", 5, 4), "Mish"], ("Linear", 4, 2)], (3,), (2,), "any"),
    "flat picture": Task(["Flatten", ("Linear", 9, 4), "ReLU", ("Linear", 4, 2)], (3, 3), (2,), "any"),
    "prelu": Task([("Linear", 3, 4), "PReLU", ("Linear", 4, 2)], (3,), (2,), "any"),
}

LOSSES: dict[str, tuple[str, str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]] = {
    "mse": ("numbers", "F.mse_loss(output, y)", F.mse_loss),
    "sum of squares": ("numbers", "((output - y) ** 2).sum()", lambda o, y: ((o - y) ** 2).sum()),
    "l1": ("numbers", "nn.L1Loss()(output, y)", F.l1_loss),
    "huber": ("numbers", "F.smooth_l1_loss(output, y)", F.smooth_l1_loss),
    "cross entropy": ("classes", "F.cross_entropy(output, y)", F.cross_entropy),
    "summed cross entropy": (
        "classes",
        "nn.CrossEntropyLoss(reduction='sum')(output, y)",
        lambda o, y: F.cross_entropy(o, y, reduction="sum"),
    ),
    "nll": ("classes", "F.nll_loss(F.log_softmax(output, -1), y)", F.cross_entropy),
    "bce": ("truths", "F.binary_cross_entropy_with_logits(output, y)", F.binary_cross_entropy_with_logits),
    "bce of sigmoid": (
        "truths",
        "nn.BCELoss()(torch.sigmoid(output), y)",
        lambda o, y: F.binary_cross_entropy(o.sigmoid(), y),
    ),
    "kl": (
        "shares",
        "F.kl_div(F.log_softmax(output, -1), y, reduction='batchmean')",
        lambda o, y: F.kl_div(F.log_softmax(o, -1), y, reduction="batchmean"),
    ),
    "log cosh": (
        "numbers",
        "torch.log(torch.cosh(output - y)).mean()",
        lambda o, y: torch.log(torch.cosh(o - y)).mean(),
    ),
}

OPTIMIZERS: dict[str, str] = {
    "SGD": "torch.optim.SGD(network.parameters(), lr=lr)",
    "momentum": "torch.optim.SGD(network.parameters(), lr=lr, momentum=0.9)",
    "nesterov": "torch.optim.SGD(network.parameters(), lr=lr, momentum=0.8, nesterov=True)",
    "Adam": "torch.optim.Adam(network.parameters(), lr=lr)",
    "AdamW": "torch.optim.AdamW(network.parameters(), lr=lr, weight_decay=0.01)",
    "RMSprop": "torch.optim.RMSprop(network.parameters(), lr=lr)",
    "Adagrad": "torch.optim.Adagrad(network.parameters(), lr=lr)",
    "NAdam": "torch.optim.NAdam(network.parameters(), lr=lr)",
}

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\nfrom torch.utils.data import DataLoader, TensorDataset\n"


@dataclass(frozen=True)
class Batching:
    """How the loop gets at its batches: `signature` of train, `turns` around the three steps, `batch` as Probe's."""

    signature: str
    turns: str  # {steps} stands for what is done with x and y
    hand: Callable[[Data], Any]
    batch: int | None
    asked: Asked
    one_by_one: bool = False  # x is a single example, without a dimension for the batch


BATCHINGS: dict[str, Batching] = {
    "loader": Batching(
        "loader",
        "for _ in range(epochs):\n    for x, y in loader:\n        {steps}",
        lambda d: d.loader(4),
        4,
        Asked(4),
    ),
    "shuffled loader": Batching(
        "loader",
        "for _ in range(epochs):\n    for x, y in loader:\n        {steps}",
        lambda d: d.loader(5, shuffle=True),
        5,
        Asked(5),
    ),
    "own loader": Batching(
        "data",
        "loader = DataLoader(data, batch_size=6, shuffle=True)\nfor _ in range(epochs):\n    for x, y in loader:\n        {steps}",
        lambda d: d.dataset(),
        6,
        Asked(6),
    ),
    "slices": Batching(
        "xs, ys",
        "for _ in range(epochs):\n    for i in range(0, len(xs), 3):\n        x, y = xs[i:i + 3], ys[i:i + 3]\n        {steps}",
        lambda d: (d.inputs, d.targets),
        3,
        Asked(3),
    ),
    "permutation": Batching(
        "xs, ys",
        "for _ in range(epochs):\n    for part in torch.randperm(len(xs)).split(4):\n        x, y = xs[part], ys[part]\n        {steps}",
        lambda d: (d.inputs, d.targets),
        4,
        Asked(4),
    ),
    "whole": Batching(
        "xs, ys",
        "for _ in range(epochs):\n    x, y = xs, ys\n    {steps}",
        lambda d: (d.inputs, d.targets),
        None,
        Asked("pass"),
    ),
    "one by one": Batching(
        "pairs",
        "for _ in range(epochs):\n    for x, y in pairs:\n        x, y = x[None], y[None]\n        {steps}",
        lambda d: d.pairs(),
        1,
        Asked(1),
    ),
    "stacked pairs": Batching(
        "pairs",
        "xs, ys = torch.stack([x for x, _ in pairs]), torch.stack([y for _, y in pairs])\nfor _ in range(epochs):\n    for i in range(0, len(xs), 4):\n        x, y = xs[i:i + 4], ys[i:i + 4]\n        {steps}",
        lambda d: d.pairs(),
        4,
        Asked(4),
    ),
}

STEPS: dict[str, tuple[str, ...]] = {
    "reset last": (
        "output = network(x)",
        "loss = {loss}",
        "loss.backward()",
        "optimizer.step()",
        "optimizer.zero_grad()",
    ),
    "reset first": (
        "optimizer.zero_grad()",
        "output = network(x)",
        "loss = {loss}",
        "loss.backward()",
        "optimizer.step()",
    ),
}


@dataclass(frozen=True)
class Loop:
    """A loop with what it is expected to be told: a set of verdicts, or None for any that is right."""

    name: str
    source: str
    kind: Probe
    expected: frozenset[str]


def probe(network: str, loss: str, batching: str) -> Probe:
    task, (targets, _, trusted), way = NETWORKS[network], LOSSES[loss], BATCHINGS[batching]

    def call(train: Any, network: Any, data: Data, lr: float, epochs: int) -> Any:
        handed = way.hand(data)
        return train(network, *(handed if isinstance(handed, tuple) else (handed,)), lr=lr, epochs=epochs)

    rates = (0.0005, 0.002) if "sum" in loss else (0.01, 0.03)
    return Probe(task.spec, trusted, task.data(targets), call, way.batch, way.asked, rates)


def source(loss: str, optimizer: str, batching: str, steps: tuple[str, ...], before: str = "", after: str = "") -> str:
    way, text = BATCHINGS[batching], LOSSES[loss][1]
    lines = "\n".join(steps).replace("{loss}", text)
    at = way.turns.splitlines()[-1]
    pad = " " * (len(at) - len(at.lstrip()))
    turns = way.turns.replace("{steps}", lines.replace("\n", "\n" + pad))
    body = f"optimizer = {OPTIMIZERS.get(optimizer, optimizer)}\n{before}{turns}\n{after}"
    return f"{HEAD}\ndef train(network, {way.signature}, *, lr, epochs):\n{textwrap.indent(body, '    ')}\n"


RIGHT_NAMES = frozenset({"CORRECT", "CORRECT_ROTATED", "CORRECT_ACCUMULATED"})


def right() -> Iterator[Loop]:
    """Right loops: every network with changing losses, optimizers, batchings and both places of Reset."""
    turn = itertools.cycle(itertools.product(STEPS, OPTIMIZERS))
    losses, batchings = itertools.cycle(LOSSES), itertools.cycle(BATCHINGS)
    for round_, network in itertools.product(range(8), NETWORKS):
        where, optimizer = next(turn)
        loss, batching = next(losses), next(batchings)
        yield Loop(f"{network}, {loss}, {optimizer}, {batching}, {where}, {round_}",
                   source(loss, optimizer, batching, STEPS[where]), probe(network, loss, batching), RIGHT_NAMES)  # fmt: skip
    yield from special()


def special() -> Iterator[Loop]:
    """Right loops of other forms."""
    first = STEPS["reset first"]

    def one(name: str, text: str, kind: Probe) -> Loop:
        return Loop(name, text, kind, RIGHT_NAMES)

    clip = (*first[:4], "nn.utils.clip_grad_norm_(network.parameters(), 1.0)", first[4])
    yield one("clipped by norm", source("mse", "SGD", "loader", clip), probe("relu", "mse", "loader"))
    clip = (*first[:4], "nn.utils.clip_grad_value_(network.parameters(), 0.05)", first[4])
    yield one("clipped by value", source("mse", "SGD", "loader", clip), probe("relu", "mse", "loader"))
    yield one(
        "schedule a pass",
        source(
            "mse", "SGD", "loader", first, "schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)\n"
        ).replace("for x, y in loader", "schedule.step() if _ else None\n        for x, y in loader"),
        probe("tanh", "mse", "loader"),
    )
    yield one(
        "set to none False",
        source("cross entropy", "Adam", "loader", ("optimizer.zero_grad(set_to_none=False)", *first[1:])),
        probe("relu", "cross entropy", "loader"),
    )
    yield one(
        "network.zero_grad",
        source("cross entropy", "Adam", "loader", ("network.zero_grad()", *first[1:])),
        probe("image", "cross entropy", "loader"),
    )
    yield one("by hand", source("mse", "SGD", "slices", (
        "network.zero_grad()", *first[1:4], "with torch.no_grad():\n    for p in network.parameters():\n        p -= lr * p.grad")), probe("tanh", "mse", "slices"))  # fmt: skip
    yield one("autograd.grad", source("mse", "SGD", "slices", (
        *first[1:3], "grads = torch.autograd.grad(loss, list(network.parameters()))",
        "with torch.no_grad():\n    for p, g in zip(network.parameters(), grads):\n        p -= lr * g")), probe("tanh", "mse", "slices"))  # fmt: skip
    scaled = ("x = (x - 0.5) / 2.0", *first)
    yield one("normalised by constants", source("mse", "SGD", "slices", scaled), probe("tanh", "mse", "slices"))
    yield one(
        "normalised by columns",
        source("mse", "SGD", "whole", first, "mean, std = xs.mean(0), xs.std(0)\nxs = (xs - mean) / std\n"),
        probe("relu", "mse", "whole"),
    )
    yield one("closure", source("mse", "SGD", "loader", (
        "def closure():\n    optimizer.zero_grad()\n    loss = F.mse_loss(network(x), y)\n    loss.backward()\n    return loss", "optimizer.step(closure)")), probe("relu", "mse", "loader"))  # fmt: skip
    yield one(
        "evaluation after each pass",
        source(
            "mse",
            "SGD",
            "whole",
            (
                *first,
                "network.eval()",
                "with torch.no_grad():\n    F.mse_loss(network(xs), ys).item()",
                "network.train()",
            ),
        ),
        probe("relu", "mse", "whole"),
    )
    yield one("loss in two parts", source("mse", "SGD", "loader", (
        "optimizer.zero_grad()", "output = network(x)", "loss = F.mse_loss(output[:, 0], y[:, 0]) / 2 + F.mse_loss(output[:, 1], y[:, 1]) / 2",
        "loss.backward()", "optimizer.step()")), probe("two lines", "mse", "loader"))  # fmt: skip
    yield one("two optimizers", source("mse", "SGD", "loader", (
        "first.zero_grad()", "last.zero_grad()", *first[1:4], "first.step()", "last.step()"),
        "ps = list(network.parameters())\nfirst, last = torch.optim.SGD(ps[:2], lr=lr), torch.optim.Adam(ps[2:], lr=lr)\n"), probe("tanh", "mse", "loader"))  # fmt: skip
    yield one(
        "moved and typed",
        source("mse", "SGD", "loader", ("x, y = x.to('cpu').float(), y.to('cpu').float()", *first)),
        probe("relu", "mse", "loader"),
    )
    yield one("network in a row of outputs", source("sum of squares", "SGD", "slices", (
        "optimizer.zero_grad()", "loss = sum(((network(a) - b) ** 2).sum() for a, b in zip(x, y))", "loss.backward()", "optimizer.step()")), probe("relu", "sum of squares", "slices"))  # fmt: skip
    yield one("outputs stacked from single ones", source("mse", "SGD", "slices", (
        "optimizer.zero_grad()", "output = torch.stack([network(a) for a in x])", "loss = F.mse_loss(output, y)", "loss.backward()", "optimizer.step()")), probe("relu", "mse", "slices"))  # fmt: skip


FAULTS: dict[str, tuple[frozenset[str], Callable[[tuple[str, ...]], tuple[str, ...]]]] = {
    "no reset": (frozenset({"MISSING_ZERO"}), lambda s: tuple(line for line in s if "zero_grad" not in line)),
    "reset between": (
        frozenset({"ZERO_BETWEEN"}),
        lambda s: (
            "output = network(x)",
            "loss = {loss}",
            "loss.backward()",
            "optimizer.zero_grad()",
            "optimizer.step()",
        ),
    ),
    "step first": (
        frozenset({"STEP_BEFORE_BACKWARD"}),
        lambda s: (
            "output = network(x)",
            "loss = {loss}",
            "optimizer.step()",
            "optimizer.zero_grad()",
            "loss.backward()",
        ),
    ),
    "no step": (frozenset({"MISSING_STEP"}), lambda s: tuple(line for line in s if "step" not in line)),
    "step not called": (frozenset({"MISSING_STEP"}), lambda s: tuple(line.replace("step()", "step") for line in s)),
    "no backward": (
        frozenset({"MISSING_BACKWARD", "DETACHED"}),
        lambda s: tuple(line for line in s if "backward" not in line),
    ),
    "detached": (
        frozenset({"DETACHED", "NOT_RUN"}),
        lambda s: tuple(line.replace("network(x)", "network(x).detach()") for line in s),
    ),
    "double backward": (
        frozenset({"DOUBLE_BACKWARD"}),
        lambda s: tuple(
            "loss.backward(retain_graph=True)\nloss.backward()" if "backward" in line else line for line in s
        ),
    ),
    "double step": (
        frozenset({"DOUBLE_STEP"}),
        lambda s: tuple("optimizer.step()\noptimizer.step()" if line == "optimizer.step()" else line for line in s),
    ),
    "one batch": (frozenset({"STOPS_EARLY"}), lambda s: (*s, "break")),
}
WHOLE: dict[str, tuple[frozenset[str], str, str, str]] = {  # name -> expected, optimizer, before, after
    "only the last layer": (
        frozenset({"PARTIAL_PARAMETERS"}),
        "torch.optim.SGD(list(network.parameters())[-1:], lr=lr)",
        "",
        "",
    ),
    "another network": (frozenset({"WRONG_PARAMETERS"}), "torch.optim.SGD(other.parameters(), lr=lr)", "", ""),
    "set back": (frozenset({"LEARNING_UNDONE"}), "SGD", "", "network.load_state_dict(before)"),
}


def faulty() -> Iterator[Loop]:
    """Faulty loops: every fault over changing networks, losses, optimizers and batchings."""
    networks, losses = itertools.cycle(NETWORKS), itertools.cycle(LOSSES)
    optimizers, batchings = itertools.cycle(OPTIMIZERS), itertools.cycle(BATCHINGS)
    wheres = itertools.cycle(STEPS)
    for round_, (fault, (expected, change)) in itertools.product(range(9), FAULTS.items()):
        network, loss, optimizer, batching = next(networks), next(losses), next(optimizers), next(batchings)
        if fault == "one batch" and batching == "whole":
            batching = next(batchings)
        steps = change(STEPS[next(wheres)])
        yield Loop(f"{fault}: {network}, {loss}, {optimizer}, {batching}, {round_}",
                   source(loss, optimizer, batching, steps), probe(network, loss, batching), expected)  # fmt: skip
    for round_, (fault, (expected, optimizer, before, after)) in itertools.product(range(3), WHOLE.items()):
        network, loss, batching = next(networks), next(losses), next(batchings)
        text = source(loss, optimizer, batching, STEPS["reset first"], before, after)
        if fault == "another network":
            text = text.replace("optimizer = ", "import copy\n    other = copy.deepcopy(network)\n    optimizer = ")
        if fault == "set back":
            text = text.replace(
                "optimizer = ", "before = {k: v.clone() for k, v in network.state_dict().items()}\n    optimizer = "
            )
        yield Loop(f"{fault}: {network}, {loss}, {batching}, {round_}", text, probe(network, loss, batching), expected)
    first = STEPS["reset first"]
    stale = "outputs = network(xs)\n"
    for number, (network, loss) in enumerate([("tanh", "mse"), ("two lines", "l1"), ("relu", "cross entropy")]):
        text = source(
            loss,
            "SGD",
            "slices",
            (
                "optimizer.zero_grad()",
                "loss = {loss}".replace("{loss}", LOSSES[loss][1].replace("output", "outputs[i:i + 3]")),
                "loss.backward(retain_graph=True)",
                "optimizer.step()",
            ),
            stale,
        )
        yield Loop(
            f"stale output: {network}, {number}", text, probe(network, loss, "slices"), frozenset({"STALE_LOSS"})
        )
    for number, (network, loss) in enumerate([("image", "cross entropy"), ("words", "bce"), ("norm", "mse")]):
        text = source(loss, "SGD", "loader", first[1:]).replace(
            "for x, y in loader:", "optimizer.zero_grad()\n        for x, y in loader:"
        )
        yield Loop(
            f"reset once a pass: {network}, {number}",
            text,
            probe(network, loss, "loader"),
            frozenset({"ZERO_ONCE_PER_EPOCH"}),
        )


LOOPS = (*right(), *faulty())
