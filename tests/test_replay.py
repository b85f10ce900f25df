"""The replay: loops written out here in plain PyTorch, their end parameters put to the judge's own arithmetic."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import torch
from torch import nn

from autograder.loop.probes import LoopProbe, draw_loop_probes, loop_evidence
from autograder.loop.verdicts import SENTENCES, Verdict, decide
from autograder.student.probe import ProbeNetwork

Train = Callable[[nn.Module, list[Any], float, int], None]


def loss_of(network: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return ((network(x) - y) ** 2).sum()


def loop(
    body: str, start: str = "torch.optim.SGD(network.parameters(), lr=lr)", before: str = "", after: str = ""
) -> Train:
    """A train function with `body` inside both loops, `before` and `after` it inside the outer one."""
    lines = ["def train(network, examples, lr, epochs):", f"    optimizer = {start}", "    for epoch in range(epochs):"]
    lines += [f"        {line}" for line in before.splitlines()]
    lines += ["        for index, (x, y) in enumerate(examples):"]
    lines += [f"            {line}" for line in body.splitlines()]
    lines += [f"        {line}" for line in after.splitlines()]
    space: dict[str, Any] = {"torch": torch, "loss_of": loss_of, "random": random}
    exec("\n".join(lines), space)
    return space["train"]


FORWARD = "loss = loss_of(network, x, y)\n"
RIGHT = {
    "lab": loop(FORWARD + "loss.backward()\noptimizer.step()\noptimizer.zero_grad()"),
    "rotated": loop("optimizer.zero_grad()\n" + FORWARD + "loss.backward()\noptimizer.step()"),
    "shuffled": loop(FORWARD + "loss.backward()\noptimizer.step()\noptimizer.zero_grad()",
                     before="examples = list(examples)\nrandom.shuffle(examples)"),
    "by hand": loop(FORWARD + "loss.backward()\nwith torch.no_grad():\n    for p in network.parameters():\n"
                    "        p -= lr * p.grad\n        p.grad = None"),
    "autograd.grad": loop(FORWARD + "gs = torch.autograd.grad(loss, list(network.parameters()))\n"
                          "with torch.no_grad():\n    for p, g in zip(network.parameters(), gs):\n        p -= lr * g"),
    "Adam": loop(FORWARD + "loss.backward()\noptimizer.step()\noptimizer.zero_grad()",
                 "torch.optim.Adam(network.parameters(), lr=lr)"),
    "AdamW": loop(FORWARD + "loss.backward()\noptimizer.step()\noptimizer.zero_grad()",
                  "torch.optim.AdamW(network.parameters(), lr=lr)"),
    "momentum": loop(FORWARD + "loss.backward()\noptimizer.step()\noptimizer.zero_grad()",
                     "torch.optim.SGD(network.parameters(), lr=lr, momentum=0.9)"),
    "RMSprop": loop(FORWARD + "loss.backward()\noptimizer.step()\noptimizer.zero_grad()",
                    "torch.optim.RMSprop(network.parameters(), lr=lr)"),
    "prints a loss": loop(FORWARD + "loss.backward()\noptimizer.step()\noptimizer.zero_grad()",
                          after="with torch.no_grad():\n    total = sum(loss_of(network, x, y) for x, y in examples)"),
}  # fmt: skip
FAULTY = {
    "MISSING_ZERO": loop(FORWARD + "loss.backward()\noptimizer.step()"),
    "ZERO_ONCE_PER_EPOCH": loop(FORWARD + "loss.backward()\noptimizer.step()", after="optimizer.zero_grad()"),
    "ZERO_BETWEEN": loop(FORWARD + "loss.backward()\noptimizer.zero_grad()\noptimizer.step()"),
    "STEP_BEFORE_BACKWARD": loop("optimizer.step()\noptimizer.zero_grad()\n" + FORWARD + "loss.backward()"),
    "MISSING_STEP": loop(FORWARD + "loss.backward()\noptimizer.step\noptimizer.zero_grad()"),
    "MISSING_BACKWARD": loop(FORWARD + "optimizer.step()\noptimizer.zero_grad()"),
    "STEP_ONCE_PER_EPOCH": loop(FORWARD + "loss.backward()", after="optimizer.step()\noptimizer.zero_grad()"),
    "DOUBLE_BACKWARD": loop(FORWARD + "loss.backward(retain_graph=True)\nloss.backward()\noptimizer.step()\n"
                            "optimizer.zero_grad()"),
    "DOUBLE_STEP": loop(FORWARD + "loss.backward()\noptimizer.step()\noptimizer.step()\noptimizer.zero_grad()"),
    "NO_TRAINING": loop("pass"),
    "WRONG_LOSS": loop("loss = loss_of(network, x, y) / 5\nloss.backward()\noptimizer.step()\noptimizer.zero_grad()"),
    "WRONG_LEARNING_RATE": loop(FORWARD + "loss.backward()\noptimizer.step()\noptimizer.zero_grad()",
                                "torch.optim.SGD(network.parameters(), lr=1e-3)"),
}  # fmt: skip


def judged(train: Train, seed: int = 3, silence: bool = False) -> Verdict:
    """The verdict on `train` over one run's probes; `silence` throws away everything that was seen of the loop."""
    random.seed(seed)
    probes = []
    for spec in draw_loop_probes(numpy.random.default_rng(seed)):
        network = ProbeNetwork([3, 2, 5], spec.start)
        network.record.start(dict(network.named_parameters()))
        train(network, list(zip(spec.inputs.clone(), spec.targets.clone(), strict=True)), spec.lr, spec.epochs)
        network.record.stop()
        report = {} if silence else network.record.report()
        probes.append(loop_evidence(spec, ends_of(network), report, False))
    return decide(probes)


def ends_of(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.named_parameters()}


@pytest.mark.parametrize("name", RIGHT)
def test_right_loops_keep_full_marks(name: str) -> None:
    verdict = judged(RIGHT[name])
    assert (verdict.name, verdict.share) == ("CORRECT", 1.0)


@pytest.mark.parametrize("name", FAULTY)
def test_faulty_loops_are_named(name: str) -> None:
    verdict = judged(FAULTY[name])
    assert verdict.name == name
    assert verdict.share == (1.0 if "order is right" in SENTENCES[name] else 0.0)


@pytest.mark.parametrize("name", ["lab", "rotated", "by hand", "prints a loss"])
def test_with_the_record_silenced_right_loops_in_the_given_order_still_pass(name: str) -> None:
    assert judged(RIGHT[name], silence=True).share == 1.0


@pytest.mark.parametrize("name", [name for name in FAULTY if name not in ("DOUBLE_STEP", "DOUBLE_BACKWARD")])
def test_with_the_record_silenced_no_fault_of_order_gets_marks(name: str) -> None:
    verdict = judged(FAULTY[name], silence=True)
    assert verdict.share == (1.0 if "order is right" in SENTENCES[name] else 0.0)


def test_momentum_one_is_not_believed() -> None:
    """Missing Reset with plain SGD has exactly the numbers of a right loop with momentum 1."""
    spec = draw_loop_probes(numpy.random.default_rng(5))[0]
    network = ProbeNetwork([3, 2, 5], spec.start)
    FAULTY["MISSING_ZERO"](network, list(zip(spec.inputs, spec.targets, strict=True)), spec.lr, spec.epochs)
    lie = {"name": "SGD", "groups": [{"parameters": ["m1.weight"], "settings": {"lr": spec.lr, "momentum": 1.0}}]}
    report = {"events": [], "rows": None, "optimizers": [lie]}
    verdict = decide([loop_evidence(spec, ends_of(network), report, False)])
    assert verdict.share == 0 and verdict.name == "MISSING_ZERO"


def test_a_loop_that_behaves_only_for_small_probes_is_flagged() -> None:
    def train(network: nn.Module, examples: list[Any], lr: float, epochs: int) -> None:
        RIGHT["lab"](network, examples, lr, epochs) if len(examples) < 5 else FAULTY["MISSING_ZERO"](
            network, examples, lr, epochs
        )

    verdict = judged(train)
    assert verdict.share == 0 and "INCONSISTENT_LOOP" in verdict.flags


@pytest.mark.parametrize("junk", [
    {"events": "x", "rows": 3, "optimizers": {}},
    {"events": torch.tensor([[1, 10**9], [2, 0], [9, 9], [0, -5]]), "rows": torch.zeros(2, 3)},
    {"optimizers": [{"name": "SGD", "groups": [{"parameters": ["m1.bias"], "settings": {"momentum": "x"}}]}]},
    {"optimizers": [{"name": "Adam", "groups": [{"parameters": ["m1.bias"], "settings": {"eps": -1.0}}]}]},
    {"optimizers": [{"name": "Adam", "groups": [{"parameters": ["m1.bias"], "settings": {"betas": 3, "eps": -1}}]}]},
])  # fmt: skip
def test_a_record_full_of_lies_does_not_break_the_replay(junk: dict[str, Any]) -> None:
    spec: LoopProbe = draw_loop_probes(numpy.random.default_rng(5))[0]
    network = ProbeNetwork([3, 2, 5], spec.start)
    RIGHT["lab"](network, list(zip(spec.inputs, spec.targets, strict=True)), spec.lr, spec.epochs)
    assert decide([loop_evidence(spec, ends_of(network), junk, False)]).name in SENTENCES
