"""Probe networks, built in the student's process from the judge's spec, and the account of a loop that trains one.

The account explains and orders; it never decides a mark by itself, because it is made beside student code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from autograder.loop.networks import Spec, built
from autograder.student.recorder import Recorder

MOST_UPDATES = 20_000  # a probe's loop is recorded in full up to here


class Probed:
    """What a probe network has beside its own class: its recorder notes what passes through it."""

    recorder: Recorder
    spec: Spec

    def forward(self, *inputs: Any, **named: Any) -> Any:
        self.recorder.enter()
        output = super().forward(*inputs, **named)  # type: ignore[misc]
        self.recorder.forward(inputs[:1], output)
        return output

    def __deepcopy__(self, memo: dict[int, Any]) -> nn.Module:
        """A copy is another network: what passes through it is not this one's."""
        copy = built(self.spec)
        assert isinstance(self, nn.Module)
        copy.load_state_dict(self.state_dict())
        memo[id(self)] = copy
        for mine, theirs in zip(self.parameters(), copy.parameters(), strict=True):
            theirs.requires_grad_(mine.requires_grad)
        return copy.train(self.training)


def probe_network(spec: Spec, parameters: Mapping[str, torch.Tensor], one: int = 1) -> Any:
    """A network of a spec with these parameters, watched by its `recorder`; an example of its has `one` dimensions."""
    network = built(spec)
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            tensor.copy_(parameters[name])
    recorder = Recorder(
        dict(network.named_parameters()), owner=network, keep_inputs=True, full=MOST_UPDATES, example_dims=one
    )
    kind = type(network)
    network.__class__ = type(kind.__name__, (Probed, kind), {})
    network.__dict__["recorder"] = recorder
    network.__dict__["spec"] = spec
    return network


def report(recorder: Recorder) -> dict[str, Any]:
    """The account for the judge; {} where somebody has meddled with the recorder so that it has none to give."""
    try:
        return _packed(recorder)
    except Exception:
        return {}


def _packed(recorder: Recorder) -> dict[str, Any]:
    """What is long crosses the border as tensors, a hundred times faster than as lists.

    `events` (n, 8) and `reaches` (m, 2) are int64; `rows` (k, numbers of an example) float32: the inputs of all forward
    passes; `pulls` (j, outputs) float32: the gradients that came back to outputs, `pulled` (j, 2) their Backprop and
    forward.
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
