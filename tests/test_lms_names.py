"""What is particular to one learning system stands in modules of its own: another is added without a search."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from conftest import ROOT

SYSTEMS = re.compile("canvas|moodle|blackboard|brightspace|sakai|gradescope|nbgrader|classroom", re.IGNORECASE)
# Their layouts, lists, gradebooks and ways back, the two that are spoken to; and where people write or read a name
THEIRS = re.compile(
    "intake/(layouts/|identity.py)|people/exports.py|gradebook/|canvas/|gradescope/"
    "|cli.py|course/models.py|terminal/push.py|engine/demo.py"
)
# A backend of matplotlib's, and the help of a marker
NO_SYSTEM = {"student/standins.py": "FigureCanvasAgg", "judge/plugin.py": "visibility(word)"}


def words(source: str) -> Iterator[str]:
    """Names and texts in code; docstrings and comments may say where a rule was read."""
    tree = ast.parse(source)
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value
        for field in ("id", "attr", "name", "module", "arg"):
            if isinstance(word := getattr(node, field, None), str):
                yield word


def test_systems_are_named_in_their_own_modules_alone() -> None:
    package, found = ROOT / "autograder", []
    for path in package.rglob("*.py"):
        place = path.relative_to(package).as_posix()
        if not THEIRS.match(place):
            found += [(place, word) for word in words(path.read_text()) if SYSTEMS.search(word)]
    assert [(place, word) for place, word in found if NO_SYSTEM.get(place, "?") not in word] == []


def test_the_search_sees_names_and_texts() -> None:
    source = '"""Moodle"""\nfrom a.canvas import CANVAS\nif one.layout == "sakai": pass  # Blackboard'
    assert [word for word in words(source) if SYSTEMS.search(word)] == ["a.canvas", "CANVAS", "sakai"]
