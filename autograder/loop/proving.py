"""Which gradients of an account the numbers of a probe prove: those that cannot be left out without being noticed.

An account may tell of gradients that did nothing: of an update at a learning rate of 0, of one clipped to nothing, of
a tensor in a group that stands still. Whether they were real no number tells, so nothing counts as learned from them.
Used by `loop.replay` on the steps that it has found to give the probe's numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import numpy

from autograder.loop.gradients import Array, Parameters
from autograder.loop.machine import Machine, Step

Mark = tuple[int, str]
"""A Backprop, by its number in the account, and a tensor that it reached."""


@dataclass
class Weighed(Machine):
    """A Machine that leaves out the marks in `without`, and notes how much each of the others could have moved.

    `moved` is the largest entry of a mark's gradient, as it was when an update took it, times the learning rate of that
    update, or how far the tensor went then, if that is less; marks that no update took are not in it.
    """

    without: frozenset[Mark] = frozenset()
    moved: dict[Mark, float] = field(default_factory=dict)

    def run(self, steps: Iterable[Step]) -> Parameters:
        self.sizes: dict[str, dict[Mark, float]] = {name: {} for name in self.start}  # of the marks that are held
        self.given: dict[str, dict[Mark, float]] = {name: {} for name in self.start}  # by autograd.grad
        self.latest: dict[str, dict[Mark, float]] = {name: {} for name in self.start}
        self.zero: set[Mark] = set()  # whose gradient was exactly 0
        return super().run(steps)

    def _gradient_of(self, step: Step) -> Parameters:
        found = super()._gradient_of(step)
        return {name: self._kept((step.number, name), array) for name, array in found.items()}

    def _kept(self, mark: Mark, array: Array) -> Array:
        if not array.any():
            self.zero.add(mark)
        return numpy.zeros_like(array) if mark in self.without else array

    def _do_B(self, step: Step) -> None:
        super()._do_B(step)
        for name in step.tensors:
            array = self.returned[name] if step.grad_only else self.grads[name]
            size = {(step.number, name): 0.0 if array is None else float(numpy.abs(array).max(initial=0.0))}
            if step.grad_only:
                self.given[name] = size
            else:
                self.sizes[name] = self.latest[name] = {**self.sizes[name], **size}

    def _do_Z(self, step: Step) -> None:
        super()._do_Z(step)
        for name in step.tensors:
            self.sizes[name] = {}

    def _do_E(self, step: Step) -> None:
        super()._do_E(step)
        for name in step.tensors:
            self.sizes[name] = self.latest[name] = {
                mark: min(size, step.factor) if step.clamped else size * step.factor
                for mark, size in self.sizes[name].items()
            }

    def _do_D(self, step: Step) -> None:
        super()._do_D(step)
        for name in step.tensors:
            kept = self.sizes[name] if step.added else {}
            self.sizes[name] = self.latest[name] = {**kept, **self.given[name]}

    def _do_W(self, step: Step) -> None:
        super()._do_W(step)
        if step.away:
            return
        for name in step.tensors:
            self._take((self.given if step.from_returned else self.latest)[name], abs(step.factor))

    def _do_S(self, step: Step) -> None:
        before = dict(self.now)
        super()._do_S(step)
        for names, lr, _ in step.setting.groups if step.setting is not None else ():
            for name in set(names) & set(step.tensors):
                change = float(numpy.abs(self.now[name] - before[name]).max(initial=0.0))
                self._take(self.sizes[name], lr, change)

    def _closure(self, tensors: dict[str, Any], closure: Sequence[Step]) -> Any:
        evaluate = super()._closure(tensors, closure)
        numbers = [step.number for step in closure if step.what == "B"]

        def evaluated() -> float:
            loss: float = evaluate()
            for name, tensor in tensors.items():
                if all((number, name) in self.without for number in numbers):
                    tensor.grad.zero_()
            return loss

        return evaluated

    def _take(self, sizes: Mapping[Mark, float], rate: float, change: float = math.inf) -> None:
        for mark, size in sizes.items():
            self.moved[mark] = max(self.moved.get(mark, 0.0), min(rate * size, change))


@dataclass(frozen=True)
class Proven:
    """Of the gradients that an account says were used, those that the numbers need.

    `learned`: the Backprops that have one, of `used` in all; `still`: tensors that none reached, or too few.
    """

    learned: tuple[int, ...] = ()
    used: int = 0
    still: tuple[str, ...] = ()

    @property
    def many(self) -> bool:
        """Whether all but a few Backprops are."""
        return self.used - len(self.learned) <= few(self.used)

    @property
    def enough(self) -> bool:
        return not self.still and self.many


def few(count: int) -> int:
    """How many of so many updates may be without effect: those at the ends of a schedule are, and a lr of 0 at a
    warm-up's first step is legal."""
    return max(1, count // 10)


def proven(
    make: Callable[[frozenset[Mark]], Weighed], steps: Sequence[Step], fits: Callable[[Parameters], bool]
) -> Proven:
    """What is proven by `steps`, which give the numbers: `make` sets up their machine without some marks, `fits` tells
    whether an end is the probe's. The marks that could have moved least are left out, as many as nobody notices; how
    many is found by doubling and halving, in some 2 log2(n) runs, and in two where the first is noticed."""
    whole = make(frozenset())
    whole.run(steps)
    order = sorted(whole.moved, key=lambda mark: whole.moved[mark])
    known, noticed = 0, 1
    while noticed <= len(order) and fits(make(frozenset(order[:noticed])).run(steps)):
        known, noticed = noticed, 2 * noticed
    noticed = min(noticed, len(order) + 1)
    while noticed - known > 1:
        middle = (known + noticed) // 2
        if fits(make(frozenset(order[:middle])).run(steps)):
            known = middle
        else:
            noticed = middle
    return _counted(order, frozenset(order[:known]), whole.zero)


def _counted(marks: Sequence[Mark], idle: frozenset[Mark], zero: Set[Mark]) -> Proven:
    used = {number for number, _ in marks}
    learned = {number for number, name in marks if (number, name) not in idle}
    still = []
    for name in dict.fromkeys(name for _, name in marks):
        # A gradient that is 0 for one tensor alone (a dead unit, signs that cancel) is no fault of the loop's
        of_it = {number for number, other in marks if other == name and (number, name) not in zero}
        reached = {number for number in of_it if (number, name) not in idle}
        # Backprops that reached nothing at all are no fault of this tensor
        if of_it and (not reached or len(of_it & learned - reached) > few(len(of_it))):
            still.append(name)
    return Proven(tuple(sorted(learned)), len(used), tuple(still))
