"""The corpus of general training loops against the order check: which right ones are blamed, which faults are missed.

python -m benchmarks.general_loops [--only WORDS] [--seeds N]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from loops.general import LOOPS, RIGHT_NAMES, Loop
from loops.judging import judged, train_of


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    blamed, missed, misnamed, counted = [], [], [], Counter[str]()
    for loop in (loop for loop in LOOPS if options.only in loop.name):
        right = loop.expected == RIGHT_NAMES
        for seed in range(1, options.seeds + 1):
            found = judged(train_of(loop.source), seed=seed, kind=loop.kind)
            counted["right" if right else "faulty"] += 1
            told = f"{loop.name} (seed {seed}): {found.name} {' '.join(found.flags)}"
            if right and found.name not in RIGHT_NAMES:
                (blamed if not found.correct else misnamed).append(told)
            elif not right and found.correct and found.as_asked:
                missed.append(told)
            elif not right and found.name not in loop.expected:
                misnamed.append(told)
    for title, told_ in (("right, but blamed", blamed), ("faulty, but missed", missed), ("told otherwise", misnamed)):
        print(f"{title}: {len(told_)}")
        for line in told_:
            print(f"    {line}")
    print(f"{counted['right']} right and {counted['faulty']} faulty loops, {time.process_time() - began:.0f} s of CPU")
    return 1 if blamed else 0


def sample(loops: tuple[Loop, ...] = LOOPS, every: int = 12) -> tuple[Loop, ...]:
    """Some of them."""
    return loops[::every]


if __name__ == "__main__":
    raise SystemExit(main())
