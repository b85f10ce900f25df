"""Gradients of a probe's loss in float64: by torch's autograd for any network and loss, in closed form for a few.

The closed forms are those of the first lab's probes, whose loops take an example at a time: there torch's autograd is
some ten times slower, and a replay is a grader's waiting.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy
import torch
from torch.func import functional_call

Array = numpy.ndarray[Any, numpy.dtype[numpy.float64]]
Parameters = dict[str, Array]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""A trusted loss: outputs (n, ...) and targets (n, ...) of a batch -> a tensor with one number."""


class Gradient(Protocol):
    """The gradient of the loss of some examples, and the loss itself."""

    def __call__(
        self, parameters: Parameters, rows: Sequence[int], later: Parameters | None = None, pull: Array | None = None
    ) -> Parameters:
        """Gradient of examples `rows`. With `later`, activations are those of `parameters`, but the weights that the
        way back goes through are these (an update in place between output and Backprop). With `pull` (n, outputs),
        that is the gradient at the outputs, whatever the loss was."""
        ...

    def loss(self, parameters: Parameters, rows: Sequence[int]) -> float: ...

    @property
    def precision(self) -> type[numpy.floating[Any]]:
        """In which parameters are kept between updates."""
        ...

    def pull(self, parameters: Parameters, rows: Sequence[int]) -> Array | None:
        """The gradient of the asked loss at the outputs (n, outputs); None where there are no outputs."""
        ...

    @property
    def others(self) -> Sequence[Gradient]:
        """Gradients of other losses worth trying, where none were seen at the outputs."""
        ...


def squared_error(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The first lab's loss: the summed squared difference."""
    return ((outputs - targets) ** 2).sum()


class NetworkGradient:
    """Of any network and loss, by autograd: `inputs` (n, ...) and `targets` (n, ...).

    In float32, as the loop itself computes: Adam and the like divide a gradient by its own size, so where one nearly
    cancels, rounding decides which way an update goes.
    """

    def __init__(
        self, network: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor, loss: Loss,
        numbers: torch.dtype = torch.float32, autocast: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        self.network, self.numbers, self.of, self.autocast = network.to(numbers), numbers, loss, autocast
        self.inputs = inputs.to(numbers) if inputs.is_floating_point() else inputs
        self.targets = targets.to(numbers) if targets.is_floating_point() else targets

    def exact(self) -> NetworkGradient:
        """The same in float64, for loops that compute in another order, or in float64 themselves."""
        return NetworkGradient(copy.deepcopy(self.network), self.inputs, self.targets, self.of, torch.float64)

    def mixed(self, kind: torch.dtype) -> NetworkGradient:
        """The same under torch.autocast to numbers of this kind."""
        return NetworkGradient(self.network, self.inputs, self.targets, self.of, self.numbers, kind)

    @property
    def others(self) -> Sequence[Gradient]:
        return ()

    @property
    def precision(self) -> type[numpy.floating[Any]]:
        return numpy.float32 if self.numbers == torch.float32 else numpy.float64

    def _tensors(self, parameters: Parameters, requires_grad: bool = False) -> dict[str, torch.Tensor]:
        return {
            name: torch.tensor(array, dtype=self.numbers, requires_grad=requires_grad)
            for name, array in parameters.items()
        }

    def _outputs(self, tensors: dict[str, torch.Tensor], rows: Sequence[int]) -> torch.Tensor:
        with torch.autocast("cpu", self.autocast or torch.bfloat16, enabled=self.autocast is not None):
            found: torch.Tensor = functional_call(self.network, tensors, (self.inputs[list(rows)],))
        return found

    def __call__(
        self, parameters: Parameters, rows: Sequence[int], later: Parameters | None = None, pull: Array | None = None
    ) -> Parameters:
        tensors = self._tensors(parameters, True)
        outputs = self._outputs(tensors, rows)
        back = None if pull is None else torch.from_numpy(pull).to(outputs.dtype).reshape(outputs.shape)
        whole = self._loss(outputs, rows) if pull is None else outputs
        if later is not None:
            for name, tensor in tensors.items():
                tensor.data.copy_(torch.from_numpy(later[name]))  # behind autograd's back, as such a loop does
        found = torch.autograd.grad(whole, list(tensors.values()), back, allow_unused=True)
        return {
            name: torch.zeros_like(tensor).numpy() if gradient is None else gradient.to_dense().numpy()
            for (name, tensor), gradient in zip(tensors.items(), found, strict=True)
        }

    def pull(self, parameters: Parameters, rows: Sequence[int]) -> Array | None:
        with torch.no_grad():
            outputs = self._outputs(self._tensors(parameters), rows)
        outputs.requires_grad_(True)
        (found,) = torch.autograd.grad(self._loss(outputs, rows), outputs)
        return numpy.asarray(found.reshape(len(rows), -1).double().numpy())

    def loss(self, parameters: Parameters, rows: Sequence[int]) -> float:
        with torch.no_grad():
            outputs = self._outputs(self._tensors(parameters), rows)
            return float(self._loss(outputs, rows))

    def _loss(self, outputs: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        with torch.autocast("cpu", self.autocast or torch.bfloat16, enabled=self.autocast is not None):
            return self.of(outputs, self.targets[list(rows)])


class CameGradient(NetworkGradient):
    """Of inputs as they came to a network, whose targets nobody knows: from what came back to the outputs alone."""

    def __init__(self, network: torch.nn.Module, inputs: torch.Tensor) -> None:
        super().__init__(network, inputs, inputs, squared_error)

    def pull(self, parameters: Parameters, rows: Sequence[int]) -> Array | None:
        return None


class PenalisedGradient(NetworkGradient):
    """Of a loss with a penalty on the parameters beside it: `factor` times `penalty` of each of `names`."""

    def __init__(self, plain: NetworkGradient, penalty: Penalty, names: Sequence[str], factor: float) -> None:
        super().__init__(plain.network, plain.inputs, plain.targets, plain.of, plain.numbers, plain.autocast)
        self.plain, self.penalty, self.names, self.factor = plain, penalty, names, factor

    def __call__(
        self, parameters: Parameters, rows: Sequence[int], later: Parameters | None = None, pull: Array | None = None
    ) -> Parameters:
        found = self.plain(parameters, rows, later, pull)
        for name in self.names:
            found[name] = found[name] + self.precision(self.factor) * self.penalty(parameters[name])
        return found

    def pull(self, parameters: Parameters, rows: Sequence[int]) -> Array | None:
        return self.plain.pull(parameters, rows)


Penalty = Callable[[Array], Array]
PENALTIES: dict[str, Penalty] = {
    "the squares": lambda array: 2 * array,
    "the absolute values": numpy.sign,
    "the length": lambda array: array / max(float(numpy.linalg.norm(array)), 1e-12),
}
"""Derivatives of penalties on a tensor."""


class ChainGradient:
    """The summed squared difference of two linear layers m1, m2; inputs (n, a), targets (n, b)."""

    precision = numpy.float64

    def __init__(self, inputs: Array, targets: Array) -> None:
        self.inputs, self.targets = inputs.astype(numpy.float64), targets.astype(numpy.float64)

    def _forward(self, parameters: Parameters, rows: Sequence[int]) -> tuple[Array, Array, Array]:
        x = self.inputs[list(rows)]
        hidden = x @ parameters["m1.weight"].T + parameters["m1.bias"]
        return x, hidden, hidden @ parameters["m2.weight"].T + parameters["m2.bias"]

    def __call__(
        self, parameters: Parameters, rows: Sequence[int], later: Parameters | None = None, pull: Array | None = None
    ) -> Parameters:
        x, hidden, output = self._forward(parameters, rows)
        out = 2 * (output - self.targets[list(rows)]) if pull is None else pull
        back = out @ (later or parameters)["m2.weight"]
        return {"m1.weight": back.T @ x, "m1.bias": back.sum(0), "m2.weight": out.T @ hidden, "m2.bias": out.sum(0)}

    def pull(self, parameters: Parameters, rows: Sequence[int]) -> Array | None:
        return numpy.asarray(2 * (self._forward(parameters, rows)[2] - self.targets[list(rows)]))

    @property
    def others(self) -> Sequence[Gradient]:
        return ()

    def loss(self, parameters: Parameters, rows: Sequence[int]) -> float:
        return float(((self._forward(parameters, rows)[2] - self.targets[list(rows)]) ** 2).sum())


def _squared(miss: Array) -> Array:
    return numpy.asarray(2 * miss)


OTHER_SLOPES: tuple[Callable[[Array], Array], ...] = (
    numpy.sign, numpy.ones_like, lambda miss: -numpy.ones_like(miss), lambda miss: miss, lambda miss: 4 * miss**3,
    lambda miss: -2 * miss,
)  # fmt: skip
"""Derivatives of other losses of var_1 * var_2 - goal: absolute, not squared either way, half, fourth power, minus."""


class ProductGradient:
    """(goal - var_1 * var_2) ** 2 of two scalars; `slope` is the derivative of another loss of their difference."""

    precision = numpy.float64

    def __init__(self, goal: float, slope: Callable[[Array], Array] = _squared) -> None:
        self.goal, self.slope = goal, slope

    @property
    def others(self) -> Sequence[Gradient]:
        return [ProductGradient(self.goal, slope) for slope in OTHER_SLOPES]

    def __call__(
        self, parameters: Parameters, rows: Sequence[int], later: Parameters | None = None, pull: Array | None = None
    ) -> Parameters:
        slope = self.slope(parameters["var_1"] * parameters["var_2"] - self.goal)
        factors = later or parameters
        return {"var_1": slope * factors["var_2"], "var_2": slope * factors["var_1"]}

    def pull(self, parameters: Parameters, rows: Sequence[int]) -> Array | None:
        return None

    def loss(self, parameters: Parameters, rows: Sequence[int]) -> float:
        return float((parameters["var_1"] * parameters["var_2"] - self.goal) ** 2)
