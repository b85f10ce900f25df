"""The student's account as steps of the machine: what it says of its own updates, ready to be computed anew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from autograder.loop.asked import PER_EXAMPLE
from autograder.loop.events import Back, Kind, Written
from autograder.loop.evidence import Evidence
from autograder.loop.machine import (
    Setting,
    Step,
    believed,
)

SAME_RATE = 1e-4  # relative difference up to which a learning rate is the one that was given
NEAR_RATE = 1e-2  # by hand: the factor is measured on float32 values
CONTRADICTION = "an account that contradicts itself"


def compiled(evidence: Evidence) -> tuple[list[Step] | None, str]:
    """The account's steps, or None with the reason why they cannot be computed or are not believed.

    What an account says twice must agree: a loss that some update has made out of date is to be marked so, since the
    ledger reads the marks and the replay the places.
    """
    account = evidence.account
    changed_at: dict[str, int] = {}  # tensor -> the step that changed it last
    made_at: list[int] = []  # forward -> the step that it is
    reached: dict[int, list[int]] = {}
    for backprop, forward in account.reaches:
        reached.setdefault(backprop, []).append(forward)
    settings: dict[int, Setting] = {}
    constant: dict[int, tuple[object, ...]] = {}
    for number, described in enumerate(account.settings):
        if not any(group["parameters"] for group in described["groups"]):
            continue  # of other tensors: it changed nothing here
        setting, why = believed(described, evidence.allowed)
        if setting is None:
            return None, why
        settings[number] = setting
        kept = setting.constant(scheduled=evidence.examples > 1)
        if constant.setdefault(setting.optimizer, kept) != kept:
            return None, f"settings of {setting.name} that change on the way"
    steps: list[Step] = []
    inside: list[Step] = []
    backprop = forward = 0
    for position, event in enumerate(account.events):
        names = tuple(account.named(event.mask))
        match event.kind:
            case Kind.FORWARD:
                rows = evidence.rows[forward] if forward < len(evidence.rows) else None
                if rows is None:
                    return None, ""
                made_at.append(len(steps))
                steps.append(Step("F", rows=rows))
                forward += 1
            case Kind.BACKPROP:
                number, backprop = backprop, backprop + 1
                flags = Back(event.flags)
                if not event.mask or flags.raised:
                    continue
                refs = tuple(reached.get(number, ()))
                if any(ref >= forward for ref in refs):
                    return None, ""
                unmarked = [name for name in names if name not in account.named(event.changed)]
                if any(changed_at.get(name, -1) > made_at[ref] for ref in refs for name in unmarked):
                    return None, CONTRADICTION
                if not refs and event.age and len(unmarked) == len(names):
                    return None, CONTRADICTION
                alone = (0,) if evidence.examples == 1 and not refs else ()
                pulls = tuple(evidence.pulls.get((number, ref)) for ref in refs)
                returned_only = bool(flags & Back.GRAD_ONLY)
                step = Step("B", names, refs, alone, None, 1.0, event.age, number, returned_only, pulls=pulls)
                steps.append(step)
                if flags & Back.INSIDE:
                    inside.append(step)
            case Kind.RESET:
                if event.mask:
                    steps.append(Step("Z", names))
            case Kind.OPTIMIZE:
                if event.mask:
                    used = tuple(account.named(event.mask & event.other))
                    setting = settings.get(event.ref)
                    changed_at.update(dict.fromkeys(used, len(steps)))
                    steps.append(Step("S", used, setting=setting, closure=tuple(inside)))
                    inside = []
            case Kind.WRITTEN:
                flags_of = Written(event.flags)
                if evidence.asked != PER_EXAMPLE and position in evidence.ledger.backs:
                    changed_at.update(dict.fromkeys(names, len(steps)))
                    steps.append(Step("R", names))
                    continue
                factor = account.number(event.ref)
                if factor is None:
                    return None, ""
                if flags_of & Written.AVERAGED:
                    if evidence.asked == PER_EXAMPLE or not 0 < factor < 1:
                        return None, ""
                    changed_at.update(dict.fromkeys(names, len(steps)))
                    steps.append(Step("A", names, factor=factor, age=event.age))
                    continue
                away = evidence.asked != PER_EXAMPLE and position in evidence.ledger.aways
                if not away and abs(factor / evidence.lr - 1) < NEAR_RATE:
                    factor = evidence.lr
                changed_at.update(dict.fromkeys(names, len(steps)))
                returned = bool(flags_of & Written.ALONG_RETURNED)
                steps.append(Step("W", names, factor=factor, from_returned=returned, away=away))
            case Kind.EDITED:
                factor = account.number(event.ref)
                if factor is None or not 0 < factor <= (math.inf if event.flags else 1):
                    return None, "gradients that were edited"
                steps.append(Step("E", names, factor=factor, clamped=bool(event.flags)))
            case Kind.DEPOSIT:
                steps.append(Step("D", names, added=bool(event.flags)))
            case _:
                return None, ""
    by_hand = [step.factor for step in steps if step.what == "W" and not step.away]
    if min(by_hand, default=0.0) < 0 and (max(by_hand) > 0 or any(step.what == "S" for step in steps)):
        return None, "updates up and down the gradient"  # one could undo what another is said to have learned
    if evidence.examples == 1 and len(rates_in(steps)) > 1:
        return None, "learning rates that change on the way"  # two numbers could be led anywhere by them
    return steps, ""


def rates_in(steps: Sequence[Step]) -> list[float]:
    """The learning rates and factors that updates are made with, each once, as far as float32 can tell them apart."""
    rates: set[float] = set()
    for step in steps:
        if step.what == "W" and not step.away:
            rates.add(step.factor)
        elif step.what == "S" and step.setting is not None:
            rates.update(lr for _, lr, _ in step.setting.groups)
    found: list[float] = []
    for rate in sorted(rates):  # so that only the one before can be near: an account may tell thousands of them
        if not (found and abs(rate - found[-1]) <= NEAR_RATE * abs(found[-1])):
            found.append(rate)
    return found


def rate_of(evidence: Evidence, steps: Sequence[Step] | None) -> float:
    """How many times as large as the given one the learning rates are: 1.0 if the largest is it."""
    rates = []
    for step in steps or ():
        if step.what == "W" and not step.away:
            rates.append(step.factor)
        elif step.what == "S" and step.setting is not None:
            rates += [lr for _, lr, _ in step.setting.groups]
    if not rates:
        return 1.0
    most = max(rates, key=abs) / evidence.lr
    if 0 < most < 1 and _warms_up(evidence):
        return 1.0
    return 1.0 if abs(most - 1) <= SAME_RATE else most


def _warms_up(evidence: Evidence) -> bool:
    """Whether every optimizer was made with the lr that was given, and a schedule of torch's holds it back so far."""
    firsts = [
        group["settings"].get("initial_lr")
        for one in evidence.account.settings
        for group in one["groups"]
        if group["parameters"]
    ]
    return bool(firsts) and all(
        isinstance(first, (int, float)) and abs(first / evidence.lr - 1) <= SAME_RATE for first in firsts
    )


def own_setting(evidence: Evidence) -> Setting | None:
    """The optimizer that the account names first, with the lr that was given; None if there is none to be believed."""
    for described in evidence.account.settings:
        setting, _ = believed(described, evidence.allowed)
        if setting is not None and setting.groups and setting.name != "LBFGS":
            names = [name for names, _, _ in setting.groups for name in names]
            if set(names) != set(evidence.start):
                return None
            return replace(setting, groups=tuple((names, evidence.lr, rest) for names, _, rest in setting.groups))
    return None
