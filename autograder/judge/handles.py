"""Handles: names of the student's objects in a grader's hands. See `submission` for the words that go with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from autograder.judge.conversation import current
from autograder.judge.faults import WordError
from autograder.wire import Ref

MOST_LISTED = 100_000
REFUSED = (
    "add",
    "radd",
    "sub",
    "rsub",
    "mul",
    "rmul",
    "truediv",
    "matmul",
    "neg",
    "lt",
    "le",
    "gt",
    "ge",
    "float",
    "int",
    "bool",
    "contains",
    "setitem",
    "enter",
)


class Handle:
    """Stands for one object of the student's. It can be called, indexed, iterated, measured and asked for attributes.

    Results that are plain data (numbers, strings, lists, tensors) come back as values; everything else as a handle.
    Whatever the student's code raises becomes StudentFault.
    """

    __slots__ = ("_about", "_name", "_ref")

    def __init__(self, name: str | None = None, ref: Ref | None = None, about: str = "") -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_ref", ref)
        object.__setattr__(self, "_about", about or f"`{name}`")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        about = f"{self._about[:-1]}(...)`"
        return ask(
            "call",
            about,
            function=ref_of(self),
            args=list(map(plain, args)),
            kwargs={k: plain(v) for k, v in kwargs.items()},
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"a handle has no {name}")
        return ask("attribute", f"{self._about[:-1]}.{name}`", of=ref_of(self), name=name)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise WordError(f"cannot set .{name} on a handle")

    def __getitem__(self, key: Any) -> Any:
        return ask("item", f"{self._about[:-1]}[{key!r}]`", of=ref_of(self), key=plain(key))

    def __len__(self) -> int:
        return int(ask("len", f"len({self._about.strip('`')})", of=ref_of(self)))

    def __iter__(self) -> Iterator[Any]:
        return iter(ask("list", self._about, of=ref_of(self), most=MOST_LISTED))

    def __repr__(self) -> str:
        return f"<handle on {self._about}>"


def _refuse(operation: str) -> Any:
    def method(self: Handle, *args: object) -> NoReturn:
        raise WordError(f"handles do not support {operation}; fetch the data first: value({self._about.strip('`')})")

    return method


for _operation in REFUSED:
    setattr(Handle, f"__{_operation}__", _refuse(_operation))


def ref_of(handle: Any) -> Any:
    """The wire form of a handle; other values stay."""
    if type(handle) is not Handle:
        return handle
    if handle._ref is not None:
        return handle._ref
    return current().named(handle._name, handle._about)


def plain(value: Any) -> Any:
    """`value` with every handle in it in its wire form."""
    if type(value) in (list, tuple):
        return type(value)(plain(item) for item in value)
    if type(value) is dict:
        return {key: plain(item) for key, item in value.items()}
    return ref_of(value)


def ask(operation: str, about: str, /, **fields: Any) -> Any:
    """One operation on the student's side; objects in the answer come back as handles."""
    return received(current().ask(operation, about, **fields), about)


def received(value: Any, about: str) -> Any:
    if type(value) is Ref:
        return Handle(ref=value, about=about)
    if type(value) in (list, tuple):
        return type(value)(received(item, about) for item in value)
    if type(value) is dict:
        return {key: received(item, about) for key, item in value.items()}
    return value
