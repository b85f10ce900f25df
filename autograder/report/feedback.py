"""feedback/<key>.html: what a student reads, one self-contained page; everything of theirs is escaped.

Says for each question what share was earned, what was found, what to do, and the cell and line. Expected values and
tracebacks of hidden tests are never in it. A penalty for lateness stands apart from what the work earned, with the due
time that counted; the reason for an extension is the record's alone.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from autograder.gradebook.writing import number
from autograder.loop.drawing import svg
from autograder.loop.timeline import from_plain
from autograder.record.standing import Standing
from autograder.record.store import RunInfo
from autograder.results import CellRun, Outcome, QuestionResult, Status, TestResult, Where, rounded

STATUS_SENTENCES = {
    Status.GRADED: "",
    Status.PARTIAL: "Not everything could be run to its end; what could be is graded.",
    Status.NOT_GRADABLE: "This hand-in could not be graded. No mark has been given; please hand in again.",
    Status.GRADER_ERROR: "Something went wrong on our side, not on yours. No mark was given; a person looks at it.",
    Status.MISSING: "Nothing was handed in.",
}
EXCUSED_SENTENCE = "You are excused from this assignment: it does not count for you."
MARKS = {"passed": ("✓", "passed"), "partial": ("◐", "partly"), "failed": ("✗", "not yet"),
         "error": ("!", "not checked"), "not_run": ("–", "not run")}  # fmt: skip
SHOWN_LINE = 160
SHOWN_ROWS = 4  # of a timeline
LINE_END = re.compile(r"\r\n|\r|\n")
CODE = re.compile(r"`([^`\s](?:[^`\n]*[^`\s])?)`")  # as graders write names in their sentences


@dataclass(frozen=True)
class Line:
    """One shown test."""

    outcome: str
    sign: str
    word: str
    title: str
    found: str
    advice: str
    where: str
    source: str
    picture: Markup


@dataclass(frozen=True)
class Timing:
    """What a page says about when the work came; "" where there is nothing to say."""

    sentence: str
    due: str
    came: str
    raw: float | None = None  # with `penalty` and `final` where points were taken off
    penalty: float = 0.0
    final: float | None = None
    cheerful: bool = False  # on time, and nothing to regret


def page(info: RunInfo, stands: Standing) -> str:
    """The page's HTML. Raises ValueError for who has no outcome yet."""
    outcome = stands.outcome
    if outcome is None:
        raise ValueError(f"{stands.person.key} has no outcome yet")
    scored = outcome.status.scored
    return _template().render(
        info=info,
        student=stands.person,
        outcome=outcome,
        scored=scored,
        counted=stands.final if stands.final is not None else outcome.score,
        excused=EXCUSED_SENTENCE if stands.excused else "",
        timing=timing(stands),
        summary=summary(outcome.questions) if scored and not stands.excused else "",
        sentence="" if stands.excused and outcome.status is Status.MISSING else STATUS_SENTENCES[outcome.status],
        reason=outcome.message if outcome.status in (Status.NOT_GRADABLE, Status.PARTIAL) else "",
        blocks=[(question, lines(outcome, question), hidden(question)) for question in outcome.questions],
        failed=[(cell, quoted(outcome, cell_place(cell))) for cell in outcome.cells if cell.error],
    )


def timing(stands: Standing) -> Timing | None:
    """None for who was on time without an extension, and for who is excused."""
    late = stands.late if stands.late is not None and stands.late.seconds else None
    if stands.excused or not (stands.late_sentence or stands.extended):
        return None
    sentence = stands.late_sentence or ("Handed in on time." if stands.late else "")
    due = came = ""
    if stands.due is not None and (late or stands.extended):
        due = f"{moment(stands.due)}{', with your extension' if stands.extended else ''}"
        came = moment(late.came, with_zone=False) if late else ""
    if stands.penalty:
        return Timing(sentence, due, came, stands.score, stands.penalty, stands.final)
    return Timing(sentence, due, came, cheerful=stands.late is not None and late is None)


def moment(when: datetime, with_zone: bool = True) -> str:
    """ "Fri 20 Nov 2026, 23:59 CET (Europe/Berlin)"; seconds where there are any."""
    clock = f"{when:%H:%M:%S}" if when.second else f"{when:%H:%M}"
    zone, short = str(when.tzinfo), when.tzname() or ""
    named = f" ({zone})" if with_zone and zone != short else ""
    return f"{when:%a} {when.day} {when:%b %Y}, {clock} {short}{named}"


def summary(questions: tuple[QuestionResult, ...]) -> str:
    """How far the student got, and where looking first gains most: one or two honest sentences."""
    if not questions:
        return ""
    left = [question for question in questions if question.score < question.points]
    if not left:
        return "Every question is complete. Well done!"
    done = len(questions) - len(left)
    count = f"{done} of {len(questions)} questions {'is' if done == 1 else 'are'} complete. " if done else ""
    first = max(left, key=lambda question: rounded(question.points - question.score))
    gain = rounded(first.points - first.score)
    return f"{count}Look first at {first.id}, {first.title}: {number(gain)} point{'' if gain == 1 else 's'} to gain."


def cell_place(cell: CellRun) -> Where:
    return Where(cell=cell.number, line=cell.line)


def lines(outcome: Outcome, question: QuestionResult) -> list[Line]:
    return [_line(outcome, test) for test in question.tests if test.visibility != "hidden"]


def hidden(question: QuestionResult) -> int:
    """How many tests count but are not shown."""
    return sum(test.visibility == "hidden" for test in question.tests)


def _line(outcome: Outcome, test: TestResult) -> Line:
    sign, word = MARKS[test.outcome]
    return Line(
        test.outcome,
        sign,
        word,
        test.title,
        test.found,
        test.advice,
        str(test.where or ""),
        quoted(outcome, test.where),
        picture(test),
    )


def picture(test: TestResult) -> Markup:
    """The timeline of a test that looked at a training loop, as SVG; "" for any other. `drawing` escapes all text."""
    plain = test.evidence.get("timeline")
    line = from_plain(plain) if plain else None
    return Markup(visible(svg(line, words=False, most=SHOWN_ROWS))) if line is not None and line.rows else Markup()


def quoted(outcome: Outcome, where: Where | None) -> str:
    """That line of the student's notebook; "" if there is none."""
    if where is None or where.line is None:
        return ""
    for cell in outcome.cells:
        if cell.number == where.cell:
            source = LINE_END.split(cell.source)  # as Python counts; splitlines() also ends lines at \f or U+2028
            if 1 <= where.line <= len(source):
                return source[where.line - 1].strip()[:SHOWN_LINE]
    return ""


def visible(text: object) -> str:
    """Text with control, escape and direction-changing characters shown instead of obeyed."""
    return "".join(
        char if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs") or char in "\u200d\u200c"
        else "\N{REPLACEMENT CHARACTER}"
        for char in str(text)
    )  # fmt: skip


def prose(text: object) -> Markup:
    """A sentence with its `names` set as code. Everything is made visible and escaped first; the only element that a
    text can ask for is <code>."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(visible(text)))))


@functools.cache
def environment() -> Environment:
    """How the pages' templates are read: everything is escaped, `prose` and `visible` show what would be obeyed."""
    made = Environment(
        loader=PackageLoader("autograder.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "visible": visible, "prose": prose}
    return made


@functools.cache
def _template() -> Template:
    return environment().get_template("feedback.html.j2")
