"""Random loop programs, and the truth about them from exact bookkeeping of gradients.

A program is a list of statements in a few slots around and inside two nested loops. `truth` runs it with tokens instead
of numbers: a Backprop leaves a token (which loss, which example, at which version of the weights), an Optimize spends
what is held, a Reset erases it. `source` writes the same program in one of many surface forms. Nothing of the program
under test is used. With a `Setting` the same programs train any network, by batches: a batch stands where one example
stood.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from textwrap import indent
from typing import Any, Literal

from autograder.loop.asked import ASKED
from autograder.loop.probes import Data, Probe
from loops.case import HEAD
from loops.general import LOSSES as GENERAL_LOSSES
from loops.general import NETWORKS

Op = Literal["F", "B", "S", "Z"]
SLOTS = ("start", "before", "inside", "after", "end")  # of both loops, of each pass, of each example


@dataclass(frozen=True)
class Do:
    """One statement: F(orward and loss), B(ackprop), S (Optimize), Z (Reset); perhaps only for some examples.

    `every` k: only where (index + 1) % k == 0, and at the pass's last example if `flush`.
    """

    op: Op
    every: int = 1
    flush: bool = False

    def runs(self, index: int, count: int) -> bool:
        return (index + 1) % self.every == 0 or (self.flush and index + 1 == count)


@dataclass(frozen=True)
class Program:
    """Statements by slot, and how they are written."""

    slots: dict[str, tuple[Do, ...]]
    hoisted: Literal["", "pass", "all"] = ""  # where all losses are computed before they are used
    machine: str = "sgd"
    reset: str = "optimizer"
    loop: str = "for"
    loss: int = 0
    shuffle: str = ""
    noise: tuple[str, ...] = ()

    setting: Setting | None = None

    def count(self, op: Op) -> int:
        return sum(do.op == op for dos in self.slots.values() for do in dos)


@dataclass(frozen=True)
class Setting:
    """What a program trains: names of tests/loops/general.py, how batches come to it, and of how many examples."""

    network: str
    loss: str
    way: str
    batch: int

    def probe(self) -> Probe:
        """The order check's probe for it; batches may be of any size."""
        task, (targets, _, trusted) = NETWORKS[self.network], GENERAL_LOSSES[self.loss]

        def call(train: Any, network: Any, data: Data, lr: float, epochs: int) -> Any:
            return train(network, WAYS[self.way][0](data, self.batch), lr=lr, epochs=epochs)

        rates = (0.0005, 0.002) if "sum" in self.loss else (0.01, 0.03)
        return Probe(task.spec, trusted, task.data(targets), call, self.batch, ASKED, rates)


WAYS: dict[str, tuple[Callable[[Data, int], Any], str]] = {
    "loader": (lambda data, batch: data.loader(batch), "list(given)"),
    "dataset": (
        lambda data, batch: data.dataset(),
        "list(torch.utils.data.DataLoader(given, batch_size={batch}, shuffle=True))",
    ),
    "slices": (lambda data, batch: [data.inputs, data.targets], "list(zip(*(part.split({batch}) for part in given)))"),
    "stacked": (
        lambda data, batch: data.pairs(),
        "[tuple(map(torch.stack, zip(*given[at:at + {batch}]))) for at in range(0, len(given), {batch})]",
    ),
}
"""How data are handed over, and what makes the list of batches of it."""


@dataclass
class Token:
    """A gradient: of which loss, of which example, and the weights' version its loss was computed at."""

    root: int
    row: int
    version: int
    spent: int = 0


@dataclass
class Truth:
    """What exact bookkeeping says of a program for one number of examples and passes."""

    right: bool = False
    moves: bool = False
    kind: str = "other"
    steps: int = 0
    backprops: int = 0
    held: list[list[Token]] = field(default_factory=list)  # what each update held, spent or not


def truth(program: Program, examples: int, epochs: int) -> Truth:
    """Run the program with tokens."""
    found = Truth()
    version = roots = 0
    losses: dict[int, tuple[int, int]] = {}
    current: tuple[int, int, int] | None = None
    held: list[Token] = []
    everything: list[Token] = []
    erased = empty = 0
    faults: Counter[str] = Counter()

    def hoist() -> None:
        nonlocal roots
        for row in range(examples):
            losses[row] = (roots, version)
            roots += 1

    def do(op: Op, row: int) -> None:
        nonlocal current, roots, version, held, erased, empty
        if op == "F":
            if program.hoisted:
                current = (*losses[row][:1], row, losses[row][1])
            else:
                current = (roots, row, version)
                roots += 1
        elif op == "B":
            if current is not None:
                token = Token(*current)
                held.append(token)
                everything.append(token)
                found.backprops += 1
        elif op == "Z":
            erased += sum(not token.spent for token in held)
            held = []
        else:
            found.steps += 1
            if not held:
                empty += 1
                return
            found.moves = True
            old = sum(bool(token.spent) for token in held)
            if old and old < len(held):
                faults["old marks"] += 1
            elif old:
                faults["again"] += 1
            if any(token.version < version for token in held if not token.spent):
                faults["stale"] += 1
            if len({token.root for token in held}) < len(held):
                faults["twice"] += 1
            found.held.append([replace(token) for token in held])
            for token in held:
                token.spent += 1
            version += 1

    if program.hoisted == "all":
        hoist()
    for one in program.slots["start"]:
        do(one.op, 0)
    for _ in range(epochs):
        if program.hoisted == "pass":
            hoist()
        for one in program.slots["before"]:
            do(one.op, 0)
        for index in range(examples):
            for one in program.slots["inside"]:
                if one.runs(index, examples):
                    do(one.op, index)
        for one in program.slots["after"]:
            do(one.op, examples - 1)
    for one in program.slots["end"]:
        do(one.op, examples - 1)

    unused = sum(not token.spent for token in everything)
    uses = Counter(token.row for token in everything if token.spent)
    whole = (
        program.setting is None and examples > 1 and any(len({t.row for t in step}) >= examples for step in found.held)
    )
    complete = all(uses[row] == epochs for row in range(examples))
    found.right = found.moves and not faults and not unused and complete and not whole
    found.kind = "right" if found.right else _kind(found, faults, unused, whole)
    return found


def _kind(found: Truth, faults: Counter[str], unused: int, whole: bool) -> str:
    if not found.moves:
        return "nothing moves"
    for name in ("old marks", "stale", "twice", "again"):
        if faults[name]:
            return name
    if whole:
        return "whole pass"
    return "unused" if unused else "other"


def verdict_on(program: Program, sizes: Sequence[tuple[int, int]]) -> Literal["right", "wrong", "open"]:
    """The truth over several sizes; "open": nothing moves, or groups that are a whole pass of the smallest probe."""
    truths = [truth(program, *size) for size in sizes]
    if all(one.right for one in truths):
        return "right"
    if not any(one.moves for one in truths):
        return "open"
    small = [one.kind == "whole pass" and size[0] <= 3 for one, size in zip(truths, sizes, strict=True)]
    return "open" if all(one.right or tiny for one, tiny in zip(truths, small, strict=True)) else "wrong"


# --- drawing ----------------------------------------------------------------------------------------------------

MACHINES = ("sgd", "sgd", "fused", "foreach", "momentum", "Adam", "by hand", "data")
REMEMBERING = ("momentum", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam")
NOISE = ("print", "validation", "recorded", "dead", "extra graph")


def draw_form(rng: random.Random, program: Program, *, safe: bool) -> Program:
    """The same statements in another surface form; `safe`: no stale loss, so that autograd cannot complain."""
    machines: tuple[str, ...] = MACHINES if safe else ("fused", "data")
    if safe and program.setting is not None:
        machines = (*MACHINES, *REMEMBERING)
    machine = rng.choice(machines)
    resets = (
        ["optimizer", "network", "none", "zero"] if machine not in ("by hand", "data") else ["network", "none", "zero"]
    )
    if machine in REMEMBERING:
        resets = ["optimizer", "network", "none"]  # zeros would be stepped on with what is remembered
    return replace(
        program,
        machine=machine,
        reset=rng.choice(resets),
        loop=rng.choice(("for", "while", "range", "function", "class", "generator")),
        loss=rng.randrange(4),
        shuffle="" if program.hoisted else rng.choice(("", "", "shuffle", "randperm")),
        noise=tuple(sorted(rng.sample(NOISE, rng.randrange(3)))),
    )


def draw_setting(rng: random.Random) -> Setting:
    """A network, loss, way of batching and size of batch."""
    loss = rng.choice(sorted(GENERAL_LOSSES))
    return Setting(rng.choice(sorted(NETWORKS)), loss, rng.choice(sorted(WAYS)), rng.randint(2, 6))


def right_program(rng: random.Random, setting: Setting | None = None) -> Program:
    """A program that is right by construction; `truth` confirms it where it is used."""
    slots: dict[str, list[Do]] = {slot: [] for slot in SLOTS}
    style = rng.choice(("lab", "lab", "rotated", "groups", "forward first", "split"))
    if style == "lab":
        slots["inside"] = [Do("F"), Do("B"), Do("S"), Do("Z")]
    elif style == "rotated":
        slots["inside"] = [Do("Z"), Do("F"), Do("B"), Do("S")]
    elif style == "forward first":
        slots["inside"] = [Do("F"), Do("Z"), Do("B"), Do("S")]
    elif style == "split":
        slots["inside"] = [Do("F"), Do("B"), Do("S"), Do("Z"), Do("F")]  # a second output that nobody uses
    else:
        k = rng.choice((2, 3))
        slots["inside"] = [Do("F"), Do("B"), Do("S", k, True), Do("Z", k, True)]
    grouped = style == "groups"
    for _ in range(rng.randrange(3)):  # what does no harm
        what = rng.choice(("Z start", "Z end", "S after Z", "Z twice", "Z before"))
        if what == "Z start":
            slots["start"].append(Do("Z"))
        elif what == "Z end":
            slots["end"].append(Do("Z"))
        elif what == "Z before" and not grouped:
            slots["before"].append(Do("Z"))
        elif what == "Z twice" and not grouped:
            at = next(n for n, do in enumerate(slots["inside"]) if do.op == "Z")
            slots["inside"].insert(at, Do("Z"))
        elif what == "S after Z" and style == "lab":
            slots["end"].append(Do("S"))
    return draw_form(rng, Program({slot: tuple(dos) for slot, dos in slots.items()}, setting=setting), safe=True)


def any_program(rng: random.Random, setting: Setting | None = None) -> Program:
    """A program of any kind: a right one with a few statements dropped, doubled, moved or made rare; or random ones."""
    if rng.random() < 0.3:
        slots = {
            slot: [
                Do(rng.choice("FBSZ"), rng.choice((1, 1, 1, 2)))  # type: ignore[arg-type]
                for _ in range(rng.randrange(2) if slot != "inside" else rng.randrange(2, 7))
            ]
            for slot in SLOTS
        }
        if slots["inside"][0].op != "F":
            slots["inside"].insert(rng.randrange(2), Do("F"))
    else:
        slots = {slot: list(dos) for slot, dos in right_program(rng).slots.items()}
        for _ in range(rng.randrange(1, 4)):
            place = rng.choice([slot for slot in SLOTS if slots[slot]])
            at = rng.randrange(len(slots[place]))
            what = rng.choice(("drop", "double", "move", "rare", "swap"))
            if what == "drop" and (slots[place][at].op != "F" or place != "inside"):
                slots[place].pop(at)
            elif what == "double" and slots[place][at].op != "F":
                slots[place].insert(at, slots[place][at])
            elif what == "move":
                do = slots[place].pop(at)
                other = rng.choice(SLOTS if do.op != "F" else ("inside",))
                slots[other].insert(rng.randrange(len(slots[other]) + 1), do)
            elif what == "rare" and slots[place][at].op != "F" and place == "inside":
                slots[place][at] = replace(slots[place][at], every=rng.choice((2, 3)), flush=False)
            elif what == "swap" and len(slots[place]) > 1:
                other_at = rng.randrange(len(slots[place]))
                dos = slots[place]
                dos[at], dos[other_at] = dos[other_at], dos[at]
    found = Program({slot: tuple(dos) for slot, dos in slots.items()}, setting=setting)
    if rng.random() < 0.15 and not any(do.op == "F" for slot in SLOTS if slot != "inside" for do in found.slots[slot]):
        found = replace(found, hoisted=rng.choice(("pass", "all")))
    return draw_form(rng, found, safe=not stale_possible(found))


def stale_possible(program: Program) -> bool:
    """Whether some loss may be older than the weights, in any of a few sizes."""
    if program.hoisted:
        return True
    for examples, epochs in ((2, 2), (3, 2), (5, 3)):
        done = truth(program, examples, epochs)
        if any(token.version < number for number, step in enumerate(done.held) for token in step if not token.spent):
            return True
    return _uses_old_losses(program)


def _uses_old_losses(program: Program) -> bool:
    """Whether a Backprop may run on a loss that is older than the weights, even if its gradient is never used."""
    version = 0
    made = -1
    for _ in range(3):
        for slot in ("start", "before", "inside", "inside", "after", "before", "inside", "end"):
            for do in program.slots[slot]:
                if do.op == "F":
                    made = version
                elif do.op == "S":
                    version += 1
                elif do.op == "B" and 0 <= made < version:
                    return True
    return False


def faulty_program(rng: random.Random, setting: Setting | None = None) -> Program:
    """A program that is wrong for some usual size."""
    while True:
        program = any_program(rng, setting)
        truths = [truth(program, *size) for size in ((3, 2), (7, 3), (20, 1))]
        if program.count("F") and not all(one.right for one in truths) and any(one.moves for one in truths):
            return program


# --- writing ----------------------------------------------------------------------------------------------------

LOSSES = (
    "torch.sum((network(x) - y) ** 2)",
    "(y - network(x)).pow(2).sum()",
    "torch.nn.functional.mse_loss(network(x), y, reduction='sum')",
    "torch.dot(network(x) - y, network(x) - y)",
)
MAKE = {
    "sgd": "optimizer = SGD(network.parameters(), lr=lr)",
    "fused": "optimizer = SGD(network.parameters(), lr=lr, fused=True)",
    "foreach": "optimizer = SGD(network.parameters(), lr=lr, foreach=True)",
    "momentum": "optimizer = SGD(network.parameters(), lr=lr, momentum=0.9)",
    **{
        name: f"optimizer = torch.optim.{name}(network.parameters(), lr=lr)"
        for name in REMEMBERING
        if name != "momentum"
    },
}
RESETS = {
    "optimizer": "optimizer.zero_grad()",
    "network": "network.zero_grad()",
    "none": "for p in network.parameters():\n    p.grad = None",
    "zero": "for p in network.parameters():\n    if p.grad is not None:\n        p.grad.zero_()",
}
STEPS = {
    "by hand": "with torch.no_grad():\n    for p in network.parameters():\n        if p.grad is not None:\n"
    "            p -= lr * p.grad",
    "data": "for p in network.parameters():\n    if p.grad is not None:\n        p.data = p.data - lr * p.grad",
}
EXTRAS = {
    "print": "if False:\n    print('never')",
    "validation": "with torch.no_grad():\n    seen = float({loss})",
    "recorded": "record.append(1.0)",
    "dead": "spare = [p.detach().clone() for p in network.parameters()]",
    "extra graph": "other = network(x).sum()",
}


def loss_of(program: Program) -> str:
    """The loss of x and y as an expression."""
    if program.setting is None:
        return LOSSES[program.loss]
    return GENERAL_LOSSES[program.setting.loss][1].replace("output", "network(x)")


def source(program: Program) -> str:
    """Python that defines `train(network, examples, *, lr, epochs)`; with a setting, of `given` instead of examples."""
    loss, setting = loss_of(program), program.setting
    lines = [HEAD, "import random\nfrom torch import nn\nimport torch.nn.functional as F", ""]
    lines.append(f"def train(network, {'given' if setting else 'examples'}, *, lr, epochs):")
    if setting:
        lines.append("    examples = " + WAYS[setting.way][1].replace("{batch}", str(setting.batch)))
    lines.append("    record, loss = [], None")
    lines.append(indent(MAKE.get(program.machine, "pass"), "    "))
    if program.hoisted == "all":
        lines.append(f"    losses = [{loss} for x, y in examples]")
    lines.append("    index, (x, y) = 0, examples[0]")
    lines += [indent(text, "    ") for text in _written(program, "start")]
    lines.append("    for epoch in range(epochs):")
    if program.shuffle == "shuffle":
        lines.append("        examples = random.sample(list(examples), len(examples))")
    elif program.shuffle == "randperm":
        lines.append("        examples = [examples[k] for k in torch.randperm(len(examples)).tolist()]")
    if program.hoisted == "pass":
        lines.append(f"        losses = [{loss} for x, y in examples]")
    lines.append("        index, (x, y) = 0, examples[0]")
    lines += [indent(text, "        ") for text in _written(program, "before")]
    lines += [indent(text, "        ") for text in _inner(program)]
    lines += [indent(text, "        ") for text in _written(program, "after")]
    lines += [indent(text, "    ") for text in _written(program, "end")]
    return "\n".join(lines) + "\n"


def _inner(program: Program) -> Iterator[str]:
    noise = [EXTRAS[name].replace("{loss}", loss_of(program)) for name in program.noise]
    body = [*_written(program, "inside"), *noise]
    if program.loop == "while":
        yield "index = 0\nwhile index < len(examples):\n    x, y = examples[index]"
        yield indent("\n".join(body), "    ")
        yield "    index += 1"
    elif program.loop == "range":
        yield "for index in range(len(examples)):\n    x, y = examples[index]"
        yield indent("\n".join(body), "    ")
    elif program.loop in ("function", "class"):
        name = "self" if program.loop == "class" else "index"
        if name == "self":
            yield "class Round:\n    def go(self, index, x, y):\n        nonlocal loss"
            yield indent("\n".join(body), "        ")
            yield "for index, (x, y) in enumerate(examples):\n    Round().go(index, x, y)"
        else:
            yield "def go(index, x, y):\n    nonlocal loss"
            yield indent("\n".join(body), "    ")
            yield "for index, (x, y) in enumerate(examples):\n    go(index, x, y)"
    elif program.loop == "generator":
        yield "def walk():\n    nonlocal loss, x, y, index\n    for index, (x, y) in enumerate(examples):"
        yield indent("\n".join(body), "        ")
        yield "        yield index\nfor _ in walk():\n    pass"
    else:
        yield "for index, (x, y) in enumerate(examples):"
        yield indent("\n".join(body), "    ")


def _written(program: Program, slot: str) -> Iterator[str]:
    for do in program.slots[slot]:
        text = _statement(program, do.op)
        if do.every > 1 and slot == "inside":
            test = f"(index + 1) % {do.every} == 0" + (" or index + 1 == len(examples)" if do.flush else "")
            text = f"if {test}:\n{indent(text, '    ')}"
        yield text


def _statement(program: Program, op: Op) -> str:
    if op == "F":
        return "loss = losses[index]" if program.hoisted else f"loss = {loss_of(program)}"
    if op == "B":
        keep = "retain_graph=True" if _again(program) else ""
        return f"if loss is not None:\n    loss.backward({keep})"
    if op == "S":
        return STEPS.get(program.machine, "optimizer.step()")
    return RESETS[program.reset]


def _again(program: Program) -> bool:
    """Whether one loss may be Backpropped more than once."""
    inside = [do.op for do in program.slots["inside"]]
    plain = inside.count("F") == 1 and inside.count("B") == 1 and inside.index("F") < inside.index("B")
    elsewhere = any(do.op == "B" for slot in SLOTS if slot != "inside" for do in program.slots[slot])
    rare = any(do.every > 1 for do in program.slots["inside"] if do.op == "F")
    return not plain or elsewhere or rare or program.hoisted == "all"
