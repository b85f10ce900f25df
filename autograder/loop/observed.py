"""What was seen of a loop beside the order of its steps, in neutral words: nothing here is right or wrong.

For `watch` and for the evidence of a verdict. Standard library only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from autograder.loop.events import Kind, Written
from autograder.loop.ledger import Ledger
from autograder.loop.wording import listed


def observed(ledger: Ledger) -> tuple[str, ...]:
    """Sentences on updates, rates, batches, gradients that no update used and parameters that never moved."""
    if not ledger.updates:
        return ()
    total = max(len(ledger.updates), ledger.account.updates)
    found = [f"{total} update{'s' * (total != 1)} by {_makers(ledger)}."]
    sizes = _sizes(ledger)
    if sizes:
        found.append(f"Rows behind each update: {_counted(sizes)}.")
    if ledger.backs:
        found.append(f"Weights were moved to look at the loss there, and put back, {_times(len(ledger.backs))}.")
    averaged = sum(
        event.kind == Kind.WRITTEN and bool(event.flags & Written.AVERAGED) for event in ledger.account.events
    )
    if averaged:
        found.append(f"Weights were averaged with earlier ones {_times(averaged)}.")
    unused = len(ledger.lost) + len(ledger.left)
    if unused:
        found.append(f"{unused} of {len(ledger.reaching)} gradients were never used.")
    still = ledger.account.named(ledger.account.everything & ~ledger.account.moved)
    if still:
        found.append(f"Never moved: {listed(still)}.")
    return tuple(found)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _makers(ledger: Ledger) -> str:
    by_optimizer = [update for update in ledger.updates if not update.by_hand]
    names: dict[str, list[float]] = defaultdict(list)
    for update in by_optimizer:
        if 0 <= update.event.ref < len(ledger.account.settings):
            setting = ledger.account.settings[update.event.ref]
            rates = [group["settings"].get("lr") for group in setting["groups"] if group["parameters"]]
            names[setting["name"]] += [float(rate) for rate in rates if isinstance(rate, (int, float))]
    told = [f"{name}{_rates(rates)}" for name, rates in names.items()]
    if len(by_optimizer) < len(ledger.updates):
        factors = (ledger.account.number(update.event.ref) for update in ledger.updates if update.by_hand)
        told.append(f"hand{_rates([factor for factor in factors if factor is not None])}")
    return " and ".join(told) or "an optimizer"


def _rates(rates: list[float]) -> str:
    if not rates:
        return ""
    low, high = min(rates), max(rates)
    return f" (lr {low:.3g})" if high - low <= 1e-2 * abs(high) else f" (lr from {low:.3g} to {high:.3g})"


def _sizes(ledger: Ledger) -> Counter[int]:
    """How many rows went into each update, where forward passes were seen."""
    rows = [event.ref for event in ledger.account.events if event.kind == Kind.FORWARD]
    taken: dict[int, int] = defaultdict(int)
    for backprop, forward in ledger.account.reaches:
        if forward < len(rows):
            taken[backprop] += max(0, rows[forward])
    sizes = [sum(taken[number] for number in update.fresh) for update in ledger.updates]
    return Counter(size for size in sizes if size)


def _counted(sizes: Counter[int]) -> str:
    def pieces() -> Iterable[str]:
        for size, count in sizes.most_common(4):
            yield f"{size}" if len(sizes) == 1 else f"{size} ({count} times)"

    more = f" and {len(sizes) - 4} other numbers" if len(sizes) > 4 else ""
    return ", ".join(pieces()) + more
