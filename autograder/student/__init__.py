"""The only code of ours that runs beside student code. Imports nothing of ours but `autograder.wire` and the pure part
of `autograder.loop`. `from autograder.student import watch` is for students."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.student.watching import watch

__all__ = ["watch"]


def __getattr__(name: str) -> Any:
    if name == "watch":  # on first use: the zygote loads this package before it has set up torch
        from autograder.student.watching import watch

        return watch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
