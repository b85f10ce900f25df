"""What the judge may ask of the student's objects: name them, call them, read data out of them.

One `Objects` lives in each process that answers tests. Objects that are no plain data cross as numbers (wire.Ref).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from autograder.student import inside, moments, probe
from autograder.student.recorder import Recorder
from autograder.wire import Pairs, Ref

MOST_ITEMS = 1_000_000


class MissingName(Exception):
    """The notebook defines no such name."""


class Objects:
    """The table of handles, and one method for each operation a test may ask for (`ask_<operation>`)."""

    def __init__(self, namespace: dict[str, Any], own: frozenset[str]) -> None:
        self.namespace = namespace
        self.own = own  # names that the notebook did not make
        self.facts: dict[str, dict[str, Any]] = {}
        self._table: list[Any] = []
        self._names: dict[str, int] = {}

    def ref(self, thing: object) -> Ref:
        """A new handle on `thing`."""
        self._table.append(thing)
        return Ref(len(self._table) - 1, type(thing).__name__[:100])

    def thing(self, value: Any) -> Any:
        """`value` with every handle in it replaced by its object."""
        if type(value) is Ref:
            return self._table[value.number]
        if type(value) in (list, tuple):
            return type(value)(self.thing(item) for item in value)
        if type(value) is dict:
            return {key: self.thing(item) for key, item in value.items()}
        return dataset(value) if type(value) is Pairs else value

    def find(self, name: str) -> Any:
        if name not in self.namespace:
            raise MissingName(name)
        return self.namespace[name]

    # --- operations ------------------------------------------------------------------------------------------

    def ask_names(self) -> list[str]:
        """Names that the notebook has defined, for a helpful sentence about a missing one."""
        return sorted(n for n in self.namespace if isinstance(n, str) and not n.startswith("_") and n not in self.own)

    def ask_name(self, name: str) -> Ref:
        """A handle on the object of that name."""
        if name not in self._names:
            self._names[name] = self.ref(self.find(name)).number
        number = self._names[name]
        return Ref(number, type(self._table[number]).__name__[:100])

    def ask_facts(self, name: str, gradients: list[str]) -> dict[str, Any] | None:
        """The facts of a tensor at the judged moment; None if the name is bound to no tensor."""
        if name in self.facts:
            return self.facts[name]
        self.find(name)
        watch = moments.Watched("", [name, *gradients], {name: gradients})
        return moments.facts(self.namespace, watch).get(name)

    def ask_value(self, of: Any) -> Any:
        """Plain data of an object, or a handle where it is none."""
        return self.thing(of)

    def ask_call(self, function: Any, args: Any, kwargs: Any) -> Any:
        called, given, named = self.thing(function), self.thing(args), self.thing(kwargs)
        kind = next((kind for kind in map(number_type, (called, *given)) if kind is not None), torch.float32)
        if kind is not torch.float32:
            given, named = as_type(given, kind), as_type(named, kind)
        return called(*given, **named)

    def ask_attribute(self, of: Any, name: str) -> Any:
        return getattr(self.thing(of), name)

    def ask_item(self, of: Any, key: Any) -> Any:
        return self.thing(of)[self.thing(key)]

    def ask_len(self, of: Any) -> int:
        return len(self.thing(of))

    def ask_list(self, of: Any, most: int) -> list[Any]:
        """The first `most` items."""
        items: list[Any] = []
        for item in self.thing(of):
            if len(items) >= min(most, MOST_ITEMS):
                break
            items.append(item)
        return items

    def ask_repr(self, of: Any) -> str:
        return repr(self.thing(of))[:2000]

    def ask_is_a(self, of: Any, kind: str) -> bool:
        """One of: class, module class, module, tensor, function, list, ellipsis."""
        thing = self.thing(of)
        tests: dict[str, Callable[[], bool]] = {
            "class": lambda: isinstance(thing, type),
            "module class": lambda: isinstance(thing, type) and issubclass(thing, nn.Module),
            "module": lambda: isinstance(thing, nn.Module),
            "tensor": lambda: isinstance(thing, torch.Tensor),
            "function": lambda: callable(thing),
            "list": lambda: isinstance(thing, (list, tuple)),
            "ellipsis": lambda: thing is Ellipsis or thing is None,
        }
        return bool(tests[kind]())

    def ask_parameters(self, of: Any) -> dict[str, Any]:
        """Copies of a module's parameters by name."""
        return {name: tensor.detach().clone() for name, tensor in nn.Module.named_parameters(self.thing(of))}

    def ask_state(self, of: Any) -> dict[str, Any]:
        """Copies of a module's parameters and buffers by name."""
        return {name: tensor.detach().clone() for name, tensor in nn.Module.state_dict(self.thing(of)).items()}

    def ask_gradients(self, of: Any) -> dict[str, Any]:
        """Of each parameter: None, or a copy of its gradient."""
        found = nn.Module.named_parameters(self.thing(of))
        return {name: None if p.grad is None else p.grad.detach().clone() for name, p in found}

    def ask_layers(self, of: Any) -> list[list[Any]]:
        """Kind and weight shape of each registered sub-module that holds a weight matrix of its own."""
        layers = []
        for module in nn.Module.modules(self.thing(of)):
            weight = module._parameters.get("weight")
            if weight is not None and weight.dim() == 2:
                layers.append([type(module).__name__, list(weight.shape)])
        return layers

    def ask_load(self, of: Any, parameters: dict[str, torch.Tensor]) -> None:
        """Write values into a module's parameters, in place."""
        with torch.no_grad():
            named = dict(nn.Module.named_parameters(self.thing(of)))
            for name, value in parameters.items():
                named[name].copy_(value)

    def ask_forward(self, of: Any, inputs: torch.Tensor) -> Any:
        """Outputs for each row of `inputs` (n, width), stacked: (n, ...). One row a call, as the lab trains it."""
        network = self.thing(of)
        with torch.no_grad():
            return torch.stack([torch.as_tensor(network(row)) for row in as_type(inputs, number_type(network))])

    def ask_slope(self, of: Any, inputs: torch.Tensor) -> Any:
        """The gradient of the sum of function(inputs) by the inputs; None where Backprop finds no way to them."""
        given = inputs.detach().clone().requires_grad_()
        with torch.enable_grad():
            answer = self.thing(of)(given * 1)  # no leaf: a function that changes it in place has a slope, too
            if not isinstance(answer, torch.Tensor) or not answer.requires_grad:
                return None
            return torch.autograd.grad(answer.sum(), [given], allow_unused=True)[0]

    def ask_network(self, spec: Any, parameters: dict[str, torch.Tensor], dims: int) -> Ref:
        """A probe network of the judge's, watched from here on; an example of its has `dims` dimensions."""
        network = probe.probe_network(spec, parameters, dims)
        network.recorder.start()
        return self.ref(network)

    def ask_scalars(self, values: dict[str, float]) -> list[Ref]:
        """Leaf tensors that require gradients."""
        return [self.ref(torch.tensor(value, requires_grad=True)) for value in values.values()]

    def ask_watch(self, tensors: dict[str, Any]) -> Ref:
        """Record what happens to these tensors from here on."""
        named = {name: self.thing(ref) for name, ref in tensors.items()}
        return self.ref(Recorder(named, full=probe.MOST_UPDATES).start())

    def ask_seen(self, of: Any) -> dict[str, Any]:
        """The account of a probe network (or a watch) so far; it stops recording."""
        thing = self.thing(of)
        recorder = thing.recorder if isinstance(thing, probe.Probed) else thing
        return probe.report(recorder.stop())

    def ask_inside(self, of: Any, inputs: torch.Tensor) -> dict[str, list[str]]:
        """What keeps parts of a network from learning: see student.inside."""
        network = self.thing(of)
        return inside.inside(network, as_type(inputs, number_type(network)))

    def ask_trained(self, of: Any) -> dict[str, bool]:
        """Traces of training on a module's parameters: an Optimize that included one, a gradient still there."""
        found = [parameter for _, parameter in nn.Module.named_parameters(self.thing(of))]
        return {
            "optimized": any(getattr(parameter, "_optimized", False) is True for parameter in found),
            "gradients": any(parameter.grad is not None for parameter in found),
        }


def dataset(value: Pairs) -> Any:
    """Examples in the form that a test hands them over in, made of the student's own torch."""
    if value.form == "pairs":
        return list(zip(value.inputs, value.targets, strict=True))
    made = TensorDataset(value.inputs, value.targets)
    return made if value.form == "dataset" else DataLoader(made, value.batch, shuffle=value.form == "shuffled")


def number_type(thing: Any) -> torch.dtype | None:
    """The floating type of a network's first parameter that has one; None for anything else."""
    if not isinstance(thing, nn.Module) or "_parameters" not in vars(thing):
        return None
    return next((p.dtype for _, p in nn.Module.named_parameters(thing) if p.is_floating_point()), None)


def as_type(value: Any, kind: torch.dtype | None) -> Any:
    """Plain data with its float32 tensors as `kind`: what a test hands over has the network's own number type."""
    if isinstance(value, torch.Tensor):
        return value.to(kind) if kind is not None and value.dtype is torch.float32 else value
    if type(value) in (list, tuple):
        return type(value)(as_type(item, kind) for item in value)
    return {key: as_type(item, kind) for key, item in value.items()} if type(value) is dict else value


def mark_optimized(optimizer: Any, args: Any, kwargs: Any) -> None:
    """Global optimizer hook: leaves a mark on each parameter at an optimizer's first Optimize."""
    if getattr(optimizer, "_marked", False):
        return
    optimizer._marked = True  # noqa: SLF001 - our own mark
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter._optimized = True  # noqa: SLF001


def seed(number: int) -> None:
    """Seed every generator a notebook may use; an unseeded `numpy.random.default_rng()` follows too."""
    random.seed(number)
    numpy.random.seed(number % 2**32)
    torch.manual_seed(number % 2**63)
    counter = iter(range(number, number + 1_000_000))
    numpy.random.default_rng = lambda seed=None: DEFAULT_RNG(next(counter) if seed is None else seed)


DEFAULT_RNG = numpy.random.default_rng
