"""Puts a `train` or a `fit_product` to the order check, as the graders of q5 and q3 do, but in this process."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy
import torch

from autograder.loop.decision import Decision, Rules, decide
from autograder.loop.evidence import Evidence
from autograder.loop.probes import (
    TAUGHT,
    Data,
    LoopProbe,
    Probe,
    further_probe,
    loop_evidence,
    product_evidence,
)
from autograder.student.objects import dataset
from autograder.student.probe import MOST_UPDATES, probe_network, report
from autograder.student.recorder import Recorder
from autograder.wire import Pairs

Train = Callable[..., Any]


Change = Callable[[dict[str, Any]], dict[str, Any]]


def evidence(train: Train, *, seed: int = 1, change: Change | None = None, kind: Probe = TAUGHT) -> list[Evidence]:
    """What three probes show of `train`; `change` may tamper with each account."""
    draw = numpy.random.default_rng(seed)
    found = [_probed(train, spec, 1000 * seed + n, change) for n, spec in enumerate(kind.few(draw))]
    more = further_probe(found, draw, kind)
    return found if more is None else [*found, _probed(train, more, 1000 * seed + 9, change)]


def _probed(train: Train, spec: LoopProbe, seed: int, change: Change | None) -> Evidence:
    for generator in (random.seed, numpy.random.seed, torch.manual_seed):
        generator(seed)
    network = probe_network(spec.kind.network, spec.start, spec.example_dims)
    network.recorder.start()
    error = ""
    try:
        spec.kind.call(local(train), network, Data(spec.inputs.clone(), spec.targets.clone()), **spec.given)
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    finally:
        network.recorder.stop()
    end = {name: tensor.detach().clone() for name, tensor in network.named_parameters()}
    account = report(network.recorder)
    return loop_evidence(spec, end, change(account) if change else account, error=error)


def judged(
    train: Train,
    *,
    seed: int = 1,
    silence: bool = False,
    rules: Rules | None = None,
    change: Change | None = None,
    kind: Probe = TAUGHT,
) -> Decision:
    """The verdict on `train`; `silence` throws away everything that was seen of the loop, `change` rewrites it."""
    return decide(evidence(train, seed=seed, change=(lambda account: {}) if silence else change, kind=kind), rules)


def local(train: Train) -> Train:
    """`train`, given examples in the forms that the student's side makes of them."""
    return lambda *given, **named: train(*map(_made, given), **{name: _made(one) for name, one in named.items()})


def _made(value: Any) -> Any:
    return dataset(value) if isinstance(value, Pairs) else value


def train_of(source: str, name: str = "train") -> Train:
    """The `train` that a source defines."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell 1>", "exec"), space)
    found: Train = space[name]
    return found


def sizes(seed: int, kind: Probe = TAUGHT) -> list[tuple[int, int]]:
    """Batches and epochs of the probes that `judged` uses with this seed; the first lab's batches are one example."""
    batch = kind.batch or 1
    return [(math.ceil(len(spec.inputs) / batch), spec.epochs) for spec in kind.few(numpy.random.default_rng(seed))]


def judged_product(source: str, *, seed: int = 5) -> Decision:
    """The verdict on the `fit_product` that a source defines, on three pairs of scalars, as the graders of q3 ask."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell 1>", "exec"), space)
    draw = numpy.random.default_rng(seed)
    found = []
    for steps in (2, 4, int(draw.integers(20, 40))):
        start = {"var_1": round(draw.uniform(1, 3), 3), "var_2": round(draw.uniform(1, 3), 3)}
        goal, lr = round(draw.uniform(6, 9), 2), round(draw.uniform(1e-3, 3e-3), 6)
        tensors = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
        recorder = Recorder(tensors, full=MOST_UPDATES).start()
        error = ""
        try:
            space["fit_product"](*tensors.values(), goal, lr=lr, steps=steps)
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
        finally:
            recorder.stop()
        end = {name: float(tensor.detach()) for name, tensor in tensors.items()}
        found.append(product_evidence(start, end, goal, lr, steps, report(recorder), error=error))
    return decide(found)
