"""What the recorder tells of tensors by comparing them: equal, a multiple, a step along a gradient; and of failures.

Torch and `loop.events` only.
"""

from __future__ import annotations

import torch

from autograder.loop.events import Back

SAME_DIRECTION = 2e-3  # how far, relative to its size, a change may be from -factor * gradient


def same_numbers(one: torch.Tensor, two: torch.Tensor) -> bool:
    """Whether two tensors hold the same numbers; NaN equals NaN here."""
    if one.shape != two.shape or one.dtype != two.dtype:
        return False
    return torch.equal(one, two) or (bool(one.isnan().any()) and torch.allclose(one, two, 0, 0, equal_nan=True))


def factor_along(change: list[torch.Tensor], grads: list[torch.Tensor], slack: float) -> float | None:
    """The factor with which a change of values is -factor * gradient, `slack` left aside; None if it is not."""
    size = sum(float((grad * grad).sum()) for grad in grads)
    if size == 0:
        return None
    factor = -sum(float((part * grad).sum()) for part, grad in zip(change, grads, strict=True)) / size
    left = sum(float((part + factor * grad).square().sum()) for part, grad in zip(change, grads, strict=True))
    moved = sum(float(part.square().sum()) for part in change)
    return factor if left**0.5 <= SAME_DIRECTION * moved**0.5 + slack else None


def ratio(grad: torch.Tensor, held: torch.Tensor) -> float:
    """c where grad = c * held; NaN where there is none."""
    if grad.shape != held.shape:
        return float("nan")
    one, two = grad.double(), held.double()
    size = float((two * two).sum())
    c = float((one * two).sum()) / size if size else float("nan")
    gap = float((one - c * two).square().sum()) ** 0.5
    return c if gap <= 1e-5 * float(one.square().sum()) ** 0.5 else float("nan")


def failure(error: BaseException) -> Back:
    """What kind of failure autograd's own message tells of."""
    text = str(error)
    if "does not require grad" in text:
        return Back.DETACHED
    if "inplace operation" in text:
        return Back.INPLACE
    if "second time" in text:
        return Back.FREED
    return Back.FAILED
