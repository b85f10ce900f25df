"""Frames and values: the one door between the trusted side and the student's side.

Used by the judge and the supervisor on one end, by the zygote and the student's session on the other. A frame is
two unsigned 32-bit lengths (big endian), a JSON header of the first length and raw bytes of the second. Values are
plain data only; whatever else a student's object may be crosses as a handle (a number the session looks up) or not
at all. Nothing here unpickles, evaluates or imports what it reads; every length and type is checked before it is
used, and whatever is wrong with a frame raises WireError, which is the sender's fault, never the reader's.
"""

from __future__ import annotations

import array
import contextlib
import json
import math
import select
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

LENGTHS = struct.Struct("!II")
MAX_HEADER = 16 << 20  # bytes of JSON in one frame
MAX_BODY = 256 << 20  # raw bytes in one frame
MAX_DEPTH = 24  # nested lists, tuples and dicts
MAX_DIMS = 16
MAX_FDS = 4
MAX_PAIRS = 100_000  # examples in one value
# A reader turns what it gets into something larger: numbers into float64, rows into lists. So these count beside bytes,
# in one message together; a size of 0 counts as 1, as a reader makes the outer lists of an empty tensor all the same.
MAX_ELEMENTS = 1 << 24
MAX_ROWS = 1 << 20  # of arrays: all sizes but the last one multiplied
MAX_VALUES = 2_000_000  # built-in values and containers
FORMS = ("pairs", "dataset", "loader", "shuffled")  # of Pairs: a list, a TensorDataset, a DataLoader in order or not
MAX_SAME_HASH = 8  # keys of one dict
MAX_INT_BITS = 4096  # larger whole numbers cross as handles
DTYPES = {
    "float32": 4, "float64": 8, "float16": 2, "bfloat16": 2, "int8": 1, "int16": 2, "int32": 4, "int64": 8,
    "uint8": 1, "bool": 1, "complex64": 8,
}  # fmt: skip


class WireError(Exception):
    """What arrived is no valid frame or value; the text says why."""


class ClosedError(WireError):
    """The other side has closed the connection, or died."""


class LateError(WireError):
    """Nothing arrived before the deadline."""


@dataclass(frozen=True)
class Ref:
    """A handle on the wire: the number of an object on the student's side, and what it says it is."""

    number: int
    kind: str = ""
    text: str = ""


@dataclass(frozen=True)
class Pairs:
    """Examples as two batches: `inputs` (n, ...) and `targets` (n, ...).

    As "pairs" they arrive as n (input, target) tuples; the other FORMS are made on the student's side of this.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    form: str = "pairs"
    batch: int = 1  # of the loaders


class Channel:
    """One end of a stream socket that carries frames. Not for use by two threads at once.

    Parameters: `max_body` caps the raw bytes of a frame that is accepted (sending is not capped); without `takes_fds`
    descriptors that come along are dropped by the kernel, so that nobody can fill up the reader's table of them.
    """

    def __init__(self, sock: socket.socket, max_body: int = MAX_BODY, *, takes_fds: bool = True) -> None:
        self.sock = sock
        self.max_body = max_body
        self.takes_fds = takes_fds
        self.fds: list[int] = []  # descriptors that came with the last frame; the receiver owns them

    def fileno(self) -> int:
        return self.sock.fileno()

    def close(self) -> None:
        self.sock.close()

    def send(
        self,
        header: Mapping[str, Any],
        body: bytes | bytearray = b"",
        fds: tuple[int, ...] = (),
        deadline: float | None = None,
    ) -> None:
        """Send one frame, with descriptors if any. Raises ClosedError when the other end is gone.

        With a `deadline` (of time.monotonic): LateError if the other end does not take it all in by then.
        """
        text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode("utf-8", "surrogatepass")
        if len(text) > MAX_HEADER or len(body) > MAX_BODY:
            raise WireError(f"a frame of {len(text)} + {len(body)} bytes is over the cap")
        head = LENGTHS.pack(len(text), len(body))
        try:
            if fds:
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds).tobytes())]
                sent = self.sock.sendmsg([head], rights)
                head = head[sent:]
            self._write(head + text, deadline)
            self._write(body, deadline)
        except OSError as error:
            raise ClosedError(f"the connection is gone ({error.strerror})") from error

    def _write(self, data: bytes | bytearray, deadline: float | None) -> None:
        if deadline is None:
            self.sock.sendall(data)
            return
        view = memoryview(data)
        while view:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([], [self.sock], [], left)[1]:
                raise LateError("the other side did not take in what it was sent")
            with contextlib.suppress(BlockingIOError):
                view = view[self.sock.send(view, socket.MSG_DONTWAIT) :]

    def receive(self, deadline: float | None = None) -> tuple[dict[str, Any], memoryview]:
        """The next frame's header and body.

        `deadline` is a time.monotonic() value; None waits for ever. Raises LateError when it passes, ClosedError at
        the end of the stream, WireError for anything that is not a frame.
        """
        head = self._read(LENGTHS.size, deadline, with_fds=self.takes_fds)
        header_size, body_size = LENGTHS.unpack(head)
        if header_size > MAX_HEADER or body_size > self.max_body:
            raise WireError(f"a frame announces {header_size} + {body_size} bytes, which is over the cap")
        text = self._read(header_size, deadline)
        try:
            header = json.loads(bytes(text).decode("utf-8", "surrogatepass"), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise WireError(f"a frame's header is not JSON: {str(error)[:80]}") from None
        if not isinstance(header, dict):
            raise WireError("a frame's header is not an object")
        return header, self._read(body_size, deadline)

    def _read(self, size: int, deadline: float | None, with_fds: bool = False) -> memoryview:
        buffer = bytearray(size)
        view = memoryview(buffer)
        got = 0
        while got < size:
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                    raise LateError("no answer before the deadline")
            try:
                if with_fds and got == 0:
                    count = self._read_with_fds(view)
                else:
                    count = self.sock.recv_into(view[got:])
            except OSError as error:
                raise ClosedError(f"the connection is gone ({error.strerror})") from error
            if count == 0:
                raise ClosedError("the connection was closed")
            got += count
        return view

    def _read_with_fds(self, view: memoryview) -> int:
        size = array.array("i").itemsize
        count, ancillary, _, _ = self.sock.recvmsg_into([view], socket.CMSG_SPACE(MAX_FDS * size))
        self.fds = []
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(data[: len(data) - len(data) % size])
                self.fds.extend(numbers)
        return count


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not allowed")


# --- values -----------------------------------------------------------------------------------------------------


def encode(value: Any, body: bytearray, handle: Callable[[object], Ref] | None = None, depth: int = 0) -> Any:
    """`value` as JSON-able data; the bytes of tensors and the like are appended to `body`.

    Only exact built-in types cross by value (a subclass of int may lie about what it equals). Anything else becomes
    what `handle` returns for it; without `handle` a WireError.
    """
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int and value.bit_length() <= MAX_INT_BITS:
        return {"k": "int", "v": hex(value)} if value.bit_length() > 53 else value
    if kind is float:
        return value if math.isfinite(value) else {"k": "float", "v": repr(value)}
    if kind is Ref:
        return {"k": "ref", "n": value.number, "kind": value.kind, "text": value.text}
    if kind is bytes:
        return {"k": "bytes", **_append(body, value)}
    if depth < MAX_DEPTH:
        if kind is list or kind is tuple:
            return {"k": kind.__name__, "v": [encode(item, body, handle, depth + 1) for item in value]}
        if kind is dict:
            items = [[encode(k, body, handle, depth + 1), encode(v, body, handle, depth + 1)] for k, v in value.items()]
            return {"k": "dict", "v": items}
    if kind is Pairs:
        sides = [encode(value.inputs, body), encode(value.targets, body)]
        return {"k": "pairs", "v": sides, "form": value.form, "batch": value.batch}
    array_form = _encode_array(value, body)
    if array_form is not None:
        return array_form
    if handle is None:
        raise WireError(f"a {kind.__name__} cannot cross as a value")
    return encode(handle(value), body)


def _append(body: bytearray, data: bytes | memoryview) -> dict[str, int]:
    start = len(body)
    body += data
    return {"o": start, "n": len(body) - start}


def _encode_array(value: object, body: bytearray) -> dict[str, Any] | None:
    import numpy
    import torch

    if isinstance(value, torch.Tensor):
        with torch.no_grad():
            plain = torch.Tensor.detach(value)
            name = str(plain.dtype).removeprefix("torch.")
            if name not in DTYPES or plain.layout != torch.strided or plain.device.type != "cpu":
                return None
            if plain.numel() * DTYPES[name] > MAX_BODY or not _is_modest(list(plain.shape)):
                return None
            plain = plain.contiguous().resolve_conj().resolve_neg()
            raw = plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""
        return {"k": "tensor", "dtype": name, "shape": list(plain.shape), **_append(body, raw)}
    if isinstance(value, (numpy.ndarray, numpy.generic)) and type(value).__module__ == "numpy":
        name = value.dtype.name
        if name not in DTYPES or value.nbytes > MAX_BODY or not _is_modest(list(value.shape)):
            return None
        form = {"k": "array", "dtype": name, "shape": list(value.shape)}
        return {**form, **_append(body, numpy.ascontiguousarray(value).tobytes())}
    return None


def _counted(shape: list[int]) -> tuple[int, int]:
    """Elements and rows that an array of this shape counts as."""
    sizes = [max(size, 1) for size in shape]
    return math.prod(sizes), math.prod(sizes[:-1])


def _is_modest(shape: list[int]) -> bool:
    elements, rows = _counted(shape)
    return elements <= MAX_ELEMENTS and rows <= MAX_ROWS


def decode(form: Any, body: memoryview | bytes) -> Any:
    """The value of `form`: built-ins, torch tensors, numpy arrays and Ref. Raises WireError for anything malformed.

    No byte of `body` is used twice and no example is made of nothing, so a value is never much larger than its frame;
    and what it holds is counted, so that what is made of it stays small too.
    """
    return _Decoder(memoryview(body)).value(form, 0)


class _Decoder:
    """Reads one value; counts what it takes of the frame."""

    def __init__(self, body: memoryview) -> None:
        self.body = body
        self.bytes_left = len(body)
        self.pairs_left = MAX_PAIRS
        self.values_left = MAX_VALUES
        self.elements_left = MAX_ELEMENTS
        self.rows_left = MAX_ROWS

    def value(self, form: Any, depth: int) -> Any:
        self.values_left -= 1
        if self.values_left < 0:
            raise WireError(f"it holds more than {MAX_VALUES} values")
        if form is None or isinstance(form, (bool, int, float)):
            return form
        if isinstance(form, str):
            return form if form.isascii() else form.encode("utf-8", "replace").decode()  # no database takes surrogates
        if not isinstance(form, dict) or depth > MAX_DEPTH:
            raise WireError("a value is malformed or nested too deeply")
        kind, inner = form.get("k"), form.get("v")
        if kind == "pairs" and isinstance(inner, list):
            return self._pairs([self.value(item, depth + 1) for item in inner], form.get("form"), form.get("batch"))
        if kind in ("list", "tuple", "dict") and isinstance(inner, list):
            return self._many(kind, inner, depth + 1)
        if kind == "int" and isinstance(inner, str) and len(inner) < MAX_INT_BITS // 4 + 8:
            try:
                return int(inner, 16)
            except ValueError:
                raise WireError("a whole number is malformed") from None
        if kind == "float" and inner in ("nan", "inf", "-inf"):
            return float(inner)
        if kind == "ref":
            number, what, text = form.get("n"), form.get("kind", ""), form.get("text", "")
            if type(number) is int and isinstance(what, str) and isinstance(text, str):
                return Ref(number, self.value(what[:200], depth), self.value(text[:2000], depth))
        if kind == "bytes":
            return bytes(self._slice(form))
        if kind in ("tensor", "array"):
            return self._array(form)
        raise WireError(f"a value of unknown kind {str(kind)[:40]!r}")

    def _many(self, kind: str, inner: list[Any], depth: int) -> Any:
        if kind == "dict":
            try:
                pairs = [(self.value(key, depth), self.value(value, depth)) for key, value in inner]
                same = max(Counter(hash(key) for key, _ in pairs).values(), default=0)
            except (TypeError, ValueError) as error:
                raise WireError(f"a dict is malformed: {str(error)[:80]}") from None
            if same > MAX_SAME_HASH:  # chosen to be so: a dict of such keys takes time by their number squared
                raise WireError("a dict has keys that cannot be told apart quickly")
            return dict(pairs)
        items = [self.value(item, depth) for item in inner]
        return tuple(items) if kind == "tuple" else items

    def _slice(self, form: dict[str, Any]) -> memoryview:
        start, size = form.get("o"), form.get("n")
        if type(start) is not int or type(size) is not int or start < 0 or size < 0 or start + size > len(self.body):
            raise WireError("a value points outside its frame")
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise WireError("values point at the same bytes of their frame")
        return self.body[start : start + size]

    def _array(self, form: dict[str, Any]) -> Any:
        import numpy
        import torch

        name, shape = form.get("dtype"), form.get("shape")
        if not isinstance(name, str) or name not in DTYPES or not isinstance(shape, list) or len(shape) > MAX_DIMS:
            raise WireError("an array has a dtype or a shape that is not allowed")
        if any(type(size) is not int or not 0 <= size <= MAX_BODY for size in shape):
            raise WireError("an array's shape is malformed")
        elements, rows = _counted(shape)
        self.elements_left -= elements
        self.rows_left -= rows
        if self.elements_left < 0 or self.rows_left < 0:
            raise WireError(f"it holds more than {MAX_ELEMENTS} numbers or {MAX_ROWS} rows of numbers")
        raw = self._slice(form)
        if math.prod(shape) * DTYPES[name] != len(raw):
            raise WireError("an array's bytes do not fit its shape")
        if name == "bool" and len(raw) and numpy.frombuffer(raw, dtype="uint8").max() > 1:
            raise WireError("a truth value is neither 0 nor 1")
        if form["k"] == "array":
            if name == "bfloat16":
                raise WireError("numpy has no bfloat16")
            return numpy.frombuffer(bytearray(raw), dtype=name).reshape(shape)
        if not len(raw):
            return torch.empty(shape, dtype=getattr(torch, name))
        return torch.frombuffer(bytearray(raw), dtype=getattr(torch, name)).reshape(shape)

    def _pairs(self, items: list[Any], form: Any, batch: Any) -> list[tuple[Any, Any]] | Pairs:
        import torch

        if (
            form not in FORMS
            or type(batch) is not int
            or not 0 < batch <= MAX_PAIRS
            or len(items) != 2
            or not all(isinstance(side, torch.Tensor) and side.dim() for side in items)
        ):
            raise WireError("pairs are malformed")
        inputs, targets = items
        self.pairs_left -= len(inputs)
        if len(inputs) != len(targets) or self.pairs_left < 0:
            raise WireError("pairs are malformed")
        if form != "pairs":
            return Pairs(inputs, targets, form, batch)
        return [(inputs[i].clone(), targets[i].clone()) for i in range(len(inputs))]
