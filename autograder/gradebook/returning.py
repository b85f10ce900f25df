"""A zip of feedback pages, each under the name by which the LMS brings it to its student.

Called by `engine.exporting`. What comes back is read by these rules:

Canvas (re-uploaded submissions; app/models/assignment.rb, infer_comment_context_from_filename) splits a name at `_`:
the first two parts of digits alone are user and attachment, and a last part that begins with "link" is passed over.
The page is then seen by the whole group, where a group is graded together.
Moodle (feedback files in a zip; mod/assign/feedback/file/importziplib.php) splits a name at `_`: the second part is the
participant's number, or the team's, of which every member then gets the page.

What was graded may lie deep in what was handed in, an archive or a folder: the page is called by what the LMS named.

So a team gets one page, under the team's name, and only if its members stand alike.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from autograder.intake.identity import IdKind
from autograder.record.standing import Standing
from autograder.results import Status

EPOCH = (1980, 1, 1, 0, 0, 0)  # no times in the zip: the same run gives the same bytes
ANONYMOUS = re.compile(r"(?:LATE_)?anon_(?P<whose>[^_]+)_\d+_.+")
MOODLE = re.compile(r"(?P<full>[^/]*?)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_|/|$)")
PAGE = "feedback.html"


@dataclass(frozen=True)
class Address:
    """Where a page goes: the LMS's number or id of the student (or team), and the page's name."""

    whose: str
    name: str


@dataclass(frozen=True)
class Way:
    """One LMS's names. `address` reads the name of one file or folder; None where it is no such name."""

    called: str
    kinds: tuple[IdKind, ...]  # of what stands in the name
    address: Callable[[str], Address | None]
    own: Callable[[Standing], Address | None]  # for who handed in otherwise


@dataclass(frozen=True)
class Returned:
    """The zip, how many pages are in it, whose are not and why (by key), and sentences on what was done."""

    content: bytes
    count: int
    unplaced: Mapping[str, str]
    notes: tuple[str, ...]


def read_by_canvas(name: str) -> tuple[str, str] | None:
    """The user and the attachment that Canvas takes a name for; None for what it passes over."""
    parts = name.rsplit("/", 1)[-1].split("_")
    digits = [part for part in parts if part.isascii() and part.isdecimal()]
    return None if len(digits) < 2 or parts[-1].startswith("link") or name.startswith("._") else (digits[0], digits[1])


def _canvas(name: str) -> Address | None:
    page = f"{name.rsplit('.', 1)[0]}.html"
    if anonymous := ANONYMOUS.fullmatch(name):
        return Address(anonymous["whose"], page)
    named = re.match(r"(?:.*?_)??(?:LATE_)?(?P<user>\d+)_(?P<attachment>\d+)_", name, re.ASCII)
    if named is None:
        return None
    meant = (named["user"], named["attachment"])
    return Address(meant[0], page if read_by_canvas(page) == meant else f"{meant[0]}_{meant[1]}_{PAGE}")


def _moodle(name: str) -> Address | None:
    found = MOODLE.match(name)
    return _moodle_name(found["full"], found["number"]) if found else None


def _moodle_name(full: str, number: str) -> Address:
    clean = re.sub(r'[\x00-\x1f_/\\:*?"<>|]+', " ", full).lstrip(".~ ").strip() or "Participant"
    return Address(number, f"{clean}_{number}_assignsubmission_file_{PAGE}")


def _by_participant(one: Standing) -> Address | None:
    number = one.person.ids.get(IdKind.PARTICIPANT, "")
    return _moodle_name(one.person.name, number) if number and not one.person.group else None


WAYS = {
    "canvas": Way("Canvas", (IdKind.CANVAS, IdKind.ANONYMOUS), _canvas, lambda one: None),
    "moodle": Way("Moodle", (IdKind.PARTICIPANT, IdKind.GROUP), _moodle, _by_participant),
}


def packed(
    people: Sequence[Standing],
    page_of: Callable[[str], bytes | None],
    team_page: Callable[[Sequence[Standing]], bytes],
    to: str,
) -> Returned:
    """Pages of everybody who handed in and is not excused. `page_of` gives a key's page, None where there is none;
    `team_page` the one page of a team whose members stand alike; where one of them is excused, they do not."""
    way = WAYS[to]
    unplaced: dict[str, str] = {}
    by_name: dict[Address, list[Standing]] = defaultdict(list)
    for one in sorted(people, key=lambda one: one.person.key):
        if one.outcome is None or one.outcome.status is Status.MISSING or not one.person.source:
            continue
        found = _address(one, way) or way.own(one)
        if one.excused:  # has no page, and keeps a team from getting one that all of its members are shown
            if one.person.group and found is not None:
                by_name[found].append(one)
            continue
        if found is None:
            unplaced[one.person.key] = f"the hand-in did not come in a download of {way.called}"
        elif why := _of_another(found, one, way):
            unplaced[one.person.key] = why
        else:
            by_name[found].append(one)
    pages: dict[str, bytes] = {}
    teams = 0
    numbers: dict[str, str] = {}
    for address, members in by_name.items():
        keys = [one.person.key for one in members if not one.excused]
        if not keys:
            continue
        if numbers.setdefault(address.whose, keys[0]) != keys[0] or address.name in pages:
            unplaced |= dict.fromkeys(keys, f"{numbers[address.whose]} has a page under the same number already")
            continue
        if len(members) > 1 or members[0].person.group:
            if not alike(members):
                why = f"the team's members stand differently, and {way.called} shows one page to all of them"
                unplaced |= dict.fromkeys(keys, why)
                continue
            pages[address.name], teams = team_page(members), teams + 1
            continue
        content = page_of(keys[0])
        if content is not None:
            pages[address.name] = content
    notes = (f"{teams} teams got one page each, for all members: so {way.called} hands it out.",) if teams else ()
    return Returned(_zipped(pages), len(pages), unplaced, notes)


def alike(members: Sequence[Standing]) -> bool:
    """Whether a page on the one's work says the same as on the other's."""
    facts = {
        (
            one.excused, one.final, one.score, one.late_sentence, one.due, one.outcome.status,
            tuple((question.id, question.score, question.note) for question in one.outcome.questions),
        )
        for one in members if one.outcome is not None
    }  # fmt: skip
    return len(facts) == 1


def _of_another(address: Address, one: Standing, way: Way) -> str:
    """Why a hand-in's name would bring the page to somebody else; "" if it does not."""
    person = one.person
    stated = {person.ids[kind] for kind in way.kinds if person.ids.get(kind)}
    if person.group or address.whose in (stated or {person.key, person.hand_in}):
        return ""
    if stated:
        return f"the hand-in came under the number {address.whose}, which is not theirs in {way.called}"
    return f"that {address.whose} in the hand-in's name is theirs is not known"


def _address(one: Standing, way: Way) -> Address | None:
    """By the outermost name on the way to the graded file that is the LMS's, and not another student's.

    The way is "class.zip: folder/what was handed in.zip: the student's own folders/file": names within what was handed
    in are the student's own words, and one above it may look like such a name by chance.
    """
    parts = re.split(r": |/", one.person.source)
    found = [address for part in parts if (address := way.address(part)) is not None]
    return next((address for address in found if not _of_another(address, one, way)), next(iter(found), None))


def _zipped(pages: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in sorted(pages):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), pages[name], zipfile.ZIP_DEFLATED, 1)
    return stream.getvalue()
