"""Training of any kind: other networks, losses, optimizers and ways of batching than the first lab's.

A sample with each network, loss, optimizer, batching and fault; benchmarks/general_loops.py runs the whole corpus.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from loops.general import (
    BATCHINGS,
    FAULTS,
    LOOPS,
    LOSSES,
    NETWORKS,
    OPTIMIZERS,
    RIGHT_NAMES,
    STEPS,
    Loop,
    probe,
    source,
)
from loops.judging import judged, train_of
from torch import nn

from autograder.loop.asked import ASKED, NOTHING, Asked
from autograder.loop.decision import Rules
from autograder.loop.networks import own
from autograder.loop.probes import Probe

RIGHT = [loop for loop in LOOPS if loop.expected == RIGHT_NAMES]
FAULTY = [loop for loop in LOOPS if loop.expected != RIGHT_NAMES]
SAMPLE = (*RIGHT[:16], *RIGHT[112:], *FAULTY[:10], *FAULTY[90:])


def test_the_corpus_is_as_wide_as_it_says() -> None:
    assert len(RIGHT) >= 100 and len(FAULTY) >= 100
    assert len(NETWORKS) >= 12 and len(LOSSES) >= 8 and len(OPTIMIZERS) >= 6 and len(BATCHINGS) >= 5
    for kinds in (NETWORKS, LOSSES, OPTIMIZERS, BATCHINGS):
        for kind in kinds:
            assert any(kind in loop.name.split(", ") or loop.name.startswith(kind) for loop in RIGHT), kind


@pytest.mark.parametrize("loop", SAMPLE, ids=[loop.name for loop in SAMPLE])
def test_a_right_loop_is_told_right_and_a_faulty_one_its_fault(loop: Loop) -> None:
    torch.set_num_threads(1)
    found = judged(train_of(loop.source), seed=3, kind=loop.kind)
    if loop.expected == RIGHT_NAMES:
        assert found.name in RIGHT_NAMES and found.correct and found.as_asked and found.share == 1, found.sentence
    else:
        blind = f"LEDGER_DISAGREES: {next(iter(loop.expected))}" in found.flags  # Adam and the like hardly notice
        assert found.name in loop.expected or (blind and found.correct is None), (found.name, found.flags)


# --- what is asked beside the order ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batching", "asked", "verdict"),
    [
        ("loader", Asked(4), "CORRECT_ROTATED"),
        ("loader", Asked(2), "OTHER_BATCHES"),
        ("loader", Asked("pass"), "OTHER_BATCHES"),
        ("loader", Asked(4, optimizer="Adam"), "OTHER_OPTIMIZER"),
        ("loader", NOTHING, "CORRECT_ROTATED"),
        ("whole", Asked("pass"), "CORRECT_ROTATED"),
        ("whole", Asked(2), "STEP_ONCE_PER_EPOCH"),
        ("whole", Asked(None), "CORRECT_ROTATED"),
    ],
)
def test_what_is_asked_is_answered_apart_from_the_order(batching: str, asked: Asked, verdict: str) -> None:
    kind = probe("tanh", "mse", batching)
    batch = {"pass": None, None: kind.batch}.get(asked.batch, asked.batch)
    kind = replace(kind, asked=asked, batch=batch)
    found = judged(train_of(source("mse", "SGD", batching, STEPS["reset first"])), kind=kind)
    assert (found.name, found.correct, found.as_asked) == (verdict, True, verdict == "CORRECT_ROTATED")


def test_passes_loss_and_rate_are_faults_only_where_they_are_asked_for() -> None:
    text = source("mse", "SGD", "loader", STEPS["reset first"])
    changes = {
        "OTHER_EPOCHS": text.replace("range(epochs)", "range(epochs + 1)"),
        "WRONG_LOSS": text.replace("F.mse_loss(output, y)", "(output - y).abs().mean()"),
        "WRONG_LEARNING_RATE": text.replace("lr=lr)", "lr=lr / 2)"),
    }
    kind = probe("tanh", "mse", "loader")
    for verdict, changed in changes.items():
        found = judged(train_of(changed), kind=kind)
        assert (found.name, found.correct, found.as_asked, found.share) == (verdict, True, False, 1.0)
        found = judged(train_of(changed), kind=replace(kind, asked=NOTHING))
        assert (found.name, found.correct, found.as_asked) == ("CORRECT_ROTATED", True, True)


def test_the_assignments_own_words_are_used() -> None:
    text = source("mse", "SGD", "whole", STEPS["reset first"])
    rules = Rules(words={"asks": "this course asks for batches of 2", "one": "batch"})
    kind = replace(probe("tanh", "mse", "whole"), asked=Asked(2), batch=2)
    assert "this course asks for batches of 2" in judged(train_of(text), kind=kind, rules=rules).sentence
    missing = source("mse", "SGD", "loader", FAULTS["no reset"][1](STEPS["reset first"]))
    told = judged(train_of(missing), kind=probe("tanh", "mse", "loader"), rules=rules)
    assert told.name == "MISSING_ZERO" and "earlier batch" in told.sentence and "lab" not in told.sentence


def test_layers_with_chance_or_memory_end_in_a_note_and_in_no_fault() -> None:
    spec = [("Linear", 3, 6), ("BatchNorm1d", 6), "ReLU", ("Dropout", 0.5), ("Linear", 6, 2)]
    kind = replace(probe("line", "mse", "loader"), network=spec, examples=((8, 9), (12, 13), (16, 17)))
    found = judged(train_of(source("mse", "SGD", "loader", STEPS["reset first"])), kind=kind)
    assert found.name == "CORRECT_ROTATED" and found.correct and found.share == 1
    assert "BatchNorm1d, Dropout: their training is only observed" in " ".join(found.notes)
    missing = source("mse", "SGD", "loader", FAULTS["no reset"][1](STEPS["reset first"]))
    assert judged(train_of(missing), kind=kind).name == "MISSING_ZERO"


# --- what a fresh pair of eyes found ------------------------------------------------------------------------------


def plain_loop(
    optimizer: str = "SGD", *, before: str = "", loss: str = "F.mse_loss(output, y)", after: str = ""
) -> str:
    text = source("mse", optimizer, "loader", STEPS["reset first"], before, after)
    return text.replace("F.mse_loss(output, y)", loss)


def wide(loss: str = "mse") -> Probe:
    """A network in which some gradients nearly cancel."""
    kind = probe("relu", loss, "loader")
    return replace(kind, network=[("Linear", 4, 32), "ReLU", ("Linear", 32, 32), "ReLU", ("Linear", 32, 3)])


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "RMSprop", "NAdam"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_gradient_that_nearly_cancels_does_not_send_a_right_loop_to_a_person(optimizer: str, seed: int) -> None:
    found = judged(train_of(plain_loop(optimizer)), kind=wide(), seed=seed)
    assert (found.name, found.correct, found.share, found.flags) == ("CORRECT_ROTATED", True, 1.0, ())


@pytest.mark.parametrize(
    "before",
    [
        "for p in network.parameters():\n    nn.init.normal_(p)\n",
        "with torch.no_grad():\n    network.m1.weight.mul_(0.5)\n",
    ],
)
def test_weights_drawn_anew_before_the_loop_are_no_fault(before: str) -> None:
    found = judged(train_of(plain_loop(before=before)), kind=probe("line", "mse", "loader"))
    assert found.correct is None and found.name == "UNEXPLAINED_UPDATE" and "right order" not in found.sentence


def test_a_loop_that_leaves_examples_out_is_right_in_its_order() -> None:
    text = plain_loop().replace("for x, y in loader:", "for x, y in list(loader)[1:]:")
    kind = probe("line", "mse", "loader")
    found = judged(train_of(text), kind=kind)
    assert (found.name, found.correct, found.as_asked) == ("STOPS_EARLY", True, False)
    assert judged(train_of(text), kind=replace(kind, asked=NOTHING)).name == "CORRECT_ROTATED"


def test_a_short_batch_may_come_first() -> None:
    text = plain_loop().replace("for x, y in loader:", "for x, y in reversed(list(loader)):")
    assert judged(train_of(text), kind=probe("line", "mse", "loader")).name == "CORRECT_ROTATED"


@pytest.mark.parametrize(("step", "verdict"), [("optimizer.zero_grad()", "CORRECT_ROTATED"), ("pass", "MISSING_ZERO")])
def test_a_scheduler_may_turn_the_momentum_too(step: str, verdict: str) -> None:
    rate = "scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=epochs * len(loader))\n"
    text = plain_loop("momentum", before=rate).replace("optimizer.step()", "optimizer.step(); scheduler.step()")
    kind = replace(probe("tanh", "mse", "loader"), asked=replace(Asked(4), lr=False))
    assert judged(train_of(text.replace("optimizer.zero_grad()", step)), kind=kind).name == verdict


def test_the_mean_of_a_group_in_one_backprop_is_that_of_its_backprops() -> None:
    steps = (
        "total = total + F.mse_loss(network(x), y) / 2",
        "count += 1",
        "if count % 2 == 0 or count == len(loader):",
    )
    inner = ("    optimizer.zero_grad()", "    total.backward()", "    optimizer.step()", "    total = 0.0")
    text = source("mse", "SGD", "loader", (*steps, *inner), "total, count = 0.0, 0\n")
    text = text.replace("for x, y in loader", "count = 0\n        for x, y in loader")
    kind = replace(probe("tanh", "mse", "loader"), asked=ASKED)
    found = judged(train_of(text), kind=kind)
    assert found.correct and found.share == 1 and found.name in RIGHT_NAMES, (found.name, found.flags)


def norm(*layers: object) -> Probe:
    spec = [("Linear", 3, 6), *layers, "ReLU", ("Linear", 6, 2)]
    return replace(probe("line", "mse", "loader"), network=spec, examples=((8, 9), (12, 13), (16, 17)))


def test_a_bias_that_a_batchnorm_takes_away_is_no_parameter_left_out() -> None:
    by_hand = (
        "with torch.no_grad():\n                for p in network.parameters():\n                    p -= lr * p.grad"
    )
    text = plain_loop().replace("optimizer.step()", by_hand)
    found = judged(train_of(text), kind=norm(("BatchNorm1d", 6)))
    assert (found.name, found.correct, found.flags) == ("CORRECT_ROTATED", True, ("ONLY_OBSERVED",))


def test_where_training_is_only_observed_what_was_not_seen_gets_no_mark() -> None:
    text = plain_loop(before="network.recorder.stop()\n")
    found = judged(train_of(text), kind=norm(("Dropout", 0.5)))
    assert (found.share, found.correct) == (0.0, None) and "ONLY_OBSERVED" in found.flags
    right = judged(train_of(plain_loop()), kind=norm(("Dropout", 0.5)))
    assert (right.share, right.correct, right.as_asked) == (1.0, True, None)


class Noisy(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.m1 = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.m1(x)) + torch.randn(2)


def test_chance_in_a_network_of_the_courses_own_is_noticed() -> None:
    found = judged(train_of(plain_loop()), kind=replace(probe("line", "mse", "loader"), network=own(Noisy)))
    assert (found.correct, found.flags) == (True, ("ONLY_OBSERVED",))
    assert "chance in forward: " in " ".join(found.notes)


def test_without_words_of_its_own_an_assignment_reads_nothing_of_the_first_lab() -> None:
    texts = {
        "WRONG_LOSS": plain_loop("Adam", loss="(output - y).abs().sum()"),
        "MISSING_ZERO": plain_loop("Adam").replace("optimizer.zero_grad()", "pass"),
        "STEP_ONCE_PER_EPOCH": source("mse", "Adam", "loader", ("pass",)).replace(
            "pass", "continue\n        optimizer.zero_grad(); F.mse_loss(network(loader.dataset.tensors[0]), "
            "loader.dataset.tensors[1]).backward(); optimizer.step()"
        ),
    }  # fmt: skip
    for verdict, text in texts.items():
        found = judged(train_of(text), kind=probe("tanh", "mse", "loader"))
        told = f"{found.sentence} {found.advice}"
        assert found.name == verdict, (found.name, told)
        assert not any(word in told for word in ("SGD", "lab", "squared", "var_1", "latent")), told


@pytest.mark.parametrize("wrong", [{"batch": "full"}, {"optimizer": "adam"}])
def test_what_cannot_be_asked_is_refused_at_once(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"full|adam"):
        replace(probe("line", "mse", "loader"), asked=Asked(**wrong))  # type: ignore[arg-type]
