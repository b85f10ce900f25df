"""A fault inside the student's own network is named where it is, beside the verdict on the loop."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from autograder.student.inside import inside


class Fine(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(3, 4), nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.two(self.one(x))


class Detached(Fine):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.two(self.one(x).detach())


class Listed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(3, 4), nn.Linear(4, 4)]
        self.last = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.last(x)


class Frozen(Fine):
    def __init__(self) -> None:
        super().__init__()
        self.one.weight.requires_grad = False


class Unused(Fine):
    def __init__(self) -> None:
        super().__init__()
        self.spare = nn.Linear(2, 2)


class Ignoring(Fine):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, x[..., 2:] + 1, x[..., 2:] + 2], -1).requires_grad_()


NOTHING: dict[str, list[str]] = {"plain": [], "frozen": [], "cut": [], "unused": []}


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (Fine, {}),
        (Detached, {"cut": ["one.weight", "one.bias"]}),
        (Listed, {"plain": ["layers"]}),
        (Frozen, {"frozen": ["one.weight"]}),
        (Unused, {"unused": ["spare.weight", "spare.bias"]}),
        (Ignoring, {"unused": ["one.weight", "one.bias", "two.weight", "two.bias"]}),
    ],
)
def test_what_cannot_learn_is_found_by_its_reason(kind: type[nn.Module], found: dict[str, list[str]]) -> None:
    network = kind()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert inside(network, torch.randn(4, 3)) == {**NOTHING, **found}
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
