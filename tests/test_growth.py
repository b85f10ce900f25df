"""Regular expressions take linear time, whatever the text: a new pattern is met here by itself."""

from __future__ import annotations

import ast
import random
import re
from pathlib import Path

import growth
import pytest

import autograder
from autograder.loop.compiling import rates_in
from autograder.loop.machine import Step

PATTERNS = growth.patterns()
ROOMS = ("intake", "people", "judge", "loop", "report")  # where texts are anybody's
NAMES, LONGEST = "autograder.intake.layouts.", 1000  # these read names, and no longer one is taken (intake.finding)
# A student's own process may take its time; sheets, settings and sentences are a TA's or an LMS's, a line at a time
OURS = ("autograder.student.", "autograder.gradebook.", "autograder.course.", "autograder.authoring.")


def test_the_measure_tells_a_quadratic_pattern_from_a_linear_one() -> None:
    for bad in (r"\s*%%x", r"^\s*def\b", r"(?:a|b)*c", r"[ \t]+$"):
        assert growth.worst(re.compile(bad, re.MULTILINE))[0] > growth.MOST_GROWTH, bad
    for good in (r"%%x\b[^\n]*", r"^[ \t]*def\b", r"[a-z]+", r'"cells"'):
        assert growth.worst(re.compile(good, re.MULTILINE))[0] < growth.MOST_GROWTH, good


@pytest.mark.parametrize("name", [name for name in PATTERNS if not name.startswith(OURS)])
def test_a_pattern_takes_linear_time(name: str) -> None:
    size, most = growth.SHORT, growth.MOST_GROWTH
    if name.startswith(NAMES):  # quadratic is little on so few characters
        size, most = LONGEST // growth.FACTOR, 2.0 * growth.FACTOR**2
    found, text = growth.worst(PATTERNS[name], growth.is_scanned(name), size)
    assert found <= most, f"{PATTERNS[name].pattern!r} with many of {text!r}"


def test_no_pattern_over_anybodys_text_hides_inside_a_function() -> None:
    hidden = []
    for room in ROOMS:
        for path in sorted((Path(autograder.__path__[0]) / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    continue
                hidden += [
                    f"{path.name}, line {one.lineno}"
                    for one in ast.walk(node)
                    if isinstance(one, ast.Attribute)
                    and isinstance(one.value, ast.Name)
                    and one.value.id == "re"
                    and one.attr in ("compile", "match", "search", "fullmatch", "sub", "split", "findall", "finditer")
                ]
    assert not hidden, "give it a name at the top of its module, where this test finds it"


def test_the_rates_of_an_account_are_told_apart_in_linear_time() -> None:
    """Counted, not timed: how often one rate is compared with another. A forged account may have 20,000 of them."""

    class Rate(float):
        compared = 0

        def __sub__(self, other: float) -> float:
            Rate.compared += 1
            return float(self) - float(other)

    rates = [Rate(1.011 ** (number - 1000)) for number in range(2000)]
    random.Random(1).shuffle(rates)
    assert len(rates_in([Step("W", (), factor=rate) for rate in rates])) == len(rates)
    assert Rate.compared <= 2 * len(rates)
