"""Made-up downloads of every LMS, written from what is known of each one's own writer, without the reader's rules."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from autograder.intake.collecting import Collected, collect
from autograder.intake.handin import HandIn
from autograder.intake.identity import IdKind

AWKWARD = (
    *("Student, Ada", "O'Student, Ben", 'Student "Cy", Cem', "Ştudent, Dilârâ", "Stüdent, Émile", "طالب, نور"),
    *("学生, 美", "Student 🙂, Fay", "Student, Gus", "Student, Gus", "=Student, Hal", "van der Student, Ida-Jo"),
    *("Student (Jo), Joanna", "Student - Twin, Kit", "Student+Sons, Lee", "NA, None"),
)


@dataclass(frozen=True)
class Person:
    """A made-up student as an LMS knows them."""

    n: int

    @property
    def family(self) -> str:
        return AWKWARD[self.n].split(", ")[0] if self.n < len(AWKWARD) else f"Student{self.n}"

    @property
    def given(self) -> str:
        return AWKWARD[self.n].split(", ")[1] if self.n < len(AWKWARD) else f"Kim{self.n}"

    @property
    def shown(self) -> str:
        return f"{self.given} {self.family}"

    @property
    def user(self) -> str:
        return str(9000 + 7 * self.n)

    @property
    def login(self) -> str:
        return ("00{}", "kim_{}", "a_kim_{}", "kim.{}")[self.n % 4].format(self.n)

    @property
    def sid(self) -> str:
        return f"{self.n:05}"

    @property
    def email(self) -> str:
        return f"kim+{self.n}@example.edu"

    @property
    def time(self) -> datetime:
        """Of the hand-in that counts."""
        return datetime(2026, 11, 16, 18, 12, 5) + timedelta(minutes=17 * self.n)


PEOPLE = [Person(n) for n in range(44)]
HANDED_IN = [person for person in PEOPLE if person.n % 11 != 5]
Files = dict[str, bytes]


def notebook(source: str) -> bytes:
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": []}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()


def work(person: Person, attempt: int = 0) -> bytes:
    return notebook(f"alpha = {person.n}  # {attempt}")


def zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def download(folder: Path, files: Mapping[str, bytes], name: str = "submissions.zip") -> Path:
    path = folder / name
    path.write_bytes(zipped(files))
    return path


def unpacked(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


# --- each LMS's own writer


def squeezed(person: Person) -> str:
    name = f"{person.family}, {person.given}".lower()
    return "".join(char for char in name if char.isalnum() or char == "_")


def canvas() -> Files:
    files = {}
    for person in HANDED_IN:
        late = "LATE_" if person.n % 5 == 0 else ""
        files[f"{squeezed(person)}_{late}{person.user}_{55000 + person.n}_my lab.ipynb"] = work(person)
    return files


def canvas_anonymous() -> Files:
    late = {person: "LATE_" if person.n % 5 == 0 else "" for person in HANDED_IN}
    return {f"{late[person]}anon_x{person.n}Q_{55000 + person.n}_my lab.ipynb": work(person) for person in HANDED_IN}


def moodle(ending: str = "/") -> Files:
    files = {}
    for person in HANDED_IN:
        start = f"{person.shown.replace('_', ' ')}_{person.user}_assignsubmission_"
        files[f"{start}file{ending}my lab.ipynb"] = work(person)
        if ending != "_":
            files[f"{start}onlinetext{ending}onlinetext.html"] = b"<p>See my file</p>"
    return files


def blackboard() -> Files:
    files = {}
    for person in HANDED_IN:
        for attempt in range(1 + person.n % 3):
            time = person.time - timedelta(days=person.n % 3 - attempt)
            start = f"Lab_1__part_2_{person.login}_attempt_{time:%Y-%m-%d-%H-%M-%S}"
            files[f"{start}_my_lab.ipynb"] = work(person, attempt)
            said = "There are no student comments for this assignment."
            files[f"{start}.txt"] = (
                f"Name: {person.shown} ({person.login})\nAssignment: Lab 1: part 2\n{said}\n".encode()
            )
    return files


def twelve_hours(time: datetime) -> str:
    return f"{(time.hour - 1) % 12 + 1}{time:%M} {'AM' if time.hour < 12 else 'PM'}"


def brightspace(who: Callable[[Person], str], date: Callable[[datetime], str]) -> Files:
    files = {"index.html": b"<html>an index</html>"}
    for person in HANDED_IN:
        for attempt in range(1 + person.n % 3):
            time = person.time - timedelta(days=person.n % 3 - attempt)
            folder = f"{person.user}-46025 - {who(person)} - {date(time)} {twelve_hours(time)}"
            files[f"{folder}/my lab.ipynb"] = work(person, attempt)
    return files


def american(time: datetime) -> str:
    return f"{time:%b} {time.day}, {time.year}"


def european(time: datetime) -> str:
    return f"{time:%d} {time:%B} {time.year}"


def sakai() -> Files:
    files = {"Lab 1/grades.csv": b"Lab 1,Points,,,\n\nDisplay ID,ID,Last Name,First Name,grade\n"}
    for person in HANDED_IN:
        folder = f"Lab 1/{person.family}, {person.given}({person.login})"
        files[f"{folder}/Submission attachment(s)/my lab.ipynb"] = work(person)
        files[f"{folder}/timestamp.txt"] = f"{person.time:%Y%m%d%H%M%S}000".encode()
        files[f"{folder}/{person.family}_submissionText.html"] = b""
    return files


def gradescope() -> Files:
    files, lines = {}, ["---"]
    for person in HANDED_IN:
        for attempt in range(1 + person.n % 3):
            time = person.time - timedelta(days=person.n % 3 - attempt)
            number = 7000 + 10 * person.n + (5 - attempt)  # the numbers do not rise with the time
            files[f"assignment_31_export/submission_{number}/my lab.ipynb"] = work(person, attempt)
            name = json.dumps(person.shown, ensure_ascii=False)  # a JSON string is a YAML string
            lines += [
                f"submission_{number}:", "  :submitters:", f"  - :name: {name}", f"    :sid: {person.sid}",
                f"    :email: {person.email}", f"  :created_at: {time:%Y-%m-%d %H:%M:%S}.123456000 -08:00",
                "  :score: 3.0", "  :results:", "    tests: []", "  :history: []",
            ]  # fmt: skip
    files["assignment_31_export/submission_metadata.yml"] = "\n".join(lines).encode()
    return files


def nbgrader() -> Files:
    files = {}
    for person in HANDED_IN:
        folder = f"course/submitted/{person.login}/lab1"
        files[f"{folder}/my lab.ipynb"] = work(person)
        files[f"{folder}/timestamp.txt"] = f"{person.time:%Y-%m-%d %H:%M:%S}.000000 UTC".encode()
    return files


def github() -> Files:
    files = {}
    for person in HANDED_IN:
        login = person.login.replace("_", "-").replace(".", "-")
        files[f"lab-1-submissions/lab-1-{login}/my lab.ipynb"] = work(person)
        files[f"lab-1-submissions/lab-1-{login}/README.md"] = b"# Lab 1"
    return files


def by_number(person: Person) -> dict[IdKind, str]:
    return {IdKind.CANVAS: person.user}


@dataclass(frozen=True)
class System:
    """A download, and what is to be found in it: the layout's name, each one's ids, and the time's zone."""

    files: Files
    layout: str
    ids: Callable[[Person], dict[IdKind, str]]
    name: Callable[[Person], str]
    zone: timezone | None = None
    has_time: bool = True
    seconds: bool = True
    attempts: bool = False
    late: bool = False


SYSTEMS = {
    "canvas": System(canvas(), "canvas", by_number, squeezed, has_time=False, late=True),
    "canvas, anonymous": System(
        canvas_anonymous(), "canvas", lambda person: {IdKind.ANONYMOUS: f"x{person.n}Q"}, lambda person: "",
        has_time=False, late=True,
    ),
    "moodle, folders": System(
        moodle(), "moodle", lambda person: {IdKind.PARTICIPANT: person.user}, lambda person: person.shown,
        has_time=False,
    ),
    "moodle, older folders": System(
        moodle("_/"), "moodle", lambda person: {IdKind.PARTICIPANT: person.user}, lambda person: person.shown,
        has_time=False,
    ),
    "moodle, flat": System(
        moodle("_"), "moodle", lambda person: {IdKind.PARTICIPANT: person.user}, lambda person: person.shown,
        has_time=False,
    ),
    "blackboard": System(
        blackboard(), "blackboard", lambda person: {IdKind.LOGIN: person.login}, lambda person: person.shown,
        attempts=True,
    ),
    "brightspace, names": System(
        brightspace(lambda person: person.shown, american), "brightspace",
        lambda person: {IdKind.BRIGHTSPACE: person.user}, lambda person: person.shown, seconds=False, attempts=True,
    ),
    "brightspace, ids": System(
        brightspace(lambda person: f"{person.sid} {person.family}", european), "brightspace",
        lambda person: {IdKind.BRIGHTSPACE: person.user, IdKind.NUMBER: person.sid}, lambda person: person.family,
        seconds=False, attempts=True,
    ),
    "brightspace, user names": System(
        brightspace(lambda person: f"{person.login} {person.shown}", american), "brightspace",
        lambda person: {IdKind.BRIGHTSPACE: person.user, IdKind.LOGIN: person.login},
        lambda person: person.shown, seconds=False, attempts=True,
    ),
    "sakai": System(
        sakai(), "sakai", lambda person: {IdKind.LOGIN: person.login},
        lambda person: f"{person.family}, {person.given}", zone=UTC,
    ),
    "gradescope": System(
        gradescope(), "gradescope", lambda person: {IdKind.NUMBER: person.sid, IdKind.EMAIL: person.email},
        lambda person: person.shown, zone=timezone(timedelta(hours=-8)), attempts=True,
    ),
    "nbgrader": System(
        nbgrader(), "nbgrader", lambda person: {IdKind.LOGIN: person.login}, lambda person: "", zone=UTC,
    ),
    "github": System(
        github(), "github",
        lambda person: {IdKind.GITHUB: person.login.replace("_", "-").replace(".", "-")}, lambda person: "",
        has_time=False,
    ),
}  # fmt: skip


# --- reading, for all tests alike


def read(folder: Path, files: Mapping[str, bytes], **options: object) -> Collected:
    return collect([download(folder, files)], names=("alpha",), **options)  # type: ignore[arg-type]


def only(collected: Collected) -> HandIn:
    (one,) = collected.submissions
    return one


def of(collected: Collected, system: System) -> dict[int, HandIn]:
    """Each hand-in by the number of whom its content is from."""
    found = {}
    for one in collected.submissions:
        assert one.content is not None, one
        found[int(json.loads(one.content)["cells"][0]["source"].split()[2])] = one
    return found
