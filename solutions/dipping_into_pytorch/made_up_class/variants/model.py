"""One interchangeable part of a made-up notebook: how somebody answered one question, and what that earns.

Used by the modules of this package, which list the parts, and by `students`, which puts them together. The points
are reasoned by hand from the rubric. Nothing here runs or imports a grader, or the demo would compare it with itself.
"""

from __future__ import annotations

from dataclasses import dataclass

POINTS = {"q1": 2.0, "q2": 2.0, "q3": 4.0, "q4": 2.0, "q5": 5.0, "q6": 5.0}
"""The most that each question of the lab earns."""

EXTRA = "extra"  # the `question` of a cell that answers none


@dataclass(frozen=True)
class Variant:
    """Code cells for one question, or extra cells that answer none.

    `earns` is in points. A part can spoil another question as well (a network that cannot be built cannot be trained):
    `elsewhere` gives the most that such a question still earns. `needs` names parts, any one of which has to stand
    in the same notebook; a part without needs goes with every right part of the other questions. `drawn` is False
    for parts that cost much CPU time or whose mark depends on a reading of the rubric: they are for tests alone.
    """

    name: str
    question: str
    code: tuple[str, ...]
    earns: float
    why: str
    notes: str = ""
    elsewhere: tuple[tuple[str, float], ...] = ()
    needs: tuple[str, ...] = ()
    drawn: bool = True

    @property
    def right(self) -> bool:
        """Whether it earns all of its question and spoils no other."""
        return self.earns == POINTS.get(self.question, 0.0) and not self.elsewhere


def right(question: str, name: str, why: str, *code: str, needs: tuple[str, ...] = (), notes: str = "") -> Variant:
    """A part that earns every point of its question."""
    return Variant(name, question, _cells(code), POINTS[question], why, notes=notes, needs=needs)


def wrong(
    question: str,
    name: str,
    earns: float,
    why: str,
    *code: str,
    elsewhere: dict[str, float] | None = None,
    needs: tuple[str, ...] = (),
    notes: str = "",
    drawn: bool = True,
) -> Variant:
    """A part with a mistake, and the points that are left in its own question and in others."""
    return Variant(
        name, question, _cells(code), earns, why, notes, tuple(sorted((elsewhere or {}).items())), needs, drawn
    )


def extra(name: str, why: str, *code: str, drawn: bool = True) -> Variant:
    """Cells that answer no question and should cost no mark."""
    return Variant(name, EXTRA, _cells(code), 0.0, why, drawn=drawn)


def _cells(code: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(cell.strip("\n") for cell in code)
