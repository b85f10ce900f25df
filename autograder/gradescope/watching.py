"""Sees to it that every hand-in on Gradescope ends with a valid results.json, whatever becomes of the grading.

Grading runs in a process of its own, which may fail, be killed for want of memory, or take too long; this one holds
nothing but the standard library, so that it outlives all that and even an installation in pieces. What it writes then
has no score: a fault of ours is never a zero (see `report.results_json`). Called by run_autograder, which has laid
down such a file before, so that one stands there even if this process is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = "/autograder"  # Gradescope's folder; AUTOGRADER_ROOT names another
OUR_FAULT = "Something went wrong on our side, not on yours. No mark was given; your instructors have to look at it."
TIME_UP = (
    "Grading did not end in the time that it is given here, so no mark was given; your instructors have to look at it. "
    "If one of your cells runs for minutes, make it shorter and hand in again."
)
PART_OF_THE_TIME = 0.9  # of Gradescope's limit, which counts the container's start too and then kills without a word


@dataclass(frozen=True)
class Settings:
    """What was said when the package was made; `seconds` is the time limit that the assignment has on Gradescope."""

    assignment: str
    level: str | None
    seconds: float

    @classmethod
    def read(cls, source: Path) -> Settings:
        return cls(**json.loads((source / "settings.json").read_text(encoding="utf-8")))


def main() -> int:
    """Grade what lies in Gradescope's folder; 0 unless there was a fault of ours. The instructor reads stdout."""
    root = Path(os.environ.get("AUTOGRADER_ROOT") or ROOT).absolute()
    try:
        found, code = graded(root)
    except Exception:  # the student's page must not depend on which bug of ours it was
        print(traceback.format_exc(), flush=True)
        found, code = ungraded(OUR_FAULT, "The program that watches over grading failed; see its output."), 1
    write(root / "results" / "results.json", json.dumps(found, indent=1) + "\n")
    return code


def graded(root: Path) -> tuple[dict[str, Any], int]:
    """The results of the hand-in in `root`, and the exit code."""
    limit = Settings.read(root / "source").seconds * PART_OF_THE_TIME
    with tempfile.TemporaryDirectory(prefix="gradescope-") as folder:
        answer = Path(folder) / "results.json"
        command = [sys.executable, "-P", "-m", "autograder.gradescope.grading", str(root), str(answer)]
        code = ended(command, limit)
        if code is None:
            why = f"Grading was ended after {limit:g} s, {PART_OF_THE_TIME:.0%} of the package's time limit."
            print(
                f"{why} Give the assignment more time or CPU on Gradescope and package it with --minutes.", flush=True
            )
            return ungraded(TIME_UP, why), 1
        if code == 0 and (found := readable(answer)) is not None:
            return found, 0
    killed = f"was killed by signal {-code}; most often the container has too little memory" if code < 0 else "failed"
    print(f"Grading {killed}. No score was given.", flush=True)
    return ungraded(OUR_FAULT, f"Grading {killed}; see the autograder's output."), 1


def ended(command: list[str], seconds: float) -> int | None:
    """The exit code of a command; None if its time was up. Nothing of its process group is left either way."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def readable(path: Path) -> dict[str, Any] | None:
    """The results that grading wrote; None if they are not whole."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "output" in found else None


def ungraded(sentence: str, why: str) -> dict[str, Any]:
    """Results without any score: `sentence` is for the student, `why` for the instructor."""
    return {
        "output": sentence,
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [],
        "extra_data": {"status": "grader_error", "message": why},
    }


def write(path: Path, text: str) -> None:
    """Put the whole file there, or leave what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
