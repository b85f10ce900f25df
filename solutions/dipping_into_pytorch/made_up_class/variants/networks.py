"""Answers to q4 (MyNetwork): right ones and typical mistakes.

Called by `variants`. Rubric: 5 numbers for a (3,) vector 0.5; (N, 5) for an (N, 3) batch 0.5; two or more linear
layers, registered, 1. Any definition that was right counts, so a mistake shows only where q6 defines no class anew:
the wrong parts stand with `q6-keeps-network`. A network that cannot be built or trained also costs the point of q5
for learning (4 left there) and all of q6 but `make_examples` (1 left).
"""

from __future__ import annotations

from .model import Variant, right, wrong

KEPT = ("q6-keeps-network",)
UNTRAINABLE = {"q5": 4.0, "q6": 1.0}
LOOK = "net = MyNetwork()\nnet(torch.tensor([1.0, 2.0, 3.0]))"


def network(hidden: int, *, start: str = "super().__init__()", out: int = 5, between: str = "") -> str:
    """A MyNetwork of two linear layers, 3 -> hidden -> out."""
    return f"""
class MyNetwork(nn.Module):
    def __init__(self):
        {start}
        self.m1 = nn.Linear(3, {hidden})
        self.m2 = nn.Linear({hidden}, {out})

    def forward(self, x):
        x = self.m1(x){between}
        return self.m2(x)
"""


Q4: tuple[Variant, ...] = (
    right("q4", "q4-lab", "The lab's own 3 -> 2 -> 5.", network(2), LOOK),
    right(
        "q4",
        "q4-old-super",
        "The long form of super() from older tutorials.",
        network(2, start="super(MyNetwork, self).__init__()"),
        LOOK + "\nprint(net)",
    ),
    right(
        "q4",
        "q4-sequential",
        "nn.Sequential and type hints.",
        """
class MyNetwork(nn.Module):
    def __init__(self, hidden: int = 2) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, hidden), nn.Linear(hidden, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)
""",
        "print(MyNetwork())\nprint(sum(p.numel() for p in MyNetwork().parameters()), 'parameters')",
    ),
    right(
        "q4",
        "q4-module-list",
        "Three layers in a ModuleList.",
        """
class MyNetwork(nn.Module):
    def __init__(self):
        nn.Module.__init__(self)
        self.stack = nn.ModuleList([nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(2, 5)])

    def forward(self, values):
        for layer in self.stack:
            values = layer(values)
        return values
""",
    ),
    right(
        "q4",
        "q4-relu",
        "A ReLU in the middle, as in most tutorials; q6 then makes a linear one.",
        network(16, between=".relu()"),
        "MyNetwork()(torch.randn(7, 3)).shape",
    ),
    right("q4", "q4-wide", "Eight hidden numbers from the start, so q6 can keep the class.", network(8), LOOK),
    right("q4", "q4-widest", "128 hidden numbers from the start.", network(128), LOOK),
    wrong(
        "q4",
        "q4-no-super",
        0.0,
        "super().__init__() is missing: no network can be built.",
        network(8, start="# layers go here"),
        elsewhere=UNTRAINABLE,
        needs=KEPT,
    ),
    wrong(
        "q4",
        "q4-one-layer",
        1.0,
        "Only one linear layer; it learns everything in q6 all the same.",
        """
class MyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 5)

    def forward(self, x):
        return self.layer(x)
""",
        LOOK,
        needs=KEPT,
    ),
    wrong(
        "q4",
        "q4-four-outputs",
        1.0,
        "Four numbers come out instead of five, and the loss with five targets raises.",
        network(8, out=4),
        LOOK,
        elsewhere=UNTRAINABLE,
        needs=KEPT,
    ),
    wrong(
        "q4",
        "q4-layers-do-not-fit",
        1.0,
        "The first layer gives 8 numbers and the second takes 2: every call raises.",
        """
class MyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.m1 = nn.Linear(3, 8)
        self.m2 = nn.Linear(2, 5)

    def forward(self, x):
        return self.m2(self.m1(x))
""",
        elsewhere=UNTRAINABLE,
        needs=KEPT,
    ),
    wrong(
        "q4",
        "q4-plain-list",
        1.0,
        "The layers sit in a plain list, so the network has no parameters and SGD refuses it.",
        """
class MyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(3, 8), nn.Linear(8, 5)]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
""",
        "list(MyNetwork().parameters())",
        elsewhere=UNTRAINABLE,
        needs=KEPT,
    ),
    wrong(
        "q4",
        "q4-no-return",
        1.0,
        "forward returns nothing.",
        network(8).replace("return self.m2(x)", "x = self.m2(x)"),
        elsewhere=UNTRAINABLE,
        needs=KEPT,
    ),
    wrong(
        "q4",
        "q4-renamed",
        0.0,
        "The class is called `myNetwork`; its trained network in q6 is right, but no fresh one can be made by name.",
        network(8).replace("MyNetwork", "myNetwork"),
        elsewhere={"q5": 4.0, "q6": 3.5},
        needs=("q6-keeps-renamed-network",),
    ),
)
