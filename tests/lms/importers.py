"""Each LMS's import, as the notes on its format tell it, written anew here: whose grade becomes what.

An `ImportStopped` is an import that the LMS would refuse or break off.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping

from lms.people import PEOPLE, Somebody

Grades = dict[int, str]  # by the person's n: the number as the LMS keeps it, or "EX"


class ImportStopped(Exception):
    pass


def strict(text: str, delimiter: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]
    except csv.Error as error:
        raise ImportStopped(str(error)) from error


# --- Canvas


def to_i(text: str) -> int:
    found = re.match(r"\s*([+-]?\d+)", text)
    return int(found[1]) if found else 0


def canvas_number(cell: str) -> str:
    """The last `.` or `,` becomes the point, the others vanish."""
    if not re.fullmatch(r"-?[\d.,]+%?", cell):
        return cell
    head, mark, tail = cell.rpartition(max(".,", key=cell.rfind))
    return re.sub("[.,]", "", head) + ("." if mark else "") + tail


def canvas(content: bytes, people: list[Somebody] | None = None) -> Grades:
    people = PEOPLE if people is None else people
    text = content.decode("utf-8")
    if text.startswith('\ufeff"'):
        raise ImportStopped("a mark before a quoted header")
    if '"' in re.sub(r'(^|[,;\r\n])"(?:[^"]|"")*"', r"\1", text):
        raise ImportStopped("a quote in a field without quotes")
    if len(set(re.findall(r"\r\n|\r|\n", re.sub(r'"(?:[^"]|"")*"', "", text)))) > 1:
        raise ImportStopped("several sorts of line ends")
    first = re.split(r"\r\n|\r|\n", text)[:3]
    widths = {sign: [len(next(csv.reader([line], delimiter=sign), [])) for line in first] for sign in ",;"}
    semicolon = len(set(widths[";"])) == 1 and all(a > b for a, b in zip(widths[";"], widths[","], strict=True))
    rows = strict(text, ";" if semicolon else ",")
    head = rows[0]
    if "Student" not in head[0] or head[1] != "ID" or "Section" not in head:
        raise ImportStopped("not a header")
    totals = re.compile("(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")
    ours = [
        place
        for place, title in enumerate(head)
        if place > head.index("Section") and not totals.search(title) and title.endswith(" (411)")
    ]
    found: Grades = {}
    for row in rows[1:]:
        if "Points Possible" in row[0]:
            if "(read only)" in row[ours[0]]:
                return {}
            continue
        row = [canvas_number(cell) for cell in row]
        who = [one for one in people if int(one.canvas) == to_i(row[1])]
        who = who or [one for one in people if row[2] and one.number == row[2]]
        who = who or [one for one in people if one.sortable == row[0]][:1]  # the first of several
        for one in who:
            value = row[ours[0]].strip()
            found[one.n] = "EX" if value.upper() in ("EX", "EXCUSED") else value
    return found


# --- Moodle


def php_csv(text: str, delimiter: str) -> list[list[str]]:
    r"""Rows as PHP reads them: within quotes a `\` takes the special meaning off a quote behind it."""
    rows: list[list[str]] = []
    row: list[str] = []
    cell, quoted, place = "", False, 0
    while place < len(text):
        sign = text[place]
        if quoted:
            if sign == "\\" and text[place + 1 : place + 2] == '"':
                cell, place = cell + '\\"', place + 2
                continue
            if sign == '"' and text[place + 1 : place + 2] == '"':
                cell, place = cell + '"', place + 2
                continue
            if sign == '"':
                quoted = False
            else:
                cell += sign
        elif sign == '"' and not cell:
            quoted = True
        elif sign == delimiter:
            row, cell = [*row, cell], ""
        elif sign == "\n":
            rows.append([*row, cell])
            row, cell = [], ""
        else:
            cell += sign
        place += 1
    return [one for one in [*rows, [*row, cell]] if one != [""]]


def moodle_rows(content: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").strip()
    rows = php_csv(text, delimiter)
    if any(len(row) != len(rows[0]) for row in rows):
        raise ImportStopped("csvweirdcolumns")
    head = [title.strip() for title in rows[0]]
    formula = re.compile(r"\s*[=+\-@]")
    escaped = [["'" + cell if formula.match(cell) and cell.strip() != "-" else cell for cell in row] for row in rows]
    return [dict(zip(head, row, strict=True)) for row in escaped[1:]]


def moodle(content: bytes, decimal: str = ".", most: float = 20) -> Grades:
    """By e-mail, as its page would be told."""
    (item,) = {title for title in moodle_rows(content)[0] if title == "Assignment: Dipping into PyTorch (Real)"}
    found: Grades = {}
    for row in moodle_rows(content):
        who = [one for one in PEOPLE if one.email.casefold() == row["Email address"].casefold()]
        if len(who) != 1:
            raise ImportStopped("usernotfound")
        value = row[item].replace(" ", "")
        if value in ("", "-"):
            continue
        value = value.replace(decimal, ".") if decimal != "." else value
        if not re.fullmatch(r"[+-]?\d+(\.\d+)?", value) or not 0 <= float(value) <= most:
            raise ImportStopped(f"badgrade {value}")
        found[who[0].n] = value
    return found


def worksheet(
    content: bytes, graded: Mapping[int, str], locked: frozenset[int] = frozenset()
) -> dict[int, tuple[str, str]]:
    """Grade and words. `graded` is what the server knows of when each was graded, as the sheet said it."""
    found: dict[int, tuple[str, str]] = {}
    for row in moodle_rows(content):
        number = row["Identifier"][12:]
        who = next((one for one in PEOPLE if one.participant == number), None)
        if who is None or who.n in locked or graded[who.n] != row["Last modified (grade)"]:
            continue
        value = row["Grade"].strip()
        if value and re.fullmatch(r"\d+(\.\d+)?", value) is None:
            value = "0"  # text is a nought there
        if value and float(value) <= float(row["Maximum grade"]):
            found[who.n] = (value, row["Feedback comments"])
    return found


# --- Blackboard, Brightspace, Sakai


def blackboard(content: bytes) -> Grades:
    text = content.decode("utf-16" if content.startswith(b"\xff\xfe") else "utf-8-sig")
    rows = strict(text, "\t" if "\t" in text.splitlines()[0] else ",")
    names = [title.rpartition("|")[2] for title in rows[0]]
    found: Grades = {}
    for row in rows[1:]:
        if not row[rows[0].index("Username")]:
            raise ImportStopped("a row without a user name")
        who = next((one for one in PEOPLE if one.login == row[rows[0].index("Username")]), None)
        value = row[names.index("92372")]
        if who is not None and re.fullmatch(r"\d+(\.\d+)?", value):
            found[who.n] = value
    return found


def brightspace(content: bytes) -> Grades:
    rows = strict(content.decode("utf-8-sig"), ",")
    if rows[0][-1] != "End-of-Line Indicator" or any(row[-1] != "#" for row in rows[1:]):
        raise ImportStopped("no end of line")
    (place,) = [n for n, title in enumerate(rows[0]) if title.startswith("Dipping into PyTorch Points Grade")]
    found: Grades = {}
    for row in rows[1:]:
        who = next((one for one in PEOPLE if (one.number, one.login) == (row[0].lstrip("#"), row[1].lstrip("#"))), None)
        if who is not None and row[place]:
            found[who.n] = str(min(float(row[place]), 20.0))
    return found


def sakai(content: bytes, decimal: str = ",") -> Grades:
    rows = strict(content.decode("utf-8"), ";" if decimal == "," else ",")
    titles = rows[0][2:]
    if len(set(titles)) != len(titles) or "" in titles:
        raise ImportStopped("bad headers")
    if len({row[0] for row in rows[1:]}) != len(rows) - 1:
        raise ImportStopped("a student twice")
    place = titles.index("Dipping into PyTorch [20]") + 2
    found: Grades = {}
    for row in rows[1:]:
        who = next((one for one in PEOPLE if one.login == row[0]), None)
        value = row[place]
        if who is None or not value:
            continue
        if not re.fullmatch(rf"\d{{1,10}}(\{decimal}\d{{1,2}})?", value):
            raise ImportStopped(f"{value} is no number there")
        found[who.n] = value.replace(decimal, ".")
    return found
