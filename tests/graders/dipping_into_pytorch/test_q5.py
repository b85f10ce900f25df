"""q5: the training loop. Its order is decided by replay on probe networks of ours, drawn anew for each run."""

from dataclasses import replace

import pytest
import torch
from submission import MyNetwork, Pairs, check, forward, parameters, probe, seen, train

from autograder.judge.measure import finite, ignores_weights, typed_in
from autograder.loop.decision import learned
from autograder.loop.probes import draw_loop_probe, loop_evidence

pytestmark = pytest.mark.question("q5")

ADVICE_LOSS = "Take the loss to 0: the summed squared difference, then Backprop, Optimize, Reset."
NOT_TRAINED = "Train the very network that you are given: hand its parameters to SGD, and do not make a new one."
INPUT, TARGET = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])


def trained(spec, order):
    """Run `train` on a probe network; its parameters afterwards, moved by gradients, and the rows that went in."""
    network = probe(spec.kind.network, spec.start)
    train(network, Pairs(spec.inputs, spec.targets), lr=spec.lr, epochs=spec.epochs)
    end, told = parameters(network), seen(network)
    moved = any(not torch.equal(spec.start[name], end[name]) for name in spec.start)
    check(moved, "The network that `train` was given is the same afterwards.", NOT_TRAINED)
    check(
        learned(loop_evidence(spec, end, told, allowed=order.rules.settings)),
        "The numbers of the network change, but no gradient is behind it: they were written, not learned.",
        "Let Backprop mark the tensors, and SGD change them.",
    )
    return end, told


@pytest.mark.order_check
@pytest.mark.weight(2)
def test_every_update_uses_one_fresh_gradient(draw, order):
    """Backprop, Optimize, Reset: every update uses exactly one fresh gradient"""
    order.check_loop(train, draw, own=MyNetwork)


def test_trains_the_given_network_in_place(draw, order):
    """The network it is given is trained, in place"""
    spec = draw_loop_probe(draw, 6, 2)
    end, _ = trained(spec, order)
    still = sorted(name for name in spec.start if torch.equal(spec.start[name], end[name]))
    check(
        not still,
        f"{', '.join(still)} never change: SGD was not given them, or the loss does not reach them.",
        "Hand network.parameters() to SGD.",
    )


def test_uses_the_given_rate_and_epochs(draw, order):
    """lr and epochs are the ones it is given"""
    first = draw_loop_probe(draw, 2, 1)
    small, _ = trained(replace(first, lr=1e-4), order)
    large, _ = trained(replace(first, lr=3e-4), order)
    moves = [sum(float((end[n] - first.start[n]).double().abs().sum()) for n in end) for end in (small, large)]
    check(
        2.4 < moves[1] / moves[0] < 3.6,
        "Three times the lr does not make three times the step.",
        "Give SGD lr=lr instead of a number typed in.",
    )
    order.check_rate(train, draw)
    for epochs in (int(draw.integers(2, 4)), int(draw.integers(5, 8))):
        spec = draw_loop_probe(draw, 4, epochs)
        rows = len(trained(spec, order)[1].get("rows", ()))
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
        ADVICE_LOSS,
    )


def public_learns(train):
    """The network that train is given learns one example, with the lr that it is given, and marks do not pile up.

    Left open: that each update uses one fresh gradient, and epochs; they are graded later, and `watch` shows them.
    """
    import torch

    given, wanted = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    network = torch.nn.Linear(3, 5)
    start = network.weight.detach().clone()
    fresh = 2 * torch.outer(network(given).detach() - wanted, given)  # the mark of one example; lr=0 lets it stay so
    train(network, [(given, wanted)] * 6, lr=0.0, epochs=2)
    still = torch.allclose(start, network.weight.detach(), atol=1e-4)
    assert still, "with lr=0 the network changes: give SGD lr=lr instead of a number typed in"
    marks = network.weight.grad
    piled = marks is not None and float(marks.abs().sum()) > 1.5 * float(fresh.abs().sum())
    assert not piled, "marks pile up from round to round: the Reset is missing, or comes too late"
    train(network, [(given, wanted)], lr=1e-2, epochs=300)
    assert not torch.equal(start, network.weight.detach()), f"the network is the same as before. {NOT_TRAINED}"
    error = (network(given) - wanted).abs().max().item()
    assert error < 0.1, f"after 300 epochs one output is still {error:.2f} away from its target. {ADVICE_LOSS}"
