"""Does sound work earn everything, whatever the run's seed? Grades the solution and a dozen other sound notebooks.

    python benchmarks/fairness.py [--seeds N]

Prints, for each notebook, how many of the seeds gave full marks, and the CPU seconds that hidden tests spent in the
student's code by question (median and largest). Exits 1 if any sound notebook lost a point at any seed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from pathlib import Path

from autograder.course import find_course, load_course
from autograder.engine.slots import Job, Slots
from autograder.results import Outcome

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "solutions/dipping_into_pytorch"))
from made_up_class import VARIANTS, compose

PLAIN = {"q1": "q1-plain", "q2": "q2-plain", "q3": "q3-lab-order", "q4": "q4-lab", "q5": "q5-lab-order"}
SOUND = {
    "3 hidden": {"q6": "q6-linear-3"},
    "4 hidden": {"q6": "q6-linear-4"},
    "8 hidden": {"q6": "q6-linear-8"},
    "16 hidden": {"q6": "q6-linear-16"},
    "32 hidden": {"q6": "q6-linear-32"},
    "64 hidden": {"q6": "q6-linear-64"},
    "128 hidden": {"q6": "q6-linear-128"},
    "one layer": {"q6": "q6-one-layer"},
    "shuffled": {"q5": "q5-shuffled-copy", "q6": "q6-linear-8"},
    "zero_grad first": {"q3": "q3-reset-first", "q5": "q5-reset-first", "q6": "q6-linear-8"},
    "FloatTensor": {"q1": "q1-float-tensor", "q6": "q6-linear-4"},
    "no repeats": {"q5": "q5-randperm", "q6": "q6-one-layer"},
    "by hand": {"q5": "q5-by-hand", "q6": "q6-own-loop"},
    "Adam": {"q5": "q5-adam", "q6": "q6-slow-and-long"},
}


def notebooks() -> dict[str, bytes]:
    """The sound notebooks by name."""
    made = {}
    for name, other in SOUND.items():
        parts = {question: VARIANTS[variant] for question, variant in {**PLAIN, **other}.items()}
        made[name] = compose(parts, dress="jupyter", seed=0)
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=30)
    options = parser.parse_args()
    course = load_course(find_course(Path(__file__).parent))
    assignment = course.assignment("dipping_into_pytorch")
    work = {"the solution": course.master_path(assignment).read_bytes(), **notebooks()}
    full: dict[str, int] = defaultdict(int)
    lost: list[str] = []
    spent: dict[str, list[float]] = defaultdict(list)
    with Slots(course, assignment, 2, course.seed, trusted=True) as slots:

        def ended(job: Job, outcome: Outcome) -> None:
            full[job.key] += outcome.score == assignment.points
            if outcome.score != assignment.points:
                why = [test.id for q in outcome.questions for test in q.tests if test.outcome != "passed"]
                lost.append(f"{job.key}, seed {slots.seed}: {outcome.score} {outcome.message} {why}")
            for question in outcome.questions:
                spent[question.id].append(sum(test.cpu for test in question.tests))
            spent["together"].append(outcome.cpu.get("tests", 0.0))

        for seed in range(options.seeds):
            slots.seed = seed
            slots.run([Job(name, content) for name, content in work.items()], ended)
            print(f"seed {seed} done", file=sys.stderr)
    for name in work:
        print(f"{name:16} full marks for {full[name]} of {options.seeds} seeds")
    for question, seconds in spent.items():
        print(
            f"hidden tests, {question:9} median {statistics.median(seconds):5.2f} s CPU, largest {max(seconds):5.2f} s"
        )
    for line in lost:
        print(line)
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main())
