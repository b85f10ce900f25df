"""Puts a `train` function to the order check, as the graders of q5 do, but in this process."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy
import torch

from autograder.loop.decision import Rules, Verdict, decide
from autograder.loop.probes import draw_loop_probes, loop_evidence
from autograder.loop.replay import Evidence
from autograder.student.probe import ProbeNetwork, report

Train = Callable[..., Any]


Change = Callable[[dict[str, Any]], dict[str, Any]]


def evidence(train: Train, *, seed: int = 1, change: Change | None = None) -> list[Evidence]:
    """What three probes show of `train`; `change` may tamper with each account."""
    found = []
    for number, spec in enumerate(draw_loop_probes(numpy.random.default_rng(seed))):
        for generator in (random.seed, numpy.random.seed, torch.manual_seed):
            generator(1000 * seed + number)
        network = ProbeNetwork([3, 2, 5], spec.start)
        network.recorder.start()
        error = ""
        try:
            examples = list(zip(spec.inputs.clone(), spec.targets.clone(), strict=True))
            train(network, examples, lr=spec.lr, epochs=spec.epochs)
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
        finally:
            network.recorder.stop()
        end = {name: tensor.detach().clone() for name, tensor in network.named_parameters()}
        account = report(network.recorder)
        found.append(loop_evidence(spec, end, change(account) if change else account, error=error))
    return found


def judged(train: Train, *, seed: int = 1, silence: bool = False, rules: Rules | None = None) -> Verdict:
    """The verdict on `train`; `silence` throws away everything that was seen of the loop."""
    return decide(evidence(train, seed=seed, change=(lambda account: {}) if silence else None), rules)


def train_of(source: str) -> Train:
    """The `train` that a source defines."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell 1>", "exec"), space)
    return space["train"]


def sizes(seed: int) -> list[tuple[int, int]]:
    """Examples and epochs of the probes that `judged` uses with this seed."""
    return [(len(spec.inputs), spec.epochs) for spec in draw_loop_probes(numpy.random.default_rng(seed))]
