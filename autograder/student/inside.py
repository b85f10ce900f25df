"""What keeps parts of a student's own network from learning: seen from beside it, to explain and never to mark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

MOST_NAMES = 40
NUDGE = 0.37


def inside(network: nn.Module, inputs: torch.Tensor) -> dict[str, list[str]]:
    """Names of what cannot learn in a network, asked with a few inputs (n, ...).

    `plain`: attributes that hold layers or parameters in a list, tuple or dict that torch does not look into; `frozen`:
    parameters that require no gradient; `cut`: those that change the output but that no gradient reaches (detached);
    `unused`: those that do not even change the output.
    """
    named = dict(nn.Module.named_parameters(network))
    known = {id(tensor) for tensor in named.values()}
    frozen = [name for name, tensor in named.items() if not tensor.requires_grad]
    free = {name: tensor for name, tensor in named.items() if tensor.requires_grad}
    with torch.enable_grad():
        outputs = torch.stack([torch.as_tensor(network(row)).float().sum() for row in inputs])
    reached: dict[str, Any] = dict.fromkeys(free)
    if outputs.requires_grad and free:
        found = torch.autograd.grad(outputs.sum(), list(free.values()), allow_unused=True)
        reached = dict(zip(free, found, strict=True))
    cut: list[str] = []
    unused: list[str] = []
    for name, gradient in reached.items():
        if gradient is None:
            (cut if _matters(network, free[name], inputs) else unused).append(name)
    return {
        "plain": sorted(set(_hidden(network, known)))[:MOST_NAMES],
        "frozen": frozen[:MOST_NAMES],
        "cut": cut[:MOST_NAMES],
        "unused": unused[:MOST_NAMES],
    }


def _matters(network: nn.Module, tensor: torch.Tensor, inputs: torch.Tensor) -> bool:
    """Whether the outputs change with the tensor."""
    kept = tensor.detach().clone()
    with torch.no_grad():
        before = torch.stack([torch.as_tensor(network(row)).float() for row in inputs])
        try:
            tensor.copy_(kept * (1 + NUDGE) + NUDGE)
            after = torch.stack([torch.as_tensor(network(row)).float() for row in inputs])
        finally:
            tensor.copy_(kept)
    return not torch.equal(before, after)


def _hidden(network: nn.Module, known: set[int]) -> Iterator[str]:
    """Attributes of the network and its parts with layers or parameters that it does not know of."""
    for prefix, module in nn.Module.named_modules(network):
        for name, value in vars(module).items():
            if name.startswith("_"):
                continue
            if any(id(tensor) not in known for tensor in _tensors(value)):
                yield f"{prefix}.{name}" if prefix else name


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, nn.Module):
        yield from nn.Module.parameters(value)
    elif isinstance(value, torch.Tensor):
        if value.requires_grad and value.is_leaf:
            yield value
    elif isinstance(value, (list, tuple, dict)) and len(value) <= 1000:
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, (nn.Module, torch.Tensor)):
                yield from _tensors(item)
