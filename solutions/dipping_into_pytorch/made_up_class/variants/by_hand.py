"""Answers to q3 (SGD by hand): right ones and typical mistakes.

Called by `variants`. Rubric, one point each: one cycle from 3 and 4 to 15; that and 100 cycles more; one cycle with
other starts, goals and learning rates; the order, seen over several cycles. A loop that forgets Reset is right for a
single cycle, so it keeps two of the four.
"""

from __future__ import annotations

from .model import Variant, right, wrong

TRY_IT = """
a = torch.tensor(3.0, requires_grad=True)
b = torch.tensor(4.0, requires_grad=True)
fit_product(a, b, 15)
print(a, b)
"""


def _with_sgd(cycle: str, *, before: str = "", tensors: str = "[var_1, var_2]") -> str:
    """fit_product with an optimizer; `cycle` is the loop's body, `before` stands in front of the loop."""
    head = f"def fit_product(var_1, var_2, goal, *, lr=3e-3, steps=1):\n    optimizer = SGD({tensors}, lr=lr)\n"
    lines = "".join(f"    {line}\n" for line in before.split("\n") if line)
    body = "".join(f"        {line}\n" for line in cycle.split("\n") if line)
    return f"{head}{lines}    for _ in range(steps):\n{body}"


LOSS = "loss = (goal - var_1 * var_2) ** 2\n"

Q3: tuple[Variant, ...] = (
    right(
        "q3",
        "q3-lab-order",
        "Backprop, Optimize, Reset, as the lab teaches it.",
        _with_sgd(LOSS + "loss.backward()\noptimizer.step()\noptimizer.zero_grad()"),
        TRY_IT,
    ),
    right(
        "q3",
        "q3-reset-first",
        "Reset stands at the top of the cycle.",
        _with_sgd("optimizer.zero_grad()\n" + LOSS + "loss.backward()\noptimizer.step()"),
        TRY_IT,
    ),
    right(
        "q3",
        "q3-while",
        "A while loop, torch.square, and the loss printed now and then.",
        """
def fit_product(var_1, var_2, goal, *, lr=3e-3, steps=1):
    sgd = torch.optim.SGD(params=(var_1, var_2), lr=lr)
    done = 0
    while done < steps:
        sgd.zero_grad(set_to_none=False)
        difference = var_1 * var_2 - goal
        loss = torch.square(difference)
        loss.backward()
        sgd.step()
        done += 1
        if done % 50 == 0:
            print(f"{done:4d}  {loss.item():.5f}")
    return var_1, var_2
""",
        TRY_IT + "fit_product(a, b, 15, steps=100)",
    ),
    right(
        "q3",
        "q3-without-optimizer",
        "Subtracts the gradients itself and clears them.",
        """
def fit_product(var_1, var_2, goal, *, lr=3e-3, steps=1):
    for step in range(steps):
        loss = (goal - var_1 * var_2).pow(2)
        loss.backward()
        with torch.no_grad():
            for var in (var_1, var_2):
                var -= lr * var.grad
                var.grad = None
""",
        TRY_IT,
    ),
    right(
        "q3",
        "q3-autograd-grad",
        "torch.autograd.grad leaves no marks behind, so there is nothing to Reset.",
        """
def _one_cycle(pair, goal, lr):
    loss = (goal - pair[0] * pair[1]) ** 2
    slopes = torch.autograd.grad(loss, pair)
    with torch.no_grad():
        for var, slope in zip(pair, slopes):
            var.sub_(lr * slope)


def fit_product(var_1, var_2, goal, *, lr=3e-3, steps=1):
    for _ in range(steps):
        _one_cycle([var_1, var_2], goal, lr)
""",
        TRY_IT,
    ),
    wrong(
        "q3",
        "q3-no-reset",
        2.0,
        "Never Resets: one cycle is right, every later one applies old marks again.",
        _with_sgd(LOSS + "loss.backward()\noptimizer.step()"),
        TRY_IT,
    ),
    wrong(
        "q3",
        "q3-optimize-first",
        0.0,
        "Optimize, Backprop, Reset: the marks are always wiped before they are used, so nothing moves.",
        _with_sgd(LOSS + "optimizer.step()\nloss.backward()\noptimizer.zero_grad()"),
        TRY_IT,
    ),
    wrong(
        "q3",
        "q3-reset-between",
        0.0,
        "Resets between Backprop and Optimize, so nothing moves.",
        _with_sgd(LOSS + "loss.backward()\noptimizer.zero_grad()\noptimizer.step()"),
    ),
    wrong(
        "q3",
        "q3-returns-new",
        0.0,
        "Works on copies and returns them: the two tensors it was given stay where they are.",
        """
def fit_product(var_1, var_2, goal, *, lr=3e-3, steps=1):
    x = var_1.detach().clone().requires_grad_()
    y = var_2.detach().clone().requires_grad_()
    optimizer = SGD([x, y], lr=lr)
    for _ in range(steps):
        loss = (goal - x * y) ** 2
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return x, y
""",
    ),
    wrong(
        "q3",
        "q3-one-step-only",
        3.0,
        "Ignores `steps` and always makes one cycle, in the right order: only the hundred cycles more are lost.",
        """
def fit_product(var_1, var_2, goal, *, lr=3e-3, steps=1):
    optimizer = SGD([var_1, var_2], lr=lr)
    loss = (goal - var_1 * var_2) ** 2
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
""",
        TRY_IT,
    ),
    wrong(
        "q3",
        "q3-stale-loss",
        2.0,
        "Computes the loss once, before the loop: the second Backprop through it raises.",
        _with_sgd("loss.backward()\noptimizer.step()\noptimizer.zero_grad()", before=LOSS),
        TRY_IT,
    ),
    wrong(
        "q3",
        "q3-one-tensor",
        0.0,
        "The optimizer was given only the first tensor, so the second never moves.",
        _with_sgd(LOSS + "loss.backward()\noptimizer.step()\noptimizer.zero_grad()", tensors="[var_1]"),
        TRY_IT,
    ),
    wrong(
        "q3",
        "q3-syntax-error",
        0.0,
        "A bracket is missing: the cell does not run, and `fit_product` is never defined.",
        """
def fit_product(var_1, var_2, goal, *, lr=3e-3, steps=1):
    optimizer = SGD([var_1, var_2], lr=lr
    for _ in range(steps):
        loss = (goal - var_1 * var_2) ** 2
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
""",
    ),
)
