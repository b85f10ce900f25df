"""The replay: what the numbers of a probe prove about the loop that trained it.

Everything that was seen of the loop came from the student's process, so it only proposes; a proposal that is computed
here, in the trusted process, to the same parameters is proven. Two sorts of proposals: the student's own account, step
for step (`retrace`), and hypotheses of ours, which need no account (`programs`).
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy

from autograder.loop.asked import PER_EXAMPLE
from autograder.loop.compiling import NEAR_RATE, compiled, rate_of
from autograder.loop.events import Back
from autograder.loop.evidence import (
    CANNOT,
    EXPLODED,
    ROUNDED,
    TOLERANCE,
    Evidence,
    loses_its_numbers,
    near,
    pulls_run_to,
    runs_to,
    ways,
)
from autograder.loop.gradients import (
    PENALTIES,
    Array,
    CameGradient,
    Gradient,
    NetworkGradient,
    PenalisedGradient,
    ProductGradient,
)
from autograder.loop.hypotheses import cycle, fitting, on_the_way, scale_of, taught
from autograder.loop.machine import Machine, Step, Way, distance, plain
from autograder.loop.proving import Mark, Proven, Weighed, proven

FIRST_FACTORS = (1e-3, 1e-2, 0.1)  # of a penalty: tried first, since the way there need not be straight
PROVEN = 50 * ROUNDED  # a way shorter than this proves no order
NO_DOUBT = Proven()  # where nothing of the account had to be believed


@dataclass(frozen=True)
class Replayed:
    """What the numbers of one probe prove.

    `retraced`: the account's own steps give these numbers, with the lab's loss; `by_pulls`: with another loss.
    `rate` is how many times as large as asked the learning rates in it are (1.0: as asked). `fits`: names of our
    hypotheses that give the same numbers; `scale`: the lab's loop gives them with updates this many times as large;
    `stopped`: so does the lab's loop after this many updates; `doubt`: settings that are not believed; `far`: the way
    from start to end is long enough to tell orders apart; `against`: the other loss leads away from the lab's 0;
    `proven`: which of the account's gradients these numbers need; `came`: with inputs that were none of the examples;
    `penalty`: with a penalty on the parameters that nobody asked for, in words; `mean`: each
    update took the mean of its Backprops' losses.
    """

    moved: bool
    finite: bool
    retraced: bool = False
    by_pulls: bool = False
    rate: float = 1.0
    fits: tuple[str, ...] = ()
    scale: float | None = None
    stopped: int | None = None
    doubt: str = ""
    far: bool = True
    against: bool = False
    proven: Proven = NO_DOUBT
    came: bool = False
    penalty: str = ""
    mean: bool = False

    @property
    def taught(self) -> bool:
        """Whether the numbers are those of the lab's loop, whatever was seen of it."""
        return "CORRECT" in self.fits


def replayed(evidence: Evidence) -> Replayed:
    """Compute one probe anew in every way that is proposed."""
    if not evidence.moved() and evidence.finite():
        return Replayed(False, True)
    if not evidence.same_shapes:
        return Replayed(True, evidence.finite())
    steps, doubt = compiled(evidence)
    if not evidence.finite():
        gone = steps is not None and loses_its_numbers(evidence, steps)
        by_pulls = steps is not None and not gone and bool(evidence.pulls) and loses_its_numbers(evidence, steps, True)
        return Replayed(True, False, gone, by_pulls, rate_of(evidence, steps), doubt=doubt)
    retraced = by_pulls = against = mean = False
    if steps is not None:
        retraced = runs_to(evidence, steps)
        if not retraced and evidence.pulls:
            by_pulls, retraced, against, mean = pulls_run_to(evidence, steps)
        elif not retraced:
            by_pulls = any(runs_to(replace(evidence, gradient=other), steps) for other in evidence.gradient.others)
        if not retraced and not by_pulls and evidence.asked != PER_EXAMPLE:
            penalised = _penalised(evidence, steps)
            if penalised is not None:
                return penalised
    elif evidence.came is not None:
        found = _as_came(evidence.came)
        if found is not None:
            return found
    rate = rate_of(evidence, steps) if evidence.asked.lr and (retraced or by_pulls) else 1.0
    if 0 < rate < 1 and steps is not None and clipped(evidence, steps):
        rate = 1.0
    far = distance(evidence.start, evidence.end) >= PROVEN
    found = Replayed(True, True, retraced, by_pulls, rate, doubt=doubt, far=far, against=against, mean=mean)
    if retraced and rate == 1.0 and plainly_taught(evidence):
        return replace(found, fits=("CORRECT",))
    if steps is not None and (retraced or by_pulls):
        found = replace(found, proven=what_is_proven(evidence, steps))
    if (retraced or (by_pulls and not evidence.asked.loss)) and rate == 1.0:
        return found
    if evidence.not_computed:
        return found
    fits = tuple(fitting(evidence))
    if fits[:1] == ("CORRECT",):
        return replace(found, fits=fits)
    return replace(found, fits=fits, scale=scale_of(evidence), stopped=on_the_way(evidence))


def _as_came(evidence: Evidence) -> Replayed | None:
    """What the numbers prove with the inputs as they came, if they do."""
    steps, _ = compiled(evidence)
    if steps is None:
        return None
    return _by_pulls(evidence, steps) or _penalised(evidence, steps)


def _by_pulls(evidence: Evidence, steps: Sequence[Step]) -> Replayed | None:
    if not evidence.pulls or not pulls_run_to(evidence, steps)[0]:
        return None
    rate = rate_of(evidence, steps) if evidence.asked.lr else 1.0
    far = distance(evidence.start, evidence.end) >= PROVEN
    came = isinstance(evidence.gradient, CameGradient)
    return Replayed(True, True, by_pulls=True, rate=rate, far=far, came=came, proven=what_is_proven(evidence, steps))


def _penalised(evidence: Evidence, steps: Sequence[Step]) -> Replayed | None:
    """What the numbers prove with a penalty on the parameters in the loss; None unless one is seen and gives them."""
    plain = evidence.gradient
    if not isinstance(plain, NetworkGradient) or not evidence.pulls:
        return None
    if not any(one.flags & Back.BESIDE for one in evidence.ledger.reaching):
        return None
    everything = tuple(evidence.start)
    weights = tuple(name for name in everything if evidence.start[name].ndim > 1)
    for told, penalty in PENALTIES.items():
        for names in dict.fromkeys((everything, weights)):
            made = functools.partial(PenalisedGradient, plain, penalty, names)
            for first in FIRST_FACTORS:
                factor = _factor(evidence, steps, made, first)
                found = _by_pulls(replace(evidence, gradient=made(factor)), steps) if factor else None
                if factor and found is not None:
                    whose = "all parameters" if names == everything else "the weights"
                    came = isinstance(plain, CameGradient)
                    return replace(found, penalty=f"{factor:.3g} times {told} of {whose}", came=came)
    return None


def _factor(evidence: Evidence, steps: Sequence[Step], made: Callable[[float], Gradient], first: float) -> float | None:
    """The factor with which a gradient comes nearest to the probe's end, by secant steps along the way it leads."""

    def ended(factor: float) -> Array:
        end = Machine(evidence.start, made(factor), Way(pulls=True)).run(steps)
        return numpy.concatenate([end[name].ravel() for name in evidence.start]).astype(numpy.float64)

    goal = numpy.concatenate([evidence.end[name].ravel() for name in evidence.start])
    known, factor = 0.0, first
    with contextlib.suppress(*CANNOT):
        before = ended(known)
        for _ in range(8):
            now = ended(factor)
            slope = (now - before) / (factor - known)
            size = float(slope @ slope)
            if not 0 < size < math.inf:
                return None
            change = float(slope @ (goal - now)) / size
            known, before, factor = factor, now, factor + change
            if abs(change) <= 1e-6 * abs(factor):
                return factor if factor > 0 else None
    return None


def clipped(evidence: Evidence, steps: Sequence[Step]) -> bool:
    """Whether updates by hand that are smaller than lr asks are those of gradients clipped to one length on the way."""
    machine = Clipping(evidence.start, evidence.gradient)
    near_lr = evidence.lr * (1 - NEAR_RATE)
    with contextlib.suppress(*CANNOT):
        machine.run(steps)
        factors = [factor for factor, _ in machine.lengths]
        short = [factor * length for factor, length in machine.lengths if factor < near_lr]
        whole = [factor * length for factor, length in machine.lengths if factor >= near_lr]
        if len(short) < 2 or max(factors) <= min(factors) * (1 + NEAR_RATE):  # always the same: a smaller lr
            return False
        longest = max(short)
        return min(short) >= longest * (1 - NEAR_RATE) and max(whole, default=0.0) <= longest * (1 + NEAR_RATE)
    return False


@dataclass
class Clipping(Machine):
    """A Machine that notes of each update by hand its factor and the length of the gradient."""

    lengths: list[tuple[float, float]] = field(default_factory=list)

    def _do_W(self, step: Step) -> None:
        source = self.returned if step.from_returned else self.last
        found = [source[name] for name in step.tensors]
        squares = sum(float((gradient * gradient).sum()) for gradient in found if gradient is not None)
        self.lengths.append((step.factor, squares**0.5))
        super()._do_W(step)


def what_is_proven(evidence: Evidence, steps: Sequence[Step]) -> Proven:
    """Which gradients of steps that give the probe's numbers could not be left out of them. Numbers that have exploded
    are known too coarsely to tell."""
    if max(float(numpy.abs(array).max(initial=0.0)) for array in evidence.end.values()) > EXPLODED:
        return NO_DOUBT
    if any(step.closure for step in steps):
        return NO_DOUBT  # LBFGS computes its gradients itself, from the closure's loss
    tried = [way for pulls in ((False, True) if evidence.pulls else (False,)) for way in ways(evidence, steps, pulls)]
    for way in tried:
        for gradient in (evidence.gradient, *evidence.gradient.others):

            def machine(without: frozenset[Mark], gradient: Gradient = gradient, way: Way = way) -> Weighed:
                return Weighed(evidence.start, gradient, way, without=without)

            with contextlib.suppress(*CANNOT):
                if near(evidence, machine(frozenset()).run(steps), TOLERANCE):
                    return proven(machine, steps, lambda end: near(evidence, end, TOLERANCE))
    return NO_DOUBT


def plainly_taught(evidence: Evidence) -> bool:
    """Whether the lab's loop in the given order, or in the order that was seen, gives the numbers."""
    return any(runs_to(evidence, program) for program in taught(evidence))


def warm() -> None:
    """Run a tiny replay once, so that a judge's forks do not pay for first uses."""
    start = {"var_1": numpy.array(3.0), "var_2": numpy.array(4.0)}
    for setting in (plain(start, 1e-3), plain(start, 1e-3, "Adam", amsgrad=True)):
        Machine(start, ProductGradient(15.0)).run(cycle(setting, [(0,), (0,)], "FBSZ", tuple(start)))
