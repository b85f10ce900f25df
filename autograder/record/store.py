"""Writes and reads a run's record. The supervisor is its only writer; reports and gradebooks read it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlalchemy import URL, Engine, create_engine, event, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from autograder.course.faults import did_you_mean
from autograder.judge.results import CellRun, Outcome, QuestionResult, Status, TestResult, Where, rounded
from autograder.record.tables import SCHEMA, AdjustmentRow, Base, CellRow, QuestionRow, RunRow, SubmissionRow, TestRow

# Two runs into one folder may give two people one position; the key keeps their order fixed.
ORDER = (SubmissionRow.position, SubmissionRow.key)
HALF = re.compile("[\ud800-\udfff]")


class RecordError(ValueError):
    """The record cannot be used; the text names the file and what to do."""


@dataclass(frozen=True)
class Planned:
    """Somebody who stands in the run: who handed in, or who is on the roster and did not (`filename` is "")."""

    key: str
    name: str = ""
    email: str = ""
    source: str = ""
    filename: str = ""
    position: int = 0


@dataclass(frozen=True)
class RunInfo:
    """What a run was asked to do. `questions` are (id, title, points)."""

    course: str
    assignment: str
    title: str
    seed: int
    level: str
    versions: dict[str, str]
    questions: tuple[tuple[str, str, float], ...]


class RecordFullError(RecordError):
    """The record cannot take more: the disk is full, or the file was taken away."""


class Record:
    """An open record. Every `save` is one committed transaction."""

    def __init__(self, engine: Engine, where: str) -> None:
        self.engine = engine
        self.where = where

    @classmethod
    def open(cls, where: Path | str, create: bool = True) -> Record:
        """The record in a file, or at a database URL. Raises RecordError if it is missing, no record, or of another
        version of this program."""
        is_url = isinstance(where, str) and "://" in where
        if not create and not is_url and not Path(where).is_file():
            raise RecordError(f"There is no record {where}; is this the folder of a run?")
        engine = create_engine(str(where) if is_url else URL.create("sqlite", database=str(where)))
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _safe_sqlite)
        record = cls(engine, str(where))
        try:
            if create and not inspect(engine).has_table(RunRow.__tablename__):
                Base.metadata.create_all(engine)
            elif inspect(engine).has_table(RunRow.__tablename__):  # adjustments came after the first records
                Base.metadata.create_all(engine, tables=[Base.metadata.tables[AdjustmentRow.__tablename__]])
            with Session(engine) as session:
                run = session.scalar(select(RunRow))
                if run is not None and run.schema_version != SCHEMA:
                    raise RecordError(
                        f"{where} was written by another version of this program (schema {run.schema_version}; this "
                        f"one knows {SCHEMA}); grade into a new folder."
                    )
        except RecordError:
            record.close()
            raise
        except DBAPIError as error:
            record.close()
            raise RecordError(f"{where} cannot be used as a record: {error.orig}") from None
        return record

    def close(self) -> None:
        self.engine.dispose()

    # --- writing ---------------------------------------------------------------------------------------------

    def start_run(self, info: RunInfo) -> None:
        """Say what this run is. Raises RecordError if the record is of another run (assignment or seed)."""
        with Session(self.engine) as session, session.begin():
            run = session.scalar(select(RunRow))
            if run is None:
                run = RunRow(id=1, schema_version=SCHEMA)
                session.add(run)
            elif (run.assignment, run.seed) != (info.assignment, info.seed):
                raise RecordError(
                    f"{self.where} holds a run of {run.assignment} with seed {run.seed}; this is {info.assignment} "
                    f"with seed {info.seed}. Name another folder with --out."
                )
            run.course, run.assignment, run.title, run.seed = info.course, info.assignment, info.title, info.seed
            run.level, run.versions = info.level, dict(info.versions)
            run.questions = [list(question) for question in info.questions]

    def plan(self, entries: Sequence[Planned]) -> None:
        """Who is to be graded, before the first of them runs. Known entries are brought up to date."""
        with Session(self.engine) as session, session.begin():
            for entry in entries:
                row = session.get(SubmissionRow, entry.key)
                if row is None:
                    row = SubmissionRow(key=entry.key)
                    session.add(row)
                row.position, row.name, row.email = entry.position, entry.name, entry.email
                row.source, row.filename = entry.source, entry.filename

    def save(self, outcome: Outcome, content: bytes | None) -> None:
        """Keep one outcome and its bytes in place of an earlier one, in one transaction.

        Raises KeyError if it was not planned, RecordFullError where the database cannot take it: all before it stays.
        """
        try:
            self._save(outcome, content)
        except DBAPIError as error:
            raise RecordFullError(
                f"{self.where} cannot be written ({error.orig}). Everything graded so far is in it: make room, then "
                "give the same command again, and it goes on where it stopped."
            ) from None

    def _save(self, outcome: Outcome, content: bytes | None) -> None:
        outcome = outcome.model_copy(update=_storable(dict(outcome)))
        with Session(self.engine) as session, session.begin():
            row = session.get(SubmissionRow, outcome.key)
            if row is None:
                raise KeyError(f"{outcome.key} was not planned")
            row.questions.clear()
            row.cells.clear()
            session.flush()
            row.content = content
            row.sha256 = hashlib.sha256(content).hexdigest() if content is not None else None
            for name in ("message", "score", "max_score", "verdict", "level", "seed", "detail"):
                setattr(row, name, getattr(outcome, name))
            row.status, row.flags, row.notes = outcome.status.value, list(outcome.flags), list(outcome.notes)
            row.cpu, row.versions = dict(outcome.cpu), dict(outcome.versions)
            row.questions = [_question_row(place, result) for place, result in enumerate(outcome.questions)]
            row.cells = [CellRow(**{**cell.model_dump(), "outputs": list(cell.outputs)}) for cell in outcome.cells]

    # --- reading ---------------------------------------------------------------------------------------------

    def info(self) -> RunInfo:
        with Session(self.engine) as session:
            run = session.scalar(select(RunRow))
            if run is None:
                raise RecordError(f"{self.where} holds no run.")
            questions = tuple((str(name), str(title), float(points)) for name, title, points in run.questions)
            return RunInfo(run.course, run.assignment, run.title, run.seed, run.level, dict(run.versions), questions)

    def planned(self) -> list[Planned]:
        """Everybody in the run, in its order."""
        with Session(self.engine) as session:
            rows = session.scalars(select(SubmissionRow).order_by(*ORDER))
            return [Planned(r.key, r.name, r.email, r.source, r.filename, r.position) for r in rows]

    def digests(self) -> Mapping[str, str | None]:
        """The SHA-256 of what each judged student handed in; only those with an outcome."""
        with Session(self.engine) as session:
            rows = session.execute(
                select(SubmissionRow.key, SubmissionRow.sha256).where(SubmissionRow.status.is_not(None))
            )
            return {key: digest for key, digest in rows}  # noqa: C416 - rows are no pairs to mypy

    def outcomes(self, with_cells: bool = True) -> list[Outcome]:
        """Every outcome so far, in the run's order. Without the executed cells, a big class stays small in memory."""
        with Session(self.engine) as session:
            rows = session.scalars(select(SubmissionRow).where(SubmissionRow.status.is_not(None)).order_by(*ORDER))
            adjusted = _adjustments(session)
            return [_adjusted(_outcome(row, with_cells), adjusted.get(row.key, {})) for row in rows]

    def outcome(self, key: str) -> Outcome | None:
        with Session(self.engine) as session:
            row = session.get(SubmissionRow, key)
            if row is None or row.status is None:
                return None
            return _adjusted(_outcome(row, True), _adjustments(session, key).get(key, {}))

    # --- adjustments -----------------------------------------------------------------------------------------

    def adjust(self, key: str, question: str, points: float, why: str, who: str, at: str) -> None:
        """Set a question's points by hand, in place of an earlier adjustment. Raises RecordError for what is unknown,
        out of range or without a reason."""
        questions = {name: most for name, _, most in self.info().questions}
        self._known(key)
        if question not in questions:
            raise RecordError(f'There is no question "{question}"; known are {", ".join(questions)}.')
        if not 0 <= points <= questions[question]:
            raise RecordError(f"{question} is worth 0 to {questions[question]:g} points, not {points:g}.")
        if not why.strip():
            raise RecordError("Say why with --why: the student will read it.")
        self.undo(key, question)
        with Session(self.engine) as session, session.begin():
            row = AdjustmentRow(submission=key, question=question, points=points, why=why.strip(), who=who, at=at)
            session.add(row)

    def undo(self, key: str, question: str) -> bool:
        """Take an adjustment back; it stays in the record as undone. False if there is none."""
        self._known(key)
        with Session(self.engine) as session, session.begin():
            rows = session.scalars(
                select(AdjustmentRow).where(
                    AdjustmentRow.submission == key, AdjustmentRow.question == question, AdjustmentRow.undone.is_(False)
                )
            ).all()
            for row in rows:
                row.undone = True
            return bool(rows)

    def forget(self, key: str) -> None:
        """Delete everything that is kept of a student, and let the database overwrite it."""
        self._known(key)
        with Session(self.engine) as session, session.begin():
            for row in session.scalars(select(AdjustmentRow).where(AdjustmentRow.submission == key)):
                session.delete(row)
            session.delete(session.get_one(SubmissionRow, key))
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _known(self, key: str) -> None:
        keys = [one.key for one in self.planned()]
        if key not in keys:
            raise RecordError(f'Nobody in this run has the key "{key}"{did_you_mean(key, keys) or "."}')


def _adjustments(session: Session, key: str | None = None) -> dict[str, dict[str, AdjustmentRow]]:
    """By student and question, those that are not undone."""
    wanted = select(AdjustmentRow).where(AdjustmentRow.undone.is_(False)).order_by(AdjustmentRow.id)
    if key is not None:
        wanted = wanted.where(AdjustmentRow.submission == key)
    found: dict[str, dict[str, AdjustmentRow]] = {}
    for row in session.scalars(wanted):
        found.setdefault(row.submission, {})[row.question] = row
    return found


def _adjusted(outcome: Outcome, rows: Mapping[str, AdjustmentRow]) -> Outcome:
    """The outcome with a person's points over the judged ones. Who had no score gets one if there are questions."""
    if not rows:
        return outcome
    questions = []
    for question in outcome.questions:
        row = rows.get(question.id)
        if row is not None:
            was = f"{question.score:g} of {question.points:g}"
            note = f"Set to {row.points:g} of {question.points:g} by hand (it was {was}): {row.why}"
            question = question.model_copy(update={"score": row.points, "note": f"{question.note} {note}".strip()})
        questions.append(question)
    known = {question.id for question in questions}
    by_hand = [
        QuestionResult(
            id=name, title=name, points=row.points, score=row.points, tests=(), note=f"Marked by hand: {row.why}"
        )
        for name, row in rows.items()
        if name not in known
    ]
    score = rounded(sum(question.score for question in (*questions, *by_hand)))
    status = outcome.status if outcome.status.scored else Status.PARTIAL
    return outcome.model_copy(update={"questions": (*questions, *by_hand), "score": score, "status": status})


def _storable(value: Any) -> Any:
    """The same with U+FFFD for lone surrogates, which a student may print and no database takes."""
    if isinstance(value, str):
        return value if value.isascii() else HALF.sub("\ufffd", value)
    if isinstance(value, BaseModel):
        return value.model_copy(update=_storable(dict(value)))
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_storable(item) for item in value)
    return value


def _safe_sqlite(connection: Any, _: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


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


def _outcome(row: SubmissionRow, with_cells: bool) -> Outcome:
    assert row.status is not None and row.max_score is not None
    return Outcome(
        key=row.key, status=Status(row.status), message=row.message, score=row.score, max_score=row.max_score,
        questions=tuple(_question(question) for question in row.questions), verdict=row.verdict,
        flags=tuple(row.flags), notes=tuple(row.notes),
        cells=tuple(_cell(cell) for cell in row.cells) if with_cells else (),
        level=row.level, seed=row.seed, cpu=row.cpu, versions=row.versions, detail=row.detail,
    )  # fmt: skip


def _question(row: QuestionRow) -> QuestionResult:
    return QuestionResult(
        id=row.question, title=row.title, points=row.points, score=row.score, moment=row.moment, note=row.note,
        tests=tuple(_test(test) for test in row.tests),
    )  # fmt: skip


def _test(row: TestRow) -> TestResult:
    where = Where(cell=row.where_cell, line=row.where_line) if row.where_cell is not None else None
    return TestResult.model_validate({
        "id": row.test, "question": row.question, "title": row.title, "weight": row.weight,
        "visibility": row.visibility, "outcome": row.outcome, "share": row.share, "found": row.found,
        "advice": row.advice, "where": where, "verdict": row.verdict, "flags": tuple(row.flags),
        "detail": row.detail, "evidence": row.evidence, "cpu": row.cpu,
    })  # fmt: skip


def _cell(row: CellRow) -> CellRun:
    return CellRun(
        number=row.number, source=row.source, outputs=tuple(row.outputs), error=row.error, line=row.line, cpu=row.cpu,
        skipped=row.skipped,
    )  # fmt: skip
