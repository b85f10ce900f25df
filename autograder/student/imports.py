"""What `import` means in a student's cells: the course's packages, the standard library, and stand-ins for the rest.

An import of something that the course does not provide gets a stand-in that may be used lightly (see `absent`), so that
`import seaborn, torch` in one cell does not lose torch. Inside `try: ... except ImportError` the import fails as it
would anywhere, because there the notebook says itself what to do without the package.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder.student import standins
from autograder.student.absent import Absent
from autograder.student.surroundings import Surroundings

ALWAYS = frozenset({"IPython", "google", "otter", "torch", "__future__", "typing_extensions"})
Note = Callable[[str], None]


class ImportGuard:
    """Replaces builtins.__import__ for the notebook's code and for files it has written; others import as always.

    `around` knows what a notebook catches itself, and is told where a star import would have bound unknown names.
    """

    def __init__(self, namespace: dict[str, Any], packages: Iterable[str], note: Note, around: Surroundings) -> None:
        self.namespace = namespace
        self.allowed = ALWAYS | set(packages) | sys.stdlib_module_names
        self.note = note
        self.around = around
        self.home = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118  where a notebook writes its own modules
        self.given = frozenset(sys.path)
        self.original = builtins.__import__

    def install(self) -> None:
        builtins.__import__ = self
        sys.path.append("")  # as in Jupyter, a notebook imports what lies beside it; last, so that it shadows nothing

    def __call__(
        self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> ModuleType:
        if level or (globals is not self.namespace and not self._is_theirs(globals)):
            return self.original(name, globals, locals, fromlist, level)
        package = name.partition(".")[0]
        frame = sys._getframe(1)
        guarded = (frame.f_code.co_filename, frame.f_lineno) in self.around.statements.caught
        if name == "google.colab" or name.startswith("google.colab."):
            if guarded and not fromlist:  # `try: import google.colab` asks "am I on Colab?": no
                raise ModuleNotFoundError("No module named 'google.colab'", name=name)
            return standins.colab(name, self.note, bool(fromlist))
        if package == "otter":
            return standins.otter(self.note)
        if package in self.allowed or self._lies_beside(package):
            try:
                return self.original(name, globals, locals, fromlist, level)
            except ModuleNotFoundError as error:
                missing = (error.name or "").partition(".")[0]
                if guarded or (missing == package != "google" and _present(package)):
                    raise
                self._note_absent(missing or package, fromlist)
                return _absent(name, missing or package, bool(fromlist), sys.modules)
        elif guarded:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        self._note_absent(package, fromlist)
        return _absent(name, package, bool(fromlist), {})

    def _note_absent(self, package: str, fromlist: Any) -> None:
        self.note(f"`{package}` is not among this course's packages; whatever needs it could not run here.")
        if fromlist and "*" in fromlist:
            self.around.anything_is_missing()

    def _is_theirs(self, globals: Any) -> bool:
        """Whether a module's code is a file that the notebook has written or brought along."""
        file = globals.get("__file__") if type(globals) is dict else None
        return type(file) is str and (file.startswith(self.home) or not file.startswith("/"))

    def _lies_beside(self, package: str) -> bool:
        """Whether a file beside the notebook, or in a folder that it has put on sys.path, is that module."""
        for folder in sys.path:
            if type(folder) is str and (folder == "" or folder not in self.given):
                place = Path(folder or ".", package)
                if place.is_dir() or place.with_suffix(".py").is_file():
                    importlib.invalidate_caches()  # it may have been written a moment ago
                    return True
        return False


def _present(package: str) -> bool:
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True


def _absent(name: str, package: str, whole: bool, here: Mapping[str, ModuleType]) -> ModuleType:
    """The stand-in of `name`: the module itself for `from a.b import c`, else its first part, as import does.

    Parts of it in `here` stay what they are: `import torch.utils.tensorboard` binds torch.
    """
    why = f"the course does not provide {package!r}"
    parts = name.split(".")
    root = module = here.get(parts[0]) or Absent(parts[0], why)
    for index, part in enumerate(parts[1:], 2):
        full = ".".join(parts[:index])
        child = here.get(full) or Absent(full, why)
        setattr(module, part, child)
        module = child
    return module if whole else root
