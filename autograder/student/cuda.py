"""Lets code that was written for a GPU run on a machine without one: "cuda" and "mps" mean the CPU here.

Installed in a session only when a cell's source names such a device, because wrapping torch's functions costs a
microsecond a call. Does nothing where a GPU is really there. `torch.cuda.is_available()` goes on saying no.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import nn

from autograder.student.absent import Harmless

FACTORIES = (
    "tensor", "as_tensor", "asarray", "scalar_tensor", "zeros", "ones", "empty", "full", "rand", "randn", "randint",
    "randperm", "arange", "range", "linspace", "logspace", "eye", "normal", "empty_strided", "zeros_like", "ones_like",
    "rand_like", "randn_like", "randint_like", "full_like", "empty_like", "tril_indices", "triu_indices",
    "sparse_coo_tensor", "hann_window", "from_file", "frombuffer", "load",
)  # fmt: skip
NEW = ("new_tensor", "new_zeros", "new_ones", "new_empty", "new_full", "type")
KINDS = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Byte", "Char", "Bool")
ELSEWHERE = ("cuda", "mps", "xpu", "hip", "gpu")
NAMED = re.compile(r"cuda|mps|xpu|gpu|\.to\(\s*\d|device\s*=\s*\d|accelerator|pin_memory", re.IGNORECASE)
NO_GPU = "No GPU is used when grading: your notebook ran on the CPU instead, with the same results."
# What the modules of devices say of a device that is not there; whatever else they have does nothing
ANSWERS: dict[str, Any] = {
    "device_count": 0, "current_device": 0, "get_device_name": "CPU (no GPU when grading)", "is_available": False,
    "get_device_capability": (0, 0), "mem_get_info": (0, 0), "memory_summary": "", "memory_stats": {},
    "is_initialized": False, "is_bf16_supported": False, "utilization": 0, "current_accelerator": None,
    "get_arch_list": [],
}  # fmt: skip
FIGURES = re.compile(
    r"memory_(?:allocated|reserved|cached)|current_allocated|driver_allocated|initial_seed|elapsed_time"
)
KEPT = frozenset({"amp", "is_available", "is_built", "Any", "Optional", "torch", "os", "sys", "random", "Tensor"})


def install(note: Callable[[str], None]) -> None:
    """Replace the functions that take a device. `note` is called with a sentence when one is asked for."""
    if torch.cuda.is_available():
        return

    def here(value: Any) -> Any:
        if isinstance(value, str) and value.partition(":")[0] in ELSEWHERE:
            note(NO_GPU)
            return "cpu"
        if isinstance(value, str) and value.startswith("torch.cuda."):
            note(NO_GPU)
            return value.replace(".cuda", "")
        return value

    def numbered(value: Any) -> Any:  # the number of a GPU
        return here("cuda") if type(value) is int else here(value)

    def moved(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for name in ("device", "map_location"):
                if name in kwargs:
                    kwargs[name] = numbered(kwargs[name])
            kwargs.pop("pin_memory", None)
            return function(*args, **kwargs)

        return call

    def moved_all(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            if "device" in kwargs:
                kwargs["device"] = numbered(kwargs["device"])
            return function(self, *[here(arg) for arg in args], **{name: here(arg) for name, arg in kwargs.items()})

        return call

    def to(function: Callable[..., Any]) -> Callable[..., Any]:
        plain = moved_all(function)

        @functools.wraps(function)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            return plain(self, *(numbered(arg) for arg in args[:1]), *args[1:], **kwargs)

        return call

    def stay(self: Any, *args: Any, **kwargs: Any) -> Any:
        here("cuda")
        return self

    real, generator = torch.device, torch.Generator

    class DeviceKind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

    class device(metaclass=DeviceKind):
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            first = numbered(args[0] if args else kwargs.get("type", "cpu"))
            return real("cpu") if first == "cpu" else real(*args, **kwargs)

    class GeneratorKind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, generator)

    class Generator(metaclass=GeneratorKind):
        def __new__(cls, device: Any = "cpu") -> Any:
            return generator(numbered(device))

    replaced: list[tuple[Any, str, Any]] = [
        (torch, name, moved(getattr(torch, name))) for name in FACTORIES if hasattr(torch, name)
    ]
    replaced += [(torch.Tensor, name, moved_all(getattr(torch.Tensor, name))) for name in NEW]
    for owner in (torch.Tensor, nn.Module):
        replaced += [(owner, "to", to(owner.to)), *((owner, name, stay) for name in ("cuda", "xpu"))]
    replaced += [(torch.Tensor, "pin_memory", stay), (nn.Module, "type", moved_all(nn.Module.type))]
    replaced += [(torch, "device", device), (torch, "Generator", Generator), (torch, "set_default_device", _nothing)]
    default = torch.set_default_tensor_type
    replaced.append((torch, "set_default_tensor_type", lambda kind: default(here(kind))))
    for module in (torch.cuda, torch.mps, torch.xpu, getattr(torch, "accelerator", None)):
        if module is not None:
            replaced += [(module, name, value) for name, value in _answers(module)]
    replaced += [(torch.cuda, f"{kind}Tensor", getattr(torch, f"{kind}Tensor")) for kind in KINDS]
    for owner, name, value in replaced:
        setattr(owner, name, value)


def _answers(module: ModuleType) -> list[tuple[str, Any]]:
    """Stand-ins for the public functions and classes of a module of torch's that speaks to a device."""
    found: list[tuple[str, Any]] = []
    for name, value in list(vars(module).items()):
        if name.startswith("_") or name in KEPT or isinstance(value, ModuleType) or not callable(value):
            continue
        if isinstance(value, type) and (issubclass(value, BaseException) or not value.__module__.startswith("torch")):
            continue
        found.append((name, _answer(f"{module.__name__}.{name}", name, isinstance(value, type))))
    properties = SimpleNamespace(name="CPU (no GPU when grading)", total_memory=1, major=0, minor=0)
    properties.multi_processor_count = 1
    return [*found, ("get_device_properties", lambda *args, **kwargs: properties)]


def _answer(full: str, name: str, is_class: bool) -> Any:
    if name in ANSWERS:
        return functools.partial(_same, ANSWERS[name])
    if FIGURES.search(name):
        return functools.partial(_same, 0)
    if is_class or name in ("device", "stream", "current_stream", "default_stream", "graph"):
        return Harmless(full, "no GPU is used when grading")
    return _nothing


def _same(value: Any, *args: Any, **kwargs: Any) -> Any:
    return value


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None
