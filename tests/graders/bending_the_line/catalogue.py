"""What is known of answers to "Bending the line": right ones, and mistakes with what is left of each question's points.

Points follow from the questions' tests by hand: q1 weight 1, bias 2; q2 bend 1.5, input left alone 0.75, hill 0.75;
q3 inputs 1, labels 1; q4 shape 1, bend 1; q5 order 2, the given network 1, learning 2, my_bender 1; q6 one for each
of its four tests.
"""

from autograder.authoring.catalogue import edit, mistake, right, same

BACKPROP, STEP, RESET = (
    "            loss.backward()  # Backprop\n",
    "            my_sgd.step()  # Optimize\n",
    "            my_sgd.zero_grad()  # Reset\n",
)
ROUND = BACKPROP + STEP + RESET
LOSS = "            loss = cross_entropy(network(inputs), labels)\n"
SGD = "my_sgd = SGD(network.parameters(), lr=lr)"
BENT = "return self.m2(self.bend(self.m1(x)))"
WHERE = "return torch.where(x > 0, x, torch.zeros_like(x))"
HILL = "return bend(x) - 2 * bend(x - 1) + bend(x - 2)"
BIAS = "second.weight @ first.bias + second.bias"
SPREAD = "inputs = 2 * torch.rand(n, 2) - 1"
LABELS = "labels = (above[:, 0] != above[:, 1]).long()"
TRAINING = "fit(my_bender, DataLoader(points, batch_size=16, shuffle=True), lr=0.5, epochs=60)"
HELD = "            held_losses.append(cross_entropy(network(held_inputs), held_labels).item())\n"
FIT = "        fit(network, loader, lr=lr, epochs=1)\n"
TRAIN_LOSS = "            train_losses.append((sum(sums) / len(loader.dataset)).item())\n"

RIGHT = [
    right(
        "transposed",
        "Works on the transposed matrices and turns the result.",
        edit("q1", "second.weight @ first.weight", "(first.weight.T @ second.weight.T).T"),
    ),
    right("bias-by-layer", "Sends the first bias through the second layer.", edit("q1", BIAS, "second(first.bias)")),
    right(
        "merged-without-gradients",
        "Merges inside torch.no_grad().",
        edit(
            "q1",
            "    weight = second.weight @ first.weight\n    bias =",
            "    with torch.no_grad():\n        weight = torch.matmul(second.weight, first.weight)\n    bias =",
        ),
    ),
    right("clamped", "clamp does the bend.", edit("q2", WHERE, "return x.clamp(min=0)")),
    right("half-of-the-sum", "Half of x and its size.", edit("q2", WHERE, "return (x + x.abs()) / 2")),
    right("masked", "Multiplies by a mask.", edit("q2", WHERE, "return x * (x > 0)")),
    right("uniform", "Draws from uniform_.", edit("q3", SPREAD, "inputs = torch.empty(n, 2).uniform_(-1, 1)")),
    right(
        "by-product",
        "The sign of the product.",
        edit("q3", LABELS, "labels = (inputs[:, 0] * inputs[:, 1] < 0).long()"),
    ),
    right(
        "tanh-wide",
        "Tanh and 48 in the middle.",
        edit("q4", "nn.ReLU()", "nn.Tanh()"),
        edit("q4", "16", "48", every=True),
    ),
    right(
        "own-bend",
        "Its own bend instead of nn.ReLU.",
        edit("q4", "        self.bend = nn.ReLU()\n", ""),
        edit("q4", BENT, "return self.m2(bend(self.m1(x)))"),
    ),
    right(
        "three-layers",
        "A third layer behind a second bend.",
        edit(
            "q4",
            "self.m2 = nn.Linear(16, 2)",
            "self.m2 = nn.Sequential(nn.Linear(16, 16), nn.GELU(), nn.Linear(16, 2))",
        ),
    ),
    right(
        "reset-first",
        "Reset stands at the top of the round.",
        edit("q5", LOSS, RESET + LOSS),
        edit("q5", STEP + RESET, STEP),
    ),
    right(
        "adam",
        "Adam, with its own learning rate for my_bender.",
        edit("q5", SGD, "my_sgd = torch.optim.Adam(network.parameters(), lr=lr)"),
        edit("q5", "lr=0.5", "lr=0.01"),
    ),
    right(
        "criterion",
        "nn.CrossEntropyLoss, and the mean loss of each epoch printed.",
        edit("q5", SGD, SGD + "\n    criterion = nn.CrossEntropyLoss()"),
        edit("q5", LOSS, "            loss = criterion(network(inputs), labels)\n"),
    ),
    right(
        "running-loss",
        "The training loss is the mean over the batches, taken after the epoch.",
        edit(
            "q6",
            TRAIN_LOSS,
            "            train_losses.append((sum(sums) / sum(len(labels) for _, labels in loader)).item())\n",
        ),
    ),
    right(
        "torch-argmin",
        "best_epoch by torch.",
        edit(
            "q6", "return losses.index(min(losses))", "return int(torch.tensor(losses, dtype=torch.float64).argmin())"
        ),
    ),
]

MISTAKES = [
    mistake("first-bias-lost", "The first bias is forgotten.", edit("q1", BIAS, "second.bias"), q1=1),
    mistake("biases-added", "The two biases are added.", edit("q1", BIAS, "first.bias.sum() + second.bias"), q1=1),
    mistake("second-bias-lost", "The second bias is forgotten.", edit("q1", BIAS, "second.weight @ first.bias"), q1=1),
    mistake(
        "wrong-way-round",
        "The first weight stands left.",
        edit("q1", "second.weight @ first.weight", "first.weight @ second.weight"),
        q1=0,
    ),
    mistake(
        "turned-weight",
        "Inputs first, as in x @ weight.",
        edit("q1", "return weight, bias", "return weight.T, bias"),
        q1=0,
    ),
    mistake(
        "weights-multiplied",
        "Entry by entry where shapes allow it.",
        edit(
            "q1",
            "second.weight @ first.weight",
            "second.weight * first.weight if len(first.weight) == len(second.weight) else second.weight @ first.weight",
        ),
        q1=2,
    ),
    mistake(
        "merge-returns-weight", "Gives back the weight alone.", edit("q1", "return weight, bias", "return weight"), q1=0
    ),
    mistake("absolute", "abs instead of a bend.", edit("q2", WHERE, "return x.abs()"), q2=0.75),
    mistake("bend-at-one", "Bends at 1 instead of 0.", edit("q2", "x > 0", "x > 1"), q2=0.75),
    mistake("in-place", "Changes the tensor it is given.", edit("q2", WHERE, "x[x < 0] = 0\n    return x"), q2=2.25),
    mistake("bend-of-a-number", "max() takes single numbers only.", edit("q2", WHERE, "return max(x, 0 * x)"), q2=0.75),
    mistake(
        "bend-detached",
        "Makes a new tensor, which Backprop does not get through.",
        edit("q2", WHERE, "return torch.tensor([max(v, 0.0) for v in x.flatten().tolist()]).reshape(x.shape)"),
        q2=2.25,
    ),
    mistake("steep-hill", "The third bend is missing.", edit("q2", HILL, "return bend(x) - 2 * bend(x - 1)"), q2=2.25),
    mistake("flat-top", "The hill has a plateau.", edit("q2", HILL, "return bend(x) - bend(x - 1)"), q2=2.25),
    mistake(
        "shifted-hill",
        "The hill begins at 1.",
        edit("q2", HILL, "return bend(x - 1) - 2 * bend(x - 2) + bend(x - 3)"),
        q2=2.25,
    ),
    mistake("half-square", "Points from 0 to 1.", edit("q3", SPREAD, "inputs = torch.rand(n, 2)"), q3=1, q5=5),
    mistake("normal-points", "Points from a bell curve.", edit("q3", SPREAD, "inputs = torch.randn(n, 2)"), q3=1),
    mistake(
        "same-points",
        "A seed within the function: the same points every time.",
        edit("q3", SPREAD, "torch.manual_seed(3)\n    " + SPREAD),
        q3=1,
    ),
    mistake("float-labels", "Decimal labels.", edit("q3", ".long()", ".float()"), q3=1, q5=5),
    mistake("same-side", "Colour 1 where both are above 0 or neither is.", edit("q3", "!=", "=="), q3=1, q5=5),
    mistake(
        "and-not-xor",
        "Colour 1 where both are above 0.",
        edit("q3", "(above[:, 0] != above[:, 1])", "(above[:, 0] & above[:, 1])"),
        q3=1,
        q5=5,
    ),
    mistake(
        "a-list-of-points",
        "One list of pairs.",
        edit("q3", "return inputs, labels", "return list(zip(inputs, labels))"),
        q3=0,
        q5=5,
    ),
    mistake("no-bend", "Nothing between the two layers.", edit("q4", BENT, "return self.m2(self.m1(x))"), q4=1, q5=3),
    mistake(
        "one-layer",
        "One linear layer.",
        edit("q4", BENT, "return self.m2(x)"),
        edit("q4", "nn.Linear(16, 2)", "nn.Linear(2, 2)"),
        q4=1,
        q5=3,
    ),
    mistake("one-logit", "One number comes out.", edit("q4", "nn.Linear(16, 2)", "nn.Linear(16, 1)"), q4=0, q5=3),
    mistake("no-super", "super().__init__() is missing.", edit("q4", "        super().__init__()\n", ""), q4=0, q5=3),
    mistake(
        "layers-do-not-fit",
        "16 numbers go into a layer for 8.",
        edit("q4", "nn.Linear(16, 2)", "nn.Linear(8, 2)"),
        q4=0,
        q5=3,
    ),
    mistake(
        "no-return", "forward gives nothing back.", edit("q4", BENT, "x = self.m2(self.bend(self.m1(x)))"), q4=0, q5=3
    ),
    mistake("no-reset", "Reset is forgotten.", edit("q5", RESET, ""), q5=(1, 4), q6=(3, 4)),
    mistake(
        "reset-between", "Reset between Backprop and Optimize.", edit("q5", ROUND, BACKPROP + RESET + STEP), q5=0, q6=3
    ),
    mistake("step-first", "Optimize, Reset, Backprop.", edit("q5", ROUND, STEP + RESET + BACKPROP), q5=0, q6=2),
    mistake("no-step", "Optimize is forgotten.", edit("q5", STEP, ""), q5=0, q6=3),
    mistake("reset-per-epoch", "Reset once in each epoch.", edit("q5", RESET, "        my_sgd.zero_grad()\n"), q5=3),
    mistake(
        "new-network", "Trains a network of its own.", edit("q5", SGD, "network = Bender()\n    " + SGD), q5=0, q6=3
    ),
    mistake("typed-in-rate", "Always lr 0.1.", edit("q5", "parameters(), lr=lr)", "parameters(), lr=0.1)"), q5=5),
    mistake(
        "one-epoch",
        "Goes through the loader once.",
        edit("q5", "for _ in range(epochs)", "for _ in range(1)"),
        q5=(2, 5),
    ),
    mistake(
        "argmax-loss",
        "The loss of the decisions, which has no slope.",
        edit(
            "q5",
            "cross_entropy(network(inputs), labels)",
            "(network(inputs).argmax(1) != labels).float().mean().requires_grad_()",
        ),
        q5=0,
        q6=3,
    ),
    mistake(
        "hardly-trained",
        "my_bender is trained for one epoch, with tiny steps.",
        edit("q5", "lr=0.5, epochs=60", "lr=1e-4, epochs=1"),
        q5=5,
    ),
    mistake("my-bender-untrained", "my_bender is never trained.", edit("q5", TRAINING + "\n", ""), q5=5),
    mistake(
        "accuracy-in-percent",
        "100 times too much.",
        edit("q6", ".float().mean().item()", ".float().mean().item() * 100"),
        q6=3,
    ),
    mistake(
        "accuracy-counts", "The number of right ones.", edit("q6", ".float().mean().item()", ".sum().item()"), q6=3
    ),
    mistake(
        "accuracy-of-errors",
        "The share of wrong ones.",
        edit("q6", "argmax(dim=1) == labels", "argmax(dim=1) != labels"),
        q6=3,
    ),
    mistake(
        "looks-too-early",
        "Looks at the held-out points before the epoch.",
        edit("q6", HELD, ""),
        edit("q6", FIT, "        with torch.no_grad():\n" + HELD + FIT),
        q6=3,
    ),
    mistake(
        "training-loss-of-held-out",
        "Both lists are of the held-out points.",
        edit(
            "q6",
            TRAIN_LOSS,
            "            train_losses.append(cross_entropy(network(held_inputs), held_labels).item())\n",
        ),
        q6=3,
    ),
    mistake(
        "made-up-training-loss",
        "A training loss that only looks like one.",
        edit("q6", TRAIN_LOSS, "            train_losses.append(1 / (1 + len(train_losses)))\n"),
        q6=3,
    ),
    mistake("two-passes", "Goes through the loader twice in each epoch.", edit("q6", FIT, FIT + FIT), q6=3),
    mistake(
        "learns-from-held-out",
        "Trains on the held-out points, too.",
        edit("q6", FIT, FIT + "        fit(network, [held_out], lr=lr, epochs=1)\n"),
        q6=3,
    ),
    mistake(
        "last-of-several",
        "The last of several smallest losses.",
        edit("q6", "losses.index(min(losses))", "max(range(len(losses)), key=lambda n: (-losses[n], n))"),
        q6=3,
    ),
    mistake(
        "counts-from-one",
        "Counts epochs from 1.",
        edit("q6", "losses.index(min(losses))", "losses.index(min(losses)) + 1"),
        q6=3,
    ),
    mistake(
        "largest-loss", "The largest loss.", edit("q6", "losses.index(min(losses))", "losses.index(max(losses))"), q6=3
    ),
]

CHOICE = "how my_bender is trained is the student's choice"
TWICE = "made a second time, it is as fresh as before"
SETTLED = [
    same("q1", "twice: ", TWICE),
    same("q1", "before: weight", "neither needs the other"),
    same("q1", ".detach()", "no gradient of the merged layer is asked for"),
    same("q2", ".detach()", "Backprop through the hill is not asked for"),
    same("q3", "twice: ", "drawn or computed a second time, it is as good as before"),
    same("q3", ".detach()", "no gradient leads to points"),
    same("q3", "above = inputs < 0", "the coordinates lie on two sides all the same"),
    same("q4", "twice: ", TWICE),
    same("q4", " before: self.", "the order in which layers are made does not matter"),
    same("q5", "twice: my_bender", TWICE),
    same("q5", "before: my_bender", "neither needs the other"),
    same("q5", "twice: points", TWICE),
    same("q5", "make_points(401)", CHOICE),
    same("q5", "fit(my_bender", CHOICE),
    same("q6", "twice: held_inputs", "taken apart a second time, it is the same"),
    same("q6", "before: held_inputs", "neither needs the other"),
    same("q6", "twice: train_losses", TWICE),
    same("q6", "twice: sums", "computed a second time, it is the same"),
    same("q6", "before: train_losses", "neither needs the other"),
]

CATALOGUE = RIGHT + MISTAKES + SETTLED
