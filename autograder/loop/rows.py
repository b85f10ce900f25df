"""Which example of a probe each row is that went into a network, also where the loop changed them by known constants.

A loop may stack, shuffle, slice or move its examples, or scale each number of them (x * a + b, as in normalising). The
rows come from the student's side: that they are taken for the examples is believed only as far as the replay's numbers
bear it out, and constants are too few to bend a replay with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy
import torch

from autograder.loop.gradients import Array

NEAR = 1e-5  # how far a changed row may be from its example's, in units of its column's spread
MOST_SCALE = 1e4
MOST_AT_ONCE = 1_000_000  # numbers
MOST_COMPARED = 200_000_000  # numbers: about a second


@dataclass(frozen=True)
class Recognised:
    """`rows`: the number of each row's example, None where it is none; `inputs`: the examples, if they came changed."""

    rows: Sequence[int | None]
    inputs: torch.Tensor | None = None


def recognised(seen: torch.Tensor, inputs: torch.Tensor, targets: torch.Tensor) -> Recognised | None:
    """Recognise rows (k, numbers) as examples among `inputs` (n, ...); None if they have another form.

    Of equal examples the least often taken is meant; where their targets differ nobody can tell, and it is None.
    """
    flat = inputs.reshape(len(inputs), -1).to(torch.float32)
    if seen.dim() != 2 or not seen.is_floating_point():
        return None
    if seen.shape[1] != flat.shape[1]:
        return Recognised([None] * len(seen))
    rows = _exact(seen, flat, targets)
    if not len(seen) or any(row is not None for row in rows) or not inputs.is_floating_point():
        return Recognised(rows)
    return _scaled(seen.double().numpy(), flat.double().numpy(), inputs.shape) or Recognised(rows)


def _exact(seen: torch.Tensor, flat: torch.Tensor, targets: torch.Tensor) -> list[int | None]:
    numbers: dict[tuple[float, ...], list[int]] = {}
    for index, row in enumerate(flat.tolist()):
        numbers.setdefault(tuple(row), []).append(index)
    for key, same in numbers.items():
        if len(same) > 1 and any(not torch.equal(targets[same[0]], targets[other]) for other in same[1:]):
            numbers[key] = []
    found: list[int | None] = []
    taken: dict[tuple[float, ...], int] = {}
    for row in map(tuple, seen.tolist()):
        same = numbers.get(row, [])
        if not same:
            found.append(None)
            continue
        count = taken.get(row, 0)
        taken[row] = count + 1
        found.append(same[count % len(same)])
    return found


def _scaled(seen: Array, flat: Array, shape: torch.Size) -> Recognised | None:
    """By columns: x * a + b, guessed from the columns' means and spreads and measured again on the rows so found."""
    if len(seen) < 2 or len(flat) < 2 or len(seen) * flat.size > MOST_COMPARED or not numpy.isfinite(seen).all():
        return None
    spread, wide = flat.std(0), seen.std(0)
    moving = spread > 1e-9
    if not moving.any():
        return None
    scale = numpy.where(moving, wide / numpy.where(moving, spread, 1.0), 1.0)
    if not ((scale[moving] > 1 / MOST_SCALE) & (scale[moving] < MOST_SCALE)).all():
        return None
    shift = seen.mean(0) - scale * flat.mean(0)
    for _ in range(3):  # a few rows more or less of some examples bend the first guess
        guess = flat * scale + shift
        rows, worst = _nearest(seen, guess, numpy.maximum(scale * spread, 1e-9))
        if worst <= NEAR:
            return Recognised([int(row) for row in rows], torch.from_numpy(guess).reshape(shape))
        picked = flat[rows]
        centred = picked - picked.mean(0)
        size = (centred**2).sum(0)
        fitted = (centred * (seen - seen.mean(0))).sum(0) / numpy.where(size > 0, size, 1.0)
        scale = numpy.where(size > 0, fitted, scale)
        shift = seen.mean(0) - scale * picked.mean(0)
    return None


def _nearest(seen: Array, guess: Array, unit: Array) -> tuple[Array, float]:
    """Of each row the example that is nearest to it, and the worst distance, by columns in these units."""
    rows, worst = [], 0.0
    piece = max(1, MOST_AT_ONCE // guess.size)
    for start in range(0, len(seen), piece):
        gaps = numpy.abs((seen[start : start + piece, None, :] - guess[None, :, :]) / unit).max(2)
        rows.append(gaps.argmin(1))
        worst = max(worst, float(gaps.min(1).max()))
    return numpy.concatenate(rows), worst
