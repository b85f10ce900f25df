"""The course file is read strictly, and every fault is told with its line and the nearest right name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder.course import Course, CourseError, find_course, grader_faults, load_course
from autograder.course.faults import nearest
from autograder.course.places import scalar

GOOD = """\
course: Example
seed: 7
assignments:
  lab:
    title: The lab
    notebook: lab.ipynb
    packages: [torch]
    limits:
      cell_cpu: 10
    questions:
      q1:
        title: First
        points: 2
        names: [alpha, beta]
        gradients: {beta: [alpha]}
        judged_on: best_moment
      q2:
        title: Second
        points: 0.5
        names: [gamma]
"""


def course_in(folder: Path, text: str | bytes = GOOD) -> Course:
    content = text.encode() if isinstance(text, str) else text
    (folder / "grading.yml").write_bytes(content)
    return load_course(folder)


def fault_of(folder: Path, text: str | bytes) -> str:
    with pytest.raises(CourseError) as raised:
        course_in(folder, text)
    return str(raised.value)


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_the_repositorys_own_course_is_worth_20_points() -> None:
    course = load_course(find_course(Path(__file__).parent))
    assert course.assignment("dipping_into_pytorch").points == 20


def test_every_key_reaches_its_model(tmp_path: Path) -> None:
    course = course_in(tmp_path)
    lab = course.assignment()
    assert (course.title, course.seed, lab.id, lab.title, lab.packages) == ("Example", 7, "lab", "The lab", ["torch"])
    first, second = lab.questions.values()
    assert (first.id, first.points, first.gradients) == ("q1", 2, {"beta": ["alpha"]})
    assert (first.judged_on, second.judged_on) == ("best_moment", "last")
    assert lab.names == ("alpha", "beta", "gamma")


def test_limits_that_are_not_written_have_defaults(tmp_path: Path) -> None:
    limits = course_in(tmp_path).assignment().limits
    assert (limits.cell_cpu, limits.notebook_cpu, limits.wall_factor) == (10, 240, 4)


def test_paths_lie_below_the_courses_folder(tmp_path: Path) -> None:
    course = course_in(tmp_path)
    lab = course.assignment()
    assert course.stub_path(lab) == tmp_path.resolve() / "assignments/lab/lab.ipynb"
    assert course.master_path(lab) == tmp_path.resolve() / "solutions/lab/lab.ipynb"
    assert course.graders_dir(lab) == tmp_path.resolve() / "tests/graders/lab"


def test_a_course_cannot_be_changed_after_reading(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        course_in(tmp_path).seed = 8  # type: ignore[misc]


def test_an_unknown_key_is_told_with_line_nearest_name_and_what_is_allowed(tmp_path: Path) -> None:
    assert fault_of(tmp_path, changed("points: 2", "point: 2")) == (
        'grading.yml, line 13: unknown key "point" in assignments.lab.questions.q1; did you mean "points"? '
        "Allowed: title, points, names, gradients, judged_on."
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("seed: 7", "seed: 1.5", 2, "seed: expected a whole number, found 1.5"),
        ("seed: 7", "seed: -1", 2, "expected a number of at least 0, found -1"),
        ("course: Example", "course: ' '", 1, "expected a text that is not blank"),
        ("seed: 7", "sede: 7", 2, 'unknown key "sede" in the top level; did you mean "seed"?'),
        ("points: 2", "points: '2'", 13, 'points: expected a number, found the text "2"'),
        ("points: 2", "points: true", 13, "expected a number, found the truth value true"),
        ("points: 2", "points: yes", 13, 'expected a number, found the text "yes"'),
        ("points: 2", "points:", 13, "expected a number, found nothing"),
        ("points: 2", "points: .nan", 13, "expected a finite number, found nan"),
        ("points: 2", "points: .inf", 13, "expected a finite number, found inf"),
        ("points: 2", "points: 0", 13, "expected a number above 0, found 0"),
        ("points: 2", "points: [2]", 13, "expected a number, found a list"),
        ("points: 2\n", "\n", 11, 'missing key "points" in assignments.lab.questions.q1'),
        ("names: [alpha, beta]", "names: alpha", 14, 'expected a list, such as [one, two], found the text "alpha"'),
        ("names: [alpha, beta]", "names: []", 14, "expected at least one entry, found an empty list"),
        ("[alpha, beta]", "\n        - alpha\n        - my beta", 16, 'names[2]: expected a Python name that'),
        ("[alpha, beta]", "[alpha, class]", 14, 'names[2]: expected a Python name that'),
        ("[alpha, beta]", "[alpha, beta, beta]", 14, '"beta" stands in this list twice'),
        ("{beta: [alpha]}", "{beta: [alhpa]}", 15, 'q1.gradients.beta[1]: "alhpa" is none of the question\'s names'),
        ("{beta: [alpha]}", "{beta: [alhpa]}", 15, 'did you mean "alpha"?'),
        ("best_moment", "best_momment", 16, 'did you mean "best_moment"?'),
        ("notebook: lab.ipynb", "notebook: ../lab.ipynb", 6, "expected the plain file name of a notebook"),
        ("cell_cpu: 10", "cell_cpu: 0", 9, "limits.cell_cpu: expected a number above 0, found 0"),
        ("cell_cpu: 10", "cell_cpu: 900", 9, "expected at most notebook_cpu (240), found 900"),
        ("  lab:", "  ../lab:", 4, "an assignment's id is the name of its folders"),
        ("      q2:", "      Q1:", 17, '"Q1" differs from "q1" in letter case alone'),
        ("      q2:", "      status:", 17, "is a column of scores.csv already"),
        ("      q2:", "      q1:", 17, 'the key "q1" stands here twice; the first is in line 11'),
        ("      q2:", "      2:", 17, "expected text as a key, found 2"),
        ("lab.ipynb", "lab.ipynb\n    order: {leads: q9}", 7, 'no question "q9"; this assignment has: q1, q2'),
        ("lab.ipynb", "lab.ipynb\n    order: {marks: {LR_ZER: 1}}", 7, 'did you mean "LR_ZERO"?'),
        ("points: 0.5", "id: q2\n        points: 0.5", 19, 'unknown key "id" in assignments.lab.questions.q2'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_at_its_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    fault = fault_of(tmp_path, changed(old, new))
    assert re.match(rf"grading\.yml, line {line}\b", fault)
    assert said in fault
    assert "\n" not in fault, "one slip, one fault"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "grading.yml: is empty"),
        ("# nothing yet\n", "grading.yml: is empty"),
        ("null", "grading.yml: holds nothing"),
        ("- a\n- b\n", "line 1: the top level: expected a mapping"),
        ("course: [1,\n", "line 2, column 1: is not YAML"),
        ("course:\n\tseed: 1\n", "line 2, column 1: is not YAML"),
        ("course: &a [x]\nseed: *a\n", 'line 1, column 9: anchors and aliases ("a") are not used here'),
        ("course: !!python/object/apply:os.getcwd []\n", "line 1, column 9: tags"),
        ("? [a, b]\n: 1\n", "expected text as a key, found a list or mapping"),
        ("a: " + "[" * 5000, "nested more than 30 deep"),
        ("course: a\nseed: \x07\n", "line 2: is not YAML: found the control character 0x07"),
        (b"course: x\nseed: \xe9\n", "line 2: expected UTF-8 text, found the byte 0xe9"),
        (b"#" * 1_000_001, "is larger than"),
    ],
)
def test_what_is_no_course_file_is_refused(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert said in fault_of(tmp_path, text)


def test_several_faults_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = changed("seed: 7", "seed: x").replace("points: 2", "points: 0").replace("title: Second", "titel: Second")
    lines = fault_of(tmp_path, text).splitlines()
    assert [line.split(":")[0] for line in lines] == [f"grading.yml, line {number}" for number in (2, 13, 18)]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("yes", "yes"), ("off", "off"), ("12:30", "12:30"), ("1_000", "1_000"), ("010", 10), ("1e3", 1000.0),
     ("true", True), ("~", None), ("2026-09-01", "2026-09-01"), ("0x1f", "0x1f"), ("-.5", -0.5)],
)  # fmt: skip
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, meaning: object) -> None:
    assert scalar(text) == meaning
    assert type(scalar(text)) is type(meaning)


def test_text_in_quotes_is_never_a_number(tmp_path: Path) -> None:
    assert course_in(tmp_path, changed("course: Example", 'course: "2026"')).title == "2026"


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    assert course_in(tmp_path, GOOD.encode("utf-8-sig")).title == "Example"


def test_the_course_is_found_from_a_folder_below_it(tmp_path: Path) -> None:
    course_in(tmp_path)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_course(below) == find_course(tmp_path / "grading.yml") == tmp_path.resolve()


def test_without_a_course_the_way_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="--course DIR"):
        find_course(tmp_path)


def test_a_course_file_of_another_ending_is_pointed_at(tmp_path: Path) -> None:
    (tmp_path / "grading.yaml").write_text(GOOD)
    with pytest.raises(CourseError, match=r"There is a grading\.yaml: rename it"):
        find_course(tmp_path)


def test_a_folder_that_is_not_there_is_told_with_its_near_neighbour(tmp_path: Path) -> None:
    (tmp_path / "course").mkdir()
    with pytest.raises(CourseError, match='did you mean "course"'):
        find_course(tmp_path / "cuorse")


def test_an_unknown_assignment_is_told_with_the_nearest_and_all_others(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r'no assignment "lib"; did you mean "lab"\? this course has: lab'):
        course_in(tmp_path).assignment("lib")


def test_of_several_assignments_one_must_be_named(tmp_path: Path) -> None:
    second = GOOD[GOOD.index("  lab:") :].replace("  lab:", "  other:")
    with pytest.raises(CourseError, match=r"Say which assignment with -a, .*; this course has: lab, other"):
        course_in(tmp_path, GOOD + second).assignment()


def test_the_default_is_meant_where_none_is_named(tmp_path: Path) -> None:
    second = GOOD[GOOD.index("  lab:") :].replace("  lab:", "  other:")
    course = course_in(tmp_path, "default: other\n" + GOOD + second)
    assert course.assignment().id == "other" and course.assignment("lab").id == "lab"


def test_a_default_that_is_no_assignment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match='"lib" is not one of the assignments'):
        course_in(tmp_path, "default: lib\n" + GOOD)


@pytest.mark.parametrize(
    ("name", "near"), [("Train", "train"), ("trian", "train"), ("my_net", "my_network"), ("zzz", None)]
)
def test_the_nearest_name_looks_past_case_slips_and_missing_ends(name: str, near: str | None) -> None:
    assert nearest(name, ["train", "my_network", "MyModel"]) == near


# The graders


FITTING = {
    "test_q1.py": """
        import pytest
        from submission import alpha, beta, check
        pytestmark = pytest.mark.question("q1")
        def test_one(): ...
    """,
    "test_q2.py": """
        import pytest
        import submission as s
        second = [pytest.mark.question("q2"), pytest.mark.weight(2)]
        class TestIt:
            pytestmark = second
            def test_it(self): s.check(s.gamma)
        @pytest.mark.question("q2")
        def test_more(): ...
    """,
}


def faults_of(folder: Path, files: dict[str, str], text: str = GOOD) -> list[str]:
    course = course_in(folder, text)
    graders = course.graders_dir(course.assignment())
    graders.mkdir(parents=True)
    for name, source in files.items():
        (graders / name).write_text(source.replace("\n        ", "\n"))
    return [str(fault) for fault in grader_faults(course, course.assignment(), frozenset({"check"}))]


def test_fitting_graders_have_no_fault(tmp_path: Path) -> None:
    assert faults_of(tmp_path, FITTING) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('question("q1")', 'question("q11")', 'test_q1.py, line 4: grading.yml has no question "q11" in lab; did you'),
        ('question("q1")', "question(1)", "test_q1.py, line 4: expected a question's id written as text"),
        ('pytestmark = pytest.mark.question("q1")', 'x = pytest.mark.question("q1")', "line 5: test_one belongs to no"),
        ("alpha, beta", "alpha, betta", 'line 3: "betta" is not declared for q1 in grading.yml; did you mean "beta"?'),
        ("alpha, beta", "alpha, gamma", 'line 3: "gamma" is not declared for q1'),
        ("import alpha, beta, check", "import *", "line 3: expected the names one by one"),
        ("def test_one(): ...", "def test_one(: ...", "line 5: is not Python"),
    ],
)
def test_a_grader_that_does_not_fit_is_told_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    source = FITTING["test_q1.py"]
    assert old in source
    faults = faults_of(tmp_path, {**FITTING, "test_q1.py": source.replace(old, new)})
    assert any(fault.startswith("tests/graders/lab/test_q1.py") and said in fault for fault in faults), faults


def test_a_name_read_off_the_module_must_be_declared_too(tmp_path: Path) -> None:
    files = {**FITTING, "test_q2.py": FITTING["test_q2.py"].replace("s.gamma", "s.gama")}
    assert ['"gama" is not declared for q2' in fault for fault in faults_of(tmp_path, files)] == [True]


def test_a_question_without_a_grader_is_told_at_its_line_of_the_course_file(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, {"test_q1.py": FITTING["test_q1.py"]})
    assert len(faults) == 1
    assert faults[0].startswith("grading.yml, line 17: question q2 has no grader")


def test_a_name_that_is_also_a_word_of_the_judge_is_refused(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, FITTING, changed("[gamma]", "[gamma, check]"))
    assert faults == ['grading.yml, line 20: the name "check" of question q2 is a word of `submission`; choose another']


def test_a_missing_folder_of_graders_is_one_fault(tmp_path: Path) -> None:
    course = course_in(tmp_path)
    faults = grader_faults(course, course.assignment(), ())
    assert [fault.file for fault in faults] == ["tests/graders/lab"]
