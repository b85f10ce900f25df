"""q2: one bend, written by hand, and a hill made of bends."""

import pytest
import torch
from submission import StudentFault, award, bend, check, hill, scalars, slope, value

pytestmark = pytest.mark.question("q2")

THROUGH = "Compute with tensors all the way: no .item(), .tolist(), .detach() or new torch.tensor in between."
SLOPES = "Slope +1 from 0 on, so -2 more from 1 on. And from 2 on?"


def bent(x):
    """What `bend` makes of a tensor, as a tensor of the same shape."""
    found = value(bend(x))
    check(isinstance(found, torch.Tensor), "`bend` gives back no tensor.", "Return the bent tensor.")
    shape = tuple(found.shape)
    check(
        shape == tuple(x.shape),
        f"From a tensor of shape {tuple(x.shape)}, `bend` makes one of shape {shape}.",
        "Bend every entry by itself; torch.where and torch.clamp take tensors of any shape.",
    )
    return found.double()


@pytest.mark.weight(2)
def test_bend(draw):
    """bend makes what is below 0 flat and keeps the rest"""
    for shape in ((7,), (3, 4), (2, 3, 2), ()):
        x = torch.tensor(draw.normal(size=shape) * 3).float()
        found = bent(x)
        below = bool((found[x < 0] == 0).all())
        check(below, "Something below 0 does not become 0.", "Below 0 the bend is flat: 0 everywhere.")
        kept = torch.allclose(found[x > 0], x[x > 0].double(), rtol=1e-5, atol=1e-6)
        check(kept, "A number above 0 does not come out as it went in.", "Above 0 the bend leaves numbers as they are.")
    steep = slope(bend, x := torch.tensor([-2.0, -0.3, 0.4, 5.0]))
    if steep is None or not torch.allclose(steep, (x > 0).float(), atol=1e-4):
        award(
            0.5,
            "`bend` makes the right numbers, but Backprop does not find its way through it.",
            THROUGH,
        )


def test_leaves_its_input_alone():
    """bend leaves its input as it is"""
    for number in (2.5, -1.5):
        (x,) = scalars(x=number)
        try:
            found = value(bend(x))
        except StudentFault as fault:
            check("in-place" not in fault.found, "`bend` changes the tensor that it is given.", "Make a new tensor.")
            raise
        check(isinstance(found, torch.Tensor), "`bend` gives back no tensor.", "Return the bent tensor.")
        check(float(value(x)) == number, "`bend` changes the tensor that it is given.", "Make a new tensor instead.")


def test_hill(draw):
    """hill goes up from 0 to 1, down to 2, and is flat elsewhere"""
    x = torch.cat(
        [torch.tensor([-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 5.0]), torch.from_numpy(draw.uniform(-4, 6, 40)).float()]
    )
    found = value(hill(x))
    check(isinstance(found, torch.Tensor), "`hill` gives back no tensor.", "Return the sum of the bends.")
    check(found.shape == x.shape, "`hill` does not keep the shape of what it is given.", "Add up whole bent tensors.")
    found, wanted = found.double(), (1 - (x.double() - 1).abs()).clamp(min=0)
    for where, name in (((x < 0), "before 0"), ((x >= 0) & (x < 1), "from 0 to 1"), ((x >= 1) & (x < 2), "from 1 to 2"),
                        ((x >= 2), "beyond 2")):  # fmt: skip
        right = torch.allclose(found[where], wanted[where], atol=1e-4)
        check(right, f"The hill is not as asked for {name}.", SLOPES)


def public_bend(bend):
    """bend makes the right numbers of a new tensor, and Backprop finds its way through."""
    import torch

    x = torch.tensor([[-2.0, -0.5, 0.0], [0.5, 3.0, -1.0]], requires_grad=True)
    bent = bend(x + 0)
    assert isinstance(bent, torch.Tensor), "bend gives back no tensor yet"
    assert tuple(bent.shape) == (2, 3), f"from a tensor of shape (2, 3), bend makes one of shape {tuple(bent.shape)}"
    right = bent.tolist() == [[0, 0, 0], [0.5, 3, 0]]
    assert right, f"from -2, -0.5, 0, 0.5, 3 and -1, bend makes {bent.flatten().tolist()}"
    given = x.detach().clone()
    bend(given)
    assert torch.equal(given, x.detach()), "bend has changed the tensor that it was given: make a new one"
    assert bent.requires_grad, f"bend makes the right numbers, but Backprop does not find its way through. {THROUGH}"
    (marks,) = torch.autograd.grad(bent.sum(), x, allow_unused=True, materialize_grads=True)
    steep = marks[x != 0].tolist() == [0, 0, 1, 1, 0]
    assert steep, f"bend makes the right numbers, but Backprop does not find its way through. {THROUGH}"


def public_hill(hill):
    """The hill is as high as asked for at 15 places from -1 to 6."""
    import torch

    places = torch.linspace(-1, 6, 15)
    found = hill(places)
    assert isinstance(found, torch.Tensor), "hill gives back no tensor yet"
    assert found.shape == places.shape, "hill does not keep the shape of what it is given: add up whole bent tensors"
    for place, height in zip(places.tolist(), found.tolist(), strict=True):
        asked = max(0, 1 - abs(place - 1))
        assert abs(height - asked) < 1e-4, f"at {place} the hill is {height:.3f} high; {asked} is asked for. {SLOPES}"
