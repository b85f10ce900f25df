"""Training of any kind: other networks, losses, optimizers and ways of batching than the first lab's.

A sample with each network, loss, optimizer, batching and fault; benchmarks/general_loops.py runs the whole corpus.
"""

from __future__ import annotations

import pytest
import torch
from loops.general import BATCHINGS, LOOPS, LOSSES, NETWORKS, OPTIMIZERS, RIGHT_NAMES, Loop
from loops.judging import judged, train_of

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
