"""Kills runs at every step and at random moments, and compares what comes out with an undisturbed run.

    python benchmarks/crashes.py [--students 60] [--kills 25] [--seed 1]

Steps: the command is killed at each step of tests/dying in turn, and given again into the same folder.
Supervisor: the command is killed with SIGKILL and given again, into the same folder, until `--kills` kills are done; a
run that finishes before its kill is begun again in a new folder. Judge, zygote and students: one of theirs is killed
every now and then while one command runs; where three in a row die while they start, it ends and is given again.
Looked at: every student has one outcome; an outcome once saved is never lost or made again; scores equal the
undisturbed run's; no process and no folder is left.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "solutions/dipping_into_pytorch")]

import killing  # noqa: E402
from dying.sitecustomize import STEPS  # noqa: E402
from made_up_class import make_class  # noqa: E402

from autograder.engine.demo import write_class  # noqa: E402

GIVEN_AGAIN = 5  # times; a command ends when its helper has been killed three times in a row while it started


class Trial:
    """One class, and the scores that it should get."""

    def __init__(self, folder: Path, students: int, chance: random.Random) -> None:
        self.folder, self.chance, self.number = folder, chance, 0
        self.class_ = folder / "class"
        write_class(make_class(students, 3), self.class_)
        started = time.monotonic()
        out = self.out()
        self.finish(out)
        self.seconds = time.monotonic() - started
        self.expected = killing.scores(out)
        self.wrong: list[str] = []

    def out(self) -> Path:
        self.number += 1
        return self.folder / f"run{self.number}"

    def words(self, out: Path) -> list[str]:
        return killing.command(self.class_, ROOT, out)

    def finish(self, out: Path) -> None:
        run = killing.start(self.words(out))
        output, _ = run.communicate()
        if run.returncode not in (0, 1):  # 1: some of the made-up hand-ins cannot be graded
            sys.exit(f"the run ended with {run.returncode}:\n{output[-3000:]}")

    def check(self, out: Path, what: str) -> None:
        found = killing.scores(out)
        unlike = [key for key in self.expected if found.get(key) != self.expected[key]]
        self.wrong += [f"{what}: {key} has {found.get(key)}, not {self.expected[key]}" for key in unlike]
        self.wrong += [f"{what}: {key} is new" for key in found.keys() - self.expected.keys()]
        self.wrong += [f"{what}: left behind: {left}" for left in killing.left_over(out)]

    def steps(self) -> str:
        out = self.out()
        before: dict[str, tuple[str, str]] = {}
        for step in STEPS:
            run = killing.start(self.words(out), killing.dies_at("saved:2" if step == "saved" else step))
            output, _ = run.communicate()
            if run.returncode != -signal.SIGKILL:
                self.wrong.append(f"{step}: the command ended with {run.returncode}: {output[-500:]}")
            now = killing.graded(out)
            self.wrong += [f"{step}: {key} lost or graded again" for key in before if now.get(key) != before[key]]
            before = now
        self.finish(out)
        if killing.graded(out) != before:
            self.wrong.append("steps: after the last of them, something was left to grade")
        self.check(out, "steps")
        return f"steps: {len(STEPS)} kills over one run"

    def supervisor(self, kills: int) -> str:
        done, runs, out = 0, 1, self.out()
        before: dict[str, tuple[str, str]] = {}
        while done < kills:
            run = killing.start(self.words(out))
            with contextlib.suppress(Exception):
                run.wait(timeout=self.chance.uniform(0.2, max(1.0, self.seconds * 0.5)))
            if run.poll() is None:
                run.kill()
                run.wait()
                done += 1
            run.stdout.close()  # type: ignore[union-attr]
            now = killing.graded(out)
            self.wrong += [f"supervisor: {key} lost or graded again" for key in before if now.get(key) != before[key]]
            before = now
            if run.returncode in (0, 1):
                self.check(out, "supervisor")
                runs, out, before = runs + 1, self.out(), {}
        self.finish(out)
        now = killing.graded(out)
        self.wrong += [f"supervisor: {key} lost or graded again" for key in before if now.get(key) != before[key]]
        self.check(out, "supervisor")
        return f"supervisor: {done} kills over {runs} runs"

    def helpers(self, kind: str, kills: int) -> str:
        done, runs, again, given, out = 0, 0, 0, 0, self.out()
        before: dict[str, tuple[str, str]] = {}
        while done < kills or again:
            runs += not again
            run = killing.start(self.words(out))
            while run.poll() is None:
                time.sleep(self.chance.uniform(2, 6))  # more often, and one hand-in dies twice by itself: set aside
                # a helper that dies while it starts ends the command, so that somebody has to be graded before
                found = killing.processes_of(run.pid, kind) if done < kills and killing.graded(out) else []
                if found:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        self.chance.choice(found).kill()
                        done += 1
            output, _ = run.communicate()
            now = killing.graded(out)
            self.wrong += [f"{kind}: {key} lost or graded again" for key in before if now.get(key) != before[key]]
            if run.returncode == 2 and "killed while it started" in output and again < GIVEN_AGAIN:
                again, before = again + 1, now
                given += 1
                continue
            if run.returncode not in (0, 1):
                self.wrong.append(f"{kind}: the command ended with {run.returncode}: {output[-500:]}")
            else:
                self.check(out, kind)
            again, out, before = 0, self.out(), {}
        return f"{kind}: {done} kills over {runs} runs, the command given again {given} times"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=60)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=["steps", "supervisor", "judge", "zygote", "student"])
    wish = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="crashes-"))
    trial = Trial(folder, wish.students, random.Random(wish.seed))
    print(f"undisturbed: {len(trial.expected)} students in {trial.seconds:.1f} s", flush=True)
    if "steps" in wish.only:
        print(trial.steps(), flush=True)
    if "supervisor" in wish.only:
        print(trial.supervisor(wish.kills), flush=True)
    for kind in [kind for kind in wish.only if kind in ("judge", "zygote", "student")]:
        print(trial.helpers(kind, wish.kills), flush=True)
    print(f"{len(trial.wrong)} differences" + "".join(f"\n- {line}" for line in trial.wrong[:40]))
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(bool(trial.wrong))


if __name__ == "__main__":
    main()
