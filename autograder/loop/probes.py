"""Probes: the networks and examples a judge hands to a student's loop, and the evidence that comes back.

Used by the graders of q3 and q5. Sizes are drawn per run, so that a loop cannot behave only for one number of examples;
inputs are drawn so that every row is recognisable in whatever order the loop takes them.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy
import torch

from autograder.loop.replay import Evidence, Optimizer, Parameters, linear_chain_gradient, product_gradient
from autograder.loop.verdicts import Seen

SIZES = [3, 2, 5]
LARGE = (150, 250)  # about as many examples as q6 trains on
IGNORED = ("lr", "foreach", "fused", "capturable", "differentiable", "initial_lr", "decoupled_weight_decay")


@dataclass(frozen=True)
class LoopProbe:
    """One call of `train`: a 3 -> 2 -> 5 linear network's start, examples (n, 3) -> (n, 5), lr and epochs."""

    start: Parameters
    inputs: torch.Tensor
    targets: torch.Tensor
    lr: float
    epochs: int


def draw_loop_probes(draw: numpy.random.Generator) -> list[LoopProbe]:
    """Three probes: a tiny one, one of up to 40 examples, and one about as large as q6's; lr from 6e-4 to 1.8e-3."""
    sizes = [int(draw.integers(2, 5)), int(draw.integers(5, 41)), int(draw.integers(*LARGE))]
    return [draw_loop_probe(draw, size, epochs) for size, epochs in zip(sizes, (2, 3, 1), strict=True)]


def draw_loop_probe(draw: numpy.random.Generator, examples: int, epochs: int) -> LoopProbe:
    """A probe of this size; weights as torch would start them, inputs and targets of about unit size."""
    generator = torch.Generator().manual_seed(int(draw.integers(2**40)))
    start = {}
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(SIZES), 1):
        for name, shape in ((f"m{layer}.weight", (fan_out, fan_in)), (f"m{layer}.bias", (fan_out,))):
            start[name] = (torch.rand(shape, generator=generator) * 2 - 1) / fan_in**0.5
    inputs = torch.randn(examples, SIZES[0], generator=generator)
    targets = torch.randn(examples, SIZES[-1], generator=generator) * 2
    lr = round(float(draw.uniform(6e-4, 9e-4) if draw.integers(2) else draw.uniform(1.2e-3, 1.8e-3)), 7)
    return LoopProbe(start, inputs, targets, lr, epochs)


def loop_evidence(probe: LoopProbe, end: Parameters, report: dict[str, Any], marks_left: bool) -> tuple[Evidence, Seen]:
    """What the replay needs: the probe, the parameters after the call, and the order that the record proposes."""
    numbers = {tuple(row): index for index, row in enumerate(probe.inputs.tolist())}
    events = events_of(report)
    rows = [numbers.get(tuple(row)) for row in rows_of(report, probe.inputs.shape[1])]
    updates, seen = grouped(events, rows)
    optimizer, lr, unbelieved = optimizer_of(report)
    seen = replace(seen, marks_left=marks_left, unbelieved=unbelieved, strangers=only_strangers(report))
    gradient = linear_chain_gradient(probe.inputs, probe.targets)
    evidence = Evidence(probe.start, end, gradient, len(probe.inputs), probe.epochs, probe.lr, updates, optimizer, lr)
    return evidence, seen


def product_evidence(
    start: dict[str, float], end: dict[str, float], goal: float, lr: float, steps: int, report: dict[str, Any]
) -> tuple[Evidence, Seen]:
    """The same for fit_product: two scalars, one row, `steps` cycles."""
    optimizer, reported, unbelieved = optimizer_of(report)
    tensors = [{name: torch.tensor(float(v), dtype=torch.float64) for name, v in side.items()} for side in (start, end)]
    optimizes = sum(1 for event in events_of(report) if event[0] == "S")
    seen = Seen(optimizes=optimizes, unbelieved=unbelieved, strangers=only_strangers(report))
    return Evidence(tensors[0], tensors[1], product_gradient(goal), 1, steps, lr, None, optimizer, reported), seen


def events_of(report: dict[str, Any]) -> list[tuple[str, int]]:
    """The record's events as (kind, number); empty if they have not the right form."""
    events = report.get("events")
    if not isinstance(events, torch.Tensor) or events.dim() != 2 or events.shape[1] != 2:
        return []
    pairs = events.long().tolist()
    return [("FBS"[kind], number) for kind, number in pairs if 0 <= kind < 3]


def rows_of(report: dict[str, Any], width: int) -> list[list[float]]:
    rows = report.get("rows")
    if not isinstance(rows, torch.Tensor) or rows.dim() != 2 or rows.shape[1] != width:
        return []
    return rows.tolist()


def grouped(events: Sequence[tuple[str, int]], rows: list[int | None]) -> tuple[list[list[int]] | None, Seen]:
    """Example numbers by update. Without Optimize events (updates by hand) every Backprop is an update of its own.

    None for the order if a row is no example of ours, or if the record does not add up.
    """
    starts, forwards, at = [], 0, 0
    for kind, count in events:
        if kind == "F":
            starts.append((at, count))
            at += count
            forwards += 1
    backprops = [number for kind, number in events if kind == "B"]
    optimizes = sum(1 for kind, _ in events if kind == "S")
    groups: list[list[int]] = [[]]
    for kind, number in events:
        if kind == "B":
            groups[-1].append(number)
            if not optimizes:
                groups.append([])
        elif kind == "S":
            groups.append([])
    unused = len(groups[-1])
    used = groups[:-1]
    doubled = any(len(set(group)) < len(group) for group in used)
    seen = Seen(
        backprops=len(backprops),
        optimizes=optimizes,
        empty_first=bool(used) and not used[0],
        unused=unused,
        doubled=doubled,
        group=max((len(set(group)) for group in used), default=1),
    )
    if at != len(rows) or any(not 0 <= number < forwards for number in backprops) or not backprops:
        return None, seen
    updates: list[list[int]] = []
    for group in used:
        if not group:
            continue
        chosen: list[int] = []
        for number in dict.fromkeys(group):
            begin, count = starts[number]
            for row in rows[begin : begin + count]:
                if row is None:
                    return None, seen
                chosen.append(row)
        updates.append(chosen)
    return updates, seen


def optimizers_of(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The optimizers that the record names, those that have the right form."""
    named = report.get("optimizers") or []
    return [
        one
        for one in (named if isinstance(named, list) else [])
        if isinstance(one, dict)
        and isinstance(one.get("name"), str)
        and isinstance(one.get("groups"), list)
        and all(isinstance(group, dict) and isinstance(group.get("settings"), dict) for group in one["groups"])
    ]


def only_strangers(report: dict[str, Any]) -> bool:
    """Whether optimizers were stepped, but none that was given one of the probe's tensors."""
    found = optimizers_of(report)
    return bool(found) and not any(group.get("parameters") for one in found for group in one["groups"])


def optimizer_of(report: dict[str, Any]) -> tuple[Optimizer, float | None, str]:
    """The optimizer that the record names, the lr it was given, and a setting that is not to be believed, if any."""
    own = [one for one in optimizers_of(report) if any(group.get("parameters") for group in one["groups"])]
    if not own or own[0]["name"] not in known_optimizers() or own[0].get("own"):
        return Optimizer(), None, ""
    name, settings = own[0]["name"], own[0]["groups"][0]["settings"]
    lr = settings.get("lr")
    accepted = {
        key: value
        for key, value in settings.items()
        if key in known_optimizers()[name] and key not in IGNORED and plain_setting(value)
    }
    optimizer = Optimizer(name, accepted)
    unbelieved = optimizer.bounded() or refused(optimizer)
    rate = lr if isinstance(lr, float) else None
    return (Optimizer() if unbelieved else optimizer), rate, unbelieved


def refused(optimizer: Optimizer) -> str:
    """Why torch itself would not make this optimizer; "" if it does."""
    try:
        getattr(torch.optim, optimizer.name)([torch.zeros(1)], lr=1e-3, **optimizer.keywords())
    except (TypeError, ValueError, RuntimeError) as error:
        return str(error)[:100]
    return ""


def plain_setting(value: Any) -> bool:
    if isinstance(value, list):
        return all(type(item) in (int, float) for item in value)
    return value is None or type(value) in (bool, int, float)


@functools.cache
def known_optimizers() -> dict[str, frozenset[str]]:
    """torch.optim's own classes that the replay can run, with the settings each takes."""
    names = ("SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "ASGD", "Rprop")
    found = {}
    for name in names:
        kind = getattr(torch.optim, name, None)
        if kind is not None:
            found[name] = frozenset(inspect.signature(kind.__init__).parameters)
    return found
