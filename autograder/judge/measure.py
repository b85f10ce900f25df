"""Measurements on a student's network, taken from outside: rank of its map, whether outputs hang on the weights.

Words for graders. Everything is computed here, from plain answers to plain inputs.
"""

from __future__ import annotations

import numpy
import torch

from autograder.judge import submission
from autograder.judge.faults import CheckFailed
from autograder.judge.handles import Handle

RANK_RATIO = 2e-5  # singular values below this share of the largest count as zero; of 3 -> 2 -> 5, rounding leaves 5e-6
STRAIGHT = 1e-5  # share of the largest output by which rounding alone bends a straight map
NUDGE = 0.1  # standard deviation of what is added to every parameter
LEAST_MOVE = 0.05  # mean change of the outputs that a nudge must cause; sound networks move by 0.3 and more
TIDY = 1 / 16  # typed-in weights are multiples of this; trained ones hardly ever are


def rank(network: Handle, draw: numpy.random.Generator, points: int = 6, spread: float = 5.0) -> int:
    """The rank of the input-output map of a network from 3 numbers: the largest rank of its Jacobian at random points.

    The Jacobian's columns are central differences over a step of 1/4, exact up to rounding where the map is linear.
    A network of linear layers 3 -> 2 -> 5 has rank 2, whatever it was trained to.
    """
    centres = torch.from_numpy(draw.uniform(-spread, spread, (points, 3)).astype("float32"))
    steps = torch.eye(3) / 4
    inputs = torch.cat([torch.cat([centre + steps, centre - steps]) for centre in centres])
    outputs = submission.forward(network, inputs).reshape(points, 2, 3, -1)
    jacobians = (outputs[:, 0] - outputs[:, 1]) * 2
    if not bool(torch.isfinite(jacobians).all()):
        return 0
    singular = torch.linalg.svdvals(jacobians)
    return int((singular > RANK_RATIO * singular[:, :1].clamp_min(1e-9)).sum(1).max())


def straight(
    network: Handle, draw: numpy.random.Generator, *, width: int, points: int = 12, reach: float = 8.0
) -> bool:
    """Whether a network from `width` numbers is a linear map and a constant: f(a) + f(b) = f(a + b) + f(0) everywhere.

    Asked at `points` pairs of places up to `reach` away, where an activation has bent by much.
    """
    one, two = (torch.from_numpy(draw.uniform(-reach, reach, (points, width))).float() for _ in range(2))
    asked = torch.cat([one, two, one + two, torch.zeros(1, width)])
    outputs = submission.forward(network, asked)
    first, second, both, none = outputs[:points], outputs[points : 2 * points], outputs[2 * points : -1], outputs[-1]
    size = float(outputs.abs().max()) if bool(torch.isfinite(outputs).all()) else float("inf")
    return size < float("inf") and float((first + second - both - none).abs().max()) <= STRAIGHT * max(1.0, size)


def ignores_weights(network: Handle, draw: numpy.random.Generator, inputs: torch.Tensor) -> bool:
    """Whether the outputs for `inputs` (n, 3) hardly move when every parameter is nudged: they are hard-coded then.

    The parameters are put back afterwards.
    """
    before = submission.parameters(network)
    floating = {name: tensor for name, tensor in before.items() if tensor.dtype.is_floating_point}
    if not floating:
        return True
    first = submission.forward(network, inputs)
    if not bool(torch.isfinite(first).all()):
        return False  # NaN says nothing about where it came from
    nudged = {
        name: tensor + NUDGE * torch.from_numpy(draw.standard_normal(tuple(tensor.shape))).to(tensor.dtype)
        for name, tensor in floating.items()
    }
    submission.load(network, nudged)
    second = submission.forward(network, inputs)
    submission.load(network, floating)
    return not float((second - first).abs().mean()) >= LEAST_MOVE


def typed_in(network: Handle) -> bool:
    """Whether the weights look written rather than learned: nine in ten are exact multiples of 1/16."""
    tensors = [tensor.double().flatten() for tensor in submission.parameters(network).values()]
    values = torch.cat(tensors) if tensors else torch.zeros(0)
    if not len(values):
        return False
    tidy = (values / TIDY - (values / TIDY).round()).abs() == 0
    return float(tidy.double().mean()) >= 0.9


def finite(
    outputs: torch.Tensor, about: str, advice: str = "Start again from a fresh network with a smaller learning rate."
) -> torch.Tensor:
    """`outputs` if all of them are numbers; else a CheckFailed that names the frog."""
    if not bool(torch.isfinite(outputs).all()):
        raise CheckFailed(
            f"{about} answers with NaN or infinite numbers: the frog hopped too far.",
            advice,
            verdict="DIVERGED",
        )
    return outputs
