"""From the numbers of several probes to one verdict, its sentence, and the share of the order's marks.

Names, wording and which verdicts keep full marks follow the project's table of verdicts; the graders of q3 and q5 call
`decide`. Here the replay alone decides; what was seen of the loop only proposes the order and helps to name a fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autograder.loop.replay import TOLERANCE, Evidence, Hypothesis, first_ratio, matches

FULL = frozenset(
    {
        "CORRECT",
        "CORRECT_ROTATED",
        "CORRECT_ACCUMULATED",
        "ZERO_GRADIENT",
        "LR_ZERO",
        "WRONG_DIRECTION",
        "DIVERGED",
        "WRONG_LOSS",
        "WRONG_LEARNING_RATE",
    }
)
RIGHT = Hypothesis("CORRECT")
SENTENCES = {
    "CORRECT": "Backprop, Optimize, Reset: every update used exactly one fresh gradient.",
    "CORRECT_ACCUMULATED": "You Backprop {n} times before each Optimize on purpose; "
    "every gradient is used once, then Reset.",
    "MISSING_ZERO": "You never Reset: SGD still had the marks from earlier examples and applied them again.",
    "ZERO_ONCE_PER_EPOCH": "You Reset only every {n} updates; in between old marks are applied again.",
    "STEP_BEFORE_BACKWARD": "Optimize runs before Backprop, so it uses the previous example's marks, "
    "and the last example's are never used.",
    "STALE_LOSS": "The loss comes from an output computed before the last update.",
    "DOUBLE_BACKWARD": "The same loss was Backpropped twice before one Optimize.",
    "DOUBLE_STEP": "One Backprop was Optimized twice.",
    "STEP_ONCE_PER_EPOCH": "You Optimize once per pass; the lab asks for back! optimize! reset! after each example.",
    "MISSING_STEP": "You Backprop but never Optimize ({n} gradients, 0 updates).",
    "MISSING_BACKWARD": "You Optimize without Backprop: no tensor was marked.",
    "WRONG_PARAMETERS": "SGD was given other tensors than those you were handed.",
    "ZERO_BETWEEN": "SGD found no marks when it ran, so Optimize changed nothing.",
    "NO_TRAINING": "Nothing was trained: not one parameter has changed.",
    "DIVERGED": "The frog hops too far: the numbers became NaN or infinite.",
    "WRONG_LOSS": "The order is right, but this loss is not the summed squared difference: "
    "its gradients are {c} times as large.",
    "WRONG_LEARNING_RATE": "The order is right, but the updates are {c} times as large as lr asks.",
    "UNEXPLAINED_UPDATE": "The updates are not those of Backprop, Optimize, Reset, "
    "and I cannot tell which step is off.",
}
ADVICE = {
    "MISSING_ZERO": "Call zero_grad() once in every turn of the loop.",
    "ZERO_ONCE_PER_EPOCH": "Move Reset inside the inner loop.",
    "STEP_BEFORE_BACKWARD": "Put loss.backward() before the optimizer's step().",
    "STALE_LOSS": "Compute output and loss again inside the loop, before each Backprop.",
    "DOUBLE_BACKWARD": "Call backward() once for each loss.",
    "DOUBLE_STEP": "Call step() once for each Backprop.",
    "STEP_ONCE_PER_EPOCH": "Move the three steps into the inner loop, one round for each example.",
    "MISSING_STEP": "Call the optimizer's step() after Backprop. Did you forget the `()`?",
    "MISSING_BACKWARD": "Call loss.backward() before the optimizer's step().",
    "WRONG_PARAMETERS": "Hand SGD the very tensors that are given: var_1 and var_2, or the network's parameters().",
    "ZERO_BETWEEN": "Backprop, then Optimize, and only then Reset: "
    "whatever comes between the first two wipes the marks.",
    "NO_TRAINING": "Train the very tensors you are given: Backprop, Optimize, Reset, "
    "with an optimizer that was given them.",
    "DIVERGED": "Use the lr that you are given, and Reset in every turn.",
    "WRONG_LOSS": "Use torch.sum((output - target) ** 2).",
    "WRONG_LEARNING_RATE": "Give the optimizer the lr that you are handed.",
    "UNEXPLAINED_UPDATE": "Compare your loop with the three steps of the lab, one round for each example.",
}


@dataclass(frozen=True)
class Seen:
    """What a probe's record says beside the order: hints for naming, never proof."""

    backprops: int = 0
    optimizes: int = 0
    empty_first: bool = False  # an Optimize came before any Backprop
    unused: int = 0  # Backprops after the last Optimize
    doubled: bool = False  # one output was Backpropped twice before an Optimize
    group: int = 1  # most Backprops before one Optimize
    marks_left: bool = False  # gradients were still there at the end
    strangers: bool = False  # an optimizer was stepped that knows none of the probe's parameters
    unbelieved: str = ""  # a setting that the replay does not accept


@dataclass(frozen=True)
class Verdict:
    """What the loop did: `share` of the order's marks, a sentence, what to do, and flags for a person."""

    name: str
    share: float
    sentence: str
    advice: str
    flags: tuple[str, ...] = ()


def verdict(name: str, *, n: int = 0, c: float = 1.0, flags: tuple[str, ...] = ()) -> Verdict:
    sentence = SENTENCES[name].format(n=n, c=f"{c:.3g}")
    return Verdict(name, 1.0 if name in FULL else 0.0, sentence, ADVICE.get(name, ""), flags)


def decide(probes: Sequence[tuple[Evidence, Seen]]) -> Verdict:
    """The verdict that explains every probe; probes must differ in size and start.

    A probe that ended in NaN proves nothing, so the others name the fault; an order fault comes before DIVERGED.
    """
    numbers = [(evidence, seen) for evidence, seen in probes if evidence.finite()]
    diverged = len(numbers) < len(probes)
    if not any(evidence.moved() for evidence, _ in probes):
        return still([seen for _, seen in probes])
    unbelieved = tuple(dict.fromkeys(f"OPTIMIZER_SETTING: {seen.unbelieved}" for _, seen in probes if seen.unbelieved))
    fits = [matches(evidence, RIGHT) is not None for evidence, _ in numbers]
    if all(fits) and not diverged:
        return right(probes, unbelieved)
    # A probe without numbers proves nothing: what is right on the others only may be a loop that looks at its examples.
    named = fault(numbers) if numbers and not any(fits) else None
    if named is not None:
        return replace(named, share=0.0) if diverged else named
    flags = (*unbelieved, *(("INCONSISTENT_LOOP",) if any(fits) else ()))
    if diverged:
        return replace(verdict("DIVERGED", flags=flags), share=0.0)
    return verdict("UNEXPLAINED_UPDATE", flags=(*flags, "LOOP_NOT_EXPLAINED"))


def right(probes: Sequence[tuple[Evidence, Seen]], flags: tuple[str, ...]) -> Verdict:
    """Numbers agree with fresh gradients used once; tells how they were grouped."""
    if flags:
        return verdict("UNEXPLAINED_UPDATE", flags=(*flags, "LOOP_NOT_EXPLAINED"))
    if all(seen.empty_first and seen.unused for _, seen in probes):
        return verdict("STEP_BEFORE_BACKWARD")
    if all(whole_passes(evidence) for evidence, _ in probes):
        return verdict("STEP_ONCE_PER_EPOCH")
    group = max(seen.group for _, seen in probes)
    return verdict("CORRECT_ACCUMULATED", n=group) if group > 1 else verdict("CORRECT")


def whole_passes(evidence: Evidence) -> bool:
    """Whether each update took every example at once."""
    updates = evidence.updates
    return bool(updates) and evidence.examples > 1 and all(len(rows) >= evidence.examples for rows in updates or [])


def fault(probes: Sequence[tuple[Evidence, Seen]]) -> Verdict | None:
    """The first fault whose numbers explain every probe."""
    for build in (missing_zero, once_per_epoch, stale_epoch, behind, lagging):
        if all(matches(evidence, build(evidence)) is not None for evidence, _ in probes):
            return verdict(build(probes[0][0]).verdict, n=max(evidence.examples for evidence, _ in probes))
    if all(matches(one_pass_at_once(evidence), RIGHT) is not None for evidence, _ in probes):
        return verdict("STEP_ONCE_PER_EPOCH")
    if all(matches(dropped_last(evidence), RIGHT) is not None for evidence, _ in probes):
        return verdict("STEP_BEFORE_BACKWARD")
    return scaled(probes)


def scaled(probes: Sequence[tuple[Evidence, Seen]]) -> Verdict | None:
    """Right but for the size of the updates: the same factor everywhere, or one typed-in lr."""
    smallest = min((evidence for evidence, _ in probes), key=lambda evidence: evidence.examples * evidence.epochs)
    scale = first_ratio(smallest)
    if scale is None:
        return None
    if all(fits_scale(evidence, scale) for evidence, _ in probes):
        if all(seen.doubled for _, seen in probes):
            return verdict("DOUBLE_BACKWARD")
        if all(seen.optimizes >= 2 * seen.backprops > 0 for _, seen in probes):
            return verdict("DOUBLE_STEP")  # for plain SGD the numbers are those of twice the lr
        reported = all(e.reported_lr is not None and abs(e.reported_lr - e.lr) < 1e-9 * e.lr for e, _ in probes)
        return verdict("WRONG_LOSS" if reported else "WRONG_LEARNING_RATE", c=scale)
    if all(fits_scale(evidence, scale * smallest.lr / evidence.lr) for evidence, _ in probes):
        return verdict("WRONG_LEARNING_RATE", c=scale)
    return None


def fits_scale(evidence: Evidence, scale: float) -> bool:
    return matches(evidence, Hypothesis("WRONG_LEARNING_RATE", scale=scale), 3 * TOLERANCE) is not None


def missing_zero(evidence: Evidence) -> Hypothesis:
    return Hypothesis("MISSING_ZERO", keep=-1)


def once_per_epoch(evidence: Evidence) -> Hypothesis:
    return Hypothesis("ZERO_ONCE_PER_EPOCH", keep=evidence.examples)


def stale_epoch(evidence: Evidence) -> Hypothesis:
    return Hypothesis("STALE_LOSS", stale_epoch=True)


def behind(evidence: Evidence) -> Hypothesis:
    return Hypothesis("STEP_BEFORE_BACKWARD", lag=1)


def lagging(evidence: Evidence) -> Hypothesis:
    return Hypothesis("STEP_BEFORE_BACKWARD", lag=1, keep=-1)


def one_pass_at_once(evidence: Evidence) -> Evidence:
    """The same probe as if every pass had been one update with all examples."""
    return replace(evidence, updates=[list(range(evidence.examples)) for _ in range(evidence.epochs)])


def dropped_last(evidence: Evidence) -> Evidence:
    """The same probe as if its last update had never been asked for."""
    updates = evidence.updates if evidence.updates is not None else evidence.taught()
    return replace(evidence, updates=updates[:-1])


def still(seen: Sequence[Seen]) -> Verdict:
    """Nothing moved: name the likeliest reason from what was seen."""
    backprops, optimizes = min(s.backprops for s in seen), min(s.optimizes for s in seen)
    if not optimizes and all(s.strangers for s in seen):
        return verdict("WRONG_PARAMETERS")
    if backprops and not optimizes:
        return verdict("MISSING_STEP", n=backprops)
    if optimizes and not backprops:
        return verdict("MISSING_BACKWARD")
    if optimizes and backprops:
        return verdict("STEP_BEFORE_BACKWARD" if all(s.empty_first for s in seen) else "ZERO_BETWEEN")
    return verdict("NO_TRAINING")
