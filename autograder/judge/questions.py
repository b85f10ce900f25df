"""Runs the hidden tests of one question against one submission, at its best moment.

Shared by the judge's forks and by plain pytest. A question that is judged at its best moment is tried from the latest
moment backwards until one gives full marks; then the moment with the highest share counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from autograder.judge.conversation import become_current
from autograder.judge.faults import CheckFailed, StudentFault
from autograder.judge.notebook_run import NotebookRun
from autograder.judge.seeds import Seeds
from autograder.results import TestResult

RESULT = pytest.StashKey[TestResult]()
TOLD = pytest.StashKey[dict[str, Any]]()  # what a test that passes says all the same: fields of its result
LOST = "It could not be asked: your notebook ended its Python process too often."
LATE = "It was not run: the tests before it had taken all the time there is for tests."


@dataclass
class Sitting:
    """One question's tests at one moment."""

    moment: int | None  # index into the question's moments
    cell: int | None
    results: list[TestResult]
    reports: list[list[pytest.TestReport]]

    @property
    def share(self) -> float:
        total = sum(result.weight for result in self.results)
        return sum(result.weight * result.share for result in self.results) / total if total else 0.0


def run_question(
    run: NotebookRun, question: str, items: Sequence[pytest.Item], seeds: Seeds, best_moment: bool
) -> Sitting:
    """The best attempt of `items`, all of one question."""
    cells = run.moments.get(question, []) if best_moment else []
    best: Sitting | None = None
    moments: list[int | None] = [*reversed(range(len(cells)))]
    for moment in moments or [None]:
        attempt = Sitting(moment, None if moment is None else cells[moment], [], [])
        _run(run, question, items, seeds, attempt, best_moment)
        if best is None or attempt.share > best.share + 1e-9:
            best = attempt
        if best.share > 1 - 1e-9:
            break
    assert best is not None
    return best


def _run(
    run: NotebookRun, question: str, items: Sequence[pytest.Item], seeds: Seeds, attempt: Sitting, shared: bool
) -> None:
    """Questions about values share one fork of the notebook; the others, which train, get a fresh one each."""
    talk = None
    for item, following in zip(items, [*items[1:], None], strict=True):
        if talk is None or not talk.alive or run.is_late():
            talk = run.conversation(shared)
        if talk is None:
            attempt.results.append(blank(item, "not_run", found=LATE if run.is_late() else LOST))
            attempt.reports.append([])
            continue
        become_current(talk)
        try:
            talk.begin(seeds.student(test_id(item)), question, attempt.moment)
        except StudentFault as fault:
            attempt.results.append(blank(item, "failed", found=fault.found, advice=fault.advice))
            attempt.reports.append([])
            continue
        if TOLD in item.stash:
            del item.stash[TOLD]
        reports = runtestprotocol(item, log=False, nextitem=following)
        attempt.reports.append(reports)
        result = item.stash[RESULT]
        where = result.where
        if where is None and result.outcome != "passed":
            where = next(filter(None, (run.locate(name, attempt.cell) for name in talk.touched)), None)
        attempt.results.append(result.model_copy(update={"cpu": round(talk.cpu, 3), "where": where}))
    become_current(None)


def test_id(item: pytest.Item) -> str:
    """ "test_q5.py::test_name": the same wherever the course lies."""
    return f"{item.path.name}::{item.name}"


test_id.__test__ = False  # type: ignore[attr-defined]


def blank(item: pytest.Item, outcome: str, *, share: float = 0.0, found: str = "", advice: str = "") -> TestResult:
    """A result of `item` with its declared question, title, weight and visibility."""
    weight = item.get_closest_marker("weight")
    visibility = item.get_closest_marker("visibility")
    function = getattr(item, "function", None)
    title = (getattr(function, "__doc__", None) or item.name.replace("_", " ")).strip().splitlines()[0]
    return TestResult.model_validate(
        {
            "id": test_id(item),
            "question": question_of(item),
            "title": title,
            "outcome": outcome,
            "share": share,
            "found": found,
            "advice": advice,
            "weight": float(weight.args[0]) if weight else 1.0,
            "visibility": visibility.args[0] if visibility else "after_published",
        }
    )


def order_checks(items: Sequence[pytest.Item]) -> frozenset[str]:
    """Ids of the tests whose verdict is one on the order: those marked `order_check`; where none is, those that use the
    fixture `order`."""
    marked = [item for item in items if item.get_closest_marker("order_check")]
    using = [item for item in items if "order" in getattr(item, "fixturenames", ())]
    return frozenset(test_id(item) for item in marked or using)


def question_of(item: pytest.Item) -> str:
    marker = item.get_closest_marker("question")
    return str(marker.args[0]) if marker and marker.args else ""


def judged(item: pytest.Item, call: pytest.CallInfo[None]) -> TestResult:
    """What a test's call says about the work."""
    if call.excinfo is None:
        return blank(item, "passed", share=1.0).model_copy(update=item.stash.get(TOLD, {}))
    error = call.excinfo.value
    if isinstance(error, CheckFailed):
        result = blank(item, "partial" if error.share > 0 else "failed", share=error.share, found=error.found)
        update = {name: getattr(error, name) for name in ("advice", "where", "verdict", "evidence")}
        return result.model_copy(update={**update, "flags": tuple(error.flags)})
    if isinstance(error, StudentFault):
        result = blank(item, "failed", found=error.found, advice=error.advice)
        return result.model_copy(
            update={"where": error.where, "flags": (error.kind.upper(),) if error.kind in ("died", "wire") else ()}
        )
    if isinstance(error, AssertionError):
        return blank(item, "failed", found=_sentence(error, item))
    text = str(call.excinfo.getrepr(style="short"))[-4000:]
    return blank(item, "error", found="This check could not be finished.").model_copy(update={"detail": text})


def _sentence(error: AssertionError, item: pytest.Item) -> str:
    """The message written beside a plain `assert`; never pytest's picture of the values, which may hold answers."""
    first = str(error).splitlines()[0] if str(error) else ""
    return "This check did not pass." if not first or first.startswith("assert ") else first[:400]
