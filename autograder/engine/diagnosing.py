"""Runs `autograder diagnose`: one sandbox for all files, one file after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autograder.course import Assignment, Course, CourseError, find_course, load_course
from autograder.judge.declared import declared
from autograder.judge.diagnosis import Diagnosis, diagnose
from autograder.judge.one import LocalBroker, secret_folders
from autograder.sandbox.sessions import Sandbox

USUAL = {
    "id": "diagnosed",
    "title": "A training loop",
    "notebook": "loop.ipynb",
    "packages": ["torch", "numpy", "matplotlib", "tqdm"],
    "questions": {"q5": {"id": "q5", "title": "The training loop", "points": 1.0, "names": ["train", "MyNetwork"]}},
}
SEED = 20260901


def course_here(folder: Path | None, assignment: str | None) -> tuple[Course | None, Assignment]:
    """The course's assignment, for its packages, limits and rules; usual ones where there is no course.

    Raises CourseError if a course was named, or an assignment, and cannot be used.
    """
    try:
        course = load_course(folder if folder is not None else find_course(Path.cwd()))
        return course, course.assignment(assignment)
    except CourseError:
        if folder is not None or assignment is not None:
            raise
        return None, Assignment.model_validate(USUAL)


def diagnose_files(
    files: list[Path], course: Course | None, assignment: Assignment, seed: int | None, level: str | None
) -> Iterator[Diagnosis]:
    """A Diagnosis for each file, as it is found."""
    hidden = secret_folders(course) if course is not None else ()
    checks = declared(course.graders_dir(assignment)) if course is not None else []
    with Sandbox(hidden=hidden, level=level) as sandbox:
        for path in files:
            chosen = SEED if course is None else course.seed
            yield diagnose(path, assignment, LocalBroker(sandbox, assignment), chosen if seed is None else seed, checks)
