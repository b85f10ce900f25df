"""What a layout is: how one LMS names the files of a bulk download, and what it lays beside them.

Every module here makes one `Layout`; `intake.downloads` looks which of them a download fits, and reads it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from autograder.intake.identity import IdKind

SMALL = 64_000  # bytes; a text beside a hand-in that is longer is a student's, or damaged
PACKED = re.compile(r"\.(?:zip|tar|tgz|tar\.(?:gz|bz2|xz)|rar|7z)$", re.IGNORECASE)  # how an archive's name ends
STAMP = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d(?::\d\d)?)(?:[.,](?P<fraction>\d+))?"
    r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)| [A-Z]{2,5})?"
)


@dataclass(frozen=True)
class Member:
    """One of several who handed in together."""

    name: str
    ids: Mapping[IdKind, str]


@dataclass(frozen=True)
class FileName:
    """Whose a file is. `student` is what the LMS calls the student by (text: zeros stay); `file` its name as handed in.

    Files of one student with one `label` came together; those of another label are another attempt. `number` orders
    attempts where the LMS counts something up, else `when` does: the LMS's own time, in no zone where it does not say
    one. `late` is the LMS's mark. `head` is there where the name does not tell where the student's own id begins: the
    head ends with it, and whoever has a class list knows more (see `HandIn.head`). `upload` orders the files of one
    attempt, where the LMS counts them.
    """

    student: str
    file: str
    name: str = ""
    ids: Mapping[IdKind, str] = field(default_factory=dict)
    label: str = ""
    number: int | None = None
    upload: int | None = None
    when: datetime | None = None
    late: bool = False
    group: str = ""
    head: str = ""
    members: tuple[Member, ...] = ()

    @property
    def who(self) -> str:
        """What tells one student's files from another's within a download."""
        return self.head or self.student


@dataclass(frozen=True)
class Listing:
    """One folder with everything in it. Paths are relative to it; an archive stands in them as a folder of its name.

    `work` may be graded, `texts` are small texts that some layout wants to read, `clones` folders that hold a `.git`,
    `beside` everything that is no work.
    """

    work: tuple[str, ...]
    texts: Mapping[str, bytes] = field(default_factory=dict)
    clones: frozenset[str] = frozenset()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Companion:
    """A file that the LMS lays beside hand-ins: what it is (a noun), and of whom it tells that they handed in."""

    what: str
    hand_in: FileName | None = None


Read = Mapping[str, FileName]
Entry = Callable[[str], FileName | None]


def _as_read(read: Read, listing: Listing) -> Read:
    return read


def _nothing(path: str) -> Companion | None:
    return None


@dataclass(frozen=True)
class Layout:
    """One LMS's way.

    `entry` reads one path, relative to the download's own folder, and gives None if it is not named so. `whole` gets
    all that were read and the folder's listing: it fills in what only the texts or the neighbours tell, or gives {} if
    these are no files of this LMS after all. `companion` says what a file is that the LMS lays beside the hand-ins,
    None of any other. A `sure` layout's names come about in no other way, so one file is enough; those of another
    must be `plausible` together.
    """

    name: str
    example: str  # of a path, for a message
    entry: Entry
    sure: bool = True
    whole: Callable[[Read, Listing], Read] = _as_read
    plausible: Callable[[Read, Listing], bool] = lambda read, listing: True
    companion: Callable[[str], Companion | None] = _nothing
    squeezed: bool = False  # names are in lower case, letters and digits alone: whose they are can only be guessed
    ids_pass: bool = False  # the student's number is another one in each assignment
    id_or_login: bool = False  # what stands before a name is an id or a user name, as the site is set

    def read(self, path: str) -> FileName | None:
        """The same for a path with folders before the download's own."""
        return next((found for tail in tails(path) if (found := self.entry(tail)) is not None), None)


def tails(path: str) -> Sequence[str]:
    """A path, and what is left of it without its first folders: people unzip into folders of their own."""
    parts = path.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def common_start(texts: Sequence[str], sign: str) -> str:
    """What all begin with, up to a `sign` and with something of each left; "" for fewer than two texts."""
    if len(set(texts)) < 2:
        return ""
    parts = [text.split(sign)[:-1] for text in texts]
    same = itertools.takewhile(lambda column: len(set(column)) == 1, zip(*parts, strict=False))
    return "".join(f"{column[0]}{sign}" for column in same)


def text_of(content: bytes) -> str:
    return content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")


def time_said(text: str) -> datetime | None:
    """The moment that a text such as "2026-11-16 18:12:05.25 -08:00" names; None if it names none.

    Aware where it says UTC or an offset; letters such as "EST" are not an offset that one could rely on.
    """
    found = STAMP.fullmatch(text.strip())
    if found is None:
        return None
    zone = (found["zone"] or "").replace(":", "")
    try:
        moment = datetime.fromisoformat(f"{found['date']}T{found['time']}")
    except ValueError:
        return None
    if zone[:1] in ("+", "-"):
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
        return moment.replace(tzinfo=timezone(offset if zone[0] == "+" else -offset)) if offset < timedelta(1) else None
    return moment.replace(tzinfo=UTC) if zone else moment
