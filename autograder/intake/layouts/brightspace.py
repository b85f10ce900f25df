"""Brightspace's download: a folder `number-number - who - date time` for each submission.

Confirmed by live downloads in public code only, so it is read leniently. The first number is the user's (or group's)
within the course. Who may be a name, an id and a surname, or a user name and a name, as the site is set. Month names
are in the site's language, days before or after them, and times have no colon. No zone is stated.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import datetime

from autograder.intake.identity import IdKind
from autograder.intake.layouts.base import Companion, FileName, Layout, Listing, Read

FOLDER = r"(?P<user>\d+)-(?P<assignment>\d+) - (?P<who>[^/]+) - (?P<time>[^/]+)"
ENTRY = re.compile(rf"{FOLDER}/(?P<file>.+)", re.DOTALL)
CLOCK = re.compile(
    r"(?:^|[\s,])(?P<hour>\d{1,2}?)[h.]?(?P<minute>\d\d)(?P<second>\d\d)?(?:\s?(?P<half>[ap])\.?\s?m\.?)?$"
)
WORD = re.compile(r"[^\W\d_]+")
NUMBERS = re.compile(r"\d+")
# First letters that tell a month, without accents: English, French, Spanish, Portuguese, Italian, German, Dutch, Nordic
MONTHS = (
    ("jan", "ene", "gen", "jän"), ("feb", "fev", "fév"), ("mar", "mär", "maa", "mrt"), ("apr", "avr", "abr"),
    ("may", "mai", "mei", "mag", "maj"), ("jun", "juin", "giu"), ("jul", "juil", "lug"), ("aug", "aou", "ago"),
    ("sep", "set"), ("oct", "okt", "out", "ott"), ("nov",), ("dec", "dez", "dic", "des"),
)  # fmt: skip
NO_NAME = re.compile(r"[0-9@+._]")
USER_NAME = re.compile(r"[a-z0-9._@+-]+")


def time_of(text: str) -> datetime | None:
    """The moment in "Nov 16, 2026 612 PM", "05 March 2026 612 PM", "16 novembre 2026 18h12" or "2026-11-16 1812"."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)).lower()
    clock = CLOCK.search(plain.strip())
    if clock is None:
        return None
    date = plain.strip()[: clock.start()]
    numbers = [int(number) for number in NUMBERS.findall(date)]
    months = [month for word in WORD.findall(date) if (month := _month(word))]
    years = [number for number in numbers if number > 99]
    days = [number for number in numbers if number <= 99]
    if len(years) != 1 or len(months) + len(days) != 2 or len(months) > 1 or not days:
        return None
    if not months and numbers[0] != years[0]:
        return None  # 11-12-2026 may be either
    month, day = (months[0], days[0]) if months else (days[0], days[1])
    hour = int(clock["hour"])
    if clock["half"] and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + 12 * (clock["half"] == "p") if clock["half"] else hour
    try:
        return datetime(years[0], month, day, hour, int(clock["minute"]), int(clock["second"] or 0))
    except ValueError:
        return None


def _month(word: str) -> int:
    folded = [tuple(_folded(start) for start in starts) for starts in MONTHS]
    return next((number for number, starts in enumerate(folded, 1) if word.startswith(starts)), 0)


def _folded(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def entry(path: str) -> FileName | None:
    found = ENTRY.fullmatch(path)
    if found is None:
        return None
    label = path[: found.end("time")]
    ids = {IdKind.BRIGHTSPACE: found["user"]}
    return FileName(found["user"], found["file"], found["who"].strip(), ids, label, when=time_of(found["time"]))


def whole(read: Read, listing: Listing) -> Read:
    """What stands before the name: `23304308 Student` where most have a number there, or `astudent Ada Student` where
    most have a user name; a site is set to one of the two."""
    split = {one.name: one.name.partition(" ") for one in read.values()}
    users = sum(_is_user_name(first, rest) for first, _, rest in split.values())
    numbered = 2 * sum(first.isdecimal() for first, _, _ in split.values()) > len(split)
    found = {}
    for path, one in read.items():
        first, _, rest = split[one.name]
        if numbered and first.isdecimal() and rest:
            one = replace(one, name=rest.strip(), ids={**one.ids, IdKind.NUMBER: first})
        elif rest and 2 * users > len(split) and USER_NAME.fullmatch(first):
            one = replace(one, name=rest.strip(), ids={**one.ids, IdKind.LOGIN: first})
        found[path] = one
    return found


def _is_user_name(first: str, rest: str) -> bool:
    """Whether a word before a name can only be a user name: it has a digit or sign, or is made of the name's letters.

    So "van der Student" and "ada Student" stay names.
    """
    if not rest or not USER_NAME.fullmatch(first):
        return False
    words = [_folded(word).casefold() for word in WORD.findall(rest)]
    made_of = any(len(word) > 2 and word in first and word != first for word in words)
    return made_of or bool(NO_NAME.search(first))


def companion(path: str) -> Companion | None:
    return Companion("Brightspace's index of the download") if path == "index.html" else None


BRIGHTSPACE = Layout(
    "brightspace",
    "27236-46025 - Ada Student - Nov 16, 2026 612 PM/lab.ipynb",
    entry,
    whole=whole,
    companion=companion,
    id_or_login=True,
)
