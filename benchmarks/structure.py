"""How the program is built: `python benchmarks/structure.py [CHECKOUT]`, this one or another commit's.

Prints lines and modules of each room, which room imports which and how often, imports that point upward (a room may
import only from rooms below it, see ORDER), and the way one `grade` call takes through the supervisor: which modules it
enters, in which order, and how often it comes into each room. Run it at two commits to compare them.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "autograder"
ORDER = (
    "errors", "bounds", "wire", "results", "loop", "course", "student", "sandbox", "intake", "people", "judge",
    "record", "gradebook", "report", "canvas", "authoring", "terminal", "engine", "gradescope", "cli", "__main__",
)  # fmt: skip
"""The rooms from the ground upward; what is not named here belongs to the ground."""
WALK = """
import json, sys
calls, entered = [], {}
def profile(frame, event, argument):
    if event != "call" or not frame.f_code.co_flags & 1:  # not a function: a module or class that is being made
        return
    name = frame.f_globals.get("__name__", "")
    if name.startswith("autograder."):
        entered.setdefault(name, len(entered))
        if not calls or calls[-1] != name:
            calls.append(name)
from autograder.cli import app
sys.setprofile(profile)
try:
    app(sys.argv[2:], standalone_mode=False)
except SystemExit:
    pass
finally:
    sys.setprofile(None)
    print(json.dumps({"entered": list(entered), "calls": calls}), file=open(sys.argv[1], "w"))
"""


@dataclass(frozen=True)
class Module:
    """One file: its name under the package, its lines, and the modules of the package that it imports."""

    name: str
    lines: int
    imports: frozenset[str]

    @property
    def room(self) -> str:
        return room_of(self.name)


def room_of(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "(package)"


def modules(checkout: Path) -> list[Module]:
    """Every module of the package in a checkout."""
    paths = {name_of(path, checkout): path for path in sorted((checkout / PACKAGE).rglob("*.py"))}
    return [
        Module(name, len(path.read_text().splitlines()), frozenset(imported(path, name, paths.keys())))
        for name, path in paths.items()
    ]


def name_of(path: Path, checkout: Path) -> str:
    parts = path.relative_to(checkout).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, name: str, known: Container[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.split(".")[0] == PACKAGE)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            for one in node.names:
                deeper = f"{node.module}.{one.name}"
                yield deeper if deeper in known else node.module


def height(room: str) -> int:
    return ORDER.index(room) if room in ORDER else -1


def rooms_table(found: list[Module]) -> None:
    print(f"{'room':14}{'modules':>8}{'lines':>8}{'largest':>9}")
    for room in sorted({one.room for one in found}, key=height):
        own = [one for one in found if one.room == room]
        print(f"{room:14}{len(own):8}{sum(one.lines for one in own):8}{max(one.lines for one in own):9}")
    print(f"{'in all':14}{len(found):8}{sum(one.lines for one in found):8}{max(one.lines for one in found):9}")


def imports_table(found: list[Module]) -> None:
    arrows: Counter[tuple[str, str]] = Counter()
    upward = []
    for one in found:
        for other in one.imports:
            here, there = one.room, room_of(other)
            if here != there and there != "(package)":
                arrows[here, there] += 1
                if height(there) > height(here):
                    upward.append(f"{one.name} -> {other}")
    print(f"\nimports between rooms: {sum(arrows.values())} over {len(arrows)} pairs of rooms")
    for room in sorted({here for here, _ in arrows}, key=height):
        told = [f"{there} {count}" for (here, there), count in sorted(arrows.items()) if here == room]
        print(f"  {room:12} -> {', '.join(told)}")
    print(f"upward arrows: {len(upward)}")
    for line in sorted(upward):
        print(f"  {line}")


def walk_table(checkout: Path) -> None:
    """The way of one `grade` call: a class of two, so that what is done for each hand-in is seen twice."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("ada", "ben"):
            cell = {"cell_type": "code", "id": "one", "metadata": {}, "outputs": [], "execution_count": None,
                    "source": "scalar_tensor = 2.2"}  # fmt: skip
            notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
            (Path(folder) / f"{name}.ipynb").write_text(json.dumps(notebook))
        told = Path(folder) / "walk.json"
        words = ["grade", f"{folder}/ada.ipynb", f"{folder}/ben.ipynb", "--out", f"{folder}/run"]
        call = [sys.executable, "-c", WALK, str(told), *words]
        done = subprocess.run(call, cwd=checkout, capture_output=True, text=True, check=False)
        if not told.is_file():
            raise SystemExit(f"grade could not be walked: {done.stderr[-2000:]}")
        walk = json.loads(told.read_text())
    rooms = [room_of(name) for name in walk["calls"]]
    stays = [room for place, room in enumerate(rooms) if place == 0 or rooms[place - 1] != room]
    first = [room_of(name) for name in walk["entered"]]
    chain = [room for place, room in enumerate(first) if place == 0 or first[place - 1] != room]
    print(f"\none grade call enters {len(walk['entered'])} modules of {len(set(first))} rooms for the first time in")
    print(f"{len(chain)} stays: {' > '.join(chain)}")
    print(f"all calls between rooms, callbacks and returns left out: {len(stays)}")
    for room in sorted(set(first), key=height):
        names = [name.split(".", 2)[-1] for name in walk["entered"] if room_of(name) == room]
        print(f"  {room:12} new {chain.count(room)} times, {len(names)} modules: {', '.join(names)}")


def main() -> None:
    checkout = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    found = modules(checkout)
    rooms_table(found)
    imports_table(found)
    walk_table(checkout)


if __name__ == "__main__":
    main()
