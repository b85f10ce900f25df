"""What a student reads of a verdict on the training loop, with its numbers filled in.

The sentences stand in `loop.verdicts`; here they get numbers and names, and the few words that belong to no kind of
verdict. Called by `loop.reading` and `loop.decision`. Standard library only.
"""

from __future__ import annotations

import math

from autograder.loop.verdicts import KINDS

PROVISIONAL = (
    "I saw updates that I cannot explain, and their numbers are not those of the lab's loop; "
    "a person will look at them."
)
HINTS = {
    "a leaf Variable that requires grad": "By hand, change the tensors inside `with torch.no_grad():`.",
    "'NoneType'": "If it is the gradient that is None: p = p - lr * p.grad makes a new tensor without one; change p in "
    "place, under torch.no_grad().",
}
"""What to change where Python stopped the loop with these words."""
RECREATED_HINT = "A new optimizer at every step is harmless for plain SGD; with momentum it would forget it."


def say(name: str, **facts: object) -> str:
    """The sentence of a verdict with its numbers filled in; numbers are rounded, lists of names shortened."""
    shown = {key: _shown(value) for key, value in facts.items()}
    shown.setdefault("examples", "example" if facts.get("n") == 1 else "examples")
    shown.setdefault("gradients", "gradient" if facts.get("b") == 1 else "gradients")
    names = facts.get("names")
    shown.setdefault("change", "changes" if isinstance(names, (list, tuple)) and len(names) == 1 else "change")
    shown.setdefault("whose", "in the network you were handed")
    if "error" in shown:
        shown["error"] = shown["error"].rstrip(".: ")
    return KINDS[name].sentence.format_map(_Missing(shown))


def accepted(name: str, **facts: object) -> str:
    """The sentence of a verdict for which the course takes no mark, though others would."""
    return f"{KINDS[name].plain or say(name, **facts)} Your course takes no mark for that."


class _Missing(dict[str, str]):
    """What is not known is told as "some"."""

    def __missing__(self, key: str) -> str:
        return "some"


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if math.isfinite(value) else "very many"
    if isinstance(value, (list, tuple)):
        names = [str(item) for item in value]
        return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return str(value)
