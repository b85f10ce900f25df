"""Attacks of every class, graded by the real command beside honest hand-ins: none reaches anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from attacks.cases import ATTACKS
from attacks.suite import Ended, grade_attacks


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return grade_attacks(tmp_path_factory.mktemp("attacked"), ATTACKS)


def test_there_are_attacks_of_every_class() -> None:
    kinds = {one.kind for one in ATTACKS}
    assert kinds == {"read", "forge", "escape", "hang", "exhaust", "crash", "network", "cheat"}
    assert len(ATTACKS) >= 70
    assert len({(one.kind, one.name) for one in ATTACKS}) == len(ATTACKS)


def test_the_best_level_was_taken(ended: Ended) -> None:
    assert ended.level in ("strong", "restricted"), ended.output[-3000:]


def test_nothing_is_left_behind_and_nobody_was_called(ended: Ended) -> None:
    assert not ended.general, ended.output[-3000:]


@pytest.mark.parametrize("number", range(len(ATTACKS)), ids=[f"{one.kind}: {one.name}" for one in ATTACKS])
def test_an_attack_reaches_nothing(ended: Ended, number: int) -> None:
    one = ATTACKS[number]
    key = next(key for key in ended.breaches if key.startswith(f"{one.kind}-{number:02}-"))
    assert not ended.breaches[key]


def test_limits_are_named_with_their_value(ended: Ended, tmp_path: Path) -> None:
    assert re.search(r"strong|restricted", ended.output)
