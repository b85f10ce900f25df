"""Stand-ins for what a notebook meets on Colab or in class but not here: each answers harmlessly and leaves a note.

`google.colab`, `otter`, `input()`, plots without a screen; `magics` has those for magics and shell commands. None of
them may cost a mark.
"""

from __future__ import annotations

import builtins
import functools
import getpass
import pdb
import sys
import warnings
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from IPython.core import debugger

from autograder.student import magics
from autograder.student.absent import Harmless, Unanswered, Uploads

if TYPE_CHECKING:
    from autograder.student.shell import Shell

Note = Callable[[str], None]


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
            answer = functools.partial(_made, Uploads)
            return SimpleNamespace(upload=answer, upload_file=lambda *a, **k: "", download=_nothing, view=_nothing)
        if name == "userdata":
            return SimpleNamespace(
                get=lambda *a, **k: "", SecretNotFoundError=KeyError, NotebookAccessError=PermissionError
            )
        return Harmless(f"google.colab.{name}", "the notebook does not run on Colab")


def _made(kind: Callable[[], Any], *args: Any, **kwargs: Any) -> Any:
    return kind()


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None


def colab(name: str, note: Note, whole: bool) -> ModuleType:
    """The module that `import google.colab...` binds (`whole`: for a `from ... import`)."""
    module = ColabModule("google.colab")
    module.note = note
    part: ModuleType = module
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
    magics.install(shell, note)

    def answer(prompt: object = "") -> str:
        print(prompt)
        note("`input()` was answered with nothing: nobody sits at the keyboard when a notebook is graded.")
        return Unanswered()

    builtins.input = answer
    shell.user_ns["input"] = answer
    getpass.getpass = lambda prompt="Password: ", stream=None: answer(prompt)
    _without_debugger(note)
    shell.enable_gui = _nothing  # type: ignore[method-assign]
    for message in ("To exit: use", "FigureCanvasAgg is non-interactive"):
        warnings.filterwarnings("ignore", message=message)
    _quiet_plots(note)
    _quiet_bars()


def _without_debugger(note: Note) -> None:
    """A debugger would ask again and again what to do, and get no answer."""

    def go_on(*args: Any, **kwargs: Any) -> None:
        note("`breakpoint()` did not stop your code: nobody sits at the keyboard when a notebook is graded.")

    sys.breakpointhook = go_on
    pdb.set_trace = debugger.set_trace = pdb.post_mortem = go_on
    pdb.Pdb.interaction = debugger.Pdb.interaction = go_on  # type: ignore[method-assign]


def _quiet_plots(note: Note) -> None:
    """Plots are drawn into nothing whatever window they ask for, and one that cannot be saved stops nobody."""
    import matplotlib
    from matplotlib.figure import Figure

    def use(backend: object = "", *args: object, **kwargs: object) -> None:
        note(f"`{str(backend)[:60]}` shows no plots here: they are drawn without a window.")

    matplotlib.use = use
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.switch_backend("agg")  # pyplot would do it at the first plot
        pyplot.switch_backend = use  # type: ignore[attr-defined]
    real = Figure.savefig

    @functools.wraps(real)
    def savefig(self: Any, fname: Any, *args: Any, **kwargs: Any) -> None:
        try:
            real(self, fname, *args, **kwargs)
        except OSError as error:
            note(f"A plot could not be saved as {str(fname)[:80]!r} ({type(error).__name__}).")

    Figure.savefig = savefig  # type: ignore[method-assign]


def _quiet_bars() -> None:
    """tqdm's bars for notebooks need widgets and a browser; its plain ones need nothing."""
    if (tqdm := sys.modules.get("tqdm")) is None:
        return
    plain = ModuleType("tqdm.notebook")
    bars = {"tqdm": tqdm.tqdm, "trange": tqdm.trange, "tqdm_notebook": tqdm.tqdm, "tnrange": tqdm.trange}
    plain.__dict__.update(bars, __all__=list(bars))
    for name in ("notebook", "autonotebook"):
        sys.modules[f"tqdm.{name}"] = plain
        setattr(tqdm, name, plain)
    tqdm.__dict__.update(tqdm_notebook=tqdm.tqdm, tnrange=tqdm.trange)
