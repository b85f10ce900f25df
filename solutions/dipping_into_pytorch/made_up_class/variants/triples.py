"""Right answers to q6 (every integer triple): networks from 3 to 128 hidden numbers, examples made in many ways.

Called by `variants`; the mistakes are in `triple_mistakes`. Rubric: make_examples 1; my_network on held-out triples in
range 2, and at ten times the range 0.5, each by the share of triples right; a fresh MyNetwork trained by `train` 1.5.
Every my_network here ends within 0.01 of the truth at ten times the range (20 seeds), and every notebook costs about
a second of CPU time.
"""

from __future__ import annotations

from .model import Variant, right
from .networks import network

EXAMPLES = """
import random

def make_examples(n):
    examples = []
    for _ in range(n):
        a, b, c = (random.randint(-10, 10) for _ in range(3))
        examples.append((torch.tensor([a, b, c], dtype=torch.float32),
                         torch.tensor([a, b, c, c + 1, c + 2], dtype=torch.float32)))
    return examples
"""
RANDINT = """
def make_examples(n):
    pairs = []
    for i in range(n):
        x = torch.randint(-10, 11, (3,)).float()
        y = torch.cat([x, x[2:] + 1, x[2:] + 2])
        pairs.append((x, y))
    return pairs
"""
FLOAT_TENSOR = """
from random import randint

def make_examples(n):
    result = []
    while len(result) < n:
        a = randint(-10, 10)
        b = randint(-10, 10)
        c = randint(-10, 10)
        result.append((torch.FloatTensor([a, b, c]), torch.FloatTensor([a, b, c, c + 1, c + 2])))
    return result
"""
NO_REPEATS = """
import itertools
import random

ALL_TRIPLES = list(itertools.product(range(-10, 11), repeat=3))

def make_examples(n):
    chosen = random.sample(ALL_TRIPLES, n)
    return [(torch.tensor([a, b, c]).float(), torch.tensor([a, b, c, c + 1, c + 2]).float()) for a, b, c in chosen]
"""
NUMPY = """
import numpy as np

rng = np.random.default_rng()

def make_examples(n):
    triples = rng.integers(-10, 10, size=(n, 3), endpoint=True)
    targets = np.column_stack([triples, triples[:, 2] + 1, triples[:, 2] + 2])
    return [(torch.from_numpy(t).float(), torch.from_numpy(u).float()) for t, u in zip(triples, targets)]
"""
TEST_IT = "test = torch.tensor([4.0, -7.0, 9.0])\nmy_network(test).detach()"
ONE_LAYER = """
class MyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 5)

    def forward(self, x):
        return self.layer(x)
"""
KEEPABLE = (
    "q4-wide",
    "q4-no-super",
    "q4-one-layer",
    "q4-four-outputs",
    "q4-layers-do-not-fit",
    "q4-plain-list",
    "q4-no-return",
)


def fitted(*, n: int = 300, lr: str = "1e-3", epochs: int = 15) -> str:
    """The cell that trains my_network from the top level."""
    return f"my_network = MyNetwork()\ntrain(my_network, make_examples({n}), lr={lr}, epochs={epochs})"


RIGHT: tuple[Variant, ...] = (
    right("q6", "q6-linear-8", "A linear 3 -> 8 -> 5.", network(8), EXAMPLES, fitted(), TEST_IT),
    right("q6", "q6-linear-3", "Three hidden numbers, the fewest that can do.", network(3), RANDINT, fitted(epochs=25)),
    right("q6", "q6-linear-4", "Four hidden numbers.", network(4), FLOAT_TENSOR, fitted(n=400, epochs=12), TEST_IT),
    right(
        "q6",
        "q6-linear-16",
        "nn.Sequential with 16 hidden numbers; examples drawn without replacement.",
        """
class MyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 16), nn.Linear(16, 5))

    def forward(self, x):
        return self.net(x)
""",
        NO_REPEATS,
        fitted(n=250, epochs=16),
    ),
    right("q6", "q6-linear-32", "32 hidden numbers; triples from numpy.", network(32), NUMPY, fitted(), TEST_IT),
    right("q6", "q6-linear-64", "64 hidden numbers at a smaller lr.", network(64), EXAMPLES, fitted(lr="5e-4")),
    right(
        "q6", "q6-linear-128", "128 hidden numbers; the lr has to be 3e-4.", network(128), RANDINT, fitted(lr="3e-4")
    ),
    right("q6", "q6-one-layer", "A single linear layer is enough here; q4 had two.", ONE_LAYER, NO_REPEATS, fitted()),
    right(
        "q6",
        "q6-three-layers",
        "Three linear layers, none narrower than three.",
        """
class MyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(3, 10)
        self.b = nn.Linear(10, 10)
        self.c = nn.Linear(10, 5)

    def forward(self, x):
        return self.c(self.b(self.a(x)))
""",
        NUMPY,
        fitted(lr="5e-4"),
    ),
    right(
        "q6",
        "q6-own-loop",
        "Trains my_network in a loop at the top level, with a fresh triple each time.",
        network(8),
        RANDINT,
        """
%%time
my_network = MyNetwork()
my_sgd = SGD(my_network.parameters(), lr=1e-3)

for step in range(5000):
    (x, y), = make_examples(1)
    loss = torch.sum((my_network(x) - y) ** 2)
    loss.backward()
    my_sgd.step()
    my_sgd.zero_grad()
    if step % 1000 == 0:
        print(step, loss.item())
""",
    ),
    right(
        "q6",
        "q6-until-small",
        "Goes on training, with a plot, until the largest error on new examples is small.",
        "import matplotlib.pyplot as plt\n%matplotlib inline",
        network(12),
        EXAMPLES,
        """
my_network = MyNetwork()
history = []
while len(history) < 20:
    train(my_network, make_examples(500), lr=1e-3, epochs=1)
    with torch.no_grad():
        history.append(max((my_network(x) - y).abs().max().item() for x, y in make_examples(50)))
    if history[-1] < 1e-3:
        break

plt.plot(history)
plt.yscale("log")
plt.show()
""",
    ),
    right(
        "q6",
        "q6-keeps-network",
        "Keeps the class of q4.",
        EXAMPLES,
        fitted(),
        TEST_IT,
        needs=KEEPABLE,
    ),
    right(
        "q6",
        "q6-keeps-widest",
        "Keeps the 128 hidden numbers of q4, at a smaller lr.",
        FLOAT_TENSOR,
        fitted(lr="3e-4"),
        needs=("q4-widest",),
    ),
    right(
        "q6",
        "q6-slow-and-long",
        "A longer training, at another lr, for an optimizer that needs it.",
        network(16),
        EXAMPLES,
        fitted(n=400, lr="2e-3", epochs=12),
        needs=("q5-adam",),
    ),
    right(
        "q6",
        "q6-one-long-pass",
        "All examples in one pass.",
        ONE_LAYER,
        NUMPY,
        fitted(n=5000, epochs=1),
        needs=("q5-one-epoch",),
        notes="One layer, so that a single pass over the judge's examples is enough as well.",
    ),
    right(
        "q6",
        "q6-takes-what-train-returns",
        "Uses the network that `train` gives back.",
        network(8),
        EXAMPLES,
        "my_network = train(MyNetwork(), make_examples(300), lr=1e-3, epochs=15)",
        needs=("q5-new-network",),
    ),
    right(
        "q6",
        "q6-calls-renamed-train",
        "Calls the function by the name it has there.",
        network(8),
        EXAMPLES,
        fitted().replace("train(", "Train("),
        needs=("q5-renamed",),
    ),
    right(
        "q6",
        "q6-keeps-renamed-network",
        "Uses the class by the name it has there.",
        EXAMPLES,
        fitted().replace("MyNetwork", "myNetwork"),
        needs=("q4-renamed",),
    ),
)
