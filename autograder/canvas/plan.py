"""What is to be sent to Canvas for each student, and what is not, and why. Pure decisions; called by `push`.

Nobody's grade is guessed: a student is found by ids alone, a grade that somebody else gave stays unless it is asked to
go, and only what differs is sent. What was sent before is known from the record's receipts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from autograder.canvas.assignment import COMMENT, CanvasStudent, Held
from autograder.course.models import Policy
from autograder.gradebook.canvas import EXCUSED
from autograder.gradebook.grades import arrived, grade_of, ours
from autograder.gradebook.writing import number
from autograder.intake.identity import IdKind
from autograder.record.history import Receipt
from autograder.record.standing import Standing
from autograder.record.store import Person
from autograder.report.comment import pieces


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

    def data(self, piece: int) -> dict[str, str]:
        """What to send with that piece of the comment, counted from 0, as fields of Canvas's grade_data; the grade goes
        with the first. A grade takes an excuse back by itself, and both at once are refused."""
        found = {}
        if self.grade_changes and not piece:
            found = {"excuse": "true"} if self.grade == EXCUSED else {"posted_grade": self.grade}
        return found | ({COMMENT: self.to_send[piece]} if piece < len(self.to_send) else {})


@dataclass(frozen=True)
class Directory:
    """The students of the course on Canvas; `ask` looks one up by prefix and id, where the list hides such ids."""

    students: Sequence[CanvasStudent]
    ask: Callable[[str, str], CanvasStudent | None]

    @cached_property
    def users(self) -> dict[tuple[str, str], set[int]]:
        """By kind of id and id."""
        found: dict[tuple[str, str], set[int]] = {}
        for one in self.students:
            for kind, value in filter(lambda said: said[1], one.ids):
                found.setdefault((kind, value), set()).add(one.user)
        return found

    @cached_property
    def shown(self) -> set[str]:
        """Kinds of ids that the token's owner sees."""
        return {"user", *(kind for kind, _ in self.users)}

    def find(self, person: Person) -> int | str:
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

    def _users(self, kind: str, value: str) -> set[int]:
        if kind in self.shown:
            return self.users.get((kind, value), set())
        asked = self.ask(kind, value)  # who does not see such ids may still ask for one
        return {asked.user} & {one.user for one in self.students} if asked is not None else set()


def ids_of(person: Person) -> list[tuple[str, str]]:
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


def entries(
    standings: Sequence[Standing],
    policy: Policy,
    comments: Mapping[str, str],
    directory: Directory,
    held: Mapping[int, Held],
    receipts: Mapping[str, Receipt],
    overwrite: bool,
    files: Mapping[str, Sequence[Receipt]] | None = None,
) -> list[Entry]:
    """Everybody in the run, in its order. `comments` are texts by student; who has none gets none. `files` are the
    receipts of files that `export` wrote for the same assignment."""
    found = []
    for standing in standings:
        wanted = grade_of(standing, policy)
        grade = EXCUSED if wanted.excused else "" if wanted.points is None else number(wanted.points)
        entry = Entry(standing.person.key, standing.person.name, Step.OUT, wanted.why, grade=grade)
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
    entry: Entry, there: Held, receipts: Mapping[str, Receipt], files: Sequence[Receipt], overwrite: bool
) -> Entry:
    receipt = receipts.get(entry.key)
    if receipt is not None and receipt.sent.get("user") != entry.user:
        receipt = None  # it was another person then
    entry = replace(entry, was=there.grade, to_send=_new(entry.comment, there, receipt))
    if entry.grade_changes and not overwrite and not ours(there.grade, [*([receipt] if receipt else []), *files]):
        who = "changed there since the last push" if receipt is not None else "given there by somebody"
        return replace(entry, step=Step.THEIRS, why=who, to_send=())
    return replace(entry, step=Step.SEND if entry.grade_changes or entry.to_send else Step.SAME)


def _new(text: str, there: Held, receipt: Receipt | None) -> tuple[str, ...]:
    """The pieces of a comment that Canvas does not have. Where an earlier push is known to have brought the text, it
    is not sent again even if somebody deleted it; where nobody knows, what stands there is looked at."""
    before = receipt.sent.get("comment") if receipt is not None and arrived(receipt) else ""
    if before:
        return () if before == text else pieces(text)
    return tuple(piece for piece in pieces(text) if not there.has(piece))


def _apart(entry: Entry, claimed: Mapping[int, int]) -> Entry:
    if claimed.get(entry.user, 0) < 2:
        return entry
    why = f"{claimed[entry.user]} students of the run are user {entry.user} on Canvas; mend the roster"
    return replace(entry, step=Step.OUT, why=why, to_send=(), faulty=True)


def sent_of(entry: Entry, before: Receipt | None) -> dict[str, Any]:
    """What a receipt keeps: what is wanted there as a whole. Without a comment now, the one from before stays known."""
    text = entry.comment or (before.sent.get("comment", "") if before is not None and arrived(before) else "")
    return {"user": entry.user, "grade": entry.grade, "was": entry.was, "comment": text}
