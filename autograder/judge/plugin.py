"""The pytest plugin: hidden graders are ordinary pytest modules under tests/graders/<assignment>/.

    pytest tests/graders/dipping_into_pytorch --submission PATH     judges one notebook; without the option the solution
    pytest ... --run-seed N                                         with another run's held-out data

It gives graders the `submission` module and the `draw` fixture, refuses names that grading.yml does not declare, and
judges each question at its best moment. In a judge process (`judge.server`) the same items are collected once
and run in a fork per submission. pytest loads this in every run of the
environment, so it imports nothing heavy at the top.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from autograder.judge.seeds import Seeds

if TYPE_CHECKING:
    import numpy

    from autograder.course import Assignment, Course
    from autograder.judge.notebook_run import NotebookRun
    from autograder.sandbox.sessions import Sandbox

MARKERS = (
    "question(id): the question in grading.yml that this test belongs to",
    "weight(number): this test's weight within its question (default 1)",
    "visibility(word): hidden, after_due_date, after_published (default) or visible, as on Gradescope",
    "order_check: this test's verdict stands for the training loop (default: tests that use the fixture `order`)",
)
COURSE = pytest.StashKey["GraderCourse"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("autograder", "judging notebooks")
    group.addoption("--submission", type=Path, help="the notebook to judge (default: the assignment's solution)")
    group.addoption("--run-seed", type=int, help="the run's seed (default: grading.yml's)")


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


def is_grader(path: Path) -> bool:
    """Whether a file is a hidden grader: <course>/tests/graders/<assignment>/test_*.py."""
    parts = path.parts
    return len(parts) > 4 and parts[-4:-2] == ("tests", "graders") and (path.parents[3] / "grading.yml").is_file()


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    if not is_grader(module_path):
        return None
    from autograder.judge import submission

    sys.modules["submission"] = submission
    return GraderModule.from_parent(parent, path=module_path)


class GraderModule(pytest.Module):
    """A grader file. Collecting it fails where it imports a name that grading.yml does not declare."""

    def collect(self) -> Any:
        from autograder.course import CourseError, check_graders
        from autograder.judge.submission import WORDS

        try:
            known = graders_of(self.config, self.path)
            check_graders(known.course, known.assignment, WORDS)
        except CourseError as error:
            raise self.CollectError(str(error)) from None
        for item in super().collect():
            if isinstance(item, pytest.Function):
                item.repr_failure = short_failure(item)  # type: ignore[method-assign]
            yield item


def short_failure(item: pytest.Function) -> Any:
    """Findings and faults are told by their sentences; only a grader's own mistake needs a traceback."""
    original = item.repr_failure

    def repr_failure(excinfo: Any, style: Any = None) -> Any:
        from autograder.judge.faults import CheckFailed, StudentFault

        error = excinfo.value
        if isinstance(error, (CheckFailed, StudentFault)):
            where = f" ({error.where})" if error.where else ""
            return f"{error.found}{where} {error.advice}".strip()
        return original(excinfo)

    return repr_failure


class GraderCourse:
    """What a pytest run knows of the course whose graders it collects, and the one session it judges with."""

    def __init__(self, config: pytest.Config, course: Course, assignment: Assignment) -> None:
        self.config = config
        self.course = course
        self.assignment = assignment
        seed = config.getoption("--run-seed")
        self.seeds = Seeds(course.seed if seed is None else seed)
        self.run: NotebookRun | None = None
        self.sandbox: Sandbox | None = None
        self.done: dict[str, Any] = {}

    def notebook(self) -> NotebookRun:
        """The submission, run once for all its tests. Raises pytest.UsageError if it cannot be read."""
        if self.run is None:
            from autograder.judge.one import LocalBroker, run_notebook, secret_folders
            from autograder.sandbox.sessions import Sandbox

            path = self.config.getoption("--submission") or self.course.master_path(self.assignment)
            if not path.is_file():
                raise pytest.UsageError(f"--submission: there is no file {path}")
            self.sandbox = Sandbox(hidden=secret_folders(self.course))
            self.run = run_notebook(path, self.assignment, LocalBroker(self.sandbox, self.assignment), self.seeds)
        return self.run

    def close(self) -> None:
        if self.run is not None:
            self.run.end()
        if self.sandbox is not None:
            self.sandbox.close()
        self.run = self.sandbox = None
        self.done = {}


def graders_of(config: pytest.Config, path: Path) -> GraderCourse:
    """The course and assignment of a grader file; one pytest run judges one assignment at a time."""
    from autograder.course import load_course

    known = config.stash.get(COURSE, None)
    root, name = path.parents[3], path.parent.name
    if known is None or known.course.root != root or known.assignment.id != name:
        if known is not None:
            known.close()
            _forget_modules_of(known)
        course = load_course(root)
        known = GraderCourse(config, course, course.assignment(name))
        config.stash[COURSE] = known
    return known


def _forget_modules_of(known: GraderCourse) -> None:
    """Two assignments both have a test_q1.py, and pytest imports a file by its stem: the next one's must be its own."""
    folder = known.course.graders_dir(known.assignment)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and folder in Path(file).parents:
            del sys.modules[name]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Judge the whole question when its first test comes up; then log each test's reports in its turn."""
    if not isinstance(item.getparent(pytest.Module), GraderModule):
        return None
    from autograder.judge.questions import question_of, run_question

    known = graders_of(item.config, item.path)
    question = question_of(item)
    if question not in known.done:
        from autograder.judge.conversation import become_current

        items = [
            other
            for other in item.session.items
            if other.path.parent == item.path.parent and question_of(other) == question
        ]
        best = known.assignment.questions[question].judged_on == "best_moment"
        try:
            attempt = run_question(known.notebook(), question, items, known.seeds, best)
        finally:
            become_current(None)
        known.done[question] = dict(zip(items, zip(attempt.reports, attempt.results, strict=True), strict=True))
    reports, result = known.done[question][item]
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in reports or [_unasked(item, result.found)]:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _unasked(item: pytest.Item, why: str) -> pytest.TestReport:
    return pytest.TestReport(item.nodeid, item.location, {}, "failed", why, "call")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    if isinstance(item.getparent(pytest.Module), GraderModule) and (call.excinfo or call.when == "call"):
        from autograder.judge.questions import RESULT, judged

        item.stash[RESULT] = judged(item, call)
    yield


def pytest_sessionfinish(session: pytest.Session) -> None:
    known = session.config.stash.get(COURSE, None)
    if known is not None:
        known.close()


@pytest.fixture
def draw(request: pytest.FixtureRequest) -> numpy.random.Generator:
    """Random draws for held-out data and probes: from the run's seed and the test's id alone."""
    import numpy

    from autograder.judge.questions import test_id

    seeds = graders_of(request.config, request.path).seeds
    return numpy.random.default_rng(seeds.draw(test_id(request.node)))


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Any:
    """`tell(verdict, sentence)`: what a test that passes says all the same; it stands in the student's feedback.

    `flags` and `evidence` are those of a test's result.
    """
    from autograder.judge.questions import TOLD

    def keep(
        verdict: str, sentence: str, *, flags: tuple[str, ...] = (), evidence: dict[str, Any] | None = None
    ) -> None:
        told = {"verdict": verdict, "found": sentence, "flags": tuple(flags), "evidence": evidence or {}}
        request.node.stash[TOLD] = told

    return keep


@pytest.fixture
def order(request: pytest.FixtureRequest, tell: Any) -> Any:
    """The order check: `order.check(probes)` decides by the course's rules; see autograder.judge.order."""
    from autograder.judge.order import Order
    from autograder.loop.decision import Rules

    declared = graders_of(request.config, request.path).assignment.order
    return Order(Rules(declared.marks, declared.settings, declared.words), tell)
