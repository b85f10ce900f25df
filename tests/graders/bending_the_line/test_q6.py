"""q6: accuracy, a training that keeps an eye on held-out points, and the epoch to stop at."""

import pytest
import torch
from submission import (
    Pairs,
    StudentFault,
    accuracy,
    best_epoch,
    check,
    fit,
    fit_and_watch,
    listed,
    parameters,
    probe,
    value,
)

from autograder.loop.networks import built, started

pytestmark = pytest.mark.question("q6")

NEAR = 0.2  # a mean over the epoch's own batches, taken while they are trained on, is a training loss too
GENTLE = 0.005  # a rate at which twice as many updates go twice as far
NO_MORE = 0.7  # of fit's own way: momentum that is kept from epoch to epoch strays by half of it, a second pass by all
SHARE = "What a network says is the place of its largest logit: argmax over dim=1."
AFTER = "Ask for the held-out loss after the epoch's last batch: the mean cross-entropy of all held-out points."
NETWORK = [("Linear", 2, 8), "Tanh", ("Linear", 8, 2)]


def some(draw, count):
    """Points and labels without any rule."""
    labels = torch.from_numpy(draw.integers(0, 2, count))
    return torch.from_numpy(draw.normal(size=(count, 2))).float(), labels


def numbers(found, about, wanted):
    """A list of losses as plain floats."""
    items = value(found)
    items = items if isinstance(items, (list, tuple)) else listed(found, 1000)
    items = [value(item) for item in items]
    check(len(items) == wanted, f"For {wanted} epochs, {about} has {len(items)} entries.", "Append once in each epoch.")
    plain = [item.item() if isinstance(item, torch.Tensor) and item.numel() == 1 else item for item in items]
    fine = all(isinstance(item, (int, float)) and item == item and item >= 0 for item in plain)
    check(fine, f"An entry of {about} is no loss.", "Append loss.item(), a plain number.")
    return [float(item) for item in plain]


def watched(draw, epochs, held, start, seed, lr=0.05):
    """The two lists of fit_and_watch for these held-out points, and the parameters afterwards."""
    network = probe(NETWORK, start)
    inputs, labels = seed
    pair = value(fit_and_watch(network, Pairs(inputs, labels, "loader", 8), held, lr=lr, epochs=epochs))
    pair = pair if isinstance(pair, (tuple, list)) else listed(pair, 3)
    check(len(pair) == 2, "`fit_and_watch` does not give back two lists.", "Return train_losses, held_losses.")
    lists = numbers(pair[0], "`train_losses`", epochs), numbers(pair[1], "`held_losses`", epochs)
    return (*lists, parameters(network))


def fitted(epochs, start, seed, lr):
    """The parameters after that many epochs of `fit` alone; None where it does not come to its end."""
    network = probe(NETWORK, start)
    try:
        for _ in range(epochs):
            fit(network, Pairs(*seed, "loader", 8), lr=lr, epochs=1)
    except StudentFault:
        return None
    return parameters(network)


def apart(one, two):
    return sum(float((one[name] - two[name]).double().abs().sum()) for name in one)


def test_accuracy(draw):
    """accuracy is the share of points that get their colour"""
    for count in (5, 40):
        start = started(NETWORK, int(draw.integers(2**40)))
        inputs, labels = some(draw, count)
        own = built(NETWORK)
        own.load_state_dict(start)
        wanted = float((own(inputs).argmax(1) == labels).double().mean())
        found = value(accuracy(probe(NETWORK, start), inputs, labels))
        found = found.item() if isinstance(found, torch.Tensor) and found.numel() == 1 else found
        plain = isinstance(found, (int, float))
        check(plain, "`accuracy` gives back no number.", "Return the share as a number from 0 to 1.")
        percent = abs(found - 100 * wanted) < 0.01 < wanted
        check(
            not percent, "`accuracy` answers in percent; a number from 0 to 1 is asked for.", "Do not take it by 100."
        )
        check(
            abs(found - wanted) < 1e-4,
            f"Of {count} points {wanted:.0%} get their colour, and `accuracy` says {found:.3f}.",
            SHARE,
        )


def test_two_lists_of_losses(draw):
    """fit_and_watch gives both losses of each epoch"""
    epochs = int(draw.integers(3, 6))
    start = {name: 3 * tensor for name, tensor in started(NETWORK, int(draw.integers(2**40))).items()}
    sure = built(NETWORK)
    sure.load_state_dict(start)
    seen, held = some(draw, 40), some(draw, 30)
    held = held[0], sure(held[0]).argmin(1)  # at first wrong on each, so that one loss cannot pass for the other
    train, loss, end = watched(draw, epochs, held, start, seen)
    own = built(NETWORK)
    own.load_state_dict(end)
    now = torch.nn.functional.cross_entropy(own(held[0]), held[1]).item()
    check(
        abs(loss[-1] - now) < 1e-3 * max(1.0, now),
        f"The last held-out loss is {loss[-1]:.4f}; of the network after the last epoch it is {now:.4f}.",
        AFTER,
    )
    advice = "The mean cross-entropy of the loader's points, once for each epoch."
    down = train[-1] < train[0] + 0.05 and train[0] < 5
    check(down, "`train_losses` does not go down on the points that are trained on.", advice)
    now = torch.nn.functional.cross_entropy(own(seen[0]), seen[1]).item()
    check(
        abs(train[-1] - now) < NEAR,
        f"The last training loss is {train[-1]:.2f}; on the loader's points the network's is {now:.2f}.",
        advice,
    )
    alone = fitted(epochs, start, seen, GENTLE)
    end = watched(draw, epochs, held, start, seen, GENTLE)[2]
    moved = 0.0 if alone is None else apart(alone, start)
    check(
        not moved or apart(alone, end) < NO_MORE * moved,
        f"With epochs={epochs}, `fit_and_watch` trains otherwise than `fit` does in {epochs} epochs.",
        "Go once through the loader in each epoch, as fit does with epochs=1.",
    )


def test_nothing_is_learned_from_the_held_out_points(draw):
    """From the held-out points nothing is learned"""
    start, seen = started(NETWORK, int(draw.integers(2**40))), some(draw, 40)
    ends = [watched(draw, 3, some(draw, 30), start, seen)[2] for _ in range(2)]
    moved = any(not torch.equal(ends[0][name], start[name]) for name in start)
    check(moved, "The network that `fit_and_watch` was given is not trained.", "Train it as `fit` does.")
    same = all(torch.allclose(ends[0][name], ends[1][name], atol=1e-6) for name in start)
    check(
        same,
        "With other held-out points, the network learns something else.",
        "Use the held-out points for looking alone: inside torch.no_grad(), without Backprop.",
    )


def test_best_epoch(draw):
    """best_epoch is the first place of the smallest loss"""
    lists = [[0.5, 0.2, 0.9, 0.2], [1.0], [3.0, 2.0, 1.0]]
    lists += [draw.uniform(0, 2, int(draw.integers(5, 30))).round(2).tolist() for _ in range(3)]
    for losses in lists:
        found = value(best_epoch(losses))
        found = found.item() if isinstance(found, torch.Tensor) and found.numel() == 1 else found
        check(
            isinstance(found, (int, float)) and found == losses.index(min(losses)),
            "`best_epoch` does not give the place of the smallest loss.",
            "losses.index(min(losses)) counts from 0 and takes the first of several.",
        )


def public_accuracy(accuracy):
    """accuracy is right about four points.

    Left open: other networks and points.
    """
    import torch

    scores = torch.tensor([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0], [1.0, 2.0]])  # a network that gives back its inputs
    found = accuracy(torch.nn.Identity(), scores, torch.tensor([0, 1, 1, 1]))
    assert found is not None and found is not ..., "accuracy gives back nothing yet"
    assert abs(float(found) - 0.75) < 1e-6, f"three of four points are right, and accuracy says {float(found)}. {SHARE}"


def public_watch(fit_and_watch):
    """fit_and_watch gives two lists of an entry for each epoch, and the last held-out loss is right.

    Left open: the training losses, that it trains as fit does, and that nothing is learned from the held-out points.
    """
    import torch

    network = torch.nn.Linear(2, 2)
    inputs, labels = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.9, 0.2], [-0.8, 0.1]]), torch.tensor([1, 0, 1, 0])
    held = torch.tensor([[0.5, 0.5], [-0.4, 0.3], [-0.2, -0.6]]), torch.tensor([0, 1, 1])
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs, labels), batch_size=2)
    before = network.weight.detach().clone()
    found = fit_and_watch(network, loader, held, lr=0.1, epochs=3)
    pair = isinstance(found, (tuple, list)) and len(found) == 2
    assert pair, "fit_and_watch does not give back two lists yet"
    lengths = len(found[0]), len(found[1])
    assert lengths == (3, 3), f"for 3 epochs the lists have {lengths[0]} and {lengths[1]} entries"
    assert not torch.equal(before, network.weight), "the network is the same as before: train it as fit does"
    with torch.no_grad():
        now = torch.nn.functional.cross_entropy(network(held[0]), held[1]).item()
    last = float(found[1][-1])
    assert abs(last - now) < 1e-4, (
        f"the last held-out loss is {last:.4f}; after the last epoch it is {now:.4f}. {AFTER}"
    )


def public_best(best_epoch):
    """best_epoch is right about four lists."""
    for losses in ([0.9, 0.4, 0.3, 0.5, 0.3], [0.2, 0.4], [1.0], [3.0, 2.0, 1.0]):
        found, asked = best_epoch(losses), losses.index(min(losses))
        assert found is not None and found is not ..., "best_epoch gives back nothing yet"
        assert found == asked, f"of {losses} the smallest stands first at place {asked}, and best_epoch says {found}"
