"""Takes a notebook out of what it was packed in on its way: gzip, a zip with a notebook's name, mail, URL encodings.

Called by `read_notebook` with the bytes of a file. Layers are peeled off a few times at most, and what unfolds is
never more than a notebook may have.
"""

from __future__ import annotations

import binascii
import quopri
import re
import zlib
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from autograder.intake.archive import Budget, members
from autograder.intake.faults import IntakeError
from autograder.intake.forms.repairs import NoNotebook, Repairs
from autograder.intake.keys import is_notebook_name

MOST_BYTES = 200_000_000  # a notebook with all its pictures; Colab itself gives up at 20 MB
DEEPEST = 3  # layers
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
BASE64 = re.compile(rb"[A-Za-z0-9+/_\s-]+={0,2}\s*")
HEADER = re.compile(rb"(?:MIME-Version|Content-Type|Content-Transfer-Encoding|From|Received|Return-Path|Date):", re.I)
BOUNDARY = re.compile(rb'boundary="?([^"\s;]{1,100})', re.I)
ENCODED = re.compile(rb"^Content-Transfer-Encoding:[ \t]*([\w-]+)", re.I | re.M)
BLANK = re.compile(rb"\r?\n\r?\n")
NO_ESCAPE = re.compile(rb"=(?![0-9A-F]{2}|\r?\n)")
MOST_PARTS = 200  # of a mail


def unpacked(content: bytes, repairs: Repairs) -> bytes:
    """The file itself. Raises NoNotebook if it unfolds to too much, or to several notebooks."""
    for _ in range(DEEPEST):
        check_size(content)
        for what, opened in LAYERS:
            inner = opened(content)
            if inner is not None:
                repairs.note(f"The notebook was packed as {what}; it was unpacked.")
                content = inner
                break
        else:
            break
    return content


def check_size(content: bytes) -> None:
    if len(content) > MOST_BYTES:
        size = f"{len(content) / 1e6:.0f} MB, more than the {MOST_BYTES / 1e6:.0f} MB that are read"
        raise NoNotebook(f"The file has {size}: ask for it again with its outputs cleared.")


def _gzip(content: bytes) -> bytes | None:
    """Also one that breaks off, as far as it goes."""
    if not content.startswith(GZIP):
        return None
    try:
        return zlib.decompressobj(wbits=31).decompress(content, MOST_BYTES + 1) or None
    except zlib.error:
        return None


def _archive(content: bytes) -> bytes | None:
    """The only notebook in a zip or a tar."""
    if not content.startswith(ZIP) and content[257:262] != b"ustar":
        return None
    try:
        inside = list(members(content, _is_wanted, Budget().of_one_person()))
    except IntakeError:
        return None
    found = [member.content for member in inside if member.content is not None]
    if len(found) > 1:
        raise NoNotebook(f"The file is an archive with {len(found)} notebooks in it: ask for the right one alone.")
    return found[0] if found else None


def _is_wanted(name: str) -> bool:
    return is_notebook_name(name) and not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _data_url(content: bytes) -> bytes | None:
    head, comma, body = content[:200].partition(b",")
    if not content.startswith(b"data:") or not comma:
        return None
    body = content[len(head) + 1 :]
    return _from_base64(unquote_to_bytes(body)) if head.endswith(b";base64") else unquote_to_bytes(body)


def _percent(content: bytes) -> bytes | None:
    if content.lstrip()[:3].upper() != b"%7B":
        return None
    # A form writes spaces as "+"; then there are none
    return unquote_to_bytes(content.strip() if b" " in content.strip() else content.replace(b"+", b" "))


def _base64(content: bytes) -> bytes | None:
    head = content[:200].lstrip()[:4]
    if head[:1] not in (b"e", b"W", b"C", b"I", b"H", b"7") or not BASE64.fullmatch(content):
        return None
    inner = _from_base64(content)
    return inner if inner is not None and inner.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[", GZIP)) else None


def _from_base64(content: bytes) -> bytes | None:
    plain = b"".join(content.split()).rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    plain = plain[: len(plain) - 1] if len(plain) % 4 == 1 else plain  # cut off
    try:
        return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))
    except binascii.Error:
        return None


def _mail(content: bytes) -> bytes | None:
    """The notebook or the page in a mail or in a web page saved as one file (MHTML)."""
    if not HEADER.match(content.lstrip()[:100]):
        return None
    head = BLANK.search(content)
    boundary = BOUNDARY.search(content, 0, head.start()) if head else None
    parts = content.split(b"--" + boundary[1], MOST_PARTS)[1:] if boundary else [content]
    pages = []
    for part in parts:
        blank = BLANK.search(part)
        if blank is None:
            continue
        encoded = ENCODED.search(part, 0, blank.start())
        body, how = part[blank.end() :], encoded[1].lower() if encoded else b""
        body = (_from_base64(body) or b"") if how == b"base64" else body
        body = quopri.decodestring(body) if how == b"quoted-printable" else body
        start = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if start.startswith((b"{", GZIP)):
            return body
        if start.startswith((b"<!doctype html", b"<html")):
            pages.append(body)
    return pages[0] if pages else None


def _quoted_printable(content: bytes) -> bytes | None:
    # Every "=" of such a text begins an escape, and a notebook without one in its code is none to grade
    if not content.lstrip().startswith(b"{") or b"=" not in content or NO_ESCAPE.search(content):
        return None
    return quopri.decodestring(content)


LAYERS: tuple[tuple[str, Callable[[bytes], bytes | None]], ...] = (
    ("a gzip file", _gzip),
    ("an archive", _archive),
    ("a data URL", _data_url),
    ("text for a URL", _percent),
    ("a mail", _mail),
    ("Base64", _base64),
    ("quoted-printable text, as mail programs write it", _quoted_printable),
)
