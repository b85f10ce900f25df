"""Loops that do something on purpose beside the three steps: their order is right, and the rest is told in a note."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import numpy
import pytest
import torch
import torch.nn.functional as F
from loops.judging import judged, train_of

from autograder.loop.asked import ASKED, NOTHING
from autograder.loop.probes import Probe
from autograder.student.watching import watch


def points(draw: numpy.random.Generator, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(int(draw.integers(2**40)))
    return torch.randn(count, 3, generator=generator), torch.randn(count, 2, generator=generator)


PROBE = Probe(
    [("Linear", 3, 6), "Tanh", ("Linear", 6, 2)], F.mse_loss, points,
    lambda train, network, data, lr, epochs: train(network, data.loader(4), lr, epochs), batch=4,
)  # fmt: skip
LOSS = "loss = F.mse_loss(network(x), y)"
END = "\noptimizer.step()\noptimizer.zero_grad()"
STEPS = "\nloss.backward()" + END
HEAD = "import random\nimport torch\nimport torch.nn.functional as F\n\ndef train(network, loader, lr, epochs):\n"


def loop(body: str, start: str = "", optimizer: str = "SGD") -> str:
    before = f"optimizer = torch.optim.{optimizer}(network.parameters(), lr=lr)\n{start}"
    return (
        HEAD
        + textwrap.indent(before, "    ")
        + "\n    for _ in range(epochs):\n        for x, y in loader:\n"
        + textwrap.indent(body, " " * 12)
    )


SAM = """
loss.backward()
with torch.no_grad():
    size = sum((p.grad ** 2).sum() for p in network.parameters()).sqrt()
    aside = [0.05 * p.grad / size for p in network.parameters()]
    for p, e in zip(network.parameters(), aside):
        p.add_(e)
{reset}
F.mse_loss(network(x), y).backward()
with torch.no_grad():
    for p, e in zip(network.parameters(), aside):
        p.sub_(e)"""
LOOKAHEAD = """
turn += 1
if turn % 2 == 0:
    with torch.no_grad():
        for p, slow in zip(network.parameters(), kept):
            slow.add_(0.5 * (p - slow))
            p.copy_(slow)"""
KEPT = "turn, kept = 0, [p.detach().clone() for p in network.parameters()]"
FGSM = """x = x.clone().requires_grad_(True)
F.mse_loss(network(x), y).backward()
changed = (x + 0.01 * x.grad.sign()).detach()
optimizer.zero_grad()
loss = F.mse_loss(network(changed), y)"""
MIXED = """part, order = random.random(), torch.randperm(len(x))
x, y = part * x + (1 - part) * x[order], part * y + (1 - part) * y[order]
"""
HALF = "with torch.autocast('cpu', dtype=torch.bfloat16):\n    " + LOSS
PENALTY = " + 0.01 * sum({} for p in network.parameters())"
INPUTS, BESIDE = "none of the examples", "the loss has a penalty in it: 0.01 times the {} of all parameters"

RIGHT = {
    "SAM": (loop(LOSS + SAM.format(reset="optimizer.zero_grad()") + END), "CORRECT", ""),
    "lookahead": (loop(LOSS + STEPS + LOOKAHEAD, KEPT, "Adam"), "CORRECT", ""),
    "adversarial": (loop(FGSM + STEPS), "OTHER_INPUTS", INPUTS),
    "noise": (loop("x = x + 0.1 * torch.randn_like(x)\n" + LOSS + STEPS), "OTHER_INPUTS", INPUTS),
    "mixup": (loop(MIXED + LOSS + STEPS, optimizer="Adam"), "OTHER_INPUTS", INPUTS),
    "a look at the gradient": (loop(LOSS + "\nloss.backward()\noptimizer.zero_grad()\n" + LOSS + STEPS), "CORRECT", ""),
    "autocast": (loop(HALF + STEPS), "CORRECT", ""),
    "L2": (loop(LOSS + PENALTY.format("(p ** 2).sum()") + STEPS), "WRONG_LOSS", BESIDE.format("squares")),
    "L1": (loop(LOSS + PENALTY.format("p.abs().sum()") + STEPS, "", "Adam"), "WRONG_LOSS",
           BESIDE.format("absolute values")),
}  # fmt: skip
NO_RESET = STEPS.replace("\noptimizer.zero_grad()", "")
FAULTY = {
    "SAM without its first Reset": (loop(LOSS + SAM.format(reset="pass") + END), "ZERO_ONCE_PER_EPOCH"),
    "noise without Reset": (loop("x = x + 0.1 * torch.randn_like(x)\n" + LOSS + NO_RESET), "MISSING_ZERO"),
    "mixup without Reset": (loop(MIXED + LOSS + NO_RESET), "MISSING_ZERO"),
    "L2 without Reset": (loop(LOSS + PENALTY.format("(p ** 2).sum()") + NO_RESET), "MISSING_ZERO"),
    "autocast without Reset": (loop(HALF + NO_RESET), "MISSING_ZERO"),
    "every second gradient thrown away": (
        loop(LOSS + "\nloss.backward()\nturn += 1\nif turn % 2:\n    optimizer.step()\noptimizer.zero_grad()",
             "turn = 0"),
        "STOPS_EARLY",
    ),
    "weights written": (
        loop(LOSS + STEPS + LOOKAHEAD.replace("slow.add_(0.5 * (p - slow))", "slow.normal_()").replace("% 2", "% 5"),
             KEPT),
        "WEIGHTS_ASSIGNED",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_done_on_purpose_is_no_fault_of_order(name: str) -> None:
    source, verdict, note = RIGHT[name]
    found = judged(train_of(source), kind=replace(PROBE, asked=ASKED))
    assert (found.name, found.correct, found.share, found.flags) == (verdict, True, 1, ())
    assert found.as_asked == (verdict == "CORRECT")
    assert note in " ".join(found.notes)


def test_where_nothing_is_asked_for_other_inputs_and_penalties_are_only_told() -> None:
    for name in ("adversarial", "L2"):
        found = judged(train_of(RIGHT[name][0]), kind=replace(PROBE, asked=NOTHING))
        assert (found.name, found.as_asked, found.share) == ("CORRECT", True, 1)
        assert RIGHT[name][2] in " ".join(found.notes)


@pytest.mark.parametrize("name", FAULTY)
def test_and_hides_none(name: str) -> None:
    source, verdict = FAULTY[name]
    found = judged(train_of(source), kind=replace(PROBE, asked=NOTHING))
    assert (found.name, found.correct, found.share) == (verdict, False, 0)


def test_two_networks_that_learn_from_each_other_throw_gradients_away_on_purpose() -> None:
    """A generator's loss goes back through the discriminator, which takes no step along it."""
    torch.manual_seed(1)
    makes, tells = torch.nn.Linear(2, 3), torch.nn.Linear(3, 1)
    first, second = (torch.optim.SGD(one.parameters(), lr=0.01) for one in (makes, tells))
    with watch(tells, show=False) as seen:
        for _ in range(5):
            first.zero_grad()
            F.softplus(-tells(makes(torch.randn(4, 2)))).mean().backward()
            first.step()
            second.zero_grad()
            made = makes(torch.randn(4, 2)).detach()
            (F.softplus(tells(made)) + F.softplus(-tells(torch.randn(4, 3)))).mean().backward()
            second.step()
    assert seen.verdict in ("CORRECT", "CORRECT_ROTATED")


GROUPED = """turn += 1
(F.mse_loss(network(x), y){divided}).backward()
if turn % 3 == 0:
    optimizer.step()
    optimizer.zero_grad()"""


@pytest.mark.parametrize("divided", ["", " / 3"])
@pytest.mark.parametrize("wanted", [None, True, False])
def test_whether_accumulated_losses_are_divided_can_be_asked_for(divided: str, wanted: bool | None) -> None:
    kind = replace(PROBE, asked=replace(NOTHING, mean=wanted), examples=((24, 25), (36, 37), (48, 49)))
    found = judged(train_of(loop(GROUPED.format(divided=divided), "turn = 0")), kind=kind)
    right = wanted in (None, bool(divided))
    assert (found.name, found.correct, found.as_asked) == (
        "CORRECT_ACCUMULATED" if right else "WRONG_LOSS", True, right,
    )  # fmt: skip
