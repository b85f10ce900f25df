"""Outcomes as rows of the record's tables, and back. Called by `store` and `attempts` alone."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from autograder.record.tables import CellRow, QuestionRow, SubmissionRow, TestRow
from autograder.results import CellRun, Outcome, QuestionResult, Status, TestResult, Where

# Two runs into one folder may give two people one position; the key keeps their order fixed.
ORDER = (SubmissionRow.position, SubmissionRow.key)
HALF = re.compile("[\ud800-\udfff]")


def fill(row: SubmissionRow, outcome: Outcome) -> None:
    """Put an outcome into a row whose old questions and cells are gone already."""
    for name in ("message", "score", "max_score", "verdict", "level", "seed", "detail"):
        setattr(row, name, getattr(outcome, name))
    row.status, row.flags, row.notes = outcome.status.value, list(outcome.flags), list(outcome.notes)
    row.cpu, row.versions = dict(outcome.cpu), dict(outcome.versions)
    row.questions = [_question_row(place, result) for place, result in enumerate(outcome.questions)]
    row.cells = [CellRow(**{**cell.model_dump(), "outputs": list(cell.outputs)}) for cell in outcome.cells]


def storable(value: Any) -> Any:
    """The same with U+FFFD for lone surrogates, which a student may print and no database takes."""
    if isinstance(value, str):
        return value if value.isascii() else HALF.sub("\ufffd", value)
    if isinstance(value, BaseModel):
        return value.model_copy(update=storable(dict(value)))
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(storable(item) for item in value)
    return value


def _question_row(place: int, result: QuestionResult) -> QuestionRow:
    row = QuestionRow(
        question=result.id, position=place, title=result.title, points=result.points, score=result.score,
        moment=result.moment, note=result.note,
    )  # fmt: skip
    for number, test in enumerate(result.tests):
        row.tests.append(
            TestRow(
                position=number,
                test=test.id,
                title=test.title,
                weight=test.weight,
                visibility=test.visibility,
                outcome=test.outcome,
                share=test.share,
                found=test.found,
                advice=test.advice,
                where_cell=test.where.cell if test.where else None,
                where_line=test.where.line if test.where else None,
                verdict=test.verdict,
                flags=list(test.flags),
                detail=test.detail,
                evidence=dict(test.evidence),
                cpu=test.cpu,
            )
        )
    return row


def outcome_of(row: SubmissionRow, with_cells: bool) -> Outcome:
    questions = tuple(_question(one, tuple(_test(test) for test in one.tests)) for one in row.questions)
    return _outcome(row, questions, tuple(_cell(cell) for cell in row.cells) if with_cells else ())


def _outcome(row: Any, questions: tuple[QuestionResult, ...], cells: tuple[CellRun, ...]) -> Outcome:
    """Of a row of the table, loaded as an object or as plain columns."""
    return Outcome(
        key=row.key, status=Status(row.status), message=row.message, score=row.score, max_score=row.max_score,
        questions=questions, verdict=row.verdict,
        flags=tuple(row.flags), notes=tuple(row.notes),
        cells=cells,
        level=row.level, seed=row.seed, cpu=row.cpu, versions=row.versions, detail=row.detail,
    )  # fmt: skip


def outcomes_of(session: Session, with_tests: bool) -> list[Outcome]:
    """All outcomes without their cells, in the run's order, by three plain selects: a class has 100,000 tests."""
    tests: dict[tuple[str, str], list[TestResult]] = defaultdict(list)
    if with_tests:
        of_tests = select(*TestRow.__table__.columns)
        for test in session.execute(of_tests.order_by(TestRow.submission, TestRow.question, TestRow.position)):
            tests[test.submission, test.question].append(_test(test))
    questions: dict[str, list[QuestionResult]] = defaultdict(list)
    of_questions = select(*QuestionRow.__table__.columns)
    for question in session.execute(of_questions.order_by(QuestionRow.submission, QuestionRow.position)):
        own = tuple(tests.get((question.submission, question.question), ()))
        questions[question.submission].append(_question(question, own))
    columns = [column for column in SubmissionRow.__table__.columns if column.name != "content"]
    rows = session.execute(select(*columns).where(SubmissionRow.status.is_not(None)).order_by(*ORDER))
    return [_outcome(row, tuple(questions.get(row.key, ())), ()) for row in rows]


def _question(row: Any, tests: tuple[TestResult, ...]) -> QuestionResult:
    return QuestionResult(
        id=row.question, title=row.title, points=row.points, score=row.score, moment=row.moment, note=row.note,
        tests=tests,
    )  # fmt: skip


def _test(row: Any) -> TestResult:
    where = Where(cell=row.where_cell, line=row.where_line) if row.where_cell is not None else None
    return TestResult(
        id=row.test, question=row.question, title=row.title, weight=row.weight, visibility=row.visibility,
        outcome=row.outcome, share=row.share, found=row.found, advice=row.advice, where=where, verdict=row.verdict,
        flags=tuple(row.flags), detail=row.detail, evidence=row.evidence, cpu=row.cpu,
    )  # fmt: skip


def _cell(row: CellRow) -> CellRun:
    return CellRun(
        number=row.number, source=row.source, outputs=tuple(row.outputs), error=row.error, line=row.line, cpu=row.cpu,
        skipped=row.skipped,
    )  # fmt: skip
