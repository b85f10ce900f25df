"""Fuzzes the readers of the student's side for long: by Atheris, which is guided by coverage, where it is installed.

    pip install atheris
    python benchmarks/fuzz.py [--runs N] [--only TARGET ...] [--keep FOLDER]

Without Atheris the inputs are valid ones that were spoilt, as in tests/test_fuzz.py. Each target runs in a process of
its own, and every input under a limit of CPU seconds and of memory. Of every 100 inputs one is grown: a piece of it is
repeated to some 60 KB, which shows what takes time by the square of its size. Printed is a table: the inputs, the most
CPU seconds and the most memory that one took, and how many broke a limit or got another exception out. Those are kept
in the folder, and the run goes on. Exits with 1 if there were any.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

CPU_SECONDS = 2.0  # for one input; a reader has 10 for a file that is as large as any
MEMORY_MB = 1024  # by which the process may grow; a reader has 2048
STUCK_SECONDS = 60  # of CPU: what stays so long within one call of a C library is ended with its process
LONGEST = 6000  # bytes of an input that is not grown
GROWN = 60_000
GROWN_EVERY = 100
MOST_KEPT = 20  # inputs of one target
MB = 1 << 20


@dataclass
class Report:
    """What came of the inputs of one target; written to a file by the process that tried them."""

    inputs: int = 0
    cpu: float = 0.0  # the most seconds that one input took
    peak: float = 0.0  # MB of resident memory above what the process had at its start
    found: list[str] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)


class Watch:
    """Calls a target with one input after the other, each under its limits, until there were `runs` of them."""

    def __init__(self, name: str, target: Callable[[bytes], None], runs: int, told: Path, keep: Path) -> None:
        from autograder import bounds

        self.name, self.target, self.runs, self.told, self.keep = name, target, runs, told, keep
        self.bounds, self.report = bounds, Report()
        self.at_work = keep / f"{name}-at-work"  # what a process that was ended was busy with
        self.resident = _peak()
        bounds.take_memory(MEMORY_MB)

    def __call__(self, data: bytes) -> None:
        self.once(data)
        if self.report.inputs % GROWN_EVERY == GROWN_EVERY - 1 and data:
            self.once(grown(data, random.Random(data)))

    def once(self, data: bytes) -> None:
        report = self.report
        if report.inputs == self.runs:
            self.end()
        self.bounds.take_cpu(STUCK_SECONDS)
        if len(data) > LONGEST:
            self.at_work.write_bytes(data)
        started = time.process_time()
        try:
            with self.bounds.watched(CPU_SECONDS):
                self.target(data)
        except self.bounds.OverTimeError:
            self.found("over its CPU seconds", data)
        except MemoryError:
            self.found("over its memory", data)
        except Exception as error:
            self.found(f"{type(error).__name__}: {traceback.format_exc(limit=-3)[-800:]}", data, type(error).__name__)
        else:
            if time.process_time() - started > CPU_SECONDS:
                self.found("over its CPU seconds", data)
        report.inputs += 1
        if (took := time.process_time() - started) > report.cpu:
            report.cpu = took
            (self.keep / f"{self.name}-slowest").write_bytes(data)
        if report.inputs % 1000 == 0:
            self.write()

    def found(self, what: str, data: bytes, kind: str = "") -> None:
        kinds = self.report.kinds
        kinds[kind or what] = kinds.get(kind or what, 0) + 1
        if len(self.report.found) < MOST_KEPT:
            path = self.keep / f"{self.name}-{len(self.report.found)}"
            path.write_bytes(data)
            self.report.found.append(f"{path}: {what}")

    def write(self) -> None:
        self.report.peak = _peak() - self.resident
        self.told.write_text(json.dumps(asdict(self.report)))

    def end(self) -> None:
        self.write()
        self.at_work.unlink(missing_ok=True)
        os._exit(0)  # a fuzzer's own end prints much and may wait


def grown(data: bytes, chance: random.Random) -> bytes:
    """The input with a piece of it, of one to 40 bytes, repeated to some GROWN bytes."""
    start = chance.randrange(len(data))
    piece = data[start : start + chance.choice([1, 1, 2, 3, 7, 40])]
    return data[:start] + piece * (GROWN // len(piece)) + data[start:]


def _peak() -> float:
    """MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fuzz(name: str, runs: int, told: Path, keep: Path) -> None:
    """In a process of its own, which `Watch.end` ends."""
    try:
        import atheris
    except ImportError:
        import fuzzing

        chance, seeds = random.Random(name), fuzzing.seeds()[name]
        watch = Watch(name, fuzzing.TARGETS[name], runs, told, keep)
        while True:
            seed = chance.choice(seeds)
            if chance.random() < 0.5:
                seed = fuzzing.twisted(seed, chance)
            watch(fuzzing.spoilt(seed, chance))
    with atheris.instrument_imports(include=["autograder"]):
        import fuzzing
    with tempfile.TemporaryDirectory(prefix="fuzz-") as corpus:
        for number, seed in enumerate(fuzzing.seeds()[name]):
            (Path(corpus) / str(number)).write_bytes(seed)
        watch = Watch(name, fuzzing.TARGETS[name], runs, told, keep)

        def changed(data: bytes, most: int, seed: int) -> bytes:
            chance = random.Random(seed)
            if chance.random() < 0.5:
                new = fuzzing.twisted(bytes(data), chance)
                if new != bytes(data) and len(new) <= most:
                    return new
            return atheris.Mutate(data, most)

        options = [
            f"-max_len={LONGEST}",
            "-rss_limit_mb=0",
            "-timeout=3600",
            "-verbosity=0",
            f"-artifact_prefix={keep}/{name}-ended-",
        ]
        atheris.Setup([sys.argv[0], *options, corpus], lambda data: watch(bytes(data)), custom_mutator=changed)
        atheris.Fuzz()


def row(name: str, report: Report, seconds: float, ended: int) -> str:
    broken = ", ".join(f"{count} x {kind}" for kind, count in report.kinds.items()) or "none"
    broken += f"; the process was ended ({ended})" if ended else ""
    return f"| {name} | {report.inputs:,} | {seconds:.0f} | {report.cpu:.2f} | {report.peak:.0f} | {broken} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=125_000, help="inputs of each target")
    parser.add_argument("--only", nargs="*", help="all without")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-found"), help="folder for inputs that broke something")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--told", type=Path, help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.one:
        fuzz(wish.one, wish.runs, wish.told, wish.keep)
    import fuzzing  # not before: Atheris watches what is imported under its eyes

    wish.keep.mkdir(parents=True, exist_ok=True)
    print("| reader | inputs | seconds | most CPU s of one | most MB | broke a limit or got out |", flush=True)
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    total, found = 0, []
    for name in wish.only or fuzzing.TARGETS:
        told = wish.keep / f"{name}.json"
        told.unlink(missing_ok=True)
        started = time.monotonic()
        words = ["--one", name, "--runs", str(wish.runs), "--keep", str(wish.keep), "--told", str(told)]
        done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True)
        report = Report(**json.loads(told.read_text())) if told.exists() else Report()
        print(row(name, report, time.monotonic() - started, done.returncode), flush=True)
        total += report.inputs
        found += report.found + ([f"{name} ended:\n{(done.stdout + done.stderr)[-3000:]}"] if done.returncode else [])
    print(f"\n{total:,} inputs in all; each under {CPU_SECONDS:g} CPU seconds and {MEMORY_MB} MB")
    print("\n".join(found))
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
