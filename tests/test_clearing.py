"""Whatever a student's process has left in its folder is removed, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from conftest import ROOT

from autograder.sandbox.clearing import clear

DEEP = "import os\nfor _ in range(3000):\n    os.mkdir('d'); os.chdir('d')"


def test_folders_are_removed_however_deep_they_are(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    subprocess.run([sys.executable, "-c", DEEP], cwd=work, check=True)
    clear(work)
    assert not work.exists()


def test_closed_folders_and_odd_names_are_removed_and_links_are_not_followed(open_path: Path) -> None:
    work, other = open_path / "work", open_path / "other"
    (work / "a" / "b").mkdir(parents=True)
    other.mkdir()
    (other / "kept").write_text("x")
    (work / "link").symlink_to(other)
    (work / "a" / "b" / "link").symlink_to(other / "kept")
    for name in (b"-rf", b"a\nb", b"\xff\xfe", b"x" * 250):
        (work / os.fsdecode(name)).write_text("x")
    os.mkfifo(work / "a" / "pipe")
    other.chmod(0o500)
    for folder in (work / "a" / "b", work / "a", work):
        folder.chmod(0)
    user = [sys.executable, "-P", "-m", "attacks.circumstances", "--user"] if os.geteuid() == 0 else []
    if user:
        for path in (work, work / "a", work / "a" / "b"):
            os.chown(path, 54321, 54321)
    program = f"from pathlib import Path\nfrom autograder.sandbox.clearing import clear\nclear(Path({str(work)!r}))"
    subprocess.run(
        [*user, sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        check=True,
    )
    assert not work.exists()
    assert (other / "kept").read_text() == "x" and other.stat().st_mode & 0o777 == 0o500


def test_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    clear(tmp_path / "nothing")
    assert tmp_path.exists()
