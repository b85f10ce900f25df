"""The replay: recomputes a training loop's updates in the trusted process and says which order explains them.

Pure functions over numbers: the probe's start and end, the examples, the learning rate, and what was seen of the
loop. Whatever was seen came from the student's process, so it only proposes an order, a batch size or an optimizer;
the numbers decide. Parameters are flat dicts of float64 tensors; a match is within TOLERANCE of every entry
(honest float32 loops differ by at most 1.3e-7, a stale gradient by at least 2.6e-3: measured over 200 starts).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

TOLERANCE = 1e-5
MOVED = 1e-4  # a probe whose parameters all stay within this was not trained
MOST_MOMENTUM = 0.999
Parameters = dict[str, torch.Tensor]
Gradient = Callable[[Parameters, Sequence[int]], Parameters]


@dataclass(frozen=True)
class Optimizer:
    """Which optimizer a loop says it used: a class of torch.optim and its settings; None settings are torch's."""

    name: str = "SGD"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def keywords(self) -> dict[str, Any]:
        """The settings as torch takes them: pairs are tuples."""
        return {name: tuple(value) if isinstance(value, list) else value for name, value in self.settings.items()}

    def bounded(self) -> str:
        """Why these settings are not believed; "" when they are. Momentum 1 would equal a loop that never Resets."""
        for name, value in self.settings.items():
            numbers = value if isinstance(value, (list, tuple)) else [value]
            numbers = [number for number in numbers if isinstance(number, (int, float))]
            if name in ("momentum", "betas", "alpha", "rho") and any(not 0 <= n <= MOST_MOMENTUM for n in numbers):
                return f"{name} = {value}"
            if name in ("weight_decay", "dampening") and any(not 0 <= n < 1 for n in numbers):
                return f"{name} = {value}"
            if name in ("maximize", "differentiable") and value:
                return f"{name} = {value}"
        return ""


@dataclass(frozen=True)
class Evidence:
    """One probe: what it was given and what came of it.

    `gradient(parameters, rows)` is the loss's gradient summed over the examples numbered in `rows`.
    `updates` is the order seen: for each Optimize the groups of example numbers Backpropped since the one before.
    """

    start: Parameters
    end: Parameters
    gradient: Gradient
    examples: int
    epochs: int
    lr: float
    updates: list[list[int]] | None = None
    optimizer: Optimizer = Optimizer()
    reported_lr: float | None = None

    def moved(self) -> bool:
        """Whether any parameter changed by more than noise."""
        return distance(self.start, self.end) > MOVED

    def finite(self) -> bool:
        return all(bool(torch.isfinite(tensor).all()) for tensor in self.end.values())

    def taught(self) -> list[list[int]]:
        """The order as taught: each example once in each epoch, in the order given."""
        return [[row] for _ in range(self.epochs) for row in range(self.examples)]


def distance(one: Parameters, other: Parameters) -> float:
    """Largest difference of any entry; infinite if one holds a NaN or names differ."""
    if one.keys() != other.keys():
        return float("inf")
    worst = 0.0
    for name in one:
        gap = (one[name].double() - other[name].double()).abs().max().item() if one[name].numel() else 0.0
        if not gap <= 1e300:
            return float("inf")
        worst = max(worst, gap)
    return worst


class Stepper:
    """Applies updates: plain SGD and its momentum by hand in float64, other classes by torch.optim itself."""

    def __init__(self, parameters: Parameters, lr: float, optimizer: Optimizer) -> None:
        self.parameters = {name: tensor.detach().clone().double() for name, tensor in parameters.items()}
        self.lr = lr
        plain = optimizer.name == "SGD" and not any(optimizer.settings.values())
        self.machine: torch.optim.Optimizer | None = None
        if not plain:
            kind = getattr(torch.optim, optimizer.name)
            for tensor in self.parameters.values():
                tensor.requires_grad_(True)
            self.machine = kind(list(self.parameters.values()), lr=lr, **optimizer.keywords())

    def step(self, gradient: Parameters) -> None:
        if self.machine is None:
            for name, tensor in self.parameters.items():
                tensor.sub_(gradient[name], alpha=self.lr)
            return
        for name, tensor in self.parameters.items():
            tensor.grad = gradient[name].clone()
        self.machine.step()

    def now(self) -> Parameters:
        return {name: tensor.detach() for name, tensor in self.parameters.items()}


@dataclass(frozen=True)
class Hypothesis:
    """One order in which a loop may have run, and the verdict that fits it."""

    verdict: str
    keep: int = 0  # Reset only every `keep` updates; 0: after each; -1: never
    lag: int = 0  # each update uses the gradient made this many updates before
    stale_epoch: bool = False  # outputs and loss are computed once an epoch
    scale: float = 1.0  # the updates are this many times as large as lr asks


def replay(evidence: Evidence, updates: Sequence[Sequence[int]], guess: Hypothesis) -> Parameters:
    """The parameters after `updates` if the loop ran as `guess` says."""
    stepper = Stepper(evidence.start, evidence.lr * guess.scale, evidence.optimizer)
    held: Parameters | None = None
    waiting: list[Parameters] = []
    frozen: Parameters | None = None
    per_epoch = max(1, len(updates) // max(1, evidence.epochs))
    for index, rows in enumerate(updates):
        if guess.stale_epoch and index % per_epoch == 0:
            frozen = {name: tensor.clone() for name, tensor in stepper.now().items()}
        fresh = evidence.gradient(frozen if frozen is not None else stepper.now(), rows)
        if guess.lag:
            waiting.append(fresh)
            if len(waiting) <= guess.lag:
                continue
            fresh = waiting.pop(0)
        if held is not None:
            fresh = {name: held[name] + fresh[name] for name in fresh}
        stepper.step(fresh)
        reset = guess.keep == 0 or (guess.keep > 0 and (index + 1) % guess.keep == 0)
        held = None if reset else fresh
    return stepper.now()


def orders(evidence: Evidence) -> Iterator[list[list[int]]]:
    """The orders worth trying: the one seen, the one given, and for the smallest probes every one."""
    given = evidence.taught()
    if evidence.updates is not None:
        yield evidence.updates
    if evidence.updates != given:
        yield given
    if evidence.updates is None and evidence.examples <= 3 and evidence.epochs <= 2:
        shuffles = list(itertools.permutations(range(evidence.examples)))
        for choice in itertools.product(shuffles, repeat=evidence.epochs):
            yield [[row] for epoch in choice for row in epoch]


def matches(evidence: Evidence, guess: Hypothesis, tolerance: float = TOLERANCE) -> list[list[int]] | None:
    """The first order under which `guess` gives the probe's end, or None."""
    for updates in orders(evidence):
        if distance(replay(evidence, updates, guess), evidence.end) <= tolerance:
            return updates
    return None


def first_ratio(evidence: Evidence) -> float | None:
    """How many times as large as lr asks the updates are, if one number explains the first order seen; else None."""
    for updates in itertools.islice(orders(evidence), 2):
        low = _scale(evidence, updates)
        if low is not None:
            return low
    return None


def _scale(evidence: Evidence, updates: Sequence[Sequence[int]]) -> float | None:
    """Solve for the scale by secant steps on the movement along the taught one; None if none fits."""
    scale = 1.0
    moved = {name: evidence.end[name].double() - evidence.start[name].double() for name in evidence.start}
    size = sum(float((tensor**2).sum()) for tensor in moved.values())
    for _ in range(12):
        end = replay(evidence, updates, Hypothesis("WRONG_LEARNING_RATE", scale=scale))
        along = sum(float((moved[name] * (end[name] - evidence.start[name].double())).sum()) for name in moved)
        if not 1e-12 < along < 1e12 or size == 0:
            return None
        change = size / along
        scale *= change
        if abs(change - 1) < 1e-9:
            break
    guess = Hypothesis("WRONG_LEARNING_RATE", scale=scale)
    return scale if distance(replay(evidence, updates, guess), evidence.end) <= TOLERANCE else None


def linear_chain_gradient(inputs: torch.Tensor, targets: torch.Tensor) -> Gradient:
    """Gradient of the summed squared difference for two linear layers m1, m2; inputs (n, 3), targets (n, 5)."""
    x_all, t_all = inputs.double(), targets.double()

    def gradient(parameters: Parameters, rows: Sequence[int]) -> Parameters:
        index = list(rows)
        x, t = x_all[index], t_all[index]
        w1, w2 = parameters["m1.weight"], parameters["m2.weight"]
        hidden = x @ w1.T + parameters["m1.bias"]
        out = 2 * (hidden @ w2.T + parameters["m2.bias"] - t)
        back = out @ w2
        return {"m1.weight": back.T @ x, "m1.bias": back.sum(0), "m2.weight": out.T @ hidden, "m2.bias": out.sum(0)}

    return gradient


def product_gradient(goal: float) -> Gradient:
    """Gradient of (goal - var_1 * var_2) ** 2 for two scalars."""

    def gradient(parameters: Parameters, rows: Iterable[int]) -> Parameters:
        one, two = parameters["var_1"], parameters["var_2"]
        miss = 2 * (one * two - goal)
        return {"var_1": miss * two, "var_2": miss * one}

    return gradient


def warm() -> None:
    """Run a tiny replay once, so that a judge's forks do not pay for first uses."""
    start = {"var_1": torch.tensor(3.0), "var_2": torch.tensor(4.0)}
    evidence = Evidence(start, start, product_gradient(15.0), 1, 2, 3e-3)
    replay(evidence, evidence.taught(), Hypothesis("CORRECT"))
    replay(
        Evidence(start, start, product_gradient(15.0), 1, 2, 3e-3, optimizer=Optimizer("Adam", {"amsgrad": True})),
        evidence.taught(),
        Hypothesis("CORRECT"),
    )
