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
        data = bytearray(chance.choice(SEEDS[name]))
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data) + 1)
            match chance.randrange(4):
                case 0:
                    data[at : at + chance.randint(0, 40)] = b""
                case 1:
                    data[at:at] = chance.randbytes(chance.randint(1, 8))
                case 2:
                    data[at : at + 4] = chance.choice(
                        [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"[[[[", b"null"]
                    )
                case 3:
                    data = data[:at] + data[max(0, at - 30) :]
            data = data or bytearray(b"\0")
        fuzzing.TARGETS[name](bytes(data))


@pytest.mark.parametrize("name", fuzzing.TARGETS)
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_parts_of_valid_inputs_in_any_order(name: str, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(SEEDS[name]))
    cuts = data.draw(st.lists(st.tuples(st.integers(0, len(seed)), st.integers(0, 200)), max_size=6))
    junk = data.draw(st.binary(max_size=30))
    fuzzing.TARGETS[name](junk.join(seed[start : start + size] for start, size in cuts) or junk)
    fuzzing.TARGETS[name](seed + junk)
