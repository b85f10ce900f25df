"""The made-up class: the same for the same seed, valid as notebooks, and stated marks that hang together."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from IPython.core.inputtransformer2 import TransformerManager
from made_up_class import BROKEN, POINTS, VARIANTS, Variant, compose, expected_points, make_class, variants_of
from made_up_class.dress import DRESSES
from torch import nn
from torch.optim import SGD

from autograder.course import CourseError, load_course
from autograder.engine.demo import class_maker

NOT_PYTHON = {"q3-syntax-error", "half-a-line"}


def compiles(source: str) -> bool:
    try:
        compile(TransformerManager().transform_cell(source), "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError:
        return False
    return True


def ran(*names: str) -> dict[str, Any]:
    """The names that these parts leave behind, run in plain Python."""
    space: dict[str, Any] = {"torch": torch, "nn": nn, "SGD": SGD}
    for name in names:
        for cell in VARIANTS[name].code:
            exec(cell, space)
    return space


def product_after(name: str, *steps: int, start: tuple[float, float] = (3.0, 4.0), goal: float = 15) -> list[float]:
    a, b = (torch.tensor(value, requires_grad=True) for value in start)
    fit_product = ran(name)["fit_product"]
    for count in steps:
        fit_product(a, b, goal, steps=count)
    return [a.item(), b.item()]


def right_parts(**other: str) -> dict[str, Variant]:
    names = {"q1": "q1-plain", "q2": "q2-plain", "q3": "q3-lab-order", "q4": "q4-lab"}
    names |= {"q5": "q5-lab-order", "q6": "q6-linear-8"} | other
    return {question: VARIANTS[name] for question, name in names.items()}


def test_the_same_seed_makes_the_same_class() -> None:
    assert make_class(40, seed=3) == make_class(40, seed=3)


def test_another_seed_writes_the_notebooks_differently() -> None:
    first, second = make_class(24, seed=1), make_class(24, seed=2)
    assert [s.key for s in first] == [s.key for s in second]
    assert [s.content for s in first] != [s.content for s in second]


def test_a_larger_class_begins_with_the_smaller_one() -> None:
    assert make_class(60, seed=5)[:24] == make_class(24, seed=5)


def test_nobody_shares_a_key_a_name_a_file_or_an_address() -> None:
    students = make_class(500)
    for of in ("key", "name", "filename", "email"):
        assert len({getattr(student, of) for student in students}) == 500, of


def test_keys_are_simple_and_are_the_stems_of_the_files() -> None:
    for student in make_class(500):
        assert student.filename == f"{student.key}.ipynb"
        assert student.key.replace("-", "").isalnum() and student.key.isascii() and student.key == student.key.lower()


@pytest.mark.parametrize("number", [0, -1, 501])
def test_a_class_has_between_one_and_five_hundred_students(number: int) -> None:
    with pytest.raises(ValueError, match="1 to 500"):
        make_class(number)


@pytest.mark.parametrize("seed", range(5))
def test_the_first_24_hold_right_work_mistakes_in_every_question_and_broken_files(seed: int) -> None:
    students = make_class(24, seed)
    graded = [s for s in students if s.expected]
    assert sum(s.expected_score == 20 for s in graded) >= 10
    assert sum(s.expected_score != 20 for s in graded) >= 10
    assert {q for s in graded for q in POINTS if s.expected[q] < POINTS[q]} == set(POINTS)
    assert sum(s.expected_status == "not_gradable" for s in students) == 2
    assert all((s.expected_status == "not_gradable") == (s.expected_score is None) for s in students)


def test_no_student_of_a_large_class_earns_more_than_a_question_is_worth() -> None:
    for student in make_class(500, seed=7):
        assert all(0 <= points <= POINTS[question] for question, points in student.expected.items())
        assert set(student.expected) in (set(), set(POINTS))


def test_the_points_of_all_questions_are_twenty() -> None:
    assert sum(POINTS.values()) == 20


@pytest.mark.parametrize("question", POINTS)
def test_every_question_has_right_and_wrong_parts(question: str) -> None:
    assert len(variants_of(question, right=True)) >= 3
    assert len(variants_of(question, right=False)) >= 3


@pytest.mark.parametrize("part", VARIANTS.values(), ids=lambda part: part.name)
def test_every_cell_is_python_but_for_the_declared_ones(part: Variant) -> None:
    assert all(compiles(cell) for cell in part.code) == (part.name not in NOT_PYTHON)


@pytest.mark.parametrize("part", VARIANTS.values(), ids=lambda part: part.name)
def test_what_a_part_needs_or_spoils_exists(part: Variant) -> None:
    assert all(need in VARIANTS and VARIANTS[need].question != part.question for need in part.needs)
    assert all(0 <= most < POINTS[question] and question != part.question for question, most in part.elsewhere)


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("seed", range(4))
def test_a_composed_notebook_is_valid_in_every_dress(dress: str, seed: int) -> None:
    content = compose(right_parts(), dress=dress, seed=seed)
    nbformat.validate(nbformat.reads(content.decode(), as_version=nbformat.NO_CONVERT))


def test_every_gradable_file_of_the_class_is_a_valid_notebook() -> None:
    for student in make_class(80, seed=2):
        if student.expected:
            nbformat.validate(nbformat.reads(student.content.decode(), as_version=nbformat.NO_CONVERT))


@pytest.mark.parametrize("dress", DRESSES)
def test_dress_loses_no_line_of_an_answer_and_keeps_the_order(dress: str) -> None:
    parts = right_parts(q3="q3-while", q6="q6-until-small")
    for seed in range(10):
        cells = json.loads(compose(parts, dress=dress, seed=seed, extras=[VARIANTS["magics"]]))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        places = [text.find(cell) for part in parts.values() for cell in part.code]
        assert -1 not in places
        assert places == sorted(places)


def test_a_part_stands_only_under_its_own_question() -> None:
    with pytest.raises(ValueError, match="q1-plain answers q1, not q2"):
        compose({"q2": VARIANTS["q1-plain"]})


def test_a_part_that_needs_another_is_refused_without_it() -> None:
    with pytest.raises(ValueError, match="q6-keeps-network needs one of"):
        compose(right_parts(q6="q6-keeps-network"))


def test_an_unknown_dress_is_refused() -> None:
    with pytest.raises(ValueError, match="colab, jupyter"):
        compose(right_parts(), dress="gala")


@pytest.mark.parametrize(
    ("changed", "total"),
    [
        ({}, 20),
        ({"q1": "q1-flat-matrix"}, 19),
        ({"q3": "q3-no-reset"}, 18),
        ({"q6": "q6-bottleneck"}, 16),
        ({"q4": "q4-no-super", "q6": "q6-keeps-network"}, 13),
        ({"q5": "q5-no-reset"}, 13),
        ({"q5": "q5-no-step"}, 11),
        ({"q5": "q5-new-network", "q6": "q6-takes-what-train-returns"}, 13.5),
        ({"q6": "q6-nan"}, 17.5),
    ],
)
def test_points_add_up_as_worked_out_by_hand(changed: dict[str, str], total: float) -> None:
    assert sum(expected_points(right_parts(**changed)).values()) == total


@pytest.mark.parametrize("part", variants_of("q3", right=True), ids=lambda part: part.name)
def test_right_products_reach_the_labs_numbers(part: Variant) -> None:
    assert product_after(part.name, 1) == pytest.approx([3.0720, 4.0540], abs=1e-4)
    assert product_after(part.name, 1, 100) == pytest.approx([3.4505, 4.3472], abs=1e-4)


def test_a_product_without_reset_is_right_for_one_cycle_and_for_no_more() -> None:
    assert product_after("q3-no-reset", 1) == pytest.approx([3.0720, 4.0540], abs=1e-4)
    assert product_after("q3-no-reset", 1, 100) != pytest.approx([3.4505, 4.3472], abs=0.05)


@pytest.mark.parametrize("name", ["q3-optimize-first", "q3-reset-between", "q3-returns-new"])
def test_products_that_earn_nothing_move_nothing(name: str) -> None:
    assert product_after(name, 1, 20) == [3.0, 4.0]


@pytest.mark.parametrize("name", ["q5-reset-between", "q5-optimize-first", "q5-no-step", "q5-new-network"])
def test_loops_that_earn_nothing_leave_the_network_as_it_was(name: str) -> None:
    space = ran("q4-wide", name)
    network = space["MyNetwork"]()
    before = [p.detach().clone() for p in network.parameters()]
    space["train"](network, [(torch.ones(3), torch.ones(5))] * 3, lr=1e-3, epochs=2)
    assert all(torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))


def test_all_right_plain_sgd_loops_make_the_same_network() -> None:
    inputs = torch.arange(12.0).reshape(4, 3) - 5
    examples = [(x, torch.cat([x, x[2:] + 1, x[2:] + 2])) for x in inputs]
    shuffled_or_other = {"q5-shuffled-copy", "q5-randperm", "q5-momentum", "q5-adam"}
    results = {}
    for part in variants_of("q5", right=True):
        if part.name not in shuffled_or_other:
            space = ran("q4-lab", part.name)
            torch.manual_seed(1)
            network = space["MyNetwork"]()
            space["train"](network, examples, lr=1e-3, epochs=3)
            results[part.name] = torch.cat([p.detach().flatten() for p in network.parameters()])
    assert len(results) >= 10
    for name, result in results.items():
        assert torch.allclose(result, results["q5-lab-order"], atol=1e-5), name


@pytest.mark.parametrize("part", variants_of("q6", right=True), ids=lambda part: part.name)
def test_right_examples_are_pairs_of_a_whole_number_triple_and_its_target(part: Variant) -> None:
    space: dict[str, Any] = {"torch": torch, "nn": nn}
    exec(next(cell for cell in part.code if "def make_examples" in cell), space)
    pairs = space["make_examples"](50)
    assert len(pairs) == 50
    for x, y in pairs:
        a, b, c = x.tolist()
        assert all(value == round(value) and abs(value) <= 10 for value in (a, b, c))
        assert y.tolist() == [a, b, c, c + 1, c + 2]


def test_broken_files_are_no_notebooks_of_this_lab() -> None:
    for file in BROKEN:
        assert not any(name.encode() in file.content for name in ("MyNetwork", "fit_product", "scalar_tensor"))


def test_an_assignment_without_a_made_up_class_says_so(tmp_path: Path) -> None:
    question = "{q1: {title: Q, points: 1, names: [x]}}"
    text = f"course: C\nseed: 1\nassignments:\n  a: {{title: A, notebook: a.ipynb, questions: {question}}}\n"
    (tmp_path / "grading.yml").write_text(text)
    course = load_course(tmp_path)
    with pytest.raises(CourseError, match=r"a has no class to show.*made_up_class.*catalogue"):
        class_maker(course, course.assignment("a"))
