"""PyTorch settings that notebooks use on their authors' machines, as they are taken here: mixed precision, compiling,
loader workers and threads change no number, so grading does without them; number types may be mixed.

`install` is called by a session before the first cell, `level` before every test: what a notebook has left switched on
or off (gradients, number types, warnings as errors) is put back, so that a right function is judged as it was written.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy
import torch
from torch import nn
from torch.utils.data import DataLoader

Note = Callable[[str], None]
PRECISION = re.compile(r"float64|double|set_default|DoubleTensor|float16|half\(|bfloat16")
ANSWERED = {"num_workers": 0, "pin_memory": False, "pin_memory_device": "", "persistent_workers": False,
            "prefetch_factor": None, "timeout": 0, "multiprocessing_context": None}  # fmt: skip


def install(note: Note) -> None:
    """Replace what would start processes or threads, compile, or compute in another precision."""
    for name in ("set_num_threads", "set_num_interop_threads"):
        setattr(torch, name, _nothing)  # one thread: a second one's pool would hang the forks that answer tests
    _without_workers(note)
    _without_compiling(note)
    _in_full_precision(note)


def _without_workers(note: Note) -> None:
    real = DataLoader.__init__
    signature = inspect.signature(real)

    @functools.wraps(real)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        if len(args) > 5 or not ANSWERED.keys().isdisjoint(kwargs):
            given = signature.bind(self, *args, **kwargs).arguments
            if given.get("num_workers"):
                note("`DataLoader` read the examples itself instead of with num_workers: they are the same.")
            for name in given.keys() & ANSWERED:
                given[name] = ANSWERED[name]
            given.pop("self")
            args, kwargs = (), given
        real(self, *args, **kwargs)

    DataLoader.__init__ = init  # type: ignore[method-assign]


def _without_compiling(note: Note) -> None:
    def compile(model: Any = None, *args: Any, **kwargs: Any) -> Any:
        note("`torch.compile` gave your code back as it is: it makes code faster and changes no result.")
        return model if model is not None else (lambda function: function)

    torch.compile = compile
    nn.Module.compile = _nothing  # type: ignore[method-assign]


def _in_full_precision(note: Note) -> None:
    def told() -> None:
        note("Mixed precision (autocast, GradScaler) is not used when grading: all was computed in full precision.")

    autocast, scaler = torch.amp.autocast_mode.autocast, torch.amp.grad_scaler.GradScaler
    enter, scale = autocast.__init__, scaler.__init__

    @functools.wraps(enter)
    def init(self: Any, device_type: Any = "cpu", *args: Any, **kwargs: Any) -> None:
        told()
        enter(self, "cpu", enabled=False)

    @functools.wraps(scale)
    def init_scaler(self: Any, *args: Any, **kwargs: Any) -> None:
        told()
        scale(self, "cpu", enabled=False)

    autocast.__init__ = init  # type: ignore[method-assign]
    scaler.__init__ = init_scaler  # type: ignore[method-assign]


def mix_precision() -> None:
    """Let a linear layer take inputs of another floating type than its weights': they are read in its own.

    Called when a cell speaks of number types, for a check costs every layer half a microsecond.
    """
    real = nn.functional.linear

    def linear(input: Any, weight: Any, bias: Any = None) -> Any:
        if (
            isinstance(input, torch.Tensor)
            and input.dtype is not weight.dtype
            and input.is_floating_point()
            and weight.is_floating_point()
        ):
            input = input.to(weight.dtype)
        return real(input, weight, bias)

    nn.functional.linear = linear


def level() -> None:
    """Put back what a notebook may have left switched on or off."""
    torch.set_grad_enabled(True)
    if torch.is_inference_mode_enabled():
        torch.inference_mode(False).__enter__()
    torch.set_default_dtype(torch.float32)
    torch.autograd.set_detect_anomaly(False)
    for device in ("cpu", "cuda"):
        with contextlib.suppress(Exception):  # a device that this torch does not know
            torch.set_autocast_enabled(device, False)
    warnings.resetwarnings()
    warnings.simplefilter("ignore")
    numpy.seterr(divide="warn", over="warn", under="ignore", invalid="warn")


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None
