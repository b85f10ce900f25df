"""From a ledger to a verdict: what the loop did, by its events alone.

Standard library only; nothing here looks at the numbers a loop ends with, which are `loop.replay`'s. The rules stand in
the order of precedence of the project's table: what made nothing happen first, then the faults of order, then what is
right in its order but for something else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from autograder.loop.asked import PER_EXAMPLE, Asked
from autograder.loop.events import Account, Back, Event, Kind, Place, Written
from autograder.loop.ledger import EMPTY, Backprop, Ledger, Update, Use
from autograder.loop.timeline import Step
from autograder.loop.verdicts import KINDS, RIGHT
from autograder.loop.wording import HINTS, RECREATED_HINT, advise, say

NOT_MODELLED = ("threads", "autocast", "compiled", "gradient hooks", "torch.func")
FOGGY = ("threads", "autocast", "compiled", "Optimize inside Backprop", "parameters were replaced")
"""What the ledger cannot see through: a fault that it seems to find there is nobody's."""
NO_BACKWARD = re.compile(r"'([\w.]*+)' object has no attribute 'backward'")
STEP_OF = {Kind.BACKPROP: "Backprop", Kind.OPTIMIZE: "Optimize", Kind.WRITTEN: "Optimize", Kind.RESET: "Reset"}


@dataclass(frozen=True)
class Facts:
    """What is known of a loop beside its events; None where it is not.

    `rows` gives for each Backprop (by number) the numbers of the examples that went into it.
    """

    examples: int | None = None
    epochs: int | None = None
    rows: Sequence[Sequence[int]] | None = None
    error: str = ""  # what the loop raised
    asked: Asked = PER_EXAMPLE
    words: Mapping[str, str] = field(default_factory=dict)  # the assignment's own
    learned: Set[str] = frozenset()  # tensors that the same loop learned in some probe


@dataclass(frozen=True)
class Spot:
    """Where a step stands in the student's source."""

    cell: int | None
    line: int
    step: Step

    def plain(self) -> dict[str, Any]:
        return {"cell": self.cell, "line": self.line, "step": self.step}


@dataclass(frozen=True)
class LedgerVerdict:
    """The ledger's verdict: its name, the numbers of its sentence, the places of the steps, the update it is about."""

    verdict: str
    facts: dict[str, object] = field(default_factory=dict)
    where: tuple[Spot, ...] = ()
    update: int | None = None
    notes: tuple[str, ...] = ()
    hint: str = ""
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        return say(self.verdict, self.words, **self.facts)

    @property
    def advice(self) -> str:
        return " ".join(part for part in (advise(self.verdict, self.words), self.hint) if part)


def read(ledger: Ledger, facts: Facts | None = None) -> LedgerVerdict:
    """The verdict on a loop by its ledger alone."""
    facts = facts or Facts()
    name, numbers, update = _verdict(ledger, facts)
    hint = RECREATED_HINT if name in RIGHT and recreated(ledger) else ""
    if name == "NOT_RUN":
        hint = next((told for words, told in HINTS.items() if words in facts.error), "")
    if name == "WRONG_PARAMETERS" and not _of_network(ledger.account):
        numbers = {"whose": "the ones you were handed"}
    return LedgerVerdict(
        name,
        numbers,
        tuple(spots(ledger, KINDS[name].culprit)),
        update.number if update else None,
        tuple(note for note in ledger.account.notes if note in NOT_MODELLED),
        hint,
        facts.words,
    )


def _of_network(account: Account) -> bool:
    """Whether the watched tensors have the names of a network's parameters."""
    return any("." in name or name in ("weight", "bias") for name in account.names)


Found = tuple[str, dict[str, object], Update | None]


def _verdict(ledger: Ledger, facts: Facts) -> Found:
    if not ledger.account.usable:
        return "UNEXPLAINED_UPDATE", {}, None
    for rule in (_failed, _no_update, _no_backprop, _all_empty, _order, _state, _coverage):
        found = rule(ledger, facts)
        if found is not None:
            foggy = any(note in FOGGY for note in ledger.account.notes)
            return ("UNEXPLAINED_UPDATE", {}, None) if foggy and found[0] not in RIGHT else found
    rotated = resets_first(ledger) if ledger.open_end else ledger.spent_left
    return ("CORRECT_ROTATED" if rotated else "CORRECT"), {}, None


def resets_first(ledger: Ledger) -> bool:
    """Whether the very first thing seen is a Reset."""
    for event in ledger.account.events:
        if event.kind == Kind.RESET:
            return True
        if event.kind in (Kind.BACKPROP, Kind.OPTIMIZE, Kind.WRITTEN):
            return False
    return False


def _failed(ledger: Ledger, facts: Facts) -> Found | None:
    last = ledger.failed
    if last is None:
        if any("float" in kind or "array" in kind for kind in NO_BACKWARD.findall(facts.error)):
            return "DETACHED", {}, None
        if facts.error:
            return "NOT_RUN", {"error": facts.error}, None
        return None
    if last.flags & Back.DETACHED:
        return "DETACHED", {}, None
    if last.flags & Back.INPLACE:
        first = ledger.updates[0] if ledger.updates else None
        early = first is not None and first.use == Use.NOTHING and last.event.age == 1
        return ("STEP_BEFORE_BACKWARD" if early else "STALE_LOSS"), {}, None
    if last.flags & Back.FREED:
        return ("STALE_LOSS" if last.event.age else "DOUBLE_BACKWARD"), {}, None
    return "NOT_RUN", {"error": facts.error or "Backprop failed"}, None


def _no_update(ledger: Ledger, facts: Facts) -> Found | None:
    if ledger.updates:
        return None
    if ledger.strangers:
        return "WRONG_PARAMETERS", {}, None
    if ledger.reaching:
        return "MISSING_STEP", {"b": len(ledger.reaching)}, None
    if any(one.flags & Back.STRANGERS for one in ledger.empty_reach):
        return "WRONG_PARAMETERS", {}, None
    return ("DETACHED" if ledger.empty_reach else "NO_TRAINING"), {}, None


def _no_backprop(ledger: Ledger, facts: Facts) -> Found | None:
    if ledger.reaching:
        return None
    optimized = [update for update in ledger.updates if not update.by_hand]
    if not ledger.empty_reach:
        if not optimized and len(ledger.updates) > 2:
            return "UNEXPLAINED_UPDATE", {}, None  # again and again: gradients may have been worked out by hand
        return ("MISSING_BACKWARD" if optimized else "WEIGHTS_ASSIGNED"), {}, None
    if not optimized:
        return "UNEXPLAINED_UPDATE", {}, None
    if any(update.event.changed for update in optimized):
        return "UNEXPLAINED_UPDATE", {}, None  # gradients came from somewhere else
    if any(one.flags & Back.STRANGERS for one in ledger.empty_reach):
        return "PARTIAL_PARAMETERS", {"names": list(ledger.account.names)}, None
    return "DETACHED", {}, None


def _all_empty(ledger: Ledger, facts: Facts) -> Found | None:
    if any(update.use not in EMPTY for update in ledger.updates):
        return None
    if ledger.lost:
        return "ZERO_BETWEEN", {}, ledger.first(Use.LOST) or ledger.updates[0]
    return "STEP_BEFORE_BACKWARD", {}, ledger.updates[0]


def _order(ledger: Ledger, facts: Facts) -> Found | None:
    """The faults of order, of loops that made at least one update with a gradient."""
    old = ledger.first(Use.OLD_MARKS)
    if old is not None:
        runs = ledger.reset_runs
        if not runs:
            return "MISSING_ZERO", {"i": old.number, "n": old.old}, old
        return "ZERO_ONCE_PER_EPOCH", {"k": max(runs)}, old
    empty, start = ledger.count(Use.LOST), ledger.updates[0]
    if empty * 2 > len(ledger.updates):
        return "ZERO_BETWEEN", {}, ledger.first(Use.LOST)
    stale = ledger.first(Use.STALE)
    if stale is not None:
        lagging = all(u.age == 1 for u in ledger.updates if u.use == Use.STALE)
        lagging = lagging and (start.use == Use.NOTHING or bool(ledger.left))
        return ("STEP_BEFORE_BACKWARD" if lagging else "STALE_LOSS"), {}, stale
    if start.use == Use.NOTHING and ledger.left and ledger.reaching[0].after > 0:
        return "STEP_BEFORE_BACKWARD", {}, start
    partial = _partial(ledger, facts)
    if partial:
        return "PARTIAL_PARAMETERS", {"names": partial}, None
    twice = ledger.first(Use.TWICE)
    if twice is not None:
        return "DOUBLE_BACKWARD", {}, twice
    again = next((u for u in ledger.updates if u.use == Use.AGAIN and u.event.changed | _written_mask(u)), None)
    if again is not None:
        return "DOUBLE_STEP", {}, again
    return None


def _written_mask(update: Update) -> int:
    return update.event.mask if update.by_hand else 0


def _partial(ledger: Ledger, facts: Facts) -> list[str]:
    """Tensors that no update had a mark of, though others were learned. One that the same loop learns from other
    examples had a gradient of 0 here: signs that cancel, a unit that is never active."""
    account = ledger.account
    untouched = account.everything & ~ledger.consumed
    return [name for name in account.named(untouched) if name not in facts.learned] if ledger.consumed else []


def _state(ledger: Ledger, facts: Facts) -> Found | None:
    """What is wrong beside the order of the steps."""
    account = ledger.account
    unknown = [update for update in ledger.updates if update.use == Use.UNKNOWN and update.by_hand]
    restored = [update for update in unknown if update.written & Written.RESTORED]
    if not account.moved and any(update.event.changed or update.by_hand for update in ledger.updates):
        return "LEARNING_UNDONE", {}, restored[-1] if restored else None
    if not account.finite:
        return "DIVERGED", {}, None
    if one_optimizer_a_step(ledger) and remembers(account):
        return "OPTIMIZER_RECREATED_EACH_STEP", {}, None
    strange = [update for update in unknown if not update.written & Written.RESTORED]
    if strange and facts.asked != PER_EXAMPLE and _around(ledger, strange):
        return "UNEXPLAINED_UPDATE", {}, strange[0]  # drawn anew, or averaged: no fault, but no number shows it
    if strange:
        learned = any(update.use in (Use.ONE, Use.SEVERAL) for update in ledger.updates)
        if (not learned and 2 * len(strange) <= len(ledger.reaching)) or (
            learned and len(strange) * 4 <= len(ledger.updates)
        ):
            return "WEIGHTS_ASSIGNED", {}, strange[-1]
        return "UNEXPLAINED_UPDATE", {}, strange[0]
    unknown_marks = ledger.first(Use.UNKNOWN)
    if unknown_marks is not None and not unknown_marks.by_hand and not _after_gap(ledger, unknown_marks):
        return "UNEXPLAINED_UPDATE", {}, unknown_marks
    if ledger.reaching and all(one.event.mask and one.event.other == one.event.mask for one in ledger.reaching):
        return "ZERO_GRADIENT", {}, None
    rates = list(learning_rates(account))
    if rates and all(rate == 0 for rate in rates):
        return "LR_ZERO", {}, None
    if away(ledger):
        return "WRONG_DIRECTION", {}, None
    return None


def _around(ledger: Ledger, written: Sequence[Update]) -> bool:
    """Whether weights were written only before the first update that learned or after the last one."""
    learning = [update.number for update in ledger.updates if update.use in (Use.ONE, Use.SEVERAL)]
    if len(learning) < 2 or len(learning) + len(written) < len(ledger.updates):
        return False
    return all(not learning[0] < update.number < learning[-1] for update in written)


def _after_gap(ledger: Ledger, update: Update) -> bool:
    """Whether a part that was not recorded stands right before an update, or the record began in the middle."""
    before = [event for event in ledger.account.events[: update.position] if event.kind in (Kind.GAP, Kind.OPTIMIZE)]
    return bool(before) and before[-1].kind == Kind.GAP


def away(ledger: Ledger) -> bool:
    """Whether the updates go along the gradient instead of against it, and that takes the loss away from 0."""
    if ledger.reaching and all(one.flags & Back.NEGATIVE for one in ledger.reaching):
        return False
    factors = [ledger.account.number(u.event.ref) for u in ledger.updates if u.by_hand]
    known = [factor for factor in factors if factor is not None]
    if known and len(known) == len(ledger.updates):
        return all(factor < 0 for factor in known)
    groups = [group for one in ledger.account.settings for group in one["groups"] if group["parameters"]]
    return bool(groups) and all(group["settings"].get("maximize") is True for group in groups)


def learning_rates(account: Account) -> Iterator[float]:
    """The lr of every group that holds a watched tensor."""
    for one in account.settings:
        for group in one["groups"]:
            rate = group["settings"].get("lr")
            if group["parameters"] and isinstance(rate, (int, float)):
                yield float(rate)


def optimizers(ledger: Ledger) -> list[int]:
    """The optimizer of each update that was made by one."""
    settings = ledger.account.settings
    return [
        settings[update.event.ref]["optimizer"]
        for update in ledger.updates
        if not update.by_hand and 0 <= update.event.ref < len(settings)
    ]


def one_optimizer_a_step(ledger: Ledger) -> bool:
    """Whether nearly every update was made by an optimizer that made no other."""
    counted = Counter(optimizers(ledger))
    masks = Counter(update.event.mask for update in ledger.updates)
    return len(counted) > 2 and len(counted) * 2 > len(ledger.updates) and max(masks.values()) > 2


def recreated(ledger: Ledger) -> bool:
    return one_optimizer_a_step(ledger) and not remembers(ledger.account)


def remembers(account: Account) -> bool:
    """Whether an optimizer that was used keeps something from step to step."""
    for one in account.settings:
        for group in one["groups"]:
            if group["parameters"] and (one["name"] != "SGD" or group["settings"].get("momentum")):
                return True
    return False


def _coverage(ledger: Ledger, facts: Facts) -> Found | None:
    """How the right updates took the examples: all, one by one, in groups, or a whole pass at once."""
    used = [update for update in ledger.updates if update.fresh]
    whole = facts.examples if facts.examples is not None and facts.examples > 1 else None
    found = _by_pass(ledger, facts, used, whole)
    if found is not None:
        return found
    if whole is not None and facts.rows and facts.asked.every:
        found = _left_out(ledger, facts, whole)
        if found is not None:
            return found
    tried = [one for one in ledger.lost if not one.after]  # a look at the marks before the loop
    unused = [one for one in (*ledger.lost, *ledger.left) if not one.flags & Back.GRAD_ONLY]
    if facts.asked != PER_EXAMPLE:
        unused = _not_on_purpose(ledger, facts, unused)
    if len(tried) * 4 <= len(used) and not ledger.count(Use.LOST):
        unused = [one for one in unused if one not in tried]
    if unused:
        return "STOPS_EARLY", {"k": len(ledger.reaching) - len(unused), "n": len(ledger.reaching)}, None
    if whole is not None and facts.rows and facts.epochs and facts.asked.every:
        found = _uneven(ledger, facts, whole)
        if found is not None:
            return found
    return _as_asked(ledger, facts, used) or _grouped(used)


def _by_pass(ledger: Ledger, facts: Facts, used: Sequence[Update], whole: int | None) -> Found | None:
    """Whether each update takes a whole pass, where the assignment asks for smaller ones."""
    if whole is None or not used or not facts.epochs or facts.asked.batch in (None, "pass"):
        return None
    if isinstance(facts.asked.batch, int) and facts.asked.batch >= whole:
        return None
    sizes = [_size(update, facts) for update in used]
    every = all(size >= whole for size in sizes)
    once = len(used) <= facts.epochs and len(ledger.reaching) >= whole * len(used) and len(used) >= 1
    nearly = once and 2 * min(sizes) > whole  # an example came twice, another was left out
    if every or nearly or (once and ledger.lost and max(sizes) == 1):
        return "STEP_ONCE_PER_EPOCH", {}, used[0]
    return None


def _left_out(ledger: Ledger, facts: Facts, whole: int) -> Found | None:
    """Whether some examples were learned from by no update."""
    rows = facts.rows or ()
    learned = {row for one in ledger.reaching if one.used and one.number < len(rows) for row in rows[one.number]}
    if not learned or len(learned) >= whole:
        return None
    uses = sum(len(rows[one.number]) for one in ledger.reaching if one.used and one.number < len(rows))
    if uses < whole * (facts.epochs or 1) or len(learned) <= max(1, whole // 4):  # else drawn with replacement
        return "STOPS_EARLY", {"k": len(learned), "n": whole}, None
    return None


def _not_on_purpose(ledger: Ledger, facts: Facts, unused: Sequence[Backprop]) -> list[Backprop]:
    """Gradients that were thrown away and are missed: not those of a loss that was Backpropped for something else (an
    input that is to be changed, another network), nor any where each example was learned from as often as is asked."""
    rows = facts.rows
    if rows is not None and facts.examples and facts.epochs and not ledger.count(Use.LOST):
        used = [rows[one.number] for one in ledger.reaching if one.used and one.number < len(rows)]
        counts = Counter(row for numbers in used for row in numbers)
        if len(counts) >= facts.examples and min(counts.values()) >= facts.epochs:
            return []
    return [one for one in unused if not one.flags & (Back.STRANGERS | Back.OTHERS)]


def _uneven(ledger: Ledger, facts: Facts, whole: int) -> Found | None:
    """Whether some examples were taken less often than others."""
    rows, epochs = facts.rows or (), facts.epochs or 1
    counts = Counter(row for one in ledger.reaching if one.used and one.number < len(rows) for row in rows[one.number])
    uses = sum(counts.values())
    if uses < whole * epochs and len(set(counts.values())) > 1:  # fewer whole passes are another test's
        return "STOPS_EARLY", {"k": uses, "n": whole * epochs}, None
    if uses > whole * epochs and len(set(counts.values())) > 1:
        return "UNEXPLAINED_UPDATE", {}, None  # some examples again and again: a person looks
    if facts.asked.epochs and uses != whole * epochs:
        return "OTHER_EPOCHS", {"k": round(uses / whole), "n": epochs}, None
    return None


def _as_asked(ledger: Ledger, facts: Facts, used: Sequence[Update]) -> Found | None:
    """Whether the updates are made by the optimizer, and take as many examples, as the assignment asks for."""
    asked, whole = facts.asked.batch, facts.examples
    names = {one["name"] for one in ledger.account.settings if any(group["parameters"] for group in one["groups"])}
    others = sorted(names - {facts.asked.optimizer}) if facts.asked.optimizer else []
    if others:
        return "OTHER_OPTIMIZER", {"names": others, "wanted": str(facts.asked.optimizer)}, None
    if not used or facts.rows is None or whole is None or asked in (None, "example"):
        return None
    wanted = whole if asked == "pass" else min(int(asked or 1), whole)
    sizes = Counter(_size(update, facts) for update in used)
    usual = sizes.most_common(1)[0][0]
    if wanted in sizes and all(size in (wanted, whole % wanted) for size in sizes):
        return None
    return "OTHER_BATCHES", {"k": usual}, used[0]


def _grouped(used: Sequence[Update]) -> Found | None:
    group = max((len(update.fresh) for update in used), default=1)
    return ("CORRECT_ACCUMULATED", {"n": group}, None) if group > 1 else None


def _size(update: Update, facts: Facts) -> int:
    """How many different examples an update used; without their numbers, how many Backprops."""
    if facts.rows is None:
        return len(update.fresh)
    return len({row for number in update.fresh if number < len(facts.rows) for row in facts.rows[number]})


def spots(ledger: Ledger, first: str | None) -> list[Spot]:
    """The places of the steps, each once; those of the step `first` before the others."""
    account = ledger.account
    found: Counter[Spot] = Counter()
    for event in account.events:
        step = STEP_OF.get(Kind(event.kind))
        place = _place_of(event, account)
        if step is not None and place is not None and place.line > 0:
            found[Spot(place.cell, place.line, step)] += 1  # type: ignore[arg-type]
    order = {"Backprop": 1, "Optimize": 2, "Reset": 3, first: 0}
    return sorted(found, key=lambda spot: (order[spot.step], -found[spot], spot.line))[:9]


def _place_of(event: Event, account: Account) -> Place | None:
    if event.kind == Kind.RESET and not event.flags and event.mask:
        return account.place(account.reset_guess)
    return account.place(event.place)
