"""How a submission is called: keys from file names, each its own, and file names from keys.

`keys_for` is called by `collect`; `file_safe` by everything that writes a file per student.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

# A key of these characters alone names its own file. Capitals are not among them: not every disk tells Ada from ada.
PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.@+-]{0,99}(?<!\.)")
# Windows takes these for devices, whatever follows a dot.
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
NOTEBOOK = re.compile(r"\.ipynb(\.(txt|json))?$", re.IGNORECASE)  # browsers add the second ending
ARCHIVE = re.compile(r"\.(zip|tar|tgz|tar\.(gz|bz2|xz)|rar|7z)$", re.IGNORECASE)
SCRIPT = re.compile(r"\.py$", re.IGNORECASE)
EXPORT = re.compile(r"\.(html?|md|json|txt)$", re.IGNORECASE)  # what a notebook may have been saved as
SHORTENED = 60  # characters (up to 4 bytes each) that stay readable before the hash


@dataclass(frozen=True, order=True)
class Place:
    """Where a submission was found: the folder or zip that was named, and the path in it."""

    root: str
    path: str


def is_notebook_name(name: str) -> bool:
    return bool(NOTEBOOK.search(name))


def is_archive_name(name: str) -> bool:
    return bool(ARCHIVE.search(name))


def is_script_name(name: str) -> bool:
    return bool(SCRIPT.search(name))


def is_export_name(name: str) -> bool:
    return bool(EXPORT.search(name)) and not is_notebook_name(name)


def without_ending(path: str) -> str:
    for ending in (EXPORT, NOTEBOOK, ARCHIVE, SCRIPT):
        path = ending.sub("", path)
    return path


def stem(name: str) -> str:
    """A notebook's file name without its ending, cleaned: what a person would call it."""
    return cleaned(without_ending(PurePosixPath(name).name)) or "unnamed"


def cleaned(text: str) -> str:
    """Composed (NFC), stripped, and free of what no file, sheet or database takes (control codes, surrogates)."""
    text = "".join("\ufffd" if unicodedata.category(char) in ("Cc", "Cs") else char for char in text)
    return unicodedata.normalize("NFC", text).strip()


def keys_for(places: Sequence[Place]) -> tuple[list[str], list[str]]:
    """A key for each place, all different, and a note on each that is more than its file's stem.

    The stem where it is the only one, else the path, else the path with its root, else a number besides. Letter case
    is no difference: whichever of two is meant on a roster, a person should look.
    """
    keys = [stem(place.path) for place in places]
    for longer in (_path, _path_with_root):
        counts = Counter(key.casefold() for key in keys)
        keys = [longer(place) if counts[key.casefold()] > 1 else key for key, place in zip(keys, places, strict=True)]
    counts = Counter(keys)
    taken = set(keys)
    met: set[str] = set()
    for position, key in enumerate(keys):
        if counts[key] > 1 and key in met:
            number = next(number for number in range(2, len(keys) + 2) if f"{key} ({number})" not in taken)
            keys[position] = f"{key} ({number})"
            taken.add(keys[position])
        met.add(key)
    notes = [
        f'{place.root}/{place.path} is not the only one called "{stem(place.path)}"; its key is "{key}".'
        for key, place in zip(keys, places, strict=True)
        if key != stem(place.path)
    ]
    return keys, notes


def _path(place: Place) -> str:
    return cleaned(without_ending(place.path)) or "unnamed"


def _path_with_root(place: Place) -> str:
    return f"{place.root}/{_path(place)}"


def file_safe(key: str) -> str:
    """A file name (without ending) for `key`: at most 120 characters, no separator, no dot first.

    Different keys give names that differ on every disk, also where letter case and accents' encoding do not count:
    a key that is not plain gets 64 bits of its hash, too many to hit on purpose.
    """
    key = unicodedata.normalize("NFC", key)
    if PLAIN.fullmatch(key) and not DEVICES.fullmatch(key):
        return key
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    readable = "".join(char if char.isalnum() or char in "_-" else "_" for char in key)[:SHORTENED].strip("_")
    return f"{unicodedata.normalize('NFC', readable)}~{digest}"  # "~" is in no plain key
