# ruff: noqa: E501 - sources of loops, one a line where they fit
"""Right loops, written in as many ways as students write them."""

from __future__ import annotations

from loops.case import BSZ, HEAD, LOSS, ZBS, Case, two_loops

LAB = LOSS + "\n" + BSZ


def right(name: str, source: str, proof: str = "sgd", order: str = "given", verdict: str = "CORRECT") -> Case:
    return Case(name, verdict, proof, source, order)


def whole(source: str, head: str = "") -> str:
    """A source that is written out in full."""
    return HEAD + head + source.lstrip("\n")


def loss(name: str, text: str, head: str = "") -> Case:
    """The lab's loop with its loss spelled another way."""
    return right(f"loss: {name}", two_loops(text + "\n" + BSZ, head=head))


def optimizer(name: str, start: str, proof: str) -> Case:
    return right(f"optimizer: {name}", two_loops(LAB, start=f"optimizer = {start}"), proof)


def reset(name: str, text: str) -> Case:
    return right(f"reset: {name}", two_loops(LOSS + "\nloss.backward()\noptimizer.step()\n" + text))


def rotated(name: str, source: str, order: str = "given", proof: str = "sgd") -> Case:
    return right(f"rotated: {name}", source, proof, order, "CORRECT_ROTATED")


P = "network.parameters()"
BY_HAND = "for p in network.parameters():\n        "

RIGHT: tuple[Case, ...] = (
    right("lab", two_loops(LAB)),
    rotated("plain", two_loops(ZBS)),
    rotated("forward first", two_loops(LOSS + "\noptimizer.zero_grad()\nloss.backward()\noptimizer.step()")),
    rotated("network.zero_grad", two_loops("network.zero_grad()\n" + LOSS + "\nloss.backward()\noptimizer.step()")),
    rotated("grads set to None", two_loops(
        "for p in network.parameters():\n    p.grad = None\n" + LOSS + "\nloss.backward()\noptimizer.step()")),
    rotated("shuffled", two_loops(ZBS, head="import random\n", before="examples = random.sample(examples, len(examples))"),
            "any"),
    rotated("momentum", two_loops(ZBS, start="optimizer = SGD(network.parameters(), lr=lr, momentum=0.9)"),
            proof="momentum 0.9"),
    rotated("validation after each pass", two_loops(
        ZBS, after="with torch.no_grad():\n    total = sum(((network(x) - y) ** 2).sum().item() for x, y in examples)")),
    # the loss
    loss("pow", "loss = (network(x) - y).pow(2).sum()"),
    loss("square", "loss = (y - network(x)).square().sum()"),
    loss("mse_loss", "loss = F.mse_loss(network(x), y, reduction='sum')", "import torch.nn.functional as F\n"),
    loss("MSELoss", "loss = criterion(network(x), y)", "criterion = nn.MSELoss(reduction='sum')\n"),
    loss("dot", "d = network(x) - y\nloss = torch.dot(d, d)"),
    loss("matmul", "d = network(x) - y\nloss = d @ d"),
    loss("norm", "loss = torch.linalg.vector_norm(network(x) - y) ** 2"),
    loss("einsum", "d = network(x) - y\nloss = torch.einsum('i,i->', d, d)"),
    loss("one number at a time", "output = network(x)\nloss = 0\nfor k in range(5):\n    loss = loss + (output[k] - y[k]) ** 2"),
    loss("sum of a list", "loss = sum((a - b) ** 2 for a, b in zip(network(x), y))"),
    loss("binomial", "o = network(x)\nloss = (o * o).sum() - 2 * (o * y).sum() + (y * y).sum()"),
    loss("mean times five", "loss = ((network(x) - y) ** 2).mean() * 5"),
    loss("own function", "loss = squared(network(x), y)", "def squared(a, b):\n    return ((a - b) ** 2).sum()\n"),
    loss("x.float()", "loss = ((network(x.float()) - y.float()) ** 2).sum()"),
    loss("fresh tensors", "loss = ((network(torch.tensor(x.tolist())) - torch.tensor(y.tolist())) ** 2).sum()"),
    loss("a batch of one", "loss = ((network(x.unsqueeze(0)) - y.unsqueeze(0)) ** 2).sum()"),
    loss("buffer inside", "target = torch.zeros(5)\ntarget += y\nloss = ((network(x) - target) ** 2).sum()"),
    # Reset
    reset("network.zero_grad", "network.zero_grad()"),
    reset("set_to_none=False", "optimizer.zero_grad(set_to_none=False)"),
    reset("None by hand", "for p in network.parameters():\n    p.grad = None"),
    reset("zero_ by hand", "for p in network.parameters():\n    p.grad.zero_()"),
    reset("zeros by hand", "for p in network.parameters():\n    p.grad = torch.zeros_like(p)"),
    reset("fill_ on data", "for p in network.parameters():\n    p.grad.data.fill_(0.0)"),
    reset("times zero", "for p in network.parameters():\n    p.grad *= 0"),
    reset("twice", "optimizer.zero_grad()\nnetwork.zero_grad()"),
    right("reset before and after", two_loops("optimizer.zero_grad()\n" + LAB)),
    right("an empty Optimize at the end", two_loops(LAB, end="optimizer.step()")),
    # optimizers
    optimizer("momentum", f"SGD({P}, lr=lr, momentum=0.9)", "momentum 0.9"),
    optimizer("nesterov", f"SGD({P}, lr=lr, momentum=0.8, nesterov=True)", "nesterov 0.8"),
    optimizer("weight decay", f"SGD({P}, lr=lr, weight_decay=1e-2)", "decay 0.01"),
    optimizer("fused", f"SGD({P}, lr=lr, fused=True)", "sgd"),
    optimizer("foreach", f"SGD({P}, lr=lr, foreach=True)", "sgd"),
    optimizer("lr as a tensor", f"SGD({P}, lr=torch.tensor(lr))", "sgd"),
    optimizer("Adam", f"torch.optim.Adam({P}, lr=lr)", "adam"),
    optimizer("AdamW", f"torch.optim.AdamW({P}, lr=lr)", "torch AdamW"),
    optimizer("RMSprop", f"torch.optim.RMSprop({P}, lr=lr)", "torch RMSprop"),
    optimizer("Adagrad", f"torch.optim.Adagrad({P}, lr=lr)", "torch Adagrad"),
    optimizer("Adadelta", f"torch.optim.Adadelta({P}, lr=lr)", "torch Adadelta"),
    optimizer("Adamax", f"torch.optim.Adamax({P}, lr=lr)", "torch Adamax"),
    optimizer("NAdam", f"torch.optim.NAdam({P}, lr=lr)", "torch NAdam"),
    optimizer("RAdam", f"torch.optim.RAdam({P}, lr=lr)", "torch RAdam"),
    optimizer("ASGD", f"torch.optim.ASGD({P}, lr=lr)", "torch ASGD"),
    optimizer("Rprop", f"torch.optim.Rprop({P}, lr=lr)", "torch Rprop"),
    optimizer("two groups", "SGD([{'params': network.m1.parameters()}, {'params': network.m2.parameters()}], lr=lr)", "sgd"),
    optimizer("list of parameters", "SGD([p for _, p in network.named_parameters()], lr)", "sgd"),
    right("two optimizers, each with its layer", two_loops(
        LOSS + "\nloss.backward()\nfor o in both:\n    o.step()\nfor o in both:\n    o.zero_grad()",
        start="both = [SGD(network.m1.parameters(), lr=lr), SGD(network.m2.parameters(), lr=lr)]")),
    right("a subclass of SGD", two_loops(LAB, start="optimizer = Mine(network.parameters(), lr=lr)",
                                         head="class Mine(SGD):\n    pass\n")),
    right("an optimizer of one's own", whole('''
class Hop:
    def __init__(self, parameters, lr):
        self.parameters, self.lr = list(parameters), lr
    def step(self):
        with torch.no_grad():
            for p in self.parameters:
                p.sub_(self.lr * p.grad)
    def zero_grad(self):
        for p in self.parameters:
            p.grad = None

def train(network, examples, *, lr, epochs):
    hop = Hop(network.parameters(), lr)
    for _ in range(epochs):
        for x, y in examples:
            torch.sum((network(x) - y) ** 2).backward()
            hop.step()
            hop.zero_grad()
''')),
    right("a new plain SGD each step", two_loops("optimizer = SGD(network.parameters(), lr=lr)\n" + LAB, start="pass")),
    right("scheduler that keeps lr", two_loops(LAB, start="optimizer = SGD(network.parameters(), lr=lr)\n"
          "scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 1.0)", after="scheduler.step()")),
    right("scheduler that halves lr", two_loops(LAB, start="optimizer = SGD(network.parameters(), lr=lr)\n"
          "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)", after="scheduler.step()"), "halved"),
    right("clipping that never bites", two_loops(
        LOSS + "\nloss.backward()\nnn.utils.clip_grad_norm_(network.parameters(), 1e9)\noptimizer.step()\noptimizer.zero_grad()")),
    right("step with a closure", two_loops(
        "def closure():\n    optimizer.zero_grad()\n    loss = ((network(x) - y) ** 2).sum()\n    loss.backward()\n    return loss\n"
        "optimizer.step(closure)\noptimizer.zero_grad()")),
    # by hand
    right("by hand: -=", two_loops(LOSS + "\nloss.backward()\nwith torch.no_grad():\n    for p in network.parameters():\n"
                                   "        p -= lr * p.grad\n        p.grad = None", start="pass")),
    right("by hand: data", two_loops(LOSS + "\nloss.backward()\nfor p in network.parameters():\n"
                                     "    p.data = p.data - lr * p.grad\n    p.grad = None", start="pass")),
    right("by hand: data.add_", two_loops(LOSS + "\nloss.backward()\nfor p in network.parameters():\n"
                                          "    p.data.add_(p.grad, alpha=-lr)\nnetwork.zero_grad()", start="pass")),
    right("by hand: copy_", two_loops(LOSS + "\nloss.backward()\nwith torch.no_grad():\n    for p in network.parameters():\n"
                                      "        p.copy_(p - lr * p.grad)\n        p.grad.zero_()", start="pass")),
    right("by hand: state dict", two_loops(
        LOSS + "\nloss.backward()\nnew = {n: p.detach() - lr * p.grad for n, p in network.named_parameters()}\n"
        "network.load_state_dict(new)\nnetwork.zero_grad()", start="pass")),
    right("autograd.grad", two_loops(
        LOSS + "\ngrads = torch.autograd.grad(loss, list(network.parameters()))\nwith torch.no_grad():\n"
        "    for p, g in zip(network.parameters(), grads):\n        p -= lr * g", start="pass")),
    right("autograd.grad into .grad", two_loops(
        LOSS + "\nps = list(network.parameters())\nfor p, g in zip(ps, torch.autograd.grad(loss, ps)):\n    p.grad = g\n"
        "optimizer.step()\noptimizer.zero_grad()")),
    right("autograd.backward", two_loops(LOSS + "\ntorch.autograd.backward([loss])\noptimizer.step()\noptimizer.zero_grad()")),
    right("torch.func", two_loops(
        "ps = {n: p.detach() for n, p in network.named_parameters()}\n"
        "grads = grad(lambda q: ((functional_call(network, q, (x,)) - y) ** 2).sum())(ps)\nwith torch.no_grad():\n"
        "    for n, p in network.named_parameters():\n        p -= lr * grads[n]",
        start="pass", head="from torch.func import functional_call, grad\n"), verdict="UNEXPLAINED_UPDATE"),
    right("momentum by hand", two_loops(
        LOSS + "\nloss.backward()\nwith torch.no_grad():\n    for p, v in zip(network.parameters(), speed):\n"
        "        v.mul_(0.9).add_(p.grad)\n        p -= lr * v\n        p.grad = None",
        start="speed = [torch.zeros_like(p) for p in network.parameters()]"), "momentum 0.9", verdict="UNEXPLAINED_UPDATE"),
    # the order of the examples
    right("shuffle a copy", two_loops(LAB, head="import random\n",
                                      before="examples = list(examples)\nrandom.shuffle(examples)"), order="any"),
    right("randperm", two_loops(LAB, each="for i in torch.randperm(len(examples)).tolist():\n            x, y = examples[i]"),
          order="any"),
    right("numpy permutation", two_loops(LAB, head="import numpy as np\n",
          each="for i in np.random.permutation(len(examples)):\n            x, y = examples[i]"), order="any"),
    right("reversed", two_loops(LAB, start="examples = list(reversed(examples))\noptimizer = SGD(network.parameters(), lr=lr)"),
          order="reversed"),
    right("DataLoader, shuffled", two_loops(
        "loss = ((network(x) - y) ** 2).sum()\n" + BSZ, head="from torch.utils.data import DataLoader\n",
        start="loader = DataLoader(examples, batch_size=1, shuffle=True)\noptimizer = SGD(network.parameters(), lr=lr)",
        each="for x, y in loader:"), order="any"),
    right("DataLoader, no batches", two_loops(
        LAB, head="from torch.utils.data import DataLoader\n",
        start="loader = DataLoader(examples, batch_size=None)\noptimizer = SGD(network.parameters(), lr=lr)",
        each="for x, y in loader:")),
    right("TensorDataset", two_loops(
        LAB, head="from torch.utils.data import DataLoader, TensorDataset\n",
        start="data = TensorDataset(torch.stack([x for x, _ in examples]), torch.stack([y for _, y in examples]))\n"
        "optimizer = SGD(network.parameters(), lr=lr)", each="for x, y in DataLoader(data, batch_size=1):")),
    # shapes of the loop
    right("two passes written as one", whole('''
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for x, y in examples * epochs:
        loss = torch.sum((network(x) - y) ** 2)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
''')),
    right("islice of a cycle", whole('''
from itertools import cycle, islice

def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for x, y in islice(cycle(examples), epochs * len(examples)):
        loss = torch.sum((network(x) - y) ** 2)
        loss.backward(); optimizer.step(); optimizer.zero_grad()
''')),
    right("while with two counters", whole('''
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    done = 0
    while done < epochs:
        at = 0
        while at < len(examples):
            x, y = examples[at]
            loss = torch.sum((network(x) - y) ** 2)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            at += 1
        done += 1
''')),
    right("modulo", whole('''
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for turn in range(epochs * len(examples)):
        x, y = examples[turn % len(examples)]
        loss = torch.sum((network(x) - y) ** 2)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
''')),
    right("a generator of losses", whole('''
def losses(network, examples):
    for x, y in examples:
        yield torch.sum((network(x) - y) ** 2)

def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for _ in range(epochs):
        for loss in losses(network, examples):
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
''')),
    right("a generator that trains", whole('''
def steps(network, examples, lr):
    optimizer = SGD(network.parameters(), lr=lr)
    while True:
        for x, y in examples:
            loss = ((network(x) - y) ** 2).sum()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            yield loss.item()

def train(network, examples, *, lr, epochs):
    walk = steps(network, examples, lr)
    for _ in range(epochs * len(examples)):
        next(walk)
    walk.close()
''')),
    right("a trainer class", whole('''
class Trainer:
    def __init__(self, network, lr):
        self.network = network
        self.optimizer = SGD(network.parameters(), lr=lr)
        self.history = []
    def cycle(self, x, y):
        loss = torch.sum((self.network(x) - y) ** 2)
        self.back(loss)
        self.history.append(loss.item())
    def back(self, loss):
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

def train(network, examples, *, lr, epochs):
    trainer = Trainer(network, lr)
    for _ in range(epochs):
        for pair in examples:
            trainer.cycle(*pair)
''')),
    right("a closure", whole('''
def make_cycle(network, lr):
    optimizer = SGD(network.parameters(), lr=lr)
    def cycle(example):
        x, y = example
        loss = torch.sum((network(x) - y) ** 2)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return cycle

def train(network, examples, *, lr, epochs):
    cycle = make_cycle(network, lr)
    for _ in range(epochs):
        list(map(cycle, examples))
''')),
    right("recursion", whole('''
def train(network, examples, *, lr, epochs, optimizer=None):
    if epochs == 0:
        return
    optimizer = optimizer or SGD(network.parameters(), lr=lr)
    for x, y in examples:
        loss = torch.sum((network(x) - y) ** 2)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    train(network, examples, lr=lr, epochs=epochs - 1, optimizer=optimizer)
''')),
    right("a context manager", whole('''
from contextlib import contextmanager

@contextmanager
def round_of(optimizer):
    yield
    optimizer.step()
    optimizer.zero_grad()

def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for _ in range(epochs):
        for x, y in examples:
            with round_of(optimizer):
                torch.sum((network(x) - y) ** 2).backward()
''')),
    right("try and finally", two_loops(LOSS + "\ntry:\n    loss.backward()\n    optimizer.step()\nfinally:\n    optimizer.zero_grad()")),
    right("lambdas in a list", whole('''
def train(network, examples, *, lr, epochs):
    o = SGD(network.parameters(), lr=lr)
    song = [lambda l: l.backward(), lambda l: o.step(), lambda l: o.zero_grad()]
    for _ in range(epochs):
        for x, y in examples:
            loss = torch.sum((network(x) - y) ** 2)
            for verse in song:
                verse(loss)
''')),
    right("inputs and targets apart", two_loops(LAB, start="xs, ys = zip(*examples)\noptimizer = SGD(network.parameters(), lr=lr)",
                                                each="for x, y in zip(xs, ys):")),
    right("grad mode set", two_loops("torch.set_grad_enabled(True)\nwith torch.enable_grad():\n    " + LOSS + "\n" + BSZ)),
    # what goes on beside the loop
    right("tqdm", two_loops(LAB, head="from tqdm.auto import tqdm\n", each="for x, y in tqdm(examples, disable=True):")),
    right("prints", two_loops(LAB + "\nprint(loss.item())", after="print('pass', epoch)")),
    right("losses kept", two_loops(LAB + "\nlosses.append(loss.detach())",
                                   start="losses = []\noptimizer = SGD(network.parameters(), lr=lr)")),
    right("losses kept with their graphs", two_loops(LAB + "\nlosses.append(loss)",
                                                     start="losses = []\noptimizer = SGD(network.parameters(), lr=lr)")),
    right("validation inside", two_loops(LAB + "\nwith torch.no_grad():\n    check = ((network(x) - y) ** 2).sum()")),
    right("validation with a graph", two_loops(LAB + "\ncheck = ((network(x) - y) ** 2).sum()")),
    right("train and eval mode", two_loops(LAB, before="network.train()", after="network.eval()")),
    right("early stopping that never comes", two_loops(LAB + "\nif loss.item() < 1e-12:\n    break")),
    right("retain_graph for nothing", two_loops(LOSS + "\nloss.backward(retain_graph=True)\noptimizer.step()\noptimizer.zero_grad()")),
    right("best weights noted", two_loops(LAB + "\nif loss.item() < best:\n    best = loss.item()\n    "
          "kept = {n: t.clone() for n, t in network.state_dict().items()}",
          start="best = 1e9\noptimizer = SGD(network.parameters(), lr=lr)")),
    right("deepcopy as a spare", two_loops(LAB, head="import copy\n", before="spare = copy.deepcopy(network)")),
    right("clips the loss far away", two_loops("loss = torch.clamp(((network(x) - y) ** 2).sum(), max=1e9)\n" + BSZ)),
    right("marks looked at", two_loops(LOSS + "\nloss.backward()\nsize = sum(p.grad.norm() for p in network.parameters())\n"
                                       "optimizer.step()\noptimizer.zero_grad()")),
    right("double and back", two_loops(
        "loss = ((network(x.double()) - y.double()) ** 2).sum()\n" + BSZ,
        start="network.double()\noptimizer = SGD(network.parameters(), lr=lr)", end="network.float()")),
    # several Backprops on purpose
    right("five partial losses", two_loops(
        "parts = (network(x) - y) ** 2\nfor part in parts:\n    part.backward(retain_graph=True)\noptimizer.step()\n"
        "optimizer.zero_grad()"), verdict="CORRECT_ACCUMULATED"),
    right("pairs, one Backprop each", whole('''
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    todo = list(examples) * epochs
    for at in range(0, len(todo), 2):
        for x, y in todo[at:at + 2]:
            torch.sum((network(x) - y) ** 2).backward()
        optimizer.step()
        optimizer.zero_grad()
'''), "groups of 2", verdict="CORRECT_ACCUMULATED"),
    right("pairs, one loss", whole('''
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    todo = list(examples) * epochs
    for at in range(0, len(todo), 2):
        loss = sum(torch.sum((network(x) - y) ** 2) for x, y in todo[at:at + 2])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
'''), "groups of 2"),
)  # fmt: skip
