"""What a run left behind, free of what may differ: the folder's path, times, the user, versions, confinement level
and the replay's figures.

Used by `test_golden` and by `python -m golden`.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

DIGESTS = Path(__file__).parent / "digests.json"
WHOLE = ("scores.csv", "upload.csv", "gradebook-canvas.csv")  # kept as text, so that a difference can be read at once
LEFT_OUT = ("grades.sqlite", "grades.lock")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]00:00")
OF_THE_MACHINE = ("versions", "level", "probes")  # a probe that diverges does so as the processor rounds


def outputs(folder: Path) -> Mapping[str, str]:
    """Every file of the runs in `folder` by its path, a zip's members as files of their own."""
    found = {}
    for path in sorted(folder.glob("run/**/*")):
        if not path.is_file() or path.name.startswith(LEFT_OUT) or "handed-in" in path.parts:
            continue
        name = path.relative_to(folder).as_posix()
        for member, content in members(name, path):
            found[member] = plain(member, content.decode(), folder)
    return found


def members(name: str, path: Path) -> Iterator[tuple[str, bytes]]:
    if path.suffix != ".zip":
        yield name, path.read_bytes()
        return
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            yield f"{name}/{member}", archive.read(member)


def plain(name: str, text: str, folder: Path) -> str:
    """The text with what may differ from run to run, or from machine to machine, replaced by words."""
    text = TIME.sub("TIME", text.replace(str(folder), "FOLDER"))
    text = re.sub(rf"\bby {re.escape(getpass.getuser())}\b", "by USER", text)
    text = re.sub(r"grading used \d+ seconds", "grading used SOME seconds", text)
    return json.dumps(without(json.loads(text)), indent=1) if name.endswith(".json") else text


def without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without(item) for key, item in value.items() if key not in OF_THE_MACHINE}
    return [without(item) for item in value] if isinstance(value, list) else value


def digests(files: Mapping[str, str]) -> dict[str, str]:
    """What is kept of a run: gradebooks and scores as they are, of every other file its SHA-256."""
    return {
        name: text if Path(name).name in WHOLE else hashlib.sha256(text.encode()).hexdigest()
        for name, text in files.items()
    }
