"""Every file, folder and module of the project that its texts and comments name is there."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

SKIPPED = {".git", ".venv", "runs", "mutants", "__pycache__"}
FOREIGN = {"submission_metadata.yml", "coursedir.py"}  # Gradescope's and nbgrader's own
TUTORIAL = re.compile(r"/degrees(/|$)")  # what the tutorial makes as it goes
PATH = re.compile(r"(?<![\w/.:<>{}~$%*-])((?:[\w.-]+/)+[\w.-]*\w)(?![\w{<(*/])")
FILE = re.compile(r"(?<![\w/.:<>{}~$%*-])(\w[\w-]*\.(?:py|md|yml|toml))(?![\w{<(*])")
MODULE = re.compile(r"`(?:autograder\.)?([a-z_]+)\.([a-z_]+)(?:\.\w+)?`")


def of_the_project() -> list[Path]:
    def walk(folder: Path) -> Iterator[Path]:
        for entry in sorted(folder.iterdir()):
            if entry.name in SKIPPED or (entry.name.startswith(".") and entry.is_dir()):
                continue
            yield from walk(entry) if entry.is_dir() else [entry]

    return list(walk(ROOT))


THERE = of_the_project()
NAMES = {path.name for path in THERE}
TOPS = {path.relative_to(ROOT).parts[0] for path in THERE} | {"shared"}
ROOMS = {path.parent.name for path in (ROOT / "autograder").glob("*/__init__.py")}
TEXTS = [
    path
    for path in THERE
    if path.suffix in (".md", ".yml", ".yaml", ".py", ".sh")
    or path.name in ("Makefile", "pyproject.toml", "run_autograder")
]


def said(path: Path) -> str:
    """The text that people read: all of it, and of a module its comments and strings that stand alone."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text
    alone = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr)]
    told = [one.value for one in alone if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join([*told, *(token.string for token in tokens if token.type == tokenize.COMMENT)])


def absent(path: Path) -> list[str]:
    """What it names that is not there."""
    text = said(path)
    ours = path.relative_to(ROOT).parts[0] != "tests"
    paths = [found for found in PATH.findall(text) if found.split("/")[0] in TOPS and not TUTORIAL.search(found)]
    missing = [found for found in paths if not ((ROOT / found).exists() or (path.parent / found).exists())]
    missing += [found for found in FILE.findall(text) if ours and found not in NAMES | FOREIGN]
    for room, module in MODULE.findall(text):
        folder = ROOT / "autograder" / room
        if room in ROOMS and not (folder / f"{module}.py").is_file() and not (folder / module).is_dir():
            missing += [f"{room}.{module}"] if module not in (folder / "__init__.py").read_text() else []
    return missing


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_text_names_is_there(path: Path) -> None:
    assert absent(path) == []


def test_a_name_of_what_is_gone_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "autograder" / "course").mkdir(parents=True)
    (tmp_path / "autograder" / "course" / "__init__.py").write_text("")
    (tmp_path / "a.md").write_text("See autograder/course.py, vanished.py, `course.gone` and autograder/course.")
    assert absent(tmp_path / "a.md") == ["autograder/course.py", "vanished.py", "course.gone"]


def test_the_readme_says_where_the_command_is() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    before = readme.partition("\nautograder ")[0]
    assert ".venv/bin/autograder" in before and "activate" in before


def test_the_picture_of_the_rooms_has_each_of_them() -> None:
    picture = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").split("```")[1]
    drawn = re.findall(r'^ +(\w+)\["', picture, re.MULTILINE)
    assert sorted(drawn) == sorted([*ROOMS, "cli", "files"])  # what is no room, too
