"""The decision and the replay in their details: every guard by the loop, or the account, that it is there for."""

from __future__ import annotations

import numpy
import pytest
import torch
from loops.case import BSZ, HEAD, LOSS, two_loops
from loops.judging import evidence, judged, train_of
from loops.right import LAB

from autograder.loop.decision import Rules, _loss, learned
from autograder.loop.events import Account, Event, Kind
from autograder.loop.evidence import Evidence
from autograder.loop.gradients import ChainGradient
from autograder.loop.replay import Replayed
from autograder.loop.wording import PROVISIONAL, filled

WEIGHTS = {"m1.weight": numpy.zeros((2, 3)), "m1.bias": numpy.zeros(2), "m2.weight": numpy.zeros((5, 2))}


def test_an_example_that_one_loss_asks_about_twice_is_one_example() -> None:
    """Two forward passes of the same row, and one of two rows, each with one Backprop."""
    events = [Event(Kind.FORWARD, ref=1)] * 2 + [Event(Kind.BACKPROP, 1)] + [Event(Kind.FORWARD, ref=2)] * 2
    account = Account(("m1.weight",), [*events, Event(Kind.BACKPROP, 1)], [(0, 0), (0, 1), (1, 2), (1, 3)])
    gradient = ChainGradient(numpy.zeros((3, 3)), numpy.zeros((3, 5)))
    one = Evidence(WEIGHTS, WEIGHTS, gradient, 3, 1, 1e-3, account, [(0,), (0,), (1, 2), (2, 2)])
    assert one.rows_of_backprops == [[0], [1, 2, 2]]


def test_the_first_update_put_back_at_the_end_is_no_choice_of_the_best() -> None:
    """A loop may keep its best weights; one that is best after the first update of every probe rather ends there."""
    source = two_loops(
        LAB + "\nif kept is None:\n    kept = copy.deepcopy(network.state_dict())",
        head="import copy\n",
        start="optimizer = SGD(network.parameters(), lr=lr)\nkept = None",
        end="network.load_state_dict(kept)",
    )
    found = judged(train_of(source), seed=3)
    assert (found.name, found.share, found.correct) == ("STOPS_EARLY", 0.0, False)
    assert found.sentence.startswith("Only 1 of ")


def test_of_weights_that_moved_nobody_says_that_nothing_was_trained() -> None:
    """Nothing was seen of the loop, and no numbers explain it."""
    source = """
def train(network, examples, *, lr, epochs):
    with torch.no_grad():
        for p in network.parameters():
            p.mul_(0.7).add_(0.01)
"""
    found = judged(train_of(HEAD + source), silence=True)
    assert (found.name, found.share, found.correct) == ("UNEXPLAINED_UPDATE", 0.0, None)
    assert found.sentence == filled(PROVISIONAL)
    assert found.ledger == "UNEXPLAINED_UPDATE"


ONCE_A_PASS = two_loops(LOSS + "\nloss.backward()", after="optimizer.step()\noptimizer.zero_grad()")


def test_nobody_is_scolded_for_what_costs_nothing() -> None:
    train = train_of(ONCE_A_PASS)
    full, half = (judged(train, rules=Rules({"STEP_ONCE_PER_EPOCH": share})) for share in (1.0, 0.5))
    assert (full.name, full.share, half.share) == ("STEP_ONCE_PER_EPOCH", 1.0, 0.5)
    assert full.sentence == (
        "You Optimize once per pass, each time with the marks of all its examples. Your course takes no mark for that."
    )
    assert full.advice == "" and full.timeline is not None and full.timeline.advice == ""
    assert "the lab asks for" in half.sentence and half.advice.startswith("Move the three steps")


WRITTEN = {
    "set to 0": "for p in network.parameters():\n    p.data.zero_()",
    "lr added": "for p in network.parameters():\n    p.data += lr",
    "lr added beside a Backprop": LOSS + "\nloss.backward()\nfor p in network.parameters():\n    p.data += lr",
    "noise": "for p in network.parameters():\n    p.data += lr * torch.randn_like(p)",
}
MOVED = {
    "the lab's": LAB,
    "never Reset": LOSS + "\nloss.backward()\noptimizer.step()",
    "by hand": LOSS + "\nloss.backward()\nfor p in network.parameters():\n    p.data -= lr * p.grad\n    p.grad = None",
    "the wrong way": "loss = -torch.sum((network(x) - y) ** 2)\n" + BSZ,
    "another loss": "loss = torch.mean((network(x) - y) ** 4)\n" + BSZ,
    "a lr typed in": LOSS + "\nfor g in optimizer.param_groups:\n    g['lr'] = 2e-3\n" + BSZ,
}


@pytest.mark.parametrize("body", WRITTEN)
def test_what_was_written_is_not_learned(body: str) -> None:
    assert not any(learned(one) for one in evidence(train_of(two_loops(WRITTEN[body]))))


@pytest.mark.parametrize("body", MOVED)
def test_a_loop_that_is_wrong_in_its_order_learns_all_the_same(body: str) -> None:
    assert all(learned(one) for one in evidence(train_of(two_loops(MOVED[body]))))


def test_an_account_of_a_right_loop_is_no_witness_of_other_numbers() -> None:
    source = LAB + "\n"
    train = train_of(
        two_loops(source, end="network.recorder.stop()\nfor p in network.parameters():\n    p.data.zero_()")
    )
    assert not any(learned(one) for one in evidence(train))
    assert torch.is_grad_enabled()


def test_a_loop_that_ends_within_its_last_pass_has_learned_whatever_was_written_after() -> None:
    """How many passes were asked for tells that its account is not that of a right loop."""
    train = train_of(
        two_loops(
            LAB + "\ncount += 1\nif count == epochs * len(examples) - 1:\n    break",
            start="optimizer = SGD(network.parameters(), lr=lr)\ncount = 0",
            end="network.recorder.stop()\nfor p in network.parameters():\n    p.data.zero_()",
        )
    )
    assert all(learned(one) for one in evidence(train))


@pytest.mark.parametrize(
    ("proofs", "name"),
    [
        ([Replayed(True, True, against=True)], "WRONG_DIRECTION"),
        ([Replayed(True, True, scale=-1.0)], "WRONG_DIRECTION"),
        ([Replayed(True, True, against=True), Replayed(True, True, scale=-0.5)], "WRONG_DIRECTION"),
        ([Replayed(True, True, against=True), Replayed(True, False)], "WRONG_DIRECTION"),
        ([Replayed(True, True, against=True), Replayed(True, True)], "WRONG_LOSS"),
        ([Replayed(True, True, scale=0.5)], "WRONG_LOSS"),
        ([Replayed(True, False)], "WRONG_LOSS"),
    ],
)
def test_another_loss_is_a_wrong_direction_where_every_finite_probe_leads_away(
    proofs: list[Replayed], name: str
) -> None:
    assert _loss(proofs).name == name
