"""The order check, as graders and `diagnose` put it to a student's loop: probes in, one verdict out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy

from autograder.judge import submission
from autograder.judge.faults import CheckFailed, StudentFault
from autograder.judge.handles import Handle
from autograder.judge.own_network import look
from autograder.loop.decision import Decision, Rules, decide
from autograder.loop.evidence import Evidence
from autograder.loop.probes import TAUGHT, LoopProbe, Probe, further_probe, loop_evidence, product_evidence
from autograder.results import Where

RAN_ON = ("raised",)  # kinds of StudentFault after which the process can still be asked


def trained_probe(train: Handle, spec: LoopProbe, allowed: Mapping[str, float] | None = None) -> Evidence:
    """Call `train` on a probe network of ours; what it did, also where it raised. Other faults pass through."""
    network = submission.probe(spec.kind.network, spec.start, spec.example_dims)
    error = _error(lambda: spec.kind.call(train, network, spec.data, **spec.given))
    end = submission.parameters(network)
    return loop_evidence(spec, end, submission.seen(network), error=error, allowed=allowed)


def product_probe(
    fit: Handle,
    start: Mapping[str, float],
    goal: float,
    lr: float,
    steps: int,
    allowed: Mapping[str, float] | None = None,
) -> Evidence:
    """The same for fit_product: two fresh scalars of ours."""
    scalars = submission.scalars(**start)
    watched = submission.watch(**dict(zip(start, scalars, strict=True)))
    error = _error(lambda: fit(*scalars, goal, lr=lr, steps=steps))
    end = {name: float(submission.value(one)) for name, one in zip(start, scalars, strict=True)}
    return product_evidence(start, end, goal, lr, steps, submission.seen(watched), error=error, allowed=allowed)


def loop_probes(train: Handle, draw: numpy.random.Generator, rules: Rules, kind: Probe = TAUGHT) -> list[Evidence]:
    """What `train` does with networks and examples drawn here: three sizes, and a fourth where they tell too little."""
    found = [trained_probe(train, spec, rules.settings) for spec in kind.few(draw)]
    more = further_probe(found, draw, kind)
    return found if more is None else [*found, trained_probe(train, more, rules.settings)]


def product_probes(fit: Handle, draw: numpy.random.Generator, rules: Rules) -> list[Evidence]:
    """The same for fit_product: three starts, goals and rates, with 2, 3 to 5, and 20 to 39 cycles."""
    found = []
    for steps in (2, int(draw.integers(3, 6)), int(draw.integers(20, 40))):
        start = {"var_1": round(draw.uniform(1, 3), 3), "var_2": round(draw.uniform(1, 3), 3)}
        goal, lr = round(draw.uniform(6, 9), 2), round(draw.uniform(1e-3, 3e-3), 6)
        found.append(product_probe(fit, start, goal, lr, steps, rules.settings))
    return found


def _error(call: Callable[[], Any]) -> str:
    try:
        call()
    except StudentFault as fault:
        if fault.kind not in RAN_ON:
            raise
        where = f" ({fault.where})" if fault.where else ""
        return f"{fault.found.partition(' stopped with ')[2] or fault.found}{where}"
    return ""


class Order:
    """What the fixture `order` gives a grader: the course's rules, and the decision on probes."""

    def __init__(self, rules: Rules, tell: Callable[..., None]) -> None:
        self.rules = rules
        self._tell = tell

    def check_loop(
        self, train: Handle, draw: numpy.random.Generator, kind: Probe = TAUGHT, own: Handle | None = None
    ) -> Decision:
        """`check` on probes of a training loop; by default of `train(network, examples, *, lr, epochs)`.

        `own` is the student's class of network: the loop is watched once on one of its own, too, and what never learns
        in it is told beside the verdict, without a mark.
        """
        probes = loop_probes(train, draw, self.rules, kind)
        return self.check(probes, look_at(train, own, draw, kind))

    def check_product(self, fit: Handle, draw: numpy.random.Generator) -> Decision:
        """`check` on probes of `fit_product(var_1, var_2, goal, *, lr, steps)`."""
        return self.check(product_probes(fit, draw, self.rules))

    def check_rate(self, train: Handle, draw: numpy.random.Generator) -> None:
        """End the test with a CheckFailed if the loop's updates are larger or smaller than the lr that it is given."""
        found = decide(loop_probes(train, draw, self.rules), self.rules)
        if found.name == "WRONG_LEARNING_RATE":
            raise CheckFailed(found.sentence, found.advice, verdict=found.name, where=place(found))

    def check(self, probes: Sequence[Evidence], beside: Sequence[str] = ()) -> Decision:
        """Decide; end the test with a CheckFailed unless all marks are kept. Both accounts go to the record.

        `beside` are sentences that are told with the verdict.
        """
        found = decide(probes, self.rules)
        found = replace(found, advice=" ".join([found.advice, *beside]).strip(), notes=(*found.notes, *beside))
        evidence = told(found)
        if found.share >= 1:
            self._tell(
                found.name,
                f"{found.sentence} {found.advice}".strip(),
                flags=found.flags,
                evidence=evidence,
            )
            return found
        raise CheckFailed(
            found.sentence,
            found.advice,
            share=found.share,
            verdict=found.name,
            flags=found.flags,
            where=place(found),
            evidence=evidence,
        )


def look_at(train: Handle, own: Handle | None, draw: numpy.random.Generator, kind: Probe) -> tuple[str, ...]:
    """What never learns in a fresh network of the student's own class; () where there is none, or it is not made."""
    if own is None:
        return ()
    try:
        network = own()
    except StudentFault:
        return ()
    return look(train, network, draw, kind) if isinstance(network, Handle) else ()


def place(found: Decision) -> Where | None:
    """The first place that a verdict points at, if it is in a cell."""
    spot = next((spot for spot in found.where if spot.cell is not None), None)
    return None if spot is None or spot.cell is None else Where(cell=spot.cell, line=spot.line)


def told(found: Decision) -> dict[str, Any]:
    """A verdict as plain data: both accounts, the places, the timeline."""
    line = found.timeline
    return {
        "verdict": found.name,
        "correct": found.correct,
        "as_asked": found.as_asked,
        "ledger": found.accounts.get("ledger", {}),
        "replay": {"verdict": found.replay, **found.accounts.get("replay", {})},
        "where": [spot.plain() for spot in found.where],
        "notes": list(found.notes),
        "timeline": None if line is None else line.plain(),
    }
