"""What a fuzzer calls: each reader of the student's side with arbitrary bytes. Nothing but its own errors may leave it.

Used by test_fuzz.py (Hypothesis, short) and benchmarks/fuzz.py (a coverage-guided fuzzer, long).
"""

from __future__ import annotations

import base64
import contextlib
import copy
import gzip
import html
import io
import json
import random
import socket
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from autograder import wire
from autograder.intake.archive import Budget, members
from autograder.intake.faults import IntakeError
from autograder.intake.names import bound_names
from autograder.intake.notebook import Notebook, Unreadable, read_notebook
from autograder.judge.cells import bindings, cell_run, mentions, moments_of
from autograder.judge.packing import packed
from autograder.loop.compiling import rates_in
from autograder.loop.events import WIDTH
from autograder.loop.events import read as read_account
from autograder.loop.ledger import keep
from autograder.loop.machine import Step
from autograder.loop.reading import read as read_ledger
from autograder.results import Outcome, Status

MB = 2**20
MOST_BODY = 4 * MB


def frame(data: bytes) -> None:
    """Bytes as they come in from a student's process, read as frames and the values in them."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            theirs.send(data)
        theirs.shutdown(socket.SHUT_WR)
        channel = wire.Channel(ours, MOST_BODY, takes_fds=False)
        with contextlib.suppress(wire.WireError):
            while True:
                header, body = channel.receive(time.monotonic() + 5)
                assert len(body) <= MOST_BODY
                wire.decode(header.get("value"), body)


def value(data: bytes) -> None:
    """A value's form as JSON, and the bytes that it points into."""
    text, _, body = data.partition(b"\0")
    try:
        form = json.loads(text)
    except (ValueError, RecursionError):
        return
    with contextlib.suppress(wire.WireError):
        wire.decode(form, memoryview(body))


def notebook(data: bytes) -> None:
    """A file that was handed in."""
    found = read_notebook(data, ("alpha", "MyNetwork"))
    assert isinstance(found, (Notebook, Unreadable))
    if isinstance(found, Notebook):
        assert sum(map(len, found.code)) <= 4 * len(data) + 100
        json.dumps(found.code).encode("utf-8")


def archive(data: bytes) -> None:
    """An archive that was handed in, every member of it wanted."""
    budget = Budget(members=100, member_bytes=MB, total_bytes=3 * MB)
    with contextlib.suppress(IntakeError):
        for member in members(data, lambda name: True, budget):
            assert (member.content is None) == (member.problem is not None)
            assert not member.name.startswith("/") and ".." not in member.name.split("/")
            assert len(member.content or b"") <= MB
    assert budget.spent <= 4 * MB


def names(data: bytes) -> None:
    """The text of a cell: which names it binds, parsed and by pattern, on both sides of the judge."""
    source = data.decode("utf-8", "replace")
    for parse in (True, False):
        assert all(isinstance(name, str) for name in bound_names(source, parse))
    assert all(line > 0 for line in bindings.__wrapped__(source).values())
    mentions(source, "alpha")


def cell(data: bytes) -> None:
    """A session's reply on a cell, and the moments in it."""
    try:
        reply = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(reply, dict):
        return
    run, size = cell_run(1, "x", reply, 1000)
    moments_of(reply, 3)
    assert size < 10 * len(data) + 1000
    outcome = Outcome(key="a", status=Status.GRADED, max_score=1, cells=(run,), flags=("x" * size,))
    assert len(packed(outcome, 3000)) <= 3000


def outputs(data: bytes) -> None:
    """What a cell showed, as it is kept, sent on and read again."""
    try:
        shown = json.loads(data)
    except (ValueError, RecursionError):
        return
    run, size = cell_run(1, "x", {"outputs": shown, "error": shown}, 1000)
    assert size <= 6 * 1000 + 200_000
    outcome = Outcome(key="a", status=Status.GRADED, max_score=1, cells=(run,))
    assert Outcome.model_validate_json(packed(outcome)).cells[0].number == 1


def account(data: bytes) -> None:
    """What a recorder says that a loop did."""
    try:
        report = json.loads(data)
    except (ValueError, RecursionError):
        return
    found = read_account(report)
    read_ledger(keep(found))
    rates_in([Step("W", (), factor=number) for number in found.numbers])


TARGETS: dict[str, Callable[[bytes], None]] = {
    "frame": frame, "value": value, "notebook": notebook, "names": names, "cell": cell, "outputs": outputs,
    "account": account, "archive": archive,
}  # fmt: skip


def spoilt(seed: bytes, chance: random.Random) -> bytes:
    """A valid input with some places cut out, doubled or written over."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[at : at + chance.randint(0, 40)] = b""
            case 1:
                data[at:at] = chance.randbytes(chance.randint(1, 8))
            case 2:
                data[at : at + 4] = chance.choice(
                    [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"[[[[", b"null"]
                )
            case 3:
                data = data[:at] + data[max(0, at - 30) :]
        data = data or bytearray(b"\0")
    return bytes(data)


ODD: list[Any] = [
    None, True, 0, -1, 1, 3, 2**53, 2**70, -(2**31), 1e308, 1e-320, float("nan"), float("inf"), "", "a", "\ud800",
    "x" * 999, [], {}, [[]], [0, 0], [2**24, 0], {"k": "list", "v": []}, {"k": "int", "v": "0x1"}, list(range(300)),
]  # fmt: skip


def twisted(data: bytes, chance: random.Random) -> bytes:
    """JSON with some of its values replaced, doubled, taken away or put elsewhere; other bytes as they are.

    What follows a zero byte is left alone: bytes that a value points into.
    """
    text, zero, rest = data.partition(b"\0")
    try:
        whole = [json.loads(text)]
    except (ValueError, RecursionError):
        return data
    for _ in range(chance.randint(1, 4)):
        places = list(_places(whole))
        within, key = chance.choice(places)
        other, name = chance.choice(places)
        match chance.randrange(5):
            case 0 | 1:
                within[key] = copy.deepcopy(chance.choice(ODD))
            case 2:
                within[key] = copy.deepcopy(other[name])
            case 3 if isinstance(within, list) and len(within) < 50:
                within[:] = [copy.deepcopy(one) for one in within * chance.choice([0, 2, 40])]
            case _:
                within[key] = [copy.deepcopy(within[key]) for _ in range(chance.randint(0, 3))]
        whole = whole[:1] or [None]
    return json.dumps(whole[0])[:50_000].encode() + zero + rest


def _places(value: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    keys: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key], depth + 1) if depth < 30 else ()


def forms(notebook: dict[str, Any]) -> list[bytes]:
    """A notebook in the forms that it may arrive in: exported, wrapped, packed, mended by hand."""
    text = json.dumps(notebook, indent=1)
    code = "alpha = [1, 2]\nx = alpha[0] < 3 and 'a & b'"
    page = f'<!DOCTYPE html><html><title>a</title><div class="input_area"><pre>{html.escape(code)}</pre></div></html>'
    lines = "".join(f'<div class="cm-line" style="top:{n}px"><span>alpha&nbsp;= {n}</span></div>' for n in range(3))
    api = {"name": "lab.ipynb", "type": "notebook", "format": "json", "mimetype": None, "content": notebook}
    fences = (
        "---\njupyter:\n  kernelspec: {name: python3}\n---\n# A\n```python\nalpha = 1\n```\n~~~{code-cell}\nx\n~~~\n"
    )
    sides = f"<<<<<<< HEAD\n{text}\n=======\n{text.replace('null', '3')}\n>>>>>>> other\n"
    mail = b"MIME-Version: 1.0\nContent-Type: a; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\n"
    return [
        page.encode(), page.replace("alpha", "&#" + "1" * 5000 + ";").encode(), b"&#" + b"7" * 5000,
        f'<html><div class="jp-InputArea-editor">{lines}</div></html>'.encode(),
        f"<html><pre>{html.escape(text)}</pre>".encode(),
        fences.encode(), json.dumps(api).encode(), json.dumps(text).encode(), text.encode() + text[-40:].encode(),
        b"\0" + text.encode("utf-16"), html.escape(text).encode(), text.replace("]", ",]").encode(), sides.encode(),
        text.translate({34: "\u201c"}).encode(), text[: len(text) // 2].encode(), gzip.compress(text.encode()),
        base64.b64encode(text.encode()), b"data:a;base64," + base64.b64encode(text.encode()),
        mail + base64.b64encode(text.encode()) + b"\n--b--\n", text.replace("=", "=3D").encode(),
        b"# Databricks notebook source\nalpha = 1\n# COMMAND ----------\n# MAGIC %md a\n",
    ]  # fmt: skip


def seeds() -> dict[str, list[bytes]]:
    """Valid inputs to start from."""
    body = bytearray()
    form = wire.encode([1, 2.5, "a", (None, True), {"k": b"xyz"}, wire.Ref(3, "f", "t"), 2**70, float("nan")], body)
    import torch

    form = [form, wire.encode(torch.arange(6.0).reshape(2, 3), body), wire.encode(torch.tensor([True]), body)]
    whole = {"k": "list", "v": form}
    text = json.dumps({"value": whole, "cpu": 0.1}).encode()
    cell = {"cell_type": "code", "source": ["alpha = 1\n", "b"], "metadata": {}, "outputs": [], "id": "a"}
    new = {"cells": [cell, {**cell, "cell_type": "markdown"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": "alpha=1", "outputs": [], "language": "python"}]}],
           "nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}}  # fmt: skip
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("ada/lab.ipynb", json.dumps(new) * 3)
        file.writestr("b\u00e9n.ipynb", "{}")
    tars = []
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode=mode) as tar:
            info = tarfile.TarInfo("ada/lab.ipynb")
            info.size = 700
            tar.addfile(info, io.BytesIO(b"x" * 700))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc"
            tar.addfile(link)
        tars.append(stream.getvalue())
    printed = {"output_type": "stream", "name": "stdout", "text": "a\u00e9"}
    shown = {"output_type": "display_data", "data": {"image/png": "aGE=", "text/html": ["<b>", "a"]}, "metadata": {}}
    reply = {"error": "NameError: x", "line": 2, "cell": 1, "cpu": 0.5, "outputs": [printed, {"data": {"t": ["a"]}}],
             "moments": {"q1": [1, 2], "q2": []}, "notes": ["a"]}  # fmt: skip
    told = {
        "names": ["m1.weight", "m1.bias"], "numbers": [0.1, 0.2], "places": [[1, 3]], "updates": 2, "moved": 3,
        "frozen": 0, "finite": True, "notes": ["threads"], "reset_guess": 0, "reaches": [[0, 0], [1, 1]],
        "settings": [{"optimizer": 1, "name": "SGD", "own": False, "groups": [
            {"parameters": ["m1.weight"], "others": 0, "settings": {"lr": 0.1, "initial_lr": 0.1}}]}],
        "events": [[kind, 3, *[0] * (WIDTH - 2)] for kind in (0, 1, 2, 3, 0, 1, 4, 3)],
    }  # fmt: skip
    return {
        "frame": [wire.LENGTHS.pack(len(text), len(body)) + text + bytes(body)],
        "value": [json.dumps(whole).encode() + b"\0" + bytes(body)],
        "notebook": [
            json.dumps(new).encode(),
            json.dumps(old, indent=1).encode(),
            b"# %%\nalpha = 1\nimport x\n",
            *forms(new),
        ],
        "archive": [zipped.getvalue(), *tars],
        "names": [
            b"%%time\nalpha = 1\nx, y = 2, 3",
            b"files = !ls\nclass A:\n  def f(self): return '\\\\d'\n%cd x\nalpha =",
        ],
        "cell": [json.dumps(reply).encode()],
        "outputs": [json.dumps(reply["outputs"]).encode(), json.dumps([shown, printed, [printed], "\ud800"]).encode()],
        "account": [json.dumps(told).encode()],
    }
