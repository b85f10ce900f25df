"""Loops that are wrong and hide it: no fault that acts at a probed size keeps full marks for order.

Each of these loops has a real fault, and beside it something that silences, deceives or rewrites what was seen. The
replay computes the numbers in the judge, so none of it buys a mark. What remains possible stands at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from loops.case import HEAD
from loops.judging import Change, judged, train_of

from autograder.loop.events import Kind
from autograder.loop.verdicts import RIGHT

NO_RESET = """
def wrong(network, examples, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for epoch in range(epochs):
        for x, y in examples:
            loss = torch.sum((network(x) - y) ** 2)
            loss.backward()
            optimizer.step()
"""
STALE = """
def wrong(network, examples, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr, fused=True)
    for epoch in range(epochs):
        losses = [torch.sum((network(x) - y) ** 2) for x, y in examples]
        for loss in losses:
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
"""
LAGGING = """
def wrong(network, examples, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr, fused=True)
    for epoch in range(epochs):
        for x, y in examples:
            loss = torch.sum((network(x) - y) ** 2)
            optimizer.step()
            optimizer.zero_grad()
            loss.backward()
"""
ONCE_A_PASS = """
def wrong(network, examples, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for epoch in range(epochs):
        for x, y in examples:
            torch.sum((network(x) - y) ** 2).backward()
        optimizer.step()
        optimizer.zero_grad()
"""
FAULTS = {"no reset": NO_RESET, "stale": STALE, "lagging": LAGGING, "once a pass": ONCE_A_PASS}

RIGHT_LOOP = """
def right(network, examples, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for epoch in range(epochs):
        for x, y in examples:
            loss = torch.sum((network(x) - y) ** 2)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
"""

TRICKS = {
    "the optimizers' hooks are cleared": """
def train(network, examples, *, lr, epochs):
    import torch.optim.optimizer as module
    module._global_optimizer_pre_hooks.clear()
    module._global_optimizer_post_hooks.clear()
    for p in network.parameters():
        p._post_accumulate_grad_hooks = None
    wrong(network, examples, lr, epochs)
""",
    "the choke point is restored": """
def train(network, examples, *, lr, epochs):
    import torch.autograd, torch.autograd.graph as graph
    kept = torch.autograd._engine_run_backward
    torch.autograd._engine_run_backward = graph._engine_run_backward
    try:
        wrong(network, examples, lr, epochs)
    finally:
        torch.autograd._engine_run_backward = kept
""",
    "nobody listens any more": """
def train(network, examples, *, lr, epochs):
    from autograder.student.taps import TAPS
    kept = list(TAPS.listeners)
    TAPS.listeners.clear()
    TAPS.tune()
    wrong(network, examples, lr, epochs)
""",
    "the recorder is stopped": """
def train(network, examples, *, lr, epochs):
    network.recorder.stop()
    wrong(network, examples, lr, epochs)
""",
    "the recorder says that it broke": """
def train(network, examples, *, lr, epochs):
    network.recorder.broken = True
    wrong(network, examples, lr, epochs)
""",
    "a twin's honest account is put in place of one's own": """
def train(network, examples, *, lr, epochs):
    twin = type(network)(network.sizes, {k: v.clone() for k, v in network.state_dict().items()})
    twin.recorder.start()
    right(twin, examples, lr, epochs)
    twin.recorder.stop()
    wrong(network, examples, lr, epochs)
    mine, theirs = network.recorder, twin.recorder
    mine.stop()
    for name in ("events", "reaches", "numbers", "settings", "places", "rows", "pulls", "updates", "backprops"):
        setattr(mine, name, getattr(theirs, name))
""",
    "resets are written into the account, found through gc": """
def train(network, examples, *, lr, epochs):
    import gc
    wrong(network, examples, lr, epochs)
    for thing in gc.get_objects():
        if type(thing).__name__ == "Recorder" and thing.names == [n for n, _ in network.named_parameters()]:
            events = []
            for event in thing.events:
                events.append(event)
                if event[0] == 2:
                    events.append((3, event[1], 0, 0, -1, event[5], 1, 0))
            thing.events = events
""",
    "the counters are edited through gc": """
def train(network, examples, *, lr, epochs):
    import gc
    wrong(network, examples, lr, epochs)
    for thing in gc.get_objects():
        if type(thing).__name__ == "Recorder":
            thing.updates = thing.backprops = len(examples) * epochs
            thing.events = [e[:3] + (0,) + e[4:7] + (0,) if e[0] == 1 else e for e in thing.events]
""",
    "the account raises when it is asked for": """
def train(network, examples, *, lr, epochs):
    wrong(network, examples, lr, epochs)
    network.recorder.account = lambda: {"events": "none", "names": 5}
""",
    "an optimizer whose Reset does nothing": """
def train(network, examples, *, lr, epochs):
    kept = torch.optim.Optimizer.zero_grad
    torch.optim.Optimizer.zero_grad = lambda self, set_to_none=True: None
    try:
        wrong(network, examples, lr, epochs)
    finally:
        torch.optim.Optimizer.zero_grad = kept
""",
    "it behaves for some numbers of examples": """
def train(network, examples, *, lr, epochs):
    (right if len(examples) < 100 else wrong)(network, examples, lr, epochs)
""",
    "it behaves for few examples alone": """
def train(network, examples, *, lr, epochs):
    (right if len(examples) <= 4 else wrong)(network, examples, lr, epochs)
""",
    "it behaves while it is watched": """
def train(network, examples, *, lr, epochs):
    twin = type(network)(network.sizes, {k: v.clone() for k, v in network.state_dict().items()})
    wrong(twin, examples, lr, epochs)
    right(network, examples, lr, epochs)
    with torch.no_grad():
        for mine, theirs in zip(network.parameters(), twin.parameters()):
            mine.copy_(theirs)
""",
    "it tells that older weights were put back": """
def train(network, examples, *, lr, epochs):
    wrong(network, examples, lr, epochs)
    network.recorder.stop()
    everything = (1 << len(network.recorder.names)) - 1
    network.recorder.events.append((4, everything, 0, 0, -1, -1, 4, 0))
""",
}

DECEIT = {
    "a fake SGD that does nothing": """
class SGD:
    def __init__(self, parameters, lr): self.parameters = list(parameters)
    def step(self): pass
    def zero_grad(self): pass
""",
    "calls in the right order, on a copy": """
def train(network, examples, *, lr, epochs):
    import copy
    twin = copy.deepcopy(network)
    right(twin, examples, lr, epochs)
""",
    "calls in the right order, and an answer worked out otherwise": """
def train(network, examples, *, lr, epochs):
    import copy
    right(copy.deepcopy(network), examples, lr, epochs)
    inputs = torch.stack([torch.cat([x, torch.ones(1)]) for x, y in examples])
    targets = torch.stack([y for x, y in examples])
    with torch.no_grad():
        hidden = inputs[:, :3] @ network.m1.weight.T + network.m1.bias
        solved = torch.linalg.lstsq(torch.cat([hidden, torch.ones(len(hidden), 1)], 1), targets).solution
        network.m2.weight.copy_(solved[:2].T)
        network.m2.bias.copy_(solved[2])
""",
    "the numbers are a table": """
def train(network, examples, *, lr, epochs):
    torch.manual_seed(0)
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(torch.randn_like(p))
""",
    "only the first example, in everybody's name": """
def train(network, examples, *, lr, epochs):
    right(network, [examples[0]] * len(examples), lr, epochs)
""",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("trick", TRICKS)
def test_a_hidden_fault_does_not_keep_the_marks(fault: str, trick: str) -> None:
    found = judged(train_of(HEAD + FAULTS[fault] + RIGHT_LOOP + TRICKS[trick]), seed=3)
    assert found.share < 1, found
    assert found.as_asked is not True


@pytest.mark.parametrize("name", DECEIT)
def test_going_through_the_motions_does_not_earn_the_marks(name: str) -> None:
    source = HEAD + RIGHT_LOOP + DECEIT[name]
    if "def train" not in source:
        source += "def train(network, examples, *, lr, epochs):\n    right(network, examples, lr, epochs)\n"
    found = judged(train_of(source), seed=4)
    assert found.share < 1, found


def test_nothing_is_left_changed_in_torch_by_those_tricks() -> None:
    found = judged(train_of(HEAD + RIGHT_LOOP + "train = lambda n, e, *, lr, epochs: right(n, e, lr, epochs)\n"))
    assert (found.name, found.share) == ("CORRECT", 1.0)


def resets(account: dict[str, Any], **settings: float) -> dict[str, Any]:
    """The account with a Reset after every Optimize, and other settings of the optimizer."""
    rows = []
    for row in account["events"].tolist():
        rows.append(row)
        if row[0] == Kind.OPTIMIZE:
            rows.append([int(Kind.RESET), row[1], 0, 0, -1, -1, 1, 0])
    for one in account["settings"]:
        for group in one["groups"]:
            group["settings"] = {**group["settings"], **settings}
    return {**account, "events": torch.tensor(rows)}


def test_momentum_told_as_one_does_not_pass_for_a_right_loop() -> None:
    """The numbers are the same to the last bit, so the setting must not be believed."""
    train = train_of(HEAD + NO_RESET + "train = lambda n, e, *, lr, epochs: wrong(n, e, lr, epochs)\n")
    for momentum in (1.0, 0.9999, float("inf"), float("nan"), True):
        found = judged(train, change=lambda account, m=momentum: resets(account, momentum=m))
        assert found.share < 1, (momentum, found)


def rewritten(account: dict[str, Any], rows: Callable[[int, list[int]], list[list[int]]]) -> torch.Tensor:
    return torch.tensor([new for n, row in enumerate(account["events"].tolist()) for new in rows(n, row)])


LIES: dict[str, Change] = {
    "no gradient is out of date": lambda a: {
        **a, "events": torch.tensor([[*r[:3], 0, *r[4:7], 0] if r[0] == 1 else r for r in a["events"].tolist()])
    },
    "gradients without a Backprop": lambda a: {
        **a, "events": torch.tensor([r for r in a["events"].tolist() if r[0] != 1])
    },
    "forward passes of other rows": lambda a: {**a, "rows": a["rows"].flip(0)},
    "a negative momentum": lambda a: resets(a, momentum=-0.5),
    "weight decay that is none": lambda a: resets(a, weight_decay=50.0),
    "an optimizer that there is not": lambda a: {
        **a, "settings": [{**one, "name": "Optimizer.__init__"} for one in a["settings"]]
    },
    "dampening": lambda a: resets(a, dampening=0.5),
    "other tensors": lambda a: {**a, "names": ["weight"]},
    "updates by hand with any factor": lambda a: {
        **a,
        "events": rewritten(a, lambda n, r: [[4, r[1], 0, 0, n, -1, 1, 0]] if r[0] == 2 else [r]),
        "numbers": torch.linspace(1e-4, 2e-3, len(a["events"]), dtype=torch.float64),
    },
    "gradients that were clipped": lambda a: {
        **a,
        "events": rewritten(a, lambda n, r: [[5, r[1], 0, 0, 0, -1, 0, 0], r] if r[0] == 2 else [r]),
        "numbers": torch.tensor([0.5], dtype=torch.float64),
    },
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("lie", LIES)
def test_a_rewritten_account_does_not_keep_the_marks(fault: str, lie: str) -> None:
    train = train_of(HEAD + FAULTS[fault] + "train = lambda n, e, *, lr, epochs: wrong(n, e, lr, epochs)\n")
    found = judged(train, seed=5, change=LIES[lie])
    assert found.share < 1, found
    assert found.name not in RIGHT


HALF = """
def train(network, examples, *, lr, epochs):
    right(network, examples[::2], lr, epochs)
    told = network.recorder
    told.stop()
    everything = (1 << len(told.names)) - 1
    told.numbers += [1e-12, 0.1, -0.1]
    for _ in range(epochs):
        for x, y in examples[1::2]:
            told.rows.append(x.reshape(1, -1).clone())
            told.events.append((0, 0, 0, 0, 1, -1, 0, 0))
            told.events.append((1, everything, 0, 0, 10**6 + told.backprops, -1, 0, 0))
            told.reaches.append((told.backprops, told.forwards))
            pull(told, x)
            told.forwards += 1
            told.backprops += 1
            update(told, everything)
            told.events.append((3, everything, 0, 0, -1, -1, 1, 0))
def pull(told, x):
    pass
def setting(told, lr, name="SGD", **settings):
    group = {"parameters": told.names, "others": 0, "settings": {"lr": lr, **settings}}
    told.settings.append({"optimizer": len(told.settings), "name": name, "own": False, "groups": [group]})
    return len(told.settings) - 1
def step(told, everything, number):
    told.events.append((2, everything, everything, everything, number, -1, 0, 0))
def edit(told, everything, flags=0):
    told.events.append((5, everything, 0, 0, len(told.numbers) - 3, -1, flags, 0))
def real_lr(told):
    return told.settings[0]["groups"][0]["settings"]["lr"]
"""
"""Half of the examples are learned from; the account has the others too, in updates that do nothing."""

NOTHING = {
    "a learning rate of 0": "step(told, everything, setting(told, 0.0))",
    "one far below lr": "step(told, everything, setting(told, 1e-6 * real_lr(told)))",
    "gradients edited away": "edit(told, everything)\n    step(told, everything, 0)",
    "gradients clamped away": "edit(told, everything, 1)\n    step(told, everything, 0)",
    "an optimizer that hardly moves": "len(told.settings) > 1 or setting(told, real_lr(told), 'Adadelta', eps=1e-30)\n"
    "    step(told, everything, 1)",
    "a factor of nothing by hand": "told.events.append((4, everything, 0, 0, len(told.numbers) - 3, -1, 1, 0))",
    "no turn of LBFGS": 'step(told, everything, setting(told, real_lr(told), "LBFGS", max_iter=0, max_eval=0))',
}


def forged(update: str, pull: str = "") -> str:
    source = HEAD + RIGHT_LOOP + HALF + f"def update(told, everything):\n    {update}\n"
    return source + (f"def pull(told, x):\n    {pull}\n" if pull else "")


@pytest.mark.parametrize("how", NOTHING)
def test_updates_that_do_nothing_are_no_learning(how: str) -> None:
    found = judged(train_of(forged(NOTHING[how])), seed=6)
    assert found.share == 0 and found.as_asked is not True, found
    if "LBFGS" not in how:  # which is not believed at all
        assert (found.name, found.flags) == ("STOPS_EARLY", ("LEDGER_DISAGREES: CORRECT",))
        assert "examples were learned from" in found.sentence


def test_a_loss_that_pulls_at_nothing_is_no_learning() -> None:
    """The same with gradients at the outputs that are told to be 0: no other loss, but none at all."""
    pull = "told.pulls.append((told.backprops, told.forwards, torch.zeros(1, 5)))"
    found = judged(train_of(forged("step(told, everything, 0)", pull)), seed=6)
    assert (found.name, found.share) == ("STOPS_EARLY", 0.0)


def test_updates_that_undo_each_other_are_not_believed() -> None:
    """A small update and, along the next gradient, its opposite: together they move nothing that numbers could tell."""
    there = "told.events.append((4, everything, 0, 0, len(told.numbers) - {}, -1, 1, 0))"
    source = forged("told.numbers[-2:] = [1e-5, -1e-5]\n    " + there.format("(2 if told.backprops % 2 else 1)"))
    found = judged(train_of(source), seed=6)
    assert found.share == 0 and found.as_asked is not True, found


HALF_FROZEN = """
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.m2.parameters(), lr=lr)
    for epoch in range(epochs):
        for x, y in examples:
            loss = torch.sum((network(x) - y) ** 2)
            loss.backward()
            optimizer.step()
            network.zero_grad()
    told = network.recorder
    told.stop()
    everything = (1 << len(told.names)) - 1
    told.events = [(2, everything, everything, everything, *e[4:]) if e[0] == 2 else e for e in told.events]
    for one in told.settings:
        one["groups"].append({"parameters": ["m1.weight", "m1.bias"], "others": 0, "settings": {"lr": 0.0}})
"""


def test_a_tensor_at_a_learning_rate_of_0_is_not_learned() -> None:
    found = judged(train_of(HEAD + HALF_FROZEN), seed=6)
    assert (found.name, found.share) == ("PARTIAL_PARAMETERS", 0.0)
    assert found.sentence.startswith("m1.weight, m1.bias never change")


@pytest.mark.parametrize("every", [4, 8, 32, 64])
def test_accumulation_on_purpose_keeps_its_marks(every: int) -> None:
    found = judged(train_of(HEAD + ACCUMULATED.format(every=every)), seed=2)
    assert (found.name, found.share, found.flags) == ("CORRECT_ACCUMULATED", 1.0, ())


@pytest.mark.parametrize(("few", "verdict"), [("", "MISSING_STEP"), ("len(examples) < 100 or ", "STEP_ONCE_PER_EPOCH")])
def test_accumulation_that_one_probe_shows_is_not_on_purpose(few: str, verdict: str) -> None:
    """One update from 120 examples, and none or the right ones where there are fewer."""
    found = judged(train_of(HEAD + ACCUMULATED.format(every=120).replace("if ", f"if {few}")), seed=2)
    assert (found.name, found.share) == (verdict, 0.0)


ACCUMULATED = """
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for epoch in range(epochs):
        for number, (x, y) in enumerate(examples, 1):
            torch.sum((network(x) - y) ** 2).backward()
            if number % {every} == 0 or len(examples) > {every} and number == len(examples):
                optimizer.step()
                optimizer.zero_grad()
        optimizer.zero_grad()
"""


SCHEDULES = {
    "cosine": "torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(examples) * epochs)",
    "warm-up from 0": "torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: min(1.0, n / 10))",
    "linear to 0": "torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 1 - n / (len(examples) * epochs + 1))",
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_ends_of_a_schedule_are_no_fault(name: str) -> None:
    """There some updates do nothing, too."""
    source = f"""
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    schedule = {SCHEDULES[name]}
    for epoch in range(epochs):
        for x, y in examples:
            loss = torch.sum((network(x) - y) ** 2)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
"""
    found = judged(train_of(HEAD + source), seed=6)
    assert (found.name, found.share, found.flags) == ("CORRECT", 1.0, ())


def test_what_remains_possible() -> None:
    """Said in the README: a gradient doubled has the numbers of a learning rate doubled, so whoever rewrites his
    account keeps the marks for order, is told WRONG_LEARNING_RATE, and loses the test of the rate instead."""
    train = train_of(
        HEAD
        + """
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for epoch in range(epochs):
        for x, y in examples:
            loss = torch.sum((network(x) - y) ** 2)
            loss.backward(retain_graph=True)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
"""
    )

    def once(account: dict[str, Any]) -> dict[str, Any]:
        rows, number, seen = [], 0, []
        for row in account["events"].tolist():
            if row[0] == Kind.BACKPROP:
                number += 1
                if number % 2:
                    continue
                seen.append(number - 1)
            rows.append(row)
        reaches = [[seen.index(b), f] for b, f in account["reaches"].tolist() if b in seen]
        for one in account["settings"]:
            for group in one["groups"]:
                group["settings"] = {**group["settings"], "lr": 2 * group["settings"]["lr"]}
        return {**account, "events": torch.tensor(rows), "reaches": torch.tensor(reaches)}

    assert judged(train).name == "DOUBLE_BACKWARD"
    assert judged(train).share == 0
    assert judged(train, change=once).name == "WRONG_LEARNING_RATE"
