"""Both witnesses together: the ledger explains, the replay decides, and where they disagree a person looks.

    replay                  ledger                 verdict                       marks for order
    ----------------------  ---------------------  ----------------------------  ----------------------------------
    the lab's numbers       right                  the ledger's                  as the course says (full)
    the lab's numbers       cannot explain/silent  UNEXPLAINED_UPDATE            full
    the lab's numbers       a fault                UNEXPLAINED_UPDATE, flagged   full, provisional
    the account's numbers   a fault                the ledger's: proven          as the course says
    right but for size      right                  WRONG_LEARNING_RATE/_LOSS/..  as the course says (full)
    a hypothesis of ours    the same, or silent    the hypothesis                as the course says
    a hypothesis of ours    right                  the hypothesis, flagged       none, provisional
    the account's, but not  right                  STOPS_EARLY or PARTIAL_..,    none, provisional
    all of it is needed                            flagged
    none of these           a fault                the ledger's                  none
    none of these           right, cannot explain  UNEXPLAINED_UPDATE, flagged   none, provisional

Nothing of the account is believed for a mark before the replay has found the same numbers. Nobody is ever accused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

import numpy

from autograder.loop.asked import PER_EXAMPLE
from autograder.loop.compiling import CONTRADICTION
from autograder.loop.events import Written
from autograder.loop.evidence import Evidence
from autograder.loop.hypotheses import given_batches
from autograder.loop.ledger import EMPTY, Ledger, Use
from autograder.loop.observed import observed
from autograder.loop.picture import picture
from autograder.loop.reading import Facts, LedgerVerdict, Spot, read, spots
from autograder.loop.replay import Replayed, replayed
from autograder.loop.timeline import Timeline
from autograder.loop.verdicts import BESIDE, BY_SIZE, KINDS, ORDER_KEPT, RIGHT, blames, lenient, rank
from autograder.loop.wording import PROVISIONAL, UNPROVEN, accepted, advise, filled, neutral, say

SAME_SCALE = 2e-3


@dataclass(frozen=True)
class Rules:
    """What the course says: the share of the order's marks by verdict, larger bounds for optimizer settings, and the
    assignment's own words."""

    marks: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    def share(self, name: str) -> float:
        """The share of the marks for order that a verdict keeps, from 0 to 1."""
        return self.marks.get(name, KINDS[name].share)


@dataclass(frozen=True)
class Decision:
    """What a loop did: `share` of the order's marks, a sentence, what to change, where, and flags for a person.

    `correct`: whether every update was made from fresh gradients, each used once, then Reset; None where it could not
    be decided. `as_asked`: whether the loop is besides what the assignment asks for; None where the order is not right,
    or not known. `ledger` and `replay` name what each witness says by itself.
    """

    name: str
    share: float
    correct: bool | None
    as_asked: bool | None
    sentence: str
    advice: str
    where: tuple[Spot, ...] = ()
    flags: tuple[str, ...] = ()
    ledger: str = ""
    replay: str = ""
    notes: tuple[str, ...] = ()
    timeline: Timeline | None = None
    accounts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Found:
    """A name for the verdict and how sure it is."""

    name: str
    proven: bool = True
    share: float | None = None
    flags: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


@numpy.errstate(all="ignore")  # numbers that explode are told in the verdict
def decide(probes: Sequence[Evidence], rules: Rules | None = None) -> Decision:
    """The verdict that explains every probe. Probes must differ in size and start; at least one is needed."""
    rules = rules or Rules()
    if probes[0].asked != PER_EXAMPLE:  # another assignment's than the first lab
        spoken = neutral(probes[0].account, probes[0].asked.batch)
        rules = replace(rules, words={**spoken, **rules.words})
    learned = {name for e in probes for name in (*e.inert, *e.ledger.account.named(e.ledger.consumed))}
    readings = [read(e.ledger, facts_of(e, rules.words, learned)) for e in probes]
    proofs = [replayed(evidence) for evidence in probes]
    chosen, seen = merged(probes, readings)
    found = _decided(probes, readings, proofs, seen)
    return _told(found, probes, readings, proofs, chosen, seen, rules)


def facts_of(evidence: Evidence, words: Mapping[str, str] | None = None, learned: Set[str] = frozenset()) -> Facts:
    """What the ledger's reading has to know of a probe beside its events."""
    rows = evidence.rows_of_backprops
    return Facts(evidence.examples, evidence.epochs, rows, evidence.error, evidence.asked, words or {}, learned)


def merged(probes: Sequence[Evidence], readings: Sequence[LedgerVerdict]) -> tuple[int, str]:
    """Which probe's reading speaks for all, and its verdict; small probes are easier to read, large ones tell more."""
    by_size = sorted(range(len(probes)), key=lambda n: probes[n].examples * probes[n].epochs)
    failed = [n for n in by_size if probes[n].error]
    if failed:
        return failed[0], readings[failed[0]].verdict
    names = {reading.verdict for reading in readings}
    largest = readings[by_size[-1]].verdict
    if names <= {"MISSING_ZERO", "ZERO_ONCE_PER_EPOCH"} and len(names) == 2:
        wanted = "ZERO_ONCE_PER_EPOCH"
    elif largest in RIGHT and names <= RIGHT | BY_SIZE - {"STOPS_EARLY"}:
        wanted = "CORRECT_ACCUMULATED" if "CORRECT_ACCUMULATED" in names else largest
        shown = [n for n in by_size if readings[n].verdict == "CORRECT_ACCUMULATED"]
        if len(shown) == 1 < len(probes):  # what is done on purpose is done again
            others = [readings[n].verdict for n in by_size if readings[n].verdict in BY_SIZE]
            wanted = others[-1] if others else "STEP_ONCE_PER_EPOCH"
    elif names <= RIGHT | BY_SIZE and "STOPS_EARLY" in names:
        wanted = "STOPS_EARLY"
    else:
        faults = sorted(names - RIGHT - {"UNEXPLAINED_UPDATE"}, key=rank)
        serious = [name for name in faults if name not in BY_SIZE] or faults
        wanted = serious[0] if serious else largest
        if wanted in BY_SIZE and largest in names:
            wanted = largest
    first = next((n for n in by_size if readings[n].verdict == wanted), by_size[-1])
    if wanted == "NO_TRAINING" and any(evidence.moved() for evidence in probes):
        wanted = "UNEXPLAINED_UPDATE"  # nothing was seen of what moved them
    return first, wanted


def _decided(
    probes: Sequence[Evidence], readings: Sequence[LedgerVerdict], proofs: Sequence[Replayed], seen: str
) -> _Found:
    if any(evidence.error for evidence in probes):
        return _Found(seen if blames(seen) else "NOT_RUN", share=0.0)
    if any(evidence.not_computed for evidence in probes):
        if seen == "UNEXPLAINED_UPDATE":  # neither witness saw a right loop
            return _Found(seen, False, 0.0, ("ONLY_OBSERVED", "LOOP_NOT_EXPLAINED"))
        return _Found(seen, flags=("ONLY_OBSERVED",))
    told = [n for n in range(len(probes)) if not _too_small(probes[n], readings[n], seen)]
    if not any(proofs[n].moved for n in told):
        return _still(probes, readings, seen)
    lacking = _lacking(probes, proofs, told, seen)
    if lacking is not None:
        return lacking
    right = [_is_right(probes[n], readings[n], proofs[n], seen) for n in told]
    if all(right) and all(proofs[n].stopped == 1 for n in told):
        right = [False] * len(right)  # best after the first update of every probe: rather a loop that ends there
    if all(right):
        if not any(proofs[n].far for n in told):
            return _Found("UNEXPLAINED_UPDATE", False, 0.0, ("TOO_SMALL_TO_PROVE",))
        return _other_inputs(probes, proofs, told, seen) or _other_mean(probes, proofs, told, seen) or _right(seen)
    inconsistent = ("INCONSISTENT_LOOP",) if any(right) else ()
    if lenient(seen) and not any(proofs[n].finite for n in told):
        return _Found("UNEXPLAINED_UPDATE", False, 0.0, ("DIVERGED", "LOOP_NOT_EXPLAINED"))  # nothing can be proven
    doubts = tuple(dict.fromkeys(_doubted(proof.doubt) for proof in proofs if proof.doubt))
    if all(proofs[n].retraced for n in told):
        return _retraced([proofs[n] for n in told], [probes[n].lr for n in told], seen, inconsistent)
    if all(proofs[n].retraced or proofs[n].by_pulls for n in told):
        if seen in RIGHT or seen == "DIVERGED":
            finite = [proofs[n] for n in told]
            return _other_inputs(probes, proofs, told, seen) or _loss(finite)
        if seen != "UNEXPLAINED_UPDATE":
            return _Found(seen)
    named = _by_numbers(probes, proofs, told, seen)
    hooked = any("gradient hooks" in probe.account.notes for probe in probes)  # they make one gradient look like two
    if named is not None and (doubts or hooked) and seen in RIGHT:
        return _Found("UNEXPLAINED_UPDATE", False, 0.0, (*doubts, "LOOP_NOT_EXPLAINED", *inconsistent))
    if named is not None:
        flags = (f"LEDGER_DISAGREES: {seen}",) if seen in RIGHT and not named.flags else ()
        return replace(named, flags=(*named.flags, *flags, *doubts, *inconsistent))
    if blames(seen) and seen != "UNEXPLAINED_UPDATE":
        return _Found(seen, False, 0.0, (*doubts, *inconsistent))
    lost = () if all(proofs[n].finite for n in told) else ("DIVERGED",)
    return _Found("UNEXPLAINED_UPDATE", False, 0.0, (*doubts, *lost, "LOOP_NOT_EXPLAINED", *inconsistent))


def _doubted(why: str) -> str:
    return "ACCOUNT_CONTRADICTS_ITSELF" if why == CONTRADICTION else f"OPTIMIZER_SETTING: {why}"


def _too_small(evidence: Evidence, reading: LedgerVerdict, seen: str) -> bool:
    """A probe with fewer examples than the loop takes for one update says nothing."""
    return seen == "CORRECT_ACCUMULATED" and reading.verdict == "MISSING_STEP" and not evidence.moved()


def _is_right(evidence: Evidence, reading: LedgerVerdict, proof: Replayed, seen: str) -> bool:
    """Whether the numbers are proven to be those of one fresh gradient for each update."""
    if not proof.moved or not proof.finite:
        return False
    if proof.taught:
        return True
    names = (
        RIGHT | BESIDE | BY_SIZE
        if seen in RIGHT | BESIDE
        else RIGHT - ({"CORRECT_ACCUMULATED"} if seen in BY_SIZE else set())
    )
    sound = reading.verdict in names
    if (proof.retraced or (proof.by_pulls and not evidence.asked.loss)) and proof.rate == 1.0 and sound:
        return True
    return sound and bool(proof.stopped) and _restores(evidence.ledger)


def learned(evidence: Evidence) -> bool:
    """Whether gradients are behind the way that a probe's parameters went, be the loop right or wrong.

    The replay must know a loop that gives the numbers; of one that it cannot follow, the ledger must have seen updates
    that used marks. An account of a right loop with other numbers is no witness.
    """
    proof = replayed(evidence)
    if not proof.moved or proof.taught or proof.retraced or proof.by_pulls or proof.fits:
        return proof.moved
    if proof.scale is not None or proof.stopped is not None:
        return True
    seen = read(evidence.ledger, facts_of(evidence))
    if seen.verdict in RIGHT and not seen.notes and not proof.doubt:
        return False
    return any(update.use not in (*EMPTY, Use.UNKNOWN) for update in evidence.ledger.updates)


def _lacking(probes: Sequence[Evidence], proofs: Sequence[Replayed], told: Sequence[int], seen: str) -> _Found | None:
    """What an account tells as learned, though the numbers are the same without it."""
    if not lenient(seen) or not told:
        return None
    flags = (f"LEDGER_DISAGREES: {seen}",)
    still = set.intersection(*(set(proofs[n].proven.still) for n in told))  # in a small one a gradient may cancel
    if still:
        names = sorted(still, key=list(probes[0].start).index)
        return _Found("PARTIAL_PARAMETERS", share=0.0, flags=flags, facts={"names": names})
    lacking = [n for n in told if not proofs[n].proven.many]
    if not lacking:
        return None
    one, rows = proofs[lacking[0]].proven, probes[lacking[0]].rows_of_backprops
    if rows is None or probes[lacking[0]].examples == 1:
        return _Found("STOPS_EARLY", share=0.0, flags=flags, facts={"k": len(one.learned), "n": one.used})
    learned = {row for number in one.learned if number < len(rows) for row in rows[number]}
    facts = {"k": len(learned), "n": probes[lacking[0]].examples}
    return _Found("STOPS_EARLY", share=0.0, flags=flags, facts=facts)


def _other_inputs(
    probes: Sequence[Evidence], proofs: Sequence[Replayed], told: Sequence[int], seen: str
) -> _Found | None:
    """Where the network was given other inputs than the examples, that is told, if it is not left open."""
    asked = probes[0].asked
    if seen in RIGHT and (asked.every or asked.loss) and any(proofs[n].came for n in told):
        return _Found("OTHER_INPUTS")
    return None


def _other_mean(
    probes: Sequence[Evidence], proofs: Sequence[Replayed], told: Sequence[int], seen: str
) -> _Found | None:
    """Whether gradients are accumulated into their sum where their mean is asked for, or the other way round."""
    wanted = probes[0].asked.mean
    if wanted is None or seen != "CORRECT_ACCUMULATED":
        return None
    several = [n for n in told if any(len(update.fresh) > 1 for update in probes[n].ledger.updates)]
    return None if all(proofs[n].mean == wanted for n in several) else _Found("WRONG_LOSS", facts={"mean": wanted})


def _restores(ledger: Ledger) -> bool:
    """Whether the last change put earlier values back, as a loop that keeps its best weights does."""
    return bool(ledger.updates) and bool(ledger.updates[-1].written & Written.RESTORED)


def _right(seen: str) -> _Found:
    """The numbers are those of fresh gradients, used once each."""
    if seen in RIGHT | BESIDE or KINDS[seen].harmless:
        return _Found(seen)
    if KINDS[seen].blind:
        return _Found("UNEXPLAINED_UPDATE")
    return _Found("UNEXPLAINED_UPDATE", flags=(f"LEDGER_DISAGREES: {seen}",))


def _still(probes: Sequence[Evidence], readings: Sequence[LedgerVerdict], seen: str) -> _Found:
    """Nothing moved, so the numbers prove that nothing was learned; the ledger tells why."""
    if seen in ("LR_ZERO", "ZERO_GRADIENT"):
        return _Found(seen, flags=("NOTHING_MOVED",))
    return _Found("NO_TRAINING" if lenient(seen) else seen)


def _retraced(proofs: Sequence[Replayed], lrs: Sequence[float], seen: str, flags: tuple[str, ...]) -> _Found:
    """The account's own steps give the numbers of every probe.

    Numbers that are lost prove nothing: DIVERGED stands on the probes that kept theirs, and on the same learning rate.
    """
    if seen not in RIGHT and seen != "UNEXPLAINED_UPDATE":
        return _Found(seen, flags=flags)
    rates = [proof.rate for proof in proofs]
    if not all(proof.finite for proof in proofs):
        if _steady_scale(list(zip(lrs, rates, strict=True))) is not None:
            return _Found("DIVERGED", flags=flags)
        return _Found("UNEXPLAINED_UPDATE", False, 0.0, ("DIVERGED", "LOOP_NOT_EXPLAINED", *flags))
    if all(rate < 0 for rate in rates):
        return _Found("WRONG_DIRECTION", flags=flags)
    if any(rate != 1.0 for rate in rates):
        return _Found("WRONG_LEARNING_RATE", facts={"c": rates[0]}, flags=flags)
    return _Found("UNEXPLAINED_UPDATE", False, 0.0, ("LOOP_NOT_EXPLAINED", *flags))


def _loss(proofs: Sequence[Replayed]) -> _Found:
    """The account's steps give the numbers, with the gradients that came back from another loss."""
    finite = [proof for proof in proofs if proof.finite]
    if finite and all(proof.against or (proof.scale is not None and proof.scale < 0) for proof in finite):
        return _Found("WRONG_DIRECTION")
    return _Found("WRONG_LOSS")


def _by_numbers(
    probes: Sequence[Evidence], proofs: Sequence[Replayed], told: Sequence[int], seen: str
) -> _Found | None:
    """The hypothesis of ours that gives the numbers of every probe that has any.

    Where the ledger says the same, or names one of those that numbers cannot tell apart, that is proven.
    """
    finite = [n for n in told if proofs[n].finite]
    if not finite:
        return None
    common = set.intersection(*(set(proofs[n].fits) - {"CORRECT"} for n in finite))
    if common:
        name = seen if seen in common else min(common, key=rank)
        return _Found(name, share=None if name == seen else 0.0)
    scale = _steady_scale([(probes[n].lr, proofs[n].scale) for n in finite])
    if scale is not None and len(finite) == len(told):
        if seen in ("DOUBLE_BACKWARD", "DOUBLE_STEP"):
            return _Found(seen)
        name = "WRONG_DIRECTION" if scale < 0 else "WRONG_LEARNING_RATE"
        return _Found(name, share=0.0, flags=("LOOP_NOT_EXPLAINED",), facts={"c": scale})
    if all(proofs[n].stopped is not None for n in finite):
        facts = {"k": proofs[finite[0]].stopped, "n": len(given_batches(probes[finite[0]]))}
        return _Found("STOPS_EARLY", share=0.0, facts=facts)
    return None


def _steady_scale(found: Sequence[tuple[float, float | None]]) -> float | None:
    """The first factor, if all probes have the same one, or the same learning rate typed in; else None."""
    known = [(lr, scale) for lr, scale in found if scale]
    if len(known) < len(found):
        return None
    lr, first = known[0]
    even = all(abs(scale / first - 1) < SAME_SCALE for _, scale in known)
    typed = all(abs(scale * rate / (first * lr) - 1) < SAME_SCALE for rate, scale in known)
    return first if even or typed else None


def _told(
    found: _Found,
    probes: Sequence[Evidence],
    readings: Sequence[LedgerVerdict],
    proofs: Sequence[Replayed],
    chosen: int,
    seen: str,
    rules: Rules,
) -> Decision:
    """The decision in the student's words, with both accounts beside it."""
    reading, ledger = readings[chosen], probes[chosen].ledger
    name = found.name
    facts = {**reading.facts, **found.facts} if reading.verdict == name else dict(found.facts)
    if name == "MISSING_ZERO" and not facts:
        facts = {"i": 2, "n": 1}
    if name == "ZERO_ONCE_PER_EPOCH" and not facts:
        facts = {"k": probes[chosen].examples}
    if name == "NOT_RUN":
        facts = {"error": next((e.error for e in probes if e.error), "it gave no sign")}
    share = rules.share(name) if found.share is None else min(found.share, rules.share(name))
    provisional = name == "UNEXPLAINED_UPDATE" and not found.proven
    general = probes[0].asked != PER_EXAMPLE
    unproven = UNPROVEN if general and seen in RIGHT else PROVISIONAL
    sentence = filled(unproven, rules.words) if provisional else say(name, rules.words, **facts)
    advice = reading.advice if reading.verdict == name else advise(name, rules.words)
    if share >= 1 and not lenient(name):  # by the course's own rules: nobody is scolded for what costs nothing
        sentence, advice = accepted(name, rules.words, **facts), ""
    where = reading.where if reading.verdict == name else tuple(spots(ledger, KINDS[name].culprit))
    picture_of = reading if reading.verdict == name else LedgerVerdict(name, facts, where, words=rules.words)
    timeline = picture(ledger, picture_of)
    correct: bool | None = name in ORDER_KEPT or (name == "UNEXPLAINED_UPDATE" and found.proven)
    if name == "STOPS_EARLY":  # whether all the examples are taken is asked beside the order
        correct = not any(one.ledger.lost or one.ledger.left for one in probes) and not found.flags
    if provisional or name == "NOT_RUN":
        correct = None
    if found.flags[:1] == (f"LEDGER_DISAGREES: {seen}",) and all(proof.retraced for proof in proofs):
        correct = None  # what was seen gives the same numbers as the right loop: they cannot tell the two apart
    right = name in RIGHT or (bool(correct) and name == "UNEXPLAINED_UPDATE")
    notes = tuple(dict.fromkeys(note for one in readings for note in one.notes))
    unknown = dict.fromkeys(kind for evidence in probes for kind in evidence.not_computed)
    if unknown:
        notes = (*notes, f"{', '.join(unknown)}: their training is only observed, not computed anew")
    if any(proof.came for proof in proofs):
        notes = (*notes, "the network was given inputs that are none of the examples: changed, noisy or mixed ones")
    if name == "WRONG_LOSS" and "mean" in found.facts:
        wanted = "divided by their number" if found.facts["mean"] else "added up as they are"
        notes = (*notes, f"the losses of one update's Backprops are to be {wanted}")
    penalty = next((proof.penalty for proof in proofs if proof.penalty), "")
    if penalty:
        notes = (*notes, f"the loss has a penalty in it: {penalty}")
    as_asked = right if correct and not (right and unknown) else None
    return Decision(
        name, share, correct, as_asked, sentence, advice, where, found.flags, seen,
        _numbers_say(probes, proofs), notes,
        replace(timeline, sentence=sentence, advice=advice, right=right),
        {"ledger": _ledger_account(reading, seen, ledger), "replay": _replay_account(probes, proofs)},
    )  # fmt: skip


def _numbers_say(probes: Sequence[Evidence], proofs: Sequence[Replayed]) -> str:
    """One word for what the replay says by itself."""
    if not any(proof.moved for proof in proofs):
        return "STILL"
    if all(proof.taught for proof in proofs):
        return "RIGHT"
    named = _by_numbers(probes, proofs, [n for n in range(len(probes)) if proofs[n].moved], "")
    if named is not None:
        return named.name
    return "RETRACED" if all(proof.retraced for proof in proofs) else "REJECTED"


def _ledger_account(reading: LedgerVerdict, seen: str, ledger: Ledger) -> dict[str, Any]:
    """What the ledger says, as plain data for the record and for JSON."""
    return {
        "verdict": seen,
        "sentence": reading.sentence,
        "update": reading.update,
        "updates": len(ledger.updates),
        "seen": list(observed(ledger)),
        "backprops": len(ledger.reaching),
        "lost": len(ledger.lost),
        "left": len(ledger.left),
        "notes": list(ledger.account.notes),
    }


def _replay_account(probes: Sequence[Evidence], proofs: Sequence[Replayed]) -> dict[str, Any]:
    """What the replay says of each probe, as plain data."""
    return {
        "agrees_with_the_lab": all(proof.taught for proof in proofs),
        "agrees_with_the_ledger": all(proof.retraced for proof in proofs),
        "probes": [
            {
                "examples": evidence.examples,
                "epochs": evidence.epochs,
                "lr": evidence.lr,
                "moved": proof.moved,
                "finite": proof.finite,
                "taught": proof.taught,
                "retraced": proof.retraced,
                "fits": list(proof.fits),
                "scale": round(proof.scale, 4) if proof.scale is not None and abs(proof.scale) < 1e9 else None,
            }
            for evidence, proof in zip(probes, proofs, strict=True)
        ],
    }
