"""Some attacks of every class, graded by the real command beside honest hand-ins: none reaches anything.

`benchmarks/attacks.py` grades all of them, in every circumstance.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from attacks.cases import Attack
from attacks.liars import ATTACKS
from attacks.suite import Ended, grade_attacks, in_circumstances
from conftest import ROOT

from autograder.sandbox.confinement import FILTERED

KINDS = tuple(dict.fromkeys(one.kind for one in ATTACKS))


def some(step: int, start: int = 0) -> list[Attack]:
    """Every `step`-th attack of each class, at least one, from its attack number `start` on."""
    found = []
    for kind in KINDS:
        those = [one for one in ATTACKS if one.kind == kind]
        found += those[start % len(those) :: step]
    return found


SAMPLE = some(5, start=1)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return grade_attacks(tmp_path_factory.mktemp("attacked"), SAMPLE)


def test_there_are_attacks_of_every_class() -> None:
    kinds = {"read", "forge", "escape", "hang", "exhaust", "crash", "network", "cheat", "lie", "accident"}
    assert {one.kind for one in ATTACKS} == {one.kind for one in SAMPLE} == kinds
    assert len(ATTACKS) >= 70
    assert len({(one.kind, one.name) for one in ATTACKS}) == len(ATTACKS)


def test_the_best_level_was_taken(ended: Ended) -> None:
    assert ended.level in ("strong", "restricted"), ended.output[-3000:]


def test_nothing_is_left_behind_and_nobody_was_called(ended: Ended) -> None:
    assert not ended.general, ended.output[-3000:]


@pytest.mark.parametrize("number", range(len(SAMPLE)), ids=[f"{one.kind}: {one.name}" for one in SAMPLE])
def test_an_attack_reaches_nothing(ended: Ended, number: int) -> None:
    one = SAMPLE[number]
    key = next(key for key in ended.breaches if key.startswith(f"{one.kind}-{number:02}-"))
    assert not ended.breaches[key]


# --- the same in other circumstances: other attacks of each class

CIRCUMSTANCES = {
    "as an ordinary user": ("--user",),
    "namespaces refused": ("--no-namespaces",),
}


@pytest.mark.parametrize("name", CIRCUMSTANCES)
def test_attacks_reach_nothing_in_other_circumstances(name: str, open_path: Path) -> None:
    options = CIRCUMSTANCES[name]
    attacks = some(len(ATTACKS), start=2 + list(CIRCUMSTANCES).index(name))
    ended = grade_attacks(open_path, attacks, None, in_circumstances(*options))
    assert not ended.all, ended.output[-3000:]
    if "--no-namespaces" in options:
        assert ended.level == "restricted"


def doctor(*options: str) -> tuple[int, str]:
    words = [*in_circumstances(*options), sys.executable, "-m", "autograder", "doctor"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "COLUMNS": "300"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_the_doctor_says_what_grade_takes(ended: Ended) -> None:
    code, told = doctor()
    assert code == 0 and f"`grade` takes {ended.level} here." in told
    assert "Not prevented: " in told


@pytest.mark.parametrize("options", [(), ("--user",), ("--no-namespaces",), ("--user", "--no-namespaces")])
def test_the_doctor_tries_what_landlock_does_not_know(options: tuple[str, ...]) -> None:
    code, told = doctor(*options)
    rows = {name: [row for row in told.splitlines() if row.startswith(f"│ {name}: ")] for name in FILTERED}
    assert code == 0 and all(len(found) == 1 for found in rows.values()), told
    for name, (row,) in rows.items():
        strong, restricted, basic = [cell.strip() for cell in row.split("│")[2:5]]
        assert restricted == "works" and basic.startswith("no ("), f"{name}: {row}"
        assert strong == "works" or "--no-namespaces" in options, f"{name}: {row}"


def test_the_doctor_tells_refused_namespaces_and_what_would_help() -> None:
    code, told = doctor("--no-namespaces")
    assert code == 0 and "`grade` takes restricted here." in told
    assert re.search(r"as a whole +│ no: .*namespace", told)
    assert "strong does not work here" in told and "user namespaces allowed" in told
