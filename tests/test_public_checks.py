"""What `grader.check` says to right and to wrong answers: the real otter-grader in a real Jupyter kernel, one per lab.

A check never praises what then loses marks without saying what it leaves open.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.authoring.kernel import Ran, run_in_kernel
from autograder.authoring.master import read_master
from autograder.authoring.public_checks import LEFT_OPEN
from autograder.course import Course

PASSED = "All test cases passed!"
NO_RESET = """
def fit_product(var_1, var_2, goal, *, lr=3e-3, steps=1):
    sgd = SGD([var_1, var_2], lr=lr)
    for _ in range(steps):
        ((goal - var_1 * var_2) ** 2).backward()
        sgd.step()"""
TRAIN = """
def train(network, examples, *, lr, epochs):
    sgd = SGD(network.parameters(), lr=lr)
    for _ in range(epochs):
        for x, y in examples:
            {}"""
LOSS = "((network(x) - y) ** 2).sum().backward()"
FIT = """
def fit(network, loader, *, lr, epochs):
    sgd = SGD(network.parameters(), lr=lr)
    for _ in range(epochs):
        for x, y in loader:
            {}"""
CROSS = "cross_entropy(network(x), y).backward()"


def steps(head: str, *lines: str) -> str:
    return head.format("\n            ".join(lines))


# By lab: a wrong answer, the question, and words that its check says; PASSES where it passes and says what is open.
PASSES = LEFT_OPEN
WRONG = {
    "dipping_into_pytorch": [
        ("scalar_tensor = torch.tensor(2.3)", "q1", "is not what is asked for, 2.2"),
        ("pairwise_sum = matrix_tensor + 1", "q1", "is not matrix_tensor plus the second matrix"),
        ("matrix_tensor = torch.tensor([[3, 1, 4]])", "q1", "matrix_tensor has the shape (1, 3)"),
        ("vector_tensor = [1, 3, 4]", "q1", "vector_tensor is not a tensor yet"),
        ("del vector_tensor", "q1", "`vector_tensor` is not there yet: write it"),
        ("vector_tensor = ...", "q1", "`vector_tensor` is still `...`"),
        ("my_latent_value = var_1 + var_2", "q2", "my_latent_value is 7, not 3.0 times 4.0"),
        ("my_latent_value = var_1 + var_2 + 5", "q2", "is not the product of var_1"),
        ("my_latent_value = torch.tensor(12.0, requires_grad=True)", "q2", "does not remember where it comes from"),
        ("var_1 = torch.tensor(3.0)", "q2", "var_1 cannot change"),
        ("var_1.data.add_(0.072)", "q2", "run the cells of question 2 again"),
        (NO_RESET, "q3", "one round is right, but a hundred more lead to"),
        ("def fit_product(a, b, goal, *, lr=3e-3, steps=1):\n    return a + 1, b", "q3", "have not moved"),
        ("del fit_product", "q3", "`fit_product` is not there yet"),
        ("class MyNetwork(nn.Module):\n    def __init__(self):\n        self.m1 = nn.Linear(3, 5)", "q4", "super()"),
        (
            "class MyNetwork(nn.Linear):\n    def __init__(self):\n        super().__init__(3, 5)\n"
            "    def forward(self, x):\n        super().forward(x)",
            "q4",
            "has one linear layer; two or more",
        ),
        (steps(TRAIN, LOSS, "sgd.step()"), "q5", "marks pile up from round to round"),
        (steps(TRAIN, LOSS, "sgd.zero_grad()", "sgd.step()"), "q5", "the network is the same as before"),
        (steps(TRAIN, "sgd.step()", "sgd.zero_grad()", LOSS), "q5", PASSES),
        ("def train(network, examples, *, lr, epochs):\n    return MyNetwork()", "q5", "the network is the same"),
        (
            "def make_examples(n):\n    return [(torch.tensor([1, 2, 3]), torch.tensor([1, 2, 3, 4, 5]))] * n",
            "q6",
            "decimal numbers",
        ),
        ("my_network = nn.Linear(3, 5)", "q6", "of 200 triples are right; for"),
        ("del my_network", "q6", "`my_network` is not there yet"),
    ],
    "bending_the_line": [
        (
            "def merge(first, second):\n    return second.weight @ first.weight, first.bias.sum() + second.bias",
            "q1",
            "the bias is not what the two layers make of zeros",
        ),
        ("del merge", "q1", "`merge` is not there yet"),
        ("def bend(x):\n    return torch.where(x > 0, x, x * 0.1)", "q2", "bend makes [-0.2"),
        ("def bend(x):\n    return x.detach().clamp(min=0)", "q2", "Backprop does not find its way through"),
        ("def hill(x):\n    return bend(x) - 2 * bend(x - 1)", "q2", "at 2.5 the hill is"),
        ("def make_points(n):\n    x = torch.rand(n, 2)\n    return x, torch.zeros(n).long()", "q3", "four corners"),
        ("class Bender(nn.Sequential):\n    def __init__(self):\n        super().__init__(nn.Linear(2, 9), "
         "nn.Linear(9, 2))", "q4", "is a straight line"),
        (steps(FIT, CROSS, "sgd.step()"), "q5", "marks pile up from round to round"),
        (steps(FIT, CROSS, "sgd.zero_grad()", "sgd.step()"), "q5", "the network is the same as before"),
        (steps(FIT, "sgd.step()", "sgd.zero_grad()", CROSS), "q5", PASSES),
        ("my_bender = Bender()", "q5", "of 300 new points; 90% are asked for"),
        ("def best_epoch(losses):\n    return min(losses)", "q6", "and best_epoch says"),
        ("def accuracy(network, inputs, labels):\n    return 75.0", "q6", "accuracy says 75.0"),
    ],
}  # fmt: skip


class Lab:
    """What the real checks said in one kernel: on the solution, and on each wrong answer in its place."""

    def __init__(self, course: Course, name: str, folder: Path) -> None:
        assignment = course.assignment(name)
        parts = read_master(course.master_path(assignment))
        stub = json.loads(course.stub_path(assignment).read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in stub if cell["cell_type"] == "code"]
        self.setup, self.watching = sources[0], next(one for one in sources[1:] if "fetch_watch()" in one)
        cells = [self.setup, *(source for question, source in parts.cells if not question)]
        self.asked: list[tuple[int, str, str]] = []  # number of the checking cell, question, wrong answer
        for question in assignment.questions:
            cells += [*parts.answer(question), f'grader.check("{question}")']
            self.asked.append((len(cells) - 1, question, ""))
            if assignment.loop is not None and question == assignment.loop.question:
                cells.append(self.watching)
                self.watched = len(cells) - 1
            cells.append(f"kept = dict({', '.join(f'{one}={one}' for one in assignment.questions[question].names)})")
            for wrong, _, _ in (entry for entry in WRONG[name] if entry[1] == question):
                cells += [wrong, f'grader.check("{question}")', "globals().update(kept)"]
                self.asked.append((len(cells) - 2, question, wrong))
                if question == "q2":  # it is about tensors, which change in their place
                    cells += parts.answer(question)
        self.cells, self.ran = cells, run_in_kernel(cells, folder)

    def said(self, question: str, wrong: str = "") -> Ran:
        return next(self.ran[number] for number, of, answer in self.asked if (of, answer) == (question, wrong))


@pytest.fixture(scope="module", params=WRONG)
def lab(request: pytest.FixtureRequest, course: Course, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Lab]:
    return request.param, Lab(course, request.param, tmp_path_factory.mktemp(request.param))


def test_right_answers_pass_and_each_check_says_what_that_means(lab: tuple[str, Lab]) -> None:
    _, seen = lab
    failed = [source for source, ran in zip(seen.cells, seen.ran, strict=True) if ran.error]
    assert failed == []
    for number, question, wrong in seen.asked:
        if not wrong:
            assert PASSED in seen.ran[number].text, (question, seen.ran[number].text)
            assert f"{question} - 1 message: " in seen.ran[number].text


def test_wrong_answers_are_told_in_words_or_what_is_left_open_is_said(lab: tuple[str, Lab]) -> None:
    name, seen = lab
    unexpected = {}
    for wrong, question, words in WRONG[name]:
        said = seen.said(question, wrong)
        passed = PASSED in said.text
        if words not in said.text or passed != (words == PASSES) or "NoneType" in said.text or said.error:
            unexpected[wrong] = said
    assert unexpected == {}


def test_the_students_loop_is_watched_in_the_notebook(lab: tuple[str, Lab]) -> None:
    _, seen = lab
    assert "CORRECT" in seen.ran[seen.watched].text
