"""The order checks that an assignment's graders declare, for `diagnose`: each is called as its test is, and its verdict
caught before any mark follows from it.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy

from autograder.judge import submission
from autograder.judge.handles import Handle
from autograder.judge.order import Order
from autograder.loop.decision import Decision, Rules, decide
from autograder.loop.evidence import Evidence
from autograder.loop.probes import TAUGHT, Probe


def name_of(handle: Handle) -> str:
    """By which name the student knows an object."""
    return handle._name or ""  # noqa: SLF001


CHECKS = frozenset({"check_loop", "check_product"})


class Decided(Exception):
    """What an order check came to, and the name of the function that it is about."""

    def __init__(self, decision: Decision, about: str) -> None:
        super().__init__(decision.name)
        self.decision, self.about = decision, about


class Asking(Order):
    """Stands for the fixture `order`: its checks end the test with the decision itself."""

    about = ""

    def check_loop(
        self, train: Handle, draw: numpy.random.Generator, kind: Probe = TAUGHT, own: Handle | None = None
    ) -> Decision:
        self.about = name_of(train)
        return super().check_loop(train, draw, kind, own)

    def check_product(self, fit: Handle, draw: numpy.random.Generator) -> Decision:
        self.about = name_of(fit)
        return super().check_product(fit, draw)

    def check(self, probes: Sequence[Evidence], beside: Sequence[str] = ()) -> NoReturn:
        found = decide(probes, self.rules)
        raise Decided(replace(found, notes=(*found.notes, *beside)), self.about)


@dataclass(frozen=True)
class Declared:
    """One test of the assignment's that checks the order."""

    test: Callable[..., Any]

    @property
    def name(self) -> str:
        """The function that it is about: the first handle that it uses."""
        space = self.test.__globals__
        used = (space.get(name) for name in self.test.__code__.co_names)
        return next((name_of(one) for one in used if type(one) is Handle), "a training loop")

    def decided(self, draw: numpy.random.Generator, rules: Rules) -> Decided | None:
        """What it decides; None if it came to no order check. Raises StudentFault as a test does."""
        offered = {"draw": draw, "order": Asking(rules, lambda *told, **more: None)}
        try:
            self.test(**{name: offered[name] for name in inspect.signature(self.test).parameters})
        except Decided as found:
            return found
        return None


def declared(folder: Path) -> list[Declared]:
    """The order checks of the graders in a folder that need no other fixture than `draw`; the last question's first."""
    sys.modules.setdefault("submission", submission)
    found: list[Declared] = []
    for path in sorted(folder.glob("test_q*.py"), reverse=True):
        if "order" not in path.read_text(encoding="utf-8"):
            continue
        spec = importlib.util.spec_from_file_location(f"order_checks_of_{path.stem}", path)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, test in vars(module).items():
            if name.startswith("test_") and inspect.isfunction(test) and CHECKS & set(test.__code__.co_names):
                parameters = set(inspect.signature(test).parameters)
                if "order" in parameters <= {"draw", "order"}:
                    found.append(Declared(test))
    return found
