"""The one door between the two sides: data crosses unchanged, everything else is refused with a reason."""

from __future__ import annotations

import json
import math
import socket
import time
from typing import Any

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import wire

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**90), 2**90)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)
json_forms = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["k", "v", "o", "n", "dtype", "shape"]),
        inner | st.sampled_from(["list", "tuple", "dict", "tensor", "array", "bytes", "pairs", "ref", "float32"]),
        max_size=6,
    ),
    max_leaves=12,
)  # fmt: skip


def crossed(value: Any) -> Any:
    body = bytearray()
    form = json.loads(json.dumps(wire.encode(value, body)))
    return wire.decode(form, bytes(body))


@settings(derandomize=True, max_examples=150)
@given(plain)
def test_plain_data_crosses_unchanged(value: Any) -> None:
    assert crossed(value) == value
    assert type(crossed(value)) is type(value)


def test_numbers_that_json_lacks_cross_too() -> None:
    assert math.isnan(crossed(float("nan")))
    assert crossed(float("-inf")) == float("-inf")


@pytest.mark.parametrize("name", list(wire.DTYPES))
def test_tensors_of_every_allowed_type_cross_bit_for_bit(name: str) -> None:
    tensor = torch.arange(6).reshape(2, 3).to(getattr(torch, name))
    back = crossed([tensor, tensor.t(), tensor[:0], tensor[0, 0]])
    assert [part.dtype for part in back] == [tensor.dtype] * 4
    assert torch.equal(back[0], tensor) and torch.equal(back[1], tensor.t())
    assert back[2].shape == (0, 3) and back[3].shape == ()


def test_arrays_cross_and_object_arrays_do_not() -> None:
    array = numpy.array([[1.5, 2.0]])
    assert numpy.array_equal(crossed(array), array)
    with pytest.raises(wire.WireError):
        wire.encode(numpy.array([object()]), bytearray())


def test_a_subclass_that_lies_crosses_as_a_handle() -> None:
    class Liar(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    form = wire.encode([Liar(3)], bytearray(), lambda thing: wire.Ref(7, type(thing).__name__))
    assert wire.decode(form, b"") == [wire.Ref(7, "Liar", "")]


def test_pairs_arrive_as_examples() -> None:
    inputs, targets = torch.rand(4, 3), torch.rand(4, 5)
    back = crossed(wire.Pairs(inputs, targets))
    assert len(back) == 4 and all(isinstance(pair, tuple) for pair in back)
    assert torch.equal(back[2][0], inputs[2]) and torch.equal(back[2][1], targets[2])


@settings(derandomize=True, max_examples=300)
@given(json_forms, st.binary(max_size=40))
def test_no_form_whatever_raises_anything_but_a_wire_error(form: Any, body: bytes) -> None:
    try:
        wire.decode(form, body)
    except wire.WireError:
        return


@pytest.mark.parametrize(
    "form",
    [
        {"k": "tensor", "dtype": "float32", "shape": [1 << 40], "o": 0, "n": 4},
        {"k": "tensor", "dtype": "float32", "shape": [-1], "o": 0, "n": 4},
        {"k": "tensor", "dtype": "float32", "shape": [1, 1 << 62, 0], "o": 0, "n": 4},
        {"k": "tensor", "dtype": "float32", "shape": [1 << 62, 0], "o": 0, "n": 0},
        {"k": "tensor", "dtype": [], "shape": [1], "o": 0, "n": 4},
        {"k": "pairs", "v": [1, 2]},
        {"k": "tensor", "dtype": "object", "shape": [1], "o": 0, "n": 4},
        {"k": "tensor", "dtype": "float32", "shape": [1], "o": -4, "n": 4},
        {"k": "bytes", "o": 0, "n": 6},
        {"k": "bytes", "o": True, "n": 1},
        {"k": "int", "v": "0x" + "f" * 100_000},
        {"k": "code", "v": "1"},
        {"k": "array", "dtype": "float32", "shape": [1 << 28] * 4 + [0], "o": 0, "n": 0},
        {"k": "tensor", "dtype": "float32", "shape": [0] + [1 << 28] * 4, "o": 0, "n": 0},
        {"k": "array", "dtype": "bool", "shape": [1], "o": 4, "n": 1},
        {"k": "list", "v": [{"k": "bytes", "o": 0, "n": 4}] * 2},
        {"k": "pairs", "v": [{"k": "tensor", "dtype": "float32", "shape": [1 << 20, 0], "o": 0, "n": 0}] * 2},
        {"k": "dict", "v": [[{"k": "int", "v": hex(n * (2**61 - 1))}, 0] for n in range(100)]},
    ],
)
def test_a_lying_header_is_refused_before_anything_is_allocated(form: Any) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(form, b"\0\0\0\0\2")


def ends() -> tuple[socket.socket, wire.Channel]:
    raw, other = socket.socketpair()
    return raw, wire.Channel(other, max_body=1000)


def soon() -> float:
    return time.monotonic() + 5


def test_frames_and_descriptors_arrive() -> None:
    one, two = (wire.Channel(end) for end in socket.socketpair())
    ours, theirs = socket.socketpair()
    one.send({"do": "x", "text": "ü\ud800"}, b"body", (theirs.fileno(),))
    header, body = two.receive(soon())
    assert header == {"do": "x", "text": "ü\ud800"} and bytes(body) == b"body"
    socket.socket(fileno=two.fds[0]).sendall(b"hello")
    assert ours.recv(5) == b"hello"


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        (wire.LENGTHS.pack(5, 0) + b"{nope", "not JSON"),
        (wire.LENGTHS.pack(2, 0) + b"[]", "not an object"),
        (wire.LENGTHS.pack(2, 1001) + b"{}", "over the cap"),
        (wire.LENGTHS.pack(wire.MAX_HEADER + 1, 0), "over the cap"),
        (wire.LENGTHS.pack(9, 0) + b'{"a":NaN}', "not JSON"),
        (wire.LENGTHS.pack(100_000, 0) + b"[" * 100_000, "not JSON"),
    ],
)
def test_garbage_on_the_line_is_a_wire_error_with_a_reason(sent: bytes, word: str) -> None:
    raw, channel = ends()
    raw.sendall(sent)
    with pytest.raises(wire.WireError, match=word):
        channel.receive(soon())


def test_text_that_no_encoding_takes_is_made_harmless() -> None:
    assert wire.decode({"k": "list", "v": ["a\ud800", "\u00e9"]}, b"") == ["a?", "\u00e9"]
    assert wire.decode({"k": "ref", "n": 1, "kind": "\ud800", "text": "\ud800"}, b"") == wire.Ref(1, "?", "?")


def test_a_receiver_that_does_not_listen_does_not_hold_the_sender() -> None:
    _, channel = ends()
    with pytest.raises(wire.LateError):
        channel.send({}, bytes(50_000_000), deadline=time.monotonic() + 0.05)


def test_a_sender_that_stalls_in_a_frame_is_late_and_one_that_dies_is_closed() -> None:
    raw, channel = ends()
    raw.sendall(wire.LENGTHS.pack(10, 0) + b"{")
    with pytest.raises(wire.LateError):
        channel.receive(time.monotonic() + 0.01)
    raw, channel = ends()
    raw.sendall(b"\0\0")
    raw.close()
    with pytest.raises(wire.ClosedError):
        channel.receive(soon())
