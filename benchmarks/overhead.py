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
from autograder.results import Outcome


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
    plain = plain_cells(path, assignment.names)
    content = path.read_bytes()
    parts: dict[str, list[float]] = {
        name: [] for name in ("bare", "graded", "cells", "tests", "judge", "student", "rest")
    }
    walls: list[float] = []
    outcomes: list[Outcome] = []
    with Slots(course, assignment, 1, course.seed, trusted=True) as slots:
        judge, zygote = slots.judge.process.pid, slots.sandbox.process.pid
        for number in range(options.rounds + 1):
            before = used_by(judge), used_by(zygote), time.process_time(), time.monotonic()
            slots.run([Job(f"round-{number}", content)], lambda job, outcome: outcomes.append(outcome))
            while slots.sandbox.holds:
                slots.sandbox.hear()
            slots.judge.channel.receive()  # the fork has been reaped
            after = used_by(judge), used_by(zygote), time.process_time(), time.monotonic()
            judged, student, here, wall = (now - then for now, then in zip(after, before, strict=True))
            cells, tests = (outcomes[-1].cpu[name] for name in ("notebook", "tests"))
            parts["bare"] += bare_runner(plain, 1)
            parts["graded"].append(judged + student + here)
            parts["cells"].append(cells)
            parts["tests"].append(tests)
            parts["judge"].append(judged)
            parts["student"].append(student - cells - tests)
            parts["rest"].append(here)
            walls.append(wall)
    middle = {name: statistics.median(values[1:]) * 1000 for name, values in parts.items()}  # the first warms up
    pairs = zip(parts["graded"][1:], parts["tests"][1:], parts["bare"][1:], strict=True)
    difference = statistics.median(graded - tests - bare for graded, tests, bare in pairs) * 1000
    overhead = middle["judge"] + middle["student"] + middle["rest"]
    print(f"{path.name}, {options.rounds} rounds, level {slots.sandbox.level}; medians, milliseconds of CPU")
    print(f"score {outcomes[-1].score} of {outcomes[-1].max_score}, wall {statistics.median(walls):.2f} s")
    print(f"A  the cells in a bare warm fork             {middle['bare']:7.0f}")
    print(f"B  graded, all processes                     {middle['graded']:7.0f}")
    print(f"     the cells, in the session               {middle['cells']:7.0f}")
    print(f"     student's code called by hidden tests   {middle['tests']:7.0f}")
    print(f"     judge: pytest, replay, wire             {middle['judge']:7.0f}")
    print(f"     session: forks, confinement, wire       {middle['student']:7.0f}")
    print(f"     supervisor                              {middle['rest']:7.0f}")
    print(
        f"overhead by account                          {overhead:7.0f}   ratio to A {1 + overhead / middle['bare']:.3f}"
    )
    print(f"overhead by pairs (B - tests - A)            {difference:7.0f}   noisy where A is long")


if __name__ == "__main__":
    main()
