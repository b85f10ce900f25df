"""`autograder verify`: graders that are blind, unfair or flaky are named; sound ones are told from them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from conftest import ROOT
from typer.testing import CliRunner

from autograder.authoring.catalogue import CatalogueError, Same, answer, edit, load_catalogue, right
from autograder.authoring.leaks import AuthoringError
from autograder.authoring.master import GIVEN, Master, read_master
from autograder.authoring.mutants import Fate, Mutant, bare, fate_of, mutants_of
from autograder.authoring.verify import SOLUTION, STUB, Verified, settled, verify
from autograder.cli import app
from autograder.course import Course, load_course
from autograder.engine.trying import trying
from autograder.results import CellRun, Outcome, QuestionResult, Status, TestResult
from autograder.terminal.verified import verdict

GRADING = """
course: Verify (example)
seed: 5
assignments:
  boxes:
    title: Boxes
    notebook: boxes.ipynb
    questions:
      q1: {title: Area, points: 2, names: [area]}
      q2: {title: Side, points: 1, names: [side, area]}
"""
AREA = "def area(width, height):\n    return width * height"
SIDE = "side = area(2, 2)\nprint(side)"
GRADER = '''
import pytest
from submission import area, check, value

pytestmark = pytest.mark.question("q1")


def test_area(draw):
    """area multiplies"""
    width, height = int(draw.integers(3, 6)), int(draw.integers(6, 9))
    check(value(area(width, height)) == width * height, "That is not the area.", "Multiply.")


def test_of_nothing():
    """An empty box has no area"""
    check(value(area(0, 7)) == 0, "An empty box has an area.", "Multiply.")
'''
SIDE_GRADER = '''
import pytest
from submission import check, side, value

pytestmark = pytest.mark.question("q2")


def test_side():
    """side is 4"""
    check(value(side) == 4, "side is not 4.", "Use area.")
'''
CATALOGUE = """
from autograder.authoring.catalogue import answer, edit, mistake, right

CATALOGUE = [
    right("turned", "The other way round.", edit("q1", "width * height", "height * width")),
    mistake("sum", "Adds.", edit("q1", "width * height", "width + height"), q1=0),
    mistake("never-empty", "At least 1.", edit("q1", "width * height", "max(1, width * height)"), q1=1),
    mistake("three", "Three.", answer("q2", "side = 3"), q2=0),
]
"""


def raw(text: str) -> dict[str, object]:
    return {"cell_type": "raw", "metadata": {}, "source": text}


def code(text: str) -> dict[str, object]:
    return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": text}


def question(name: str, *cells: str) -> list[dict[str, object]]:
    begin = [raw(f"# BEGIN QUESTION\nname: {name}"), raw("# BEGIN SOLUTION")]
    return [*begin, *map(code, cells), raw("# END SOLUTION"), raw("# END QUESTION")]


def course_of(folder: Path, grader: str = GRADER, catalogue: str | None = CATALOGUE) -> Course:
    """A course of one assignment, its stub empty but for what students are given."""
    (folder / "grading.yml").write_text(GRADING)
    cells = [code("import math"), *question("q1", AREA), *question("q2", SIDE)]
    for name, content in (("solutions", cells), ("assignments", [code("import math\narea = ...\nside = ...")])):
        (folder / name / "boxes").mkdir(parents=True)
        notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": content}
        (folder / name / "boxes/boxes.ipynb").write_text(json.dumps(notebook))
    graders = folder / "tests/graders/boxes"
    graders.mkdir(parents=True)
    (graders / "test_q1.py").write_text(grader)
    (graders / "test_q2.py").write_text(SIDE_GRADER)
    if catalogue is not None:
        (graders / "catalogue.py").write_text(catalogue)
    return load_course(folder)


def found_in(course: Course, mutants: int = 0, only: tuple[str, ...] = ()) -> Verified:
    boxes = course.assignment()
    with trying(course, boxes, 2, "basic", lambda name: None) as grade:
        return verify(course, boxes, grade, [5, 6], mutants, only)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Verified:
    return found_in(course_of(tmp_path_factory.mktemp("sound")), mutants=-1)


# --- a whole course ---------------------------------------------------------------------------------------------------


def test_sound_graders_are_told_to_be_sound(sound: Verified) -> None:
    assert sound.sound and [row.name for row in sound.rows][:2] == [SOLUTION, STUB]
    assert verdict(sound) == "Sound: 4 entries of the catalogue earn what they should, with 2 seeds."


def test_the_table_says_which_test_catches_what(sound: Verified) -> None:
    caught = {test.id: (test.catches, test.alone) for test in sound.tests}
    assert caught["test_q1.py::test_area"] == (("sum",), ())
    assert caught["test_q1.py::test_of_nothing"] == (("sum", "never-empty"), ("never-empty",))
    assert caught["test_q2.py::test_side"] == (("three",), ("three",))


def test_slips_are_made_and_noticed_or_shown_to_be_harmless(sound: Verified) -> None:
    fates = {fate.mutant.label: fate.fate for fate in sound.fates}
    assert len(fates) == sound.mutants > 8 and not sound.survived
    assert fates["return width * height -> return width + height"] == "killed"
    assert fates["side = area(2, 2) -> side = area(3, 2)"] == "killed"
    assert fates["twice: side = area(2, 2)"] == "same"


def test_what_programs_read_is_plain(sound: Verified) -> None:
    plain = json.loads(json.dumps(sound.plain()))
    assert plain["sound"] is True and len(plain["mutants"]) == sound.mutants
    assert plain["entries"][3] == {
        "name": "sum",
        "expected": {"q1": 0, "q2": 1},
        "got": [{"q1": 0, "q2": 1}] * 2,
        "caught_by": ["test_q1.py::test_area", "test_q1.py::test_of_nothing"],
    }


def test_graders_that_are_not_sound_are_named(tmp_path: Path) -> None:
    """The empty box is asked for wrongly, so that it hurts what is right and misses what is wrong."""
    found = found_in(course_of(tmp_path, GRADER.replace("area(0, 7)) == 0", "area(0, 7)) >= 1")))
    complaints = {(one.kind, one.about, one.question) for one in found.complaints}
    assert complaints == {
        ("unfair", SOLUTION, "q1"),
        ("unfair", "turned", "q1"),
        ("unfair", "three", "q1"),
        ("blind", "sum", "q1"),
        ("blind", "never-empty", "q1"),
    }
    assert verdict(found) == "The graders of boxes are not sound (blind, unfair in q1): see above."


PRAISING = (
    GRADER
    + '''

def public_area(area):
    """area is right."""
    assert area(2, 3) == 6, "that is not the area"
'''
)


@pytest.mark.parametrize(
    ("says", "complaints"),
    [
        ("area is right.", [("praise", "never-empty", "q1")]),
        ("area is right.\n\n    Left open: empty boxes.\n    ", []),
    ],
)
def test_a_public_check_that_praises_a_mistake_must_say_what_it_leaves_open(
    tmp_path: Path, says: str, complaints: list[tuple[str, str, str]]
) -> None:
    course = course_of(tmp_path, PRAISING.replace("area is right.", says))
    found = found_in(course, only=("never-empty", "sum", "turned"))
    assert [(one.kind, one.about, one.question) for one in found.complaints] == complaints


def test_a_public_check_that_fails_on_a_right_answer_is_unfair(tmp_path: Path) -> None:
    found = found_in(course_of(tmp_path, PRAISING.replace("== 6", "== 7")), only=("turned",))
    assert [one.sentence for one in found.complaints] == ["Public checks of q1 fail on it: public_area."]


def test_the_command_ends_with_1_and_says_which_question(tmp_path: Path) -> None:
    course_of(tmp_path, GRADER.replace("== width * height", "> 0").replace("== 0, ", "< 100, "))
    asked = ["verify", "--course", str(tmp_path), "--seeds", "1", "--mutants", "0", "--level", "basic"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 1, done.output
    assert "The graders of boxes are not sound (blind in q1)" in done.output


@pytest.mark.parametrize(
    ("stub", "said"),
    [(0.0, []), (1.0, ["the stub: This is not noticed: 1 of 1 points in q2 instead of 0."])],
)
def test_a_stub_that_earns_points_is_complained_of(tmp_path: Path, stub: float, said: list[str]) -> None:
    course = course_of(tmp_path, catalogue=None)

    def grade(contents: Mapping[str, bytes], seed: int) -> dict[str, Outcome]:
        earned = {SOLUTION: (2.0, 1.0), STUB: (0.0, stub)}
        return {name: outcome(*earned[name]) for name in contents}

    found = verify(course, course.assignment(), grade, [5])
    assert [f"{one.about}: {one.sentence}".partition(" test_")[0] for one in found.complaints] == said


# --- what is made of outcomes -----------------------------------------------------------------------------------------


def outcome(q1: float = 2.0, q2: float = 1.0, status: Status = Status.GRADED, printed: str = "a") -> Outcome:
    def one(name: str, points: float, score: float) -> QuestionResult:
        share = score / points
        test = TestResult(id=f"test_{name}.py::test_it", question=name, title="It", outcome="passed", share=share)
        return QuestionResult(id=name, title=name, points=points, score=score, tests=(test,))

    cells = (CellRun(number=1, source="", outputs=({"output_type": "stream", "text": f"graded names: {printed}"},)),)
    questions = (one("q1", 2, q1), one("q2", 1, q2)) if status is Status.GRADED else ()
    score = q1 + q2 if status is Status.GRADED else None
    return Outcome(key="x", status=status, score=score, max_score=3, questions=questions, cells=cells, message="Why.")


Judged = Callable[[str, int], Outcome]


def complained(course: Course, judged: Judged) -> list[str]:
    def grade(contents: Mapping[str, bytes], seed: int) -> dict[str, Outcome]:
        return {name: judged(name, seed) for name in contents}

    found = verify(course, course.assignment(), grade, [1, 2, 3])
    return [f"{one.kind} {one.about} {one.question}" for one in found.complaints]


EARNED = {STUB: (0.0, 0.0), "sum": (0.0, 1.0), "never-empty": (1.0, 1.0), "three": (2.0, 0.0)}


@pytest.mark.parametrize(
    ("name", "earned", "said"),
    [
        ("turned", [(2, 1), (1, 1), (2, 1)], "flaky turned q1"),
        ("sum", [(0, 1), (0, 1), (2, 1)], "flaky sum q1"),
        ("sum", [(2, 1)] * 3, "blind sum q1"),
        ("sum", [(1, 1)] * 3, "blind sum q1"),
        ("sum", [(0, 0)] * 3, "unfair sum q2"),
        ("never-empty", [(0, 1)] * 3, "unfair never-empty q1"),
        (SOLUTION, [(2, 0)] * 3, f"unfair {SOLUTION} q2"),
    ],
)
def test_points_that_are_not_as_foretold(
    tmp_path: Path, name: str, earned: list[tuple[float, float]], said: str
) -> None:
    def judged(of: str, seed: int) -> Outcome:
        return outcome(*(earned[seed - 1] if of == name else EARNED.get(of, (2.0, 1.0))))

    assert complained(course_of(tmp_path), judged) == [said]


def test_what_was_not_graded_is_a_fault(tmp_path: Path) -> None:
    def judged(of: str, seed: int) -> Outcome:
        status = Status.GRADER_ERROR if of == "turned" else Status.GRADED
        return outcome(*EARNED.get(of, (2.0, 1.0)), status=status)

    assert complained(course_of(tmp_path), judged) == ["fault turned "]


def test_where_chance_decides_any_points_in_between_will_do(tmp_path: Path) -> None:
    course = course_of(tmp_path, catalogue=CATALOGUE.replace("q1=1)", "q1=(0.5, 1.5), q2=(0, 1))"))
    for points, said in [((0.5, 1.0), []), ((1.5, 0.0), []), ((0.0, 1.0), ["unfair never-empty q1"])]:
        judged = {**EARNED, "never-empty": points}
        assert complained(course, lambda of, seed, judged=judged: outcome(*judged.get(of, (2.0, 1.0)))) == said


# --- the catalogue ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mistake('m', 'w', edit('q1', 'nothing like it', ''), q1=0)", "m: q1 .*'nothing like it' 0 times"),
        ("mistake('m', 'w', edit('q1', 'width', ''), q1=0)", "m: q1 .*'width' 2 times"),
        ("mistake('m', 'w', edit('q9', 'a', ''), q1=0)", 'm: .* no question "q9" .q1, q2.'),
        ("mistake('m', 'w', answer('q1', ''))", "m: say which questions"),
        ("mistake('m', 'w', answer('q1', ''), q7=0)", "m costs points in q7; there is no such"),
        ("mistake('m', 'w', answer('q1', ''), q1=2)", "m leaves 2 of 2 points in q1"),
        ("mistake('m', 'w', answer('q1', ''), q1=(0, 2))", "m may lose nothing at all"),
        ("right('m', 'w'), right('m', 'w')", "two entries are called m"),
        ("'m'", "'m' is none of"),
        ("1 / 0", "stopped with ZeroDivisionError"),
    ],
)
def test_a_catalogue_that_does_not_fit_is_refused_with_the_way_out(tmp_path: Path, text: str, said: str) -> None:
    head = "from autograder.authoring.catalogue import answer, edit, mistake, right\n"
    course = course_of(tmp_path, catalogue=f"{head}CATALOGUE = [{text}]\n")
    with pytest.raises(CatalogueError, match=said):
        verify(course, course.assignment(), lambda contents, seed: dict.fromkeys(contents, outcome()), [1])


def test_a_catalogue_without_its_list_is_refused(tmp_path: Path) -> None:
    course = course_of(tmp_path, catalogue="CATALOG = []")
    with pytest.raises(CatalogueError, match="must define the list CATALOGUE"):
        verify(course, course.assignment(), lambda contents, seed: {}, [1])


def test_an_unknown_entry_is_refused_by_name(tmp_path: Path) -> None:
    course = course_of(tmp_path)
    with pytest.raises(CatalogueError, match='no entry "summ"; it has turned, sum'):
        verify(course, course.assignment(), lambda contents, seed: {}, [1], only=["summ"])


def test_changes_of_one_entry_are_made_one_after_the_other() -> None:
    master = Master((("q1", "a = 1"), ("q2", "b = 2")))
    entry = right(
        "two", "why", edit("q1", "1", "2"), edit("q1", "a = 2", "a = 3"), answer("q2", "    b = 3\n    c = 4")
    )
    assert entry.answers(master) == {"q1": ("a = 3",), "q2": ("b = 3\nc = 4",)}


# --- the master and its mutants ---------------------------------------------------------------------------------------


def test_a_master_is_read_as_what_is_given_and_what_is_answered(tmp_path: Path) -> None:
    course = course_of(tmp_path)
    master = read_master(course.master_path(course.assignment()))
    assert master.cells == ((GIVEN, "import math"), ("q1", AREA), ("q2", SIDE))
    made = json.loads(master.notebook({"q2": ("side = 1", "side = 2")}, {"q1": ("x = 1",)}, last="y = 2"))
    sources = [cell["source"] for cell in made["cells"]]
    assert sources == ["import math", "x = 1", AREA, "side = 1", "side = 2", "y = 2"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "There is no master"),
        ("{", "is no notebook"),
        ('{"cells": []}', "answers no question"),
        (json.dumps({"cells": [raw("# BEGIN QUESTION")]}), "no line `name: q1`"),
    ],
)
def test_a_master_that_cannot_be_used_is_refused(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "m.ipynb"
    if content is not None:
        path.write_text(content)
    with pytest.raises(AuthoringError, match=said):
        read_master(path)


LOOP = """
def train(network, examples, *, lr, epochs):
    sgd = SGD(network.parameters(), lr=lr)
    for x, y in examples:
        loss = torch.sum((network(x) - y) ** 2, dim=1)
        loss.backward()
        sgd.step()
"""


def test_every_kind_of_slip_is_made() -> None:
    labels = {mutant.label for mutant in mutants_of(Master((("q5", LOOP),)), "q5")}
    loss = "loss = torch.sum((network(x) - y) ** 2, dim=1)"
    assert labels >= {
        "without: loss.backward()",
        "twice: loss.backward()",
        "sgd.step() before: loss.backward()",
        f"{loss} -> {loss}.detach()",
        f"{loss} -> {loss.replace('- y', '+ y')}",
        f"{loss} -> {loss.replace('** 2', '** 3')}",
        f"{loss} -> {loss.replace('dim=1', 'dim=2')}",
    }
    assert not any("SGD" in label and "detach" in label for label in labels)


def test_no_two_mutants_are_alike_and_all_differ_from_the_solution() -> None:
    mutants = list(mutants_of(Master((("q5", LOOP),)), "q5"))
    codes = [mutant.cells for mutant in mutants]
    assert len(set(codes)) == len(codes) and (LOOP,) not in codes
    assert all(mutant.code == "train" for mutant in mutants if "loss" in mutant.label)


def test_what_only_shows_something_is_left_as_it_is() -> None:
    assert list(mutants_of(Master((("q1", "print(1)\nx\n'text'"),)), "q1")) == []


def test_a_later_definition_of_the_same_name_does_not_hide_a_mutant() -> None:
    master = Master((("q1", "class N: size = 1"), ("q2", "class N: size = 2\nn = N()"), ("q3", "m = N()")))
    (first, *_) = mutants_of(master, "q1")
    assert bare(master, first) == {"q2": ("n = N()",)}


def mutant(code: str = "") -> Mutant:
    return Mutant("q1", "side = 2 -> side = 3", ("side = 3",), code)


@pytest.mark.parametrize(
    ("of", "outcome_of_it", "fate"),
    [
        (mutant(), outcome(q1=1), "killed"),
        (mutant(), outcome(status=Status.NOT_GRADABLE), "killed"),
        (mutant(), outcome(), "same"),
        (mutant(), outcome(printed="b"), "survived"),
        (mutant("area"), outcome(), "survived"),
    ],
)
def test_what_becomes_of_a_mutant(of: Mutant, outcome_of_it: Outcome, fate: str) -> None:
    assert fate_of(of, outcome_of_it, outcome()).fate == fate


def test_a_survivor_is_settled_by_the_catalogue_for_its_reason() -> None:
    known = [Same("q2", "side", "no"), Same("q1", "side = 3", "any side will do")]
    assert settled(Fate(mutant(), "survived"), known) == Fate(mutant(), "same", "any side will do")
    assert settled(Fate(mutant(), "killed"), known).fate == "killed"


# --- the labs' own graders, a sample; benchmarks/verify.py grades all of it over 20 seeds ---------------------


@pytest.mark.parametrize("lab", ["dipping_into_pytorch", "bending_the_line"])
def test_a_sample_of_each_labs_catalogue_earns_what_it_says(lab: str) -> None:
    course = load_course(ROOT)
    assignment = course.assignment(lab)
    points = {one.id: one.points for one in assignment.questions.values()}
    entries = load_catalogue(course.graders_dir(assignment), points).entries
    names = [one.name for one in random.Random(3).sample(entries, 4)]
    with trying(course, assignment, 2, None, lambda name: None) as grade:
        found = verify(course, assignment, grade, [11, 12, 13], only=names)
    assert found.complaints == () and len(found.rows) == 5


def test_the_catalogues_are_as_large_as_is_asked_for() -> None:
    course = load_course(ROOT)
    for lab, mistakes, rights in (("dipping_into_pytorch", 40, 15), ("bending_the_line", 20, 8)):
        assignment = course.assignment(lab)
        points = {one.id: one.points for one in assignment.questions.values()}
        entries = load_catalogue(course.graders_dir(assignment), points).entries
        assert sum(not one.right for one in entries) >= mistakes
        assert sum(one.right for one in entries) >= rights
