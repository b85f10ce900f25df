"""q4: a network of two or more linear layers from 3 numbers to 5, for one vector and for a batch."""

import pytest
import torch
from submission import MyNetwork, StudentFault, check, inside, is_a, layers, parameters, value

pytestmark = pytest.mark.question("q4")

ADVICE = "Write class MyNetwork(nn.Module), and call super().__init__() first in its __init__."
ADVICE_SECOND = "Add a second nn.Linear, and pass x through both."


def network():
    """A fresh MyNetwork, or the reason there is none."""
    check(is_a(MyNetwork, "module class"), "`MyNetwork` is not a class made from nn.Module.", ADVICE)
    made = MyNetwork()
    check(is_a(made, "module"), "`MyNetwork()` is no module.", ADVICE)
    return made


def outputs(net, inputs):
    """What the network answers, as a tensor; a CheckFailed if it is none."""
    answer = value(net(inputs))
    check(
        isinstance(answer, torch.Tensor),
        "Its forward does not give back a tensor.",
        "Pass x through every layer, and return the result.",
    )
    return answer


def test_vector(draw):
    """A vector of 3 numbers becomes 5 numbers"""
    answer = outputs(network(), torch.from_numpy(draw.standard_normal(3)).float())
    shape = tuple(answer.shape)
    check(
        shape == (5,),
        f"For a vector of 3 numbers the output has the shape {shape} instead of (5,).",
        "The last layer must have 5 outputs, the first 3 inputs.",
    )


def test_batch(draw):
    """A batch of N vectors becomes N rows of 5"""
    rows = int(draw.integers(4, 9))
    answer = outputs(network(), torch.from_numpy(draw.standard_normal((rows, 3))).float())
    shape = tuple(answer.shape)
    check(
        shape == (rows, 5),
        f"For a batch of shape ({rows}, 3) the output has the shape {shape} instead of ({rows}, 5).",
        "nn.Linear takes batches as they are: do not pick single entries out of x.",
    )


@pytest.mark.weight(2)
def test_two_linear_layers(draw):
    """Two or more linear layers are registered"""
    net = network()
    found = [layer for layer in layers(net) if len(layer[1]) == 2]
    matrices = [tensor for tensor in parameters(net).values() if tensor.dim() == 2]
    count = max(len(found), len(matrices))
    check(
        count > 0,
        "The network has no linear layer that PyTorch knows of.",
        "Make the layers in __init__ and keep them as attributes: self.m1 = nn.Linear(3, 2).",
    )
    check(
        count > 1,
        "The network has one linear layer; two or more are asked for.",
        ADVICE_SECOND,
    )
    try:
        found = inside(net, torch.from_numpy(draw.standard_normal((3, 3))).float())
    except StudentFault:
        return  # a network that does not answer is told so by the other tests
    for reason, why in (("frozen", "requires_grad is False"), ("cut", "no gradient comes back to it")):
        names = found.get(reason, [])
        check(
            not names,
            f"`{', '.join(names)}` cannot learn: {why}.",
            "Pass x through every layer, without .detach(), .item() or torch.no_grad() on the way.",
        )


def public_five_numbers(MyNetwork):
    """MyNetwork has two linear layers or more, and gives 5 numbers for one vector and for each of a batch.

    Left open: whether every layer takes part and can learn; that is graded later.
    """
    import torch

    module = isinstance(MyNetwork, type) and issubclass(MyNetwork, torch.nn.Module)
    assert module, f"MyNetwork is not made from nn.Module. {ADVICE}"
    try:
        network = MyNetwork()
        layers = list(network.parameters())
    except AttributeError as problem:
        raise AssertionError(f"__init__ must call super().__init__() before anything else ({problem})") from None
    matrices = sum(layer.dim() == 2 for layer in layers)
    assert matrices > 0, "MyNetwork keeps no layers yet: make them in __init__, as attributes of self"
    assert matrices > 1, f"MyNetwork has one linear layer; two or more are asked for. {ADVICE_SECOND}"
    for given, wanted in ((torch.tensor([1.0, 2.0, 3.0]), (5,)), (torch.ones(4, 3), (4, 5))):
        output = network(given)
        assert isinstance(output, torch.Tensor), "forward gives back no tensor: did you forget `return`?"
        found = tuple(output.shape)
        assert found == wanted, f"an input of shape {tuple(given.shape)} gives {found}; {wanted} is asked for"
