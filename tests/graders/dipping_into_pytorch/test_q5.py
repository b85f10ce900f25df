"""q5: the training loop. Its order is decided by replay on probe networks of ours, drawn anew for each run."""

import pytest
import torch
from submission import MyNetwork, Pairs, check, forward, parameters, probe, seen, train

from autograder.judge.measure import finite, ignores_weights, typed_in
from autograder.loop.probes import draw_loop_probe

pytestmark = pytest.mark.question("q5")

NOT_TRAINED = "Train the very network that you are given: hand its parameters to SGD, and do not make a new one."
INPUT, TARGET = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])


def trained(spec, **other):
    """Run `train` on a probe network; (the network's handle, its parameters afterwards)."""
    network = probe([3, 2, 5], spec.start)
    train(network, Pairs(spec.inputs, spec.targets), lr=other.get("lr", spec.lr), epochs=spec.epochs)
    return network, parameters(network)


@pytest.mark.weight(2)
def test_every_update_uses_one_fresh_gradient(draw, order):
    """Backprop, Optimize, Reset: every update uses exactly one fresh gradient"""
    order.check_loop(train, draw)


def test_trains_the_given_network_in_place(draw):
    """The network it is given is trained, in place"""
    spec = draw_loop_probe(draw, 6, 2)
    _, end = trained(spec)
    moved = {name for name in spec.start if not torch.equal(spec.start[name], end[name])}
    check(moved, "The network that `train` was given is the same afterwards.", NOT_TRAINED)
    still = sorted(set(spec.start) - moved)
    check(
        not still,
        f"{', '.join(still)} never change: SGD was not given them, or the loss does not reach them.",
        "Hand network.parameters() to SGD.",
    )


def test_uses_the_given_rate_and_epochs(draw, order):
    """lr and epochs are the ones it is given"""
    first = draw_loop_probe(draw, 2, 1)
    _, small = trained(first, lr=1e-4)
    _, large = trained(first, lr=3e-4)
    moves = [sum(float((end[n] - first.start[n]).double().abs().sum()) for n in end) for end in (small, large)]
    check(moves[0] > 0 and moves[1] > 0, "The network that `train` was given is the same afterwards.", NOT_TRAINED)
    check(
        2.4 < moves[1] / moves[0] < 3.6,
        "Three times the lr does not make three times the step.",
        "Give SGD lr=lr instead of a number typed in.",
    )
    order.check_rate(train, draw)
    for epochs in (int(draw.integers(2, 4)), int(draw.integers(5, 8))):
        spec = draw_loop_probe(draw, 4, epochs)
        network, _ = trained(spec)
        rows = len(seen(network)["rows"])
        check(
            rows >= spec.epochs * 4,
            f"With epochs={epochs} and 4 examples only {rows} examples went through the network.",
            "Go through all the examples `epochs` times.",
        )
        check(
            rows < 2 * spec.epochs * 4 + 4,
            f"With epochs={epochs} and 4 examples {rows} examples went through the network.",
            "Go through all the examples `epochs` times, no more.",
        )


def test_learns_one_example(draw):
    """MyNetwork learns [1, 2, 3] -> [1, 2, 3, 4, 5]"""
    network = MyNetwork()
    inputs = torch.from_numpy(draw.uniform(-5, 5, (8, 3))).float()
    check(
        not ignores_weights(network, draw, inputs),
        "The outputs of `MyNetwork` do not depend on its weights.",
        "Let forward compute its output with the layers.",
        flags=("OUTPUT_IGNORES_WEIGHTS",),
    )
    before = (forward(network, INPUT[None], 5) - TARGET).abs().max()
    train(network, Pairs(INPUT[None], TARGET[None]), lr=1e-3, epochs=1000)
    answer = finite(
        forward(network, INPUT[None], 5),
        "After 1000 epochs on one example, the network",
        "Reset in every turn, and use lr.",
    )
    error = float((answer - TARGET).abs().max())
    check(
        float(before) > 0.1 and not typed_in(network),
        "The weights of `MyNetwork` look typed in instead of learned.",
        "Leave the weights as PyTorch starts them, and let SGD change them.",
        flags=("WEIGHTS_ASSIGNED",),
    )
    check(
        error < 0.1,
        f"After 1000 epochs on [1, 2, 3] one output is still {error:.2f} away from its target.",
        "Take the loss to 0: the summed squared difference, then Backprop, Optimize, Reset.",
    )
