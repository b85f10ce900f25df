"""`autograder package gradescope`: one assignment as the zip that Gradescope builds its autograder from.

Called by cli.py. In the zip lie setup.sh and run_autograder (`container/`), our program without its authoring
half (which holds answers of its own), what pip is to install, and of the course this assignment alone: its graders,
its solution and a grading.yml without students' extensions. The same inputs give the same bytes.
"""

from __future__ import annotations

import io
import json
import re
import stat
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import autograder
from autograder.course import COURSE_FILE, Assignment, Course
from autograder.course.places import read_yaml
from autograder.errors import AutograderError
from autograder.gradescope.watching import OUR_FAULT, PART_OF_THE_TIME, Settings, ungraded

SCRIPTS = ("setup.sh", "run_autograder")
OWN = "autograder"
FIRST = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
CATALOGUE = "catalogue.py"  # right answers and mistakes, which `verify` alone reads
NOT_THERE = ("extensions", "gradebook")  # of an assignment: students' keys, and places in an LMS
MEMORY_GB = 2  # the solved example lab took 0.73 GB at its peak, with all that grades it


class PackingError(AutograderError):
    """The package cannot be made; the text says what to mend."""


@dataclass(frozen=True)
class Packed:
    """The zip's bytes, and sentences on what the instructor should know of it."""

    content: bytes
    notes: tuple[str, ...]


def pack(course: Course, assignment: Assignment, level: str | None, minutes: float, torch_index: str | None) -> Packed:
    """The package of one assignment. `minutes` is the time limit that it has on Gradescope.

    Raises PackingError if this program is not installed or something cannot be read.
    """
    notes = []
    requirements, constraints, absent = needed(assignment.packages)
    settings = Settings(assignment.id, level, minutes * 60)
    try:
        entries: dict[str, bytes] = dict(scripts())
        entries |= {f"program/{OWN}/{name}": content for name, content in program()}
        entries |= {f"course/{name}": content for name, content in part(course, assignment, level)}
    except OSError as error:
        raise PackingError(f"{error.filename} cannot be read: {error.strerror}.") from None
    entries |= {
        "requirements.txt": lines(requirements),
        "constraints.txt": lines(constraints),
        "python.txt": lines([f"{sys.version_info.major}.{sys.version_info.minor}"]),
        "settings.json": as_json(asdict(settings)),
        "ungraded.json": as_json(ungraded(OUR_FAULT, "Grading was broken off before it could say why.")),
    }
    if torch_index:
        entries["torch_index.txt"] = lines([torch_index])
    else:
        notes.append(
            "No --torch-index: torch comes from pip's own index there, which on Linux adds several GB for GPUs that "
            "Gradescope does not have. Name PyTorch's index for CPUs."
        )
    if level == "basic":
        notes.append(
            "Level basic: a notebook can read the graders there, and write its own results. The solution is left out, "
            "so a hidden test that fails by itself always counts as our fault."
        )
    elif not course.master_path(assignment).is_file():
        notes.append("There is no solution, so a hidden test that fails by itself always counts as our fault.")
    if assignment.extensions:
        notes.append("Extensions in grading.yml are left out, as they name students: give them on Gradescope.")
    notes += [f"{name} is not installed here, so it will not be there either." for name in absent]
    notes.append(
        f"On Gradescope choose at least {MEMORY_GB} GB of memory and a time limit of at least {minutes:g} min; "
        f"grading ends itself after {minutes * PART_OF_THE_TIME:g} min."
    )
    return Packed(zipped(entries), tuple(notes))


def write_package(packed: Packed, out: Path) -> None:
    """Put the whole zip there, or leave what was there before. Raises PackingError if it cannot be written."""
    temporary = out.with_name(f".{out.name}.new")
    try:
        temporary.write_bytes(packed.content)
        temporary.replace(out)
    except OSError as error:
        raise PackingError(f"{out} cannot be written: {error.strerror}. Name another file with -o.") from None


def scripts() -> Iterator[tuple[str, bytes]]:
    folder = files(__package__) / "container"
    for name in SCRIPTS:
        yield name, (folder / name).read_bytes()


def program() -> Iterator[tuple[str, bytes]]:
    """Our own source, by path within the package."""
    root = Path(autograder.__file__).parent
    for path in tree(root):
        name = path.relative_to(root)
        if name.parts[0] != "authoring":
            yield name.as_posix(), path.read_bytes()


def part(course: Course, assignment: Assignment, level: str | None) -> Iterator[tuple[str, bytes]]:
    """What of the course's folder the assignment needs, by path within it."""
    yield COURSE_FILE, reduced((course.root / COURSE_FILE).read_bytes(), assignment.id)
    paths = [path for path in tree(course.graders_dir(assignment)) if path.name != CATALOGUE]
    master = course.master_path(assignment)
    if master.is_file() and level != "basic":
        paths.append(master)
    for path in paths:
        yield path.relative_to(course.root).as_posix(), path.read_bytes()


def reduced(content: bytes, wanted: str) -> bytes:
    """A grading.yml of that assignment alone. JSON is YAML too, and leaves no doubt which text is a number."""
    data = read_yaml(content, COURSE_FILE).data
    assignment = {key: value for key, value in data["assignments"][wanted].items() if key not in NOT_THERE}
    return as_json(data | {"assignments": {wanted: assignment}})


def needed(packages: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """What pip is to install, the versions that are installed here (of that and all that it needs in turn), and those
    of the assignment's `packages` that are not. Raises PackingError if this program itself is not installed."""
    try:
        own = [one for one in map(Requirement, metadata.requires(OWN) or ()) if holds(one, "grader")]
    except metadata.PackageNotFoundError:
        raise PackingError(f"{OWN} is not installed; install it with pip, so that it is known what it needs.") from None
    packages = sorted(packages)
    of_module = metadata.packages_distributions() if packages else {}
    absent = [name for name in packages if name not in of_module]
    asked = {canonicalize_name(one.name): f"{one.name}{one.specifier}" for one in own}
    for name in packages:
        for distribution in of_module.get(name, ()):
            asked.setdefault(canonicalize_name(distribution), distribution)
    versions: dict[str, str] = {}
    left = list(asked)
    while left:
        name = left.pop()
        if name in versions:
            continue
        try:
            versions[name] = Version(metadata.version(name)).public  # "2.9.1+cpu" is on no other index
        except metadata.PackageNotFoundError:
            continue  # needed on other systems alone
        left += [canonicalize_name(one.name) for one in map(Requirement, metadata.requires(name) or ()) if holds(one)]
    return sorted(asked.values()), [f"{name}=={version}" for name, version in sorted(versions.items())], absent


def holds(requirement: Requirement, extra: str = "") -> bool:
    """Whether something is needed here, without any extra or with that one."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def tree(folder: Path) -> Iterator[Path]:
    """Every file in a folder, but what Python, editors and file managers leave behind."""
    for path in sorted(folder.rglob("*")):
        names = path.relative_to(folder).parts
        if path.is_file() and "__pycache__" not in names and not any(re.match(r"\.|.*~$", name) for name in names):
            yield path


def zipped(entries: dict[str, bytes]) -> bytes:
    """A zip of these files in the order of their names, all of one time; the scripts can be run."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(entries.items()):
            info = zipfile.ZipInfo(name, FIRST)
            info.create_system = 3  # Unix, or the modes are not looked at
            info.external_attr = (stat.S_IFREG | (0o755 if name in SCRIPTS else 0o644)) << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def lines(texts: Iterable[str]) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()


def as_json(data: Any) -> bytes:
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()
