"""Right answers to q5 (the training loop), in the many ways people write one.

Called by `variants`; the mistakes are in `loop_mistakes`. All of these are one fresh gradient per update, one example
at a time. Rubric: the order on probe networks 2; the network it is given moves 1; the lr and epochs it is given are
used 1; a fresh MyNetwork learns [1, 2, 3] -> [1, 2, 3, 4, 5] in 1000 epochs 1.
"""

from __future__ import annotations

from .model import Variant, right

LOSS = "loss = torch.sum((network(x) - y) ** 2)"


def two_loops(body: str, *, before: str = "", start: str = "optimizer = SGD(network.parameters(), lr=lr)") -> str:
    """A `train` with two loops; `body` is the inner one's, `before` stands in front of it in every epoch."""
    outer = "".join(f"        {line}\n" for line in before.split("\n") if line)
    inner = "".join(f"            {line}\n" for line in body.split("\n") if line)
    return (
        "def train(network, examples, *, lr, epochs):\n"
        f"    {start}\n"
        "    for epoch in range(epochs):\n"
        f"{outer}        for x, y in examples:\n{inner}"
    )


LAB = LOSS + "\nloss.backward()\noptimizer.step()\noptimizer.zero_grad()"

RIGHT: tuple[Variant, ...] = (
    right("q5", "q5-lab-order", "Backprop, Optimize, Reset after every example.", two_loops(LAB)),
    right(
        "q5",
        "q5-reset-first",
        "optimizer.zero_grad() at the top of the cycle.",
        two_loops("optimizer.zero_grad()\n" + LOSS + "\nloss.backward()\noptimizer.step()"),
    ),
    right(
        "q5",
        "q5-network-reset-first",
        "Resets on the network instead of the optimizer, and calls train mode first.",
        two_loops(
            "network.zero_grad()\nprediction = network(x)\nloss = (prediction - y).pow(2).sum()\n"
            "loss.backward()\noptimizer.step()",
            before="network.train()",
        ),
    ),
    right(
        "q5",
        "q5-mse-sum",
        "F.mse_loss with reduction='sum'.",
        "import torch.nn.functional as F",
        two_loops(
            "loss = F.mse_loss(network(x), y, reduction='sum')\nloss.backward()\noptimizer.step()\n"
            "optimizer.zero_grad()"
        ),
    ),
    right(
        "q5",
        "q5-criterion",
        "nn.MSELoss(reduction='sum') as a criterion, and the network returned.",
        """
criterion = nn.MSELoss(reduction="sum")

def train(network, examples, *, lr, epochs):
    optim = torch.optim.SGD(network.parameters(), lr)
    for epoch in range(epochs):
        running_loss = 0.0
        for inputs, targets in examples:
            optim.zero_grad()
            outputs = network(inputs)
            loss = criterion(outputs, targets)
            loss.backward()
            optim.step()
            running_loss += loss.item()
    return network
""",
    ),
    right(
        "q5",
        "q5-shuffled-copy",
        "Shuffles a copy of the examples in every epoch.",
        """
import random

def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for epoch in range(epochs):
        shuffled = list(examples)
        random.shuffle(shuffled)
        for x, y in shuffled:
            loss = torch.sum((network(x) - y) ** 2)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
""",
    ),
    right(
        "q5",
        "q5-randperm",
        "Goes through the examples in the order of torch.randperm.",
        """
def train(network, examples, *, lr, epochs):
    opt = SGD(network.parameters(), lr=lr)
    for _ in range(epochs):
        for i in torch.randperm(len(examples)).tolist():
            x, y = examples[i]
            opt.zero_grad()
            ((network(x) - y) ** 2).sum().backward()
            opt.step()
""",
    ),
    right(
        "q5",
        "q5-by-hand",
        "No optimizer: subtracts lr times the gradient and drops it.",
        """
def train(network, examples, *, lr, epochs):
    params = list(network.parameters())
    for epoch in range(epochs):
        for x, y in examples:
            loss = torch.sum((y - network(x)) ** 2)
            loss.backward()
            with torch.no_grad():
                for p in params:
                    p -= lr * p.grad
                    p.grad = None
""",
    ),
    right(
        "q5",
        "q5-by-hand-zeroed",
        "No optimizer: the gradients are set to zero in place.",
        """
def train(network, examples, *, lr, epochs):
    for epoch in range(epochs):
        for x, y in examples:
            loss = (network(x) - y).square().sum()
            loss.backward()
            with torch.no_grad():
                for p in network.parameters():
                    p.sub_(p.grad, alpha=lr)
                    p.grad.zero_()
""",
    ),
    right(
        "q5",
        "q5-progress-bar",
        "A tqdm bar, and the losses kept and returned.",
        """
from tqdm.auto import tqdm

def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    losses = []
    for epoch in tqdm(range(epochs), desc="training"):
        total = 0.0
        for x, y in examples:
            loss = torch.sum((network(x) - y) ** 2)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            total += loss.item()
        losses.append(total / max(len(examples), 1))
    return losses
""",
    ),
    right(
        "q5",
        "q5-while",
        "While loops and an index.",
        """
def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    epoch = 0
    while epoch < epochs:
        position = 0
        while position < len(examples):
            example = examples[position]
            output = network(example[0])
            loss = ((output - example[1]) ** 2).sum()
            loss.backward()       # 1. Backprop
            optimizer.step()      # 2. Optimize
            optimizer.zero_grad() # 3. Reset
            position += 1
        epoch += 1
""",
    ),
    right(
        "q5",
        "q5-own-helper",
        "One cycle lives in a function of its own.",
        """
def _cycle(network, optimizer, example):
    \"\"\"Backprop, Optimize, Reset for one example.\"\"\"
    inputs, target = example
    loss = torch.sum((network(inputs) - target) ** 2)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def train(network, examples, *, lr, epochs):
    optimizer = SGD(network.parameters(), lr=lr)
    for _ in range(epochs):
        for example in examples:
            _cycle(network, optimizer, example)
""",
    ),
    right(
        "q5",
        "q5-device",
        "Moves everything to the GPU where there is one.",
        """
device = "cuda" if torch.cuda.is_available() else "cpu"

def train(network, examples, *, lr, epochs):
    network.to(device)
    optimizer = SGD(network.parameters(), lr=lr)
    for epoch in range(epochs):
        for x, y in examples:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            loss = torch.sum((network(x) - y) ** 2)
            loss.backward()
            optimizer.step()
""",
    ),
    right(
        "q5",
        "q5-momentum",
        "SGD with some momentum.",
        two_loops(LAB, start="optimizer = SGD(network.parameters(), lr=lr, momentum=0.5)"),
        needs=("q6-linear-3", "q6-linear-4", "q6-linear-8", "q6-one-layer", "q6-own-loop"),
        notes="Momentum 0.5 acts like twice the lr, which the wide networks do not bear.",
    ),
    right(
        "q5",
        "q5-adam",
        "Adam instead of SGD.",
        two_loops(LAB, start="optimizer = torch.optim.Adam(network.parameters(), lr=lr)"),
        needs=("q6-slow-and-long",),
        notes="At the same lr Adam moves more slowly than SGD here, so q6 trains longer.",
    ),
)
