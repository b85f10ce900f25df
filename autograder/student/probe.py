"""Probe networks, built in the student's process from a spec of the judge, and the account of a loop that trains one.

The account explains and orders; it never decides a mark by itself, because it is made beside student code.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import nn

from autograder.student.recorder import Recorder

MOST_UPDATES = 20_000  # a probe's loop is recorded in full up to here


class ProbeNetwork(nn.Module):
    """Linear layers of the given sizes, e.g. [3, 2, 5]; its recorder notes what passes through it."""

    recorder: Recorder
    sizes: list[int]

    def __init__(self, sizes: list[int], parameters: dict[str, torch.Tensor]) -> None:
        super().__init__()
        for index, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes), 1):
            setattr(self, f"m{index}", nn.Linear(fan_in, fan_out))
        self.load_state_dict(parameters)
        recorder = Recorder(dict(self.named_parameters()), owner=self, keep_inputs=True, full=MOST_UPDATES)
        self.__dict__["recorder"] = recorder
        self.__dict__["sizes"] = list(sizes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inputs = x
        self.recorder.enter()
        for index in range(1, len(self.sizes)):
            x = getattr(self, f"m{index}")(x)
        self.recorder.forward([inputs], x)
        return x

    def __deepcopy__(self, memo: dict[int, Any]) -> ProbeNetwork:
        """A copy is another network: what passes through it is not this one's."""
        copy = ProbeNetwork(self.sizes, {name: tensor.detach() for name, tensor in self.state_dict().items()})
        memo[id(self)] = copy
        for mine, theirs in zip(self.parameters(), copy.parameters(), strict=True):
            theirs.requires_grad_(mine.requires_grad)
        return copy


def report(recorder: Recorder) -> dict[str, Any]:
    """The account for the judge; {} where somebody has meddled with the recorder so that it has none to give."""
    try:
        return _packed(recorder)
    except Exception:
        return {}


def _packed(recorder: Recorder) -> dict[str, Any]:
    """What is long crosses the border as tensors, a hundred times faster than as lists.

    `events` (n, 8) and `reaches` (m, 2) are int64; `rows` (k, width) float32: the inputs of all forward passes; `pulls`
    (j, outputs) float32: the gradients that came back to outputs, `pulled` (j, 2) their Backprop and forward.
    """
    account = recorder.account()
    rows = torch.cat(recorder.rows) if recorder.rows else torch.zeros(0, 1)
    pulls = [(backprop, forward, row) for backprop, forward, rows_ in recorder.pulls for row in rows_]
    return {
        **account,
        "events": torch.tensor(account["events"], dtype=torch.int64).reshape(-1, 8),
        "reaches": torch.tensor(account["reaches"], dtype=torch.int64).reshape(-1, 2),
        "numbers": torch.tensor(account["numbers"], dtype=torch.float64),
        "rows": rows,
        "pulls": torch.stack([row for _, _, row in pulls]) if pulls else torch.zeros(0, 1),
        "pulled": torch.tensor([pair[:2] for pair in pulls], dtype=torch.int64).reshape(-1, 2),
    }
