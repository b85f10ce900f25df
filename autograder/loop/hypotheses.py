"""Hypotheses of ours that need no account: the loop as taught, and faulty ones, as steps of the machine.

What gives a probe's numbers is so, whatever was seen of the loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autograder.loop.compiling import own_setting
from autograder.loop.evidence import TOLERANCE, Evidence, runs_to
from autograder.loop.machine import (
    Machine,
    Setting,
    Step,
    distance,
    orders,
    plain,
)

Batches = Sequence[tuple[int, ...]]
"""The examples of each update, one after the other."""


def cycle(setting: Setting, batches: Batches, pattern: str, names: tuple[str, ...], first: int = 0) -> Iterator[Step]:
    """For each batch the steps of `pattern`, F B S Z; `first` forward passes have been before."""
    count = first
    for rows in batches:
        for letter in pattern:
            if letter == "F":
                yield Step("F", rows=rows)
                count += 1
            elif letter == "B":
                yield Step("B", names, (count - 1,))
            elif letter == "S":
                yield Step("S", names, setting=setting)
            else:
                yield Step("Z", names)


def seen_batches(evidence: Evidence) -> Batches | None:
    """The batches in which examples were Backpropped, if all of them were seen and none was larger than is meant."""
    rows = evidence.rows_of_backprops
    largest = max(map(len, evidence.pass_of), default=1)
    if rows is None or any(not 0 < len(one) <= largest for one in rows):
        return None
    return [tuple(one) for one in rows] if len({row for one in rows for row in one}) == evidence.examples else None


def given_batches(evidence: Evidence) -> Batches:
    return list(evidence.pass_of) * evidence.epochs


def candidates(evidence: Evidence) -> Iterator[Batches]:
    """Batches worth trying: as seen, as given; for the smallest probes without either, one by one in every order."""
    seen = seen_batches(evidence)
    if seen is not None:
        yield seen
    given = given_batches(evidence)
    if seen != given:
        yield given
    if seen is None and evidence.examples <= 3 and evidence.epochs <= 2:
        yield from ([(row,) for row in order] for order in list(orders(evidence.examples, evidence.epochs))[1:])


def machines(evidence: Evidence) -> Iterator[Setting]:
    """Optimizers worth trying: the one that was named, plain SGD; where nothing was seen, a few usual ones."""
    named = own_setting(evidence)
    names = tuple(evidence.start)
    if named is not None:
        yield named
    if named is None or named.name != "SGD" or any(rest for _, _, rest in named.groups):
        yield plain(names, evidence.lr)
    if named is None:
        for momentum in (0.9, 0.5, 0.99):
            yield plain(names, evidence.lr, momentum=momentum)
        yield plain(names, evidence.lr, "Adam")


def taught(evidence: Evidence) -> Iterator[list[Step]]:
    """The lab's loop: Backprop, Optimize, Reset for each example."""
    names = tuple(evidence.start)
    for number, order in enumerate(candidates(evidence)):
        for setting in machines(evidence):
            yield list(cycle(setting, order, "FBSZ", names))
            if number > 1:
                break  # every order is tried with the first optimizer alone


def programs(evidence: Evidence) -> Iterator[tuple[str, list[Step]]]:
    """Faulty loops, by the verdict that names them."""
    names = tuple(evidence.start)
    setting = own_setting(evidence) or plain(names, evidence.lr)
    order = seen_batches(evidence) or given_batches(evidence)
    each = len(evidence.pass_of)
    if len(order) != each * evidence.epochs:
        order = given_batches(evidence)
    passes = [order[n : n + each] for n in range(0, len(order), each)]
    sgd = plain(names, evidence.lr)
    one_by_one = (
        ("MISSING_ZERO", "FBS"),
        ("STEP_BEFORE_BACKWARD", "SZFB"),
        ("STEP_BEFORE_BACKWARD", "FSZB"),
        ("MISSING_ZERO", "SFB"),
    )
    for kind in (setting, sgd) if setting != sgd else (sgd,):
        for name, pattern in one_by_one:
            yield name, list(cycle(kind, order, pattern, names))
        yield "ZERO_ONCE_PER_EPOCH", per_pass(kind, passes, "FBS", [Step("Z", names)], names)
        yield (
            "STEP_ONCE_PER_EPOCH",
            per_pass(kind, passes, "FB", [Step("S", names, setting=kind), Step("Z", names)], names),
        )
        yield "STALE_LOSS", stale(kind, passes, names)
        if evidence.epochs > 1:
            yield "STALE_LOSS", stale(kind, [order], names, passes)
        yield "STOPS_EARLY", list(cycle(kind, [one[0] for one in passes], "FBSZ", names))
    yield "DOUBLE_BACKWARD", list(cycle(setting, order, "FBBSZ", names))
    yield "DOUBLE_STEP", list(cycle(setting, order, "FBSSZ", names))
    yield "WRONG_DIRECTION", list(cycle(plain(names, -evidence.lr), order, "FBSZ", names))


def per_pass(
    setting: Setting, passes: Sequence[Batches], pattern: str, after: Sequence[Step], names: tuple[str, ...]
) -> list[Step]:
    steps: list[Step] = []
    count = 0
    for order in passes:
        steps += cycle(setting, order, pattern, names, count)
        steps += after
        count += len(order)
    return steps


def stale(
    setting: Setting,
    passes: Sequence[Batches],
    names: tuple[str, ...],
    uses: Sequence[Batches] | None = None,
) -> list[Step]:
    """All outputs are computed before a pass (or, with `uses`, once for several), then used one after the other."""
    steps: list[Step] = []
    count = 0
    for order in passes:
        known = {rows: count + number for number, rows in enumerate(order)}
        steps += [Step("F", rows=rows) for rows in order]
        count += len(order)
        for batches in uses if uses is not None else [order]:
            for rows in batches:
                steps += [Step("B", names, (known[rows],)), Step("S", names, setting=setting), Step("Z", names)]
    return steps


def fitting(evidence: Evidence) -> Iterator[str]:
    """Names of the hypotheses that give the probe's numbers; CORRECT first."""
    found = False
    for program in taught(evidence):
        if runs_to(evidence, program):
            found = True
            yield "CORRECT"
            break
    if found:
        return
    named = set()
    for name, program in programs(evidence):
        if name not in named and runs_to(evidence, program):
            named.add(name)
            yield name


def on_the_way(evidence: Evidence) -> int | None:
    """After how many updates of the lab's loop the parameters were those of the end; None if never.

    A loop that keeps the best weights and puts them back at the end stops there; so does one that ends early.
    """
    for program in taught(evidence):
        machine = Machine(evidence.start, evidence.gradient, keep_path=True)
        try:
            machine.run(program)
        except (ValueError, KeyError, IndexError, RuntimeError):
            continue
        for number, place in enumerate(machine.path, 1):
            if distance(place, evidence.end) <= TOLERANCE:
                return number
    return None


def scale_of(evidence: Evidence) -> float | None:
    """How many times as large as lr asks the updates of the lab's loop with plain SGD are, if one number explains
    them; else None. Solved by secant steps on the movement along the taught one."""
    names = tuple(evidence.start)
    for order in list(candidates(evidence))[:2]:
        scale = 1.0
        moved = {name: evidence.end[name] - evidence.start[name] for name in names}
        size = sum(float((array**2).sum()) for array in moved.values())
        for sign in (1.0, -1.0):
            scale = sign
            for _ in range(14):
                end = Machine(evidence.start, evidence.gradient).run(
                    cycle(plain(names, evidence.lr * scale), order, "FBSZ", names)
                )
                along = sum(float((moved[name] * (end[name] - evidence.start[name])).sum()) for name in names)
                if not 1e-14 < along < 1e12 or size == 0:
                    break
                change = size / along
                scale *= min(max(change, 0.05), 20.0)
                if abs(change - 1) < 1e-9:
                    break
            if scale_fits(evidence, scale):
                return scale
    return None


def scale_fits(evidence: Evidence, scale: float) -> bool:
    """Whether the lab's loop with its updates this many times as large gives the numbers."""
    names = tuple(evidence.start)
    setting = plain(names, evidence.lr * scale)
    return any(
        runs_to(evidence, list(cycle(setting, order, "FBSZ", names)), tolerance=3 * TOLERANCE)
        for order in list(candidates(evidence))[:2]
    )
