"""Tells what a file is that is not what it should be, from its first bytes.

Used by `read_notebook` and by the archive reader, for the sentence a TA reads.
"""

from __future__ import annotations

# First bytes -> what to call it. The first match counts.
SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a zip archive or an Office document"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"{\\rtf", "an RTF document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
)
HTML = ("<!doctype html", "<html", "<head", "<body")
HTML_PAGE = "an HTML page (a sign-in page saved in place of the notebook, perhaps)"
PYTHON_SCRIPT = "a Python script"
PLAIN_TEXT = "plain text"
PYTHON = ("import ", "from ", "def ", "class ", "#!/usr/bin", "# -*-", "# coding", "# %%", "# in[")


def looks_like(content: bytes) -> str:
    """What `content` seems to be: "empty", "an HTML page", "plain text", ...: fits after "it is"."""
    if not content.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        return "blank" if content else "empty"
    for start, name in SIGNATURES:
        if content.startswith(start):
            return name
    head = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    text = head.decode("latin-1").lower()
    if text.startswith(HTML):
        return HTML_PAGE
    if text.startswith("<?xml"):
        return "an XML document"
    if b"\x00" in head or sum(byte < 9 for byte in head) > len(head) // 50:
        return "binary data"
    if any(line.startswith(PYTHON) for line in text.splitlines()):
        return PYTHON_SCRIPT
    return PLAIN_TEXT
