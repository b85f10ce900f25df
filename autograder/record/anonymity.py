"""Made-up keys in place of students' own, for runs whose outputs must not say who anybody is (`grade --anonymous`).

A pseudonym is an HMAC-SHA-256 of the student's key under a secret that lies outside the run's folder, so that nobody
who has the outputs alone can try keys until one fits; the same student has the same one in every run of that secret's
owner. Everything but gradebooks, and zips that go back to an LMS, is made from `Overview.shown`. What a student wrote
into the notebook itself stays as it is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.record.standing import Seen, Standing, standings
from autograder.record.store import Person, Record, RecordError, RunInfo

SECRET_BYTES = 32
SHORTEST = 4  # characters of a name that is masked in sentences; shorter ones are parts of ordinary words
SHOWN = 10  # base-32 digits, 50 bits: two of 2,000 students alike once in 500 million classes


def secret_path() -> Path:
    """Where the secret lies: $AUTOGRADER_SECRET, else in the user's configuration folder."""
    named = os.environ.get("AUTOGRADER_SECRET")
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(named) if named else base / "autograder" / "pseudonyms.key"


def secret() -> bytes:
    """The secret, made at first use. Raises RecordError if it cannot be read or kept."""
    path = secret_path()
    try:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_hex(SECRET_BYTES).encode())
        found = path.read_bytes().strip()
    except OSError as error:
        raise RecordError(
            f"The secret of made-up keys cannot be used: {path}: {error.strerror}. Name another file with "
            "AUTOGRADER_SECRET."
        ) from None
    if len(found) < SECRET_BYTES:
        raise RecordError(f"{path} is too short to be the secret of made-up keys; put the right file back.")
    return found


def pseudonym(key: str, key_of_keys: bytes) -> str:
    """The made-up key of a student, such as "s-k3v7q2m5xa"."""
    digest = hmac.digest(key_of_keys, key.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"s-{base64.b32encode(digest).decode().lower()[:SHOWN]}"


def naming(record: Record) -> Callable[[str], str]:
    """How the run's outputs call the student of a key: as they are, or by pseudonyms."""
    return made_up(record.info().anonymous)


def made_up(anonymous: bool) -> Callable[[str], str]:
    """How outputs call the student of a key. Raises RecordError if the secret cannot be used."""
    if not anonymous:
        return lambda key: key
    key_of_keys = secret()
    return lambda key: pseudonym(key, key_of_keys)


def public(person: Person, name_of: Callable[[str], str]) -> Person:
    """What outputs may say of a student in an anonymous run."""
    ending = Path(person.filename).suffix if person.filename else ""
    shown = name_of(person.key)
    return Person(shown, filename=f"{shown}{ending}" if ending else "", position=person.position,
                   handed_in=person.handed_in, marked_late=person.marked_late)  # fmt: skip


def presenting(record: Record) -> Callable[[Standing], Standing]:
    """How outputs may show a student: as they are or, in an anonymous run, by pseudonym and without what names them."""
    if not record.info().anonymous:
        return lambda one: one
    name_of = naming(record)
    return lambda one: public_standing(one, name_of)


@dataclass(frozen=True)
class Overview:
    """A class as it stands in the record, read once: everybody, without executed cells.

    `shown` are the same students as outputs may show them, and `name_of` is how those call the student of a key.
    """

    info: RunInfo
    standings: tuple[Standing, ...]
    shown: tuple[Standing, ...]
    name_of: Callable[[str], str]
    show: Callable[[Standing], Standing]
    tests: tuple[Seen, ...] = ()  # of all who have a score, once the outputs were written

    @property
    def pairs(self) -> Iterable[tuple[Standing, Standing]]:
        return zip(self.standings, self.shown, strict=True)


def overview(record: Record, with_tests: bool = False) -> Overview:
    """Everything that outputs are made from, but for tests and cells. Raises RecordError without the secret."""
    everybody, show = tuple(standings(record, with_tests=with_tests)), presenting(record)
    return Overview(record.info(), everybody, tuple(map(show, everybody)), naming(record), show)


def public_standing(one: Standing, name_of: Callable[[str], str]) -> Standing:
    """One student's standing under the pseudonym, which also takes the place of names and files in what was said."""
    person, shown = one.person, name_of(one.person.key)
    telling = {person.source, person.filename, Path(person.filename).stem, person.name, person.email, person.key}
    masks = sorted((text for text in telling if len(text) >= SHORTEST), key=len, reverse=True)

    def masked(text: str) -> str:
        for mask in masks:
            text = text.replace(mask, shown)
        return text

    outcome = one.outcome and one.outcome.model_copy(
        update={
            "key": shown,
            "message": masked(one.outcome.message),
            "notes": tuple(map(masked, one.outcome.notes)),
        }
    )
    return replace(one, person=public(person, name_of), outcome=outcome)
