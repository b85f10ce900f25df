"""A student's own network in the student's own loop: which of its parts never learn, and why.

The order check trains a network of ours, so a fault inside the student's would be told of nobody. What is seen here
comes from the student's side: it explains, and no mark follows from it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy
import torch

from autograder.judge import submission
from autograder.judge.faults import StudentFault
from autograder.judge.handles import Handle
from autograder.loop.probes import TAUGHT, Probe
from autograder.loop.wording import listed

EXAMPLES, EPOCHS = 6, 2
REASONS = (
    ("plain", "{names} holds layers in a plain list or dict, where PyTorch does not find them.",
     "Use nn.ModuleList, nn.ModuleDict or nn.Sequential, so that network.parameters() has them too."),
    ("frozen", "{names} cannot learn: requires_grad is False.", "Leave requires_grad as PyTorch sets it."),
    ("cut", "{names} changes the output, but no gradient comes back to it.",
     "Look in forward for .detach(), .data, .item(), torch.no_grad() or a new torch.tensor(...) on the way."),
    ("unused", "{names} is never used for the output.", "Let forward compute its output with every layer."),
)  # fmt: skip


def look(train: Handle, network: Handle, draw: numpy.random.Generator, kind: Probe = TAUGHT) -> tuple[str, ...]:
    """Train a fresh network of the student's once and tell what in it never learned; () if everything did.

    A loop or network that cannot be run is another test's, and () too.
    """
    spec = replace(kind.one(draw, EXAMPLES, EPOCHS), lr=1e-3)
    try:
        found = submission.inside(network, spec.inputs)
        before = submission.parameters(network)
        kind.call(train, network, spec.data, **spec.given)
        after = submission.parameters(network)
    except StudentFault:
        return ()
    still = {name for name in before if name in after and _equal(before[name], after[name])}
    told = []
    for reason, sentence, advice in REASONS:
        here = [name for name in found.get(reason, ()) if reason == "plain" or name in still]
        if here:
            told.append(f"In your own network, {sentence.format(names=listed(here))} {advice}")
    return tuple(told)


def _equal(one: torch.Tensor, two: torch.Tensor) -> bool:
    return one.shape == two.shape and torch.equal(one, two)
