"""Finds the notebook within other JSON: a server's answer around it, a text that holds it, a list of cells.

Called by `read_notebook` with what the file's JSON says. Jupyter's contents API, GitHub's and Kaggle's answers, and
JSON that was written as JSON once more are of this kind; so any notebook is found that lies a few levels down.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from autograder.intake.forms.damaged import json_kind, loaded
from autograder.intake.forms.packing import unpacked
from autograder.intake.forms.repairs import NoNotebook, Repairs

DEEPEST = 4
MOST_LOOKED_AT = 500  # values
LEAST_TEXT = 20  # characters that a notebook as a text has


def notebook_in(value: Any, repairs: Repairs) -> dict[str, Any]:
    """The notebook as an object; the object itself if there is none in it. Raises NoNotebook if there are several."""
    if isinstance(value, dict) and ("cells" in value or "worksheets" in value):
        return value
    found: list[dict[str, Any]] = []
    left = deque([(value, 0)])
    for _ in range(MOST_LOOKED_AT):
        if not left:
            break
        here, depth = left.popleft()
        if isinstance(here, str):
            here = _of_text(here)
        if isinstance(here, str) and depth < DEEPEST:
            left.append((here, depth + 1))
        elif _is_notebook(here):
            found += [] if here in found[:1] else [here]
        elif _are_cells(here):
            found.append({"cells": here})
        elif depth < DEEPEST and isinstance(here, dict | list):
            inner = here.values() if isinstance(here, dict) else here
            left += [(each, depth + 1) for each in list(inner)[:MOST_LOOKED_AT] if isinstance(each, dict | list | str)]
    if len(found) > 1:
        raise NoNotebook(f"The file is JSON that holds {len(found)} different notebooks: ask for the right one alone.")
    if found:
        repairs.note("The notebook lay within other JSON, as a server or a second saving wraps it; it was taken out.")
        return found[0]
    if not isinstance(value, dict):
        kind = json_kind(value)
        raise NoNotebook(f"The file is JSON but no notebook: it holds {kind} where an object belongs.")
    return value


def _of_text(text: str) -> Any:
    """What a text says that is JSON itself, or JSON in Base64; None for any other."""
    if len(text) < LEAST_TEXT:
        return None
    content = unpacked(text.encode("utf-8", "replace"), Repairs()) if text[0] not in '{["' else b""
    inner = content.decode("utf-8", "replace") if content else text
    if not inner.lstrip().startswith(("{", "[", '"')):
        return None
    try:
        return loaded(inner)
    except (json.JSONDecodeError, RecursionError):
        return None


def _is_notebook(value: Any) -> bool:
    return isinstance(value, dict) and (_are_cells(value.get("cells")) or isinstance(value.get("worksheets"), list))


def _are_cells(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and "cell_type" in value[0]
