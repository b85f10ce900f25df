"""What is known of one probe, and whether steps of the machine lead from its start to its end.

Used by `replay` and all that proposes steps to it. Tolerance: honest float32 loops differ from float64 by at most
1.3e-7, a gradient that is one update stale by at least 2.6e-3, a missing Reset by 0.086 (200 starts).
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy
import torch

from autograder.loop.asked import PER_EXAMPLE, Asked
from autograder.loop.events import MIXED, Account
from autograder.loop.gradients import Array, Gradient, NetworkGradient, Parameters
from autograder.loop.ledger import Ledger, keep
from autograder.loop.machine import Machine, Step, Way, distance

TOLERANCE = 1e-5
MOVED = 1e-7  # a probe whose parameters all stay within this was not trained
EXPLODED = 1e3  # numbers above this come from a loop that moves away
ROUNDED = 6e-7  # what rounding alone leaves of numbers of about 1 after some hundred float32 updates
SHARE = 0.02  # of the way from start to end
CANNOT = (ValueError, KeyError, IndexError, RuntimeError)  # steps that cannot be computed


@dataclass(frozen=True)
class Evidence:
    """One probe: what it was given, what came of it, and what was seen.

    `rows` gives the examples (by number) of each forward pass, None where an input was none of ours; `pulls` the
    gradients that came back to the outputs, by (Backprop, forward). `allowed` raises bounds of optimizer settings.
    `batches` are the examples of one pass in the order given, as they are meant to be taken; empty: one by one.
    `not_computed` names layers whose training the machine does not know: nothing can be proven then. `inert` names
    tensors that the network's output does not depend on, such as a bias before a BatchNorm. `came`: the same with the
    inputs as they came to the network, where they were none of the examples (noise, mixtures).
    """

    start: Parameters
    end: Parameters
    gradient: Gradient
    examples: int
    epochs: int
    lr: float
    account: Account
    rows: Sequence[tuple[int, ...] | None] = ()
    pulls: Mapping[tuple[int, int], Array] = field(default_factory=dict)
    error: str = ""
    allowed: Mapping[str, float] = field(default_factory=dict)
    asked: Asked = PER_EXAMPLE
    batches: tuple[tuple[int, ...], ...] = ()
    not_computed: tuple[str, ...] = ()
    inert: tuple[str, ...] = ()
    came: Evidence | None = None

    @property
    def pass_of(self) -> tuple[tuple[int, ...], ...]:
        """The batches of one pass."""
        return self.batches or tuple((row,) for row in range(self.examples))

    @functools.cached_property
    def ledger(self) -> Ledger:
        return keep(self.account)

    def moved(self) -> bool:
        """Whether any parameter changed by more than noise."""
        return distance(self.start, self.end) > MOVED

    @property
    def same_shapes(self) -> bool:
        """Whether the parameters have the shapes at the end that they had at the start."""
        ends = {name: array.shape for name, array in self.end.items()}
        return ends == {name: array.shape for name, array in self.start.items()}

    def finite(self) -> bool:
        return all(bool(numpy.isfinite(array).all()) for array in self.end.values())

    @functools.cached_property
    def rows_of_backprops(self) -> list[list[int]] | None:
        """The examples that went into each Backprop; None if an input was none of ours or nothing is known.

        An example counts as often as one forward pass took it: a loss that asks the network twice is one loss.
        """
        reached: dict[int, Counter[int]] = {}
        for backprop, forward in self.account.reaches:
            if not forward < len(self.rows):
                return None
            rows = self.rows[forward]
            if rows is None:
                return None
            counted = reached.setdefault(backprop, Counter())
            for row, count in Counter(rows).items():
                counted[row] = max(counted[row], count)
        if not reached:
            return None
        return [list(reached.get(number, Counter()).elements()) for number in range(len(self.ledger.backprops))]


def loses_its_numbers(evidence: Evidence, steps: Sequence[Step], use_pulls: bool = False) -> bool:
    """Whether these steps, too, end in NaN or in numbers that float32 cannot hold."""
    try:
        end = Machine(evidence.start, evidence.gradient, Way(pulls=use_pulls)).run(steps)
    except CANNOT:
        return False
    return any(not bool((numpy.abs(array) < 3e38).all()) for array in end.values())


def ways(evidence: Evidence, steps: Sequence[Step], use_pulls: bool = False) -> Iterator[Way]:
    """How a Machine may read these steps: a stale Backprop may mix old and new weights, and the outputs of several
    forward passes may make one loss (which is the same where losses are sums)."""
    stale = any(step.what == "B" for step in steps) and evidence_is_stale(evidence, steps)
    several = (
        not use_pulls
        and isinstance(evidence.gradient, NetworkGradient)
        and any(len(step.refs) > 1 for step in steps if step.what == "B")
    )
    for joined in (False, True) if several else (False,):
        for mixed in (False, True) if stale else (False,):
            yield Way(mixed, use_pulls, joined)


def runs_to(evidence: Evidence, steps: Sequence[Step], tolerance: float = TOLERANCE) -> bool:
    """Whether these steps lead from the probe's start to its end."""
    gradients = gradients_of(evidence)
    if isinstance(evidence.gradient, NetworkGradient):
        gradients.append(evidence.gradient.exact())
    for gradient in gradients:
        for way in ways(evidence, steps):
            try:
                if near(evidence, Machine(evidence.start, gradient, way).run(steps), tolerance):
                    return True
            except CANNOT:
                return False
    return False


def pulls_run_to(evidence: Evidence, steps: Sequence[Step]) -> tuple[bool, bool, bool, bool]:
    """Whether these steps with the gradients that came back to the outputs lead to the probe's end; whether those were
    the asked loss all the same, in several parts or through several forward passes; whether they were against it; and
    whether that was the mean over the Backprops of an update."""
    for gradient in gradients_of(evidence):
        for way in ways(evidence, steps, True):
            machine = Machine(evidence.start, gradient, way)
            try:
                if near(evidence, machine.run(steps), TOLERANCE):
                    return True, machine.asked_loss, machine.against, machine.asked_loss and machine.group > 1
            except CANNOT:
                return False, False, False, False
    return False, False, False, False


def gradients_of(evidence: Evidence) -> list[Gradient]:
    """The gradient of a probe, and, where its loop worked with half the digits, as that computes it."""
    found = [evidence.gradient]
    if isinstance(evidence.gradient, NetworkGradient) and MIXED in evidence.account.notes:
        found += [evidence.gradient.mixed(kind) for kind in (torch.bfloat16, torch.float16)]
    return found


def near(evidence: Evidence, end: Parameters, tolerance: float) -> bool:
    """Whether this is the probe's end. The tolerance is for numbers of about 1; what explodes is rounded more coarsely,
    by up to 2e-4 of its size at 4e10 (measured with a learning rate of 0.05), so there it is relative. Where hardly
    anything moved (clipped to a millionth, or Adadelta) it is a share of the way, or every order would be near."""
    size = max((float(numpy.abs(array).max(initial=0.0)) for array in evidence.end.values()), default=0.0)
    wide = 1e-3 * size if size > EXPLODED else tolerance * max(1.0, size / 10)
    least = ROUNDED * max(1.0, size)
    return distance(end, evidence.end) <= min(wide, max(least, SHARE * distance(evidence.start, evidence.end)))


def evidence_is_stale(evidence: Evidence, steps: Sequence[Step]) -> bool:
    """Whether some Backprop of these steps comes after an update that its forward pass did not know."""
    version, made = 0, []
    for step in steps:
        if step.what == "F":
            made.append(version)
        elif step.what in "SW":
            version += 1
        elif step.what == "B" and (step.age or any(ref < len(made) and made[ref] < version for ref in step.refs)):
            return True
    return False
