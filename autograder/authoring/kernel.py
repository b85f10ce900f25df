"""Runs a notebook in a real Jupyter kernel with the real otter-grader; for assign.py and for tests (extra [author])."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from autograder.authoring.leaks import AuthoringError

SECONDS = 600  # for one notebook


@dataclass(frozen=True)
class Ran:
    """What a cell left behind: what it printed and gave back as plain text, and its error ("" if none)."""

    text: str
    error: str = ""


def run_in_kernel(sources: Sequence[str], folder: Path, seconds: int = SECONDS) -> list[Ran]:
    """Run code cells one after the other in one kernel; a cell that fails does not stop the next.

    Raises AuthoringError where no kernel can be had, or the time is over.
    """
    try:
        from nbclient import NotebookClient
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
    except ImportError as missing:
        raise AuthoringError("`autograder assign` needs a kernel: pip install 'autograder[author]'") from missing
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    client = NotebookClient(
        notebook,
        timeout=seconds,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        with _environment({"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}):
            client.execute(stderr=subprocess.DEVNULL)  # the kernel's own warnings; what cells print is caught
    except CellTimeoutError as late:
        raise AuthoringError(f"A cell ran for more than {seconds} s; shorten what it trains.") from late
    except DeadKernelError as dead:
        raise AuthoringError("The kernel died while it ran the notebook: too little memory, perhaps.") from dead
    return [_ran(cell.outputs) for cell in notebook.cells]


def _ran(outputs: Sequence[Any]) -> Ran:
    text, error = "", ""
    for output in outputs:
        if output.output_type == "stream":
            text += output.text
        elif output.output_type == "error":
            error = f"{output.ename}: {output.evalue}"
        else:
            text += str(output.get("data", {}).get("text/plain", "")) + "\n"
    return Ran(text, error)


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
