"""Lets code that was written for a GPU run on a machine without one: "cuda" and "mps" mean the CPU here.

Installed in a session only when a cell's source names such a device, because wrapping torch's functions costs a
microsecond a call. Does nothing where a GPU is really there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

FACTORIES = (
    "tensor",
    "as_tensor",
    "zeros",
    "ones",
    "empty",
    "full",
    "rand",
    "randn",
    "randint",
    "randperm",
    "arange",
    "linspace",
    "eye",
    "zeros_like",
    "ones_like",
    "rand_like",
    "randn_like",
    "full_like",
    "empty_like",
)
ELSEWHERE = ("cuda", "mps")


def install(note: Callable[[str], None]) -> None:
    """Replace the functions that take a device. `note` is called with a sentence when one is asked for."""
    if torch.cuda.is_available():
        return

    def here(value: Any) -> Any:
        if isinstance(value, str) and value.partition(":")[0] in ELSEWHERE:
            note("No GPU is used when grading: your notebook ran on the CPU instead, with the same results.")
            return "cpu"
        return value

    def moved(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if "device" in kwargs:
                kwargs["device"] = here(kwargs["device"])
            return function(*args, **kwargs)

        return call

    def moved_all(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            return function(self, *[here(arg) for arg in args], **{name: here(arg) for name, arg in kwargs.items()})

        return call

    def stay(self: Any, *args: Any, **kwargs: Any) -> Any:
        here("cuda")
        return self

    real = torch.device

    class DeviceKind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

    class device(metaclass=DeviceKind):
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            first = here(args[0] if args else kwargs.get("type", "cpu"))
            return real("cpu") if first == "cpu" else real(*args, **kwargs)

    replaced: list[tuple[Any, str, Any]] = [(torch, name, moved(getattr(torch, name))) for name in FACTORIES]
    for owner in (torch.Tensor, nn.Module):
        replaced += [(owner, "to", moved_all(owner.to)), (owner, "cuda", stay)]
    nothing = functools.partial(_nothing)
    replaced += [(torch, "device", device), (torch, "set_default_device", nothing)]
    replaced += [
        (torch.cuda, name, nothing) for name in ("manual_seed", "manual_seed_all", "synchronize", "empty_cache")
    ]
    for owner, name, value in replaced:
        setattr(owner, name, value)


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None
