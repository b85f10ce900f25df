"""report.html: the class at a glance, one self-contained page for those who teach; written beside scores.csv.

Every student a row; the scores as a distribution; how each question went; what the class misunderstood, counted by
students; what each hidden test tells apart; who needs a look. The page needs no network; its one script searches,
sorts and filters, and is named in the page's security policy by its hash. Nothing in it is for students.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Template
from markupsafe import Markup

from autograder.intake.keys import file_safe
from autograder.record.standing import EXCUSED, MARKED_LATE, Seen, Standing
from autograder.record.store import RunInfo
from autograder.report.feedback import environment
from autograder.results import Outcome, Status

BARS = 10  # of the distribution: each a tenth of the points
MOST_MISUNDERSTOOD = 12
ENOUGH = 8  # students with a score, below which a test's figures say nothing
HARD, EASY = 0.3, 0.95  # mean share of a test's points
FEW = 5  # students on either side, below which a correlation is chance
UNCLEAR = 0.1  # correlation with the rest of the score below which a test tells nobody apart


@dataclass(frozen=True)
class Row:
    """One student in the table."""

    name: str
    key: str
    page: str  # where the student's page is; "" where there is none
    score: float | None
    points: tuple[float | None, ...]  # by question
    status: str
    flags: tuple[str, ...]
    late: str
    why: str  # why somebody should look; "" if nobody need
    verdict: str


@dataclass(frozen=True)
class Question:
    """How one question went, of those who have a score."""

    id: str
    title: str
    full: int
    part: int
    none: int
    mean: float
    most: float

    @property
    def count(self) -> int:
        return self.full + self.part + self.none


@dataclass(frozen=True)
class Misunderstood:
    """One thing that went wrong for several: the sentence that most of them read, and the test that tells it."""

    question: str
    sentence: str
    title: str
    verdict: str
    students: int


@dataclass(frozen=True)
class Item:
    """What one hidden test tells: the mean share of its points, and how it goes with the rest of the score."""

    question: str
    title: str
    mean: float
    apart: float | None  # correlation, -1 to 1; None where everybody got the same
    says: str


def class_page(info: RunInfo, standings: Sequence[Standing], tests: Sequence[Seen]) -> str:
    """The page's HTML; `tests` are those of all students with a score."""
    rows = sorted(map(_row_of(info), standings), key=lambda row: (row.name or row.key).casefold())
    scored = [one.outcome for one in standings if one.outcome is not None and one.score is not None]
    scores = [outcome.score for outcome in scored if outcome.score is not None]
    most = sum(points for _, _, points in info.questions)
    script = _file("class.js")
    return _template().render(
        info=info,
        rows=rows,
        looks=[row for row in rows if row.why],
        scored=len(scored),
        most=most,
        figures=_figures(scores),
        bars=_bars(scores, most),
        questions=list(_questions(info, scored)),
        misunderstood=misunderstood(tests)[:MOST_MISUNDERSTOOD],
        items=list(_items(scored, tests)) if len(scored) >= ENOUGH else [],
        enough=ENOUGH,
        seconds=sum(sum(outcome.cpu.values()) for outcome in scored),
        statuses=sorted({row.status for row in rows}),
        script=Markup(script),
        style=Markup(_file("class.css")),
        hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _row_of(info: RunInfo) -> functools.partial[Row]:
    return functools.partial(_row, [question for question, _, _ in info.questions])


def _row(questions: Sequence[str], one: Standing) -> Row:
    outcome, person = one.outcome, one.person
    points = (
        {question.id: question.score for question in outcome.questions} if outcome and one.score is not None else {}
    )
    page = f"feedback/{urllib.parse.quote(file_safe(person.key))}.html" if outcome is not None else ""
    days = one.late_days
    return Row(
        name=person.name,
        key=person.key,
        page=page,
        score=one.final if one.final is not None else one.score,
        points=tuple(points.get(question) for question in questions),
        status=outcome.status.value.replace("_", " ") if outcome is not None else "not graded yet",
        flags=one.flags,
        late=f"{days} day{'' if days == 1 else 's'}" if days else "",
        why=_why(one),
        verdict=(outcome.verdict or "") if outcome is not None else "",
    )


def _why(one: Standing) -> str:
    """Why a person should look at this student."""
    outcome = one.outcome
    if outcome is None or one.excused:
        return ""
    flags = [flag for flag in one.flags if flag not in (MARKED_LATE, EXCUSED)]
    told = [outcome.message] if outcome.status is not Status.GRADED else []
    return "; ".join(filter(None, [*told, ", ".join(flags)]))


def _figures(scores: Sequence[float]) -> dict[str, float]:
    import pandas as pd

    if not scores:
        return {}
    found = pd.Series(scores, dtype=float)
    return {"mean": found.mean(), "median": found.median(), "lowest": found.min(), "highest": found.max()}


def _bars(scores: Sequence[float], most: float) -> list[tuple[str, int]]:
    """How many students have each tenth of the points; the last holds those with all of them."""
    import pandas as pd

    shares = (pd.Series(scores, dtype=float) / most * BARS).clip(0, BARS - 1e-9).astype(int)
    counts = shares.value_counts().reindex(range(BARS), fill_value=0)
    edges = [most * place / BARS for place in range(BARS + 1)]
    return [(f"{edges[place]:g} to {edges[place + 1]:g}", int(counts[place])) for place in range(BARS)]


def _questions(info: RunInfo, scored: Sequence[Outcome]) -> Iterator[Question]:
    for name, title, most in info.questions:
        found = [one.score for outcome in scored for one in outcome.questions if one.id == name]
        full, none = sum(score >= most for score in found), sum(score <= 0 for score in found)
        mean = sum(found) / len(found) if found else 0.0
        yield Question(name, title, full, len(found) - full - none, none, mean, most)


def misunderstood(tests: Sequence[Seen]) -> list[Misunderstood]:
    """Tests that were missed, by verdict where they have one: by how many students, the most frequent first."""
    import pandas as pd

    frame = pd.DataFrame([test for test in tests if test.missed], columns=Seen._fields)
    told = [
        Misunderstood(
            str(question), str(part["found"].value_counts().index[0]), str(part["title"].iloc[0]), str(verdict),
            int(part["student"].nunique()),
        )
        for (question, _, verdict), part in frame.groupby(["question", "test", "verdict"], sort=False)
    ]  # fmt: skip
    return sorted(told, key=lambda one: (-one.students, one.question))


def _items(scored: Sequence[Outcome], tests: Sequence[Seen]) -> Iterator[Item]:
    """Each test's mean, and its correlation with the score of all other questions."""
    import pandas as pd

    shares = pd.DataFrame(tests, columns=Seen._fields).pivot_table(
        index="student", columns="test", values="share", sort=False
    )
    scores = pd.DataFrame(
        {question.id: question.score for question in outcome.questions} for outcome in scored
    ).set_index(pd.Index([outcome.key for outcome in scored]))
    for name, test in {test.test: test for test in tests}.items():
        one, rest = shares[name].dropna(), scores.drop(columns=test.question).sum(axis=1)
        rest = rest.reindex(one.index)
        apart = float(one.corr(rest)) if one.std() > 0 and rest.std() > 0 else None
        mean, few = float(one.mean()), int((one < 1).sum()) < FEW or int((one > 0).sum()) < FEW
        yield Item(test.question, test.title, mean, apart, _says(mean, None if few else apart))


def _says(mean: float, apart: float | None) -> str:
    """One sentence on what the figures mean; "" where there is nothing to say."""
    if mean <= 0:
        return "Nobody passed it: look whether it asks for what the question says."
    if apart is not None and apart < UNCLEAR:
        return "Who did well elsewhere loses it as often as others do: look whether it is fair."
    if mean < HARD:
        return "Hard for nearly everybody."
    return "Nearly everybody passed it." if mean > EASY else ""


def _file(name: str) -> str:
    return (files("autograder.report") / "templates" / name).read_text(encoding="utf-8")


@functools.cache
def _template() -> Template:
    return environment().get_template("class.html.j2")
