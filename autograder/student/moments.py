"""The moments at which a question's names were bound: what they held then, kept for judging.

After each cell that binds a declared name the session keeps a shallow copy of the namespace and, for tensors, the
facts that later training would change: value, requires_grad, what it is connected to, and declared gradients. So
q3's training does not spoil q2's `var_1`, and a MyNetwork rewritten for q6 does not spoil q4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

MOST = 12  # moments kept for one question: the first and the latest ones
MISSING = object()


@dataclass
class Watched:
    """A question whose values are judged at their best moment, as declared in grading.yml."""

    question: str
    names: list[str]
    gradients: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Moment:
    """The namespace after one cell, and the facts of its declared tensors."""

    cell: int
    namespace: dict[str, Any]
    facts: dict[str, dict[str, Any]]


class Moments:
    """Keeps the moments of every watched question while the cells run."""

    def __init__(self, namespace: dict[str, Any], watched: list[Watched]) -> None:
        self.namespace = namespace
        self.watched = watched
        self.kept: dict[str, list[Moment]] = {watch.question: [] for watch in watched}
        self._last: dict[str, Any] = {}

    def before(self) -> None:
        """Remember what the names are bound to before a cell runs."""
        self._last = {name: self.namespace.get(name, MISSING) for watch in self.watched for name in watch.names}

    def after(self, cell: int) -> None:
        """Keep a moment for each question of which the cell has bound a name anew."""
        for watch in self.watched:
            if all(self.namespace.get(name, MISSING) is self._last[name] for name in watch.names):
                continue
            moments = self.kept[watch.question]
            moments.append(Moment(cell, dict(self.namespace), facts(self.namespace, watch)))
            if len(moments) > MOST:
                del moments[1]


def facts(namespace: dict[str, Any], watch: Watched) -> dict[str, dict[str, Any]]:
    """Value, requires_grad, connections and declared gradients of each of the question's tensors."""
    found: dict[str, dict[str, Any]] = {}
    for name in watch.names:
        value = namespace.get(name)
        if not isinstance(value, torch.Tensor):
            continue
        sources = {other: namespace.get(other) for other in watch.gradients.get(name, [])}
        found[name] = {
            "value": value.detach().clone(),
            "requires_grad": bool(value.requires_grad),
            "connected": [other for other, source in sources.items() if _reaches(value, source)],
            "gradients": {other: _gradient(value, source) for other, source in sources.items()},
        }
    return found


def _gradient(value: torch.Tensor, source: Any) -> torch.Tensor | None:
    """d value / d source, or None where there is none (not connected, or the graph is used up)."""
    if not isinstance(source, torch.Tensor) or not source.requires_grad or value.grad_fn is None or value.numel() != 1:
        return None
    try:
        (gradient,) = torch.autograd.grad(value.sum(), [source], retain_graph=True, allow_unused=True)
    except RuntimeError:
        return None
    return None if gradient is None else gradient.detach().clone()


def _reaches(value: torch.Tensor, source: Any) -> bool:
    """Whether the graph of `value` leads back to the leaf `source`."""
    if not isinstance(source, torch.Tensor):
        return False
    queue: list[Any] = [value.grad_fn]
    seen: set[Any] = set()
    while queue and len(seen) < 10_000:
        node = queue.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if getattr(node, "variable", None) is source:
            return True
        queue.extend(parent for parent, _ in node.next_functions)
    return False
