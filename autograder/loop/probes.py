"""Probes: the networks and examples a judge hands to a student's loop, and the evidence that comes back.

A `Probe` is what a grader declares: which network, loss and data, how the loop is called, what is asked of it. A
`LoopProbe` is one call of it, with everything drawn for the run: sizes, so that a loop cannot behave only for one
number of examples, and inputs that make every row recognisable in whatever order the loop takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy
import torch

from autograder.loop.asked import ASKED, PER_EXAMPLE, Asked
from autograder.loop.events import Account, read
from autograder.loop.evidence import Evidence
from autograder.loop.gradients import (
    CameGradient,
    ChainGradient,
    Gradient,
    Loss,
    NetworkGradient,
    Parameters,
    ProductGradient,
    squared_error,
)
from autograder.loop.machine import OPTIMIZERS
from autograder.loop.networks import Spec, built, not_computed, one_tensor, started
from autograder.loop.rows import recognised
from autograder.wire import Pairs

LAYERS = (("Linear", 3, 2), ("Linear", 2, 5))
LARGE = (150, 250)  # about as many examples as q6 trains on
BETWEEN = (65, 81)  # of a further probe: more than anybody has reason to accumulate
PIECES = 4  # batches of a probe of few
Sizes = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Data:
    """A probe's examples, for `Probe.call` to hand on: as the two tensors, or as what is made of them on the student's
    side."""

    inputs: torch.Tensor
    targets: torch.Tensor

    def pairs(self) -> Pairs:
        """A list of (input, target)."""
        return Pairs(self.inputs, self.targets)

    def dataset(self) -> Pairs:
        """A TensorDataset."""
        return Pairs(self.inputs, self.targets, "dataset")

    def loader(self, batch: int, *, shuffle: bool = False) -> Pairs:
        """A DataLoader of batches of this size; the last one may be smaller."""
        return Pairs(self.inputs, self.targets, "shuffled" if shuffle else "loader", batch)


Call = Callable[..., Any]
"""How the student's loop is called: call(train, network, data, lr=..., epochs=...); `data` is a Data."""
Draw = Callable[[numpy.random.Generator, int], tuple[torch.Tensor, torch.Tensor]]
"""draw(generator, n) -> inputs (n, ...) and targets (n, ...); no two inputs alike."""


@dataclass(frozen=True)
class Probe:
    """One kind of probe, as a grader declares it.

    `network`: a spec (loop.networks); `loss`: trusted; `data`: draws examples; `call`: hands them to the loop; `batch`:
    how many examples the loop is meant to take at once, None for all of them; `asked`: what the assignment asks beside
    the order; `rates`: the lr is drawn between these; `examples`: the fewest and most of each probe.
    """

    network: Spec
    loss: Loss
    data: Draw
    call: Call
    batch: int | None = 1
    asked: Asked = ASKED
    rates: tuple[float, float] = (0.01, 0.03)
    examples: Sizes | None = None
    epochs: tuple[int, ...] = (2, 3, 2)

    def __post_init__(self) -> None:
        """Raises ValueError for an optimizer that the order check does not know."""
        wanted = self.asked.optimizer
        if wanted is not None and wanted not in OPTIMIZERS:
            raise ValueError(f"asked.optimizer={wanted!r} is none of {', '.join(OPTIMIZERS)}")

    @property
    def sizes(self) -> Sizes:
        """How many examples each probe has: from the first number to below the second."""
        if self.examples is not None:
            return self.examples
        if self.batch is None:
            return ((3, 6), (6, 25), (25, 61))
        if self.batch == 1:
            return ((2, 5), (5, 41), (60, 100))
        return ((self.batch + 1, 2 * self.batch + 1), (2 * self.batch + 1, 5 * self.batch),
                (6 * self.batch, 9 * self.batch))  # fmt: skip

    def one(self, draw: numpy.random.Generator, examples: int, epochs: int) -> LoopProbe:
        """A probe of this kind and size."""
        start = started(self.network, int(draw.integers(2**40)))
        inputs, targets = self.data(draw, examples)
        return LoopProbe(start, inputs, targets, round(float(draw.uniform(*self.rates)), 7), epochs, self)

    def few(self, draw: numpy.random.Generator) -> list[LoopProbe]:
        """Three probes of this kind, of growing size."""
        sizes = [int(draw.integers(*size)) for size in self.sizes]
        return [self.one(draw, size, epochs) for size, epochs in zip(sizes, self.epochs, strict=True)]


class _Taught(Probe):
    """The first lab's: a 3 -> 2 -> 5 linear network; inputs and targets of about unit size; summed squares."""

    def one(self, draw: numpy.random.Generator, examples: int, epochs: int) -> LoopProbe:
        generator = torch.Generator().manual_seed(int(draw.integers(2**40)))
        start = {}
        for layer, (_, fan_in, fan_out) in enumerate(LAYERS, 1):
            for name, shape in ((f"m{layer}.weight", (fan_out, fan_in)), (f"m{layer}.bias", (fan_out,))):
                start[name] = (torch.rand(shape, generator=generator) * 2 - 1) / fan_in**0.5
        inputs = torch.randn(examples, LAYERS[0][1], generator=generator)
        targets = torch.randn(examples, LAYERS[-1][2], generator=generator) * 2
        lr = round(float(draw.uniform(6e-4, 9e-4) if draw.integers(2) else draw.uniform(1.2e-3, 1.8e-3)), 7)
        return LoopProbe(start, inputs, targets, lr, epochs, self)


def _no_data(draw: numpy.random.Generator, examples: int) -> tuple[torch.Tensor, torch.Tensor]:
    raise NotImplementedError("drawn together with the start values")


TAUGHT = _Taught(
    LAYERS,
    squared_error,
    _no_data,
    lambda train, network, data, lr, epochs: train(network, data.pairs(), lr=lr, epochs=epochs),
    asked=PER_EXAMPLE,
    examples=((2, 5), (5, 41), LARGE),
    epochs=(2, 3, 1),
)
"""Probes of `train(network, examples, *, lr, epochs)` as the first lab asks it: lr from 6e-4 to 1.8e-3."""


@dataclass(frozen=True)
class LoopProbe:
    """One call of a loop: the network's start, examples, lr and epochs."""

    start: dict[str, torch.Tensor]
    inputs: torch.Tensor
    targets: torch.Tensor
    lr: float
    epochs: int
    kind: Probe = TAUGHT

    @property
    def example_dims(self) -> int:
        """Dimensions of one example."""
        return self.inputs.dim() - 1

    @property
    def given(self) -> dict[str, Any]:
        """What the call is given beside the examples."""
        return {"lr": self.lr, "epochs": self.epochs}

    @property
    def data(self) -> Data:
        return Data(self.inputs, self.targets)

    @property
    def batches(self) -> tuple[tuple[int, ...], ...]:
        """The examples of one pass as they are taken in the order given."""
        size = self.kind.batch or len(self.inputs)
        return tuple(tuple(range(n, min(n + size, len(self.inputs)))) for n in range(0, len(self.inputs), size))

    def gradient(self, inputs: torch.Tensor | None = None) -> Gradient:
        """The asked loss's, of inputs as they came to the network."""
        inputs = self.inputs if inputs is None else inputs
        if self.kind.network is LAYERS and self.kind.loss is squared_error:
            return ChainGradient(inputs.double().numpy(), self.targets.double().numpy())
        return NetworkGradient(built(self.kind.network), inputs, self.targets, self.kind.loss)


def draw_loop_probes(draw: numpy.random.Generator) -> list[LoopProbe]:
    """Three probes of the first lab: a tiny one, one of up to 40 examples, and one about as large as q6's."""
    return TAUGHT.few(draw)


def draw_loop_probe(draw: numpy.random.Generator, examples: int, epochs: int) -> LoopProbe:
    """One of this size."""
    return TAUGHT.one(draw, examples, epochs)


def further_probe(found: Sequence[Evidence], draw: numpy.random.Generator, kind: Probe = TAUGHT) -> LoopProbe | None:
    """A fourth probe where three tell too little, else None.

    Where all of them end in NaN, one with two updates alone, since only numbers can prove an order. Where the loop
    accumulates gradients and a single probe shows it, one between the medium and the large: what is done on purpose
    is done again.
    """
    if not any(one.error or one.finite() for one in found):
        return kind.one(draw, 2 * (kind.batch or 1), 1)
    showing = [one for one in found if any(len(update.fresh) > 1 for update in one.ledger.updates)]
    size = int(draw.integers(*BETWEEN)) if kind is TAUGHT else kind.sizes[-1][0]
    return kind.one(draw, size, 1) if len(showing) == 1 else None


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
    names = tuple(probe.start)
    account = account_of(report, names)
    seen = report.get("rows")
    known = recognised(seen, probe.inputs, probe.targets) if isinstance(seen, torch.Tensor) else None
    rows = [] if known is None else rows_of(known.rows, account.events)
    gradient = probe.gradient(None if known is None else known.inputs)
    outputs = outputs_of(probe)
    missing: tuple[str, ...] = ()
    inert: tuple[str, ...] = ()
    if isinstance(gradient, NetworkGradient):
        missing, inert = not_computed(gradient.network, gradient.inputs[:4]), _inert(gradient, arrays(probe.start))
    found = Evidence(
        arrays(probe.start), arrays(end), gradient, len(probe.inputs), probe.epochs, probe.lr, account, rows,
        pulls_of(report, outputs), error, allowed or {}, probe.kind.asked, probe.batches, missing, inert,
    )  # fmt: skip
    if isinstance(gradient, NetworkGradient) and isinstance(seen, torch.Tensor) and any(one is None for one in rows):
        came = _as_they_came(gradient, seen, probe)
        if came is not None:
            return replace(found, came=replace(found, gradient=came, rows=rows_of(range(len(seen)), account.events)))
    return found


def _as_they_came(gradient: NetworkGradient, seen: torch.Tensor, probe: LoopProbe) -> CameGradient | None:
    """The gradient of inputs that are none of the examples; None where they have another form."""
    one = probe.inputs.shape[1:]
    if seen.dim() != 2 or seen.shape[1] != one.numel() or not probe.inputs.is_floating_point():
        return None
    return CameGradient(gradient.network, seen.reshape(-1, *one))


def outputs_of(probe: LoopProbe) -> int:
    """How many numbers the network gives for one example."""
    if probe.kind.network is LAYERS:
        return int(LAYERS[-1][2])
    network = built(probe.kind.network).eval()
    with torch.no_grad():
        return int(one_tensor(network(probe.inputs[:1])).numel())


def _inert(gradient: NetworkGradient, start: Parameters) -> tuple[str, ...]:
    """Tensors whose gradient is nothing but rounding, whatever the loop does."""
    sizes = {
        name: float(numpy.abs(array).max(initial=0.0))
        for name, array in gradient.exact()(start, range(len(gradient.inputs))).items()
    }
    return tuple(name for name, size in sizes.items() if size < 1e-9 * max(sizes.values()))


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


def rows_of(known: Sequence[int | None], events: list[Any]) -> list[tuple[int, ...] | None]:
    """The examples of each forward pass; None where a row is no example of ours."""
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


def pulls_of(report: Mapping[str, Any], outputs: int) -> dict[tuple[int, int], Any]:
    """Gradients that came back to the outputs: (Backprop, forward) -> (rows, outputs)."""
    values, pairs = report.get("pulls"), report.get("pulled")
    if not isinstance(values, torch.Tensor) or not isinstance(pairs, torch.Tensor):
        return {}
    if values.dim() != 2 or pairs.dim() != 2 or pairs.shape != (len(values), 2) or values.shape[1] != outputs:
        return {}
    found: dict[tuple[int, int], list[Any]] = {}
    for pair, row in zip(pairs.tolist(), values.double().numpy(), strict=True):
        found.setdefault((pair[0], pair[1]), []).append(row)
    return {key: numpy.stack(rows) for key, rows in found.items()}
