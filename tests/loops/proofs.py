"""The calculations that prove the corpus's labels: every loop's numbers worked out anew, apart from the program.

numpy in float64 and formulas written out here; nothing of `autograder` is used. A proof is asked for by name, such as
"never reset, momentum 0.9" or "groups of 2".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

Weights = dict[str, np.ndarray]
LAYERS = ("m1.weight", "m1.bias", "m2.weight", "m2.bias")


@dataclass(frozen=True)
class Given:
    """What a loop was given: weights, examples, lr, passes."""

    start: Weights
    inputs: np.ndarray
    targets: np.ndarray
    lr: float
    epochs: int

    @property
    def count(self) -> int:
        return len(self.inputs)


Pull = Callable[[np.ndarray], np.ndarray]


def squares(miss: np.ndarray) -> np.ndarray:
    """d sum(miss ** 2) / d miss."""
    return 2 * miss


def slope(w: Weights, given: Given, row: int, pull: Pull = squares, later: Weights | None = None) -> Weights:
    """The loss's gradient for one example; `later` are the weights the way back goes through, if others."""
    x, y = given.inputs[row], given.targets[row]
    hidden = w["m1.weight"] @ x + w["m1.bias"]
    out = pull(w["m2.weight"] @ hidden + w["m2.bias"] - y)
    back = (later or w)["m2.weight"].T @ out
    return {"m1.weight": np.outer(back, x), "m1.bias": back, "m2.weight": np.outer(out, hidden), "m2.bias": out}


def plus(one: Weights | None, two: Weights) -> Weights:
    return two if one is None else {k: one[k] + two[k] for k in two}


def minus(w: Weights, g: Weights, factor: float) -> Weights:
    return {k: w[k] - factor * g[k] for k in w}


class Plain:
    """w -= lr * g."""

    def __init__(self, lr: float) -> None:
        self.lr = lr

    def __call__(self, w: Weights, g: Weights) -> Weights:
        return minus(w, g, self.lr)


class Momentum(Plain):
    """v = m v + g; w -= lr * v (nesterov: g + m v). Sutskever et al. 2013, as torch writes it."""

    def __init__(self, lr: float, m: float, nesterov: bool = False) -> None:
        super().__init__(lr)
        self.m, self.nesterov = m, nesterov
        self.v: Weights | None = None

    def __call__(self, w: Weights, g: Weights) -> Weights:
        self.v = g if self.v is None else {k: self.m * self.v[k] + g[k] for k in g}
        return minus(w, {k: g[k] + self.m * self.v[k] for k in g} if self.nesterov else self.v, self.lr)


class Decay(Plain):
    """w -= lr * (g + d w)."""

    def __init__(self, lr: float, d: float) -> None:
        super().__init__(lr)
        self.d = d

    def __call__(self, w: Weights, g: Weights) -> Weights:
        return minus(w, {k: g[k] + self.d * w[k] for k in g}, self.lr)


class Adam(Plain):
    """Kingma & Ba 2015 with betas 0.9 and 0.999, eps 1e-8."""

    def __init__(self, lr: float) -> None:
        super().__init__(lr)
        self.t = 0
        self.m: Weights = {}
        self.v: Weights = {}

    def __call__(self, w: Weights, g: Weights) -> Weights:
        self.t += 1
        found = {}
        for k in w:
            self.m[k] = 0.9 * self.m.get(k, 0) + 0.1 * g[k]
            self.v[k] = 0.999 * self.v.get(k, 0) + 0.001 * g[k] ** 2
            mean, square = self.m[k] / (1 - 0.9**self.t), self.v[k] / (1 - 0.999**self.t)
            found[k] = w[k] - self.lr * mean / (np.sqrt(square) + 1e-8)
        return found


class OfTorch(Plain):
    """One of torch's own classes, fed with gradients that were worked out here."""

    def __init__(self, lr: float, name: str) -> None:
        super().__init__(lr)
        self.name = name
        self.tensors: dict[str, torch.Tensor] = {}

    def __call__(self, w: Weights, g: Weights) -> Weights:
        if not self.tensors:
            self.tensors = {k: torch.tensor(w[k], requires_grad=True) for k in w}
            self.machine = getattr(torch.optim, self.name)(list(self.tensors.values()), lr=self.lr)
        for k, tensor in self.tensors.items():
            tensor.grad = torch.tensor(g[k])
        self.machine.step()
        return {k: tensor.detach().numpy().copy() for k, tensor in self.tensors.items()}


def maker(text: str, lr: float) -> Plain:
    """The optimizer that a proof's text asks for; plain SGD if it names none."""
    for pattern, make in (
        (r"momentum ([\d.]+)", lambda m: Momentum(lr, float(m[1]))),
        (r"nesterov ([\d.]+)", lambda m: Momentum(lr, float(m[1]), True)),
        (r"decay ([\d.]+)", lambda m: Decay(lr, float(m[1]))),
        (r"torch (\w+)", lambda m: OfTorch(lr, m[1])),
        (r"\badam\b", lambda m: Adam(lr)),
    ):
        found = re.search(pattern, text)
        if found:
            return make(found)
    return Plain(lr)


def passes(given: Given, order: str) -> Iterator[list[list[int]]]:
    """The orders in which the examples of each pass may have been taken."""
    rows = list(range(given.count))
    if order == "any":
        yield from (
            [list(one) for one in choice]
            for choice in itertools.product(itertools.permutations(rows), repeat=given.epochs)
        )
    else:
        yield [rows[::-1] if order == "reversed" else rows] * given.epochs


def taught(
    given: Given, turns: Sequence[Sequence[int]], optimizer: Plain, size: int = 1, pull: Pull = squares
) -> Weights:
    """One fresh gradient for each update, of `size` examples."""
    w = given.start
    rows = [row for turn in turns for row in turn]
    for at in range(0, len(rows), size):
        g: Weights | None = None
        for row in rows[at : at + size]:
            g = plus(g, slope(w, given, row, pull))
        assert g is not None
        w = optimizer(w, g)
    return w


def proven(proof: str, given: Given, turns: Sequence[Sequence[int]]) -> Weights | None:
    """The weights at the end, if the loop does what `proof` says; None for the proofs that are told by state alone."""
    lr, rows = given.lr, [row for turn in turns for row in turn]
    optimizer = maker(proof, lr)
    scale = re.search(r"scaled (-?[\d.]+)", proof)
    typed = re.search(r"typed ([\d.]+)", proof)
    if scale and "adam" not in proof:
        return taught(given, turns, Plain(lr * float(scale[1])))
    if typed:
        return taught(given, turns, Plain(float(typed[1])))
    if proof.startswith("never reset"):
        return piled(given, rows, optimizer, len(rows), ("m2",) if "m2" in proof else ("m1", "m2"))
    if proof == "reset per pass":
        return piled(given, rows, optimizer, given.count)
    if proof == "reset every 2":
        return piled(given, rows, optimizer, 2)
    if proof.startswith("all but the last"):
        return taught(given, [rows[:-1]], optimizer)
    if proof.startswith("one behind"):
        return behind(given, rows, "old weights" in proof)
    if proof.startswith("hoisted"):
        return hoisted(given, turns, "once" in proof, "old weights" in proof)
    if proof == "halved":
        w = given.start
        for number, turn in enumerate(turns):
            w = taught(Given(w, given.inputs, given.targets, lr, 1), [turn], Plain(lr * 0.5**number))
        return w
    if proof == "whole passes":
        return taught(given, turns, optimizer, given.count)
    if proof == "last of each pass":
        return taught(given, [[turn[-1]] for turn in turns], optimizer)
    if proof == "first of each pass":
        return taught(given, [[turn[0]] for turn in turns], optimizer)
    if proof == "first alone":
        return taught(given, [[rows[0]]], optimizer)
    if proof == "new adam":
        w = given.start
        for row in rows:
            w = Adam(lr)(w, slope(w, given, row))
        return w
    if proof.startswith("partial"):
        return partial(given, rows, proof.split()[1])
    if proof.startswith("loss"):
        return taught(given, turns, optimizer, pull=LOSSES[proof.split()[1]])
    if proof.startswith("assigned"):
        return {k: np.full_like(array, float(proof.split()[1])) for k, array in given.start.items()}
    if proof.startswith("groups"):
        return taught(given, turns, optimizer, int(proof.split()[-1]))
    if proof in ("still", "marks but still", "raises", "not finite"):
        return None
    return taught(given, turns, optimizer)


LOSSES: dict[str, Pull] = {
    "abs": np.sign,
    "fourth": lambda miss: 4 * miss**3,
    "first": lambda miss: 2 * miss * (np.arange(len(miss)) == 0),
    "root": lambda miss: miss / np.sqrt((miss**2).sum()),
}


def piled(
    given: Given, rows: Sequence[int], optimizer: Plain, keep: int, layers: Sequence[str] = ("m1", "m2")
) -> Weights:
    """Old gradients stay and are added to, for `keep` updates, in these layers."""
    w, held = given.start, None
    for number, row in enumerate(rows):
        fresh = slope(w, given, row)
        held = fresh if held is None else {k: (held[k] if k[:2] in layers else 0) + fresh[k] for k in fresh}
        w = optimizer(w, held)
        if (number + 1) % keep == 0:
            held = None
    return w


def behind(given: Given, rows: Sequence[int], old: bool) -> Weights:
    """Output, Optimize with what the round before left, Reset, Backprop of that output."""
    w: Weights = given.start
    held: Weights | None = None
    for row in rows:
        then = w
        if held is not None:
            w = minus(w, held, given.lr)
        held = slope(then, given, row, later=None if old else w)
    return w


def hoisted(given: Given, turns: Sequence[Sequence[int]], once: bool, old: bool) -> Weights:
    """Outputs are computed before a pass (or once for all), gradients and updates follow one by one."""
    w = then = given.start
    for turn in turns:
        then = then if once else w
        for row in turn:
            w = minus(w, slope(then, given, row, later=None if old else w), given.lr)
    return w


def partial(given: Given, rows: Sequence[int], which: str) -> Weights:
    """Only some tensors are moved."""
    w = given.start
    for row in rows:
        g = slope(w, given, row)
        w = {k: w[k] - given.lr * g[k] if which in k else w[k] for k in w}
    return w


def gap(one: Weights, two: Weights) -> float:
    """Largest difference of any entry."""
    found = max(float(np.abs(one[k] - two[k]).max()) for k in one)
    return found if found == found else float("inf")


def state(network: Any) -> Weights:
    """A network's parameters in float64."""
    return {k: p.detach().double().numpy().copy() for k, p in network.named_parameters()}
