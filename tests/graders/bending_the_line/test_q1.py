"""q1: the one linear layer that does the work of two."""

import pytest
import torch
from submission import check, listed, merge, parameters, probe, value

pytestmark = pytest.mark.question("q1")

FIRST = "Which layer comes first? x goes through first.weight, and the result through second.weight."
LOST = (
    "The first bias goes through the second layer as well: multiply it by the second weight, then add the second bias."
)


def two_layers(draw, *sizes):
    """Handles on two linear layers of random numbers, and those numbers: weight, bias, weight, bias."""
    shapes = {}
    for layer in (1, 2):
        shapes[f"m{layer}.weight"], shapes[f"m{layer}.bias"] = (sizes[layer], sizes[layer - 1]), (sizes[layer],)
    values = {name: torch.from_numpy(draw.normal(size=shape)).float() for name, shape in shapes.items()}
    network = probe([("Linear", sizes[0], sizes[1]), ("Linear", sizes[1], sizes[2])], values)
    return network.m1, network.m2, [tensor.double() for tensor in parameters(network).values()]


def merged(first, second, sizes):
    """What merge gives for two layers, as a weight and a bias of the right shapes."""
    pair = value(merge(first, second))
    pair = listed(pair, 3) if not isinstance(pair, (tuple, list)) else pair
    check(len(pair) == 2, "`merge` does not give back a pair.", "Return weight, bias.")
    weight, bias = map(value, pair)
    tensors = isinstance(weight, torch.Tensor) and isinstance(bias, torch.Tensor)
    check(tensors, "Weight and bias are not both tensors.", "Work them out from first.weight, first.bias and so on.")
    wanted = (sizes[2], sizes[0])
    turned = tuple(weight.shape) == wanted[::-1] != wanted
    found = f"From {sizes[0]} to {sizes[1]} to {sizes[2]} numbers, the weight has the shape {tuple(weight.shape)}; "
    check(
        tuple(weight.shape) == wanted,
        f"{found}{wanted} is asked for{', as PyTorch keeps it: outputs first' if turned else ''}.",
        "The second layer's weight stands to the left of the first one's: second.weight @ first.weight.",
    )
    return weight.double(), bias.double()


def near(found, wanted):
    return found.shape == wanted.shape and torch.allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_weight(draw):
    """The weight is that of both layers"""
    for sizes in ((2, 3, 4), (3, 5, 2), (3, 3, 3)):
        first, second, (weight_1, _, weight_2, _) = two_layers(draw, *sizes)
        weight, _ = merged(first, second, sizes)
        check(
            near(weight, weight_2 @ weight_1),
            "The weight has the right shape, but x @ weight.T is not what the two layers make of x.",
            FIRST,
        )


@pytest.mark.weight(2)
def test_bias(draw):
    """The bias is what both layers add"""
    for sizes in ((2, 3, 4), (3, 3, 3)):
        first, second, (_, bias_1, weight_2, bias_2) = two_layers(draw, *sizes)
        _, bias = merged(first, second, sizes)
        check(not near(bias, bias_2), "The bias is the second layer's alone: the first layer's is lost.", LOST)
        added = sizes[1] == sizes[2] and near(bias, bias_1 + bias_2)
        check(not added, "The two biases are added as if the second layer did nothing to the first one's.", LOST)
        check(near(bias, weight_2 @ bias_1 + bias_2), "The bias is not what the two layers add together.", LOST)


def public_one_layer(merge):
    """For layers of two sizes, weight and bias do what the two layers do."""
    import torch

    for sizes in ((2, 3, 4), (3, 3, 3)):
        first, second = torch.nn.Linear(*sizes[:2]), torch.nn.Linear(*sizes[1:])
        merged = merge(first, second)
        pair = isinstance(merged, (tuple, list)) and len(merged) == 2
        assert pair, "merge gives back no pair yet: return weight, bias"
        for name, part, shape in (("weight", merged[0], (sizes[2], sizes[0])), ("bias", merged[1], (sizes[2],))):
            assert isinstance(part, torch.Tensor), f"the {name} is no tensor"
            found, way = tuple(part.shape), " to ".join(map(str, sizes))
            assert found == shape, f"from {way} numbers, the {name} has the shape {found}; {shape} is asked for"
        nothing = torch.zeros(1, sizes[0])
        there = torch.allclose(merged[1], second(first(nothing))[0], rtol=1e-4, atol=1e-5)
        assert there, f"the bias is not what the two layers make of zeros. {LOST}"
        x = torch.randn(5, sizes[0])
        same = torch.allclose(x @ merged[0].T + merged[1], second(first(x)), rtol=1e-4, atol=1e-5)
        assert same, f"the shapes are right, but the numbers are not those of second(first(x)). {FIRST}"
