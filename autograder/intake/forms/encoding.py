"""Makes characters of a notebook file's bytes, from whatever encoding an editor has put them in.

Called by `read_notebook`; the forms that pass through web pages undo their entities by it. Nothing is
refused here: what is no text shows by what it looks like then.
"""

from __future__ import annotations

import codecs
import html
import re

from autograder.intake.forms.repairs import Repairs

MARKS = (  # the longer ones first, as UTF-32's begins like UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
NOT_TEXT_AHEAD = "\ufeff\u200b\x00"
ENDLESS = re.compile(r"&#[0-9]{8,}+;?+")  # no character has such a number, and Python refuses to read a long one
# A byte that is not UTF-8 becomes a lone surrogate, and that the letter of Windows' western code page
WINDOWS = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(128, 256)}


def characters(content: bytes, repairs: Repairs) -> str:
    """The text of a file; bytes that are of no encoding become U+FFFD or a Windows letter."""
    mark, encoding = next(((mark, name) for mark, name in MARKS if content.startswith(mark)), (b"", ""))
    encoding = encoding or _wide(content)
    body = content[len(mark) :]
    if encoding not in ("", "utf-8"):
        repairs.note(f"The file was saved as {encoding.upper()[:6]} and was read as such; notebooks are UTF-8.")
        return body.decode(encoding, errors="replace").lstrip(NOT_TEXT_AHEAD)
    try:
        return body.decode("utf-8").lstrip(NOT_TEXT_AHEAD)
    except UnicodeDecodeError as error:
        if error.start < body.rfind(b"}"):  # what follows a notebook's end is none of it
            repairs.note("The file was not saved as UTF-8; some accented letters may read differently.")
        return body.decode("utf-8", errors="surrogateescape").translate(WINDOWS).lstrip(NOT_TEXT_AHEAD)


def without_entities(text: str) -> str:
    """`&lt;` and its like made the characters that they stand for."""
    return html.unescape(ENDLESS.sub("\ufffd", text) if "&#" in text else text)


def _wide(content: bytes) -> str:
    """UTF-16 without its mark: every other byte of ASCII text is zero there."""
    low, high = content[:8:2], content[1:8:2]
    if len(content) < 4 or not any(content[:8]):
        return ""
    if not any(high) and all(low):
        return "utf-16-le"
    return "utf-16-be" if not any(low) and all(high) else ""
