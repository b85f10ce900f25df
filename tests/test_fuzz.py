"""A short, seeded sample of what benchmarks/fuzz.py does for hours: readers of anybody's bytes raise nothing else."""

from __future__ import annotations

import random

import fuzzing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SEEDS = fuzzing.seeds()


@pytest.mark.parametrize("name", fuzzing.TARGETS)
def test_valid_inputs_spoilt_at_a_few_places(name: str) -> None:
    chance = random.Random(name)
    for _ in range(1500):
        fuzzing.TARGETS[name](fuzzing.spoilt(chance.choice(SEEDS[name]), chance))


@pytest.mark.parametrize("name", ["value", "cell", "outputs", "account"])
def test_valid_json_with_other_values_in_it(name: str) -> None:
    chance = random.Random(name)
    for _ in range(500):
        fuzzing.TARGETS[name](fuzzing.twisted(chance.choice(SEEDS[name]), chance))


@pytest.mark.parametrize("name", fuzzing.TARGETS)
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_parts_of_valid_inputs_in_any_order(name: str, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(SEEDS[name]))
    cuts = data.draw(st.lists(st.tuples(st.integers(0, len(seed)), st.integers(0, 200)), max_size=6))
    junk = data.draw(st.binary(max_size=30))
    fuzzing.TARGETS[name](junk.join(seed[start : start + size] for start, size in cuts) or junk)
    fuzzing.TARGETS[name](seed + junk)
