"""Networks of ours that a probe hands to a student's loop: a spec, built alike on both sides of the border.

A spec is a list of layers, each a name or a tuple of a name and its numbers, as torch.nn calls them:

    [("Conv2d", 1, 4, 3), "ReLU", "Flatten", ("Linear", 144, 10)]

A list within it is a nested row of layers. `own(Class, ...)` makes a spec of a class that the course supplies. Layers
with parameters are called m1, m2, ... in their order, the others a1, a2, ...; this is what students read in sentences.
Seen by sessions: torch and the standard library only.
"""

from __future__ import annotations

import copy
import inspect
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

LAYERS = frozenset(
    {
        "Linear", "Bilinear", "Conv1d", "Conv2d", "Embedding", "LayerNorm", "GroupNorm", "RMSNorm", "PReLU",
        "BatchNorm1d", "BatchNorm2d", "Dropout",
        "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Tanh", "Sigmoid", "Softplus", "Softsign", "Hardtanh", "Mish",
        "LogSigmoid", "Softmax", "LogSoftmax", "Identity", "Flatten", "Unflatten",
        "AvgPool1d", "AvgPool2d", "MaxPool1d", "MaxPool2d", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d",
    }
)  # fmt: skip
NOT_COMPUTED = (
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout, nn.RReLU,
)  # fmt: skip
"""Layers with chance or a memory of their own: what they do in training is not computed anew, only observed."""

Layer = str | Sequence[Any]
Spec = Sequence[Layer] | Mapping[str, Any]


class Row(nn.Module):
    """Layers one after the other."""

    def __init__(self, spec: Sequence[Layer]) -> None:
        super().__init__()
        self.names: list[str] = []
        learned = others = 0
        for layer in spec:
            made = _layer(layer)
            if any(True for _ in made.parameters()):
                learned += 1
                name = f"m{learned}"
            else:
                others += 1
                name = f"a{others}"
            self.add_module(name, made)
            self.names.append(name)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name in self.names:
            x = getattr(self, name)(x)
        return x


def own(kind: type[nn.Module], *numbers: Any) -> dict[str, Any]:
    """The spec of a network of the course's own: `kind(*numbers)`, which may use torch, nn, F and math.

    Its source is sent to the student's side, so it holds nothing secret. Raises ValueError where there is none to send.
    """
    try:
        source = textwrap.dedent(inspect.getsource(kind))
    except (OSError, TypeError):
        raise ValueError(f"the source of {kind.__name__} cannot be found; write the class in a grader's file") from None
    return {"own": kind.__name__, "source": source, "numbers": list(numbers)}


def built(spec: Spec) -> nn.Module:
    """The network of a spec. Raises ValueError for a layer that is none of LAYERS, or numbers that it does not take."""
    if isinstance(spec, Mapping):
        import math

        space: dict[str, Any] = {
            "torch": torch, "nn": nn, "F": nn.functional, "math": math, "__name__": "autograder.own_network",
        }  # fmt: skip
        exec(compile(spec["source"], f"<{spec['own']}>", "exec"), space)
        found: nn.Module = space[spec["own"]](*spec["numbers"])
        return found
    return Row(spec)


def _layer(layer: Layer) -> nn.Module:
    if isinstance(layer, list):
        return Row(layer)
    name, numbers = (layer, []) if isinstance(layer, str) else (layer[0], list(layer[1:]))
    if name not in LAYERS:
        raise ValueError(f"{name!r} is no layer of a probe network; there are: {', '.join(sorted(LAYERS))}")
    options: dict[str, Any] = numbers.pop() if numbers and isinstance(numbers[-1], dict) else {}
    try:
        made: nn.Module = getattr(nn, name)(*numbers, **options)
    except TypeError as error:
        raise ValueError(f"the layer {name} does not take {numbers}: {error}") from None
    return made


def started(spec: Spec, seed: int) -> dict[str, torch.Tensor]:
    """Start values (name -> float32 tensor) of a network as torch would choose them, from a seed of the judge's."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = built(spec)
        with torch.no_grad():
            for tensor in network.parameters():
                if bool((tensor == tensor.reshape(-1)[0]).all()):  # ones or zeros: they would hide what happens to them
                    tensor.add_(torch.randn(tensor.shape), alpha=0.1)
        return {name: tensor.detach().clone() for name, tensor in network.named_parameters()}


def not_computed(network: nn.Module, inputs: torch.Tensor) -> tuple[str, ...]:
    """What in a network is not computed anew: kinds of layers with chance or a memory of their own, or, where no layer
    of it is known for that, the words for what two passes of the same inputs show."""
    found = {type(one).__name__ for one in network.modules() if isinstance(one, NOT_COMPUTED)}
    if found:
        return tuple(sorted(found))
    tried = copy.deepcopy(network).train()
    kept = {name: buffer.clone() for name, buffer in tried.named_buffers()}
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        first, second = (tried(inputs) for _ in range(2))
    if any(not torch.equal(kept[name], buffer) for name, buffer in tried.named_buffers()):
        return ("a memory in forward",)
    return () if torch.equal(first, second) else ("chance in forward",)


def one_tensor(output: Any) -> torch.Tensor:
    """A probe network's output. Raises ValueError where it is not one dense tensor."""
    if isinstance(output, torch.Tensor):
        return output
    raise ValueError(f"a probe's network must return one tensor, not a {type(output).__name__}")
