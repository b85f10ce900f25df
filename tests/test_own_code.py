"""What a session can import or read of this program is what runs beside student code, and nothing else.

Listed from inside, by every way there is, in each circumstance, for a program that is installed from its folder and
for one that lies among the other packages.
"""

from __future__ import annotations

import json
import os
import py_compile
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacks.suite import in_circumstances
from conftest import ROOT

FILES = {"__init__.py", "wire.py", "loop/__init__.py", "loop/events.py", "loop/networks.py"}
MODULES = {"autograder", "autograder.wire", "autograder.loop", "autograder.loop.events", "autograder.loop.networks"}
CONFINED = {"confinement", "kernel", "walls", "clearing", "hugepages", "landlock", "seccomp"}


@pytest.fixture(scope="module")
def ordinary() -> Iterator[Path]:
    """The interpreter of an environment like ours in which this program is installed among the packages."""
    source = Path(sys.prefix)
    with tempfile.TemporaryDirectory(prefix="ordinary-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        env = Path(folder) / "env"
        shutil.copytree(
            source, env, symlinks=True, copy_function=linked, ignore=shutil.ignore_patterns("__editable__*")
        )
        packages = env / Path(sysconfig.get_paths()["purelib"]).relative_to(source)
        for path in packages.glob("_editable_impl_autograder*"):
            path.unlink()
        home = packages / "autograder"
        shutil.copytree(ROOT / "autograder", home, ignore=shutil.ignore_patterns("__pycache__"))
        for path in home.rglob("*.py"):
            py_compile.compile(str(path))
        yield env / "bin" / "python"


def linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def listing(python: Path, level: str, *options: str) -> dict:
    words = [word if word != sys.executable else str(python) for word in in_circumstances(*options)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [*words, str(python), "-P", "-m", "walls.listing", level]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**environment, "PYTHONPATH": str(ROOT / "tests")}, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def check(found: dict, python: Path) -> None:
    home = Path(found["home"])
    assert home.is_relative_to(python.parent.parent) == (python != Path(sys.executable))

    def allowed(path: str) -> bool:
        place = Path(path)
        return place.is_relative_to(home / "student") or place in {home / name for name in FILES}

    assert found["count"] > 300 and found["loaded"]
    for what in ("read", "twins", "by_file", "revealed", "files_of_memory"):
        others = [path for path in found[what] if not allowed(path)]
        if what == "files_of_memory":  # what has confined the session lies in the frames below it
            others = [path for path in others if Path(path).parent != home / "sandbox"]
        assert not others, what
    assert str(home / "wire.py") in found["read"], "the listing itself must find what is there"
    assert str(home / "student" / "session.py") in found["read"] or os.getuid() == 0
    for what in ("loaded", "imported"):
        assert all(name in MODULES or name.split(".")[1] == "student" for name in found[what]), found[what]
    assert "autograder.student.watching" not in found["imported"]  # the picture and its sentences are not there
    behind = {name for name in found["in_memory"] if name not in MODULES and name.split(".")[1] != "student"}
    assert behind <= {"autograder.sandbox", *(f"autograder.sandbox.{name}" for name in CONFINED)}


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="there are no walls around files elsewhere")


@LINUX
@pytest.mark.parametrize(
    "level, options", [("strong", ()), ("restricted", ("--user", "--no-namespaces"))], ids=["strong", "restricted"]
)
def test_installed_from_its_folder(level: str, options: tuple[str, ...]) -> None:
    python = Path(sys.executable)
    check(listing(python, level, *options), python)


@LINUX
@pytest.mark.parametrize(
    "level, options",
    [("strong", ()), ("strong", ("--user",)), ("restricted", ()), ("restricted", ("--user", "--no-namespaces"))],
    ids=["strong", "strong, ordinary user", "restricted", "restricted, ordinary user"],
)
def test_installed_among_the_packages(ordinary: Path, level: str, options: tuple[str, ...]) -> None:
    check(listing(ordinary, level, *options), ordinary)
