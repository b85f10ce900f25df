"""What `strong` costs above no confinement, and whether memory grows with the class; ratios from one run.

    python benchmarks/confinement.py [--rounds 60] [--students 500]

Cost: sessions of one small notebook are made, run and ended, in turns at `strong` and at `basic` (which has limits but
no walls); CPU milliseconds of everything (supervisor, judge and zygote with all their ended children) per student, the
means over blocks. Memory: one run of `--students` notebooks; the resident memory of supervisor, judge and zygote
after 100 of them and after all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from attacks.cases import RIGHT  # noqa: E402
from attacks.suite import course_in  # noqa: E402

from autograder.course import find_course, load_course  # noqa: E402
from autograder.engine.slots import Job, Slots  # noqa: E402

BLOCK = 5


def notebook(number: int) -> bytes:
    cell = {"cell_type": "code", "source": f"{RIGHT}\n# {number}", "metadata": {}, "outputs": []}
    return json.dumps({"cells": [cell], "nbformat": 4, "nbformat_minor": 4, "metadata": {}}).encode()


def heads(slots: Slots) -> list[psutil.Process]:
    return [psutil.Process(), *psutil.Process().children()]


def used(slots: Slots) -> float:
    """CPU seconds of this process and its helpers, with their ended children."""
    total = 0.0
    for process in psutil.Process().children():
        times = process.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    own = psutil.Process().cpu_times()
    return total + own.user + own.system


def cost(course: Path, rounds: int) -> None:
    loaded = load_course(find_course(course))
    assignment = loaded.assignments["tiny"]
    figures: dict[str, list[float]] = {}
    for turn in range(4):
        for level in ("strong", "basic"):
            with Slots(loaded, assignment, 1, 0, level) as slots:
                slots.run([Job("warm", notebook(-1))], lambda job, outcome: None)
                for block in range(rounds // BLOCK // 4):
                    before = used(slots)
                    jobs = [Job(f"s{turn}-{block}-{number}", notebook(number)) for number in range(BLOCK)]
                    slots.run(jobs, lambda job, outcome: check(outcome.score))
                    figures.setdefault(level, []).append((used(slots) - before) / BLOCK * 1000)
    strong, basic = (statistics.fmean(figures[level]) for level in ("strong", "basic"))  # clocks tick every 10 ms
    print(
        f"strong {strong:.1f} ms CPU per student, basic {basic:.1f} ms: {strong - basic:+.1f} ms, x{strong / basic:.2f}"
    )


def check(score: float | None) -> None:
    if score != 4.0:
        sys.exit(f"a right notebook got {score}")


def memory(course: Path, students: int) -> None:
    loaded = load_course(find_course(course))
    assignment = loaded.assignments["tiny"]
    done = 0
    seen: dict[int, list[float]] = {}
    with Slots(loaded, assignment, 2, 0) as slots:

        def ended(job: Job, outcome: object) -> None:
            nonlocal done
            done += 1
            if done in (100, students):
                seen[done] = [process.memory_info().rss / 2**20 for process in heads(slots)]

        slots.run([Job(f"s{number}", notebook(number)) for number in range(students)], ended)
    for name, one, other in zip(("supervisor", "judge", "zygote"), seen[100], seen[students], strict=True):
        print(f"{name}: {one:.1f} MB after 100, {other:.1f} MB after {students}: {100 * (other / one - 1):+.1f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=80)
    parser.add_argument("--students", type=int, default=500)
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="confinement-") as folder:
        course = course_in(Path(folder) / "course")
        cost(course, wish.rounds)
        memory(course, wish.students)


if __name__ == "__main__":
    main()
