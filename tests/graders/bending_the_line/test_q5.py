"""q5: training in mini-batches. The order is decided on networks and points of ours, learning on held-out points."""

import pytest
import torch
from submission import Bender, Pairs, check, fit, forward, my_bender, parameters, probe, seen

from autograder.judge.measure import finite, ignores_weights, straight, typed_in
from autograder.loop.asked import Asked
from autograder.loop.probes import Probe

pytestmark = pytest.mark.question("q5")

RATES = (0.5, 0.01, 0.1)  # a bold one for SGD, one for Adam and its like, one between
ENOUGH = 0.9
NOT_TRAINED = "Train the very network that you are given: hand its parameters to the optimizer."
LOSS = "Cross-entropy of the logits and the labels, then Backprop, Optimize, Reset per batch."
LONGER = "Train it for more epochs, or with a bolder lr."
STRAIGHT = "It still draws a straight line, and no line parts these points: put a bend between the layers of `Bender`."


def xor(draw, count):
    """Points of the square with their colours, none so near an axis that its colour hangs on rounding."""
    inputs = draw.uniform(0.02, 1, (count, 2)) * draw.choice([-1.0, 1.0], (count, 2))
    inputs = torch.from_numpy(inputs).float()
    return inputs, ((inputs[:, 0] > 0) != (inputs[:, 1] > 0)).long()


LOOP = Probe(
    [("Linear", 2, 6), "Tanh", ("Linear", 6, 2)],
    torch.nn.functional.cross_entropy,
    xor,
    lambda fit, network, data, lr, epochs: fit(network, data.loader(8), lr=lr, epochs=epochs),
    batch=8,
    asked=Asked(8),
    rates=(0.02, 0.06),
)


def right(network, inputs, labels, about):
    """The share of points that get their colour."""
    answers = finite(forward(network, inputs, 2), about, "Reset in every turn, and use lr.")
    return float((answers.argmax(1) == labels).double().mean())


@pytest.mark.order_check
@pytest.mark.weight(2)
def test_every_update_uses_one_fresh_gradient(draw, order):
    """Backprop, Optimize, Reset: once for each mini-batch"""
    order.check_loop(fit, draw, LOOP, own=Bender)


def test_trains_the_given_network_for_the_given_epochs(draw):
    """The network, lr and epochs are the ones it is given"""
    for epochs in (1, int(draw.integers(3, 6))):
        spec = LOOP.one(draw, 24, epochs)
        moves = []
        for lr in (spec.lr, 2 * spec.lr):
            network = probe(spec.kind.network, spec.start)
            fit(network, spec.data.loader(8), lr=lr, epochs=epochs)
            end, rows = parameters(network), len(seen(network).get("rows", ()))
            moves.append(sum(float((end[name] - spec.start[name]).double().abs().sum()) for name in end))
            check(
                moves[-1] > 0,
                "The network that `fit` was given is the same afterwards.",
                NOT_TRAINED,
            )
            check(
                24 * epochs <= rows < 24 * (epochs + 1),
                f"With epochs={epochs} and 24 points, {rows} points went through the network.",
                "Go through the loader `epochs` times, no less and no more.",
            )
        check(
            moves[1] > 1.2 * moves[0],
            "Twice the lr does not lead further.",
            "Give the optimizer lr=lr instead of a number typed in.",
        )


@pytest.mark.weight(2)
def test_learns_from_our_points(draw):
    """A fresh Bender trained by fit gives new points their colours"""
    inputs, labels = xor(draw, 400)
    others = xor(draw, 400)
    best, line = 0.0, False
    for lr in RATES:
        network = Bender()
        fit(network, Pairs(inputs, labels, "loader", 16), lr=lr, epochs=40)
        check(
            not typed_in(network),
            "The weights of `Bender` look typed in instead of learned.",
            "Leave the weights as PyTorch starts them, and let the optimizer change them.",
            flags=("WEIGHTS_ASSIGNED",),
        )
        answers = forward(network, others[0], 2)
        if not bool(torch.isfinite(answers).all()):
            continue
        best = max(best, float((answers.argmax(1) == others[1]).double().mean()))
        line = straight(network, draw, width=2)
        if best >= ENOUGH:
            break
    check(
        best >= ENOUGH,
        f"After 40 epochs on 400 points of ours, at best {best:.0%} of 400 new points get their colour.",
        STRAIGHT if line else LOSS,
    )
    check(
        not ignores_weights(network, draw, others[0][:8]),
        "The outputs of `Bender` do not depend on its weights.",
        "Let forward compute its output with the layers.",
        flags=("OUTPUT_IGNORES_WEIGHTS",),
    )


def test_my_bender(draw):
    """my_bender gives nine in ten new points their colour"""
    inputs, labels = xor(draw, 600)
    share = right(my_bender, inputs, labels, "`my_bender`")
    check(
        share >= 0.88,  # of 600 new points, so that nobody at nine in ten fails by chance
        f"`my_bender` gives {share:.0%} of 600 new points their colour; nine in ten are asked for.",
        STRAIGHT if straight(my_bender, draw, width=2) else LONGER,
    )
    check(
        not ignores_weights(my_bender, draw, inputs[:8]),
        "The outputs of `my_bender` do not depend on its weights.",
        "Let forward compute its output with the layers.",
        flags=("OUTPUT_IGNORES_WEIGHTS",),
    )


def public_fit(fit):
    """The network that fit is given learns four easy points, with the lr that it is given, and marks do not pile up.

    Left open: that each batch gets one update with one fresh gradient, and epochs; they are graded later, and
    `watch` shows them.
    """
    import torch

    inputs = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.9, 0.2], [-0.8, 0.1]])
    labels = torch.tensor([1, 0, 1, 0])
    network = torch.nn.Linear(2, 2)
    start = network.weight.detach().clone()
    off = torch.softmax(network(inputs).detach(), 1) - torch.eye(2)[labels]
    fresh = float((off.T @ inputs / 4).abs().sum())  # the mark of one batch; lr=0 lets it stay so
    same = torch.utils.data.TensorDataset(inputs.repeat(6, 1), labels.repeat(6))
    fit(network, torch.utils.data.DataLoader(same, batch_size=4), lr=0.0, epochs=2)
    still = torch.allclose(start, network.weight.detach(), atol=1e-4)
    assert still, "with lr=0 the network changes: give the optimizer lr=lr instead of a number typed in"
    marks = network.weight.grad
    piled = marks is not None and float(marks.abs().sum()) > 1.5 * fresh + 1e-6
    assert not piled, "marks pile up from round to round: the Reset is missing, or comes too late"
    points = torch.utils.data.TensorDataset(inputs, labels)
    fit(network, torch.utils.data.DataLoader(points, batch_size=2), lr=0.1, epochs=100)
    assert not torch.equal(start, network.weight.detach()), f"the network is the same as before. {NOT_TRAINED}"
    found = network(inputs).argmax(1).tolist()
    assert found == [1, 0, 1, 0], f"after 100 epochs on points of colours 1, 0, 1, 0 the network says {found}. {LOSS}"


def public_my_bender(my_bender):
    """my_bender gives nine in ten of 300 new points their colour."""
    import torch

    assert isinstance(my_bender, torch.nn.Module), "my_bender is not a network yet: make one with Bender()"
    inputs = 2 * torch.rand(300, 2, generator=torch.Generator().manual_seed(27)) - 1
    labels = ((inputs[:, 0] > 0) != (inputs[:, 1] > 0)).long()
    with torch.no_grad():
        found = my_bender(inputs)
    assert isinstance(found, torch.Tensor), "my_bender gives back no tensor: did you forget `return`?"
    assert tuple(found.shape) == (300, 2), (
        f"for 300 points my_bender gives the shape {tuple(found.shape)}, not (300, 2)"
    )
    right = (found.argmax(1) == labels).double().mean().item()
    assert right >= ENOUGH, f"my_bender is right on {right:.0%} of 300 new points; 90% are asked for. {LONGER}"
