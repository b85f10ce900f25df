"""Four made-up classes, each put through the program's own commands: the demo, Canvas, teams, and late work.

Used by `test_golden` and by `python -m golden`. Only the command line is driven, so that no change of rooms
inside the program touches this file.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import yaml
from conftest import ROOT, notebook_bytes

SOLVED = ROOT / "solutions/dipping_into_pytorch/dipping_into_pytorch.ipynb"
STUB = ROOT / "assignments/dipping_into_pytorch/dipping_into_pytorch.ipynb"
SCALAR = "import torch\nscalar_tensor = torch.tensor(2.2)"
WRONG = "import torch\nscalar_tensor = torch.tensor(2.3)"
VECTOR = "vector_tensor = torch.tensor([1, 3, 4])"
FAILS = "matrix_tensor = torch.tensor([[3, 1, 4], [1, 7]])"
NETWORK = (
    "class MyNetwork(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.first = torch.nn.Linear(3, 2)\n        self.second = torch.nn.Linear(2, 5)\n"
    "        for one in self.parameters():\n            torch.nn.init.constant_(one, 0.1)\n"  # a run's start is drawn
    "    def forward(self, x):\n        return self.second(self.first(x))"
)
RESETS_TOO_SOON = (  # nothing moves, so no figure of it hangs on how a processor rounds
    "def train(network, examples, *, lr, epochs):\n    sgd = torch.optim.SGD(network.parameters(), lr=lr)\n"
    "    for _ in range(epochs):\n        for x, y in examples:\n"
    "            torch.sum((network(x) - y) ** 2).backward()\n            sgd.zero_grad()\n            sgd.step()"
)


def commands(*calls: Iterable[object], codes: tuple[int, ...] = (0, 1)) -> None:
    """Run each call of `autograder` in its own process. Raises AssertionError with what it printed."""
    for words in calls:
        call = [sys.executable, "-m", "autograder", *map(str, words)]
        done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode in codes, f"{' '.join(call[2:])}\n{done.stdout}\n{done.stderr}"


def demo(folder: Path) -> None:
    """The first eight of the demo's class."""
    commands(["demo", "--students", 8, "--out", folder / "run"])


def canvas(folder: Path) -> None:
    """A Canvas download with a right, a wrong, an untouched and an unreadable notebook, a PDF, a stranger and somebody
    who handed in nothing; then points by hand, the gradebook and the zip of pages."""
    files = {
        "studentada_101_5001_lab.ipynb": SOLVED.read_bytes(),
        "studentben_102_5002_lab.ipynb": notebook_bytes(SCALAR, VECTOR, FAILS, NETWORK, RESETS_TOO_SOON),
        "studentcleo_LATE_103_5003_lab-1.ipynb": STUB.read_bytes(),
        "studentdev_104_5004_lab.ipynb": b"no notebook",
        "studentelif_105_5005_report.pdf": b"%PDF-1.4",
        "studentnobody_999_5009_lab.ipynb": notebook_bytes(WRONG),
    }
    names = ("Ada", "Ben", "Cleo", "Dev", "Elif", "Finn")
    rows: list[list[object]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Dipping into PyTorch (1001)"]
    ]
    rows += [["    Points Possible", "", "", "", "", "20"]]
    rows += [[f"Student, {name}", 101 + n, f"S{n}", f"login{n}", "Section 1", ""] for n, name in enumerate(names)]
    book = table(folder / "book.csv", rows)
    zipped(folder / "submissions.zip", files)
    run = folder / "run"
    commands(
        ["grade", folder / "submissions.zip", "--roster", book, "--out", run],
        ["adjust", run, "102", "q1", "1.5", "--why", "A valid reading of the task"],
        ["export", run, "--to", "canvas", "--template", book, "-o", run / "upload.csv"],
        ["feedback", run, "--to", "canvas", "-o", run / "pages.zip"],
    )


def teams(folder: Path) -> None:
    """Two teams and one alone, from a plain folder with a class list and a groups file."""
    hand_ins = {"red": notebook_bytes(SCALAR, VECTOR), "blue": notebook_bytes(WRONG), "gus": notebook_bytes(SCALAR)}
    (folder / "handed-in").mkdir()
    for name, content in hand_ins.items():
        (folder / "handed-in" / f"{name}.ipynb").write_bytes(content)
    people = ("ada", "ben", "cleo", "dev", "gus")
    rows = [[key, f"Student, {key.title()}", f"{key}@example.edu"] for key in people]
    roster = table(folder / "class.csv", [["key", "name", "email"], *rows])
    members = [["red", "ada"], ["red", "ben"], ["blue", "cleo"], ["blue", "dev"]]
    groups = table(folder / "groups.csv", [["group", "student"], *members])
    commands(["grade", folder / "handed-in", "--roster", roster, "--groups", groups, "--out", folder / "run"])


def late(folder: Path) -> None:
    """A Moodle download in a course with a late policy: on time, late, extended, excused; then the worksheet."""
    course = folder / "course"
    course.mkdir()
    told = yaml.safe_load((ROOT / "grading.yml").read_text())
    told["timezone"] = "Europe/Berlin"
    lab = told["assignments"]["dipping_into_pytorch"]
    lab["late"] = {"due": "2026-11-20 23:59", "percent": 10}
    (course / "grading.yml").write_text(yaml.safe_dump(told, sort_keys=False))
    for name in ("assignments", "solutions", "tests/graders"):
        shutil.copytree(ROOT / name, course / name)
    people = {
        "Ada": "2026-11-20 20:00",
        "Ben": "2026-11-21 08:00",
        "Cleo": "2026-11-22 08:00",
        "Dev": "2026-11-23 08:00",
    }
    header = ["Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade", "Grade can be changed",
              "Last modified (submission)", "Last modified (grade)", "Feedback comments"]  # fmt: skip
    rows = []
    files = {}
    for n, (name, _) in enumerate(people.items(), 31):
        rows.append([f"Participant {n}", f"{name} Student", f"{name.lower()}@example.edu", "Submitted for grading", "",
                     "20.00", "Yes", "Friday, 20 November 2026, 8:00 PM", "-", ""])  # fmt: skip
        files[f"{name} Student_{n}_assignsubmission_file/lab.ipynb"] = notebook_bytes(SCALAR, VECTOR)
    sheet = table(folder / "worksheet.csv", [header, *rows])
    zipped(folder / "submissions.zip", files)
    given = [["32", "", "", "2026-11-21 08:00"], ["33", "3 days", "", "2026-11-22 08:00"]]
    given += [["34", "", "yes", "2026-11-23 08:00"]]
    extensions = table(folder / "extensions.csv", [["student", "extra", "excused", "handed_in"], *given])
    run = folder / "run"
    into = ("--out", run, "--course", course)
    commands(
        ["grade", folder / "submissions.zip", "--roster", sheet, "--extensions", extensions, *into],
        ["export", run, "--to", "moodle-worksheet", "--template", sheet, "-o", run / "upload.csv"],
        ["feedback", run, "--to", "moodle", "-o", run / "pages.zip"],
    )  # fmt: skip


CLASSES: Mapping[str, Callable[[Path], None]] = {"demo": demo, "canvas": canvas, "teams": teams, "late": late}


def table(path: Path, rows: Iterable[Iterable[object]]) -> Path:
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    path.write_text(file.getvalue(), newline="")
    return path


def zipped(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 20, 20, 0, 0)), content)
    return path
