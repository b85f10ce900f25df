"""Grades the one hand-in of a Gradescope container with the same engine that grades a class.

`python -m autograder.gradescope.grading ROOT ANSWER`, started by `watching`: writes results to ANSWER and tells
the instructor on stdout what it did. Exit code 1 and no answer where nothing could be graded by a fault of ours.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from autograder.course import Assignment, Course, load_course
from autograder.engine.grading import grade
from autograder.engine.judging import GradersUnfit
from autograder.engine.options import Options
from autograder.gradescope.metadata import read_metadata
from autograder.gradescope.results import KEY, as_results
from autograder.gradescope.watching import Settings, write
from autograder.intake.archive import MB, Budget
from autograder.intake.choosing import chosen, scripts_sorted_out
from autograder.intake.finding import Search, instead
from autograder.intake.handin import HandIn
from autograder.intake.keys import Place
from autograder.intake.reader import Reader
from autograder.report.results_json import as_text
from autograder.results import Outcome, Status, rounded
from autograder.sandbox.sessions import NOT_PREVENTED, SandboxError

MOST = Budget(members=5000, member_bytes=100 * MB, total_bytes=400 * MB)  # Gradescope takes 100 MB, but packed


def main() -> int:
    """Grade the hand-in of the folder that the command names."""
    root, answer = Path(sys.argv[1]), Path(sys.argv[2])
    started = time.monotonic()
    settings = Settings.read(root / "source")
    course = load_course(root / "source" / "course")
    assignment = course.assignment(settings.assignment)
    found = read_metadata(root / "submission_metadata.json")
    one = hand_in(root / "submission", assignment.names)
    print(f"Graded from {one.source}." if one.content is not None else f"Nothing to grade: {one.problem}.")
    try:
        outcome = graded(course, assignment, one, settings, root, answer.parent / "run")
    except (SandboxError, GradersUnfit) as error:
        print(f"Nothing was graded: {error}")
        return 1
    if outcome.level == "basic":
        print(f"At the level `basic` this is not prevented: {NOT_PREVENTED['basic']}.")
    results, lines = as_results(course.policy(assignment), outcome, found, time.monotonic() - started)
    print("\n".join(lines))
    # a lone surrogate, which a notebook can print, is in no UTF-8
    write(answer, as_text(results).encode("utf-8", "replace").decode("utf-8"))
    return 0


def hand_in(folder: Path, names: tuple[str, ...]) -> HandIn:
    """The one notebook or script to grade of everything that a student uploaded, in whatever layout.

    Of several the one that defines most of the assignment's `names`, as in a student's own archive; where two do, the
    student is asked for one.
    """
    whole = Place(folder.name, folder.name)  # all of it is one person's, however it is packed
    with Reader() as reader:
        seen = list(Search(replace(MOST), reader, names).all([folder])) if folder.is_dir() else []
        everything = [replace(item, within=whole) for item in scripts_sorted_out(seen, names, reader)]
        found, notes, _ = chosen(everything, names, reader)
    for item in found:
        if item.left_out is None:
            shown = item.source.removeprefix(f"{folder.as_posix()}/")
            return HandIn(KEY, item.content, shown, shown, item.problem, notes.get(item.source, ()))
    return HandIn(KEY, None, "", "", "it holds no notebook (.ipynb)" + instead([item.place.path for item in seen]))


def graded(course: Course, assignment: Assignment, one: HandIn, settings: Settings, root: Path, out: Path) -> Outcome:
    """What the engine says of it. The record goes to `out`, which `watching` removes.

    Raises GradersUnfit or SandboxError where it cannot work here.
    """
    if one.content is None:  # nothing runs, so nothing has to be walled in for it
        message = f"What was handed in cannot be graded: {one.problem}."
        points = rounded(assignment.points)
        return Outcome(
            key=KEY, status=Status.NOT_GRADABLE, message=message, max_score=points, seed=course.seed, notes=one.notes
        )
    ours = tuple(root / name for name in ("submission", "results", "submission_metadata.json", "source/settings.json"))
    options = Options(out, course.seed, workers=1, level=settings.level, paths=ours)
    record = grade(course, assignment, [one], None, options, lambda key, outcome: None)
    try:
        outcome = record.outcome(KEY)
        versions = record.info().versions
    finally:
        record.close()
    if outcome is None:
        raise RuntimeError("the engine gave no outcome")
    return outcome.model_copy(update={"versions": versions})


if __name__ == "__main__":
    sys.exit(main())
