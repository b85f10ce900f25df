"""Grades the attacks beside honest hand-ins by the real command, and looks for all that they might have reached."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
from conftest import ROOT, notebook_bytes

from attacks.cases import RIGHT, WRONG, Attack
from attacks.circumstances import NOBODY

COURSE_FILE = """\
course: A course under attack
seed: 5
assignments:
  tiny:
    title: Tiny
    notebook: tiny.ipynb
    packages: [torch, numpy]
    limits: {{cell_cpu: 2, notebook_cpu: 6, test_cpu: 1, wall_factor: 1.5, memory_mb: 2048, disk_mb: 64, output_kb: 64}}
    questions:
      q1: {{title: The answer, points: 2, names: [answer]}}
      q2: {{title: Doubling, points: 2, names: [double]}}
# {canary}
"""
GRADERS = '''\
# {canary}
import pytest
from submission import answer, check, double, value

SECRET = "{canary}"


@pytest.mark.question("q1")
def test_the_answer():
    """Is forty-two."""
    found = value(answer)
    check(type(found) in (int, float) and found == 42, "It is another number.")


@pytest.mark.question("q2")
def test_double(draw):
    """Doubles what it is given."""
    for _ in range(3):
        number = int(draw.integers(100, 10_000))
        found = value(double(number))
        check(type(found) in (int, float) and found == 2 * number, "It is not twice as much.")
'''
CANARIES = {name: f"CANARY-{name}-{uuid.uuid4().hex}" for name in ("GRADER", "ENVIRONMENT", "CLASSMATE", "COMMAND")}
PLACE = re.compile(r"\{(root|markers|class_|tcp|udp|unix|door)\}")
HONEST = {"honest-right": (RIGHT, 4.0), "honest-wrong": (WRONG, 0.0), "honest-half": ("answer = 42\ndouble = 1", 2.0)}


def placed(places: Mapping[str, object], found: re.Match[str]) -> str:
    """What stands for one of PLACE in an attack."""
    return str(places[found[1]])


@dataclass
class Ended:
    """How a suite ended: what each attack brought about, scores, and how the command ended."""

    code: int
    output: str
    scores: dict[str, float | None]
    breaches: dict[str, list[str]] = field(default_factory=dict)
    general: list[str] = field(default_factory=list)
    level: str = ""

    @property
    def all(self) -> list[str]:
        return [*self.general, *(f"{key}: {what}" for key, found in self.breaches.items() for what in found)]


@contextlib.contextmanager
def listeners(folder: Path) -> Iterator[tuple[dict[str, object], list[str]]]:
    """TCP, UDP, an abstract socket and two that lie in `folder`, which note whatever comes in."""
    heard: list[str] = []
    name = f"ag-{uuid.uuid4().hex}"
    tcp, udp = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind("\0" + name)
    unix.listen()
    door, datagrams = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    for one, path in ((door, folder / "door"), (datagrams, folder / "door.datagrams")):
        one.bind(str(path))
        path.chmod(0o777)
    door.listen()
    stop = threading.Event()

    def listen(one: socket.socket, what: str) -> None:
        one.settimeout(0.2)
        while not stop.is_set():
            with contextlib.suppress(OSError):
                if one.type == socket.SOCK_DGRAM:
                    one.recv(100)
                else:
                    one.accept()[0].close()
                heard.append(what)

    all_of_them = {tcp: "tcp", udp: "udp", unix: "unix", door: "a socket's path", datagrams: "a datagram to a path"}
    threads = [threading.Thread(target=listen, args=pair) for pair in all_of_them.items()]
    for thread in threads:
        thread.start()
    try:
        ports = {"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1], "unix": name, "door": folder / "door"}
        yield ports, heard
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for one in all_of_them:
            one.close()


def course_in(folder: Path) -> Path:
    """The course under attack."""
    graders, solutions = folder / "tests/graders/tiny", folder / "solutions/tiny"
    graders.mkdir(parents=True)
    solutions.mkdir(parents=True)
    (folder / "grading.yml").write_text(COURSE_FILE.format(canary=CANARIES["GRADER"]))
    (graders / "test_q1.py").write_text(GRADERS.format(canary=CANARIES["GRADER"]))
    (solutions / "tiny.ipynb").write_bytes(notebook_bytes(RIGHT, f"# {CANARIES['GRADER']}"))
    return folder


def in_circumstances(*options: str) -> list[str]:
    """The words before a command that bring about other circumstances; see attacks.circumstances."""
    return [sys.executable, "-P", "-m", "attacks.circumstances", *options] if options else []


def grade_attacks(
    folder: Path, attacks: Sequence[Attack], level: str | None = None, prefix: Sequence[str] = ()
) -> Ended:
    """Grade them all beside honest hand-ins. `prefix` is a command that runs the grader in some other circumstance."""
    root, class_, markers, out = (
        course_in(folder / "course"),
        folder / "class",
        folder / "markers",
        folder / CANARIES["COMMAND"],
    )
    for path in (class_, markers, out):
        path.mkdir()
        path.chmod(0o777)
    folder.chmod(0o755)
    with listeners(folder) as (ports, heard):
        keys = {}
        for number, one in enumerate(attacks):
            key = f"{one.kind}-{number:02}-" + "-".join(one.name.lower().replace("'", "").replace(",", "").split())
            keys[key] = one
            places = {"root": root, "markers": markers, "class_": class_, **ports}
            cells = [PLACE.sub(partial(placed, places), cell) for cell in one.cells]
            (class_ / f"{key}.ipynb").write_bytes(notebook_bytes(*cells))
        for key, (source, _) in HONEST.items():
            (class_ / f"{key}.ipynb").write_bytes(notebook_bytes(source, f"# {CANARIES['CLASSMATE']}"))
        command = [
            *prefix, sys.executable, "-m", "autograder", "grade", str(class_), "--course", str(root), "--out", str(out),
            *(["--level", level] if level else []),
        ]  # fmt: skip
        environment = {
            **os.environ,
            "CANARY": CANARIES["ENVIRONMENT"],
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))),
        }
        if "--user" in prefix and os.geteuid() == 0:  # the course and the class are the user's own
            for path in (root, class_, out, *root.rglob("*"), *class_.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
        before = metadata(root, class_)
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=900)
    ended = Ended(done.returncode, done.stdout + done.stderr, {})
    after = metadata(root, class_)
    ended.general += [f"{path} is not as it was" for path in before if before[path] != after.get(path)]
    if (out / "scores.csv").is_file():
        look(ended, out, keys)
    else:
        ended.general.append("there are no scores")
    ended.general += [f"somebody called by {what}" for what in heard]
    ended.general += [f"a marker was left: {path.name}" for path in markers.iterdir()]
    ended.general += [f"a process was left: {pid}" for pid in left_over(str(out))]
    return ended


def metadata(*folders: Path) -> dict[Path, tuple[int, ...]]:
    """Mode, owner and times of all that is in these folders, and of themselves."""
    paths = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    states = {
        path: path.stat() for path in paths if not path.match("__pycache__*") and path.parent.name != "__pycache__"
    }
    return {path: (one.st_mode, one.st_uid, one.st_gid, one.st_mtime_ns) for path, one in states.items()}


def look(ended: Ended, out: Path, keys: dict[str, Attack]) -> None:
    """Scores that are too high, and canaries in what people get to see."""
    with (out / "scores.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    ended.scores = {key: float(row["score"]) if row["score"] else None for key, row in rows.items()}
    for key, (_, right) in HONEST.items():
        if ended.scores.get(key) != right:
            ended.general.append(f"{key} got {ended.scores.get(key)} instead of {right}")
    for key, one in keys.items():
        found = ended.breaches.setdefault(key, [])
        if key not in rows:
            found.append("it is in no row")
            continue
        score = ended.scores[key]
        if score is not None and score > one.most:
            found.append(f"it got {score} of {one.most}")
        if rows[key]["status"] == "grader_error":
            found.append(f"it became our error: {rows[key]['message']}")
        texts = [out / "feedback" / f"{key}.html", out / "results" / f"{key}.json"]
        shown = "".join(path.read_text(errors="replace") for path in texts) + cells_of(out, key)
        found += [f"it saw {name}" for name, canary in CANARIES.items() if canary in shown]
        if "<script>alert(1)" in texts[0].read_text() or "onerror=alert(1)>" in texts[0].read_text():
            found.append("its markup is in the page")
    ended.level = json.loads(next(iter((out / "results").glob("*.json"))).read_text())["extra_data"].get("level", "")


def cells_of(out: Path, key: str) -> str:
    """Outputs of the executed notebook, from the record."""
    import sqlite3

    with contextlib.closing(sqlite3.connect(out / "grades.sqlite")) as record:
        rows = record.execute("select cells from submission where key = ?", [key]).fetchall()
    return " ".join(str(part) for row in rows for part in row)


def left_over(out: str) -> list[int]:
    """Processes that have outlived the run: daemons by the name that they gave themselves, and ours."""
    found = []
    for process in psutil.process_iter(["pid", "name", "cmdline"]):
        words = process.info["cmdline"] or []
        if process.info["name"] == "agdaemon" or any(out in word for word in words):
            found.append(process.info["pid"])
    for pid in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()
    return found
