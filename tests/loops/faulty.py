# ruff: noqa: E501 - sources of loops, one a line where they fit
"""Faulty loops of every kind; the verdict beside each was written before it was run."""

from __future__ import annotations

from loops.case import BSZ, HEAD, LOSS, Case, two_loops
from loops.right import LAB, whole


def wrong(verdict: str, name: str, proof: str, source: str, order: str = "given", why: str = "") -> Case:
    return Case(f"{verdict.lower()}: {name}", verdict, proof, source, order, not why, why)


FUSED = "optimizer = SGD(network.parameters(), lr=lr, fused=True)"
BACK = "loss.backward()\n"
STEP = "optimizer.step()\n"
ZERO = "optimizer.zero_grad()\n"
NONE = "for p in network.parameters():\n    p.grad = None\n"
DATA = "for p in network.parameters():\n    if p.grad is not None:\n        p.data = p.data - lr * p.grad\n"
F = LOSS + "\n"


def never(name: str, source: str, proof: str = "never reset", order: str = "given") -> Case:
    return wrong("MISSING_ZERO", name, proof, source, order)


FAULTY: tuple[Case, ...] = (
    # never Reset
    never("plain", two_loops(F + BACK + STEP)),
    never("fused", two_loops(F + BACK + STEP, start=FUSED)),
    never("zero_grad without brackets", two_loops(F + BACK + STEP + "optimizer.zero_grad")),
    never("zero_grad before the loops", two_loops(F + BACK + STEP, start="optimizer = SGD(network.parameters(), lr=lr)\n" + ZERO)),
    never("zero_grad after the loops", two_loops(F + BACK + STEP, end=ZERO)),
    never("by hand", two_loops(F + BACK + "with torch.no_grad():\n    for p in network.parameters():\n        p -= lr * p.grad",
                               start="pass")),
    never("by hand on data", two_loops(F + BACK + DATA, start="pass")),
    never("shuffled", two_loops(F + BACK + STEP, head="import random\n", before="examples = random.sample(examples, len(examples))"),
          order="any"),
    never("reset of another optimizer", two_loops(
        F + BACK + STEP + "other.zero_grad()",
        start="optimizer = SGD(network.parameters(), lr=lr)\nother = SGD([torch.zeros(1, requires_grad=True)], lr=lr)")),
    never("reset of a copy", two_loops(F + BACK + STEP + "copy.deepcopy(network).zero_grad()", head="import copy\n")),
    never("resets the inputs", two_loops(F + BACK + STEP + "x.grad = None")),
    never("momentum", two_loops(F + BACK + STEP, start="optimizer = SGD(network.parameters(), lr=lr, momentum=0.9)"),
          "never reset, momentum 0.9"),
    never("in a function", whole('''
def cycle(network, optimizer, x, y):
    loss = torch.sum((network(x) - y) ** 2)
    loss.backward()
    optimizer.step()

def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for _ in range(epochs):
        for x, y in examples:
            cycle(network, optimizer, x, y)
''')),
    never("DataLoader", two_loops(
        F + BACK + STEP, head="from torch.utils.data import DataLoader\n",
        start="loader = DataLoader(examples, batch_size=None)\noptimizer = SGD(network.parameters(), lr=lr)",
        each="for x, y in loader:")),
    never("resets half the network", two_loops(F + BACK + STEP + "network.m1.zero_grad()"), "never reset m2"),
    # Reset now and then
    wrong("ZERO_ONCE_PER_EPOCH", "after each pass", "reset per pass", two_loops(F + BACK + STEP, after=ZERO)),
    wrong("ZERO_ONCE_PER_EPOCH", "before each pass", "reset per pass", two_loops(F + BACK + STEP, before=ZERO)),
    wrong("ZERO_ONCE_PER_EPOCH", "network", "reset per pass", two_loops(F + BACK + STEP, after="network.zero_grad()")),
    wrong("ZERO_ONCE_PER_EPOCH", "by hand", "reset per pass", two_loops(
        F + BACK + DATA, start="pass", after="for p in network.parameters():\n    p.grad.zero_()")),
    wrong("ZERO_ONCE_PER_EPOCH", "every second update", "reset every 2", two_loops(
        F + BACK + STEP + "if turn % 2 == 1:\n    optimizer.zero_grad()\nturn += 1",
        start="turn = 0\noptimizer = SGD(network.parameters(), lr=lr)")),
    wrong("ZERO_ONCE_PER_EPOCH", "new optimizer and reset per pass", "reset per pass", two_loops(
        F + BACK + STEP, start="pass", before="optimizer = SGD(network.parameters(), lr=lr)\n" + ZERO)),
    wrong("ZERO_ONCE_PER_EPOCH", "fused", "reset per pass", two_loops(F + BACK + STEP, start=FUSED, after=ZERO)),
    # Reset between Backprop and Optimize
    wrong("ZERO_BETWEEN", "B Z S", "still", two_loops(F + BACK + ZERO + STEP)),
    wrong("ZERO_BETWEEN", "Z S B", "still", two_loops(F + ZERO + STEP + BACK)),
    wrong("ZERO_BETWEEN", "S B Z", "still", two_loops(F + STEP + BACK + ZERO)),
    wrong("ZERO_BETWEEN", "network", "still", two_loops(F + BACK + "network.zero_grad()\n" + STEP)),
    wrong("ZERO_BETWEEN", "set to None", "still", two_loops(F + BACK + NONE + STEP)),
    wrong("ZERO_BETWEEN", "zeros in place", "still", two_loops(F + BACK + "optimizer.zero_grad(set_to_none=False)\n" + STEP)),
    wrong("ZERO_BETWEEN", "fused", "still", two_loops(F + BACK + ZERO + STEP, start=FUSED)),
    wrong("ZERO_BETWEEN", "Adam", "still", two_loops(F + BACK + ZERO + STEP, start="optimizer = torch.optim.Adam(network.parameters(), lr=lr)")),
    wrong("ZERO_BETWEEN", "step per pass, reset per example", "still", two_loops(F + BACK + ZERO, after=STEP)),
    # Optimize before Backprop
    wrong("STEP_BEFORE_BACKWARD", "S Z F B", "all but the last", two_loops(STEP + ZERO + F + BACK)),
    wrong("STEP_BEFORE_BACKWARD", "S Z F B, fused", "all but the last", two_loops(STEP + ZERO + F + BACK, start=FUSED)),
    wrong("STEP_BEFORE_BACKWARD", "S Z F B, network", "all but the last", two_loops(STEP + "network.zero_grad()\n" + F + BACK)),
    wrong("STEP_BEFORE_BACKWARD", "F S Z B, fused", "one behind", two_loops(F + STEP + ZERO + BACK, start=FUSED)),
    wrong("STEP_BEFORE_BACKWARD", "F S Z B, data", "one behind, old weights", two_loops(F + DATA + NONE + BACK, start="pass")),
    wrong("STEP_BEFORE_BACKWARD", "F S Z B, autograd complains", "raises", two_loops(F + STEP + ZERO + BACK)),
    wrong("STEP_BEFORE_BACKWARD", "momentum", "all but the last, momentum 0.9", two_loops(
        STEP + ZERO + F + BACK, start="optimizer = SGD(network.parameters(), lr=lr, momentum=0.9)")),
    wrong("STEP_BEFORE_BACKWARD", "in a function", "all but the last", whole('''
def cycle(network, optimizer, x, y):
    optimizer.step()
    optimizer.zero_grad()
    loss = torch.sum((network(x) - y) ** 2)
    loss.backward()

def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for _ in range(epochs):
        for x, y in examples:
            cycle(network, optimizer, x, y)
''')),
    # no Optimize
    wrong("MISSING_STEP", "left out", "marks but still", two_loops(F + BACK)),
    wrong("MISSING_STEP", "no brackets", "still", two_loops(F + BACK + "optimizer.step\n" + ZERO)),
    wrong("MISSING_STEP", "no optimizer", "still", two_loops(F + BACK + "network.zero_grad()", start="pass")),
    wrong("MISSING_STEP", "autograd.grad thrown away", "still", two_loops(
        F + "torch.autograd.grad(loss, list(network.parameters()))", start="pass")),
    wrong("MISSING_STEP", "local names only", "still", two_loops(
        F + BACK + "for p in network.parameters():\n    p = p - lr * p.grad\nnetwork.zero_grad()", start="pass")),
    # no Backprop
    wrong("MISSING_BACKWARD", "left out", "still", two_loops(F + STEP + ZERO)),
    wrong("MISSING_BACKWARD", "no brackets", "still", two_loops(F + "loss.backward\n" + STEP + ZERO)),
    wrong("MISSING_BACKWARD", "Adam", "still", two_loops(F + STEP + ZERO, start="optimizer = torch.optim.Adam(network.parameters(), lr=lr)")),
    # tensors
    wrong("WRONG_PARAMETERS", "a copy's", "still", two_loops(LAB, start="import copy\noptimizer = SGD(copy.deepcopy(network).parameters(), lr=lr)")),
    wrong("WRONG_PARAMETERS", "a copy is trained", "still", two_loops(
        LAB, start="import copy\nnetwork = copy.deepcopy(network)\noptimizer = SGD(network.parameters(), lr=lr)")),
    wrong("WRONG_PARAMETERS", "a new network's", "still", two_loops(
        LAB, start="optimizer = SGD(nn.Linear(3, 5).parameters(), lr=lr)")),
    wrong("WRONG_PARAMETERS", "clones", "still", two_loops(
        LAB, start="optimizer = SGD([p.detach().clone().requires_grad_() for p in network.parameters()], lr=lr)")),
    wrong("PARTIAL_PARAMETERS", "the last layer only", "partial m2", two_loops(LAB, start="optimizer = SGD(network.m2.parameters(), lr=lr)")),
    wrong("PARTIAL_PARAMETERS", "the first layer only", "partial m1", two_loops(LAB, start="optimizer = SGD(network.m1.parameters(), lr=lr)")),
    wrong("PARTIAL_PARAMETERS", "weights only", "partial weight", two_loops(
        LAB, start="optimizer = SGD([p for n, p in network.named_parameters() if 'weight' in n], lr=lr)")),
    wrong("PARTIAL_PARAMETERS", "frozen", "partial m2", two_loops(
        LAB, start="network.m1.requires_grad_(False)\noptimizer = SGD(network.parameters(), lr=lr)", end="network.m1.requires_grad_(True)")),
    wrong("PARTIAL_PARAMETERS", "by hand", "partial m2", two_loops(
        F + BACK + "for p in network.m2.parameters():\n    p.data = p.data - lr * p.grad\nnetwork.zero_grad()", start="pass")),
    wrong("PARTIAL_PARAMETERS", "cut in the middle", "partial m2", two_loops(
        "loss = ((network_tail(network, x) - y) ** 2).sum()\n" + BSZ,
        head="def network_tail(network, x):\n    return network.m2(network.m1(x).detach())\n")),
    # out of date
    wrong("STALE_LOSS", "outputs once per pass, fused", "hoisted per pass", two_loops(
        "loss = torch.sum((output - y) ** 2)\nloss.backward()\n" + STEP + ZERO, start=FUSED,
        before="outputs = [network(x) for x, _ in examples]", each="for output, (x, y) in zip(outputs, examples):")),
    wrong("STALE_LOSS", "losses once per pass, data", "hoisted per pass, old weights", two_loops(
        "loss.backward()\n" + DATA + NONE, start="pass",
        before="losses = [torch.sum((network(x) - y) ** 2) for x, y in examples]", each="for loss in losses:")),
    wrong("STALE_LOSS", "losses once for all, data", "hoisted once, old weights", two_loops(
        "loss.backward(retain_graph=True)\n" + DATA + NONE,
        start="losses = [torch.sum((network(x) - y) ** 2) for x, y in examples]", each="for loss in losses:")),
    wrong("STALE_LOSS", "losses once for all, fused", "hoisted once", two_loops(
        "loss.backward(retain_graph=True)\n" + STEP + ZERO,
        start=FUSED + "\nlosses = [torch.sum((network(x) - y) ** 2) for x, y in examples]", each="for loss in losses:")),
    wrong("STALE_LOSS", "autograd complains", "raises", two_loops(
        "loss.backward(retain_graph=True)\n" + STEP + ZERO,
        start="optimizer = SGD(network.parameters(), lr=lr)\nlosses = [torch.sum((network(x) - y) ** 2) for x, y in examples]",
        each="for loss in losses:")),
    wrong("STALE_LOSS", "the graph is used up", "raises", two_loops(
        "loss.backward()\n" + STEP + ZERO,
        start=FUSED + "\nlosses = [torch.sum((network(x) - y) ** 2) for x, y in examples]", each="for loss in losses:")),
    # cut off
    wrong("DETACHED", "item", "raises", two_loops("loss = torch.tensor(torch.sum((network(x) - y) ** 2).item())\n" + BSZ)),
    wrong("DETACHED", "detach", "raises", two_loops("loss = torch.sum((network(x).detach() - y) ** 2)\n" + BSZ)),
    wrong("DETACHED", "no_grad", "raises", two_loops("with torch.no_grad():\n    " + F + BSZ)),
    wrong("DETACHED", "data", "raises", two_loops("loss = torch.sum((network(x).data - y) ** 2)\n" + BSZ)),
    wrong("DETACHED", "requires_grad again", "still", two_loops(
        "loss = torch.sum((network(x) - y) ** 2).detach().requires_grad_()\n" + BSZ)),
    wrong("DETACHED", "a new tensor", "still", two_loops(
        "output = torch.tensor(network(x).tolist(), requires_grad=True)\nloss = torch.sum((output - y) ** 2)\n" + BSZ)),
    # twice
    wrong("DOUBLE_BACKWARD", "retain_graph", "scaled 2", two_loops(F + "loss.backward(retain_graph=True)\n" + BSZ)),
    wrong("DOUBLE_BACKWARD", "rotated", "scaled 2", two_loops(ZERO + F + "loss.backward(retain_graph=True)\nloss.backward()\n" + STEP)),
    wrong("DOUBLE_BACKWARD", "three times", "scaled 3", two_loops(F + "for _ in range(3):\n    loss.backward(retain_graph=True)\n" + STEP + ZERO)),
    wrong("DOUBLE_BACKWARD", "Adam", "adam, scaled 2", two_loops(
        F + "loss.backward(retain_graph=True)\n" + BSZ, start="optimizer = torch.optim.Adam(network.parameters(), lr=lr)"),
          why="Adam divides by the gradient's size: twice the gradient gives the numbers of the right loop"),
    wrong("DOUBLE_BACKWARD", "the graph is used up", "raises", two_loops(F + BACK + BSZ)),
    wrong("DOUBLE_STEP", "plain", "scaled 2", two_loops(F + BACK + STEP + STEP + ZERO)),
    wrong("DOUBLE_STEP", "fused", "scaled 2", two_loops(F + BACK + STEP + STEP + ZERO, start=FUSED)),
    wrong("DOUBLE_STEP", "by hand", "scaled 2", two_loops(F + BACK + DATA + DATA + NONE, start="pass"),
          why="two changes between two events are one change of twice the size"),
    wrong("DOUBLE_STEP", "two optimizers of the same tensors", "scaled 2", two_loops(
        F + BACK + "one.step()\ntwo.step()\none.zero_grad()",
        start="one = SGD(network.parameters(), lr=lr)\ntwo = SGD(network.parameters(), lr=lr)")),
    # once per pass
    wrong("STEP_ONCE_PER_EPOCH", "Backprop each", "whole passes", two_loops(F + BACK, after=STEP + ZERO)),
    wrong("STEP_ONCE_PER_EPOCH", "one loss", "whole passes", whole('''
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for _ in range(epochs):
        loss = sum(torch.sum((network(x) - y) ** 2) for x, y in examples)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
''')),
    wrong("STEP_ONCE_PER_EPOCH", "one batch", "whole passes", whole('''
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    xs, ys = (torch.stack(part) for part in zip(*examples))
    for _ in range(epochs):
        loss = torch.sum((network(xs) - ys) ** 2)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
''')),
    wrong("STEP_ONCE_PER_EPOCH", "rotated", "whole passes", two_loops(F + BACK, before=ZERO, after=STEP)),
    wrong("STEP_ONCE_PER_EPOCH", "marks of the last alone", "last of each pass", two_loops(ZERO + F + BACK, after=STEP)),
    # the optimizer
    wrong("OPTIMIZER_RECREATED_EACH_STEP", "momentum", "sgd", two_loops(
        "optimizer = SGD(network.parameters(), lr=lr, momentum=0.9)\n" + LAB, start="pass")),
    wrong("OPTIMIZER_RECREATED_EACH_STEP", "Adam", "new adam", two_loops(
        "optimizer = torch.optim.Adam(network.parameters(), lr=lr)\n" + LAB, start="pass")),
    wrong("LR_ZERO", "typed in", "still", two_loops(LAB, start="optimizer = SGD(network.parameters(), lr=0.0)")),
    wrong("LR_ZERO", "integer division", "still", two_loops(LAB, start="optimizer = SGD(network.parameters(), lr=lr // 1)")),
    wrong("ZERO_GRADIENT", "times zero", "still", two_loops("loss = 0 * torch.sum((network(x) - y) ** 2)\n" + BSZ)),
    wrong("ZERO_GRADIENT", "clamped", "still", two_loops("loss = torch.clamp(torch.sum((network(x) - y) ** 2), max=-1.0)\n" + BSZ)),
    wrong("WRONG_DIRECTION", "maximize", "scaled -1", two_loops(LAB, start="optimizer = SGD(network.parameters(), lr=lr, maximize=True)")),
    wrong("WRONG_DIRECTION", "minus the loss", "scaled -1", two_loops("loss = -torch.sum((network(x) - y) ** 2)\n" + BSZ)),
    wrong("WRONG_DIRECTION", "plus by hand", "scaled -1", two_loops(
        F + BACK + "with torch.no_grad():\n    for p in network.parameters():\n        p += lr * p.grad\n        p.grad = None", start="pass")),
    wrong("DIVERGED", "lr of 10", "not finite", two_loops(LAB, start="optimizer = SGD(network.parameters(), lr=10.0)")),
    wrong("DIVERGED", "lr times 1e5", "not finite", two_loops(LAB, start="optimizer = SGD(network.parameters(), lr=lr * 1e5)")),
    wrong("WRONG_LEARNING_RATE", "typed in", "typed 0.0005", two_loops(LAB, start="optimizer = SGD(network.parameters(), lr=5e-4)")),
    wrong("WRONG_LEARNING_RATE", "half", "scaled 0.5", two_loops(LAB, start="optimizer = SGD(network.parameters(), lr=lr / 2)")),
    wrong("WRONG_LEARNING_RATE", "twice", "scaled 2", two_loops(LAB, start="optimizer = SGD(network.parameters(), lr=2 * lr)")),
    wrong("WRONG_LEARNING_RATE", "by hand", "scaled 0.1", two_loops(
        F + BACK + "for p in network.parameters():\n    p.data -= 0.1 * lr * p.grad\n    p.grad = None", start="pass")),
    wrong("WRONG_LOSS", "mean", "scaled 0.2", two_loops("loss = torch.mean((network(x) - y) ** 2)\n" + BSZ)),
    wrong("WRONG_LOSS", "half", "scaled 0.5", two_loops("loss = torch.sum((network(x) - y) ** 2) / 2\n" + BSZ)),
    wrong("WRONG_LOSS", "absolute", "loss abs", two_loops("loss = torch.sum(torch.abs(network(x) - y))\n" + BSZ)),
    wrong("WRONG_LOSS", "fourth power", "loss fourth", two_loops("loss = torch.sum((network(x) - y) ** 4)\n" + BSZ)),
    wrong("WRONG_LOSS", "first output only", "loss first", two_loops("loss = (network(x)[0] - y[0]) ** 2\n" + BSZ)),
    wrong("WRONG_LOSS", "root", "loss root", two_loops("loss = torch.sqrt(torch.sum((network(x) - y) ** 2))\n" + BSZ)),
    # weights and examples
    wrong("WEIGHTS_ASSIGNED", "zeros", "assigned 0", whole('''
def train(network, examples, *, lr, epochs):
    with torch.no_grad():
        for p in network.parameters():
            p.fill_(0.0)
''')),
    wrong("WEIGHTS_ASSIGNED", "a state dict", "assigned 1", whole('''
def train(network, examples, *, lr, epochs):
    network.load_state_dict({n: torch.ones_like(p) for n, p in network.state_dict().items()})
''')),
    wrong("WEIGHTS_ASSIGNED", "after learning", "assigned 0.5", two_loops(LAB, end="with torch.no_grad():\n    for p in network.parameters():\n        p.fill_(0.5)")),
    wrong("LEARNING_UNDONE", "state dict", "still", two_loops(
        LAB, start="first = {n: p.clone() for n, p in network.state_dict().items()}\noptimizer = SGD(network.parameters(), lr=lr)",
        end="network.load_state_dict(first)")),
    wrong("LEARNING_UNDONE", "copied back", "still", two_loops(
        LAB, start="first = [p.detach().clone() for p in network.parameters()]\noptimizer = SGD(network.parameters(), lr=lr)",
        end="for p, q in zip(network.parameters(), first):\n    p.data.copy_(q)")),
    wrong("STOPS_EARLY", "break", "first of each pass", two_loops(LAB + "\nbreak")),
    wrong("STOPS_EARLY", "first example only", "first of each pass", two_loops(LAB, each="for x, y in examples[:1]:")),
    wrong("STOPS_EARLY", "return", "first alone", two_loops(LAB + "\nreturn network")),
    wrong("NO_TRAINING", "pass", "still", two_loops("pass", start="pass")),
    wrong("NO_TRAINING", "loss only", "still", two_loops(LOSS, start="pass")),
    wrong("NO_TRAINING", "nested and never called", "still", whole('''
def train(network, examples, *, lr, epochs):
    def go():
        optimizer = SGD(network.parameters(), lr=lr)
        for x, y in examples:
            torch.sum((network(x) - y) ** 2).backward()
            optimizer.step()
            optimizer.zero_grad()
    return go
''')),
    wrong("NOT_RUN", "unknown name", "raises", two_loops("loss = lose(network(x), y)\n" + BSZ)),
    wrong("NOT_RUN", "shapes", "raises", two_loops("loss = torch.sum((network(x) - y[:2]) ** 2)\n" + BSZ)),
    wrong("NOT_RUN", "wrong arguments", "raises", HEAD + "def train(network):\n    pass\n"),
)  # fmt: skip
