"""Probe networks, built in the student's process from a spec of the judge, and what is seen of a loop that trains one.

The record made here explains and orders; it never decides a mark by itself, because it is made beside student code.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

MOST_EVENTS = 200_000
KINDS = "FBS"
PLAIN = (bool, int, float, str, type(None))


class Record:
    """Forward passes, Backprops that reach them and Optimizes, in their order.

    Events are tuples: ("F", number of rows) with the rows kept in `rows`; ("B", forward's number, counted from 0);
    ("S", the optimizer's number), for optimizers that were given one of the watched tensors.
    """

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.rows: list[torch.Tensor] = []
        self.forwards = 0
        self.optimizers: list[dict[str, Any]] = []
        self._numbers: dict[int, int] = {}
        self._optimizers: list[Any] = []  # kept alive, so that no two share an id
        self._known: list[bool] = []  # whether that optimizer was given any of the watched tensors
        self._parameters: dict[int, str] = {}
        self._hook: Any = None

    def start(self, named: dict[str, torch.Tensor]) -> None:
        """Watch every optimizer that is given one of these tensors."""
        self._parameters = {id(tensor): name for name, tensor in named.items()}
        self._hook = register_optimizer_step_pre_hook(self._on_step)

    def stop(self) -> None:
        if self._hook is not None:
            self._hook.remove()

    def forward(self, inputs: torch.Tensor, output: torch.Tensor) -> None:
        if len(self.events) >= MOST_EVENTS or not output.requires_grad:
            return
        number = self.forwards
        self.forwards += 1
        rows = inputs.detach().reshape(-1, inputs.shape[-1]).clone()
        self.events.append(("F", len(rows)))
        self.rows.append(rows)
        output.register_hook(lambda gradient: self.events.append(("B", number)))

    def _on_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if len(self.events) >= MOST_EVENTS:
            return
        number = self._numbers.get(id(optimizer))
        if number is None:
            number = self._numbers[id(optimizer)] = len(self._optimizers)
            self._optimizers.append(optimizer)
            described = self._describe(optimizer)
            self._known.append(any(group["parameters"] for group in described["groups"]))
            self.optimizers.append(described)
        if self._known[number]:
            self.events.append(("S", number))

    def _describe(self, optimizer: Any) -> dict[str, Any]:
        groups = []
        for group in optimizer.param_groups:
            known = [self._parameters[id(p)] for p in group["params"] if id(p) in self._parameters]
            plain = {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in group.items()
                if name != "params" and isinstance(value, (*PLAIN, tuple))
            }
            groups.append({"parameters": known, "others": len(group["params"]) - len(known), "settings": plain})
        kind = type(optimizer)
        return {"name": kind.__name__, "own": not kind.__module__.startswith("torch.optim"), "groups": groups}

    def report(self) -> dict[str, Any]:
        """Plain data for the judge: `rows` a (k, width) float tensor, `events` a (n, 2) tensor of (kind, number).

        Kinds are numbered as in KINDS; one tensor crosses the border a hundred times faster than as many tuples.
        """
        rows = torch.cat([row.to(torch.float32) for row in self.rows]) if self.rows else torch.zeros(0, 1)
        events = torch.tensor([(KINDS.index(kind), number) for kind, number in self.events], dtype=torch.int64)
        return {"events": events.reshape(-1, 2), "rows": rows, "optimizers": self.optimizers}


class ProbeNetwork(nn.Module):
    """Linear layers of the given sizes, e.g. [3, 2, 5]; records what passes through it."""

    record: Record
    depth: int

    def __init__(self, sizes: list[int], parameters: dict[str, torch.Tensor]) -> None:
        super().__init__()
        for index, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes), 1):
            setattr(self, f"m{index}", nn.Linear(fan_in, fan_out))
        self.load_state_dict(parameters)
        self.__dict__["record"] = Record()
        self.__dict__["depth"] = len(sizes) - 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inputs = x
        for index in range(1, self.depth + 1):
            x = getattr(self, f"m{index}")(x)
        self.record.forward(inputs, x)
        return x
