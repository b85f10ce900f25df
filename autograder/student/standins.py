"""Stand-ins for what a notebook meets on Colab or in class but not here: each answers harmlessly and leaves a note.

`google.colab`, `otter`, `input()`, `%pip` and `!pip`, plots without a screen. None of them may cost a mark.
"""

from __future__ import annotations

import builtins
import re
import subprocess
import warnings
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.student.shell import Shell

Note = Callable[[str], None]
INSTALLS = re.compile(r"^\s*(?:\S*python\S*\s+-m\s+)?(?:pip3?|conda|mamba|uv|apt|apt-get)\b")
QUIET_MAGICS = ("pip", "conda", "mamba", "uv", "matplotlib", "load_ext", "autoreload", "tensorboard")
SHELL_SECONDS = 20


class Harmless:
    """Whatever is read of it or called on it gives another one; false, empty, and says what it stands for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Harmless:
        if name.startswith("__"):
            raise AttributeError(name)
        return Harmless(f"{self._name}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Harmless:
        return self

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __enter__(self) -> Harmless:
        return self

    def __exit__(self, *args: object) -> None:
        return None

    def __repr__(self) -> str:
        return f"<{self._name}: not available when graded>"


class ColabModule(ModuleType):
    """google.colab and its parts: drive, files, output, userdata and anything else."""

    note: Note

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.note(f"`google.colab.{name}` does nothing here: no Drive, no upload and no browser stand behind it.")
        if name == "drive":
            return SimpleNamespace(mount=_nothing, flush_and_unmount=_nothing)
        if name == "files":
            return SimpleNamespace(upload=lambda *a, **k: {}, download=_nothing, view=_nothing)
        if name == "userdata":
            return SimpleNamespace(get=lambda *a, **k: "", SecretNotFoundError=KeyError)
        return Harmless(f"google.colab.{name}")


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None


def colab(name: str, note: Note, whole: bool) -> ModuleType:
    """The module that `import google.colab...` binds (`whole`: for a `from ... import`)."""
    module = ColabModule("google.colab")
    module.note = note
    part: Any = module
    for piece in name.split(".")[2:]:
        part = getattr(part, piece)
    if whole:
        return part
    root = ModuleType("google")
    root.colab = module  # type: ignore[attr-defined]
    return root


def otter(note: Note) -> ModuleType:
    """The `otter` package as far as a notebook uses it: Notebook().check, check_all, export and so on."""

    class Notebook:
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            note("The public checks (`grader.check`) are not run again here; your work is judged by the full ones.")

        def check(self, question: str, *args: Any, **kwargs: Any) -> str:
            return f"{question}: judged after handing in"

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return _nothing

    module = ModuleType("otter")
    module.Notebook = Notebook  # type: ignore[attr-defined]
    module.__version__ = "7.0.0"  # type: ignore[attr-defined]
    return module


def install(shell: Shell, note: Note) -> None:
    """Put the stand-ins that are not imports into `shell`: input, magics, shell commands, silent plots."""

    def answer(prompt: object = "") -> str:
        print(prompt)
        note("`input()` was answered with nothing: nobody sits at the keyboard when a notebook is graded.")
        return ""

    builtins.input = answer
    shell.user_ns["input"] = answer
    for name in QUIET_MAGICS:
        shell.magics_manager.register_function(_quiet(name, note), "line", name)
    shell.system = shell.system_piped = shell.system_raw = lambda command: _system(shell, command, note)  # type: ignore[method-assign]
    shell.getoutput = lambda command, *a, **k: _run(shell, command, note).splitlines()  # type: ignore[method-assign]
    shell.enable_gui = _nothing  # type: ignore[method-assign]
    warnings.filterwarnings("ignore", message="To exit: use")
    warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")


def _quiet(name: str, note: Note) -> Callable[[str], None]:
    def magic(line: str) -> None:
        if name in ("pip", "conda", "mamba", "uv"):
            note(f"`%{name} {line[:60]}` was not run: the course's packages are installed already.")

    return magic


def _system(shell: Shell, command: str, note: Note) -> None:
    print(_run(shell, command, note), end="")


def _run(shell: Shell, command: str, note: Note) -> str:
    command = shell.var_expand(command, depth=2)
    if INSTALLS.match(command):
        note(f"`!{command[:60]}` was not run: the course's packages are installed already.")
        return ""
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SHELL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        note(f"`!{command[:60]}` could not be run here ({type(error).__name__}).")
        return ""
    shell.user_ns["_exit_code"] = done.returncode
    return (done.stdout + done.stderr).decode("utf-8", "replace")
