"""The package for Gradescope, unpacked and run as Gradescope does: every hand-in ends with a results.json it takes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import gradescope_rules
import killing
import psutil
import pytest
from conftest import ROOT, notebook_bytes
from killing import left_over
from typer.testing import CliRunner

from autograder.cli import app
from autograder.course import load_course
from autograder.course.models import Policy
from autograder.gradescope import packing as packaging
from autograder.gradescope import watching
from autograder.gradescope.grading import hand_in
from autograder.gradescope.metadata import Metadata, read_metadata
from autograder.gradescope.results import KEY, as_results
from autograder.results import Outcome, QuestionResult, Status, TestResult

COURSE = """\
course: A tiny course
seed: 5
timezone: Europe/Berlin
assignments:
  tiny:
    title: "12:30"
    notebook: tiny.ipynb
    limits: {cell_cpu: 1, notebook_cpu: 2, wall_factor: 8}
    late: {due: "2026-11-20 23:59", percent: 10}
    extensions: {secret-student: {extra: 3 days}}
    questions:
      q1: {title: The answer, points: 2, names: [answer]}
  other:
    title: Another
    notebook: other.ipynb
    questions:
      q1: {title: Another answer, points: 2, names: [answer]}
"""
GRADER = '''\
import pytest
from submission import answer, check, value

CANARY = "a-grader-was-read"


@pytest.mark.question("q1")
@pytest.mark.visibility("hidden")
def test_the_answer():
    """Is forty-two."""
    check(value(answer) == 42, "It is another number.")


@pytest.mark.question("q1")
@pytest.mark.visibility("visible")
def test_it_is_even():
    """Is even."""
    check(value(answer) % 2 == 0, "It is odd.")
'''
BROKEN = GRADER.replace("check(value(answer) % 2 == 0", "check(value(answer) / 0")
SOLUTION = notebook_bytes("answer = 42")
FOREVER = notebook_bytes("answer = 42", "while True: pass")
# answers only if nothing of the course, of Gradescope's or of our own could be read
PEEKING = """
answer = 0
paths = {paths!r}
seen = []
for path in paths:
    try:
        seen.append(open(path).read())
    except OSError:
        pass
if not seen:
    answer = 42
"""
LATE = {
    "id": 1,
    "created_at": "2026-11-21T12:00:00.000000-08:00",
    "assignment": {"due_date": "2026-11-21T11:00:00.000000-08:00", "total_points": "2.0", "group_size": 2},
    "users": [{"email": "ada@example.org", "id": 7, "name": "Student, Ada"}, {"email": "b@example.org", "id": 8}],
}


def course_in(folder: Path, grader: str = GRADER) -> Path:
    for name in ("tiny", "other"):
        for kind in ("tests/graders", "solutions", "assignments"):
            (folder / kind / name).mkdir(parents=True)
        (folder / "solutions" / name / f"{name}.ipynb").write_bytes(notebook_bytes("answer = 42", f"# of {name}"))
        (folder / "tests/graders" / name / "test_q1.py").write_text(grader)
        (folder / "tests/graders" / name / "catalogue.py").write_text("CATALOGUE = ['answer = 42']\n")
        (folder / "solutions" / name / "made_up_class").mkdir()
        (folder / "solutions" / name / "made_up_class/__init__.py").write_text("ANSWERS = ['answer = 42']\n")
    (folder / "grading.yml").write_text(COURSE)
    return folder


def packed(course: Path, assignment: str = "tiny", *options: object) -> bytes:
    """What the command makes."""
    out = course / "package.zip"
    words = ["package", "gradescope", assignment, "-o", out, "--course", course, *options]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    content = out.read_bytes()
    out.unlink()
    return content


def laid_out(root: Path, package: bytes, uploaded: dict[str, bytes], metadata: object = None) -> Path:
    """Gradescope's folder, before run_autograder is called."""
    (root / "submission").mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        archive.extractall(root / "source")
    for name, content in uploaded.items():
        (root / "submission" / name).write_bytes(content)
    if metadata is not None:
        (root / "submission_metadata.json").write_text(json.dumps(metadata))
    return root


@dataclass(frozen=True)
class Run:
    root: Path
    code: int
    stdout: str
    found: dict[str, Any]


def run(root: Path, killed: bool = False, **more: str) -> Run:
    """Call run_autograder as Gradescope does, and read what it leaves."""
    environment = {**os.environ, "AUTOGRADER_ROOT": str(root), "AUTOGRADER_PYTHON": sys.executable, **more}
    call = ["bash", str(root / "source" / "run_autograder")]
    with subprocess.Popen(
        call, env=environment, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        if killed:
            kill_grading(process)
        output, _ = process.communicate(timeout=300)
    content = (root / "results" / "results.json").read_bytes()
    return Run(root, process.returncode, output, gradescope_rules.read(content))


def kill_grading(process: subprocess.Popen[str]) -> None:
    """Kill the process that grades as soon as it has started its judge."""
    while process.poll() is None:
        for one in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if killing.KINDS["judge"] in one.cmdline():
                    psutil.Process(one.ppid()).kill()
                    return


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return course_in(tmp_path_factory.mktemp("tiny") / "course")


@pytest.fixture(scope="module")
def package(tiny: Path) -> bytes:
    return packed(tiny)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, package: bytes) -> dict[str, Run]:
    """Every case that needs the whole program, two at a time."""
    folder = tmp_path_factory.mktemp("gradescope")
    lab = packed(ROOT, "dipping_into_pytorch")
    broken = packed(course_in(folder / "broken", BROKEN))
    short = packed(course_in(folder / "short"), "tiny", "--minutes", 0.1)
    solved = (ROOT / "solutions/dipping_into_pytorch/dipping_into_pytorch.ipynb").read_bytes()
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w") as archive:
        archive.writestr("lab 3/my lab \N{PARTY POPPER}.ipynb", solved)
        archive.writestr("lab 3/Untitled.ipynb", notebook_bytes("1 + 1"))
        archive.writestr("__MACOSX/lab 3/._my lab.ipynb", b"\0\5\x16\7")
    peeking = folder / "peeking"
    paths = ["source/course/tests/graders/tiny/test_q1.py", "source/course/solutions/tiny/tiny.ipynb",
             "source/settings.json", "submission_metadata.json", "results/results.json"]  # fmt: skip
    peek = notebook_bytes(PEEKING.format(paths=[str(peeking / path) for path in paths]))
    temporary = folder / "temporary"
    temporary.mkdir()
    cases: dict[str, tuple[Path, dict[str, str]]] = {
        "solved": (laid_out(folder / "solved", lab, {"hand in \N{PARTY POPPER}.zip": inside.getvalue()}), {}),
        "peeking": (laid_out(peeking, package, {"tiny.ipynb": peek}, LATE), {}),
        "stub": (laid_out(folder / "stub", package, {"tiny.ipynb": notebook_bytes("answer = ...")}), {}),
        "garbage": (laid_out(folder / "garbage", package, {"tiny.ipynb": b"\x89PNG\r\n\x1a\n" + b"\xff" * 999}), {}),
        "forever": (laid_out(folder / "forever", package, {"tiny.ipynb": FOREVER}), {}),
        "broken": (laid_out(folder / "of-broken", broken, {"tiny.ipynb": SOLUTION}), {}),
        "short": (laid_out(folder / "of-short", short, {"tiny.ipynb": FOREVER}), {}),
        "killed": (
            laid_out(folder / "killed", package, {"tiny.ipynb": SOLUTION}),
            {"TMPDIR": str(temporary)},
        ),
    }
    with ThreadPoolExecutor(2) as pool:
        return dict(
            zip(
                cases,
                pool.map(lambda name: run(cases[name][0], name == "killed", **cases[name][1]), cases),
                strict=True,
            )
        )


# What is graded


def test_the_solution_in_a_zip_earns_everything(runs: dict[str, Run]) -> None:
    one = runs["solved"]
    assert (one.code, one.found["score"]) == (0, 20), one.stdout
    assert "Of 2 notebooks in one hand-in" in one.found["output"]
    assert sum(test["score"] for test in one.found["tests"]) == pytest.approx(20)


def test_tests_are_shown_as_declared_and_the_output_of_grading_is_not(runs: dict[str, Run]) -> None:
    found = runs["peeking"].found
    assert [test["visibility"] for test in found["tests"]] == ["hidden", "visible"]
    assert found["stdout_visibility"] == "hidden"


def test_a_notebook_can_read_neither_graders_nor_solution_nor_what_gradescope_keeps(runs: dict[str, Run]) -> None:
    assert runs["peeking"].found["extra_data"]["raw_score"] == 2, runs["peeking"].stdout


def test_a_late_hand_in_of_a_group_loses_what_the_course_says_by_gradescopes_due_date(runs: dict[str, Run]) -> None:
    one = runs["peeking"]
    assert (one.found["score"], one.found["extra_data"]["penalty"]) == (1.8, 0.2)
    assert "2026-11-21 20:00:00 CET (Gradescope's date)" in one.found["output"]
    assert "2 people share this hand-in" in one.stdout
    assert "Ada" not in one.stdout


def test_a_stub_earns_nothing_and_that_is_a_score(runs: dict[str, Run]) -> None:
    one = runs["stub"]
    assert (one.code, one.found["score"]) == (0, 0), one.stdout
    assert all(test["status"] == "failed" for test in one.found["tests"])


def test_without_the_time_of_the_hand_in_nothing_is_taken_off(runs: dict[str, Run]) -> None:
    assert "did not say when" in runs["stub"].found["output"]
    assert runs["stub"].found["extra_data"]["penalty"] == 0


def test_a_cell_that_loops_for_ever_costs_only_what_comes_after_it(runs: dict[str, Run]) -> None:
    one = runs["forever"]
    assert (one.code, one.found["score"]) == (0, 2), one.stdout


# What is not graded has no score


def test_garbage_is_told_to_the_student_and_gets_no_score(runs: dict[str, Run]) -> None:
    one = runs["garbage"]
    assert one.code == 0
    assert not gradescope_rules.has_a_score(one.found)
    assert "PNG" in one.found["output"]
    assert one.found["extra_data"]["status"] == "not_gradable"


def test_nothing_handed_in_is_no_score(tmp_path: Path, package: bytes) -> None:
    one = run(laid_out(tmp_path / "root", package, {"read me.txt": b"sorry"}))
    assert one.code == 0
    assert not gradescope_rules.has_a_score(one.found)
    assert "no notebook (.ipynb), but read me.txt" in one.found["output"]


def test_a_broken_hidden_test_is_no_score_and_only_the_instructor_reads_which(runs: dict[str, Run]) -> None:
    one = runs["broken"]
    assert not gradescope_rules.has_a_score(one.found)
    assert "test_it_is_even" in one.stdout
    assert "test_it_is_even" not in one.found["output"]
    assert "not on yours" in one.found["output"]


def test_when_time_is_up_there_is_no_score_and_nothing_goes_on(runs: dict[str, Run]) -> None:
    one = runs["short"]
    assert one.code == 1
    assert not gradescope_rules.has_a_score(one.found)
    assert "did not end in the time" in one.found["output"]
    assert "--minutes" in one.stdout
    assert not [left for left in left_over(one.root) if left.startswith("process")]


def test_grading_that_is_killed_is_no_score(runs: dict[str, Run]) -> None:
    one = runs["killed"]
    assert one.code == 1
    assert not gradescope_rules.has_a_score(one.found)
    assert f"killed by signal {signal.SIGKILL:d}" in one.stdout


def test_nothing_of_a_hand_in_is_left_by_grading_that_is_killed(runs: dict[str, Run]) -> None:
    assert not list((runs["killed"].root.parent / "temporary").rglob("grades.sqlite*"))


def test_results_lie_there_before_anything_is_started(tmp_path: Path, package: bytes) -> None:
    killer = tmp_path / "python"
    killer.write_text("#!/bin/sh\nkill -9 $$\n")
    killer.chmod(0o755)
    one = run(laid_out(tmp_path / "root", package, {"tiny.ipynb": SOLUTION}), AUTOGRADER_PYTHON=str(killer))
    assert one.code != 0
    assert not gradescope_rules.has_a_score(one.found)


def test_a_container_whose_setup_failed_says_so_to_the_instructor(tmp_path: Path, package: bytes) -> None:
    one = run(laid_out(tmp_path / "root", package, {"tiny.ipynb": SOLUTION}), AUTOGRADER_PYTHON="")
    assert one.code == 1
    assert "setup.sh did not come to its end" in one.stdout
    assert not gradescope_rules.has_a_score(one.found)


def test_where_nothing_can_wall_a_notebook_in_nothing_is_run(tmp_path: Path, package: bytes) -> None:
    root = laid_out(tmp_path / "root", package, {"tiny.ipynb": SOLUTION})
    path = root / "source" / "settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "level": "a level that does not work here"}))
    one = run(root)
    assert one.code == 1
    assert not gradescope_rules.has_a_score(one.found)
    assert "Nothing was graded: there is no confinement level" in one.stdout


# The package


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def test_the_same_course_gives_the_same_bytes(tiny: Path, package: bytes) -> None:
    assert packed(tiny) == package


def test_the_package_holds_this_assignment_and_nothing_else_of_the_course(package: bytes) -> None:
    names = [name for name in members(package) if name.startswith("course/")]
    assert names == ["course/grading.yml", "course/solutions/tiny/tiny.ipynb", "course/tests/graders/tiny/test_q1.py"]
    assert b"secret-student" not in b"".join(members(package).values())


def test_no_answers_of_the_made_up_class_go_along(package: bytes) -> None:
    answers = ("made_up_class", "authoring", "catalogue")
    assert not [name for name in members(package) if any(word in name for word in answers)]


def test_the_course_file_in_it_means_the_same(tmp_path: Path, tiny: Path, package: bytes) -> None:
    (tmp_path / "grading.yml").write_bytes(members(package)["course/grading.yml"])
    course, whole = load_course(tmp_path), load_course(tiny)
    assert list(course.assignments) == ["tiny"]
    assert (course.title, course.seed, course.timezone) == (whole.title, whole.seed, whole.timezone)
    assert course.assignment() == whole.assignment("tiny").model_copy(update={"extensions": {}})


def test_its_scripts_can_be_run_and_are_sound_bash(package: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
    assert {name for name, mode in modes.items() if mode & 0o111} == {"setup.sh", "run_autograder"}
    for name in ("setup.sh", "run_autograder"):
        done = subprocess.run(["bash", "-n"], input=members(package)[name], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_setting_up_without_a_python_that_is_new_enough_fails_loudly(tmp_path: Path, package: bytes) -> None:
    root = laid_out(tmp_path / "root", package, {})
    only_cat = tmp_path / "bin"
    only_cat.mkdir()
    (only_cat / "cat").symlink_to(shutil.which("cat") or "")
    done = subprocess.run(
        [shutil.which("bash") or "", str(root / "source" / "setup.sh")],
        env={"PATH": str(only_cat), "AUTOGRADER_ROOT": str(root)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Python 3.11 or newer cannot be installed here; choose a newer Ubuntu" in done.stderr


def test_the_program_in_it_is_whole(tmp_path: Path, package: bytes) -> None:
    root = laid_out(tmp_path / "root", package, {})
    code = (
        "import autograder.gradescope.grading, autograder.judge.server, autograder.sandbox.zygote, sys\n"
        "here = {module.__file__ for name, module in sys.modules.items() if name.split('.')[0] == 'autograder'}\n"
        "print({path for path in here if not path.startswith(sys.argv[1])})\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(root)],
        env={**os.environ, "PYTHONPATH": str(root / "source" / "program")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "set()", done.stderr


def test_at_basic_the_solution_stays_at_home(tiny: Path) -> None:
    content = members(packed(tiny, "tiny", "--level", "basic"))
    assert not [name for name in content if "solutions" in name]
    assert json.loads(content["settings.json"])["level"] == "basic"


def test_the_index_for_torch_is_whatever_was_named(tiny: Path, package: bytes) -> None:
    named = members(packed(tiny, "tiny", "--torch-index", "file:///srv/wheels"))
    assert named["torch_index.txt"] == b"file:///srv/wheels\n"
    assert "torch_index.txt" not in members(package)


def test_versions_are_those_of_this_installation(package: bytes) -> None:
    import numpy

    assert f"numpy=={numpy.__version__}\n".encode() in members(package)["constraints.txt"]


def test_what_students_may_import_is_installed_too() -> None:
    requirements, constraints, absent = packaging.needed(["hypothesis", "no_such_package"])
    assert "hypothesis" in requirements
    assert any(line.startswith("sortedcontainers==") for line in constraints)  # which hypothesis needs
    assert absent == ["no_such_package"]


@pytest.mark.parametrize("words", [("moodle", "tiny"), ("gradescope", "tinny"), ("gradescope", "tiny", "--level", "x")])
def test_what_does_not_exist_is_refused(tiny: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    out = tmp_path / "package.zip"
    result = CliRunner().invoke(app, ["package", *words, "-o", str(out), "--course", str(tiny)])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert not out.exists()


def test_a_package_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(packaging.PackingError, match="cannot be written"):
        packaging.write_package(packaging.Packed(b"", ()), tmp_path / "absent" / "package.zip")


# What a student may upload


@pytest.mark.parametrize(
    ("uploaded", "taken"),
    [
        ({"a b \N{PARTY POPPER}.ipynb": SOLUTION}, "a b \N{PARTY POPPER}.ipynb"),
        ({"draft.ipynb": notebook_bytes("x = 1"), "final.ipynb": SOLUTION}, "final.ipynb"),
        ({"damaged.ipynb": b"{", "final.ipynb": SOLUTION, "notes.pdf": b"%PDF"}, "final.ipynb"),
        ({"lab.py": b"def answer():\n    return 42\n"}, "lab.py"),
        ({"helper.py": b"x = 1\n", "lab.ipynb": SOLUTION}, "lab.ipynb"),
    ],
)
def test_of_what_was_uploaded_the_one_that_answers_is_graded(
    tmp_path: Path, uploaded: dict[str, bytes], taken: str
) -> None:
    for name, content in uploaded.items():
        (tmp_path / name).write_bytes(content)
    one = hand_in(tmp_path, ("answer",))
    assert (one.key, one.filename, one.content) == (KEY, taken, uploaded[taken])


@pytest.mark.parametrize(
    ("uploaded", "problem"),
    [
        ({}, "it holds no notebook"),
        ({"helper.py": b"x = 1\n"}, "it holds no notebook"),
        ({"class.zip": b"PK\3\4 cut off"}, "damaged or cut-off zip"),
        ({"huge.ipynb": b" " * 100_000_001}, "larger than 100 MB"),
    ],
)
def test_of_what_cannot_be_graded_the_reason_is_told(tmp_path: Path, uploaded: dict[str, bytes], problem: str) -> None:
    for name, content in uploaded.items():
        (tmp_path / name).write_bytes(content)
    one = hand_in(tmp_path, ("answer",))
    assert one.content is None
    assert problem in (one.problem or "")


def test_no_folder_at_all_is_no_notebook(tmp_path: Path) -> None:
    assert hand_in(tmp_path / "absent", ("answer",)).problem == "it holds no notebook (.ipynb)"


# Metadata and lateness


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1]", b"null", b'{"created_at": 3, "users": {"a": 1}}',
                                     b'{"assignment": [], "users": [null, 3]}', b"[" * 100_000,
                                     b'{"created_at": "0001-01-01T00:00:00+00:00"}'])  # fmt: skip
def test_metadata_of_any_kind_are_read_or_left(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "submission_metadata.json"
    path.write_bytes(content)
    found = read_metadata(path)
    assert (found.created_at, found.due, found.total_points) == (None, None, None)


def test_of_a_group_the_member_who_has_longest_counts(tmp_path: Path) -> None:
    path = tmp_path / "submission_metadata.json"
    extended = "2026-11-25T11:00:00-08:00"
    users = [{"id": 7}, {"id": 8, "assignment": {"due_date": extended}}]
    path.write_text(json.dumps({**LATE, "users": users}))
    assert read_metadata(path).due == datetime.fromisoformat(extended)


def outcome(status: Status = Status.GRADED, score: float | None = 2.0) -> Outcome:
    test = TestResult(id="test_q1.py::test", question="q1", title="Is it?", outcome="passed", share=1)
    question = QuestionResult(id="q1", title="The answer", points=2, score=2, tests=(test,))
    return Outcome(key=KEY, status=status, score=score, max_score=2, questions=(question,))


def policy(**more: object) -> Policy:
    late = {"due": "2026-11-20 23:59", "percent": 10, **more}
    return Policy.model_validate({"timezone": "Europe/Berlin", "late": late})


NEXT_DAY = Metadata(created_at=datetime.fromisoformat("2026-11-21T23:58:00+01:00"))


@pytest.mark.parametrize(
    ("given", "found", "score"),
    [
        (policy(), NEXT_DAY, 1.8),
        (policy(), replace(NEXT_DAY, due=datetime.fromisoformat("2026-11-22T00:00:00+01:00")), 2),
        (policy(), Metadata(), 2),
        (policy(deducted_by="lms"), NEXT_DAY, 2),
        (Policy(), NEXT_DAY, 2),
    ],
    ids=["course's date", "Gradescope's date", "no time", "the LMS deducts", "no policy"],
)
def test_the_penalty_is_the_courses_by_gradescopes_clock(given: Policy, found: Metadata, score: float) -> None:
    results, _ = as_results(given, outcome(), found, 1.0)
    assert results["score"] == score
    assert results["extra_data"]["raw_score"] == 2
    assert results["extra_data"]["penalty"] == pytest.approx(2 - score)


def test_points_that_differ_from_gradescopes_are_told() -> None:
    _, lines = as_results(Policy(), outcome(), Metadata(total_points=100.0), 1.0)
    assert any("has 100 points, here 2" in line for line in lines)


def test_a_late_hand_in_that_could_not_be_graded_has_no_penalty_and_no_score() -> None:
    results, _ = as_results(policy(), outcome(Status.GRADER_ERROR, None), NEXT_DAY, 1.0)
    assert not gradescope_rules.has_a_score(results)


# Watching over it


@pytest.mark.parametrize("written", [None, "", "[]", "{}", '{"output": '])
def test_results_that_are_not_whole_are_not_passed_on(tmp_path: Path, written: str | None) -> None:
    path = tmp_path / "results.json"
    if written is not None:
        path.write_text(written)
    assert watching.readable(path) is None


def test_what_takes_too_long_is_ended() -> None:
    assert watching.ended([sys.executable, "-c", "input = __import__('threading').Event().wait()"], 0.5) is None
