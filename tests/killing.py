"""Runs of the real command that are killed: starting, watching and reading them. For the tests and the benchmark."""

from __future__ import annotations

import contextlib
import csv
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import psutil
from conftest import ROOT

DYING = ROOT / "tests" / "dying"
STARTED: list[int] = []  # the ids of the runs that `start` began: another test's runs are its own affair
KINDS = {"judge": "autograder.judge.server", "zygote": "autograder.sandbox.zygote"}


def command(class_: Path, course: Path, out: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "autograder", "grade", str(class_), "--course", str(course), "--out", str(out)),
        *more,
    ]


def dies_at(step: str) -> dict[str, str]:
    """The environment of a run that is killed at a step of `dying/sitecustomize.py`."""
    return {"PYTHONPATH": f"{DYING}{os.pathsep}{ROOT}", "DIE_AT": step}


def start(words: Sequence[str], more: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}
    run = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=ROOT
    )
    STARTED.append(run.pid)
    return run


Found = TypeVar("Found")


def until(run: subprocess.Popen[str], there: Callable[[], Found], seconds: float = 120) -> Found:
    """Ask again and again until something is there, and give it. AssertionError if the run or the time ends before."""
    deadline = time.monotonic() + seconds
    while not (found := there()):
        assert time.monotonic() < deadline, "it did not come to that in time"
        assert run.poll() is None, "the run ended before"
        time.sleep(0.02)
    return found


def graded(out: Path) -> dict[str, tuple[str, str]]:
    """Of every key with an outcome (status, CPU seconds as measured): the second differs whenever it is graded anew."""
    if not (out / "grades.sqlite").is_file():
        return {}
    with contextlib.closing(sqlite3.connect(out / "grades.sqlite", timeout=30)) as record:
        try:
            rows = record.execute(
                "select key, status, json_extract(outcome, '$.cpu') from submission where status is not null"
            ).fetchall()
        except sqlite3.OperationalError:  # it died before there was a table
            return {}
    return {key: (status, cpu) for key, status, cpu in rows}


def scores(out: Path) -> dict[str, tuple[str, ...]]:
    """What the gradebook would get: everybody's row without texts."""
    with (out / "scores.csv").open(newline="", encoding="utf-8-sig") as file:
        return {
            row["student"]: tuple(value for name, value in row.items() if name not in ("message", "flags"))
            for row in csv.DictReader(file)
        }


def processes_of(pid: int, kind: str) -> list[psutil.Process]:
    """A run's judge, zygote or students' processes ("student")."""
    try:
        family = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    heads = {}
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            for name, module in KINDS.items():
                if module in one.cmdline() and one.ppid() == pid:
                    heads[name] = one
    if kind != "student":
        return [heads[kind]] if kind in heads else []
    with contextlib.suppress(psutil.NoSuchProcess):
        return heads["zygote"].children(recursive=True) if "zygote" in heads else []
    return []


def starting(pid: int, kind: str) -> list[psutil.Process]:
    """A run's judge or zygote, in the midst of its imports."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [one for one in processes_of(pid, kind) if any("libtorch" in row.path for row in one.memory_maps())]
    return []


def left_over(out: Path) -> list[str]:
    """Processes that name this run, and folders of sandboxes of runs begun here whose supervisor is gone."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        if any(str(out) in word for word in process.info["cmdline"] or []):
            found.append(f"process {process.info['pid']}")
    for pid in STARTED:
        if not psutil.pid_exists(pid):
            found += [f"folder {folder.name}" for folder in Path(tempfile.gettempdir()).glob(f"autograder-{pid}-*")]
    return found
