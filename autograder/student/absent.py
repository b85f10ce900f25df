"""What stands in for a package, a service or a device that is not here: whatever is read of it, called on it or taken
from it is another stand-in, so that a notebook which uses it lightly (a log, a picture, a decorator, a type) goes on.

Used by `imports` and `standins`. It holds no number: whoever computes with it gets ModuleNotFoundError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NoReturn

from IPython.utils.text import SList
from torch import nn

NETWORKS = ("LightningModule", "PreTrainedModel")  # what a class of a student's may be made from, and is a network


class Harmless:
    """Stands for the thing called `_name`; `_why` says why it is not here."""

    _name: str
    _why: str

    def __init__(self, name: str, why: str) -> None:
        self.__dict__.update(_name=name, _why=why)

    def __getattr__(self, name: str) -> Harmless:
        if name.startswith("__"):
            raise AttributeError(name)
        return Harmless(f"{self._name}.{name}", self._why)

    def __setattr__(self, name: str, value: object) -> None:
        """A setting of something that is not here."""

    def __delattr__(self, name: str) -> None:
        """As __setattr__."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Another stand-in; as a decorator of a function or class, that very one."""
        if len(args) == 1 and not kwargs and isinstance(args[0], (FunctionType, BuiltinFunctionType, type)):
            return args[0]
        return self

    def __getitem__(self, key: object) -> Harmless:
        return Harmless(f"{self._name}[...]", self._why)

    def __setitem__(self, key: object, value: object) -> None:
        """As __setattr__."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __next__(self) -> NoReturn:
        raise StopIteration

    def __contains__(self, thing: object) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return False

    def __enter__(self) -> Harmless:
        return self

    def __exit__(self, *args: object) -> None:
        return None

    async def __aenter__(self) -> Harmless:
        return self

    async def __aexit__(self, *args: object) -> None:
        return None

    def __await__(self) -> Any:
        yield from ()
        return self

    def __or__(self, other: object) -> Harmless:  # of types: Frame | None
        return self

    __ror__ = __or__

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        return (nn.Module,) if self._name.rpartition(".")[2] in NETWORKS else ()

    def __instancecheck__(self, thing: object) -> bool:
        return False

    __subclasscheck__ = __instancecheck__

    def __fspath__(self) -> str:
        return f"not-here/{self._name}"

    def __format__(self, how: str) -> str:
        return repr(self)

    def __repr__(self) -> str:
        return f"<{self._name}: not available when graded>"


def _refuse(operation: str) -> Callable[..., NoReturn]:
    def method(self: Harmless, *args: object) -> NoReturn:
        raise ModuleNotFoundError(f"{self._name} is not available here: {self._why}")

    method.__name__ = operation
    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "xor"):
    setattr(Harmless, f"__{_name}__", _refuse(_name))
    setattr(Harmless, f"__r{_name}__", _refuse(_name))
for _name in ("lt", "le", "gt", "ge", "neg", "abs", "invert", "round", "int", "float", "complex", "index"):
    setattr(Harmless, f"__{_name}__", _refuse(_name))


class Absent(ModuleType):
    """A module that is not here; every name of it is a stand-in."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name)
        self._why = why
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Harmless(f"{self.__name__}.{name}", self._why)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return Harmless(self.__name__, self._why)(*args, **kwargs)


class Uploads(dict[Any, bytes]):
    """What `files.upload()` gives: one empty file, and an empty one for any name that is asked for."""

    def __init__(self) -> None:
        super().__init__({"upload.txt": b""})

    def __missing__(self, name: object) -> bytes:
        return b""


class Unsaid(SList):
    """Nothing, in place of the lines that a shell command would have printed."""


class Unanswered(str):
    """Nothing, in place of what a person would have typed."""


STAND_INS = (Harmless, Absent, Uploads, Unsaid, Unanswered)
