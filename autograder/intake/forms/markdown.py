"""Reads a notebook that was saved as Markdown: by jupytext, MyST, R Markdown, Quarto or nbconvert.

Called by `read_notebook`. Code is what stands in fences that say Python; where none does, what stands in plain ones.
Fences follow CommonMark 4.5: closed by at least as many of the same sign.
"""

from __future__ import annotations

import re
from typing import Any

from autograder.intake.forms.repairs import Repairs

FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
PYTHON = ("python", "python3", "py", "ipython", "ipython3")
WORD = re.compile(r"[\w-]+")


def markdown_cells(text: str, repairs: Repairs) -> dict[str, Any] | None:
    """The cells; None if there is no code in fences."""
    blocks = _blocks(text)
    labelled = any(info is not None and _is_python(info) for info, _ in blocks)
    if not labelled and all(info != "" for info, _ in blocks):
        return None
    repairs.note("The notebook was handed in as Markdown; the code in its fences was run.")
    cells: list[dict[str, Any]] = []
    for info, lines in blocks:
        code = info is not None and (_is_python(info) if labelled else info == "")
        lines = _without_options(lines) if code and info and "code-cell" in info else lines
        source = "\n".join(lines).strip("\n")
        if source.strip():
            cells.append({"cell_type": "code" if code else "markdown", "source": source, "outputs": []})
    return {"cells": cells}


def _blocks(text: str) -> list[tuple[str | None, list[str]]]:
    """Fenced lines with what their fence says, and the lines between them with None."""
    blocks: list[tuple[str | None, list[str]]] = [(None, [])]
    opened, indent = "", 0
    for line in text.replace("\r\n", "\n").split("\n"):
        fence = FENCE.match(line)
        if opened:
            if fence and fence[1][0] == opened[0] and len(fence[1]) >= len(opened) and not fence[2].strip():
                opened = ""
                blocks.append((None, []))
            else:
                blocks[-1][1].append(line[indent:] if not line[:indent].strip() else line)
        elif fence and not (fence[1][0] == "`" and "`" in fence[2]):
            opened, indent = fence[1], len(line) - len(line.lstrip(" "))
            blocks.append((fence[2].strip(), []))
        else:
            blocks[-1][1].append(line)
    return blocks


def _is_python(info: str) -> bool:
    words = [word.lower() for word in WORD.findall(info[:200])]
    if words[:1] in (["code-cell"], ["sourcecode"]):
        return not words[1:] or words[1] in PYTHON
    return bool(words) and words[0] in PYTHON and ".noeval" not in info


def _without_options(lines: list[str]) -> list[str]:
    """A MyST cell without the settings at its head."""
    if lines and lines[0].strip() == "---" and any(line.strip() == "---" for line in lines[1:]):
        return lines[next(number for number, line in enumerate(lines[1:], 2) if line.strip() == "---") :]
    start = next((number for number, line in enumerate(lines) if not line.startswith(":")), len(lines))
    return lines[start:]
