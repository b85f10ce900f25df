"""The made-up class of `autograder demo`: notebooks as students hand them in, each with the mark it should get.

The demo calls `make_class` and compares its points with the graded ones; tests call `compose` for one notebook.
The expected points come from the parts in `variants`, where each is reasoned by hand. No grader is imported here, or
the comparison would say nothing. The first 24 students are the same people's sorts of work for every seed (right,
mistaken, broken); the seed decides how the rest of each notebook is written and dressed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .dress import DRESSES, HABITS, dressed
from .variants import BROKEN, EXTRA, POINTS, VARIANTS, BrokenFile, Variant, variants_of

LARGEST = 500

_GIVEN = (
    *("Ada", "Ben", "Chloe", "Dev", "Elif", "Finn", "Grace", "Hugo", "Ines", "Jonas"),
    *("Kira", "Liam", "Mei", "Noor", "Omar", "Pia", "Quinn", "Rosa", "Sven", "Tara"),
)
_SECOND = (
    *("Ann", "Bo", "Cy", "Dot", "Eve", "Fay", "Gus", "Hal", "Ida", "Jo", "Kim", "Lou"),
    *("Max", "Nell", "Oz", "Pat", "Ray", "Sam", "Ty", "Val", "Wim", "Xia", "Yan", "Zoe"),
)


@dataclass(frozen=True)
class MadeUpStudent:
    """One student who does not exist; `expected` is points per question, and empty where no score is expected."""

    key: str
    name: str
    email: str
    filename: str
    content: bytes
    expected_status: str
    expected: dict[str, float]
    about: str

    @property
    def expected_score(self) -> float | None:
        """All points together; None where the notebook cannot be graded."""
        return sum(self.expected.values()) if self.expected else None


@dataclass(frozen=True)
class _Sort:
    """A sort of student: the parts that are fixed; every other question is answered by some right part."""

    label: str
    parts: tuple[str, ...] = ()
    broken: str | None = None
    also: str = ""  # an extra cell
    habit: str = ""  # of `dress.HABITS`


# Where a sort leaves a question open, some right part that goes with the others answers it.
_FIRST: tuple[_Sort, ...] = (
    _Sort("as-taught", ("q1-plain", "q2-plain", "q3-lab-order", "q4-lab", "q5-lab-order", "q6-linear-8")),
    _Sort("reset-first", ("q3-reset-first", "q5-reset-first", "q6-linear-16")),
    _Sort("no-reset", ("q5-no-reset", "q6-linear-8")),
    _Sort("float-tensors", ("q1-float-tensor", "q5-network-reset-first", "q6-linear-4")),
    _Sort("whole-numbers", ("q1-whole-number", "q6-linear-8")),
    _Sort("cut-off", broken="cut-off"),
    _Sort("one-layer", ("q4-old-super", "q5-shuffled-copy", "q6-one-layer")),
    _Sort("typed-in", ("q2-typed-in", "q5-mse-sum", "q6-linear-32")),
    _Sort("by-hand", ("q3-without-optimizer", "q5-by-hand", "q6-linear-3"), habit="drive"),
    _Sort("forgets-reset-once", ("q3-no-reset", "q5-criterion", "q6-linear-16")),
    _Sort("wide", ("q4-relu", "q5-randperm", "q6-linear-128"), habit="gpu"),
    _Sort("other-assignment", broken="other-assignment"),
    _Sort("bottleneck", ("q4-lab", "q5-lab-order", "q6-bottleneck")),
    _Sort("progress-bar", ("q2-then-trained", "q4-sequential", "q5-progress-bar", "q6-own-loop"), habit="packages"),
    _Sort("no-super", ("q4-no-super", "q5-lab-order", "q6-keeps-network")),
    _Sort("step-per-epoch", ("q5-step-per-epoch", "q6-linear-4"), habit="gradients-off"),
    _Sort("device-and-plots", ("q3-while", "q5-device", "q6-until-small"), also="magics"),
    _Sort("new-network", ("q5-new-network", "q6-takes-what-train-returns")),
    _Sort("syntax-error", ("q3-syntax-error", "q5-own-helper", "q6-linear-64")),
    _Sort("keeps-network", ("q1-numpy", "q4-wide", "q5-while", "q6-keeps-network"), also="absent-package"),
    _Sort("diverged", ("q3-optimize-first", "q5-reset-first", "q6-nan")),
    _Sort("ends-itself", ("q5-lab-order", "q6-one-layer"), also="os-exit"),
    _Sort("lost-errors", ("q5-by-hand-zeroed", "q6-three-layers"), also="raises"),
    _Sort("several-slips", ("q1-misspelt", "q2-sum", "q3-returns-new", "q6-not-integers")),
)
# After these come, once each, and then parts drawn by chance.
_LATER: tuple[_Sort, ...] = (
    _Sort("empty", broken="empty"),
    _Sort("asks", ("q5-lab-order", "q6-linear-8"), also="asks"),
    _Sort("one-linear-layer", ("q4-one-layer", "q6-keeps-network")),
    _Sort("adam", ("q5-adam", "q6-slow-and-long")),
    _Sort("sys-exit", ("q5-momentum", "q6-linear-8"), also="sys-exit"),
    _Sort("no-code", broken="no-code"),
    _Sort("renamed-train", ("q5-renamed", "q6-calls-renamed-train")),
    _Sort("own-lr", ("q5-own-lr", "q6-linear-8")),
    _Sort("reset-per-epoch", ("q5-reset-per-epoch", "q6-linear-16")),
    _Sort("chatty", ("q5-mse-sum", "q6-linear-8"), also="chatty"),
    _Sort("renamed-network", ("q4-renamed", "q6-keeps-renamed-network")),
    _Sort("answer-in-forward", ("q6-answer-in-forward",)),
    _Sort("not-json", broken="not-json"),
)


def make_class(students: int = 24, seed: int = 0) -> list[MadeUpStudent]:
    """A class of 1 to 500, the same for the same seed; raises ValueError for another number."""
    if not 1 <= students <= LARGEST:
        raise ValueError(f"a made-up class has 1 to {LARGEST} students, not {students}")
    return [_student(number, seed) for number in range(1, students + 1)]


def compose(
    parts: Mapping[str, Variant],
    *,
    dress: str = "jupyter",
    seed: int = 0,
    extras: Sequence[Variant] = (),
    habit: str = "",
) -> bytes:
    """A notebook file from one part per question; a question without a part is left without code.

    Raises ValueError for a part under another question's name, for parts that do not go together, and for an
    unknown dress or habit. `extras` are cells that answer nothing; they stand between q3 and q4.
    """
    _check(parts)
    answers = {question: part.code for question, part in parts.items()}
    answers[EXTRA] = tuple(cell for part in extras for cell in part.code)
    return dressed(answers, dress=dress, rng=random.Random(f"dress {seed}"), habit=habit)


def expected_points(parts: Mapping[str, Variant]) -> dict[str, float]:
    """What these parts earn together: each its own points, but no more than the others leave it."""
    points = {question: parts[question].earns if question in parts else 0.0 for question in POINTS}
    for part in parts.values():
        for question, most in part.elsewhere:
            points[question] = min(points[question], most)
    return points


def _check(parts: Mapping[str, Variant]) -> None:
    names = {part.name for part in parts.values()}
    for question, part in parts.items():
        if part.question != question or question not in POINTS:
            raise ValueError(f"{part.name} answers {part.question}, not {question}")
        for choice in _needed(part).values():
            if not any(other.name in names for other in choice):
                raise ValueError(f"{part.name} needs one of {', '.join(part.needs)} in the same notebook")


def _needed(part: Variant) -> dict[str, list[Variant]]:
    """The parts that `part` needs one of, by the question they answer."""
    needed: dict[str, list[Variant]] = {}
    for name in part.needs:
        needed.setdefault(VARIANTS[name].question, []).append(VARIANTS[name])
    return needed


def _student(number: int, seed: int) -> MadeUpStudent:
    rng = random.Random(f"made-up student {number} of class {seed}")
    sorts = _FIRST + _LATER
    sort = sorts[number - 1] if number <= len(sorts) else _drawn_sort(rng)
    given = _GIVEN[(number - 1) % len(_GIVEN)]
    second = (number - 1) // len(_GIVEN)  # a second given name once the first ones are used up
    name = f"{given} {_SECOND[second - 1]}" if second else given
    key = f"student-{number:02d}-{sort.label}"
    status, expected, content, about = _work(sort, rng)
    return MadeUpStudent(
        key=key,
        name=f"Student, {name}",
        email=f"{name.lower().replace(' ', '.')}.student@example.edu",
        filename=f"{key}.ipynb",
        content=content,
        expected_status=status,
        expected=expected,
        about=about,
    )


def _work(sort: _Sort, rng: random.Random) -> tuple[str, dict[str, float], bytes, str]:
    """Status, points, file and description of what this sort of student hands in."""
    if sort.broken is not None:
        file = _broken(sort.broken)
        return "not_gradable", {}, file.content, file.why
    parts = _filled_up(sort.parts, rng)
    extras = [VARIANTS[sort.also]] if sort.also else []
    content = compose(parts, dress=rng.choice(DRESSES), seed=rng.getrandbits(32), extras=extras, habit=sort.habit)
    mistakes = [f"{question}: {part.why}" for question, part in parts.items() if not part.right]
    about = " ".join(mistakes) or f"Right. {parts['q5'].why}"
    return (
        "graded",
        expected_points(parts),
        content,
        " ".join(filter(None, [about, *(part.why for part in extras), HABITS[sort.habit].about])),
    )


def _broken(name: str) -> BrokenFile:
    return next(file for file in BROKEN if file.name == name)


def _filled_up(names: Sequence[str], rng: random.Random) -> dict[str, Variant]:
    """The named parts, those they need, and for every other question a right part that goes with anything."""
    parts = {VARIANTS[name].question: VARIANTS[name] for name in names}
    open_needs = list(parts.values())
    while open_needs:
        part = open_needs.pop()
        for question, choice in _needed(part).items():
            if question not in parts:
                right = [other for other in choice if other.right]
                parts[question] = rng.choice(right or choice)
                open_needs.append(parts[question])
    for question in POINTS:
        if question not in parts:
            free = [part for part in variants_of(question, right=True, drawn=True) if not part.needs]
            parts[question] = rng.choice(free)
    return {question: parts[question] for question in POINTS}


def _drawn_sort(rng: random.Random) -> _Sort:
    """Mostly right work; sometimes one mistake in the first three questions, one in the last three, or both."""
    parts: list[str] = []
    label = "right"
    for questions in (("q1", "q2", "q3"), ("q4", "q5", "q6")):
        if rng.random() < 0.4:
            question = rng.choice(questions)
            mistake = rng.choice(variants_of(question, right=False, drawn=True))
            parts.append(mistake.name)
            label = mistake.name if label == "right" else "two-mistakes"
    return _Sort(label, tuple(parts))
