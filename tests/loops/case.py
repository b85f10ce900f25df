"""What the corpus is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One training loop: the source of the cells of a notebook that defines `train(network, examples, *, lr, epochs)`.

    `verdict` is the name that was written beside it before the first run; `proof` names the calculation that proves
    the label (see `proofs`); `order` tells which order of examples the loop takes, for the proof. `told` is False where
    the numbers and the events cannot tell this fault from another one.
    """

    name: str
    verdict: str
    source: str
    proof: str
    why: str
    order: str = "given"
    told: bool = True
