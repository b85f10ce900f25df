"""The solved notebook as parts: what students are given, and the answer to each question; read by `verify`.

The master is the instructor's own file, in otter-assign's format: raw cells `# BEGIN QUESTION` and `# END QUESTION`
stand around a question, `# BEGIN TESTS` and `# END TESTS` around its public checks. Nothing in it is run here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.authoring.leaks import AuthoringError

BEGIN = re.compile(r"#\s*BEGIN\s+(QUESTION|TESTS)\b", re.IGNORECASE)
END = re.compile(r"#\s*END\s+(QUESTION|TESTS)\b", re.IGNORECASE)
NAME = re.compile(r"^\s*name:\s*(\S+)\s*$", re.MULTILINE)
GIVEN = ""  # the question of a cell that answers none

Answers = Mapping[str, Sequence[str]]
"""Code cells by question."""


@dataclass(frozen=True)
class Master:
    """Code cells in their order, each with its question (GIVEN for what students are given)."""

    cells: tuple[tuple[str, str], ...]

    @property
    def questions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(question for question, _ in self.cells if question != GIVEN))

    def answer(self, question: str) -> tuple[str, ...]:
        """The cells that answer a question, as the instructor solved it."""
        return tuple(source for of, source in self.cells if of == question)

    def notebook(
        self,
        answers: Answers | None = None,
        before: Answers | None = None,
        after: Answers | None = None,
        last: str = "",
    ) -> bytes:
        """The notebook with other `answers` to some questions, cells `before` and `after` some, and a `last` cell.

        nbformat 4, code cells alone. A question's cells stand where the first of its own stood.
        """
        answers, before, after = answers or {}, before or {}, after or {}
        sources: list[str] = []
        begun: set[str] = set()
        for place, (question, source) in enumerate(self.cells):
            if question != GIVEN and question not in begun:
                begun.add(question)
                sources += before.get(question, ())
                sources += answers.get(question, ())
            if question not in answers:
                sources.append(source)
            if question != GIVEN and question not in {of for of, _ in self.cells[place + 1 :]}:
                sources += after.get(question, ())
        return notebook_of([*sources, last] if last else sources)


def notebook_of(sources: Sequence[str]) -> bytes:
    """A notebook file of these code cells."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
        for n, source in enumerate(sources, 1)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    return json.dumps(made).encode()


def read_master(path: Path) -> Master:
    """The parts of a master. Raises AuthoringError, naming the file, if it is no notebook or answers no question."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["cells"]
        cells = [(str(cell["cell_type"]), "".join(cell["source"])) for cell in found]
    except FileNotFoundError:
        raise AuthoringError(f"There is no master {path}; write it there, in otter-assign's format.") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise AuthoringError(f"{path} is no notebook; save it again from Jupyter.") from None
    parts: list[tuple[str, str]] = []
    question, in_tests = GIVEN, False
    for kind, source in cells:
        if kind == "raw":
            begin, end = BEGIN.match(source.strip()), END.match(source.strip())
            if begin and begin[1].upper() == "QUESTION":
                name = NAME.search(source)
                if name is None:
                    raise AuthoringError(f"{path}: a question has no line `name: q1` under `# BEGIN QUESTION`.")
                question = name[1]
            elif end and end[1].upper() == "QUESTION":
                question = GIVEN
            elif begin or end:
                in_tests = begin is not None
        elif kind == "code" and not in_tests:
            parts.append((question, source))
    if all(of == GIVEN for of, _ in parts):
        raise AuthoringError(f"{path} answers no question; each stands between raw cells BEGIN QUESTION, END QUESTION.")
    return Master(tuple(parts))
