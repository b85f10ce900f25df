"""What a student reads of a verdict on the training loop: a sentence, what to change, and in which lines to look.

The names and sentences are the project's table of verdicts. Numbers in braces are filled in by `say`. Standard library
only.
"""

from __future__ import annotations

import math

SENTENCES = {
    "CORRECT": "Backprop, Optimize, Reset: every update used exactly one fresh gradient.",
    "CORRECT_ROTATED": "You Reset just before Backprop instead of after Optimize; around the loop that is the same "
    "cycle: full marks.",
    "CORRECT_ACCUMULATED": "You Backprop {n} times before each Optimize on purpose; every gradient is used once, "
    "then Reset.",
    "MISSING_ZERO": "You never Reset: at update {i} SGD still had marks from {n} earlier {examples} and applied them "
    "again.",
    "ZERO_ONCE_PER_EPOCH": "You Reset only every {k} updates; in between old marks are applied again. Move Reset "
    "inside the inner loop.",
    "ZERO_BETWEEN": "You Reset after Backprop but before Optimize, so SGD found no marks and changed nothing.",
    "STEP_BEFORE_BACKWARD": "Optimize runs before Backprop, so it uses the previous example's marks, and the last "
    "example's are never used.",
    "MISSING_STEP": "You Backprop but never Optimize ({b} {gradients}, 0 updates). Did you forget the `()`?",
    "MISSING_BACKWARD": "You Optimize without Backprop: no tensor was marked.",
    "WRONG_PARAMETERS": "SGD was given tensors that are not {whose}.",
    "PARTIAL_PARAMETERS": "{names} never {change}: SGD was not given them, or the loss does not reach them.",
    "STALE_LOSS": "The loss comes from an output computed before the last update; compute output and loss again "
    "inside the loop.",
    "DETACHED": "The loss lost its connection to the network (.item(), .detach(), no_grad), so Backprop cannot mark "
    "anything.",
    "DOUBLE_BACKWARD": "The same loss was Backpropped twice before one Optimize.",
    "DOUBLE_STEP": "One Backprop was Optimized twice.",
    "STEP_ONCE_PER_EPOCH": "You Optimize once per pass; the lab asks for back! optimize! reset! after each example.",
    "OPTIMIZER_RECREATED_EACH_STEP": "A new optimizer at every step forgets its momentum; make it once, before the "
    "loop.",
    "ZERO_GRADIENT": "The order is right, but the loss's gradient is exactly 0.",
    "LR_ZERO": "The order is right, but the learning rate is exactly 0.",
    "WRONG_DIRECTION": "The order is right, but updates move away from 0.",
    "DIVERGED": "The order is right, but the frog hops too far: numbers became NaN, lower the learning rate.",
    "WEIGHTS_ASSIGNED": "Weights were written directly instead of learned.",
    "LEARNING_UNDONE": "Weights were set back to the start.",
    "STOPS_EARLY": "Only {k} of {n} examples were learned from.",
    "NO_TRAINING": "Nothing was trained.",
    "WRONG_LOSS": "The order is right, but this loss is not the summed squared difference.",
    "WRONG_LEARNING_RATE": "The order is right, but the updates are {c} times as large as lr asks.",
    "UNEXPLAINED_UPDATE": "I saw updates that I cannot explain; judged by the numbers, no mark is lost here.",
    "NOT_RUN": "The loop could not be run: {error}.",
}
PROVISIONAL = (
    "I saw updates that I cannot explain, and their numbers are not those of the lab's loop; "
    "a person will look at them."
)
ADVICE = {
    "CORRECT_ACCUMULATED": "The lab asks for one round for each example; this is right all the same.",
    "MISSING_ZERO": "Call zero_grad() once in every turn of the loop.",
    "ZERO_ONCE_PER_EPOCH": "Reset belongs after every Optimize, in the same loop.",
    "ZERO_BETWEEN": "Backprop, then Optimize, and only then Reset: what comes between the first two wipes the marks.",
    "STEP_BEFORE_BACKWARD": "Put loss.backward() before the optimizer's step().",
    "MISSING_STEP": "Call the optimizer's step() after each Backprop. By hand, change the tensors in place under "
    "torch.no_grad(), as in p -= lr * p.grad; p = p - lr * p.grad makes a new one.",
    "MISSING_BACKWARD": "Call loss.backward() before the optimizer's step().",
    "WRONG_PARAMETERS": "Hand SGD the very tensors that you are given: var_1 and var_2, or network.parameters().",
    "PARTIAL_PARAMETERS": "Hand SGD all of network.parameters(), or var_1 and var_2, and let the loss come from all of "
    "them.",
    "STALE_LOSS": "Inside the loop, before each Backprop: output = network(x), or the latent value; then the loss from "
    "it.",
    "DETACHED": "Compute the loss from the network's output with tensor operations alone.",
    "DOUBLE_BACKWARD": "Call backward() once for each loss.",
    "DOUBLE_STEP": "Call step() once for each Backprop.",
    "STEP_ONCE_PER_EPOCH": "Move the three steps into the inner loop, one round for each example.",
    "OPTIMIZER_RECREATED_EACH_STEP": "Move the line that makes the optimizer out of the loop.",
    "ZERO_GRADIENT": "Look at the loss: it has to grow when an output moves away from its target.",
    "LR_ZERO": "Give the optimizer the lr that you are handed.",
    "WRONG_DIRECTION": "Take the loss to 0: no minus before it, no maximize, and subtract lr times the gradient.",
    "DIVERGED": "Use the lr that you are given.",
    "WEIGHTS_ASSIGNED": "Leave the weights to Backprop and Optimize.",
    "LEARNING_UNDONE": "Do not load the first weights again after the training.",
    "STOPS_EARLY": "Go through all the examples in every pass; look for a break or return inside the loop.",
    "NO_TRAINING": "For each example: output, loss, then Backprop, Optimize, Reset.",
    "WRONG_LOSS": "Use torch.sum((output - target) ** 2); for the latent value (goal - my_latent_value) ** 2.",
    "WRONG_LEARNING_RATE": "Give the optimizer the lr that you are handed.",
    "NOT_RUN": "Run your function on a small list of examples, and mend what it says.",
}
HINTS = {
    "a leaf Variable that requires grad": "By hand, change the tensors inside `with torch.no_grad():`.",
    "'NoneType'": "If it is the gradient that is None: p = p - lr * p.grad makes a new tensor without one; change p in "
    "place, under torch.no_grad().",
}
"""What to change where Python stopped the loop with these words."""
RECREATED_HINT = "A new optimizer at every step is harmless for plain SGD; with momentum it would forget it."
RIGHT = frozenset({"CORRECT", "CORRECT_ROTATED", "CORRECT_ACCUMULATED"})
ORDER_IS_RIGHT = frozenset(name for name, text in SENTENCES.items() if text.startswith("The order is right"))
FULL = RIGHT | ORDER_IS_RIGHT | {"UNEXPLAINED_UPDATE"}
"""Verdicts that keep full marks for order by default; grading.yml may say otherwise."""
CULPRIT = {
    "MISSING_ZERO": "Optimize",
    "ZERO_ONCE_PER_EPOCH": "Reset",
    "ZERO_BETWEEN": "Reset",
    "STEP_BEFORE_BACKWARD": "Optimize",
    "MISSING_STEP": "Backprop",
    "MISSING_BACKWARD": "Optimize",
    "WRONG_PARAMETERS": "Optimize",
    "PARTIAL_PARAMETERS": "Optimize",
    "STALE_LOSS": "Backprop",
    "DETACHED": "Backprop",
    "DOUBLE_BACKWARD": "Backprop",
    "DOUBLE_STEP": "Optimize",
    "STEP_ONCE_PER_EPOCH": "Optimize",
    "OPTIMIZER_RECREATED_EACH_STEP": "Optimize",
    "STOPS_EARLY": "Optimize",
}
"""Which step a verdict points at first."""


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
    return SENTENCES[name].format_map(_Missing(shown))


PLAIN = {
    "STEP_ONCE_PER_EPOCH": "You Optimize once per pass, each time with the marks of all its examples.",
    "OPTIMIZER_RECREATED_EACH_STEP": "You make a new optimizer at every step.",
}
"""What happened and nothing else, where the usual sentence also says what to do instead."""


def accepted(name: str, **facts: object) -> str:
    """The sentence of a verdict for which the course takes no mark, though others would."""
    return f"{PLAIN.get(name) or say(name, **facts)} Your course takes no mark for that."


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
