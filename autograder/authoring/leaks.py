"""What must not reach a student: markers, leftovers and copies of a solution; called by assign.py on both notebooks.

otter takes a solution out only where its markers are spelled exactly; `#  SOLUTION`, `# solution` or a marker on the
first line of a longer statement leave the answer, or a part of it, in the stub without a word. Here that is refused.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from IPython.core.inputtransformer2 import TransformerManager

from autograder.errors import AutograderError

MARKER = re.compile(
    r"#\s*(?i:(?:BEGIN|END)\s+(?:SOLUTION|TESTS?|QUESTION|PROMPT|IGNORE|PLUGIN)\b|ASSIGNMENT\s+CONFIG\b)"
    r"|#\s*(?i:SOLUTION(?:\s+NO\s+PROMPT)?)\s*$"
    r"|#\s*(?:IGNORE|HIDDEN|SEED)\s*$",  # in capitals only: "# hidden" is a word of this trade
    re.MULTILINE,
)
PAIRED = ("QUESTION", "SOLUTION", "TESTS")
LEAST = 12  # characters of an answer that can leak: `x = 2` may stand anywhere


class AuthoringError(AutograderError):
    """The master cannot be turned into a stub; the text names the file, the place and the way out."""


class Answer(Protocol):
    """A cell of the master, as far as leaks are concerned (questions.py)."""

    @property
    def question(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def is_code(self) -> bool: ...


def refuse_unpaired(master: Any, name: str) -> None:
    """Raise AuthoringError if a raw cell opens what none closes: otter drops the cells in between without a word."""
    opened: dict[str, int] = {}
    for number, cell in enumerate(master.cells, 1):
        first = cell.source.strip().partition("\n")[0].upper() if cell.cell_type == "raw" else ""
        for what in PAIRED:
            if first == f"# BEGIN {what}":
                if what in opened:
                    raise AuthoringError(_unclosed(name, opened[what], what))
                opened[what] = number
            elif first == f"# END {what}" and opened.pop(what, None) is None:
                raise AuthoringError(f"{name}: cell {number} ends a {what.lower()} that none began.")
    for what, number in opened.items():
        raise AuthoringError(_unclosed(name, number, what))


def refuse_leaks(student: Any, name: str) -> None:
    """Raise AuthoringError if the student's notebook holds a marker, or code that is only part of a statement."""
    for number, cell in enumerate(student.cells, 1):
        place = f"{name}: cell {number} of the student's notebook"
        markers = MARKER.search(cell.source) if cell.cell_type != "markdown" else None
        if markers:
            raise AuthoringError(
                f"{place} still holds {markers.group()!r}, so perhaps an answer too:\n{cell.source[:300]}\n"
                "otter knows `# SOLUTION` at the end of a line, and `# BEGIN SOLUTION` and `# END SOLUTION` on lines "
                "of their own, spelled just so."
            )
        if cell.cell_type == "code" and not _parses(cell.source):
            raise AuthoringError(
                f"{place} is no longer Python, so part of an answer may be left in it:\n{cell.source[:300]}\n"
                "A statement of several lines goes between `# BEGIN SOLUTION` and `# END SOLUTION`."
            )


def refuse_answers(
    answers: Sequence[Answer], student: Sequence[tuple[str, str]], checks: Mapping[str, str], name: str
) -> None:
    """Raise AuthoringError if a whole answer stands elsewhere in the student's notebook, or in a public check."""
    places = [(f"cell {number} of the student's notebook", source) for number, (_, source) in enumerate(student, 1)]
    places += [(f"the public check of {question}", text) for question, text in checks.items()]
    bare = [(place, f"\n{_bare(text)}\n") for place, text in places]
    for one in answers:
        for block in _solutions(one.source) if one.question and one.is_code else ():
            answer = _bare(block)
            place = next((place for place, text in bare if f"\n{answer}\n" in text), None)
            if len(answer) >= LEAST and place is not None:
                first = answer.partition("\n")[0]
                raise AuthoringError(
                    f"{name}: the answer to {one.question} that begins `{first[:80]}` stands in {place} too; "
                    "take it out there."
                )


def _solutions(source: str) -> Iterator[str]:
    """The parts of a cell that otter takes out."""
    block: list[str] | None = None
    for line in source.splitlines():
        if re.search(r"#\s*BEGIN SOLUTION", line):
            block = []
        elif re.search(r"#\s*END SOLUTION", line):
            yield "\n".join(block or [])
            block = None
        elif block is not None:
            block.append(line)
        elif re.search(r"#\s*SOLUTION(\s+NO PROMPT)?\s*$", line):
            yield line


def _bare(source: str) -> str:
    """Lines without indent, comments and blank lines; a `#` within a text cuts both sides alike."""
    lines = (line.partition("#")[0].strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line)


def _unclosed(name: str, number: int, what: str) -> str:
    return f"{name}: cell {number} begins a {what.lower()}, and no raw cell `# END {what}` closes it."


def _parses(source: str) -> bool:
    """Whether a cell, magics included, is Python; ast, unlike compile, has nothing against a top-level await."""
    try:
        ast.parse(TransformerManager().transform_cell(source))
    except SyntaxError:
        return False
    return True
