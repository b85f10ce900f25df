"""What a student reads of a verdict on the training loop, with its numbers filled in.

The sentences stand in `loop.verdicts`; here they get numbers and names, and the assignment's own words, whose default
is the first lab's. Called by `loop.reading` and `loop.decision`. Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from autograder.loop.events import Account, Kind
from autograder.loop.verdicts import KINDS

WORDS: Mapping[str, str] = {
    "one": "example",
    "asks": "the lab asks for back! optimize! reset! after each example",
    "rounds": "Move the three steps into the inner loop, one round for each example.",
    "accumulated": "The lab asks for one round for each example; this is right all the same.",
    "optimizer": "SGD",
    "handed": "var_1 and var_2, or network.parameters()",
    "all_handed": "all of network.parameters(), or var_1 and var_2",
    "recompute": "output = network(x), or the latent value",
    "loss": "the summed squared difference",
    "loss_advice": "Use torch.sum((output - target) ** 2); for the latent value (goal - my_latent_value) ** 2.",
    "loop": "the lab's loop",
}
"""What grading.yml may say otherwise for an assignment (`order: words:`)."""


def neutral(account: Account, batch: str | int | None = None) -> dict[str, str]:
    """What the sentences say of any other loop than the first lab's: what was seen of it, and what `batch` is asked
    for (loop.asked)."""
    names = {one["name"] for one in account.settings if any(group["parameters"] for group in one["groups"])}
    batches = any(event.kind == Kind.FORWARD and event.ref > 1 for event in account.events)
    wanted = "all the examples" if batch == "pass" else f"{batch} examples"
    return {
        "one": "batch" if batches else "example",
        "asks": f"the assignment asks for updates that take {wanted} each",
        "rounds": f"Let each update take {wanted}.",
        "accumulated": "Where the assignment does not ask for it, one round for each batch is plainer.",
        "optimizer": names.pop() if len(names) == 1 else "the optimizer",
        "handed": "the network's parameters, or the tensors that are to change",
        "all_handed": "all the network's parameters, or all the tensors that are to change",
        "recompute": "the output",
        "loss": "the one that is asked for",
        "loss_advice": "Use the loss that the assignment names.",
        "loop": "the loop that is asked for",
    }


PROVISIONAL = (
    "I saw updates that I cannot explain, and their numbers are not those of {loop}; a person will look at them."
)
UNPROVEN = (
    "The steps that I saw are in the right order, but computed anew they do not give these numbers: the loss, the data "
    "or the updates have something in them that I do not know. A person will look at it."
)
HINTS = {
    "a leaf Variable that requires grad": "By hand, change the tensors inside `with torch.no_grad():`.",
    "'NoneType'": "If it is the gradient that is None: p = p - lr * p.grad makes a new tensor without one; change p in "
    "place, under torch.no_grad().",
}
"""What to change where Python stopped the loop with these words."""
RECREATED_HINT = "A new optimizer at every step is harmless for plain SGD; with momentum it would forget it."


def say(name: str, words: Mapping[str, str] | None = None, **facts: object) -> str:
    """The sentence of a verdict with its numbers filled in; numbers are rounded, lists of names shortened."""
    return filled(KINDS[name].sentence, words, **facts)


def advise(name: str, words: Mapping[str, str] | None = None) -> str:
    """What to change, in the assignment's own words."""
    return filled(KINDS[name].advice, words)


def filled(text: str, words: Mapping[str, str] | None = None, **facts: object) -> str:
    """A text with what stands in braces filled in."""
    said = {**WORDS, **(words or {})}
    shown = {**said, **{key: _shown(value) for key, value in facts.items()}}
    one = said["one"]
    many = f"{one}es" if one.endswith(("s", "ch", "sh", "x")) else f"{one}s"
    shown.setdefault("examples", one if facts.get("n") == 1 else many)
    shown.setdefault("gradients", "gradient" if facts.get("b") == 1 else "gradients")
    names = facts.get("names")
    shown.setdefault("change", "changes" if isinstance(names, (list, tuple)) and len(names) == 1 else "change")
    shown.setdefault("whose", "in the network you were handed")
    if "error" in shown:
        shown["error"] = shown["error"].rstrip(".: ")
    return text.format_map(_Missing(shown))


def accepted(name: str, words: Mapping[str, str] | None = None, **facts: object) -> str:
    """The sentence of a verdict for which the course takes no mark, though others would."""
    return f"{KINDS[name].plain or say(name, words, **facts)} Your course takes no mark for that."


class _Missing(dict[str, str]):
    """What is not known is told as "some"."""

    def __missing__(self, key: str) -> str:
        return "some"


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if math.isfinite(value) else "very many"
    return listed(value) if isinstance(value, (list, tuple)) else str(value)


def listed(names: Sequence[object]) -> str:
    """Names for a sentence: at most six of them."""
    first = ", ".join(str(name)[:80] for name in names[:6])
    return first + (f" and {len(names) - 6} more" if len(names) > 6 else "")
