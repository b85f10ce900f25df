"""q3: random points of two colours, crosswise, with their labels."""

import pytest
import torch
from submission import check, listed, make_points, value

pytestmark = pytest.mark.question("q3")

COUNT = 300
SPREAD = "torch.rand draws from 0 to 1: stretch and move it, 2 * torch.rand(n, 2) - 1."
ANEW = "Do not set a seed within make_points: others every time are asked for."
WHOLE = "A label is the number of an answer, so it is a whole number: .long() at the end."
COLOUR = "Colour 1 where exactly one of the two coordinates is above 0, colour 0 where both or neither are."


def made(count):
    """Inputs and labels of make_points, as tensors of the right shapes."""
    pair = value(make_points(count))
    pair = pair if isinstance(pair, (tuple, list)) else listed(pair, 3)
    check(len(pair) == 2, "`make_points` does not give back a pair.", "Return inputs, labels.")
    inputs, labels = map(value, pair)
    for name, part, shape in (("inputs", inputs, (count, 2)), ("labels", labels, (count,))):
        check(isinstance(part, torch.Tensor), f"The {name} are no tensor.", "Make both with torch.")
        found = tuple(part.shape)
        check(found == shape, f"For n = {count} the {name} have the shape {found}.", f"{shape} is asked for.")
    check(not inputs.is_complex() and not labels.is_complex(), "Complex numbers are among them.", "Use plain ones.")
    return inputs, labels


def test_inputs():
    """inputs are n points, spread evenly over the square from -1 to 1"""
    inputs, _ = made(COUNT)
    check(inputs.is_floating_point(), "The inputs are no decimal numbers.", "torch.rand makes decimal numbers.")
    advice = SPREAD
    check(bool((inputs.abs() <= 1).all()), "An input is beyond -1 or 1.", advice)
    for side, there in (("below", (inputs < -0.5).any(0)), ("above", (inputs > 0.5).any(0))):
        check(bool(there.all()), f"Of {COUNT} points, hardly any number lies far {side} 0.", advice)
    corners = {tuple(row) for row in (inputs > 0).tolist()}
    check(len(corners) == 4, f"Of {COUNT} points, none lies in {4 - len(corners)} of the four corners.", advice)
    check(len(inputs.unique(dim=0)) > COUNT / 2, "Many points are one and the same.", "Draw each point anew.")
    again, _ = made(COUNT)
    check(
        not torch.equal(inputs, again),
        "A second call gives the very same points.",
        ANEW,
    )


def test_labels():
    """labels are 1 where exactly one coordinate is above 0, as whole numbers"""
    inputs, labels = made(COUNT)
    check(
        labels.dtype == torch.long,
        f"The labels are of the type {str(labels.dtype).removeprefix('torch.')}.",
        WHOLE,
    )
    wanted = (inputs[:, 0] > 0) != (inputs[:, 1] > 0)
    given = set(labels.tolist())
    check(given <= {0, 1}, f"The labels are {sorted(given)[:5]}.", "Colours are 0 and 1.")
    right = float((labels.bool() == wanted).double().mean())
    check(right > 0, "The two colours are swapped.", "Colour 1 is where exactly one of the coordinates is above 0.")
    check(
        right == 1,
        f"Of {COUNT} points {COUNT - round(right * COUNT)} have the wrong colour.",
        COLOUR,
    )


def public_points(make_points):
    """A hundred points lie in the square, on both sides of both axes, with their colours.

    Left open: whether they are spread evenly.
    """
    import torch

    made = make_points(100)
    pair = isinstance(made, (tuple, list)) and len(made) == 2
    assert pair, "make_points gives back no pair yet: return inputs, labels"
    inputs, labels = made
    for name, part, shape in (("inputs", inputs, (100, 2)), ("labels", labels, (100,))):
        assert isinstance(part, torch.Tensor), f"the {name} are no tensor"
        found = tuple(part.shape)
        assert found == shape, f"for n = 100 the {name} have the shape {found}; {shape} is asked for"
    assert inputs.is_floating_point(), "the inputs are no decimal numbers"
    assert inputs.abs().max() <= 1, f"an input is beyond -1 or 1. {SPREAD}"
    corners = len({tuple(row) for row in (inputs > 0).tolist()})
    assert corners == 4, f"of 100 points, none lies in {4 - corners} of the four corners. {SPREAD}"
    assert labels.dtype == torch.long, f"the labels are {labels.dtype}. {WHOLE}"
    for (x, y), label in zip(inputs.tolist(), labels.tolist(), strict=True):
        assert label == int((x > 0) != (y > 0)), f"the point ({x:.2f}, {y:.2f}) has the colour {label}. {COLOUR}"
    assert not torch.equal(inputs, make_points(100)[0]), f"a second call gives the very same points. {ANEW}"
