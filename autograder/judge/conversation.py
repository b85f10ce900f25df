"""The judge's end of the talk with one process that answers tests; checks whatever comes back.

Used by handles (through `current`) while a test runs. Every answer is the student's word: malformed ones are a fault
of that student, named in a StudentFault, and never an exception of ours.
"""

from __future__ import annotations

import difflib
import select
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from autograder import wire
from autograder.judge.faults import StudentFault
from autograder.results import Where

POLL = 0.25  # seconds between looks at the memory of a silent process
MOST_NAMES = 500  # of a notebook that are looked through for a similar one; the session sends no more
MOST_NOTES = 100
GRACE = 10.0  # seconds on top of the wall-clock limit before a silent process is given up


class Conversation:
    """One question's talk: `begin` a test, `ask` operations.

    Parameters: `channel` to the answering process; `explain` tells more about a missing name; `wall` the seconds one
    test may wait in all; `memory` says what is wrong with the memory that is used, "" if nothing is. `alive` turns
    False when the process has died (then `closed` is True), hung or broken the protocol.
    """

    def __init__(
        self,
        channel: wire.Channel,
        explain: Callable[[str], str],
        wall: float,
        memory: Callable[[], str] = str,
    ) -> None:
        self.channel = channel
        self.memory = memory
        self.over_memory = False
        self.explain = explain
        self.wall = wall
        self.alive = True
        self.closed = False
        self.cpu = 0.0
        self.notes: list[str] = []
        self.names: dict[str, wire.Ref] = {}  # handles that have been resolved
        self.touched: list[str] = []  # names of the notebook that the running test has asked for
        self.deadline = 0.0
        self.judged_at: tuple[str, int | None] = ("", None)

    def begin(self, seed: int, question: str, moment: int | None) -> None:
        """A new test: its seed, the moment it is judged at, a fresh time limit."""
        if (question, moment) != self.judged_at:
            self.names, self.judged_at = {}, (question, moment)
        self.cpu = 0.0
        self.touched = []
        self.deadline = time.monotonic() + self.wall + GRACE
        self._exchange({"do": "begin", "number": seed, "question": question, "moment": moment}, b"", "the notebook")

    def ask(self, operation: str, about: str, /, **fields: Any) -> Any:
        """The answer to one operation of student.objects.Objects; `about` names its object in sentences."""
        if operation == "facts":
            self.touched.append(fields["name"])
        body = bytearray()
        forms = {name: wire.encode(value, body) for name, value in fields.items()}
        header, answer = self._exchange({"do": "ask", "ask": operation, "fields": forms}, bytes(body), about)
        if "missing" in header:
            raise self._missing(_text(header["missing"]), header.get("names"))
        if "raised" in header:
            raise self._raised(header, about)
        try:
            return wire.decode(header.get("value"), answer)
        except wire.WireError as error:
            raise self._broken(about, str(error)) from None

    def named(self, name: str, about: str) -> wire.Ref:
        """The handle on the notebook's `name`, asked for once. Raises StudentFault if there is none."""
        self.touched.append(name)
        if name not in self.names:
            found = self.ask("name", about, name=name)
            if type(found) is not wire.Ref:
                raise self._broken(about, "it is no handle")
            self.names[name] = found
        return self.names[name]

    def _exchange(self, header: dict[str, Any], body: bytes, about: str) -> tuple[dict[str, Any], memoryview]:
        if not self.alive:
            raise StudentFault("Nothing could be asked: the process that holds your notebook has ended.", kind="died")
        try:
            self.channel.send(header, body, deadline=self.deadline)
            self._await(about)
            reply, answer = self.channel.receive(self.deadline)
        except wire.LateError:
            self.alive = False
            raise StudentFault(
                f"{about} did not come to an end, and could not be interrupted.",
                "Look for a loop that never stops.",
                kind="limit",
            ) from None
        except wire.ClosedError:
            self.alive, self.closed = False, True
            raise StudentFault(
                f"The Python process ended while {about} was used.",
                "Something in it ends the process (os._exit, exit, a crash, too much memory).",
                kind="died",
            ) from None
        except wire.WireError as error:
            raise self._broken(about, str(error)) from None
        used = reply.get("cpu", 0.0)
        self.cpu += used if isinstance(used, float) and 0 <= used < 1e6 else 0.0
        notes = reply.get("notes")
        fresh = [_text(note) for note in notes[:20]] if isinstance(notes, list) else []
        self.notes = list(dict.fromkeys([*self.notes, *fresh]))[:MOST_NOTES]
        return reply, answer

    def _await(self, about: str) -> None:
        """Until there is an answer; looks at the memory that is used meanwhile."""
        while time.monotonic() < self.deadline:
            trouble = self.memory()
            if trouble:
                self.alive, self.over_memory = False, True
                raise StudentFault(f"{about} was stopped: {trouble}.", kind="limit")
            if select.select([self.channel], [], [], POLL)[0]:
                return

    def _broken(self, about: str, why: str) -> StudentFault:
        self.alive = False
        return StudentFault(f"The answer of {about} could not be read: {why}.", kind="wire")

    def _missing(self, name: str, names: Any) -> StudentFault:
        known = [_text(other)[:80] for other in names[:MOST_NAMES]] if isinstance(names, list) else []
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6) or [
            other for other in known if other.lower().replace("_", "") == name.lower().replace("_", "")
        ]
        reason = self.explain(name)
        hint = f"; it defines `{near[0]}`: did you mean that?" if near and not reason else "."
        return StudentFault(
            f"Your notebook defines no `{name}`{hint}", reason or f"Define `{name}`, spelled just so.", kind="missing"
        )

    def _raised(self, reply: dict[str, Any], about: str) -> StudentFault:
        where = None
        if type(reply.get("cell")) is int and 0 < reply["cell"] < 10_000:
            line = reply.get("line")
            where = Where(cell=reply["cell"], line=line if type(line) is int and 0 < line < 1_000_000 else None)
        text, kind = _text(reply["raised"]), reply.get("kind")
        if kind == "limit":
            return StudentFault(
                f"{about} was stopped: {text}.",
                "Make it faster, or look for an endless loop.",
                kind="limit",
                where=where,
            )
        if kind == "wire":
            return StudentFault(f"The answer of {about} could not be read: {text}.", kind="wire", where=where)
        return StudentFault(f"{about} stopped with {text}", kind="raised", where=where)


def _text(value: Any) -> str:
    """A string from the other side, shortened, with lone surrogates replaced so that it can be stored."""
    return str(value)[:600].encode("utf-8", "replace").decode() if isinstance(value, str) else ""


_current: ContextVar[Conversation | None] = ContextVar("conversation", default=None)


def current() -> Conversation:
    """The running test's conversation. Raises RuntimeError outside a test: handles answer only there."""
    conversation = _current.get()
    if conversation is None:
        raise RuntimeError("names from `submission` can be used only inside a test, not while graders are imported")
    return conversation


def become_current(conversation: Conversation | None) -> None:
    """Set what `current` answers."""
    _current.set(conversation)
