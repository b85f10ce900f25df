"""`autograder diagnose`: the verdict on the training loop of one notebook or .py file, without graders or marks.

The file is run as a submission is, in the sandbox; its `train` (or, failing that, its `fit_product`) is put to the
order check from here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy

from autograder import bounds
from autograder.course import Assignment
from autograder.intake.notebook import Unreadable
from autograder.intake.reader import Reader
from autograder.judge.conversation import Conversation, become_current
from autograder.judge.declared import Declared
from autograder.judge.faults import StudentFault
from autograder.judge.handles import Handle
from autograder.judge.notebook_run import Broker, NotebookRun
from autograder.judge.one import NOTEBOOK
from autograder.judge.order import look_at, loop_probes, product_probes, told
from autograder.judge.seeds import Seeds
from autograder.loop.decision import Decision, Rules, decide
from autograder.loop.probes import TAUGHT
from autograder.loop.timeline import Timeline
from autograder.loop.wording import say

TRAIN, FIT = "train", "fit_product"


@dataclass(frozen=True)
class Diagnosis:
    """What is said of one file. `verdict` is None where there was nothing to judge, and `error` tells why."""

    file: str
    verdict: str | None = None
    correct: bool | None = None
    sentence: str = ""
    advice: str = ""
    about: str = ""  # the function that was judged
    told: dict[str, Any] = field(default_factory=dict)
    timeline: Timeline | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None

    def plain(self) -> dict[str, Any]:
        """The object that --json prints."""
        return {
            "file": self.file,
            "verdict": self.verdict,
            "correct": self.correct,
            "as_asked": self.told.get("as_asked"),
            "sentence": self.sentence,
            "ledger": self.told.get("ledger", {}),
            "replay": self.told.get("replay", {}),
            "where": self.told.get("where", []),
            "error": self.error,
            "advice": self.advice,
            "function": self.about,
            "notes": list(self.notes),
        }


def diagnose(
    path: Path, assignment: Assignment, broker: Broker, seed: int, checks: Sequence[Declared] = ()
) -> Diagnosis:
    """Run one file and judge its loop, by the assignment's own order checks if there are any. What is wrong with the
    file is told in the Diagnosis, never raised."""
    name = str(path)
    plain_file = path.suffix.lower() == ".py"
    try:
        content = path.read_bytes()
    except OSError as trouble:
        return Diagnosis(name, error=f"cannot be read: {trouble.strerror}")
    notes: tuple[str, ...] = ()
    if plain_file:
        cells = [content.decode("utf-8-sig", "replace")]
    else:
        with Reader() as reader:
            read = reader.notebook(content, ())
        if isinstance(read, Unreadable):
            return Diagnosis(name, error=read.reason)
        cells, notes = list(read.code), read.notes
    run = NotebookRun(broker, cells, assignment, Seeds(seed).student(NOTEBOOK))
    try:
        run.start()
        with bounds.watched(assignment.limits.judge_cpu):
            found = _judged(run, assignment, seed, checks)
    except bounds.OverTimeError as over:
        return Diagnosis(name, error=f"judging it came to no end: {over}", notes=notes)
    finally:
        become_current(None)
        run.end()
    shown = tuple(dict.fromkeys([*notes, *run.trouble, *run.notes]))
    if isinstance(found, str):
        failed = next((f" Cell {c.number}: {c.error}" for c in run.cells if c.error), "")
        return Diagnosis(name, "NOT_RUN", None, say("NOT_RUN", error=found), notes=shown, error=f"{found}.{failed}")
    verdict, about = found
    data = told(verdict)
    if plain_file:
        data["where"] = [{**spot, "cell": None} for spot in data["where"]]
    error = verdict.sentence if verdict.name == "NOT_RUN" else None
    return Diagnosis(
        name,
        verdict.name,
        verdict.correct,
        verdict.sentence,
        verdict.advice,
        about,
        data,
        verdict.timeline,
        tuple(dict.fromkeys([*shown, *verdict.notes])),
        error,
    )


def _judged(
    run: NotebookRun, assignment: Assignment, seed: int, checks: Sequence[Declared]
) -> tuple[Decision, str] | str:
    """The verdict and the function it is about, or why there is none."""
    rules = Rules(assignment.order.marks, assignment.order.settings, assignment.order.words)
    talk = run.conversation()
    if talk is None:
        return "the file ends its Python process"
    become_current(talk)
    try:
        talk.begin(Seeds(seed).student("diagnose"), "", None)
        draw = numpy.random.default_rng(Seeds(seed).draw("diagnose"))
        if checks:
            return _by_graders(checks, draw, rules)
        about = _function(talk)
        if about is None:
            return f"it defines neither `{TRAIN}` nor `{FIT}`"
        if about == FIT:
            return decide(product_probes(Handle(about), draw, rules), rules), about
        found = decide(loop_probes(Handle(about), draw, rules), rules)
        beside = [one for own in _networks(talk, assignment) for one in look_at(Handle(about), own, draw, TAUGHT)]
        return replace(found, notes=(*found.notes, *beside)), about
    except StudentFault as fault:
        return fault.found.rstrip(".")


def _by_graders(checks: Sequence[Declared], draw: numpy.random.Generator, rules: Rules) -> tuple[Decision, str] | str:
    """The verdict of the first order check whose function the file defines."""
    lacking = False
    for check in checks:
        try:
            found = check.decided(draw, rules)
        except StudentFault as fault:
            if fault.kind != "missing":
                raise
            lacking = True
            continue
        if found is not None:
            return found.decision, found.about
    names = [f"`{check.name}`" for check in checks]
    if not lacking:
        return "no hidden test checks the order of a loop here"
    return f"it defines neither {' nor '.join(names)}" if len(names) > 1 else f"it does not define {names[0]}"


def _networks(talk: Conversation, assignment: Assignment) -> list[Handle]:
    """The classes of networks among the names that the assignment asks for."""
    names = dict.fromkeys(name for question in assignment.questions.values() for name in question.names)
    found = []
    for name in names:
        with contextlib.suppress(StudentFault):
            if talk.ask("is_a", name, of=talk.named(name, f"`{name}`"), kind="module class"):
                found.append(Handle(name))
    return found


def _function(talk: Conversation) -> str | None:
    for name in (TRAIN, FIT):
        try:
            if talk.ask("is_a", name, of=talk.named(name, f"`{name}`"), kind="function"):
                return name
        except StudentFault as fault:
            if fault.kind != "missing":
                raise
    return None
