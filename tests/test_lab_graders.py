"""The lab's own graders on work that used to be misjudged: what it earns, and the sentence that it gets."""

from __future__ import annotations

import numpy
import pytest
import torch
from conftest import notebook_bytes

from autograder.engine.slots import Job, Slots
from autograder.judge import measure, submission
from autograder.judge.handles import Handle
from autograder.results import Outcome, TestResult

HEAD = "import torch\nfrom torch import nn\n"
NETWORK = """
class MyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.m1, self.m2 = nn.Linear(3, 4), nn.Linear(4, 5)
    def forward(self, x):
        return self.m2(self.m1(x))
"""
TENSORS = """
scalar_tensor = torch.tensor({scalar})
vector_tensor = torch.tensor([1, 3, 4])
matrix_tensor = torch.tensor([[3, 1, 4], [1, 7, 4]])
pairwise_sum = matrix_tensor + torch.tensor([[0, 2, 1], [3, 3, 4]])
var_1, var_2 = torch.tensor(3.0{imaginary}, requires_grad=True), torch.tensor(4.0, requires_grad=True)
my_latent_value = var_1 * var_2
"""
TRAIN = """
def train(network, examples, *, lr, epochs):
    for epoch in range(epochs):
        for x, y in examples:
            network(x)
            with torch.no_grad():
                for p in network.parameters():
                    {change}
"""
EXAMPLES = """
def make_examples(n):
    made = []
    for _ in range(n):
        x = torch.randint({span}, (3,)).float()
        made.append((x, torch.stack([x[0], x[1], x[2], x[2] + 1, x[2] + 2])))
    return made
"""


def work(scalar: str, imaginary: str, change: str, span: str) -> bytes:
    tensors = TENSORS.format(scalar=scalar, imaginary=imaginary)
    return notebook_bytes(HEAD, tensors, NETWORK, TRAIN.format(change=change), EXAMPLES.format(span=span))


NOTEBOOKS = {
    "one": work("2.2 + 5j", " + 1j", "p.zero_()", "0, 10"),
    "two": work("2.2 + 0j", "", "p += lr", "-10, 0"),
    "three": work("2.2", "", "p -= 1e-3", "-10, 11"),
    "narrow": notebook_bytes(HEAD, NETWORK.replace("3, 4", "3, 2").replace("4, 5", "2, 5"), "my_network = MyNetwork()"),
}


@pytest.fixture(scope="module")
def judged(slots: Slots) -> dict[str, dict[str, TestResult]]:
    """Each notebook's test results by the test's name."""
    found: dict[str, dict[str, TestResult]] = {}

    def ended(job: Job, outcome: Outcome) -> None:
        results = [test for question in outcome.questions for test in question.tests]
        found[job.key] = {test.id.partition("::")[2]: test for test in results}

    slots.run([Job(key, content) for key, content in NOTEBOOKS.items()], ended)
    assert not any(test.outcome == "error" for tests in found.values() for test in tests.values())
    return found


def test_every_word_of_a_grader_is_there() -> None:
    assert {name for name in submission.WORDS if isinstance(getattr(submission, name), Handle)} == set()


def test_a_network_too_narrow_for_three_numbers_is_told_so(judged: dict[str, dict[str, TestResult]]) -> None:
    wrong = judged["narrow"]["test_fresh_network_learns"]
    assert (wrong.verdict, "squeezes three numbers through two" in wrong.found) == ("BOTTLENECK", True)


@pytest.mark.parametrize(("third", "found"), [(3e-4, 3), (0.0, 2)])
def test_a_network_that_lets_little_of_one_number_through_is_not_too_narrow(
    third: float, found: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = torch.eye(5, 3) * torch.tensor([1.0, 1.0, third])
    monkeypatch.setattr(submission, "forward", lambda network, inputs: (inputs @ weight.T + 0.3).double())
    assert measure.rank(Handle("network"), numpy.random.default_rng(0)) == found


def test_a_complex_number_is_right_only_where_it_is_real(judged: dict[str, dict[str, TestResult]]) -> None:
    wrong = judged["one"]["test_scalar"]
    assert (wrong.outcome, "not the values" in wrong.found) == ("failed", True)
    assert [judged[key]["test_scalar"].outcome for key in ("two", "three")] == ["passed", "passed"]
    assert [judged[key]["test_var_1"].outcome for key in ("one", "two")] == ["failed", "passed"]
    assert "does not hold 3.0" in judged["one"]["test_var_1"].found


@pytest.mark.parametrize("key", ["one", "two", "three"])
def test_numbers_that_were_written_are_not_trained(key: str, judged: dict[str, dict[str, TestResult]]) -> None:
    for name in ("test_trains_the_given_network_in_place", "test_uses_the_given_rate_and_epochs"):
        assert judged[key][name].share == 0
        assert "no gradient is behind it" in judged[key][name].found


@pytest.mark.parametrize(("key", "side"), [("one", "below"), ("two", "above")])
def test_examples_of_half_the_range_are_told_which(
    key: str, side: str, judged: dict[str, dict[str, TestResult]]
) -> None:
    found = judged[key]["test_examples"]
    assert found.outcome == "failed"
    assert f"No number {side} 0" in found.found
    assert judged["three"]["test_examples"].outcome == "passed"
