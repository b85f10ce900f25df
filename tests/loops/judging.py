"""Puts a `train` function to the order check, as the graders of q5 do, but in this process."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy
import torch

from autograder.loop.decision import Rules, Verdict, decide
from autograder.loop.probes import LoopProbe, draw_loop_probe, draw_loop_probes, loop_evidence
from autograder.loop.replay import Evidence
from autograder.student.probe import ProbeNetwork, report

Train = Callable[..., Any]


Change = Callable[[dict[str, Any]], dict[str, Any]]


def evidence(train: Train, *, seed: int = 1, change: Change | None = None) -> list[Evidence]:
    """What three probes show of `train`; `change` may tamper with each account."""
    draw = numpy.random.default_rng(seed)
    found = [_probed(train, spec, 1000 * seed + n, change) for n, spec in enumerate(draw_loop_probes(draw))]
    if not any(one.error or one.finite() for one in found):
        found.append(_probed(train, draw_loop_probe(draw, 2, 1), 1000 * seed + 9, change))
    return found


def _probed(train: Train, spec: LoopProbe, seed: int, change: Change | None) -> Evidence:
    for generator in (random.seed, numpy.random.seed, torch.manual_seed):
        generator(seed)
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
    return loop_evidence(spec, end, change(account) if change else account, error=error)


def judged(
    train: Train, *, seed: int = 1, silence: bool = False, rules: Rules | None = None, change: Change | None = None
) -> Verdict:
    """The verdict on `train`; `silence` throws away everything that was seen of the loop, `change` rewrites it."""
    return decide(evidence(train, seed=seed, change=(lambda account: {}) if silence else change), rules)


def train_of(source: str) -> Train:
    """The `train` that a source defines."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell 1>", "exec"), space)
    return space["train"]


def sizes(seed: int) -> list[tuple[int, int]]:
    """Examples and epochs of the probes that `judged` uses with this seed."""
    return [(len(spec.inputs), spec.epochs) for spec in draw_loop_probes(numpy.random.default_rng(seed))]
