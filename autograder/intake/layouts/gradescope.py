"""Gradescope's export: `assignment_1_export/submission_2/file`; who it is stands in submission_metadata.yml.

Its keys are Ruby symbols (`:submitters:`). It is read as text alone (no number, so that a `:sid:` of 0012 stays; no
object of any kind). Several submitters are a group. Who is in two folders has handed in twice; `:created_at:` tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import yaml

from autograder.intake.identity import IdKind
from autograder.intake.layouts.base import Companion, FileName, Layout, Listing, Member, Read, text_of, time_said

METADATA = "submission_metadata.yml"
ENTRY = re.compile(r"(?P<export>assignment_\d+_export[^/]*)/submission_(?P<number>\d+)/(?P<file>.+)", re.DOTALL)
BY_METADATA = re.compile(r"(?P<folder>submission_(?P<number>\d+))/(?P<file>.+)", re.DOTALL)
LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # text, lists and mappings: nothing else comes of it


def entry(path: str) -> FileName | None:
    found = ENTRY.fullmatch(path)
    return (
        FileName(found["number"], found["file"], label=f"{found['export']}/submission_{found['number']}")
        if found
        else None
    )


def whole(read: Read, listing: Listing) -> Read:
    """Who each is. The folder may have been given another name, if the metadata lie in it."""
    everything = dict(read)
    known: dict[str, Mapping[str, Any]] = {}
    for path, content in listing.texts.items():
        folder, _, name = path.rpartition("/")
        if name != METADATA or "/" in folder:
            continue
        start = f"{folder}/" if folder else ""
        for work in listing.work:
            found = BY_METADATA.fullmatch(work.removeprefix(start)) if work.startswith(start) else None
            if found and work not in everything:
                everything[work] = FileName(found["number"], found["file"], label=f"{start}{found['folder']}")
        known |= {f"{start}{key}": about for key, about in _metadata(content).items()}
    return {path: _told(one, known.get(one.label)) for path, one in everything.items()}


def _metadata(content: bytes) -> dict[str, Mapping[str, Any]]:
    """submission_2 -> what is said of it; {} if the text is no such YAML."""
    try:
        loaded = yaml.load(text_of(content), Loader=LOADER)
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    if not isinstance(loaded, dict):
        return {}
    return {key: about for key, about in loaded.items() if isinstance(key, str) and isinstance(about, dict)}


def _told(one: FileName, about: Mapping[str, Any] | None) -> FileName:
    if about is None:
        return one
    listed = about.get(":submitters")
    members = [_member(each) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    members = sorted((member for member in members if member.name or member.ids), key=_key)
    said = about.get(":created_at")
    one = replace(one, when=time_said(said) if isinstance(said, str) else None)
    if not members:
        return one
    students = [_key(member) for member in members]
    name = " & ".join(member.name or key for member, key in zip(members, students, strict=True))
    together = len(members) > 1
    # A first member's ids bring the hand-in to somebody at least, also where nobody asks for the others.
    return replace(
        one, student=" & ".join(students), name=name, ids=members[0].ids, group=name if together else "",
        members=tuple(members) if together else (),
    )  # fmt: skip


def _member(about: Mapping[str, Any]) -> Member:
    texts = {key: about.get(key) for key in (":name", ":sid", ":email")}
    name, sid, email = (text.strip() if isinstance(text, str) else "" for text in texts.values())
    ids = {IdKind.NUMBER: sid, IdKind.EMAIL: email}
    return Member(name, {kind: text for kind, text in ids.items() if text and text not in ("~", "null")})


def _key(member: Member) -> str:
    return member.ids.get(IdKind.NUMBER) or member.ids.get(IdKind.EMAIL) or member.name


def companion(path: str) -> Companion | None:
    listed = path.rpartition("/")[2] == METADATA and path.count("/") <= 1
    return Companion("Gradescope's list of who handed in") if listed else None


GRADESCOPE = Layout("gradescope", "assignment_1_export/submission_2/lab.ipynb", entry, whole=whole, companion=companion)
