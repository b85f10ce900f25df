"""The kinds of verdict on a training loop: one record for each, and every fact of a kind stands in its record.

Precedence, shares of the marks, wording and places come from here: `loop.reading` and `loop.decision` choose a kind by
its name, `loop.wording` fills in its sentence, `course` knows the names that grading.yml may use. How to add one:
docs/order-check.md. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autograder.loop.timeline import Step


@dataclass(frozen=True)
class Verdict:
    """One kind of verdict.

    `rank`: of two faults the one with the smaller rank is told. `sentence` and `advice` are what a student reads;
    `wording.say` fills in what stands in braces, and `plain` stands for both where a course takes no mark. `share` is
    what is kept of the marks for order where grading.yml says nothing. `culprit` is the step whose lines are shown
    first, `missing` the step that the picture shows as left out.
    """

    name: str
    rank: int
    sentence: str
    order_is_right: bool | None  # each gradient fresh, used once, then Reset; None: it cannot be told
    share: float = 0.0
    advice: str = ""
    plain: str = ""
    culprit: Step | None = None
    missing: Step | None = None
    flawless: bool = False  # and it is as asked, too
    beside: bool = False  # seen of a loop whose order is right: only something else that is asked is not so
    by_size: bool = False  # a small probe can give it of a loop that takes its examples in groups
    harmless: bool = False  # a fault that leaves the lab's numbers as they are
    blind: bool = False  # nothing was seen that could have moved a tensor: other numbers do not speak against it
    blames_empty: bool = False  # an update that found no marks is part of the fault


VERDICTS: tuple[Verdict, ...] = (
    Verdict(
        "CORRECT",
        rank=10,
        sentence="Backprop, Optimize, Reset: every update used exactly one fresh gradient.",
        order_is_right=True,
        flawless=True,
        share=1.0,
    ),
    Verdict(
        "CORRECT_ROTATED",
        rank=20,
        sentence=(
            "You Reset just before Backprop instead of after Optimize; around the loop that is the same cycle: "
            "full marks."
        ),
        order_is_right=True,
        flawless=True,
        share=1.0,
    ),
    Verdict(
        "CORRECT_ACCUMULATED",
        rank=30,
        sentence="You Backprop {n} times before each Optimize on purpose; every gradient is used once, then Reset.",
        advice="{accumulated}",
        order_is_right=True,
        flawless=True,
        share=1.0,
    ),
    Verdict(
        "MISSING_ZERO",
        rank=40,
        sentence=(
            "You never Reset: at update {i} {optimizer} still had marks from {n} earlier {examples} "
            "and applied them again."
        ),
        advice="Call zero_grad() once in every turn of the loop.",
        order_is_right=False,
        culprit="Optimize",
        missing="Reset",
    ),
    Verdict(
        "ZERO_ONCE_PER_EPOCH",
        rank=50,
        sentence=(
            "You Reset only every {k} updates; in between old marks are applied again. Move Reset inside the "
            "inner loop."
        ),
        advice="Reset belongs after every Optimize, in the same loop.",
        order_is_right=False,
        culprit="Reset",
        missing="Reset",
    ),
    Verdict(
        "ZERO_BETWEEN",
        rank=60,
        sentence="You Reset after Backprop but before Optimize, so {optimizer} found no marks and changed nothing.",
        advice="Backprop, then Optimize, and only then Reset: what comes between the first two wipes the marks.",
        order_is_right=False,
        culprit="Reset",
        blames_empty=True,
    ),
    Verdict(
        "STEP_BEFORE_BACKWARD",
        rank=70,
        sentence=(
            "Optimize runs before Backprop, so it uses the previous {one}'s marks, and the last {one}'s are never used."
        ),
        advice="Put loss.backward() before the optimizer's step().",
        order_is_right=False,
        culprit="Optimize",
        blames_empty=True,
    ),
    Verdict(
        "MISSING_STEP",
        rank=80,
        sentence="You Backprop but never Optimize ({b} {gradients}, 0 updates). Did you forget the `()`?",
        advice=(
            "Call the optimizer's step() after each Backprop. By hand, change the tensors in place under "
            "torch.no_grad(), as in p -= lr * p.grad; p = p - lr * p.grad makes a new one."
        ),
        order_is_right=False,
        culprit="Backprop",
        missing="Optimize",
        by_size=True,
    ),
    Verdict(
        "MISSING_BACKWARD",
        rank=90,
        sentence="You Optimize without Backprop: no tensor was marked.",
        advice="Call loss.backward() before the optimizer's step().",
        order_is_right=False,
        culprit="Optimize",
        missing="Backprop",
        blames_empty=True,
    ),
    Verdict(
        "WRONG_PARAMETERS",
        rank=100,
        sentence="{optimizer} was given tensors that are not {whose}.",
        advice="Hand {optimizer} the very tensors that you are given: {handed}.",
        order_is_right=False,
        culprit="Optimize",
        missing="Optimize",
    ),
    Verdict(
        "PARTIAL_PARAMETERS",
        rank=110,
        sentence="{names} never {change}: {optimizer} was not given them, or the loss does not reach them.",
        advice="Hand {optimizer} {all_handed}, and let the loss come from all of them.",
        order_is_right=False,
        culprit="Optimize",
    ),
    Verdict(
        "STALE_LOSS",
        rank=120,
        sentence=(
            "The loss comes from an output computed before the last update; compute output and loss again inside "
            "the loop."
        ),
        advice=("Inside the loop, before each Backprop: {recompute}; then the loss from it."),
        order_is_right=False,
        culprit="Backprop",
    ),
    Verdict(
        "DETACHED",
        rank=130,
        sentence=(
            "The loss lost its connection to the network (.item(), .detach(), no_grad), so Backprop cannot mark "
            "anything."
        ),
        advice="Compute the loss from the network's output with tensor operations alone.",
        order_is_right=False,
        culprit="Backprop",
        blames_empty=True,
    ),
    Verdict(
        "DOUBLE_BACKWARD",
        rank=140,
        sentence="The same loss was Backpropped twice before one Optimize.",
        advice="Call backward() once for each loss.",
        order_is_right=False,
        culprit="Backprop",
    ),
    Verdict(
        "DOUBLE_STEP",
        rank=150,
        sentence="One Backprop was Optimized twice.",
        advice="Call step() once for each Backprop.",
        order_is_right=False,
        culprit="Optimize",
    ),
    Verdict(
        "STEP_ONCE_PER_EPOCH",
        rank=160,
        sentence="You Optimize once per pass; {asks}.",
        advice="{rounds}",
        order_is_right=True,
        culprit="Optimize",
        by_size=True,
        plain="You Optimize once per pass, each time with the marks of all its examples.",
    ),
    Verdict(
        "OPTIMIZER_RECREATED_EACH_STEP",
        rank=170,
        sentence="A new optimizer at every step forgets its momentum; make it once, before the loop.",
        advice="Move the line that makes the optimizer out of the loop.",
        order_is_right=True,
        culprit="Optimize",
        harmless=True,
        plain="You make a new optimizer at every step.",
    ),
    Verdict(
        "ZERO_GRADIENT",
        rank=180,
        sentence="The order is right, but the loss's gradient is exactly 0.",
        advice="Look at the loss: it has to grow when an output moves away from its target.",
        order_is_right=True,
        share=1.0,
    ),
    Verdict(
        "LR_ZERO",
        rank=190,
        sentence="The order is right, but the learning rate is exactly 0.",
        advice="Give the optimizer the lr that you are handed.",
        order_is_right=True,
        share=1.0,
    ),
    Verdict(
        "WRONG_DIRECTION",
        rank=200,
        sentence="The order is right, but updates move away from 0.",
        advice="Take the loss to 0: no minus before it, no maximize, and subtract lr times the gradient.",
        order_is_right=True,
        share=1.0,
    ),
    Verdict(
        "DIVERGED",
        rank=210,
        sentence="The order is right, but the frog hops too far: numbers became NaN, lower the learning rate.",
        advice="Use the lr that you are given.",
        order_is_right=True,
        share=1.0,
    ),
    Verdict(
        "WEIGHTS_ASSIGNED",
        rank=220,
        sentence="Weights were written directly instead of learned.",
        advice="Leave the weights to Backprop and Optimize.",
        order_is_right=False,
        blind=True,
    ),
    Verdict(
        "LEARNING_UNDONE",
        rank=230,
        sentence="Weights were set back to the start.",
        advice="Do not load the first weights again after the training.",
        order_is_right=False,
    ),
    Verdict(
        "STOPS_EARLY",
        rank=240,
        sentence="Only {k} of {n} examples were learned from.",
        advice="Go through all the examples in every pass; look for a break or return inside the loop.",
        order_is_right=False,
        culprit="Optimize",
        by_size=True,
    ),
    Verdict(
        "NO_TRAINING",
        rank=250,
        sentence="Nothing was trained.",
        advice="For each {one}: output, loss, then Backprop, Optimize, Reset.",
        order_is_right=False,
        by_size=True,
        blind=True,
    ),
    Verdict(
        "WRONG_LOSS",
        rank=260,
        sentence="The order is right, but this loss is not {loss}.",
        advice="{loss_advice}",
        order_is_right=True,
        share=1.0,
    ),
    Verdict(
        "WRONG_LEARNING_RATE",
        rank=270,
        sentence="The order is right, but the updates are {c} times as large as lr asks.",
        advice="Give the optimizer the lr that you are handed.",
        order_is_right=True,
        share=1.0,
    ),
    Verdict(
        "OTHER_INPUTS",
        rank=271,
        sentence="The order is right, but the network was given other inputs than the {one}s: changed or mixed ones.",
        advice="Hand the network the inputs as they are, unless the assignment asks for others.",
        order_is_right=True,
        beside=True,
        share=1.0,
    ),
    Verdict(
        "OTHER_BATCHES",
        rank=272,
        sentence="The order is right, but an update takes {k} examples at once; {asks}.",
        advice="{rounds}",
        order_is_right=True,
        beside=True,
        share=1.0,
    ),
    Verdict(
        "OTHER_EPOCHS",
        rank=274,
        sentence="The order is right, but you go through the examples {k} times instead of {n}.",
        advice="Make as many passes as you are asked for.",
        order_is_right=True,
        beside=True,
        share=1.0,
    ),
    Verdict(
        "OTHER_OPTIMIZER",
        rank=276,
        sentence="The order is right, but {names} is not the optimizer that is asked for, {wanted}.",
        advice="Use the optimizer that the assignment names.",
        order_is_right=True,
        beside=True,
        share=1.0,
    ),
    Verdict(
        "UNEXPLAINED_UPDATE",
        rank=280,
        sentence="I saw updates that I cannot explain; judged by the numbers, no mark is lost here.",
        order_is_right=None,
        share=1.0,
        blind=True,
    ),
    Verdict(
        "NOT_RUN",
        rank=290,
        sentence="The loop could not be run: {error}.",
        advice="Run your function on a small list of examples, and mend what it says.",
        order_is_right=None,
        blind=True,
    ),
)
KINDS: Mapping[str, Verdict] = {kind.name: kind for kind in sorted(VERDICTS, key=lambda kind: kind.rank)}
"""Every kind by its name, the first in precedence first."""


RIGHT = frozenset(name for name, kind in KINDS.items() if kind.flawless)
BESIDE = frozenset(name for name, kind in KINDS.items() if kind.beside)
BY_SIZE = frozenset(name for name, kind in KINDS.items() if kind.by_size)


ORDER_KEPT = frozenset(name for name, kind in KINDS.items() if kind.order_is_right)
"""Kinds of loops whose order is right, whatever else is not as asked."""


def rank(name: str) -> int:
    """The precedence of a kind, to sort by."""
    return KINDS[name].rank


def lenient(name: str) -> bool:
    """Whether a kind keeps all the marks for order unless a course says otherwise."""
    return KINDS[name].share >= 1


def blames(name: str) -> bool:
    """Whether a kind is a fault of the student's, or cannot be told."""
    return not lenient(name) or KINDS[name].order_is_right is None
