"""q4: a network from 2 numbers to 2 logits that is no straight line."""

import pytest
import torch
from submission import Bender, check, is_a, value

from autograder.judge.measure import straight

pytestmark = pytest.mark.question("q4")


def network():
    """A fresh Bender, or the reason there is none."""
    advice = "Write class Bender(nn.Module), and call super().__init__() first in its __init__."
    check(is_a(Bender, "module class"), "`Bender` is not a class made from nn.Module.", advice)
    made = Bender()
    check(is_a(made, "module"), "`Bender()` is no module.", advice)
    return made


def logits(net, inputs):
    """What the network answers to a batch, as a tensor of the right shape."""
    answer = value(net(inputs))
    check(isinstance(answer, torch.Tensor), "Its forward gives back no tensor.", "Return the last layer's output.")
    shape = tuple(answer.shape)
    check(
        shape == (len(inputs), 2),
        f"A batch of shape ({len(inputs)}, 2) becomes {shape} instead of ({len(inputs)}, 2).",
        "The first layer takes 2 numbers, the last one gives 2 logits.",
    )
    return answer


def test_two_logits(draw):
    """A batch of N points becomes N pairs of logits"""
    for count in (1, int(draw.integers(4, 9))):
        logits(network(), torch.from_numpy(draw.uniform(-1, 1, (count, 2))).float())


def test_bends(draw):
    """There is a bend between its layers"""
    net = network()
    logits(net, torch.zeros(3, 2))
    check(
        not straight(net, draw, width=2),
        "`Bender` is a straight line: its layers do what one linear layer does.",
        "Put a bend between the two linear layers: your own, nn.ReLU() or nn.Tanh().",
    )
