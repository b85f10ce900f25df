"""What grading costs above running the same cells: one run, CPU milliseconds and a ratio.

    python benchmarks/overhead.py [NOTEBOOK] [--rounds N]

A: the notebook's code cells by exec() in a bare fork of a process that is as warm as the zygote (torch, its optimizers,
   matplotlib and IPython imported and used), nothing else. B: the whole of grading it (supervisor, judge, session,
   confinement, hidden tests). Hidden tests train networks themselves; the CPU that the student's code used in them is
   told apart, because it depends on what a course asks for. A and B take turns; medians are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

from autograder.course import find_course, load_course
from autograder.engine.slots import Job, Slots
from autograder.intake.notebook import Unreadable, read_notebook
from autograder.judge.results import Outcome


def bare_runner(cells: tuple[str, ...], rounds: int) -> list[float]:
    """CPU seconds of each of `rounds` bare forks, measured in a fresh warm process."""
    code = (
        "import os, sys, json, resource\n"
        "from autograder.sandbox.zygote import warm\n"
        "warm()\n"
        "import types\n"
        "class Silent:\n"
        "    __init__ = check = check_all = export = lambda self, *a, **k: None\n"
        "sys.modules['otter'] = types.SimpleNamespace(Notebook=Silent)\n"
        "cells = json.load(sys.stdin)\n"
        "for _ in range(int(sys.argv[1])):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        sys.stdout = open(os.devnull, 'w')\n"
        "        space = {'__name__': '__main__', 'display': print}\n"
        "        for cell in cells:\n"
        "            exec(compile(cell, '<cell>', 'exec'), space)\n"
        "        os._exit(0)\n"
        "    _, status, used = os.wait4(pid, 0)\n"
        "    assert status == 0, 'the notebook does not run bare'\n"
        "    print(used.ru_utime + used.ru_stime, flush=True)\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(rounds)],
        input=json.dumps(cells),
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    return [float(line) for line in done.stdout.split()]


def plain_cells(path: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """The notebook's cells without what only a notebook understands (magics); otter is a silent stand-in."""
    read = read_notebook(path.read_bytes(), names)
    if isinstance(read, Unreadable):
        raise SystemExit(f"{path}: {read.reason}")
    return tuple(cell for cell in read.code if not cell.lstrip().startswith(("%", "!")))


def used_by(*pids: int) -> float:
    """CPU seconds of these processes and of all their reaped children."""
    total = 0.0
    for pid in pids:
        times = psutil.Process(pid).cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    course = load_course(find_course(Path(__file__).parent))
    assignment = course.assignment("dipping_into_pytorch")
    path = options.notebook or course.master_path(assignment)
    cells = plain_cells(path, assignment.names)
    content = path.read_bytes()
    graded: list[float] = []
    tests: list[float] = []
    walls: list[float] = []
    bare: list[float] = []
    outcomes: list[Outcome] = []
    with Slots(course, assignment, 1, course.seed) as slots:
        processes = slots.judge.process.pid, slots.sandbox.process.pid
        for number in range(options.rounds + 1):
            before = used_by(*processes), time.process_time(), time.monotonic()
            slots.run([Job(f"round-{number}", content)], lambda job, outcome: outcomes.append(outcome))
            while slots.sandbox.holds:
                slots.sandbox.hear()
            slots.judge.channel.receive()  # the fork has been reaped
            after = used_by(*processes), time.process_time(), time.monotonic()
            bare += bare_runner(cells, 1)
            graded.append(after[0] - before[0] + after[1] - before[1])
            walls.append(after[2] - before[2])
            tests.append(outcomes[-1].cpu["tests"])
    first = slice(1, None)  # the first round pays for first uses
    whole, train, alone = (statistics.median(part[first]) for part in (graded, tests, bare))
    extra = statistics.median(g - t - b for g, t, b in zip(graded[first], tests[first], bare[first], strict=True))
    print(f"notebook {path.name}, {options.rounds} rounds, level {slots.sandbox.level}, medians of CPU time")
    print(f"score                                   {outcomes[-1].score} of {outcomes[-1].max_score}")
    print(f"A  same cells in a bare warm fork       {alone * 1000:8.0f} ms")
    print(f"B  graded, all processes                {whole * 1000:8.0f} ms   (wall {statistics.median(walls):.2f} s)")
    print(f"   of it training by hidden tests       {train * 1000:8.0f} ms")
    print(f"overhead  B - training - A              {extra * 1000:8.0f} ms   ratio to A {1 + extra / alone:.3f}")
    print()


if __name__ == "__main__":
    main()
