"""What hand-ins cost that once hung the supervisor or the judge, or filled their memory: CPU seconds and peak memory.

    python benchmarks/limits.py [--tree FOLDER]     of the package in FOLDER instead (another commit's work tree)

Each is tried in a process of its own, which is ended at CPU_SECONDS or MEMORY_MB: "more than" is said there. Memory is
what it has beyond a process that imports the same and reads nothing.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CPU_SECONDS = 20
MEMORY_MB = 6000


def magic_cell() -> Callable[[], object]:
    """A small zip: a notebook whose one cell is `%%x` and 400,000 newlines."""
    from autograder.intake.archive import Budget, members
    from autograder.intake.notebook import read_notebook

    cell = {"cell_type": "code", "source": "%%x" + "\n" * 400_000, "metadata": {}, "outputs": []}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("lab.ipynb", json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    data = packed.getvalue()

    def read() -> object:
        found = [member.content for member in members(data, lambda name: True, Budget())]
        return [read_notebook(content, ("alpha",)) for content in found if content is not None]

    return read


def blank_lines() -> Callable[[], object]:
    """The judge asks which cell binds a name that failed: one is 30,000 newlines."""
    from autograder.judge.cells import mentions

    return lambda: mentions("\n" * 30_000, "alpha")


def many_rates() -> Callable[[], object]:
    """A forged account of 20,000 learning rates."""
    from autograder.loop.compiling import rates_in
    from autograder.loop.machine import Step

    steps = [Step("W", (), factor=1.011 ** (number - 10_000)) for number in range(20_000)]
    return lambda: rates_in(steps)


def no_bytes() -> Callable[[], object]:
    """A tensor of the shape (2^24, 0), which has no bytes, made a list."""
    import torch  # noqa: F401  (decoding needs it, which is no cost of the example)

    from autograder import wire

    form = {"k": "tensor", "dtype": "float32", "shape": [2**24, 0], "o": 0, "n": 0}
    return lambda: wire.decode(form, b"").tolist()


def small_numbers() -> Callable[[], object]:
    """A parameter of 120 million uint8, of which the judge makes float64."""
    from autograder import wire
    from autograder.loop.probes import arrays

    body = bytes(120_000_000)
    form = {"k": "tensor", "dtype": "uint8", "shape": [120_000_000], "o": 0, "n": len(body)}
    return lambda: arrays({"weight": wire.decode(form, body)})


EXAMPLES = {one.__name__: one for one in (magic_cell, blank_lines, many_rates, no_bytes, small_numbers)}


def one(name: str) -> None:
    """In a process of its own: try one example and print what it took."""
    from autograder import wire

    work = EXAMPLES[name]()
    had, started = _peak(), time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(started) + CPU_SECONDS, int(started) + CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB << 20, MEMORY_MB << 20))
    try:
        work()
        said = "read"
    except wire.WireError as error:
        said = f"refused: {error}"
    except (MemoryError, RuntimeError):
        said = f"more than {MEMORY_MB} MB"
    print(json.dumps([time.process_time() - started, _peak() - had, said]))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tree", type=Path, default=ROOT)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    wish = parser.parse_args()
    sys.path[:0] = [str(wish.tree.resolve())]
    if wish.one:
        one(wish.one)
        return
    print("| what | CPU s | MB | |\n| --- | --- | --- | --- |")
    for name, example in EXAMPLES.items():
        words = [sys.executable, __file__, "--tree", str(wish.tree), "--one", name]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            cpu, peak, said = f"more than {CPU_SECONDS}", "", f"ended ({done.returncode})"
        else:
            took, most, said = json.loads(done.stdout)
            cpu, peak = f"{took:.3f}", f"{most:.0f}"
        print(f"| {(example.__doc__ or name).rstrip('.')} | {cpu} | {peak} | {said} |", flush=True)


if __name__ == "__main__":
    main()
