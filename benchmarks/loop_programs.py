"""Thousands of random loop programs put to the order check: who is accused wrongly, what gets past both witnesses.

    python benchmarks/loop_programs.py [--general] [--right 2000] [--faulty 2000] [--seed 0] [--seconds S]

Each program trains the first lab's network; with --general it draws network, loss, batches and optimizer too. The truth
about it comes from exact bookkeeping of its gradients (tests/loops/programs.py). Prints the counts, a table of kinds
and verdicts, and the source of whatever went wrong. After --seconds it counts what it has.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import random
import sys
import time
from collections import Counter
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from loops.judging import judged, sizes, train_of
from loops.programs import draw_setting, faulty_program, right_program, source, truth, verdict_on

from autograder.loop.probes import TAUGHT


def one(wanted: tuple[bool, bool, int]) -> tuple[str, str, str, str]:
    """(what became of it, the truth's kind, the verdict, the source) of one program."""
    right, general, seed = wanted
    torch.set_num_threads(1)
    rng = random.Random(seed)
    program = (right_program if right else faulty_program)(rng, draw_setting(rng) if general else None)
    kind = program.setting.probe() if program.setting else TAUGHT
    counts = sizes(seed, kind)
    truths = [truth(program, *size) for size in counts]
    faults = [known.kind for known in truths if known.kind != "right"]
    fault = faults[-1] if faults else "right"
    text = f"# {program.setting}\n{source(program)}"
    with contextlib.redirect_stdout(io.StringIO()):
        found = judged(train_of(text), seed=seed, kind=kind)
    whole = verdict_on(program, counts)
    if whole == "right":
        kept = found.share == 1 and found.as_asked and not found.flags
        return ("right, kept" if kept else "FALSELY ACCUSED"), fault, found.name, text
    if whole == "open":
        return "nothing moves, or a small pass is one group", fault, found.name, text
    rejected = found.as_asked is not True or bool(found.flags)
    return ("faulty, rejected" if rejected else "MISSED BY BOTH"), fault, f"{found.name}/{found.ledger}", text


def main() -> None:
    """Draw, judge, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--right", type=int, default=2000)
    parser.add_argument("--faulty", type=int, default=2000)
    parser.add_argument("--general", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    wanted = parser.parse_args()
    jobs = [(True, wanted.general, wanted.seed + n) for n in range(wanted.right)] + [
        (False, wanted.general, wanted.seed + n) for n in range(wanted.faulty)
    ]
    started = time.monotonic()
    found = []
    with multiprocessing.get_context("spawn").Pool(wanted.processes) as pool:
        for result in pool.imap_unordered(one, jobs, chunksize=5):
            found.append(result)
            if time.monotonic() - started > wanted.seconds:
                break
    for outcome, kind, name, text in found:
        if outcome.isupper():
            print(f"--- {outcome} ({kind}, {name})\n{text}")
    print(f"{len(found)} programs in {time.monotonic() - started:.0f} s")
    for outcome, count in sorted(Counter(row[0] for row in found).items()):
        print(f"{count:6} {outcome}")
    print("truth and verdict of the faulty ones:")
    for (kind, name), count in Counter((row[1], row[2]) for row in found if row[1] != "right").most_common(40):
        print(f"{count:6} {kind:14} {name}")


if __name__ == "__main__":
    main()
