"""Fuzzes the readers of the student's side for long: by Atheris, which is guided by coverage, where it is installed.

    pip install atheris
    python benchmarks/fuzz.py [--runs N] [--only TARGET ...]

Without Atheris the inputs are Hypothesis's. Each target runs in a process of its own under a limit of memory. Printed
are inputs, seconds, the greatest resident memory, and the first input that got another exception out, if any.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
MEMORY = 4 << 30  # bytes of address space; torch takes most of it


def fuzz(name: str, runs: int) -> None:
    """In a process of its own; Atheris ends it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        import atheris
    except ImportError:
        atheris = None
    if atheris is None:
        import fuzzing
        from hypothesis import HealthCheck, given, settings
        from hypothesis import strategies as st

        every = settings(max_examples=runs, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        every(given(st.binary(max_size=4000))(fuzzing.TARGETS[name]))()
        return
    with atheris.instrument_imports(include=["autograder"]):
        import fuzzing
    with tempfile.TemporaryDirectory(prefix="fuzz-") as corpus:
        for number, seed in enumerate(fuzzing.seeds()[name]):
            (Path(corpus) / str(number)).write_bytes(seed)
        target = fuzzing.TARGETS[name]
        options = [
            f"-runs={runs}",
            "-max_len=6000",
            "-rss_limit_mb=3000",
            "-verbosity=0",
            f"-artifact_prefix={corpus}/",
        ]
        atheris.Setup([sys.argv[0], *options, corpus], lambda data: target(bytes(data)))
        atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=300_000)
    parser.add_argument("--only", nargs="*", default=["frame", "value", "notebook", "archive"])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.one:
        fuzz(wish.one, wish.runs)
        return
    for name in wish.only:
        started = time.monotonic()
        words = [sys.executable, __file__, "--one", name, "--runs", str(wish.runs)]
        done = subprocess.run(words, capture_output=True, text=True)
        took = time.monotonic() - started
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        verdict = (
            "nothing else came out" if done.returncode == 0 else f"FAILED ({done.returncode})\n{done.stderr[-3000:]}"
        )
        print(f"{name}: {wish.runs} inputs in {took:.0f} s, at most {peak:.0f} MB: {verdict}", flush=True)


if __name__ == "__main__":
    main()
