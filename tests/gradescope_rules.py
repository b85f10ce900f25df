"""What Gradescope takes as a results.json, written from its specification alone: nothing of the program is used.

Source: gradescope-autograders.readthedocs.io/en/latest/specs.
"""

from __future__ import annotations

import json
import math
from typing import Any

VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
TOP = {
    "score": float, "execution_time": float, "output": str, "output_format": str, "test_output_format": str,
    "test_name_format": str, "visibility": str, "stdout_visibility": str, "extra_data": dict, "tests": list,
    "leaderboard": list,
}  # fmt: skip
TEST = {
    "score": float, "max_score": float, "status": str, "name": str, "name_format": str, "number": str, "output": str,
    "output_format": str, "tags": list, "visibility": str, "extra_data": dict,
}  # fmt: skip


def read(content: bytes) -> dict[str, Any]:
    """The results in a file. Raises ValueError naming everything that Gradescope would not take."""
    found = json.loads(content.decode("utf-8"), parse_constant=lambda name: math.nan)
    if not isinstance(found, dict):
        raise ValueError("not a mapping")  # noqa: TRY004
    faults = shape("results", found, TOP)
    tests = found.get("tests", [])
    for position, test in enumerate(tests):
        faults += shape(f"tests[{position}]", test, TEST) if isinstance(test, dict) else [f"tests[{position}]: {test}"]
        if isinstance(test, dict) and test.get("status", "passed") not in ("passed", "failed"):
            faults.append(f"tests[{position}].status: {test['status']}")
    scored = [isinstance(test, dict) and "score" in test for test in tests]
    if any(scored) and not all(scored) and "score" not in found:
        faults.append("some tests have a score, others none, and there is none for all")
    if faults:
        raise ValueError("; ".join(faults))
    return found


def shape(where: str, entry: dict[str, Any], keys: dict[str, type]) -> list[str]:
    faults = [f"{where}.{key}: there is no such key" for key in entry.keys() - keys.keys()]
    for key, value in entry.items():
        kind = keys.get(key, object)
        right = isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)
        words = VISIBILITIES if key.endswith("visibility") else FORMATS if key.endswith("format") else None
        possible = math.isfinite(value) and value >= 0 if right and kind is float else True
        if not right or not possible or (kind is str and words is not None and value not in words):
            faults.append(f"{where}.{key}: {value!r}")
    return faults


def has_a_score(found: dict[str, Any]) -> bool:
    """Whether Gradescope would show a score that we gave."""
    return "score" in found or any("score" in test for test in found.get("tests", []))
