"""Typical mistakes in q6 (every integer triple).

Called by `variants`; the rubric is in `triples`. make_examples alone leaves 1, a wrong make_examples beside a right
network 4, and a my_network that knows nothing 2.5.
"""

from __future__ import annotations

from .model import Variant, wrong
from .networks import network
from .triples import EXAMPLES, FLOAT_TENSOR, RANDINT, TEST_IT, fitted

NARROW = ("q4-lab", "q4-old-super", "q4-sequential")

MISTAKES: tuple[Variant, ...] = (
    wrong(
        "q6",
        "q6-bottleneck",
        1.0,
        "Keeps 3 -> 2 -> 5, which squeezes three numbers through two and cannot learn this.",
        EXAMPLES,
        fitted(),
        TEST_IT,
        needs=NARROW,
        notes="By luck up to 0.14 of the triples in range come out right (20 seeds): less than a tenth earns nothing, "
        "and a network of rank 2 has to be told by its rank.",
    ),
    wrong(
        "q6",
        "q6-hardly-trained",
        2.5,
        "my_network saw five examples once.",
        network(8),
        EXAMPLES,
        fitted(n=5, lr="1e-6", epochs=1),
    ),
    wrong(
        "q6",
        "q6-nan",
        2.5,
        "The lr is so high that every weight becomes NaN.",
        network(8),
        FLOAT_TENSOR,
        fitted(lr="0.1", epochs=5),
        TEST_IT,
    ),
    wrong(
        "q6",
        "q6-no-my-network",
        2.5,
        "The trained network has another name.",
        network(16),
        RANDINT,
        "net = MyNetwork()\ntrain(net, make_examples(300), lr=1e-3, epochs=15)",
    ),
    wrong(
        "q6",
        "q6-wrong-targets",
        1.5,
        "The last target is c + 1 a second time.",
        network(8),
        EXAMPLES.replace("c + 1, c + 2", "c + 1, c + 1"),
        fitted(),
    ),
    wrong(
        "q6",
        "q6-not-integers",
        4.0,
        "The examples are not whole numbers; the network learns from them all the same.",
        network(8),
        RANDINT.replace("torch.randint(-10, 11, (3,)).float()", "torch.rand(3) * 20 - 10"),
        fitted(),
    ),
    wrong(
        "q6",
        "q6-far-too-wide",
        1.5,
        "Examples from -100 to 100 at the same lr: my_network becomes NaN.",
        network(8),
        EXAMPLES.replace("randint(-10, 10)", "randint(-100, 100)"),
        fitted(),
    ),
    wrong(
        "q6",
        "q6-always-three-hundred",
        4.0,
        "make_examples ignores n.",
        network(8),
        RANDINT.replace("range(n)", "range(300)"),
        fitted(),
    ),
    wrong(
        "q6",
        "q6-one-batch",
        4.0,
        "make_examples returns two big tensors instead of a list of pairs.",
        network(8),
        """
def make_examples(n):
    inputs = torch.randint(-10, 11, (n, 3)).float()
    targets = torch.cat([inputs, inputs[:, 2:] + 1, inputs[:, 2:] + 2], dim=1)
    return inputs, targets
""",
        "my_network = MyNetwork()\ntrain(my_network, list(zip(*make_examples(300))), lr=1e-3, epochs=15)",
    ),
    wrong(
        "q6",
        "q6-answer-in-forward",
        1.0,
        "forward writes the answer down and never uses the layers, so nothing can be trained.",
        """
class MyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.m1 = nn.Linear(3, 8)
        self.m2 = nn.Linear(8, 5)

    def forward(self, x):
        last = x[..., 2:]
        return torch.cat([x, last + 1, last + 2], dim=-1)
""",
        EXAMPLES,
        "my_network = MyNetwork()   # no need to train this one\n" + TEST_IT,
        elsewhere={"q5": 4.0},
        notes="A fresh MyNetwork cannot be Backpropped, so the learning point of q5 goes too.",
    ),
    wrong(
        "q6",
        "q6-answer-in-init",
        1.0,
        "The weights are typed in when the network is made.",
        """
class MyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 5)
        with torch.no_grad():
            self.layer.weight.copy_(torch.tensor([[1., 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]]))
            self.layer.bias.copy_(torch.tensor([0., 0, 0, 1, 2]))

    def forward(self, x):
        return self.layer(x)
""",
        EXAMPLES,
        fitted(),
        elsewhere={"q5": 4.0},
        drawn=False,
        notes="A network that starts right has not learned the single example of q5 either.",
    ),
)
