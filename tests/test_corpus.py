"""The corpus of loops: every label proved by a calculation of its own, then put to the order check."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache
from typing import Any

import numpy
import pytest
import torch
from loops.case import Case
from loops.faulty import FAULTY
from loops.judging import judged, train_of
from loops.proofs import LAYERS, Given, Plain, gap, passes, proven, state, taught
from loops.right import RIGHT
from torch import nn

from autograder.loop.decision import Decision
from autograder.loop.verdicts import KINDS, rank

NEAR, FAR = 1e-5, 3e-5


class Network(nn.Module):
    """3 -> 2 -> 5, of no kind that the program knows."""

    def __init__(self) -> None:
        super().__init__()
        self.m1, self.m2 = nn.Linear(3, 2), nn.Linear(2, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.m2(self.m1(x))


@cache
def seen(case: Case) -> Decision:
    """What the order check says of a loop; judged once, whichever tests ask."""
    return judged(train_of(case.source), seed=3)


def run(case: Case) -> tuple[Given, dict[str, Any], Network, str]:
    """Train a plain network of ours; what was given, how it ended, and what was raised."""
    torch.manual_seed(7)
    random.seed(7)
    numpy.random.seed(7)
    network = Network()
    inputs, targets = torch.randn(3, 3), torch.randn(3, 5) * 2
    given = Given(state(network), inputs.double().numpy(), targets.double().numpy(), 1e-3, 2)
    error = ""
    try:
        train_of(case.source)(network, list(zip(inputs, targets, strict=True)), lr=given.lr, epochs=given.epochs)
    except Exception as raised:
        error = str(raised)
    return given, state(network), network, error


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_a_right_loop_does_what_its_label_says(case: Case) -> None:
    given, end, _, error = run(case)
    assert not error
    ends = [proven(case.proof, given, turns) for turns in passes(given, case.order)]
    assert min(gap(end, one) for one in ends if one is not None) < NEAR


@pytest.mark.parametrize("case", FAULTY, ids=lambda case: case.name)
def test_a_faulty_loop_does_what_its_label_says(case: Case) -> None:
    given, end, network, error = run(case)
    assert bool(error) == (case.proof == "raises"), error
    if case.proof == "not finite":
        assert not all(numpy.isfinite(array).all() for array in end.values())
        return
    if case.proof != "raises":
        ends = [proven(case.proof, given, turns) for turns in passes(given, case.order)]
        found = [one for one in ends if one is not None]
        assert min(gap(end, one) for one in found or [given.start]) < NEAR
    if case.proof == "marks but still":
        assert any(p.grad is not None and bool(p.grad.any()) for p in network.parameters())
    if case.told and case.verdict != "OPTIMIZER_RECREATED_EACH_STEP" and case.proof != "raises":
        lab = [taught(given, turns, Plain(given.lr)) for turns in passes(given, "any")]
        assert min(gap(end, one) for one in lab) > FAR, "this is the lab's loop in effect"
    assert set(end) == set(LAYERS)


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_no_right_loop_loses_a_mark_or_is_accused(case: Case) -> None:
    found = seen(case)
    assert (found.name, found.share, found.correct, found.flags) == (case.verdict, 1.0, True, ())


@pytest.mark.parametrize("case", FAULTY, ids=lambda case: case.name)
def test_every_faulty_loop_is_rejected_by_a_witness(case: Case) -> None:
    found = seen(case)
    rejected = found.as_asked is not True or any(flag.startswith("LEDGER_DISAGREES") for flag in found.flags)
    assert rejected
    assert found.share == 0 or KINDS[found.name].order_is_right or not case.told
    if case.told:
        assert found.where or case.verdict in ("NO_TRAINING", "NOT_RUN", "WEIGHTS_ASSIGNED"), "it points at no line"


def test_the_confusion_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the faults that can be told apart, at least 95 % are named with the verdict that was written beside them."""
    told = [case for case in FAULTY if case.told]
    table = Counter((case.verdict, seen(case).name) for case in told)
    right = sum(count for (label, name), count in table.items() if label == name)
    with capsys.disabled():
        print(f"\n{right} of {len(told)} faults that can be told apart are named as written beside them:")
        for label in sorted({label for label, _ in table}, key=rank):
            row = {name: count for (other, name), count in table.items() if other == label}
            print(f"  {label:30} {', '.join(f'{name} {count}' for name, count in sorted(row.items()))}")
    assert right >= 0.95 * len(told)


def test_the_corpus_is_large_and_covers_every_verdict() -> None:
    assert len(RIGHT) >= 80 and len(FAULTY) >= 80
    assert len({case.source for case in (*RIGHT, *FAULTY)}) == len(RIGHT) + len(FAULTY)
    assert {case.verdict for case in (*RIGHT, *FAULTY)} == set(KINDS) - {
        "OTHER_INPUTS",
        "OTHER_BATCHES",
        "OTHER_EPOCHS",
        "OTHER_OPTIMIZER",
    }  # asked for by no lab of that shape


@pytest.mark.parametrize("seed", range(2))
def test_without_an_account_no_fault_of_order_gets_marks(seed: int) -> None:
    """The replay alone: everything that was seen of the loop is thrown away."""
    chosen = [case for case in FAULTY if case.told and KINDS[case.verdict].share < 1][seed::4]
    kept = [case.name for case in chosen if judged(train_of(case.source), seed=seed + 5, silence=True).share > 0]
    assert kept == ["optimizer_recreated_each_step: momentum"][: len(kept)]  # it has the lab's numbers
