"""Computes a training loop in the trusted process from a list of its steps, in float64.

The steps come from a student's account or from a hypothesis of ours; the gradients, the optimizers and the arithmetic
are ours alone. Optimizer settings come from the student's side and are bounded here, because a missing Reset with plain
SGD has, to the last bit, the numbers of a right loop with momentum = 1.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy
import torch

from autograder.loop.gradients import Array, Gradient, Parameters

MOST_MOMENTUM = 0.999
MOST_GROUPED = 1024  # Backprops whose mean one update may take
OPTIMIZERS = (
    "SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta", "Adafactor", "ASGD", "Rprop",
    "LBFGS",
)  # fmt: skip
HOW = frozenset({"foreach", "fused", "capturable", "differentiable", "initial_lr", "decoupled_weight_decay", "lr"})
BOUNDS: Mapping[str, tuple[float, float]] = {
    "momentum": (0.0, MOST_MOMENTUM),
    "betas": (0.0, 0.9999),
    "alpha": (0.0, 0.9999),
    "rho": (0.0, 0.9999),
    "weight_decay": (0.0, 0.1),
    "eps": (0.0, 1e-2),
    "dampening": (0.0, 0.0),
}
"""What is believed of a setting beside torch's own default: anything else is flagged."""


@dataclass(frozen=True)
class Setting:
    """One optimizer at one moment: which, its class, and per group its tensors, lr and other settings."""

    optimizer: int
    name: str
    groups: tuple[tuple[tuple[str, ...], float, Mapping[str, Any]], ...]

    def constant(self, *, scheduled: bool) -> tuple[Any, ...]:
        """All that may not change on the way: not the learning rates, nor, if `scheduled`, the momentum that some
        schedulers turn against them. (With a changing dampening an account could pass old marks off as momentum.)"""
        free = SCHEDULED if scheduled else ()
        kept = tuple(
            (names, tuple(sorted((item for item in rest.items() if item[0] not in free), key=str)))
            for names, _, rest in self.groups
        )
        return (self.name, kept)


PLAIN_SGD = "SGD"
SCHEDULED = ("momentum", "betas")


def plain(names: Iterable[str], lr: float, name: str = PLAIN_SGD, **settings: Any) -> Setting:
    """One optimizer with one group."""
    return Setting(0, name, ((tuple(names), lr, settings),))


@dataclass(frozen=True)
class Step:
    """One step of a loop. `what`: F(orward), B(ackprop), Z (Reset), S (Optimize), W(ritten), E(dited), D(eposit).

    `tensors` names those concerned; `refs` the forwards of a Backprop; `rows` the examples of a forward pass; `factor`
    that of a change by hand or an edit (with `clamped` the bound of it), or the share of an A(verage) with the values
    before update `age`; R takes back a change that was only for a look (`away`); `age` the updates since a Backprop's
    loss was computed, `number` its own in the account; `grad_only` gradients that autograd.grad returned; `added` a
    deposit beside what was there.
    """

    what: str
    tensors: tuple[str, ...] = ()
    refs: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()
    setting: Setting | None = None
    factor: float = 1.0
    age: int = 0
    number: int = 0
    grad_only: bool = False
    clamped: bool = False
    added: bool = False
    from_returned: bool = False
    pulls: tuple[Array | None, ...] = ()
    closure: tuple[Step, ...] = ()
    away: bool = False


@dataclass(frozen=True)
class Way:
    """How a Machine reads steps: `mixed`: a stale Backprop goes back through today's weights; `pulls`: the loss is what
    came back to the outputs; `joined`: the outputs of several forward passes make one loss together."""

    mixed: bool = False
    pulls: bool = False
    joined: bool = False


NORMAL = Way()


@dataclass
class Machine:
    """Runs steps from `start`; `path` keeps the parameters after every update if asked to."""

    start: Parameters
    gradient: Gradient
    way: Way = NORMAL
    keep_path: bool = False
    path: list[Parameters] = field(default_factory=list)
    ratios: list[float | None] = field(
        default_factory=list
    )  # with pulls: of each update, how many times the asked loss
    backprops: list[int] = field(default_factory=list)  # or forward passes in one, before each update since the last

    @property
    def asked_loss(self) -> bool:
        """With pulls: whether they added up to the asked loss, or, where updates take several Backprops, to its mean
        over as many as the largest group may have (of a small probe only the rest of a group is seen)."""
        most, first, group = max(self.backprops, default=1), next(iter(self.ratios), None), self.group
        if first is None or not group:
            return False
        same = all(ratio is not None and abs(ratio * group - 1) < 1e-3 for ratio in self.ratios)
        return same and (group == 1 or 1 < most <= group <= MOST_GROUPED)

    @property
    def group(self) -> int:
        """With pulls: by how many the asked loss was divided, by its first; 0 where it was no such part of it."""
        first = next(iter(self.ratios), None)
        return 0 if first is None or not 0 < first < 1.5 else round(1 / first)

    @property
    def against(self) -> bool:
        """With pulls: whether they lead away from the asked loss's 0."""
        return all(ratio is not None and ratio < 0 for ratio in self.ratios)

    def run(self, steps: Iterable[Step]) -> Parameters:
        """The parameters at the end. Raises ValueError if the steps ask for what cannot be computed."""
        self.now = {name: array.astype(self.gradient.precision) for name, array in self.start.items()}
        self.grads: dict[str, Array | None] = dict.fromkeys(self.now)
        self.last: dict[str, Array | None] = dict.fromkeys(self.now)
        self.returned: dict[str, Array | None] = dict.fromkeys(self.now)
        self.forwards: list[tuple[Parameters, tuple[int, ...]]] = []
        self.versions: list[Parameters] = [self._copy()]
        self.optimizers: dict[int, Any] = {}
        self.pulled: dict[int, tuple[Array, Array]] = {}  # example -> what came back, what the asked loss gives
        self.foreign = False  # or something came back that cannot be compared with it
        self.since = 0
        with numpy.errstate(all="ignore"):
            for step in steps:
                getattr(self, "_do_" + step.what)(step)
        return self.now

    def _copy(self) -> Parameters:
        return {name: array.copy() for name, array in self.now.items()}

    def _changed(self) -> None:
        if self.pulled or self.foreign:
            self.ratios.append(self._ratio())
        self.pulled, self.foreign = {}, False
        self.backprops.append(self.since)
        self.since = 0
        self.versions.append(self._copy())
        if self.keep_path:
            self.path.append(self.versions[-1])

    def _ratio(self) -> float | None:
        """What came back to the outputs since the last update, in multiples of the asked loss's; None if it is none."""
        if self.foreign:
            return None
        came, wanted = (numpy.concatenate([pair[side].ravel() for pair in self.pulled.values()]) for side in (0, 1))
        size = float((wanted * wanted).sum())
        ratio = float((came * wanted).sum()) / max(size, 1e-30)
        if numpy.allclose(came, wanted, rtol=1e-3, atol=1e-4):
            return 1.0
        return ratio if numpy.allclose(came, ratio * wanted, rtol=1e-3, atol=1e-4 * min(1.0, abs(ratio))) else None

    def _do_F(self, step: Step) -> None:
        self.forwards.append((self.versions[-1], step.rows))

    def _gradient_of(self, step: Step) -> Parameters:
        if step.refs:
            parts = [self._part(then, rows, pull) for then, rows, pull in self._losses(step)]
            return {name: sum((part[name] for part in parts[1:]), parts[0][name]) for name in self.now}
        if not step.rows or step.age >= len(self.versions):
            raise ValueError("a Backprop of unknown examples")
        then = self.versions[-1 - step.age]
        return self.gradient(then, step.rows, self.now if self.way.mixed and step.age else None)

    def _losses(self, step: Step) -> Iterable[tuple[Parameters, tuple[int, ...], Array | None]]:
        """Weights, examples and pull of each loss that a Backprop is of."""
        if self.way.joined and not self.way.pulls and len({id(self.forwards[ref][0]) for ref in step.refs}) == 1:
            yield self.forwards[step.refs[0]][0], tuple(row for ref in step.refs for row in self.forwards[ref][1]), None
            return
        for number, ref in enumerate(step.refs):
            then, rows = self.forwards[ref]
            pull = step.pulls[number] if self.way.pulls and number < len(step.pulls) else None
            if self.way.pulls and pull is None:
                raise ValueError("no gradient at the outputs is known")
            yield then, rows, pull

    def _part(self, then: Parameters, rows: tuple[int, ...], pull: Array | None) -> Parameters:
        if pull is not None:
            self._note_pull(then, rows, pull)
        return self.gradient(then, rows, self.now if self.way.mixed and then is not self.versions[-1] else None, pull)

    def _note_pull(self, then: Parameters, rows: Sequence[int], pull: Array) -> None:
        wanted = self.gradient.pull(then, rows)
        if wanted is None or wanted.shape != pull.shape:
            self.foreign = True
            return
        for row, came, whole in zip(rows, pull, wanted, strict=True):
            before = self.pulled.get(row)
            self.pulled[row] = (came if before is None else before[0] + came, whole)

    def _do_B(self, step: Step) -> None:
        self.since += max(1, len(step.refs))
        found = self._gradient_of(step)
        for name in step.tensors:
            if step.grad_only:
                self.returned[name] = found[name]
                continue
            held = self.grads[name]
            self.grads[name] = self.last[name] = found[name] if held is None else held + found[name]

    def _do_Z(self, step: Step) -> None:
        self.pulled, self.foreign, self.since = {}, False, 0
        for name in step.tensors:
            self.grads[name] = None

    def _do_E(self, step: Step) -> None:
        for name in step.tensors:
            held = self.grads[name]
            if held is None:
                raise ValueError("a gradient came from nowhere")
            found = numpy.clip(held, -step.factor, step.factor) if step.clamped else held * step.factor
            self.grads[name] = self.last[name] = found

    def _do_D(self, step: Step) -> None:
        for name in step.tensors:
            held, returned = self.grads[name] if step.added else None, self.returned[name]
            found = returned if held is None or returned is None else held + returned
            self.grads[name] = self.last[name] = found

    def _do_W(self, step: Step) -> None:
        for name in step.tensors:
            source = self.returned if step.from_returned else self.last
            gradient = source[name]
            if gradient is None:
                raise ValueError("a change along a gradient that is not there")
            self.now[name] = self.now[name] - step.factor * gradient
        self._changed()

    def _do_R(self, step: Step) -> None:
        self.now.update({name: self.versions[-2][name] for name in step.tensors})
        self._changed()

    def _do_A(self, step: Step) -> None:
        for name in step.tensors:
            self.now[name] = self.now[name] + step.factor * (self.versions[step.age][name] - self.now[name])
        self._changed()

    def _do_S(self, step: Step) -> None:
        setting = step.setting
        if setting is None:
            raise ValueError("an optimizer that is not described")
        concerned = set(step.tensors)
        if setting.name == PLAIN_SGD and all(not any(rest.values()) for _, _, rest in setting.groups):
            for names, lr, _ in setting.groups:
                for name in names:
                    gradient = self.grads[name]
                    if name in concerned and gradient is not None:
                        self.now[name] = self.now[name] - lr * gradient
        else:
            self._by_torch(setting, concerned, step.closure)
        self._changed()

    def _by_torch(self, setting: Setting, concerned: set[str], closure: Sequence[Step]) -> None:
        known = self.optimizers.get(setting.optimizer)
        if known is None:
            tensors = {name: torch.from_numpy(numpy.array(self.now[name])) for g in setting.groups for name in g[0]}
            groups = [
                {"params": [tensors[name] for name in names], "lr": lr, **keywords(rest)}
                for names, lr, rest in setting.groups
            ]
            known = self.optimizers[setting.optimizer] = (tensors, getattr(torch.optim, setting.name)(groups))
        tensors, optimizer = known
        usual = {key: value for key, value in defaults(setting.name).items() if key in SCHEDULED}
        for group, (_, lr, rest) in zip(optimizer.param_groups, setting.groups, strict=True):
            group.update({**usual, **{key: value for key, value in keywords(rest).items() if key in usual}, "lr": lr})
        for name, tensor in tensors.items():
            tensor.requires_grad_(True)
            gradient = self.grads[name] if name in concerned else None
            tensor.data.copy_(torch.from_numpy(numpy.asarray(self.now[name])))
            tensor.grad = None if gradient is None else torch.from_numpy(numpy.array(gradient, order="C"))
        if setting.name == "LBFGS":
            optimizer.step(self._closure(tensors, closure))
        else:
            optimizer.step()
        for name, tensor in tensors.items():
            self.now[name] = tensor.detach().numpy().copy()

    def _closure(self, tensors: dict[str, torch.Tensor], closure: Sequence[Step]) -> Any:
        """What LBFGS calls: loss and gradient of the examples that the account's closure took, where it stands now."""
        rows = next((step.rows or self.forwards[step.refs[0]][1] for step in closure if step.what == "B"), None)
        if rows is None:
            raise ValueError("LBFGS without a closure")

        def evaluate() -> float:
            here = {**self.now, **{name: tensor.detach().numpy() for name, tensor in tensors.items()}}
            found = self.gradient(here, rows)
            for name, tensor in tensors.items():
                tensor.grad = torch.from_numpy(numpy.array(found[name], order="C"))
            return self.gradient.loss(here, rows)

        return evaluate


def keywords(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as torch takes them: pairs are tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}


@functools.cache
def defaults(name: str) -> Mapping[str, Any]:
    """Settings of a class of torch.optim with their default values."""
    kind = getattr(torch.optim, name, None)
    if name not in OPTIMIZERS or kind is None:
        return {}
    found = inspect.signature(kind.__init__).parameters.values()
    return {one.name: one.default for one in found if one.default is not inspect.Parameter.empty}


def believed(described: Mapping[str, Any], allowed: Mapping[str, float] | None = None) -> tuple[Setting | None, str]:
    """A Setting from an account's description, and why it is not believed ("" if it is).

    `allowed` raises the largest value of a setting (grading.yml). Settings that are torch's defaults are dropped.
    """
    name = described["name"]
    usual = defaults(name)
    if not usual:
        return None, f"the optimizer {name[:40]}"
    groups = []
    for group in described["groups"]:
        if not group["parameters"]:
            continue
        rest = {}
        for key, value in group["settings"].items():
            if key in HOW or key not in usual or same(value, usual[key]):
                continue
            if key == "maximize":
                return None, "maximize"
            why = _outside(key, value, allowed or {})
            if why:
                return None, why
            rest[key] = value
        rate = group["settings"].get("lr")
        if not isinstance(rate, (int, float)) or not 0 <= rate < 1e6:
            return None, "lr"
        groups.append((tuple(group["parameters"]), float(rate), rest))
    setting = Setting(described["optimizer"], name, tuple(groups))
    try:
        getattr(torch.optim, name)([{"params": [torch.zeros(1)], "lr": lr, **keywords(rest)} for _, lr, rest in groups])
    except (TypeError, ValueError, RuntimeError) as error:
        return None, str(error)[:100]
    return setting, ""


def same(value: Any, usual: Any) -> bool:
    return bool((tuple(value) if isinstance(value, list) else value) == usual)


def _outside(key: str, value: Any, allowed: Mapping[str, float]) -> str:
    if value is None or (isinstance(value, bool) and key not in BOUNDS):
        return ""
    numbers = value if isinstance(value, list) else [value]
    if any(isinstance(number, bool) or not isinstance(number, (int, float)) for number in numbers):
        return f"{key} = {str(value)[:40]}"
    low, high = BOUNDS.get(key, (None, None))
    if key in allowed and key != "momentum":
        low, high = 0.0, max(high or 0.0, allowed[key])
    if low is None or high is None:
        counts = key in ("history_size", "max_iter", "max_eval") and all(number >= 1 for number in numbers)
        return "" if counts else f"{key} = {value}"
    return "" if all(low <= number <= high for number in numbers) else f"{key} = {value}"


def distance(one: Parameters, other: Parameters) -> float:
    """Largest difference of any entry; infinite if one is no number or the names differ."""
    if one.keys() != other.keys():
        return float("inf")
    worst = 0.0
    for name in one:
        if one[name].shape != other[name].shape:
            return float("inf")
        gap = float(numpy.abs(one[name] - other[name]).max(initial=0.0))
        if not gap <= 1e300:
            return float("inf")
        worst = max(worst, gap)
    return worst


def orders(examples: int, epochs: int) -> Iterable[list[int]]:
    """Every order in which a few examples can be gone through in each epoch, the given one first."""
    shuffles = list(itertools.permutations(range(examples)))
    for choice in itertools.product(shuffles, repeat=epochs):
        yield [row for epoch in choice for row in epoch]
