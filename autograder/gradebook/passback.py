"""What is to be sent to Canvas for each student, and what is not, and why. Pure decisions; called by `engine.pushing`.

Nobody's grade is guessed: a student is found by ids alone, a grade that somebody else gave stays unless it is asked to
go, and only what differs is sent. What was sent before is known from the record's receipts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from autograder.course.models import Policy
from autograder.gradebook.ownership import arrived, ours
from autograder.gradebook.scores import number
from autograder.intake.identity import IdKind
from autograder.judge.results import Status, rounded
from autograder.record.history import Receipt
from autograder.record.standing import Standing
from autograder.record.store import Planned
from autograder.report.comment import pieces


class Student(Protocol):
    """Somebody on Canvas, as `canvas_api.CanvasStudent`."""

    @property
    def user(self) -> int: ...
    @property
    def sis(self) -> str: ...
    @property
    def login(self) -> str: ...


class There(Protocol):
    """What stands on Canvas for a student, as `canvas_api.Held`. `grade` is "17.5", "EX" or ""."""

    @property
    def grade(self) -> str: ...
    @property
    def comments(self) -> tuple[str, ...]: ...


class Step(StrEnum):
    """What is done about a student."""

    SEND = "send"
    SAME = "same"  # Canvas has it all
    THEIRS = "theirs"  # somebody else's grade stands there
    OUT = "out"  # nothing to send, or nobody to send it to


@dataclass(frozen=True)
class Entry:
    """One student. `grade` is what is wanted ("17.5", "EX"), `was` what stands there; `comment` is the text that
    Canvas is to have, `to_send` those pieces of it that go now."""

    key: str
    name: str
    step: Step
    why: str = ""
    user: int = 0
    grade: str = ""
    was: str = ""
    comment: str = ""
    to_send: tuple[str, ...] = ()
    faulty: bool = False  # a grade that did not find its student: somebody must act

    @property
    def grade_changes(self) -> bool:
        return self.grade != self.was


@dataclass(frozen=True)
class Directory:
    """The students of the course on Canvas; `ask` looks one up by prefix and id, where the list hides such ids."""

    students: Sequence[Student]
    ask: Callable[[str, str], Student | None]
    by: dict[str, dict[str, list[int]]] = field(init=False)

    def __post_init__(self) -> None:
        by: dict[str, dict[str, list[int]]] = {"user": {}, "sis_user_id": {}, "sis_login_id": {}}
        for one in self.students:
            for kind, value in (("user", str(one.user)), ("sis_user_id", one.sis), ("sis_login_id", one.login)):
                if value:
                    by[kind].setdefault(value, []).append(one.user)
        object.__setattr__(self, "by", by)

    def find(self, person: Planned) -> int | str:
        """The user's number, or why there is none."""
        said = ids_of(person)
        if not said:
            return "no Canvas, SIS or login id is known; grade with a --roster that has one (Canvas's gradebook export)"
        users = {user for kind, value in said for user in self._users(kind, value)}
        told = ", ".join(f"{kind} {value}" for kind, value in said)
        if not users:
            return f"no student of the course on Canvas has {told}"
        if len(users) > 1:
            return f"{told} are of {len(users)} different students on Canvas"
        return users.pop()

    def _users(self, kind: str, value: str) -> list[int]:
        if self.by[kind] or kind == "user":
            return self.by[kind].get(value, [])
        asked = self.ask(kind, value)  # the token's owner does not see such ids, but may ask for one
        known = asked is not None and str(asked.user) in self.by["user"]
        return [asked.user] if asked is not None and known else []


def ids_of(person: Planned) -> list[tuple[str, str]]:
    """By Canvas's own words for them; the strongest first. A key is Canvas's if the hand-in's name said it."""
    own = person.ids.get(IdKind.CANVAS, "")
    if not own and person.layout == "canvas" and not person.hand_in and person.key.isascii() and person.key.isdigit():
        own = person.key
    said = [
        ("user", own),
        ("sis_user_id", person.ids.get(IdKind.NUMBER, "")),
        ("sis_login_id", person.ids.get(IdKind.LOGIN, "")),
    ]
    return [(kind, value) for kind, value in said if value]


def grade_of(standing: Standing, policy: Policy) -> tuple[str, str]:
    """What a gradebook is to hold, or "" and why nothing is sent."""
    outcome = standing.outcome
    if standing.excused:
        return "EX", ""
    if outcome is None:
        return "", "not graded yet"
    if outcome.status is Status.MISSING:
        return ("0", "") if policy.gradebook.missing == "zero" else ("", "nothing was handed in")
    if standing.final is None:
        return "", f"{outcome.status.value.replace('_', ' ')}: {outcome.message}"
    return number(rounded(standing.final, policy.gradebook.places)), ""


def entries(
    standings: Sequence[Standing],
    policy: Policy,
    comments: Mapping[str, str],
    directory: Directory,
    held: Mapping[int, There],
    receipts: Mapping[str, Receipt],
    overwrite: bool,
    files: Mapping[str, Sequence[Receipt]] | None = None,
) -> list[Entry]:
    """Everybody in the run, in its order. `comments` are texts by student; who has none gets none. `files` are the
    receipts of files that `export` wrote for the same assignment."""
    found = []
    for standing in standings:
        grade, why = grade_of(standing, policy)
        entry = Entry(standing.person.key, standing.person.name, Step.OUT, why, grade=grade)
        if grade:
            user = directory.find(standing.person)
            if isinstance(user, str):
                entry = replace(entry, why=user, faulty=True)
            elif user not in held:
                entry = replace(entry, why=f"the assignment is not assigned to user {user} on Canvas", faulty=True)
            else:
                text = comments.get(entry.key, "")
                entry = replace(entry, user=user, comment=text)
                entry = _compared(entry, held[user], receipts, (files or {}).get(entry.key, ()), overwrite)
        found.append(entry)
    claimed = Counter(entry.user for entry in found if entry.user)
    return [_apart(entry, claimed) for entry in found]


def _compared(
    entry: Entry, there: There, receipts: Mapping[str, Receipt], files: Sequence[Receipt], overwrite: bool
) -> Entry:
    receipt = receipts.get(entry.key)
    if receipt is not None and receipt.sent.get("user") != entry.user:
        receipt = None  # it was another person then
    entry = replace(entry, was=there.grade, to_send=_new(entry.comment, there, receipt))
    if entry.grade_changes and not overwrite and not ours(there.grade, [*([receipt] if receipt else []), *files]):
        who = "changed there since the last push" if receipt is not None else "given there by somebody"
        return replace(entry, step=Step.THEIRS, why=who, to_send=())
    return replace(entry, step=Step.SEND if entry.grade_changes or entry.to_send else Step.SAME)


def _new(text: str, there: There, receipt: Receipt | None) -> tuple[str, ...]:
    """The pieces of a comment that Canvas does not have. Where an earlier push is known to have brought the text, it
    is not sent again even if somebody deleted it; where nobody knows, what stands there is looked at."""
    before = receipt.sent.get("comment") if receipt is not None and arrived(receipt) else ""
    if before:
        return () if before == text else pieces(text)
    return tuple(piece for piece in pieces(text) if not has(there, piece))


def has(there: There, piece: str) -> bool:
    """Whether a comment stands there, white space aside."""
    return " ".join(piece.split()) in {" ".join(one.split()) for one in there.comments}


def _apart(entry: Entry, claimed: Mapping[int, int]) -> Entry:
    if claimed.get(entry.user, 0) < 2:
        return entry
    why = f"{claimed[entry.user]} students of the run are user {entry.user} on Canvas; mend the roster"
    return replace(entry, step=Step.OUT, why=why, to_send=(), faulty=True)


def sent_of(entry: Entry, before: Receipt | None) -> dict[str, Any]:
    """What a receipt keeps: what is wanted there as a whole. Without a comment now, the one from before stays known."""
    text = entry.comment or (before.sent.get("comment", "") if before is not None and arrived(before) else "")
    return {"user": entry.user, "grade": entry.grade, "was": entry.was, "comment": text}
