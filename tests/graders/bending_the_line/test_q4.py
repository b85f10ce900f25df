"""q4: a network from 2 numbers to 2 logits that is no straight line."""

import pytest
import torch
from submission import Bender, check, is_a, value

from autograder.judge.measure import straight

pytestmark = pytest.mark.question("q4")

ADVICE = "Write class Bender(nn.Module), and call super().__init__() first in its __init__."
LINE = "`Bender` is a straight line: its layers do what one linear layer does."
BEND = "Put a bend between the two linear layers: your own, nn.ReLU() or nn.Tanh()."


def network():
    """A fresh Bender, or the reason there is none."""
    check(is_a(Bender, "module class"), "`Bender` is not a class made from nn.Module.", ADVICE)
    made = Bender()
    check(is_a(made, "module"), "`Bender()` is no module.", ADVICE)
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
        LINE,
        BEND,
    )


def public_two_logits(Bender):
    """A batch of points becomes pairs of logits, and Bender is no straight line.

    Left open: how much it can learn; that is graded with q5.
    """
    import torch

    module = isinstance(Bender, type) and issubclass(Bender, torch.nn.Module)
    assert module, f"Bender is not made from nn.Module. {ADVICE}"
    try:
        network = Bender()
        layers = list(network.parameters())
    except AttributeError as problem:
        raise AssertionError(f"__init__ must call super().__init__() before anything else ({problem})") from None
    assert layers, "Bender keeps no layers yet: make them in __init__, as attributes of self"
    output = network(torch.rand(7, 2))
    assert isinstance(output, torch.Tensor), "forward gives back no tensor: did you forget `return`?"
    found = tuple(output.shape)
    assert found == (7, 2), f"a batch of shape (7, 2) gives {found}; (7, 2) is asked for: two logits for each point"
    with torch.no_grad():
        one, two = 5 * torch.randn(200, 2), 5 * torch.randn(200, 2)
        middle, between = network((one + two) / 2), (network(one) + network(two)) / 2
    assert not torch.allclose(middle, between, rtol=1e-3, atol=1e-4), f"{LINE} {BEND}"
