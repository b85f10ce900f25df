"""Reads a notebook's JSON, also where it is not quite JSON any more: followed by junk, mended by hand, mailed, cut off.

Called by `read_notebook`. Each mend is tried only after the plain reading fails, goes once over the text, and is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from autograder.intake.forms.conflicts import CONFLICT
from autograder.intake.forms.encoding import without_entities
from autograder.intake.forms.repairs import NoNotebook, Repairs

BREAKS_OFF = "The file breaks off"
MOST_DIGITS = 300  # of a number; nothing in a notebook's cells depends on one
MOST_BROKEN = 20  # cells that are tried in vain: each may be read to the file's end
BLANK = " \t\r\n"
CELLS = re.compile(r'"cells"\s*:\s*\[')
CELL_START = re.compile(r'\{\s*"(?:cell_type|attachments|execution_count|id|metadata)"\s*:')
CURLY_QUOTES = str.maketrans("\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b", "\"\"\"\"''''")
# A string never fails to match, closed or not, so that each character is looked at once.
STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
TOKEN = re.compile(rf"({STRING})|,(?=\s*+[\]}},])|([^\S\t\r\n ]|[\u200b\ufeff\0])|([\]}}]|[\w.+-]++)", re.DOTALL)
NO_WORD = re.compile(r"[^\w.+\\-]")
VALUE_FOLLOWS = re.compile(r'\s*+["{\[]')
ESCAPE = re.compile(r'(\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))|\\')


def read_json(text: str, what: str, repairs: Repairs) -> Any:
    """What the JSON says. Raises NoNotebook with the reason; `what` says what the file looks like."""
    try:
        return loaded(text)
    except json.JSONDecodeError as problem:
        error = problem
    except RecursionError:
        raise NoNotebook("The file is no notebook: its JSON is nested without end.") from None
    try:
        return _mended(text, error, what, repairs)
    except RecursionError:
        raise NoNotebook("The file is no notebook: its JSON is nested without end.") from None


def loaded(text: str) -> Any:
    """`json.loads` that takes endless numbers and line ends in strings. Raises JSONDecodeError or RecursionError."""
    return json.loads(text, parse_int=_integer, strict=False)


def json_kind(value: Any) -> str:
    kinds = {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")


def _integer(digits: str) -> int:
    # Python refuses to read numbers of thousands of digits, and they would cost time: no cell depends on one.
    return int(digits) if len(digits) <= MOST_DIGITS else 0


def _mended(text: str, error: json.JSONDecodeError, what: str, repairs: Repairs) -> Any:
    if error.msg == "Extra data":
        value, end = _first(text)
        if isinstance(value, dict | list) or (isinstance(value, str) and value.lstrip().startswith("{")):
            _note_rest(text[end:], value, repairs)
            return value
    for mend, sentence in MENDS:
        changed = mend(text)
        if changed != text:
            try:
                value, end = _first(changed)
            except json.JSONDecodeError:
                continue
            repairs.note(sentence)
            _note_rest(changed[end:], value, repairs)
            return value
    if not text.lstrip().startswith("{") or len(text.strip()) < 2:
        raise NoNotebook(f"The file is no notebook: it is {what}.")
    mark = CONFLICT.search(text)
    if mark:
        line = text.count("\n", 0, mark.start()) + 1
        raise NoNotebook(
            f"The file has the marks of a merge conflict, the first in line {line}: git could not merge two "
            "versions of it. Ask for it again."
        )
    return _salvaged(text, error, repairs)


def _first(text: str) -> tuple[Any, int]:
    """The first value, and where it ends."""
    start = len(text) - len(text.lstrip(BLANK))
    return json.JSONDecoder(parse_int=_integer, strict=False).raw_decode(text, start)


def _note_rest(rest: str, value: Any, repairs: Repairs) -> None:
    rest = rest.strip(BLANK + "\0")
    if not rest:
        return
    try:
        again = _first(rest)[0] if rest.startswith("{") else None
    except (json.JSONDecodeError, RecursionError):
        again = None
    if isinstance(again, dict) and again == value:
        repairs.note("The file holds the same notebook more than once; the first was read.")
    elif isinstance(again, dict):
        repairs.note("The file holds a second notebook after the first, which differs; the first was read.")
    else:
        repairs.note(f"Something else follows the notebook in the file ({len(rest)} characters); it was left out.")


def _straight(text: str) -> str:
    """Typographic quotes made plain, where a mail program has made them of JSON's own."""
    start = text[:1000].lstrip(BLANK + "\u00a0")
    if not start.startswith(("{", "[")) or start[1:].lstrip(BLANK + "\u00a0")[:1] not in ("\u201c", "\u201d", "\u201e"):
        return text
    return _punctuated(text.translate(CURLY_QUOTES))


def _unescaped(text: str) -> str:
    """JSON that was made safe for a web page."""
    return without_entities(text) if text[:1000].lstrip(BLANK + "{[").startswith("&quot;") else text


def _punctuated(text: str) -> str:
    """Commas put where they belong and nowhere else, blanks made plain, backslashes that escape nothing doubled."""

    def fitting(token: re.Match[str]) -> str:
        string, blank, end = token.groups()
        if blank is not None:
            return " "
        if string is None and end is None:
            return ""  # a comma too many
        kept = ESCAPE.sub(lambda escape: escape[1] or "\\\\", string) if string and "\\" in string else token[0]
        return f"{kept}," if VALUE_FOLLOWS.match(text, token.end()) else kept

    return TOKEN.sub(fitting, text)


MENDS: tuple[tuple[Callable[[str], str], str], ...] = (
    (_unescaped, "The file was escaped as for a web page; that was undone."),
    (_straight, "The file's quotation marks had become typographic ones, as in a mail; they were made plain again."),
    (_punctuated, "The file's JSON had a comma or an escape too many or too few; it was mended."),
)


def _breaks_off(text: str, error: json.JSONDecodeError) -> bool:
    """Whether JSON ends too early, rather than being wrong somewhere in its midst."""
    return error.msg.startswith("Unterminated string") or not NO_WORD.search(text[error.pos :].rstrip())


def _salvaged(text: str, error: json.JSONDecodeError, repairs: Repairs) -> dict[str, Any]:
    """The whole cells of a file that breaks off or is broken within; raises NoNotebook if there is none."""
    cells, lost = _whole_cells(text)
    if cells and not lost:
        lines = text.count("\n") + 1
        whole = f"its {len(cells)} whole cells were" if len(cells) > 1 else "its one whole cell was"
        repairs.note(f"{BREAKS_OFF} in line {lines}: {whole} read, and whatever followed is lost.")
        return {"cells": cells}
    if cells:
        repairs.note(
            f"The file is no valid JSON: {error.msg} in line {error.lineno}. {len(cells)} whole cells of it were read; "
            f"{lost} could not be."
        )
        return {"cells": cells}
    if _breaks_off(text, error):
        where = f"it breaks off in line {text.count(chr(10)) + 1}, before its first cell is whole"
        raise NoNotebook(f"The file is a notebook that was saved in part: {where}. Ask for it again.")
    where = f"{error.msg} in line {error.lineno}, column {error.colno}"
    raise NoNotebook(f"The file is no valid JSON: {where}. Ask for it again.")


def _whole_cells(text: str) -> tuple[list[Any], int]:
    """The cells that can be read, and how many between them cannot."""
    start = CELLS.search(text)
    if start is None:
        return [], 0
    decoder, place, lost = json.JSONDecoder(parse_int=_integer, strict=False), start.end(), 0
    cells: list[Any] = []
    tries = 0
    waiting = 0  # broken cells after which no whole one has come yet: the end of a file that breaks off
    while True:
        place += len(text[place : place + 10_000]) - len(text[place : place + 10_000].lstrip(BLANK + ","))
        if text.startswith("]", place):
            return cells, lost + waiting
        try:
            cell, place = decoder.raw_decode(text, place)
            # What lies within a broken cell is none
            if not waiting or (isinstance(cell, dict) and "cell_type" in cell):
                cells.append(cell)
                lost, waiting = lost + waiting, 0
                continue
        except (ValueError, RecursionError):
            waiting += 1
            place += 1
        tries += 1
        next_one = CELL_START.search(text, place)
        if next_one is None or tries > MOST_BROKEN:
            return cells, lost
        place = next_one.start()
