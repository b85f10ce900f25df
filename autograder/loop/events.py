"""The account of a training loop: what a recorder saw, as plain data, and its checked reading on the other side.

Made by `student.recorder` beside student code, read by `loop.ledger` (to explain) and `loop.replay` (to prove).
Standard library only. An account that comes from a student's process is a claim: `read` drops whatever has not the
right form, and nothing in it is believed for a mark before the replay has found the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any, NamedTuple

MOST_EVENTS = 200_000
MOST_TENSORS = 62  # tensors are named by bits of one 64-bit integer
WIDTH = 8  # integers of one event
STOPPED = "the recorder stopped"  # a note that makes the account worthless
MIXED = "outputs with half the digits"  # a note: the forward pass was under autocast


class Kind(IntEnum):
    """What happened. `mask` has a bit for each tensor concerned; the other fields are described here."""

    FORWARD = 0  # the network gave an output: ref = number of rows
    BACKPROP = 1  # mask reached, other = those whose gradient was exactly 0, changed = those used at older values,
    #               ref = root's id (-1 unknown), age = updates since the loss was computed, flags = Back
    OPTIMIZE = (
        2  # mask owned by the optimizer, other = those with a gradient, changed = those that moved, ref = setting
    )
    RESET = 3  # mask whose gradients are gone; flags: 1 seen as a call, so that its time and place are exact
    WRITTEN = 4  # mask moved outside an optimizer; ref = index of the factor in `numbers` or -1, flags = Written
    EDITED = (
        5  # mask whose gradients were changed between Backprop and Optimize; ref = index of the ratio, or (flags: 1)
    )
    #             of the bound that they were clamped to, or -1
    DEPOSIT = 6  # mask whose gradient was set to what autograd.grad gave; flags: 1 added to what was there
    GAP = 7  # ref = updates that were not recorded here


class Back(IntFlag):
    """How a Backprop went."""

    GRAD_ONLY = 1  # torch.autograd.grad: gradients are returned, not kept
    DETACHED = 2  # raised: the loss requires no gradient
    INPLACE = 4  # raised: a tensor it needs has been changed
    FREED = 8  # raised: its graph was used up by an earlier one
    FAILED = 16  # raised something else
    INSIDE = 32  # called by an optimizer's step(closure)
    STRANGERS = 64  # reached parameters of a network that is not watched
    SHARED = 128  # its first output had been Backpropped before
    NEGATIVE = 256  # the loss was below 0
    BESIDE = 512  # it takes a watched tensor itself, outside the network's forward passes: a penalty, say
    OTHERS = 1024  # reached tensors that are no network's parameters: an input whose gradient is wanted

    @property
    def raised(self) -> bool:
        return bool(self & (Back.DETACHED | Back.INPLACE | Back.FREED | Back.FAILED))


class Written(IntFlag):
    """How values were written."""

    ALONG_GRADIENT = 1  # change = -factor * the gradient that was held
    ALONG_RETURNED = 2  # change = -factor * what autograd.grad gave
    RESTORED = 4  # the values equal earlier ones
    NOT_FINITE = 8
    AVERAGED = 16  # they lie between those before and earlier ones: ref = share of the way, age = which earlier ones
    BACK = 32  # they are those before the last change, but for rounding


class Event(NamedTuple):
    """One row of the account; see Kind for what the fields hold."""

    kind: int
    mask: int = 0
    other: int = 0
    changed: int = 0
    ref: int = -1
    place: int = -1
    flags: int = 0
    age: int = 0


class Place(NamedTuple):
    """A line of the student's: code cell from 1 (None in a .py file), line from 1."""

    cell: int | None
    line: int


@dataclass
class Account:
    """Everything a recorder tells.

    `reaches` pairs each Backprop (by its number among Backprops) with the forward passes it went through (by their
    number among forwards); `settings` are optimizer states that OPTIMIZE refers to: {"optimizer": n, "name", "own",
    "groups": [{"parameters": [names], "others": n, "settings": {...}}]}. `updates` counts all updates, recorded or not.
    """

    names: tuple[str, ...] = ()
    events: list[Event] = field(default_factory=list)
    reaches: list[tuple[int, int]] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    settings: list[dict[str, Any]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    updates: int = 0
    moved: int = 0  # mask of tensors whose value at the end is not that at the start
    frozen: int = 0  # mask of tensors that required no gradient at the start
    finite: bool = True
    reset_guess: int = -1  # place of a Reset that was seen only by its effect, looked up in the source

    @property
    def usable(self) -> bool:
        """Whether the recorder could follow the loop to its end."""
        return not any(note.startswith(STOPPED) for note in self.notes)

    def number(self, ref: int) -> float | None:
        return self.numbers[ref] if 0 <= ref < len(self.numbers) else None

    def place(self, ref: int) -> Place | None:
        return self.places[ref] if 0 <= ref < len(self.places) else None

    def named(self, mask: int) -> list[str]:
        """Names of the tensors in `mask`."""
        return [name for bit, name in enumerate(self.names) if mask >> bit & 1]

    @property
    def everything(self) -> int:
        """The mask of all watched tensors."""
        return (1 << len(self.names)) - 1


def read(report: object, names: Sequence[str] | None = None) -> Account:
    """An Account from plain data whose form is not trusted. `names`, if given, are the tensors there must be.

    Malformed parts are left out; an account that does not add up comes back empty, with a note.
    """
    if not isinstance(report, Mapping):
        return Account(names=tuple(names or ()), notes=["there is no account"])
    listed = tuple(_texts(report.get("names"), MOST_TENSORS))
    if names is not None and listed != tuple(names):
        return Account(names=tuple(names), notes=["the account is about other tensors"])
    account = Account(names=listed)
    account.numbers = [float(n) if isinstance(n, (int, float)) else math.nan for n in _items(report.get("numbers"))]
    account.places = [_place(item) for item in _items(report.get("places"), 10_000)]
    account.settings = [item for item in _items(report.get("settings"), 10_000) if _is_setting(item)]
    account.notes = [text[:300] for text in _texts(report.get("notes"), 20)]
    account.updates = _count(report.get("updates"))
    account.moved = _count(report.get("moved")) & account.everything
    account.frozen = _count(report.get("frozen")) & account.everything
    account.finite = report.get("finite") is not False
    guess = report.get("reset_guess")
    account.reset_guess = guess if type(guess) is int and guess < len(account.places) else -1
    account.reaches = [
        (pair[0], pair[1])
        for pair in _items(report.get("reaches"), 4 * MOST_EVENTS)
        if isinstance(pair, (list, tuple)) and len(pair) == 2 and all(type(n) is int and n >= 0 for n in pair)
    ]
    for row in _items(report.get("events"), MOST_EVENTS):
        if (
            not isinstance(row, (list, tuple))
            or len(row) != WIDTH
            or any(type(n) is not int for n in row)
            or not 0 <= row[0] <= max(Kind)
        ):
            return Account(names=listed, notes=["the account's events have the wrong form"])
        event = Event(*row)
        if event.kind == Kind.OPTIMIZE and not -1 <= event.ref < len(account.settings):
            return Account(names=listed, notes=["the account names an optimizer that it does not describe"])
        account.events.append(event._replace(mask=event.mask & account.everything))
    return account


def _items(value: object, most: int = 1_000_000) -> Sequence[Any]:
    return value[:most] if isinstance(value, (list, tuple)) else []


def _texts(value: object, most: int) -> Iterable[str]:
    return [item for item in _items(value, most) if isinstance(item, str)]


def _count(value: object) -> int:
    return value if type(value) is int and 0 <= value < 2**62 else 0


def _place(item: object) -> Place:
    if isinstance(item, (list, tuple)) and len(item) == 2 and type(item[1]) is int and 0 < item[1] < 10**7:
        cell = item[0]
        return Place(cell if type(cell) is int and 0 < cell < 10_000 else None, item[1])
    return Place(None, 0)


def _is_setting(item: object) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("name"), str)
        and type(item.get("optimizer")) is int
        and isinstance(item.get("groups"), list)
        and all(
            isinstance(group, dict)
            and isinstance(group.get("settings"), dict)
            and isinstance(group.get("parameters"), list)
            and all(isinstance(name, str) for name in group["parameters"])
            for group in item["groups"]
        )
    )
