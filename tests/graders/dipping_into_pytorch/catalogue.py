"""What is known of answers to "Dipping into PyTorch": right ones, and mistakes with what each costs.

Most are the parts of the made-up class, with the points that are reasoned there; here each stands in the solved
notebook. Below them stand those that one hidden test alone catches, and what was settled of the automatic mutants.
"""

from pathlib import Path

from autograder.authoring.catalogue import Answer, Entry, answer, edit, load_module, mistake, right, same

PACKAGE = Path(__file__).parents[3] / "solutions/dipping_into_pytorch/made_up_class/__init__.py"
made_up_class = load_module(PACKAGE, "made_up_class_in_catalogue")
VARIANTS, POINTS = made_up_class.VARIANTS, made_up_class.POINTS


def entry(part):
    """A part of the made-up class, and the parts that it needs, in the solved notebook."""
    parts = {part.question: part}
    for need in part.needs:
        parts.setdefault(VARIANTS[need].question, VARIANTS[need])
    left = made_up_class.expected_points(parts)
    earned = {name: left[name] for name in parts} | {
        name: most for one in parts.values() for name, most in one.elsewhere
    }
    lost = {name: min(earned[name], left[name] if name in parts else POINTS[name]) for name in earned}
    lost = {name: points for name, points in lost.items() if points < POINTS[name]}
    return Entry(part.name, part.why, tuple(Answer(name, one.code) for name, one in parts.items()), lost)


BY_FORMULA = """
def fit_product(var_1, var_2, goal, *, lr=3e-3, steps=1):
    with torch.no_grad():
        for _ in range(steps):
            miss = 2 * (var_1 * var_2 - goal)
            one, two = lr * miss * var_2, lr * miss * var_1
            var_1 -= one
            var_2 -= two
"""
KEPT = """
class MyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.m1 = nn.Linear(3, 8)
        self.m2 = nn.Linear(8, 5)

    def forward(self, x):
        return self.m2(self.m1(x))
"""
BENT = "nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 5))"


def kept(name, why, old, new, **left):
    """A network with a mistake that q6 keeps: any definition that was right counts, so q6 must not make a right one."""
    keeps = VARIANTS["q6-keeps-network"]
    return mistake(name, why, answer("q4", KEPT.replace(old, new)), Answer("q6", keeps.code), **left)


MORE = [
    mistake(
        "q1-other-matrix",
        "A slip in the matrix; the sum is of the right one.",
        edit(
            "q1",
            "matrix_tensor = torch.tensor([[3, 1, 4], [1, 7, 4]])",
            "matrix_tensor = torch.tensor([[3, 1, 4], [1, 7, 5]])",
        ),
        edit("q1", "pairwise_sum = matrix_tensor", "pairwise_sum = torch.tensor([[3, 1, 4], [1, 7, 4]])"),
        q1=1.5,
    ),
    mistake(
        "q2-one-too-few",
        "var_1 holds 2, and 1 is added on the way.",
        edit("q2", "torch.tensor(3.0", "torch.tensor(2.0"),
        edit("q2", "= var_1 * var_2", "= (var_1 + 1) * var_2"),
        q2=1.5,
    ),
    mistake(
        "q2-one-too-many",
        "var_2 holds 5, and 1 is taken off on the way.",
        edit("q2", "torch.tensor(4.0", "torch.tensor(5.0"),
        edit("q2", "= var_1 * var_2", "= var_1 * (var_2 - 1)"),
        q2=1.5,
    ),
    right(
        "q3-by-formula",
        "Subtracts the slope that was worked out on paper: its numbers are right.",
        answer("q3", BY_FORMULA),
    ),
    mistake("q3-typed-in-rate", "Uses lr 3e-3, whatever it is given.", edit("q3", "lr=lr", "lr=3e-3"), q3=3),
    kept(
        "q4-batch-only",
        "Makes a batch of its input, also of a single vector.",
        "self.m1(x)",
        "self.m1(x.reshape(-1, 3))",
        q4=1.5,
        q5=4,
        q6=1,
    ),
    kept(
        "q4-vector-only",
        "Picks three single numbers out of its input.",
        "self.m1(x)",
        "self.m1(torch.stack([x[0], x[1], x[2]]))",
        q4=1.5,
    ),
    kept(
        "q4-first-layer-detached",
        "No gradient comes back to the first layer.",
        "self.m1(x)",
        "self.m1(x).detach()",
        q4=1,
    ),
    kept(
        "q4-frozen", "The first layer may not change.", "nn.Linear(3, 8)", "nn.Linear(3, 8).requires_grad_(False)", q4=1
    ),
    mistake(
        "q6-bent",
        "my_network has a ReLU in the middle: right within the range, not beyond it.",
        edit("q6", "my_network = MyNetwork()", f"my_network = {BENT}"),
        edit("q6", "epochs=15", "epochs=40"),
        q6=(4, 4.5),
    ),
]

CHOICE = "how long my_network is trained, and on how many examples, is the student's choice"
TWICE = "made a second time, it is as fresh as before"
SETTLED = [
    same("q3", "fit_product(var_1, var_2, 1", "nothing is asked for of the cell that tries the function out"),
    same("q4", "twice: super().__init__()", "a module that is begun twice holds nothing yet"),
    same("q4", "twice: self.m", TWICE),
    same("q4", "before: self.m1", "the order in which layers are made does not matter"),
    same("q6", "twice: super().__init__()", "a module that is begun twice holds nothing yet"),
    same("q6", "twice: self.m", TWICE),
    same("q6", "before: self.m1", "the order in which layers are made does not matter"),
    same("q6", "twice: examples = []", TWICE),
    same("q6", "twice: my_network = MyNetwork()", TWICE),
    same("q6", "twice: train(my_network", CHOICE),
    same("q6", "-> train(my_network, make_examples(401)", CHOICE),
    same("q6", "-> train(my_network, make_examples(400), lr=0.002", CHOICE),
    same("q6", "lr=0.001, epochs=16)", CHOICE),
]

CATALOGUE = [entry(part) for part in VARIANTS.values() if part.question in POINTS] + MORE + SETTLED
