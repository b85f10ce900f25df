"""What an assignment asks of a training loop beside the order of its steps, as its grader states it.

Nothing is a fault that is not asked for; what is not asked is only told. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """`batch`: "example" (an update for each; groups of them are right all the same), a number of examples for each
    update, "pass" (all of them), or None; `every`: each example in each pass; `loss`: the probe's loss; `lr`, `epochs`:
    those that are handed over; `optimizer`: the name of its class in torch.optim; `direction`: down;
    `mean`: where an update takes several Backprops, whether each loss is divided by their number, so that
    they give its mean (None: either way)."""

    batch: str | int | None = None
    every: bool = True
    loss: bool = True
    lr: bool = True
    epochs: bool = True
    optimizer: str | None = None
    direction: bool = True
    mean: bool | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a batch that is none of these."""
        if isinstance(self.batch, str) and self.batch not in ("example", "pass"):
            raise ValueError(f'batch={self.batch!r}: a number of examples, "example", "pass" or None')


ASKED = Asked()
PER_EXAMPLE = Asked("example", epochs=False)
"""The first lab's: back, optimize, reset for each example. The number of passes is another test's."""
NOTHING = Asked(None, every=False, loss=False, lr=False, epochs=False, direction=False)
"""The order of the steps alone."""
