"""What a recorder writes down of a training loop, and the account that is made of it.

Torch, the standard library and `loop.events` only.
"""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Mapping
from typing import Any

import torch

from autograder.loop.events import MOST_EVENTS, WIDTH, Kind
from autograder.student.taps import users_line

PLAIN = (bool, int, float, str, type(None))
RESET_BY_HAND = re.compile(r"\.grad\s*=[^=]|\.grad(\.data)?\.(zero_|fill_|mul_|copy_)|\.grad\[|zero_grad")
CELL = re.compile(r"<cell (\d+)>|<ipython-input-(\d+)-")


class Book:
    """What a recorder writes down: the columns of `loop.events`, the numbers, settings and places that they name."""

    def __init__(self, names: list[str], notes: list[str]) -> None:
        self.names = names
        self.events: list[tuple[int, ...]] = []
        self.reaches: list[tuple[int, int]] = []
        self.numbers: list[float] = []
        self.settings: list[dict[str, Any]] = []
        self.places: list[tuple[str, int]] = []
        self.notes = notes
        self._place_numbers: dict[tuple[str, int], int] = {}
        self._setting_numbers: dict[Any, int] = {}

    def note(self, text: str) -> None:
        if text not in self.notes and len(self.notes) < 20:
            self.notes.append(text)

    def write(self, kind: Kind, mask: int = 0, **fields: int) -> None:
        if len(self.events) < MOST_EVENTS:
            get = fields.get
            self.events.append(
                (int(kind), mask, get("other", 0), get("changed", 0), get("ref", -1), get("place", -1),
                 get("flags", 0), get("age", 0))
            )  # fmt: skip

    def place(self) -> int:
        line = users_line()
        if line is None:
            return -1
        number = self._place_numbers.get(line)
        if number is None:
            number = self._place_numbers[line] = len(self.places)
            self.places.append(line)
        return number

    def number(self, value: float) -> int:
        """Keep a number; its place among them."""
        self.numbers.append(value)
        return len(self.numbers) - 1

    def data(self) -> dict[str, Any]:
        """Everything written so far as plain data."""
        return {
            "names": list(self.names),
            "events": [list(event) for event in self.events],
            "reaches": [list(pair) for pair in self.reaches],
            "numbers": list(self.numbers),
            "settings": self.settings,
            "places": [[cell_of(name), line] for name, line in self.places],
            "notes": list(self.notes),
        }

    def setting(self, number: int, optimizer: Any, bits: Mapping[int, int]) -> int:
        """The number of an optimizer's settings as they are; `bits` are the watched tensors', by id."""
        groups = optimizer.param_groups
        key: Any = (number, *(tuple(v for k, v in group.items() if k != "params") for group in groups))
        try:
            found = self._setting_numbers.get(key)
        except TypeError:  # something in a group cannot be a key
            key = repr(key)
            found = self._setting_numbers.get(key)
        if found is None:
            found = self._setting_numbers[key] = len(self.settings)
            self.settings.append(self._describe(number, optimizer, bits))
        return found

    def _describe(self, number: int, optimizer: Any, watched: Mapping[int, int]) -> dict[str, Any]:
        groups = []
        for group in optimizer.param_groups:
            bits = [watched[id(p)].bit_length() - 1 for p in group["params"] if id(p) in watched]
            plain = {name: plain_value(value) for name, value in group.items() if name != "params"}
            kept = {name: value for name, value in plain.items() if value is not NotImplemented}
            groups.append(
                {
                    "parameters": [self.names[bit] for bit in bits],
                    "others": len(group["params"]) - len(bits),
                    "settings": kept,
                }
            )
        kind = type(optimizer)
        own = not kind.__module__.startswith("torch.optim")
        name = next((c.__name__ for c in kind.__mro__ if c.__module__.startswith("torch.optim")), kind.__name__)
        return {"optimizer": number, "name": name, "own": own, "groups": groups}

    def reset_guess(self) -> int:
        """The place of a Reset by hand: the nearest line near the Backprops that writes to `.grad`."""
        if not any(event[0] == Kind.RESET and event[1] and not event[6] for event in self.events):
            return -1
        for event in self.events:
            if event[0] != Kind.BACKPROP or event[5] < 0:
                continue
            name, line = self.places[event[5]]
            source = linecache.getlines(name)
            near = [n for n, text in enumerate(source, 1) if RESET_BY_HAND.search(text.split("#")[0])]
            if near:
                self.places.append((name, min(near, key=lambda n: abs(n - line))))
                return len(self.places) - 1
        return -1


def plain_value(value: Any) -> Any:
    """An optimizer's setting as plain data; NotImplemented if it is none."""
    if isinstance(value, torch.Tensor):
        return float(value) if value.numel() == 1 else NotImplemented
    if isinstance(value, (tuple, list)):
        items = [plain_value(item) for item in value]
        return NotImplemented if any(item is NotImplemented for item in items) else items
    return value if isinstance(value, PLAIN) else NotImplemented


def cell_of(filename: str) -> int | None:
    """The number of the notebook cell that a code's file name stands for; None for a plain file."""
    found = CELL.match(filename)
    if found:
        return int(found[1] or found[2])
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    numbers = getattr(getattr(shell, "compile", None), "_filename_map", {})
    number = numbers.get(filename)
    return number if type(number) is int else None


assert WIDTH == 8  # write fills as many columns
