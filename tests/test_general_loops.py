"""Training of any kind: other networks, losses, optimizers and ways of batching than the first lab's.

A sample with each network, loss, optimizer, batching and fault; benchmarks/general_loops.py runs the whole corpus.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
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

from autograder.loop.asked import NOTHING, Asked
from autograder.loop.decision import Rules

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
