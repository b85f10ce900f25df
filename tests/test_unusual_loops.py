# ruff: noqa: E501 - sources of loops, one a line where they fit
"""Loops that an honest but unusual coder writes, and `fit_product`: full marks without a flag, or the right name."""

from __future__ import annotations

from textwrap import indent

import pytest
import torch
from loops.case import BSZ, HEAD, LOSS, two_loops
from loops.judging import judged, judged_product, train_of
from loops.right import LAB

from autograder.loop.events import Account, Event, Kind
from autograder.loop.ledger import keep
from autograder.loop.reading import Facts, read
from autograder.student.watching import watch, whole_rounds

SGD_LINE = "optimizer = SGD(network.parameters(), lr=lr)\n"
HONEST = {
    "gradients clamped": (
        "CORRECT",
        two_loops(
            LOSS + "\nloss.backward()\nnn.utils.clip_grad_value_(network.parameters(), 0.5)\n"
            "optimizer.step()\noptimizer.zero_grad()"
        ),
    ),
    "a warm-up that is not over": (
        "CORRECT",
        two_loops(
            LAB,
            start=SGD_LINE + "warm = torch.optim.lr_scheduler.LinearLR(optimizer, 0.5, total_iters=9)",
            after="warm.step()",
        ),
    ),
    "the best weights are put back": (
        "CORRECT",
        two_loops(
            LAB + "\nif loss.item() < best:\n    best, kept = loss.item(), copy.deepcopy(network.state_dict())",
            head="import copy\n",
            start=SGD_LINE + "best, kept = 1e9, None",
            end="network.load_state_dict(kept)",
        ),
    ),
    "minus the loss is maximized": (
        "CORRECT",
        two_loops(
            "loss = -torch.sum((network(x) - y) ** 2)\n" + BSZ,
            start="optimizer = SGD(network.parameters(), lr=lr, maximize=True)",
        ),
    ),
    "a Backprop to look at the marks first": (
        "CORRECT",
        two_loops(
            LAB,
            start=SGD_LINE + "x, y = examples[0]\nfor _ in range(epochs > 0):\n    "
            "torch.sum((network(x) - y) ** 2).backward()\nnetwork.zero_grad()",
        ),
    ),
    "Optimize in a hook of Backprop": (
        "UNEXPLAINED_UPDATE",
        two_loops(
            "torch.sum((network(x) - y) ** 2).backward()",
            head="def hop(p):\n    p.own.step()\n    p.own.zero_grad()\n",
            start="for p in network.parameters():\n    p.own = SGD([p], lr=lr)\n"
            "    p.register_post_accumulate_grad_hook(hop)",
        ),
    ),
    "gradients worked out by hand": (
        "UNEXPLAINED_UPDATE",
        two_loops(
            "with torch.no_grad():\n    h = network.m1(x)\n    d = 2 * (network.m2(h) - y)\n    g = d @ network.m2.weight\n"
            "    network.m2.weight -= lr * torch.outer(d, h)\n    network.m2.bias -= lr * d\n"
            "    network.m1.weight -= lr * torch.outer(g, x)\n    network.m1.bias -= lr * g",
            start="pass",
        ),
    ),
    "new parameters in each turn": (
        "UNEXPLAINED_UPDATE",
        two_loops(
            LOSS + "\nloss.backward()\nfor layer in (network.m1, network.m2):\n    for name in ('weight', 'bias'):\n"
            "        old = getattr(layer, name)\n        setattr(layer, name, nn.Parameter(old.detach() - lr * old.grad))",
            start="pass",
        ),
    ),
}


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("seed", [6, 11])
def test_an_honest_loop_of_an_unusual_kind_keeps_its_marks(name: str, seed: int) -> None:
    verdict, source = HONEST[name]
    found = judged(train_of(source), seed=seed)
    assert (found.name, found.share, found.correct, found.flags) == (verdict, 1.0, True, ())


def test_a_hook_that_doubles_gradients_is_a_matter_for_a_person_and_not_a_second_backprop() -> None:
    start = SGD_LINE + "for p in network.parameters():\n    p.register_hook(lambda gradient: 2 * gradient)"
    found = judged(train_of(two_loops(LAB, start=start)))
    assert (found.name, found.correct) == ("UNEXPLAINED_UPDATE", None)


def test_gradients_added_up_by_hand_are_old_marks() -> None:
    body = LOSS + (
        "\nps = list(network.parameters())\nfor p, g in zip(ps, torch.autograd.grad(loss, ps)):\n"
        "    p.grad = g if p.grad is None else p.grad + g\noptimizer.step()"
    )
    assert judged(train_of(two_loops(body))).name == "MISSING_ZERO"


def test_one_update_for_everything_is_no_accumulating_on_purpose_even_if_an_example_is_left_out() -> None:
    body = "if loss is not None:\n    loss.backward()\nloss = torch.sum((network(x) - y) ** 2)"
    start = "loss = torch.sum((network(examples[0][0]) - examples[0][1]) ** 2)\n" + SGD_LINE
    found = judged(train_of(two_loops(body, start=start, end="optimizer.step()")))
    assert (found.name, found.share) == ("STEP_ONCE_PER_EPOCH", 0.0)


def test_a_way_too_short_to_prove_an_order_keeps_no_marks() -> None:
    body = LOSS + "\nloss.backward()\nnn.utils.clip_grad_value_(network.parameters(), 1e-4)\n" + "optimizer.step()"

    def resets(account: dict[str, object]) -> dict[str, object]:
        rows = account["events"].tolist()  # type: ignore[attr-defined]
        told = [new for row in rows for new in ([row, [3, row[1], 0, 0, -1, -1, 1, 0]] if row[0] == 2 else [row])]
        return {**account, "events": torch.tensor(told)}

    assert judged(train_of(two_loops(body)), change=resets).share == 0


# --- two scalars ------------------------------------------------------------------------------------------------

MAKE = "optimizer = SGD([var_1, var_2], lr=lr)"
MISS = "loss = (goal - var_1 * var_2) ** 2\n"


def product(body: str, start: str = MAKE) -> str:
    head = HEAD + "def fit_product(var_1, var_2, goal, *, lr=3e-3, steps=1):\n" + indent(start, "    ")
    return head + "\n    for _ in range(steps):\n" + indent(body, "        ") + "\n"


PRODUCTS = {
    "the lab's": ("CORRECT", 1.0, "", product(MISS + BSZ)),
    "by hand": ("CORRECT", 1.0, "", product(
        MISS + "loss.backward()\nwith torch.no_grad():\n    for v in (var_1, var_2):\n        v -= lr * v.grad\n"
        "        v.grad = None", "pass")),
    "derivatives on paper": ("UNEXPLAINED_UPDATE", 1.0, "", product(
        "with torch.no_grad():\n    d = 2 * (var_1 * var_2 - goal)\n    a, b = d * var_2, d * var_1\n"
        "    var_1 -= lr * a\n    var_2 -= lr * b", "pass")),
    "nothing": ("NO_TRAINING", 0.0, "Nothing was trained", product("pass", "pass")),
    "no Reset": ("MISSING_ZERO", 0.0, "1 earlier example ", product(MISS + "loss.backward()\noptimizer.step()")),
    "new names": ("MISSING_STEP", 0.0, "(1 gradient, 0 updates)", product(
        MISS + "loss.backward()\nvar_1 = (var_1 - lr * var_1.grad).detach().requires_grad_()\n"
        "var_2 = (var_2 - lr * var_2.grad).detach().requires_grad_()", "pass")),
    "other tensors": ("WRONG_PARAMETERS", 0.0, "not the ones you were handed", product(
        MISS + BSZ, "var_1, var_2 = (v.detach().clone().requires_grad_() for v in (var_1, var_2))\n" + MAKE)),
    "one of them": ("PARTIAL_PARAMETERS", 0.0, "var_2 never changes", product(
        MISS + BSZ, "optimizer = SGD([var_1], lr=lr)")),
    "a number": ("DETACHED", 0.0, "lost its connection", product("loss = (goal - (var_1 * var_2).item()) ** 2\n" + BSZ)),
    "absolute": ("WRONG_LOSS", 1.0, "The order is right", product("loss = (goal - var_1 * var_2).abs()\n" + BSZ)),
    "not squared": ("WRONG_LOSS", 1.0, "The order is right", product("loss = goal - var_1 * var_2\n" + BSZ)),
    "outside no_grad": ("NOT_RUN", 0.0, "leaf Variable", product(
        MISS + "loss.backward()\nvar_1 -= lr * var_1.grad", "pass")),
}  # fmt: skip


@pytest.mark.parametrize("name", PRODUCTS)
def test_two_scalars(name: str) -> None:
    verdict, share, words, source = PRODUCTS[name]
    found = judged_product(source)
    assert (found.name, found.share, found.flags) == (verdict, share, ())
    assert words in found.sentence


def test_what_python_stops_says_what_to_change() -> None:
    assert "with torch.no_grad():" in judged_product(PRODUCTS["outside no_grad"][3]).advice


# --- watch ------------------------------------------------------------------------------------------------------


def test_an_interrupted_loop_is_read_as_far_as_it_went() -> None:
    network = torch.nn.Linear(3, 5)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
    with pytest.raises(KeyboardInterrupt), watch(network, show=False) as seen:
        for turn in range(5):
            network(torch.ones(3)).square().sum().backward()
            if turn == 3:
                raise KeyboardInterrupt
            optimizer.step()
            optimizer.zero_grad()
    assert seen.verdict == "CORRECT"


def test_an_interrupt_before_the_first_update_leaves_all_that_was_seen() -> None:
    events = [Event(Kind.BACKPROP, 1), Event(Kind.RESET, 1)]
    assert whole_rounds(events) == events


def test_lost_gradients_of_a_whole_pass_are_no_try_out() -> None:
    account = Account(names=("weight",), moved=1)
    for turn in range(6):
        account.events += [Event(Kind.BACKPROP, 1, ref=turn), Event(Kind.RESET, 1, flags=1)]
    account.events += [Event(Kind.BACKPROP, 1, ref=9), Event(Kind.WRITTEN, 1, flags=1, ref=-1)]
    assert read(keep(account), Facts()).verdict == "STOPS_EARLY"
