"""The ledger by events alone: accounts written here as data, one for every verdict; and the words that are said of it.

No loop is run for any of this.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograder.loop
from autograder.loop import decision, reading, verdicts, wording
from autograder.loop.asked import NOTHING, Asked
from autograder.loop.decision import Rules
from autograder.loop.events import Account, Back, Event, Kind, Place, Written, read
from autograder.loop.evidence import Evidence
from autograder.loop.gradients import ChainGradient
from autograder.loop.ledger import Use, keep
from autograder.loop.picture import picture
from autograder.loop.reading import Facts
from autograder.loop.reading import read as verdict_of
from autograder.loop.verdicts import KINDS, RIGHT, lenient, rank
from autograder.loop.wording import PROVISIONAL, say

BOTH = 0b11
NAMES = ("weight", "bias")


def sgd(number: int = 0, lr: float = 0.1, **settings: Any) -> dict[str, Any]:
    """How the recorder describes an optimizer."""
    group = {"parameters": list(NAMES), "others": 0, "settings": {"lr": lr, "momentum": 0, **settings}}
    return {"optimizer": number, "name": "SGD", "own": True, "groups": [group]}


class Tape:
    """Writes an account step by step; every loss is a new one unless its number is given."""

    def __init__(self, *settings: dict[str, Any], moved: int = BOTH) -> None:
        self.account = Account(names=NAMES, settings=list(settings) or [sgd()], moved=moved)
        self.roots = 0

    def add(self, kind: Kind, mask: int = BOTH, **fields: int) -> Tape:
        self.account.events.append(Event(int(kind), mask, **fields))
        return self

    def B(self, mask: int = BOTH, *, root: int | None = None, **fields: int) -> Tape:
        self.roots += 1
        return self.add(Kind.BACKPROP, mask, ref=self.roots if root is None else root, **fields)

    def S(self, mask: int = BOTH, *, used: int = BOTH, moved: int = BOTH, setting: int = 0) -> Tape:
        self.account.updates += 1
        return self.add(Kind.OPTIMIZE, mask, other=used, changed=moved, ref=setting)

    def Z(self, mask: int = BOTH) -> Tape:
        return self.add(Kind.RESET, mask, flags=1)

    def W(self, flags: int, factor: float | None = None, mask: int = BOTH) -> Tape:
        ref = -1
        if factor is not None:
            ref = len(self.account.numbers)
            self.account.numbers.append(factor)
        self.account.updates += 1
        return self.add(Kind.WRITTEN, mask, ref=ref, flags=flags)

    def ends(self, **fields: Any) -> Tape:
        for name, value in fields.items():
            setattr(self.account, name, value)
        return self

    def verdict(self, **facts: Any) -> str:
        return verdict_of(keep(self.account), Facts(**facts)).verdict


def cycles(count: int, letters: str = "BSZ", tape: Tape | None = None) -> Tape:
    tape = tape or Tape()
    for _ in range(count):
        for letter in letters:
            getattr(tape, letter)()
    return tape


ALONG = int(Written.ALONG_GRADIENT)
LAGGING = Tape().S(used=0, moved=0).Z().B()
for _ in range(3):
    LAGGING.S().Z().B(changed=BOTH, age=1)
HOISTED = Tape().B().S().Z()
for older in range(1, 4):
    HOISTED.B(changed=BOTH, age=older).S().Z()

VERDICTS: list[tuple[str, Tape, dict[str, Any]]] = [
    ("CORRECT", cycles(4), {}),
    ("CORRECT", cycles(4).S(used=0, moved=0), {}),  # an empty step at the end
    ("CORRECT", cycles(4, "BSZZ"), {}),
    ("CORRECT", cycles(3, tape=Tape().Z().Z()), {}),
    ("CORRECT_ROTATED", cycles(4, "ZBS"), {}),
    ("CORRECT_ACCUMULATED", cycles(3, "BBSZ"), {}),
    ("CORRECT", Tape().B().W(ALONG, 0.1).Z().B().W(ALONG, 0.1).Z(), {}),
    ("MISSING_ZERO", cycles(4, "BS"), {}),
    ("MISSING_ZERO", Tape().B().W(ALONG, 0.1).B().W(ALONG, 0.1), {}),
    ("ZERO_ONCE_PER_EPOCH", cycles(3, "BSBSBSZ"), {}),
    ("ZERO_BETWEEN", cycles(3, "BZ", Tape(moved=0)).S(used=0, moved=0), {}),
    ("ZERO_BETWEEN", Tape(moved=0).B().Z().S(used=0, moved=0).B().Z().S(used=0, moved=0), {}),
    ("STEP_BEFORE_BACKWARD", LAGGING, {}),
    ("STEP_BEFORE_BACKWARD", Tape().S(used=0, moved=0).B(flags=int(Back.INPLACE), age=1), {"error": "RuntimeError"}),
    ("MISSING_STEP", cycles(4, "BZ", Tape(moved=0)), {}),
    ("MISSING_BACKWARD", Tape(moved=0).S(used=0, moved=0).Z().S(used=0, moved=0), {}),
    ("WRONG_PARAMETERS", Tape(moved=0).B().S(0, used=0, moved=0).B().S(0, used=0, moved=0), {}),
    ("PARTIAL_PARAMETERS", Tape(moved=1).B().S(1, used=1, moved=1).Z().B().S(1, used=1, moved=1).Z(), {}),
    ("PARTIAL_PARAMETERS", Tape(moved=1).B(1).S(used=1, moved=1).Z().B(1).S(used=1, moved=1).Z(), {}),
    ("STALE_LOSS", HOISTED, {}),
    ("STALE_LOSS", cycles(1).B(flags=int(Back.FREED), age=1), {"error": "RuntimeError"}),
    ("STALE_LOSS", cycles(2).B(flags=int(Back.INPLACE), age=2), {"error": "RuntimeError"}),
    ("DETACHED", Tape(moved=0).B(0, flags=int(Back.DETACHED)), {"error": "RuntimeError"}),
    ("DETACHED", Tape(moved=0).B(0).S(used=0, moved=0), {}),
    ("DOUBLE_BACKWARD", Tape().B(root=5).B(root=5).S().Z().B(root=6).B(root=6).S().Z(), {}),
    ("DOUBLE_BACKWARD", Tape().B().B(flags=int(Back.FREED)), {"error": "RuntimeError"}),
    ("DOUBLE_STEP", cycles(3, "BSSZ"), {}),
    ("STEP_ONCE_PER_EPOCH", cycles(2, "BBBSZ"), {"examples": 3, "epochs": 2, "rows": [[0], [1], [2]] * 2}),
    ("OPTIMIZER_RECREATED_EACH_STEP", Tape(*(sgd(n, momentum=0.9) for n in range(6))), {}),
    ("ZERO_GRADIENT", Tape(moved=0).B(other=BOTH).S(moved=0).Z().B(other=BOTH).S(moved=0).Z(), {}),
    ("LR_ZERO", Tape(sgd(lr=0.0), moved=0).B().S(moved=0).Z().B().S(moved=0).Z(), {}),
    ("WRONG_DIRECTION", Tape().B().W(ALONG, -0.1).Z().B().W(ALONG, -0.1).Z(), {}),
    ("WRONG_DIRECTION", cycles(3, tape=Tape(sgd(maximize=True))), {}),
    ("DIVERGED", cycles(3).ends(finite=False), {}),
    ("MISSING_ZERO", cycles(4, "BS").ends(finite=False), {}),  # faults of order come before DIVERGED
    ("WEIGHTS_ASSIGNED", Tape().W(0), {}),
    ("WEIGHTS_ASSIGNED", cycles(8).W(0), {}),
    ("LEARNING_UNDONE", cycles(3).W(int(Written.RESTORED)).ends(moved=0), {}),
    ("CORRECT", cycles(6).W(int(Written.RESTORED)), {}),  # the best weights put back
    ("STOPS_EARLY", cycles(2), {"examples": 5, "epochs": 1, "rows": [[0], [1]]}),
    ("STOPS_EARLY", cycles(3).B(), {}),
    ("CORRECT", cycles(4), {"examples": 4, "epochs": 1, "rows": [[2], [0], [3], [1]]}),
    ("CORRECT", cycles(4), {"examples": 4, "epochs": 2, "rows": [[2], [0], [3], [1]]}),  # one pass for two
    ("CORRECT", cycles(2), {"examples": 4, "epochs": 1, "rows": [[0, 1], [2, 3]], "asked": Asked(2)}),
    ("CORRECT", cycles(2), {"examples": 3, "epochs": 1, "rows": [[0, 1], [2]], "asked": Asked(2)}),  # a rest
    ("CORRECT", cycles(2), {"examples": 3, "epochs": 2, "rows": [[0, 1, 2], [0, 1, 2]], "asked": Asked("pass")}),
    ("STEP_ONCE_PER_EPOCH", cycles(1), {"examples": 4, "epochs": 1, "rows": [[0, 1, 2, 3]], "asked": Asked(2)}),
    ("OTHER_BATCHES", cycles(4), {"examples": 4, "epochs": 1, "rows": [[0], [1], [2], [3]], "asked": Asked(2)}),
    ("OTHER_BATCHES", cycles(2), {"examples": 4, "epochs": 1, "rows": [[0, 1], [2, 3]], "asked": Asked("pass")}),
    ("OTHER_EPOCHS", cycles(1), {"examples": 2, "epochs": 2, "rows": [[0, 1]], "asked": Asked("pass")}),
    ("OTHER_OPTIMIZER", cycles(2), {"examples": 2, "epochs": 1, "rows": [[0], [1]], "asked": Asked(optimizer="Adam")}),
    ("CORRECT", cycles(2), {"examples": 4, "epochs": 1, "rows": [[0], [0]], "asked": NOTHING}),
    ("NO_TRAINING", Tape(moved=0), {}),
    ("UNEXPLAINED_UPDATE", cycles(2).W(0).B().W(0).B().W(0), {}),
    ("UNEXPLAINED_UPDATE", cycles(2).ends(notes=["the recorder stopped: KeyError"]), {}),
    ("NOT_RUN", Tape(moved=0), {"error": "TypeError: no"}),
]  # fmt: skip
for number in range(6):
    VERDICTS[[row[0] for row in VERDICTS].index("OPTIMIZER_RECREATED_EACH_STEP")][1].B().S(setting=number).Z()


@pytest.mark.parametrize(("wanted", "tape", "facts"), VERDICTS, ids=[f"{n}-{v[0]}" for n, v in enumerate(VERDICTS)])
def test_events_alone_give_the_verdict(wanted: str, tape: Tape, facts: dict[str, Any]) -> None:
    assert tape.verdict(**facts) == wanted


def test_every_verdict_of_events_stands_in_that_list() -> None:
    """WRONG_LOSS, WRONG_LEARNING_RATE and OTHER_INPUTS are told by numbers alone, so the corpus has them."""
    assert {name for name, _, _ in VERDICTS} == set(KINDS) - {"WRONG_LOSS", "WRONG_LEARNING_RATE", "OTHER_INPUTS"}


@given(st.text("BSZ", max_size=40))
def test_conservation(letters: str) -> None:
    """Every Backprop is used, erased unused or left; nothing is counted twice."""
    ledger = keep(cycles(1, letters).account)
    used = {number for update in ledger.updates for number in update.fresh}
    lost, left = {one.number for one in ledger.lost}, {one.number for one in ledger.left}
    assert len(used) + len(lost) + len(left) == letters.count("B") == len(ledger.reaching)
    assert not used & lost and not used & left and not lost & left
    assert len(ledger.updates) == letters.count("S")


@given(st.text("BSZ", max_size=30))
def test_no_loop_is_called_right_whose_tokens_are_wrong(letters: str) -> None:
    """The same loop followed here with bare lists. A Backprop that is wiped before the first of many updates is a look
    at the marks."""
    held: list[list[int]] = []
    wrong = False
    tried = moves = steps = 0
    for number, letter in enumerate(letters):
        if letter == "B":
            held.append([number, 0])
        elif letter == "Z":
            lost = sum(not spent for _, spent in held)
            tried += 0 if steps else lost
            wrong = wrong or bool(steps and lost)
            held = []
        else:
            wrong = wrong or any(spent for _, spent in held) or bool(tried and not steps and not held)
            moves += bool(held)
            steps += 1
            held = [[root, 1] for root, _ in held]
    wrong = wrong or any(not spent for _, spent in held) or not moves or tried * 4 > moves
    assert (cycles(1, letters).verdict() in RIGHT) == (not wrong)


def test_what_a_fault_says() -> None:
    reading = verdict_of(keep(cycles(5, "BS").account))
    assert reading.facts == {"i": 2, "n": 1}
    assert reading.sentence == (
        "You never Reset: at update 2 SGD still had marks from 1 earlier example and applied them again."
    )
    assert verdict_of(keep(cycles(4, "BSBSBSZ").account)).facts == {"k": 3}
    assert verdict_of(keep(cycles(3, "BBBSZ").account)).facts == {"n": 3}
    assert verdict_of(keep(cycles(7, "BZ", Tape(moved=0)).account)).facts == {"b": 7}


def test_each_tensor_is_followed_by_itself() -> None:
    tape = Tape()
    for _ in range(3):
        tape.B().S(1, used=1, moved=1).S(2, used=2, moved=2).Z()  # one optimizer for each of two layers
    assert tape.verdict() == "CORRECT"
    half = Tape()
    for _ in range(3):
        half.B().S().Z(1)  # the bias is never Reset
    assert half.verdict() == "MISSING_ZERO"


def test_gradients_that_are_handed_back() -> None:
    grad = int(Back.GRAD_ONLY)
    tape = Tape()
    for _ in range(3):
        tape.B(flags=grad).W(int(Written.ALONG_RETURNED), 0.1)
    assert tape.verdict() == "CORRECT"
    put_in = Tape()
    for _ in range(3):
        put_in.B(flags=grad).add(Kind.DEPOSIT).S().Z()
    assert put_in.verdict() == "CORRECT"


def test_bursts_are_read_as_far_as_they_go() -> None:
    tape = cycles(5)
    tape.add(Kind.GAP, 0, ref=1000).S().Z()  # it begins in the middle of a turn
    assert cycles(3, tape=tape).verdict() == "CORRECT"
    wrong = cycles(5, "BS")
    wrong.add(Kind.GAP, 0, ref=1000).S()
    assert cycles(3, "BS", wrong).verdict() == "MISSING_ZERO"


def test_places_come_with_the_cell_and_the_step_that_is_to_blame() -> None:
    tape = Tape()
    for _ in range(3):
        tape.B(place=0).S()
        tape.account.events[-1] = tape.account.events[-1]._replace(place=1)
    tape.account.places = [Place(4, 11), Place(4, 12)]
    where = verdict_of(keep(tape.account)).where
    assert [spot.plain() for spot in where] == [
        {"cell": 4, "line": 12, "step": "Optimize"},
        {"cell": 4, "line": 11, "step": "Backprop"},
    ]


def test_the_picture_marks_what_is_wrong() -> None:
    ledger = keep(cycles(3, "BS").account)
    line = picture(ledger, verdict_of(ledger))
    assert [[(beat.step, beat.right, beat.missing) for beat in row.beats] for row in line.rows] == [
        [("Backprop", True, False), ("Optimize", True, False), ("Reset", False, True)],
        [("Backprop", True, False), ("Optimize", False, False), ("Reset", False, True)],
        [("Backprop", True, False), ("Optimize", False, False), ("Reset", False, True)],
    ]
    ledger = keep(cycles(40, "ZBS").account)
    line = picture(ledger, verdict_of(ledger))
    assert line.right and all(row.right for row in line.rows) and line.updates == 40 and len(line.rows) == 12
    assert [[beat.step for beat in row.beats] for row in line.rows][5] == ["Reset", "Backprop", "Optimize"]


JUNK = [
    None, 7, "text", [], {}, {"events": 5}, {"names": [1, 2]}, {"names": ["weight"], "events": [[1] * 8]},
    {"names": list(NAMES), "events": [[1, 2, 3]]}, {"names": list(NAMES), "events": [["a"] * 8]},
    {"names": list(NAMES), "events": [[99] + [0] * 7]}, {"names": list(NAMES), "events": [[2, 3, 3, 3, 50, 0, 0, 0]]},
    {"names": list(NAMES), "events": [[1, -1, 2**80, 3, 0, 0, 0, 0]], "settings": "no"},
    {"names": list(NAMES), "events": [[True] * 8]}, {"names": list(NAMES), "reaches": [[1], "x", [0, -5]]},
    {"names": list(NAMES), "events": [], "notes": ["x" * 10_000] * 900, "updates": -4, "moved": "all"},
    {"names": list(NAMES), "events": [[4, 3, 0, 0, 10**9, 5, 255, 0]], "numbers": ["NaN", None]},
]  # fmt: skip


@pytest.mark.parametrize("report", JUNK, ids=range(len(JUNK)))
def test_an_account_of_the_wrong_form_is_read_without_harm(report: object) -> None:
    account = read(report, NAMES)
    ledger = keep(account)
    reading = verdict_of(ledger, Facts(examples=3, epochs=1))
    assert account.names == NAMES
    assert reading.verdict in KINDS
    picture(ledger, reading)
    assert sum(map(len, account.notes)) <= 20 * 300


ROWS = st.lists(
    st.tuples(
        st.integers(0, 7), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(-1, 3),
        st.integers(-1, 2), st.integers(0, 255), st.integers(0, 5),
    ),
    max_size=40,
)  # fmt: skip


@given(ROWS, st.booleans(), st.sampled_from(["", "RuntimeError: x"]))
def test_any_account_gets_some_verdict(rows: list[tuple[int, ...]], finite: bool, error: str) -> None:
    report = {
        "names": list(NAMES), "events": [list(row) for row in rows], "settings": [sgd(n) for n in range(4)],
        "numbers": [0.1, -1.0, math.nan], "places": [[1, 2], [None, 3]], "reaches": [[0, 0], [1, 5]],
        "finite": finite, "moved": 3,
    }  # fmt: skip
    ledger = keep(read(report, NAMES))
    reading = verdict_of(ledger, Facts(3, 2, [[0], [1]], error))
    assert reading.verdict in KINDS
    assert reading.sentence
    picture(ledger, reading)


def test_an_update_that_nobody_explains_is_no_fault_of_anybody() -> None:
    ledger = keep(cycles(2).W(0).B().W(0).B().W(0).account)
    assert [update.use for update in ledger.updates][-1] == Use.UNKNOWN
    assert "no mark is lost" in verdict_of(ledger).sentence


REPROACH = ("forgot", "wrong", "never", "missing", "only", "before Optimize", "too far", "again")


@pytest.mark.parametrize("name", KINDS)
def test_the_words(name: str) -> None:
    """The lab's words, under 200 characters unfilled, what to change beside what happened."""
    kind = KINDS[name]
    sentence = kind.sentence
    assert len(sentence) < 200
    assert len(kind.advice) < 200
    for jargon in ("gradient descent", "zero_grad", "backward()", "ledger", "replay", "probe", "tensor's version"):
        assert jargon not in sentence
    if name in RIGHT:
        assert not any(word in say(name, n=2) for word in REPROACH)
    elif name != "UNEXPLAINED_UPDATE":
        assert kind.advice  # whoever loses something is told what to change
    assert len(PROVISIONAL) < 200


def test_numbers_are_filled_in_and_what_is_not_known_is_said_so() -> None:
    assert say("MISSING_ZERO", i=3, n=2).startswith(
        "You never Reset: at update 3 SGD still had marks from 2 earlier ex"
    )
    assert "some" in say("STOPS_EARLY")
    assert "9.99 times" in say("WRONG_LEARNING_RATE", c=9.99401)
    assert "very many" in say("WRONG_LEARNING_RATE", c=math.inf)
    assert say("PARTIAL_PARAMETERS", names=[f"p{n}" for n in range(9)]).startswith("p0, p1, p2, p3, p4, p5 and 3 more")
    assert "{" not in "".join(say(name) for name in KINDS)


def test_every_kind_of_verdict_is_complete() -> None:
    """What the record of each kind must have, and how its facts go together."""
    assert len(KINDS) == len(verdicts.VERDICTS) == len({kind.rank for kind in verdicts.VERDICTS})
    assert [kind.rank for kind in KINDS.values()] == sorted(kind.rank for kind in verdicts.VERDICTS)
    for name, kind in KINDS.items():
        assert name == kind.name and re.fullmatch(r"[A-Z]+(_[A-Z]+)*", name)
        assert kind.sentence.endswith((".", "?")) and kind.sentence == kind.sentence.strip()
        assert 0 <= kind.share <= 1
        # what the order is right of costs nothing by default, but for two that no loop needs
        assert (
            kind.share == 1
            or not kind.order_is_right
            or name in ("STEP_ONCE_PER_EPOCH", "OPTIMIZER_RECREATED_EACH_STEP")
        )
        assert not kind.flawless or (kind.order_is_right and kind.culprit is None)
        assert kind.order_is_right is not False or kind.advice  # whoever is told of a fault is told what to change
        assert kind.missing is None or kind.order_is_right is False
        assert not (kind.by_size or kind.harmless) or kind.share == 0


def test_every_verdict_that_the_order_check_names_is_a_kind() -> None:
    """A name misspelt in a rule would only be found by the loop that it is meant for."""
    others = {"LEDGER_DISAGREES", "INCONSISTENT_LOOP", "LOOP_NOT_EXPLAINED", "NOTHING_MOVED", "TOO_SMALL_TO_PROVE",
              "ONLY_OBSERVED", "OPTIMIZER_SETTING", "ACCOUNT_CONTRADICTS_ITSELF"}  # flags  # fmt: skip
    named = set()
    for module in ("reading", "decision", "replay"):
        source = Path(autograder.loop.__path__[0], f"{module}.py").read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named |= {node.value} if re.fullmatch(r"[A-Z]+(_[A-Z]+)+ *", node.value) else set()
    assert "MISSING_ZERO" in named
    assert named - others <= set(KINDS)


def test_a_verdict_reworded_keeps_its_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares, precedence and whether a loop is right come from a kind's own fields, never from its English."""
    before = {name: (Rules().share(name), rank(name), lenient(name)) for name in KINDS}
    spoken = {name: replace(kind, sentence=f"Said otherwise, {n}.") for n, (name, kind) in enumerate(KINDS.items())}
    for module in (verdicts, decision, reading, wording):
        monkeypatch.setattr(module, "KINDS", spoken)
    assert {name: (Rules().share(name), rank(name), lenient(name)) for name in KINDS} == before
    assert Rules().share("LR_ZERO") == 1.0
    idle = Tape(sgd(lr=0.0), moved=0).B().S(moved=0).Z().B().S(moved=0).Z()
    start = {name: numpy.zeros(1) for name in NAMES}
    probe = Evidence(start, start, ChainGradient(numpy.zeros((2, 3)), numpy.zeros((2, 5))), 2, 1, 0.1, idle.account)
    found = decision.decide([probe])
    assert (found.name, found.share) == ("LR_ZERO", 1.0) and found.sentence.startswith("Said otherwise")
