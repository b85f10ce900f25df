"""`autograder grade`, from the command's options to an exit code: collect, plan, grade, write, tell.

Each step is given what the one before it made. Progress goes to stderr, what was found to stdout.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import replace

from rich.console import Console
from rich.markup import escape

from autograder.course import Assignment, Course
from autograder.engine.attempts import taken_of
from autograder.engine.grading import grade
from autograder.engine.looking import looked
from autograder.engine.options import Options
from autograder.engine.people import named
from autograder.engine.planning import Plan, known_in, planned_for
from autograder.intake.collecting import Collected, collect
from autograder.intake.faults import IntakeError
from autograder.record.anonymity import Overview, made_up, naming
from autograder.record.findings import keep_findings
from autograder.record.folder import RECORD, locked
from autograder.record.standing import standings
from autograder.record.store import Record, RecordFullError
from autograder.report.outputs import CLASS_PAGE, NAMES, remove_pages, write_outputs
from autograder.report.regrades import shown_regrades
from autograder.results import Status
from autograder.terminal.progress import Bar, Interrupt
from autograder.terminal.summary import regrades_table, summarise, unused_extensions

TROUBLE = (Status.NOT_GRADABLE, Status.GRADER_ERROR)


def grade_class(course: Course, assignment: Assignment, options: Options, console: Console, progress: Console) -> int:
    """Grade everything that the options name; the exit code. Raises AutograderError before anything runs."""
    collected = collect(options.paths, names=assignment.names, layout=options.layout, counts=assignment.attempts)
    if not collected.submissions and options.roster is None:
        raise IntakeError(f"There is no notebook in {', '.join(map(str, options.paths))}.")
    known = known_in(options.out / RECORD)
    plan, collected = planned_for(course, assignment, collected, known, options)
    options = replace(options, only=asked_for(options, plan))
    warn(progress, collected, plan, options)
    interrupt = Interrupt(progress)
    with locked(options.out), interrupt, Bar(progress, to_grade(plan, options)) as bar:
        record = grade(course, assignment, plan.submissions, plan, options, bar.heard, interrupt.watch)
    with contextlib.closing(record):
        if assignment.attempts == "best":
            collected = replace(collected, notes=(*collected.notes, *taken_of(record)))
        view = write_class(record, collected, plan, options, {one.key for one in known.people})
        tell(console, assignment, view, collected, plan, options)
        if changed := shown_regrades(record, view.name_of, known.regrades):
            console.print(regrades_table(changed))
        console.print(f"The class at a glance: {escape(str(options.out / CLASS_PAGE))}", soft_wrap=True)
    outcomes = {one.person.key: one.outcome for one in view.standings if one.outcome is not None}
    if interrupt.asked:
        left = sum(not outcomes.keys() >= {*rows} for rows in plan.owners.values())
        console.print(f"Stopped as you asked: {left} hand-ins are left. The same command goes on with them.")
        return 1
    return int(any(outcome.status in TROUBLE for outcome in outcomes.values()))


def asked_for(options: Options, plan: Plan) -> tuple[str, ...]:
    """The keys that --student means. Raises IntakeError where nothing was handed in under one."""
    whose = named(plan.entries, made_up(options.anonymous))
    meant = {text: {text} if plan.hand_ins(text) else whose.found(text) for text in options.only}
    unknown = [text for text, keys in meant.items() if len(keys) > 1 or not any(map(plan.hand_ins, keys))]
    if unknown:
        raise IntakeError(f"--student: nothing was handed in under {', '.join(sorted(unknown))}.")
    return tuple(key for keys in meant.values() for key in keys)


def to_grade(plan: Plan, options: Options) -> int:
    """How many outcomes the run will tell of."""
    wanted = {hand_in for key in options.only for hand_in in plan.hand_ins(key)} or plan.owners.keys()
    return sum(len(plan.owners[hand_in]) for hand_in in wanted)


def warn(progress: Console, collected: Collected, plan: Plan, options: Options) -> None:
    """What a person may want to stop the run for."""
    if plan.strangers_alone:
        progress.print(
            f"None of {len(collected.submissions)} hand-ins is of a student on {escape(str(options.roster))}. Is it "
            "this class's, with the ids that the file names have? Was the download recognised (else see --layout)?"
        )
    if not options.anonymous and (options.out / NAMES).is_dir():
        progress.print("This run was anonymous until now; without --anonymous, its files will name students.")


def write_class(
    record: Record, collected: Collected, plan: Plan, options: Options, before: Collection[str] = ()
) -> Overview:
    """Everything beside the record, with what this call found; `before` are the keys of earlier calls.

    Raises RecordFullError where the files cannot be written.
    """
    try:
        everybody = standings(record, with_tests=False)
        gone = {*before} - {one.person.key for one in everybody}
        remove_pages(options.out, gone | set(map(naming(record), gone)))
        keep_findings(record, looked(collected, plan, everybody, options.paths))
        return write_outputs(options.out, record)
    except OSError as error:
        raise RecordFullError(
            f"The files of the run cannot be written to {options.out} ({error.strerror}). All scores are in {RECORD}: "
            f"make room, then `autograder report {options.out}`."
        ) from None


def tell(
    console: Console, assignment: Assignment, view: Overview, collected: Collected, plan: Plan, options: Options
) -> None:
    """The summary, and what to look at."""
    if options.anonymous:  # they name people's files
        collected = replace(collected, notes=(), left_out=())
    summarise(console, assignment, view, collected, options.out)
    if plan.findings:
        console.print(f"Whose is what, to look at in problems.csv: {len(plan.findings)}.")
    people = [one.person for one in view.standings]
    for sentence in unused_extensions(assignment, people, options.anonymous):
        console.print(escape(sentence), highlight=False)
