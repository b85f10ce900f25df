"""How the time of a regular expression grows with its text: every pattern of the package, on texts made to hurt it.

Used by test_growth.py and benchmarks/fuzz.py. The texts are made from the pattern itself: of every set of characters
that it repeats one character many times, two of them in turn, and each of these after what the pattern begins with and
before something that cannot match.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import pkgutil
import re
import time
from collections.abc import Iterator
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import autograder

SHORT, FACTOR = 500, 16
MOST_GROWTH = 64.0  # a linear pattern grows by 16, a quadratic one by 256
FLOOR = 0.004  # CPU seconds below which nothing is told from anything else
CLASSES = {
    codes.CATEGORY_DIGIT: "7", codes.CATEGORY_SPACE: " ", codes.CATEGORY_WORD: "a",
    codes.CATEGORY_NOT_DIGIT: "x", codes.CATEGORY_NOT_SPACE: "y", codes.CATEGORY_NOT_WORD: "-",
}  # fmt: skip


def patterns() -> dict[str, re.Pattern[str]]:
    """Every pattern that a module of the package has at its top level, by "module.NAME"."""
    found: dict[str, re.Pattern[str]] = {}
    for module in pkgutil.walk_packages(autograder.__path__, "autograder."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            values = value if isinstance(value, tuple) else (value,)
            for number, one in enumerate(
                itertools.chain.from_iterable(v if isinstance(v, tuple) else (v,) for v in values)
            ):
                if isinstance(one, re.Pattern) and isinstance(one.pattern, str):
                    found.setdefault(f"{module.name}.{name}" + (f"[{number}]" if number else ""), one)
    return found


def pieces(pattern: re.Pattern[str]) -> tuple[list[str], list[str]]:
    """Characters that the pattern repeats, and the literal texts in it."""
    repeated: dict[str, None] = {}
    literals: dict[str, None] = {}
    _walk(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG), repeated, literals, False)
    return list(repeated), list(literals)


def _walk(tree: Any, repeated: dict[str, None], literals: dict[str, None], inside: bool) -> None:
    run = ""
    for code, value in tree:
        if code is codes.LITERAL:
            run += chr(value)
            if inside:
                repeated[chr(value)] = None
            continue
        literals.update({run: None} if run else {})
        run = ""
        if code is codes.IN and inside:
            repeated.update(dict.fromkeys(_members(value)))
        elif code in (codes.ANY, codes.NOT_LITERAL) and inside:
            repeated.update({"q": None, "\n": None})
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            _walk(value[2], repeated, literals, inside or value[1] > 8)
        elif code is codes.SUBPATTERN:
            _walk(value[3], repeated, literals, inside)
        elif code is codes.BRANCH:
            for branch in value[1]:
                _walk(branch, repeated, literals, inside)
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            _walk(value[1], repeated, literals, inside)
    literals.update({run: None} if run else {})


def _members(value: Any) -> Iterator[str]:
    if value and value[0][0] is codes.NEGATE:
        yield from ("q", " ", "\n")
        return
    for code, one in value:
        if code is codes.LITERAL:
            yield chr(one)
        elif code is codes.RANGE:
            yield chr(one[0])
        elif code is codes.CATEGORY:
            yield CLASSES.get(one, "a")
            if one is codes.CATEGORY_SPACE:
                yield "\n"


def texts(pattern: re.Pattern[str], size: int) -> Iterator[str]:
    """Texts of about `size` characters that may hurt the pattern."""
    repeated, literals = pieces(pattern)
    units = [*repeated[:8], *(a + b for a, b in itertools.permutations(repeated[:4], 2)), *literals[:4]] or ["a"]
    for unit, head in itertools.product(units, ["", *literals[:3]]):
        yield head + unit * (size // len(unit)) + "\x00"


def is_scanned(name: str) -> bool:
    """Whether the package looks for the pattern anywhere in a text, and not at its beginning alone."""
    short = re.escape(name.rpartition(".")[2])
    return bool(re.search(rf"\b{short}\.(?:search|sub|split|findall|finditer)\(", _source()))


@functools.cache
def _source() -> str:
    return "\n".join(path.read_text() for path in Path(autograder.__path__[0]).rglob("*.py"))


def seconds(pattern: re.Pattern[str], text: str, scanned: bool) -> float:
    """CPU seconds that the pattern's uses on `text` take, the better of two."""

    def once() -> float:
        started = time.process_time()
        pattern.match(text)
        pattern.fullmatch(text)
        for _ in pattern.finditer(text) if scanned else ():
            pass
        return time.process_time() - started

    return min(once(), once())


def worst(pattern: re.Pattern[str], scanned: bool = True, size: int = SHORT) -> tuple[float, str]:
    """The greatest growth from `size` to FACTOR times as much, and what the text repeats that showed it.

    0 where no text took any time to speak of. The first that is too much is enough.
    """
    most, by = 0.0, ""
    for short, long in zip(texts(pattern, size), texts(pattern, size * FACTOR), strict=True):
        after = seconds(pattern, long, scanned)
        growth = after / max(seconds(pattern, short, scanned), FLOOR / MOST_GROWTH) if after > FLOOR else 0.0
        if growth > most:
            most, by = growth, short[:12]
        if most > MOST_GROWTH:
            break
    return most, by
