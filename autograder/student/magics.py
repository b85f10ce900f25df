"""Magics and shell commands of a notebook that is graded: those of other machines are answered, the rest are IPython's.

Installed by `standins`. `%cd`, `%%writefile` and `%%time` do what they say, but what does not work here costs no more
than itself; `!` and `%%bash` run a shell where the course allows programs; an unknown magic does nothing, except that
the body of an unknown cell magic is run if it is Python.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.utils.text import SList

from autograder.student.absent import Unsaid

if TYPE_CHECKING:
    from autograder.student.shell import Shell

Note = Callable[[str], None]
INSTALLS = re.compile(r"^\s*(?:\S*python\S*\s+-m\s+)?(?:sudo\s+)?(?:pip3?|conda|mamba|uv|apt|apt-get)\b")
INSTALLERS = ("pip", "conda", "mamba", "uv", "micromamba")
QUIET = (
    "matplotlib",
    "load_ext",
    "reload_ext",
    "unload_ext",
    "autoreload",
    "tensorboard",
    "config",
    "gui",
    "autosave",
    "debug",
    "pdb",
)
SHELLS = ("bash", "sh", "shell", "script", "system", "sx", "!", "cmd", "powershell")
SHELL_SECONDS = 20
PYTHON = re.compile(r"^(?:import|from)\s+\w", re.MULTILINE)  # no shell has a program of that name
LEADING = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)+")


def install(shell: Shell, note: Note) -> None:
    """Register the stand-ins with `shell`."""
    known = shell.magics_manager.magics
    for name in (*INSTALLERS, *QUIET):
        known["line"][name] = _quiet(name, note)
    for name in SHELLS:
        known["cell"][name] = _shell_cell(shell, note)
    known["line"]["cd"] = lambda line: _cd(line, note)
    known["cell"]["writefile"] = lambda line, cell="": _write(line, cell, note)
    known["cell"]["file"] = lambda line, cell="": _write(line, cell, note)
    known["line"]["reset"] = _reset(shell, note)
    known["cell"]["time"] = lambda line, cell="": _timed(shell, cell)
    _answer_unknown(shell, note)
    shell.system = shell.system_piped = shell.system_raw = lambda command: _system(shell, command, note)  # type: ignore[method-assign]
    shell.getoutput = lambda command, *a, **k: _lines(shell, command, note)  # type: ignore[method-assign]


def prepared(source: str) -> str:
    """A cell as it can be run: comments above its cell magic are taken away, as Colab does."""
    above = LEADING.match(source)
    return source[above.end() :] if above is not None and source.startswith("%%", above.end()) else source


def _answer_unknown(shell: Shell, note: Note) -> None:
    """Magics that nobody knows are made known when they are called, by `%`, `%%` or a method of the shell."""
    line_magic, cell_magic, known = shell.run_line_magic, shell.run_cell_magic, shell.magics_manager.magics

    def run_line_magic(magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        if shell.find_line_magic(magic_name) is None:
            known["line"][magic_name] = _quiet(magic_name, note)
        return line_magic(magic_name, line, _stack_depth + 1)

    def run_cell_magic(magic_name: str, line: str, cell: str) -> Any:
        if shell.find_cell_magic(magic_name) is None:
            known["cell"][magic_name] = _unknown_cell(shell, magic_name, note)
        return cell_magic(magic_name, line, cell)

    def magic(arg_s: str) -> Any:  # what IPython had before version 8
        name, _, line = arg_s.lstrip().removeprefix("%").partition(" ")
        return run_line_magic(name, line.strip(), 2)

    shell.run_line_magic, shell.run_cell_magic = run_line_magic, run_cell_magic  # type: ignore[method-assign]
    shell.magic = magic  # type: ignore[attr-defined]


def _quiet(name: str, note: Note) -> Callable[[str], None]:
    def magic(line: str = "") -> None:
        if name in INSTALLERS:
            note(f"`%{name} {line[:60]}` was not run: the course's packages are installed already.")
        elif name not in QUIET:
            note(f"`%{name}` is not known here and did nothing.")

    return magic


def _reset(shell: Shell, note: Note) -> Callable[[str], None]:
    """%reset as IPython has it. What it takes away is kept for the tests, unless a later cell makes it again."""
    real = shell.find_line_magic("reset")

    def magic(line: str = "") -> None:
        before = dict(shell.user_ns)
        real(line)
        gone = [name for name in before if name not in shell.user_ns and not name.startswith("_")]
        shell.deleted.update((name, before[name]) for name in gone)
        if gone:
            note("`%reset` took all names away, as in Jupyter; what no cell makes again is judged as it was before.")

    return magic


def _unknown_cell(shell: Shell, name: str, note: Note) -> Callable[..., None]:
    def magic(line: str, cell: str = "") -> None:
        if python_of(shell, cell) == cell:
            note(f"`%%{name}` is not known here; the rest of its cell was run without it.")
            run_body(shell, cell)
        else:
            note(f"`%%{name}` is not known here; its cell was not run.")

    return magic


def python_of(shell: Shell, text: str) -> str:
    """`text` if it is Python, else its end from the first import on if that is; "" if neither."""
    starts = [0, *(found.start() for found in PYTHON.finditer(text))][:20]
    for start in starts:
        try:
            ast.parse(shell.transform_cell(text[start:]))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        return text[start:]
    return ""


def run_body(shell: Shell, cell: str, above: int = 1) -> None:
    """Run a cell's lines below the first `above` ones as a cell of its own; raises what stops it."""
    shell.run_cell("#\n" * above + cell, store_history=False).raise_error()


def _timed(shell: Shell, cell: str) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        run_body(shell, cell)
    finally:
        print(f"CPU times: total: {time.process_time() - cpu:.3g} s\nWall time: {time.perf_counter() - wall:.3g} s")


def _cd(line: str, note: Note) -> None:
    words = [word for word in line.split() if not re.fullmatch("-[qb]+", word)]
    place = " ".join(words).strip("\"'") or "~"
    try:
        os.chdir(Path(place).expanduser())
    except (OSError, RuntimeError):
        note(f"`%cd {place[:60]}`: there is no such folder here; your notebook stayed where it was.")
    print(Path.cwd())


def _write(line: str, cell: str, note: Note) -> None:
    """%%writefile; a file whose folder cannot be had is written beside the notebook."""
    words = line.split()
    mode = "a" if "-a" in words or "--append" in words else "w"
    path = Path(" ".join(word for word in words if not word.startswith("-")).strip("\"'")).expanduser()
    try:
        if not path.is_absolute():
            path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError:
        note(f"`%%writefile {str(path)[:60]}` was written beside your notebook: there is no such folder here.")
        path = Path(path.name)
    with path.open(mode, encoding="utf-8") as file:
        file.write(cell)


def _shell_cell(shell: Shell, note: Note) -> Callable[..., None]:
    def magic(line: str, cell: str = "") -> None:
        end = PYTHON.search(cell)
        python = python_of(shell, cell[end.start() :]) if end else ""
        commands = cell[: len(cell) - len(python)]
        if not all(INSTALLS.match(one) or not one.strip() or one.startswith("#") for one in commands.splitlines()):
            _system(shell, commands, note)
        elif commands.strip():
            note("Lines that install packages were not run: the course's packages are installed already.")
        if python:
            note("The end of a shell cell is Python, and was run as such.")
            run_body(shell, python, 1 + commands.count("\n"))

    return magic


def _system(shell: Shell, command: str, note: Note) -> None:
    print(_run(shell, command, note) or "", end="")


def _lines(shell: Shell, command: str, note: Note) -> SList:
    said = _run(shell, command, note)
    return Unsaid() if said is None else SList(said.splitlines())


def _run(shell: Shell, command: str, note: Note) -> str | None:
    """What a command prints; None if it was not run."""
    command = shell.var_expand(command, depth=2)
    if INSTALLS.match(command):
        note(f"`!{command[:60]}` was not run: the course's packages are installed already.")
        return None
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SHELL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        note(f"`!{command[:60]}` could not be run here ({type(error).__name__}).")
        return None
    shell.user_ns["_exit_code"] = done.returncode
    return (done.stdout + done.stderr).decode("utf-8", "replace")
