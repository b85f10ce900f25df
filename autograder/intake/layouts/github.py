"""GitHub Classroom's clones: sibling folders `assignment-login` or `assignment-team`, of the same files [from memory].

Nothing in one name tells where the login begins, so this is recognised by the siblings: folders that begin alike up to
a `-`, and are clones (a `.git` lies in them) or hold a notebook of the same path. `head` is the folder's name: on a
roster the longest login that ends it is meant. The time is in git's own log, which is not asked: a repository from
a student may bring settings and hooks that git would run.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from autograder.intake.identity import IdKind
from autograder.intake.layouts.base import FileName, Layout, Listing, Read, common_start

LOGIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
PARENT = re.compile(r"(?P<assignment>.+)-submissions/", re.DOTALL)  # where `gh classroom clone` puts them
BRANCH = re.compile(r"-(?:main|master)$")  # of a repository that was downloaded as a zip


def entry(path: str) -> FileName | None:
    return None  # one path alone tells nothing


def whole(read: Read, listing: Listing) -> Read:
    """Every file below the siblings; {} where there are none of this kind."""
    files: dict[str, list[str]] = defaultdict(list)
    for path in listing.work:
        folder, slash, inside = path.partition("/")
        if folder.endswith("-submissions") and inside.count("/"):
            second, _, inside = inside.partition("/")
            folder = f"{folder}/{second}"
        if slash:
            files[folder].append(inside)
    start = _start([*files, *listing.clones])
    siblings = {folder: _login(folder, start) for folder in files if folder.startswith(start) and start}
    siblings = {folder: login for folder, login in siblings.items() if LOGIN.fullmatch(login)}
    if len(siblings) < 2:
        return {}
    cloned = sum(folder in listing.clones for folder in siblings)
    shared = Counter(path for folder in siblings for path in set(files[folder])).most_common(1)[0][1]
    if 2 * max(cloned, shared) <= len(siblings):
        return {}
    return {
        f"{folder}/{inside}": FileName(login, inside, ids={IdKind.GITHUB: login}, head=_repository(folder))
        for folder, login in siblings.items()
        for inside in files[folder]
    }  # fmt: skip


def _start(folders: list[str]) -> str:
    """What the siblings' names have in common, up to a "-"."""
    named = [folder for folder in folders if PARENT.match(folder)]
    if named:
        parent = PARENT.match(named[0])
        start = f"{parent[0]}{parent['assignment']}-" if parent else ""
        if sum(folder.startswith(start) for folder in named) * 2 > len(named):
            return start
    # A folder or two of another name may lie beside them: what most of them begin with
    firsts = Counter(folder.partition("-")[0] for folder in folders if "-" in folder)
    if not firsts:
        return ""
    first = firsts.most_common(1)[0][0]
    alike = [folder for folder in folders if folder.startswith(f"{first}-")]
    if len(alike) < 2:
        return ""
    return common_start([BRANCH.sub("", folder) for folder in alike], "-")


def _login(folder: str, start: str) -> str:
    return BRANCH.sub("", folder.removeprefix(start))


def _repository(folder: str) -> str:
    return BRANCH.sub("", folder.rpartition("/")[2])


GITHUB = Layout("github", "lab-1-astudent/lab.ipynb (and others beginning with lab-1-)", entry, sure=False, whole=whole)
