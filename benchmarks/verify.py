"""Do the labs' graders tell right from wrong, over many seeds?

`python benchmarks/verify.py [ASSIGNMENT ...] --seeds 20`. For each lab: what `autograder verify` finds with that many
seeds and with every automatic mutant, the seconds it took, and which hidden tests could be taken away without a mistake
of the catalogue going unnoticed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console

from autograder.authoring.verify import verify
from autograder.course import load_course
from autograder.engine.trying import trying
from autograder.terminal.verified import shown

ROOT = Path(__file__).parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("assignments", nargs="*", default=["dipping_into_pytorch", "bending_the_line"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--mutants", type=int, default=-1)
    asked = parser.parse_args()
    course, console, sound = load_course(ROOT), Console(width=140), True
    for name in asked.assignments:
        assignment, began, graded = course.assignment(name), time.monotonic(), []
        with trying(course, assignment, 2, None, graded.append) as grade:
            seeds = range(course.seed, course.seed + asked.seeds)
            found = verify(course, assignment, grade, seeds, asked.mutants)
        console.print(shown(found))
        needless = [test.id for test in found.tests if not test.alone]
        console.print(f"Caught by others as well, if taken away: {', '.join(needless) or 'none'}.")
        console.print(f"{len(graded)} notebooks graded in {time.monotonic() - began:.0f} s.\n")
        sound = sound and found.sound
    return int(not sound)


if __name__ == "__main__":
    sys.exit(main())
