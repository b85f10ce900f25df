"""What the corpus is made of."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import indent


@dataclass(frozen=True)
class Case:
    """One training loop: the source of a cell that defines `train(network, examples, *, lr, epochs)`.

    `verdict` is the name that was written beside it before the first run. `proof` names the calculation in `proofs`
    that proves the label. `order` tells in which order the loop takes the examples of each pass: "given", "reversed",
    or "any" where it is drawn. `told` is False where events and numbers cannot tell this fault from another: see `why`.
    """

    name: str
    verdict: str
    proof: str
    source: str
    order: str = "given"
    told: bool = True
    why: str = ""


HEAD = "import torch\nfrom torch import nn\nfrom torch.optim import SGD\n"
LOSS = "loss = torch.sum((network(x) - y) ** 2)"
BSZ = "loss.backward()\noptimizer.step()\noptimizer.zero_grad()"
ZBS = "optimizer.zero_grad()\n" + LOSS + "\nloss.backward()\noptimizer.step()"


def two_loops(
    body: str,
    *,
    start: str = "optimizer = SGD(network.parameters(), lr=lr)",
    before: str = "",
    after: str = "",
    each: str = "for x, y in examples:",
    end: str = "",
    head: str = "",
) -> str:
    """A `train` of two nested loops: `body` in the inner one, `before` and `after` around it in every pass."""
    lines = [HEAD + head, "def train(network, examples, *, lr, epochs):", indent(start, "    ")]
    lines += ["    for epoch in range(epochs):"]
    lines += [indent(before, " " * 8)] if before else []
    lines += ["        " + each, indent(body, " " * 12)]
    lines += [indent(after, " " * 8)] if after else []
    lines += [indent(end, "    ")] if end else []
    return "\n".join(lines) + "\n"
