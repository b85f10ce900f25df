"""Random loop programs: the generator's truth proved by numbers, and a short, seeded sample of the order check.

`benchmarks/loop_programs.py` puts thousands of them to it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import count

import numpy
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loops.judging import judged, sizes, train_of
from loops.programs import Program, draw_setting, faulty_program, right_program, source, truth, verdict_on
from loops.proofs import Given, Plain, Weights, gap, plus, slope, state
from test_corpus import Network

SEEDS = st.integers(0, 2**32)
SHORT = settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


def told(program: Program, given: Given) -> Weights:
    """The tokens' own numbers: each is the gradient of its example at the weights of its version."""
    versions = [given.start]
    optimizer = Plain(given.lr)
    for step in truth(program, given.count, given.epochs).held:
        total: Weights | None = None
        for token in step:
            total = plus(total, slope(versions[token.version], given, token.row))
        assert total is not None
        versions.append(optimizer(versions[-1], total))
    return versions[-1]


@SHORT
@given(SEEDS, st.booleans())
def test_tokens_give_the_numbers_that_torch_gives(seed: int, wrong: bool) -> None:
    rng = random.Random(seed)
    program = faulty_program(rng) if wrong else right_program(rng)
    if program.shuffle or program.machine in ("momentum", "Adam") or (program.machine == "fused" and wrong):
        return  # another order, another optimizer, or old activations with new weights
    torch.manual_seed(seed % 1000)
    network = Network()
    inputs, targets = torch.randn(3, 3), torch.randn(3, 5)
    known = Given(state(network), inputs.double().numpy(), targets.double().numpy(), 1e-3, 2)
    train_of(source(program))(network, list(zip(inputs, targets, strict=True)), lr=1e-3, epochs=2)
    expected = told(program, known)
    if all(numpy.isfinite(array).all() for array in expected.values()) and gap(expected, known.start) < 10:
        assert gap(state(network), expected) < 1e-5 * max(1.0, gap(expected, known.start)), source(program)


FAULTS = ("old marks", "unused", "stale", "other", "again", "nothing moves", "twice")
EACH = 3


def fault(seed: int) -> str:
    """The kind of fault that the faulty program of a seed has for certain; "" if it may be right."""
    program = faulty_program(random.Random(seed))
    if verdict_on(program, sizes(seed)) != "wrong":
        return ""
    return [kind for size in sizes(seed) if (kind := truth(program, *size).kind) != "right"][-1]


def faulty_seeds() -> Iterator[int]:
    """The first seeds that give each kind of fault `EACH` times."""
    left = Counter(dict.fromkeys(FAULTS, EACH))
    for seed in count():
        if not left:
            return
        if left[kind := fault(seed)] > 0:
            left -= Counter([kind])
            yield seed


@pytest.mark.parametrize("seed", range(20))
def test_no_right_program_is_accused(seed: int) -> None:
    program = right_program(random.Random(seed))
    assert all(truth(program, *size).right for size in sizes(seed) if size[0] > 3), source(program)
    if verdict_on(program, sizes(seed)) == "right":
        found = judged(train_of(source(program)), seed=seed)
        assert (found.share, found.correct, found.flags) == (1.0, True, ()), f"{found}\n{source(program)}"


@pytest.mark.parametrize("seed", faulty_seeds())
def test_no_faulty_program_gets_past_both_witnesses(seed: int) -> None:
    program = faulty_program(random.Random(seed))
    found = judged(train_of(source(program)), seed=seed)
    assert found.as_asked is not True or found.flags, f"{found}\n{source(program)}"


CANCELLED = (173, 192, 196, 232)
"""Seeds in whose smaller probes a tensor's gradient is exactly 0: signs that cancel, a slope that nothing reaches."""
ROUNDED = (20,)
"""A seed with Adam, where a gradient is so near 0 that float32 rounding decides the way of an update."""


@pytest.mark.parametrize("seed", [*range(8), *CANCELLED, *ROUNDED])
def test_no_right_program_of_any_network_loss_batch_and_optimizer_is_accused(seed: int) -> None:
    rng = random.Random(seed)
    program = right_program(rng, draw_setting(rng))
    assert program.setting is not None
    kind = program.setting.probe()
    if verdict_on(program, sizes(seed, kind)) == "right":
        found = judged(train_of(source(program)), seed=seed, kind=kind)
        assert (found.share, found.correct, found.flags) == (1.0, True, ()), f"{program.setting}\n{source(program)}"


@SHORT
@given(st.integers(0, 10**6))
def test_no_faulty_program_of_any_network_loss_batch_and_optimizer_gets_past_both(seed: int) -> None:
    rng = random.Random(seed)
    program = faulty_program(rng, draw_setting(rng))
    assert program.setting is not None
    kind = program.setting.probe()
    if verdict_on(program, sizes(seed, kind)) == "wrong":
        found = judged(train_of(source(program)), seed=seed, kind=kind)
        assert found.as_asked is not True or found.flags, f"{program.setting}\n{source(program)}"
