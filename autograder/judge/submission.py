"""The module that graders import as `submission`.

    from submission import MyNetwork, train          # handles on the student's objects, resolved on first use
    from submission import check, value, forward     # words

Any name that is not a word becomes a handle; which names a grader may import is declared per question in grading.yml
and checked when the graders are collected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograder.judge.faults import CheckFailed, StudentFault, award, check
from autograder.judge.handles import Handle, ask, plain, ref_of
from autograder.loop.networks import Spec
from autograder.wire import Pairs

if TYPE_CHECKING:
    import torch

WORDS = frozenset(
    {
        "CheckFailed",
        "Facts",
        "Pairs",
        "StudentFault",
        "award",
        "check",
        "facts",
        "forward",
        "gradients",
        "inside",
        "is_a",
        "layers",
        "listed",
        "load",
        "parameters",
        "probe",
        "scalars",
        "seen",
        "slope",
        "state",
        "trained",
        "value",
        "watch",
    }
)
__all__ = list(WORDS)


def __getattr__(name: str) -> Handle:
    if name.startswith("_"):
        raise AttributeError(name)
    return Handle(name)


@dataclass(frozen=True)
class Facts:
    """A tensor at the judged moment; `gradients` holds d tensor / d other for the declared others, or None."""

    value: torch.Tensor
    requires_grad: bool
    connected: tuple[str, ...]
    gradients: dict[str, torch.Tensor | None]


def facts(handle: Handle, gradients: tuple[str, ...] = ()) -> Facts | None:
    """What a tensor was at the judged moment; None if the name is bound to something else than a tensor."""
    found = ask("facts", handle._about, name=handle._name, gradients=list(gradients))
    if found is None:
        return None
    return Facts(found["value"], bool(found["requires_grad"]), tuple(found["connected"]), dict(found["gradients"]))


def value(handle: Any) -> Any:
    """Plain data of an object (numbers, strings, lists, dicts, arrays, tensors); a handle where it is none."""
    return ask("value", handle._about, of=ref_of(handle)) if type(handle) is Handle else handle


def listed(handle: Any, most: int = 100_000) -> list[Any]:
    """The first `most` items of something that can be iterated."""
    return ask("list", handle._about, of=ref_of(handle), most=most) if type(handle) is Handle else list(handle)[:most]


def is_a(handle: Any, kind: str) -> bool:
    """Whether the object is a "class", "module class" (of nn.Module), "module", "tensor", "function", "list", or
    "ellipsis" (still the stub's `...`)."""
    return bool(ask("is_a", _about(handle), of=ref_of(handle), kind=kind))


def parameters(network: Handle) -> dict[str, torch.Tensor]:
    """Copies of a network's parameters by name."""
    found: dict[str, torch.Tensor] = ask("parameters", network._about, of=ref_of(network))
    return found


def state(network: Handle) -> dict[str, torch.Tensor]:
    """Copies of a network's parameters and buffers by name."""
    found: dict[str, torch.Tensor] = ask("state", network._about, of=ref_of(network))
    return found


def gradients(network: Handle) -> dict[str, torch.Tensor | None]:
    """Copies of the gradients that the parameters hold now."""
    found: dict[str, torch.Tensor | None] = ask("gradients", network._about, of=ref_of(network))
    return found


def layers(network: Handle) -> list[list[Any]]:
    """[kind, [out, in]] of each registered sub-module with a weight matrix."""
    found: list[list[Any]] = ask("layers", network._about, of=ref_of(network))
    return found


def trained(network: Handle) -> dict[str, bool]:
    """Traces of training at top level: {"optimized": an optimizer has stepped on it, "gradients": some are left}."""
    found: dict[str, bool] = ask("trained", network._about, of=ref_of(network))
    return found


def load(network: Handle, values: dict[str, torch.Tensor]) -> None:
    """Write values into a network's parameters, in the student's process."""
    ask("load", network._about, of=ref_of(network), parameters=values)


def forward(network: Handle, inputs: torch.Tensor, width: int | None = None) -> torch.Tensor:
    """Outputs (n, ...) for inputs (n, 3), asked row by row, without gradients.

    Raises CheckFailed if they are no decimal numbers, or, where `width` is given, not `width` of them for each row.
    """
    outputs = ask("forward", network._about, of=ref_of(network), inputs=inputs)
    if not hasattr(outputs, "dtype") or outputs.dim() < 1 or not outputs.dtype.is_floating_point:
        raise CheckFailed(f"{network._about} does not answer with a tensor of decimal numbers.")
    if len(outputs) != len(inputs) or (width is not None and tuple(outputs.shape[1:]) != (width,)):
        shape = tuple(outputs.shape[1:])
        found = f"For one input, {network._about} answers in the shape {shape}; {width} numbers are asked for."
        raise CheckFailed(found)
    doubled: torch.Tensor = outputs.double()
    return doubled


def slope(function: Handle, inputs: torch.Tensor) -> torch.Tensor | None:
    """What Backprop brings from the sum of function(inputs) to each of the inputs; None if it brings nothing."""
    found = ask("slope", function._about, of=ref_of(function), inputs=inputs)
    return found if getattr(found, "shape", None) == inputs.shape else None


def probe(spec: Spec, values: dict[str, torch.Tensor], dims: int = 1) -> Handle:
    """A network of ours in the student's process, of a spec (loop.networks) with these parameters; its loop is watched.

    An example of its has `dims` dimensions.
    """
    found: Handle = ask("network", "`network`", spec=plain(spec), parameters=values, dims=dims)
    return found


def inside(network: Handle, inputs: torch.Tensor) -> dict[str, list[str]]:
    """Names of what cannot learn in a network, by reason (student.inside); what has another form is left out."""
    found = ask("inside", network._about, of=ref_of(network), inputs=inputs)
    told = found if isinstance(found, dict) else {}
    return {
        reason: [name for name in names if isinstance(name, str)]
        for reason, names in told.items()
        if isinstance(reason, str) and isinstance(names, list)
    }


def scalars(**values: float) -> list[Handle]:
    """New scalar tensors with requires_grad, in the student's process."""
    found: list[Handle] = ask("scalars", "`var`", values=values)
    return found


def watch(**tensors: Handle) -> Handle:
    """Record from here on which optimizers step on these tensors; read it with `seen`."""
    found: Handle = ask("watch", "`watch`", tensors=plain(tensors))
    return found


def seen(watched: Handle) -> dict[str, Any]:
    """What a probe network or a watch has seen: see `student.probe`."""
    found: dict[str, Any] = ask("seen", watched._about, of=ref_of(watched))
    return found


def _about(handle: Any) -> str:
    return handle._about if type(handle) is Handle else "a value"


_ = (CheckFailed, Pairs, StudentFault, award, check)  # re-exported words
