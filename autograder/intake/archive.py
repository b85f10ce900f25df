"""Reads a zip or a tar in memory, from people one need not trust; nothing is ever written to disk.

Called by `collect`. Sizes are counted while reading, as a header may lie. A member that cannot be had is a value with
the reason, and the next one is read; only a file that is no zip at all raises.

What is refused, and why: names that leave the archive's folder (absolute, `..`, `C:`) and links, since they point at
other people's files; encrypted members, since there is no password; archives that unfold to more than memory holds.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from autograder.intake.faults import IntakeError
from autograder.intake.signatures import looks_like

MB = 1_000_000
ONE_MEMBERS, ONE_BYTES = 1000, 250 * MB  # of one student's archive
ONE_WAY_OUT = "ask for the notebook alone"
MOST_NAME = 1000  # characters of a member's way; no disk takes a longer one, and a name is looked at in many ways
UTF8_NAME = 0x800  # bit 11 of a member's flags (PKWARE APPNOTE 4.4.4)
ENCRYPTED = 0x1  # bit 0
_LINK = "it is a link to another file, which is not followed"


@dataclass
class Budget:
    """What one hand-in collection may take; shared by all its archives, so that many small bombs add up."""

    members: int = 10_000
    member_bytes: int = 200 * MB
    total_bytes: int = 2000 * MB
    way_out: str = "grade it in parts"
    deadly: int = 1000  # members of an archive that may take their reader over its limits, before the rest is given up
    spent: int = field(default=0, init=False)
    counted: int = field(default=0, init=False)

    def of_one_person(self) -> Budget:
        """What one student's archive may take of what is left: a bomb in it must leave room for all the others."""
        members, size = max(0, self.members - self.counted), max(0, self.total_bytes - self.spent)
        return Budget(min(ONE_MEMBERS, members), self.member_bytes, min(ONE_BYTES, size), ONE_WAY_OUT, 1)

    def add(self, other: Budget) -> None:
        """Count what a part has taken."""
        self.spent += other.spent
        self.counted += other.counted

    def read(self, stream: BinaryIO, most: int | None = None) -> bytes:
        """All of `stream`. Raises Refused when it is more than is allowed (or than `most` bytes), having read no more
        than that."""
        left = self.total_bytes - self.spent
        allowed = self.member_bytes if most is None else min(most, self.member_bytes)
        most = min(allowed, left)
        parts: list[bytes] = []
        size = 0
        while size <= most and (part := stream.read(min(MB, most + 1 - size))):
            parts.append(part)
            size += len(part)
        self.spent += min(size, most)
        if size > most:
            small = allowed <= left
            limit = f"it is larger than {allowed / MB:g} MB" if small else self.spent_sentence()
            raise Refused(limit)
        return b"".join(parts)

    def spent_sentence(self) -> str:
        return f"everything together is larger than {self.total_bytes / MB:g} MB; {self.way_out}"


class Refused(Exception):
    """A member is not read; the text is the reason, a clause for a sentence."""


@dataclass(frozen=True)
class Member:
    """One file of an archive: its name with "/" between folders, its bytes, or why there are none."""

    name: str
    content: bytes | None
    problem: str | None = None


def members(source: BinaryIO | bytes, wanted: Callable[[str], bool | int], budget: Budget) -> Iterator[Member]:
    """The files of an archive in its own order; those not `wanted` (by name) come without content.

    A number that `wanted` gives is the most bytes that a member may have; True is as many as the budget allows.

    Raises IntakeError (a clause: "it is ...") if this is no archive that can be read, or if it holds too many members.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    head = stream.read(512)
    stream.seek(0)
    opener = next((opener for start, opener in PACKED if head.startswith(start)), None)
    if opener is not None or head[257:262] == b"ustar":
        yield from _tar_members(opener(stream) if opener else stream, wanted, budget)
        return
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        stream.seek(0)
        head = stream.read(4096)
        is_zip = head.startswith(b"PK")
        why = (
            "it is a damaged or cut-off zip archive"
            if is_zip
            else f"it is no zip or tar archive but {looks_like(head)}"
        )
        raise IntakeError(why) from error
    with archive:
        infos = archive.infolist()
        budget.counted += len(infos)
        if budget.counted > budget.members:
            raise IntakeError(f"it holds more than {budget.members} files; {budget.way_out}")
        for info in infos:
            name = member_name(info)
            if name.endswith("/") and not stat.S_ISLNK(info.external_attr >> 16):
                continue
            yield _member(archive, info, name, wanted, budget)


PACKED: tuple[tuple[bytes, Callable[[BinaryIO], Any]], ...] = (
    (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)


class _Counted:
    """A stream that is read forwards and counted, as what is passed over must be unpacked too."""

    def __init__(self, stream: BinaryIO, budget: Budget) -> None:
        self.stream, self.budget = stream, budget

    def read(self, size: int) -> bytes:
        part = self.stream.read(size)
        self.budget.spent += len(part)
        if self.budget.spent > self.budget.total_bytes:
            raise IntakeError(self.budget.spent_sentence())
        return part


def _limit(wish: bool | int) -> int | None:
    return None if wish is True else int(wish)


def _tar_members(stream: BinaryIO, wanted: Callable[[str], bool | int], budget: Budget) -> Iterator[Member]:
    own = replace(budget)  # members count when they are passed over; what is read of them must not count twice
    try:
        with tarfile.open(fileobj=_Counted(stream, budget), mode="r|") as archive:  # type: ignore[call-overload]
            for info in archive:
                budget.counted += 1
                if budget.counted > budget.members:
                    raise IntakeError(f"it holds more than {budget.members} files; {budget.way_out}")
                name = unicodedata.normalize("NFC", info.name.replace("\\", "/"))
                if info.isdir():
                    continue
                refusal = None if info.isreg() or info.issym() or info.islnk() else "it is no ordinary file"
                refusal = _LINK if info.issym() or info.islnk() else refusal or leads_elsewhere(name)
                wish = wanted(name)
                if refusal or not wish:
                    yield Member(_harmless(name) if refusal else name, None, refusal)
                    continue
                try:
                    opened = archive.extractfile(info)
                    yield Member(name, own.read(opened, _limit(wish)) if opened else b"")
                except Refused as error:
                    yield Member(name, None, str(error))
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, OverflowError) as error:
        raise IntakeError("it is a damaged or cut-off tar archive") from error


def _member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, wanted: Callable[[str], bool | int], budget: Budget
) -> Member:
    refusal = refused(name, info)
    if refusal:
        return Member(_harmless(name), None, refusal)
    wish = wanted(name)
    if not wish:
        return Member(name, None)
    try:
        with archive.open(info) as stream:
            return Member(name, budget.read(stream, _limit(wish)))  # type: ignore[arg-type]
    except Refused as error:
        return Member(name, None, str(error))
    except NotImplementedError:
        return Member(name, None, f"it is packed in a way (method {info.compress_type}) that is not read here")
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError) as error:
        return Member(name, None, f"it is damaged in the archive ({error or type(error).__name__})")


def member_name(info: zipfile.ZipInfo) -> str:
    """A member's name as its maker meant it: "/" between folders, composed characters (NFC).

    Many tools write UTF-8 without saying so; zipfile then reads it as code page 437, which is undone here.
    """
    name = info.filename
    if not info.flag_bits & UTF8_NAME:
        try:
            name = name.encode("cp437").decode("utf-8")
        except ValueError:
            name = info.filename  # it is code page 437, or zipfile has shortened it already
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def refused(name: str, info: zipfile.ZipInfo) -> str | None:
    """Why a member must not be read, or None."""
    if stat.S_ISLNK(info.external_attr >> 16):
        return _LINK
    if info.flag_bits & ENCRYPTED:
        return "it is protected by a password"
    return leads_elsewhere(name)


def leads_elsewhere(name: str) -> str | None:
    """What is wrong with a member's name, if it leaves the archive's folder, or is too long to be one."""
    if len(name) > MOST_NAME:
        return f"its name has {len(name)} characters"
    if name.startswith("/"):
        return f'its name "{name}" points outside the archive'
    if ".." in name.split("/"):
        return f'its name "{name}" climbs out of the archive'
    if len(name) > 1 and name[1] == ":" and name[0].isalpha():
        return f'its name "{name}" is that of a drive'
    return None


def _harmless(name: str) -> str:
    """A refused name made relative, so that it can stand in a list and become a key."""
    parts = [part for part in name.replace(":", "_").split("/") if part not in ("", ".", "..")]
    whole = "/".join(parts) or "nameless"
    return whole if len(whole) <= MOST_NAME else f"{whole[:100]}...{whole[-20:]}"
