"""What `import` means in a student's cells: the course's packages, the standard library, and stand-ins for the rest.

An import of something that the course does not provide gets a placeholder that fails when it is used, so that
`import seaborn, torch` in one cell does not lose torch. Inside `try: ... except ImportError` the import fails as it
would anywhere, because there the notebook says itself what to do without the package.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from autograder.student import standins

ALWAYS = frozenset({"IPython", "google", "otter", "torch", "__future__", "typing_extensions"})
Note = Callable[[str], None]


class Absent(ModuleType):
    """A package that is not here: importing it, or from it, succeeds; calling or reading anything of it fails."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return AbsentThing(f"{self.__name__}.{name}", self.__name__.partition(".")[0])


class AbsentThing:
    """A name out of an absent package."""

    def __init__(self, name: str, package: str) -> None:
        self.__dict__.update(_name=name, _package=package)

    def _fail(self, *args: Any, **kwargs: Any) -> Any:
        raise ModuleNotFoundError(f"{self._name} is not available here: the course does not provide {self._package!r}")

    __call__ = __getitem__ = __iter__ = __len__ = __enter__ = __setattr__ = _fail

    def __mro_entries__(self, bases: Any) -> Any:
        return self._fail()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return AbsentThing(f"{self._name}.{name}", self._package)


class ImportGuard:
    """Replaces builtins.__import__ for code whose globals are the notebook's; everybody else imports as always."""

    def __init__(self, namespace: dict[str, Any], packages: Iterable[str], note: Note) -> None:
        self.namespace = namespace
        self.allowed = ALWAYS | set(packages) | sys.stdlib_module_names
        self.note = note
        self.guarded: set[tuple[str, int]] = set()  # (file, line) of imports inside try/except
        self.original = builtins.__import__

    def install(self) -> None:
        builtins.__import__ = self

    def read(self, filename: str, source: str) -> None:
        """Note which imports of a cell stand inside a `try` that expects them to fail."""
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return  # running the cell will tell
        for block in ast.walk(tree):
            if isinstance(block, ast.Try) and block.handlers:
                for statement in block.body:
                    for node in ast.walk(statement):
                        if isinstance(node, (ast.Import, ast.ImportFrom)):
                            self.guarded.add((filename, node.lineno))

    def __call__(
        self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> ModuleType:
        if globals is not self.namespace or level:
            return self.original(name, globals, locals, fromlist, level)
        package = name.partition(".")[0]
        frame = sys._getframe(1)
        guarded = (frame.f_code.co_filename, frame.f_lineno) in self.guarded
        if name == "google.colab" or name.startswith("google.colab."):
            if guarded and not fromlist:  # `try: import google.colab` asks "am I on Colab?": no
                raise ModuleNotFoundError("No module named 'google.colab'", name=name)
            return standins.colab(name, self.note, bool(fromlist))
        if package == "otter":
            return standins.otter(self.note)
        if package in self.allowed:
            try:
                return self.original(name, globals, locals, fromlist, level)
            except ModuleNotFoundError as error:
                if guarded or (error.name or "").partition(".")[0] != package or _present(package):
                    raise
        elif guarded:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        self.note(f"`{package}` is not among this course's packages; whatever needs it could not run here.")
        return _absent(name, bool(fromlist))


def _present(package: str) -> bool:
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True


def _absent(name: str, whole: bool) -> ModuleType:
    """The placeholder of `name`: the module itself for `from a.b import c`, else its first part, as import does."""
    parts = name.split(".")
    root = module = Absent(parts[0])
    for index, part in enumerate(parts[1:], 2):
        child = Absent(".".join(parts[:index]))
        module.__dict__[part] = child
        module = child
    return module if whole else root
