"""Reads notebooks and archives of students in a process of its own, which has limits of CPU, memory and wall time.

`Reader` is the supervisor's hold on that process, used by `collect` and `diagnose`; the process is
`python -m autograder.intake.reader FD CPU MEMORY`. It is started when first needed, serves one file after the other,
and is replaced when one of them takes it over a limit: that file is told so, and the next one is read. What it answers
crosses as plain values (`wire.py`). Requests:

    count   {names} + notebook             -> {count}
    read    {names} + notebook             -> {cells: [kinds], language, notes} + sources, or {unreadable}
    members {budget, skip} + archive or fd -> {name, problem, spent, counted} + content for each, then {end} or {fault}
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO

from autograder import bounds, wire
from autograder.intake.archive import Budget, Member, members
from autograder.intake.faults import IntakeError
from autograder.intake.names import bound_names, same
from autograder.intake.notebook import Cell, Notebook, Unreadable, read_notebook

CPU_SECONDS = 10.0  # for one notebook, or one member of an archive; a usual one takes milliseconds
WALL_SECONDS = 120.0
MEMORY_MB = 2048
START_SECONDS = 60.0
OVER = f"it could not be read within {CPU_SECONDS:g} CPU seconds and {MEMORY_MB} MB of memory"


class OverLimitError(IntakeError):
    """Reading a file took more than there is for it; the text is a clause ("it could not be ...").

    Not `sure` where the process merely ended: somebody may have killed it, so the same is asked once more.
    """

    def __init__(self, what: str, sure: bool = True) -> None:
        super().__init__(what)
        self.sure = sure


@dataclass
class Reader:
    """The process that reads; a context manager, so that it ends."""

    cpu: float = CPU_SECONDS
    wall: float = WALL_SECONDS
    memory: int = MEMORY_MB
    process: subprocess.Popen[bytes] | None = None
    _channel: wire.Channel | None = field(default=None, repr=False)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def names_in(self, content: bytes, names: Sequence[str]) -> int | None:
        """How many of the assignment's names a notebook defines; None if it cannot be told within the limits."""
        try:
            return int(self._asked({"do": "count", "names": list(names)}, content)[0]["count"])
        except OverLimitError:
            return None

    def notebook(self, content: bytes, names: Sequence[str]) -> Notebook | Unreadable:
        """What `read_notebook` says; Unreadable also if it takes too much."""
        try:
            header, body = self._asked({"do": "read", "names": list(names)}, content)
        except OverLimitError as over:
            return Unreadable(f"There is nothing to read: {over}.")
        if "unreadable" in header:
            return Unreadable(header["unreadable"])
        sources = wire.decode(header["sources"], body)
        cells = tuple(Cell(kind, str(source, "utf-8")) for kind, source in zip(header["cells"], sources, strict=True))
        return Notebook(cells, header["language"], tuple(header["notes"]))

    def members(self, source: BinaryIO | bytes, budget: Budget) -> Iterator[Member]:
        """The files of an archive, as `archive.members` gives them; one that takes too much has that as its problem.

        Raises IntakeError as that does, after all that could be read.
        """
        found: list[Member] = []  # what was read whole; it is not read again when a later one has ended the process
        deadly: dict[int, str] = {}  # position -> why it is not read
        counted = budget.counted
        fault: IntakeError | None = None
        again: set[int] = set()  # positions at which the process ended, and nothing says that it was the member's doing
        while True:
            budget.counted, position = counted, 0
            try:
                self._ask_members(source, budget, [*range(len(found)), *deadly])
                while "end" not in (answer := self._receive())[0]:
                    header, body = answer
                    budget.spent, budget.counted = header["spent"], header["counted"]
                    if "fault" in header:
                        raise IntakeError(header["fault"])
                    if position == len(found):
                        content = bytes(body) if header["whole"] else None
                        found.append(Member(header["name"], content, deadly.get(position, header["problem"])))
                    position += 1
            except OverLimitError as over:
                if not over.sure and position not in again:
                    again.add(position)
                    continue
                if position == len(found) and position not in deadly and len(deadly) < budget.deadly:
                    deadly[position] = str(over)
                    continue
                fault = over
            except IntakeError as error:
                fault = error
            yield from found
            if fault is not None:
                raise fault
            return

    def _ask_members(self, source: BinaryIO | bytes, budget: Budget, skip: list[int]) -> None:
        told = {"do": "members", "budget": asdict(budget), "skip": skip}
        if isinstance(source, bytes):
            self._send(told, source)
        else:
            source.seek(0)
            self._send(told, fds=(source.fileno(),))

    def _asked(self, header: dict[str, Any], body: bytes) -> tuple[dict[str, Any], memoryview]:
        """One answer to one request; asked once more where the process ended and nothing says why."""
        try:
            self._send(header, body)
            return self._receive()
        except OverLimitError as over:
            if over.sure:
                raise
            self._send(header, body)
            return self._receive()

    def _send(self, header: dict[str, Any], body: bytes = b"", fds: tuple[int, ...] = ()) -> None:
        if self._channel is None:
            self._start()
        assert self._channel is not None
        try:
            self._channel.send(header, body, fds, deadline=time.monotonic() + self.wall)
        except wire.WireError as error:
            raise OverLimitError(OVER, isinstance(error, wire.LateError) or self._over_cpu()) from None

    def _receive(self) -> tuple[dict[str, Any], memoryview]:
        assert self._channel is not None
        try:
            header, body = self._channel.receive(time.monotonic() + self.wall)
        except wire.WireError as error:
            raise OverLimitError(OVER, isinstance(error, wire.LateError) or self._over_cpu()) from None
        if "over" in header:
            self.close()  # what is left of its memory is nobody's to rely on
            raise OverLimitError(header["over"])
        return header, body

    def _over_cpu(self) -> bool:
        """Whether the process, which is replaced now, was ended for its CPU time."""
        process = self.process
        with contextlib.suppress(subprocess.TimeoutExpired):
            if process is not None:
                process.wait(2)
        ended = process.returncode if process is not None else None
        self.close()
        return ended == -signal.SIGXCPU

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            limits = map(str, (theirs.fileno(), self.cpu, self.memory))
            words = [sys.executable, "-P", "-m", "autograder.intake.reader", *limits]
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(),))
        self._channel = wire.Channel(ours)
        try:
            self._channel.receive(time.monotonic() + START_SECONDS)
        except wire.WireError as error:
            self.close()
            raise RuntimeError(f"the process that reads hand-ins did not start ({error})") from None

    def close(self) -> None:
        """End the process; the next request starts another."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


# --- the process ------------------------------------------------------------------------------------------------


def count(content: bytes, names: Sequence[str]) -> int:
    """How many of the assignment's names a notebook defines; 0 if it cannot be read."""
    read = read_notebook(content, names)
    if not isinstance(read, Notebook):
        return 0
    bound = {same(name) for source in read.code for name in bound_names(source)}
    return sum(same(name) in bound for name in names)


def serve(channel: wire.Channel, cpu: float) -> None:
    """Answer requests until the channel closes."""
    while True:
        header, body = channel.receive()
        bounds.take_cpu(cpu)
        try:
            answer(channel, header, bytes(body), cpu)
        except MemoryError:
            channel.send({"over": OVER})
        except wire.WireError:
            raise
        except Exception as error:  # a bug of ours, which must not cost the others anything either
            traceback.print_exc()
            channel.send({"over": f"reading it failed by itself ({type(error).__name__}); look at it by hand"})


def answer(channel: wire.Channel, header: dict[str, Any], content: bytes, cpu: float) -> None:
    match header["do"]:
        case "count":
            channel.send({"count": count(content, header["names"])})
        case "read":
            read = read_notebook(content, header["names"])
            if isinstance(read, Unreadable):
                channel.send({"unreadable": read.reason})
                return
            packed = bytearray()
            sources = wire.encode([cell.source.encode() for cell in read.cells], packed)
            kinds = [cell.kind for cell in read.cells]
            told = {"cells": kinds, "sources": sources, "language": read.language, "notes": read.notes}
            channel.send(told, packed)
        case "members":
            answer_members(channel, header, content, cpu)


def answer_members(channel: wire.Channel, header: dict[str, Any], content: bytes, cpu: float) -> None:
    from autograder.intake.finding import is_wanted

    told = dict(header["budget"])
    spent, counted = told.pop("spent"), told.pop("counted")
    budget = Budget(**told)
    budget.spent, budget.counted = spent, counted
    skip, sent = set(header["skip"]), 0

    def wanted(name: str) -> bool | int:
        bounds.take_cpu(cpu)  # anew for each: a class's archive may take long as a whole
        return False if sent in skip else is_wanted(name)

    stream = None if content or not channel.fds else os.fdopen(channel.fds.pop(), "rb")
    try:
        for member in members(stream or content, wanted, budget):
            used = {"spent": budget.spent, "counted": budget.counted, "whole": member.content is not None}
            channel.send({"name": member.name, "problem": member.problem, **used}, member.content or b"")
            sent += 1
        channel.send({"end": True})
    except IntakeError as error:
        channel.send({"fault": str(error), "spent": budget.spent, "counted": budget.counted})
    finally:
        if stream is not None:
            stream.close()


def main() -> None:
    channel = wire.Channel(socket.socket(fileno=int(sys.argv[1])))
    bounds.take_memory(int(sys.argv[3]))
    channel.send({"ready": True})
    try:
        serve(channel, float(sys.argv[2]))
    except wire.ClosedError:
        return


if __name__ == "__main__":
    main()
