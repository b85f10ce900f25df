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
                "Train the very network that you are given: hand its parameters to the optimizer.",
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
        STRAIGHT if line else "Cross-entropy of the logits and the labels, then Backprop, Optimize, Reset per batch.",
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
        STRAIGHT if straight(my_bender, draw, width=2) else "Train it for more epochs, or with a bolder lr.",
    )
    check(
        not ignores_weights(my_bender, draw, inputs[:8]),
        "The outputs of `my_bender` do not depend on its weights.",
        "Let forward compute its output with the layers.",
        flags=("OUTPUT_IGNORES_WEIGHTS",),
    )
