"""The recorder beside real torch: six orders, two layers and one, several optimizers; and that it never disturbs."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from loops.case import HEAD
from loops.judging import judged, train_of
from torch import nn

from autograder.loop.events import Kind, read
from autograder.loop.ledger import keep
from autograder.loop.reading import Facts
from autograder.loop.reading import read as verdict_of
from autograder.student import taps
from autograder.student.recorder import FULL_UPDATES, Recorder
from autograder.student.taps import TAPS, self_test

Network = nn.Sequential


def network(layers: int) -> Network:
    torch.manual_seed(3)
    sizes = (3, 5) if layers == 1 else (3, 2, 5)
    return nn.Sequential(*(nn.Linear(a, b) for a, b in itertools.pairwise(sizes)))


def examples(count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    draw = torch.Generator().manual_seed(4)
    return [(torch.randn(3, generator=draw), torch.randn(5, generator=draw)) for _ in range(count)]


def watched(of: nn.Module, loop: Any) -> tuple[str, Recorder]:
    """The ledger's verdict on what `loop()` does with `of`."""
    recorder = Recorder(dict(of.named_parameters()), module=of).start()
    error = ""
    try:
        loop()
    except RuntimeError as raised:
        error = str(raised)
    recorder.stop()
    return verdict_of(keep(read(recorder.account())), Facts(error=error)).verdict, recorder


def turn(of: Network, optimizer: torch.optim.Optimizer, letters: str, passes: int = 2) -> None:
    for _ in range(passes):
        for x, y in examples(4):
            loss = torch.sum((of(x) - y) ** 2)
            for letter in letters:
                if letter == "B":
                    loss.backward()
                elif letter == "S":
                    optimizer.step()
                else:
                    optimizer.zero_grad()


MACHINES: dict[str, dict[str, Any]] = {"plain": {}, "fused": {"fused": True}, "momentum": {"momentum": 0.9}}
ORDERS = {
    "BSZ": "CORRECT",
    "ZBS": "CORRECT_ROTATED",
    "BZS": "ZERO_BETWEEN",
    "ZSB": "STEP_BEFORE_BACKWARD",
    "SBZ": "STEP_BEFORE_BACKWARD",
    "SZB": "STEP_BEFORE_BACKWARD",
}
"""With the forward pass at the top of the loop. In ZSB and SBZ each gradient is erased before any Optimize."""
ALSO = {"ZSB": "ZERO_BETWEEN", "SBZ": "ZERO_BETWEEN"}


@pytest.mark.parametrize("letters", ORDERS)
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("layers", [1, 2])
def test_the_six_orders(letters: str, machine: str, layers: int) -> None:
    of = network(layers)
    optimizer = torch.optim.SGD(of.parameters(), lr=1e-3, **MACHINES[machine])
    start = [p.detach().clone() for p in of.parameters()]
    found, _ = watched(of, lambda: turn(of, optimizer, letters))
    assert found in (ORDERS[letters], ALSO.get(letters))
    still = all(torch.equal(p, old) for p, old in zip(of.parameters(), start, strict=True))
    assert still == (letters in ("BZS", "ZSB", "SBZ"))


@pytest.mark.parametrize("letters", ORDERS)
@pytest.mark.parametrize("machine", MACHINES)
def test_the_six_orders_before_both_witnesses(letters: str, machine: str) -> None:
    steps = {"B": "loss.backward()", "S": "optimizer.step()", "Z": "optimizer.zero_grad()"}
    body = "\n            ".join(steps[letter] for letter in letters)
    options = "".join(f", {key}={value}" for key, value in MACHINES[machine].items())
    source = f"""{HEAD}
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr{options})
    for epoch in range(epochs):
        for x, y in examples:
            loss = torch.sum((network(x) - y) ** 2)
            {body}
"""
    found = judged(train_of(source))
    assert found.name in (ORDERS[letters], ALSO.get(letters))
    assert (found.share == 1.0) == (letters in ("BSZ", "ZBS"))
    assert not found.flags


# --- it sees ----------------------------------------------------------------------------------------------------


def sgd(of: nn.Module, **options: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(of.parameters(), lr=1e-3, **options)


def by_hand(of: Network, reset: bool) -> None:
    for x, y in examples(5):
        torch.sum((of(x) - y) ** 2).backward()
        with torch.no_grad():
            for p in of.parameters():
                assert p.grad is not None
                p -= 1e-3 * p.grad
                if reset:
                    p.grad = None


def by_grad(of: Network) -> None:
    for x, y in examples(5):
        found = torch.autograd.grad(torch.sum((of(x) - y) ** 2), list(of.parameters()))
        with torch.no_grad():
            for p, gradient in zip(of.parameters(), found, strict=True):
                p.sub_(gradient, alpha=1e-3)


def two_optimizers(of: Network) -> None:
    pair = [sgd(layer) for layer in of]
    for x, y in examples(5):
        torch.sum((of(x) - y) ** 2).backward()
        for one in pair:
            one.step()
            one.zero_grad()


def lbfgs(of: Network) -> None:
    optimizer = torch.optim.LBFGS(of.parameters(), lr=0.1, max_iter=3)
    for x, y in examples(4):

        def closure(x: torch.Tensor = x, y: torch.Tensor = y) -> torch.Tensor:
            optimizer.zero_grad()
            loss = torch.sum((of(x) - y) ** 2)
            loss.backward()
            return loss

        optimizer.step(closure)


def generator(of: Network) -> None:
    optimizer = sgd(of)

    def losses() -> Iterator[torch.Tensor]:
        for x, y in examples(6):
            yield torch.sum((of(x) - y) ** 2)

    for loss in losses():
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def scheduled(of: Network) -> None:
    optimizer = sgd(of, momentum=0.9)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 0.0001, 1.0, 3)
    for x, y in examples(6):
        torch.sum((of(x) - y) ** 2).backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()


def duck(of: Network) -> None:
    class Mine:
        def step(self) -> None:
            for p in of.parameters():
                assert p.grad is not None
                p.data = p.data - 1e-3 * p.grad

        def zero_grad(self) -> None:
            for p in of.parameters():
                assert p.grad is not None
                p.grad.zero_()

    turn(of, Mine(), "BSZ")  # type: ignore[arg-type]


SEEN = {
    "by hand": (lambda of: by_hand(of, True), "CORRECT"),
    "by hand, no Reset": (lambda of: by_hand(of, False), "MISSING_ZERO"),
    "autograd.grad": (by_grad, "CORRECT"),
    "two optimizers": (two_optimizers, "CORRECT"),
    "LBFGS": (lbfgs, "CORRECT_ROTATED"),
    "generator": (generator, "CORRECT"),
    "schedule": (scheduled, "CORRECT"),
    "an optimizer of one's own": (duck, "CORRECT"),
    "Adam, foreach": (lambda of: turn(of, torch.optim.Adam(of.parameters(), foreach=True), "BSZ"), "CORRECT"),
}


@pytest.mark.parametrize("name", SEEN)
@pytest.mark.parametrize("layers", [1, 2])
def test_what_it_sees(name: str, layers: int) -> None:
    loop, wanted = SEEN[name]
    of = network(layers)
    found, recorder = watched(of, lambda: loop(of))
    assert found == wanted, recorder.account()["events"]


def test_places_are_lines_of_the_students_code() -> None:
    source = HEAD + (
        "def train(network, examples, *, lr, epochs):\n"
        "    optimizer = SGD(network.parameters(), lr=lr)\n"
        "    for x, y in examples:\n"
        "        torch.sum((network(x) - y) ** 2).backward()\n"
        "        optimizer.step()\n"
        "        for p in network.parameters():\n"
        "            p.grad = None\n"
    )
    of = network(2)
    found, recorder = watched(of, lambda: train_of(source)(of, examples(3), lr=1e-3, epochs=1))
    where = verdict_of(keep(read(recorder.account()))).where
    assert found == "CORRECT"
    assert {(spot.step, spot.cell, spot.line) for spot in where} >= {("Backprop", 1, 7), ("Optimize", 1, 8)}


def test_long_loops_are_seen_in_bursts_and_the_numbers_stay() -> None:
    plain, seen = network(2), network(2)
    turn(plain, sgd(plain), "BSZ", passes=500)
    found, recorder = watched(seen, lambda: turn(seen, sgd(seen), "BSZ", passes=500))
    account = read(recorder.account())
    gaps = [event.ref for event in account.events if event.kind == Kind.GAP]
    optimized = sum(event.kind == Kind.OPTIMIZE for event in account.events)
    assert found == "CORRECT"
    assert account.updates == 2000
    assert FULL_UPDATES < optimized < 400
    assert len(gaps) >= 5 and sum(gaps) + optimized <= 2000
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), seen.parameters(), strict=True))


def test_a_fault_that_comes_late_is_met_by_a_burst() -> None:
    of = network(2)
    optimizer = sgd(of)

    def loop() -> None:
        turn(of, optimizer, "BSZ", passes=100)
        turn(of, optimizer, "BS", passes=200)

    assert watched(of, loop)[0] in ("MISSING_ZERO", "ZERO_ONCE_PER_EPOCH")


# --- it does not disturb ----------------------------------------------------------------------------------------


def test_the_self_test_finds_every_mechanism_with_this_torch() -> None:
    assert self_test() == ()


@pytest.mark.parametrize(
    ("gone", "word"),
    [("_engine_run_backward", "choke point"), ("_get_sequence_nr", "sequence numbers")],
)
def test_a_mechanism_that_is_gone_is_named_and_the_rest_goes_on(
    gone: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if gone == "_engine_run_backward":
        monkeypatch.setattr(taps, "CHOKE", "_there_is_no_such_thing")
    else:
        monkeypatch.delattr(torch._C._autograd, gone)
    self_test.cache_clear()
    try:
        assert any(word in missing for missing in self_test())
        of = network(2)
        found, recorder = watched(of, lambda: turn(of, sgd(of), "BSZ"))
        assert any(word in note for note in recorder.account()["notes"])
        assert found in ("CORRECT", "UNEXPLAINED_UPDATE")
        wrong = network(2)
        assert watched(wrong, lambda: turn(wrong, sgd(wrong), "BS"))[0] in ("MISSING_ZERO", "UNEXPLAINED_UPDATE")
    finally:
        monkeypatch.undo()
        self_test.cache_clear()


def test_everything_is_taken_out_again() -> None:
    from torch.optim import optimizer as module

    def state() -> list[Any]:
        return [
            torch.autograd._engine_run_backward, torch.optim.Optimizer.zero_grad, nn.Module.zero_grad,
            len(module._global_optimizer_pre_hooks), len(module._global_optimizer_post_hooks), len(TAPS.listeners),
        ]  # fmt: skip

    before = state()
    of = network(2)
    watched(of, lambda: turn(of, sgd(of), "BSZ"))
    watched(of, lambda: turn(of, sgd(of), "SZB"))  # ends in an error
    assert state() == before
    assert not any(p._backward_hooks for p in of.parameters())
    assert not of._forward_hooks and not of._forward_pre_hooks


def test_random_numbers_are_the_same_with_and_without() -> None:
    found = []
    for seen in (False, True):
        of = network(2)
        torch.manual_seed(9)
        random.seed(9)
        if seen:
            watched(of, lambda of=of: turn(of, sgd(of), "BSZ"))
        else:
            turn(of, sgd(of), "BSZ")
        found.append((torch.rand(3).tolist(), random.random(), [p.tolist() for p in of.parameters()]))
    assert found[0] == found[1]


# --- what is not modelled ---------------------------------------------------------------------------------------


def in_a_thread(of: Network) -> None:
    thread = threading.Thread(target=lambda: turn(of, sgd(of), "BSZ"))
    thread.start()
    thread.join()


def under_autocast(of: Network) -> None:
    optimizer = sgd(of)
    for x, y in examples(5):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = of(x[None])
        torch.sum((output.float() - y) ** 2).backward()
        optimizer.step()
        optimizer.zero_grad()


def with_gradient_hooks(of: Network) -> None:
    optimizer = sgd(of)
    for p in of.parameters():
        p.register_hook(lambda gradient: gradient.clamp(-1, 1))
    turn(of, optimizer, "BSZ")


def functional(of: Network) -> None:
    from torch.func import functional_call, grad

    values = dict(of.named_parameters())
    for x, y in examples(5):
        found = grad(lambda p, x=x, y=y: torch.sum((functional_call(of, p, (x,)) - y) ** 2))(values)
        with torch.no_grad():
            for name, value in values.items():
                value -= 1e-3 * found[name]


FAULTLESS = {"CORRECT", "CORRECT_ROTATED", "UNEXPLAINED_UPDATE"}


@pytest.mark.parametrize("loop", [in_a_thread, under_autocast, with_gradient_hooks, functional])
def test_what_is_not_modelled_is_no_fault(loop: Any) -> None:
    of = network(2)
    found, recorder = watched(of, lambda: loop(of))
    assert found in FAULTLESS, recorder.account()


NOT_MODELLED = {
    "threads": """
    import threading
    thread = threading.Thread(target=go, args=(network, examples, lr, epochs))
    thread.start()
    thread.join()
""",
    "autocast": """
    with torch.autocast("cpu", dtype=torch.bfloat16):
        go(network, examples, lr, epochs)
""",
    "compiled": """
    whole = torch.compile(network, backend="aot_eager")
    go(whole, examples, lr, epochs)
""",
    "gradient hooks": """
    for p in network.parameters():
        p.register_hook(lambda gradient: gradient * 1.0)
    go(network, examples, lr, epochs)
""",
}


@pytest.mark.parametrize("name", NOT_MODELLED)
def test_what_is_not_modelled_ends_in_no_fault_before_both_witnesses(name: str) -> None:
    source = f"""{HEAD}
def go(network, examples, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for epoch in range(epochs):
        for x, y in examples:
            loss = torch.sum((network(x) - y).float() ** 2)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

def train(network, examples, *, lr, epochs):{NOT_MODELLED[name]}
"""
    found = judged(train_of(source))
    assert found.correct is not False, found
    assert found.name in FAULTLESS
    if name != "autocast":  # bfloat16 has other numbers: a person looks
        assert found.share == 1.0, found
