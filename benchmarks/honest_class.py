"""A class of 100 honest students, graded by the command itself: what real notebooks have about them costs no mark.

    python benchmarks/honest_class.py [--seed S] [--only PART-OF-A-NAME] [--first N] [--alone] [--out DIR]

Each notebook is the solved lab with something about it: a trait of tests/honest_traits.py, two of them, a form of the
file (junk behind it, Markdown, a merge conflict, ...), or a form and a trait. `--alone` grades every trait and every
form alone instead. Prints a row for each: its score and what it was told. Exits with 1 if one of them has not full
marks and was not told why in one sentence.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from honest_people import Honest, alone, honest_class  # noqa: E402

ASSIGNMENT = "dipping_into_pytorch"


@dataclass(frozen=True)
class Told:
    """What became of it."""

    score: float | None
    most: float
    message: str
    notes: tuple[str, ...]

    @property
    def full(self) -> bool:
        return self.score == self.most

    @property
    def explained(self) -> bool:
        return bool(self.message)


def graded(people: Sequence[Honest], out: Path) -> dict[str, Told]:
    """The class put through `autograder grade`; by key. Raises SystemExit if the command refuses."""
    handed_in = out / "handed-in"
    handed_in.mkdir(parents=True, exist_ok=True)
    for one in people:
        (handed_in / f"{one.key}{one.ending}").write_bytes(one.content)
    command = [
        sys.executable,
        "-m",
        "autograder",
        "grade",
        handed_in,
        "-a",
        ASSIGNMENT,
        "--out",
        out / "run",
        "--fresh",
    ]
    ended = subprocess.run([*map(str, command), "--course", str(ROOT)], cwd=ROOT, check=False, stdout=subprocess.PIPE)
    if ended.returncode not in (0, 1):
        raise SystemExit(f"grading ended with {ended.returncode}")
    with (out / "run/scores.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    found = {}
    for one in people:
        row = rows.get(one.key)
        if row is None:  # told nothing at all
            found[one.key] = Told(None, math.nan, "", ())
            continue
        extra = json.loads((out / f"run/results/{one.key}.json").read_text(encoding="utf-8"))["extra_data"]
        score = float(row["score"]) if row["score"] else None
        found[one.key] = Told(score, float(row["max_score"]), row["message"], tuple(extra.get("notes", ())))
    return found


def table(people: Sequence[Honest], found: dict[str, Told]) -> Table:
    shown = Table(title=f"{len(people)} honest notebooks", title_justify="left")
    shown.add_column("student", no_wrap=True)
    shown.add_column("what it has about it", overflow="fold")
    shown.add_column("score", justify="right")
    shown.add_column("told", overflow="fold")
    for one in people:
        told = found[one.key]
        score = "-" if told.score is None else f"{told.score:g}"
        words = " ".join(part for part in (told.message, *told.notes) if part)
        shown.add_row(one.key, escape(one.about), score if told.full else f"[red]{score}[/red]", escape(words))
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of what a notebook has about it")
    parser.add_argument("--first", type=int, default=None, help="so many of the class")
    parser.add_argument("--alone", action="store_true", help="every trait and form alone")
    parser.add_argument("--out", type=Path, default=None, help="keep the class and its run here")
    wish = parser.parse_args()
    people = alone(wish.seed) if wish.alone else honest_class(wish.seed)
    people = [one for one in people if wish.only in one.about][: wish.first]
    if not people:
        sys.exit(f"nobody has {wish.only!r} about them")
    with tempfile.TemporaryDirectory(prefix="honest-") as folder:
        found = graded(people, wish.out or Path(folder))
    Console(width=160).print(table(people, found))
    full = sum(told.full for told in found.values())
    silent = [one.about for one in people if not (found[one.key].full or found[one.key].explained)]
    print(f"{full} of {len(people)} at full marks, {len(people) - full} not; not told why: {len(silent)}")
    sys.exit(f"Not told why: {'; '.join(silent)}" if silent else 0)


if __name__ == "__main__":
    main()
