"""Probes: the networks and examples a judge hands to a student's loop, and the evidence that comes back.

Used by the graders of q3 and q5 and by `diagnose`. Sizes are drawn per run, so that a loop cannot behave only for one
number of examples; inputs are drawn so that every row is recognisable in whatever order the loop takes them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch

from autograder.loop.events import Account, read
from autograder.loop.evidence import Evidence
from autograder.loop.machine import ChainGradient, Parameters, ProductGradient

SIZES = [3, 2, 5]
NAMES = ("m1.weight", "m1.bias", "m2.weight", "m2.bias")
LARGE = (150, 250)  # about as many examples as q6 trains on
BETWEEN = (65, 81)  # of a further probe: more than anybody has reason to accumulate


@dataclass(frozen=True)
class LoopProbe:
    """One call of `train`: a 3 -> 2 -> 5 linear network's start, examples (n, 3) -> (n, 5), lr and epochs."""

    start: dict[str, torch.Tensor]
    inputs: torch.Tensor
    targets: torch.Tensor
    lr: float
    epochs: int


def draw_loop_probes(draw: numpy.random.Generator) -> list[LoopProbe]:
    """Three probes: a tiny one, one of up to 40 examples, and one about as large as q6's; lr from 6e-4 to 1.8e-3."""
    sizes = [int(draw.integers(2, 5)), int(draw.integers(5, 41)), int(draw.integers(*LARGE))]
    return [draw_loop_probe(draw, size, epochs) for size, epochs in zip(sizes, (2, 3, 1), strict=True)]


def further_probe(found: Sequence[Evidence], draw: numpy.random.Generator) -> LoopProbe | None:
    """A fourth probe where three tell too little, else None.

    Where all of them end in NaN, one with two updates alone, since only numbers can prove an order. Where the loop
    accumulates gradients and a single probe shows it, one between the medium and the large: what is done on purpose
    is done again.
    """
    if not any(one.error or one.finite() for one in found):
        return draw_loop_probe(draw, 2, 1)
    showing = [one for one in found if any(len(update.fresh) > 1 for update in one.ledger.updates)]
    return draw_loop_probe(draw, int(draw.integers(*BETWEEN)), 1) if len(showing) == 1 else None


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


def loop_evidence(
    probe: LoopProbe,
    end: Mapping[str, torch.Tensor],
    report: Mapping[str, Any],
    *,
    error: str = "",
    allowed: Mapping[str, float] | None = None,
) -> Evidence:
    """What the replay needs: the probe, the parameters after the call, and the account as far as it has the right form.

    `error` is what the call raised. `report` is student.probe.report's, or {} if there is none.
    """
    report = report if isinstance(report, Mapping) else {}
    account = account_of(report, NAMES)
    numbers = {tuple(row): index for index, row in enumerate(probe.inputs.tolist())}
    rows, pulls = rows_of(report, account.events, numbers), pulls_of(report)
    return Evidence(
        arrays(probe.start), arrays(end), ChainGradient(probe.inputs.double().numpy(), probe.targets.double().numpy()),
        len(probe.inputs), probe.epochs, probe.lr, account, rows, pulls, error, allowed or {},
    )  # fmt: skip


def product_evidence(
    start: Mapping[str, float],
    end: Mapping[str, float],
    goal: float,
    lr: float,
    steps: int,
    report: Mapping[str, Any],
    *,
    error: str = "",
    allowed: Mapping[str, float] | None = None,
) -> Evidence:
    """The same for fit_product: two float32 scalars var_1 and var_2, one example, `steps` cycles."""
    account = account_of(report, tuple(start))
    sides = [{name: numpy.array(float(numpy.float32(value))) for name, value in side.items()} for side in (start, end)]
    return Evidence(
        sides[0], sides[1], ProductGradient(goal), 1, steps, lr, account, error=error, allowed=allowed or {}
    )


def account_of(report: object, names: tuple[str, ...]) -> Account:
    """The account in a report, as far as it has the right form."""
    if not isinstance(report, Mapping):
        return read({}, names)
    return read({**report, **{name: listed(report.get(name)) for name in ("events", "reaches", "numbers")}}, names)


def arrays(parameters: Mapping[str, torch.Tensor]) -> Parameters:
    """float64 copies of named tensors."""
    return {name: numpy.array(tensor.detach().double().numpy()) for name, tensor in parameters.items()}


def listed(value: object) -> object:
    """A tensor as lists; anything else as it is."""
    return value.tolist() if isinstance(value, torch.Tensor) else value


def rows_of(
    report: Mapping[str, Any], events: list[Any], numbers: Mapping[tuple[float, ...], int]
) -> list[tuple[int, ...] | None]:
    """The examples of each forward pass, recognised by their inputs; None where a row is no example of ours."""
    rows = report.get("rows")
    if not isinstance(rows, torch.Tensor) or rows.dim() != 2:
        return []
    known = [numbers.get(tuple(row)) for row in rows.tolist()]
    found: list[tuple[int, ...] | None] = []
    at = 0
    for event in events:
        if event.kind != 0:
            continue
        part = known[at : at + max(0, event.ref)]
        at += max(0, event.ref)
        whole = [number for number in part if number is not None]
        found.append(tuple(whole) if part and len(whole) == len(part) else None)
    return found


def pulls_of(report: Mapping[str, Any]) -> dict[tuple[int, int], Any]:
    """Gradients that came back to the outputs: (Backprop, forward) -> (rows, outputs)."""
    values, pairs = report.get("pulls"), report.get("pulled")
    if not isinstance(values, torch.Tensor) or not isinstance(pairs, torch.Tensor):
        return {}
    if values.dim() != 2 or pairs.dim() != 2 or pairs.shape != (len(values), 2) or values.shape[1] != SIZES[-1]:
        return {}
    found: dict[tuple[int, int], list[Any]] = {}
    for pair, row in zip(pairs.tolist(), values.double().numpy(), strict=True):
        found.setdefault((pair[0], pair[1]), []).append(row)
    return {key: numpy.stack(rows) for key, rows in found.items()}
