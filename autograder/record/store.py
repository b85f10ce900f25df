"""Writes and reads a run's record. The supervisor is its only writer; reports and gradebooks read it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, delete, event, insert, inspect, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from autograder.course.faults import did_you_mean
from autograder.course.models import Policy
from autograder.errors import AutograderError
from autograder.record.rows import ORDER, columns_of, outcomes_in
from autograder.record.tables import (
    SCHEMA,
    AdjustmentRow,
    AttemptRow,
    Base,
    DecisionRow,
    ExtensionRow,
    ReceiptRow,
    RegradeRow,
    RunRow,
    SubmissionRow,
)
from autograder.results import Outcome, QuestionResult, Status, rounded


class RecordError(AutograderError):
    """The record cannot be used; the text names the file and what to do."""


@dataclass(frozen=True)
class Person:
    """Somebody who stands in the run: who handed in, or who is on the roster and did not (`filename` is "").

    `hand_in` is the key of the file that it came by, where that is not the student's own: a team's, or one that was
    matched. `ids` are further ids by kind (see `people.roster`), for gradebooks. `handed_in` is ISO 8601 with offset.
    """

    key: str
    name: str = ""
    email: str = ""
    source: str = ""
    filename: str = ""
    position: int = 0
    hand_in: str = ""
    group: str = ""
    layout: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    handed_in: str = ""
    marked_late: bool = False

    @property
    def others(self) -> tuple[str, ...]:
        """The student's ids beside the key."""
        return tuple(filter(None, (self.email, *self.ids.values())))


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
    policy: Policy = field(default_factory=Policy)
    anonymous: bool = False


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
            with Session(engine) as session:
                schema = session.scalar(select(RunRow.schema_version))
                if schema not in (None, SCHEMA):
                    raise RecordError(
                        f"{where} was written by another version of this program (schema {schema}; this "
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

    def start_run(self, info: RunInfo, secret: bytes | None = None) -> None:
        """Say what this run is; a new one gets this secret, or 32 bytes that are drawn.

        Raises RecordError if the record is of another run (assignment or seed).
        """
        with Session(self.engine) as session, session.begin():
            run = session.scalar(select(RunRow))
            if run is None:
                run = RunRow(id=1, schema_version=SCHEMA, secret=(secret or os.urandom(32)).hex())
                session.add(run)
            elif (run.assignment, run.seed) != (info.assignment, info.seed):
                raise RecordError(
                    f"{self.where} holds a run of {run.assignment} with seed {run.seed}; this is {info.assignment} "
                    f"with seed {info.seed}. Name another folder with --out."
                )
            run.course, run.assignment, run.title, run.seed = info.course, info.assignment, info.title, info.seed
            run.level, run.versions = info.level, dict(info.versions)
            run.questions = [list(question) for question in info.questions]
            run.policy, run.anonymous = info.policy.model_dump(mode="json"), info.anonymous

    def plan(self, entries: Sequence[Person]) -> None:
        """Who is to be graded, before the first of them runs. Known entries are brought up to date."""
        with Session(self.engine) as session, session.begin():
            known = set(session.scalars(select(SubmissionRow.key)))
            plain = [{one.name: getattr(entry, one.name) for one in fields(Person)} for entry in entries]
            for entry in plain:
                entry["ids"] = dict(entry["ids"])
            new = [entry for entry in plain if entry["key"] not in known]
            old = [entry for entry in plain if entry["key"] in known]
            if new:
                session.execute(insert(SubmissionRow), new)
            if old:
                session.execute(update(SubmissionRow), old)

    def save(self, outcome: Outcome, content: bytes | None, settles: bool = False) -> None:
        """Keep one outcome and its bytes in place of an earlier one, in one transaction.

        A score that becomes another is noted with the reason, unless this outcome `settles` a provisional one.
        Raises KeyError if it was not planned, RecordFullError where the database cannot take it: all before it stays.
        """
        try:
            self._save(outcome, content, settles)
        except DBAPIError as error:
            raise RecordFullError(
                f"{self.where} cannot be written ({error.orig}). Everything graded so far is in it: make room, then "
                "give the same command again, and it goes on where it stopped."
            ) from None

    def _save(self, outcome: Outcome, content: bytes | None, settles: bool) -> None:
        with Session(self.engine) as session, session.begin():
            row = session.get(SubmissionRow, outcome.key)
            if row is None:
                raise KeyError(f"{outcome.key} was not planned")
            digest = hashlib.sha256(content).hexdigest() if content is not None else None
            if row.status is not None and not settles:
                session.add_all(_regraded(row, outcome, digest))
            row.content, row.sha256 = content, digest
            for name, value in columns_of(outcome).items():
                setattr(row, name, value)

    # --- reading ---------------------------------------------------------------------------------------------

    def info(self) -> RunInfo:
        with Session(self.engine) as session:
            run = session.scalar(select(RunRow))
            if run is None:
                raise RecordError(f"{self.where} holds no run.")
            questions = tuple((str(name), str(title), float(points)) for name, title, points in run.questions)
            about = (run.course, run.assignment, run.title, run.seed, run.level, dict(run.versions))
            return RunInfo(*about, questions, Policy.model_validate(run.policy), run.anonymous)

    def secret(self) -> bytes:
        """What student code's random numbers start from: 32 bytes that nobody else is told."""
        with Session(self.engine) as session:
            return bytes.fromhex(session.scalar(select(RunRow.secret)) or "")

    def policy(self) -> Policy | None:
        """The policy of the run so far; None if there is no run yet."""
        with Session(self.engine) as session:
            kept = session.scalar(select(RunRow.policy))
            return Policy.model_validate(kept) if kept is not None else None

    def people(self) -> list[Person]:
        """Everybody in the run, in its order."""
        with Session(self.engine) as session:
            columns = [getattr(SubmissionRow, one.name) for one in fields(Person)]
            return [Person(*row) for row in session.execute(select(*columns).order_by(*ORDER))]

    def digests(self) -> Mapping[str, str | None]:
        """The SHA-256 of what each judged student handed in; only those with an outcome."""
        with Session(self.engine) as session:
            rows = session.execute(
                select(SubmissionRow.key, SubmissionRow.sha256).where(SubmissionRow.status.is_not(None))
            )
            return {key: digest for key, digest in rows}  # noqa: C416 - rows are no pairs to mypy

    def outcomes(self, with_cells: bool = True, with_tests: bool = True) -> list[Outcome]:
        """Every outcome so far, in the run's order. Without the executed cells, a big class stays small in memory;
        who wants points alone leaves the tests away too."""
        with Session(self.engine) as session:
            adjusted, asked = _adjustments(session), _asked(session)
            found = outcomes_in(session, None, with_tests, with_cells)
            return [_adjusted(outcome, adjusted.get(outcome.key, {}), asked) for outcome in found]

    def outcome(self, key: str) -> Outcome | None:
        with Session(self.engine) as session:
            asked, adjusted = _asked(session), _adjustments(session, key).get(key, {})
            return next((_adjusted(one, adjusted, asked) for one in outcomes_in(session, key)), None)

    # --- forgetting ------------------------------------------------------------------------------------------

    def forget(self, key: str) -> None:
        """Delete everything that is kept of a student, and let the database overwrite it."""
        self.known(key)
        with Session(self.engine) as session, session.begin():
            for table in (AttemptRow, AdjustmentRow, RegradeRow, ReceiptRow):
                session.execute(delete(table).where(table.submission == key))
            session.execute(delete(ExtensionRow).where(ExtensionRow.student == key))
            hand_in = session.get_one(SubmissionRow, key).hand_in or key
            session.execute(delete(DecisionRow).where(or_(DecisionRow.student == key, DecisionRow.hand_in == hand_in)))
            session.delete(session.get_one(SubmissionRow, key))
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def known(self, key: str) -> None:
        """Raises RecordError, with the nearest key, if nobody has this one."""
        keys = [one.key for one in self.people()]
        if key not in keys:
            raise RecordError(f'Nobody in this run has the key "{key}"{did_you_mean(key, keys) or "."}')


def _regraded(row: SubmissionRow, outcome: Outcome, digest: str | None) -> list[RegradeRow]:
    """The note on a score (or status) that becomes another; none if it stays."""
    was, now = standing_text(row.status or "", row.score), standing_text(outcome.status.value, outcome.score)
    if was == now:
        return []
    if row.status == Status.MISSING.value:
        why = "handed in since"
    elif row.sha256 != digest:
        why = "another file counts"
    else:
        before = {question["id"]: question["score"] for question in (row.outcome or {}).get("questions", ())}
        moved = [
            f"{one.id} {before[one.id]:g} -> {one.score:g}"
            for one in outcome.questions
            if one.id in before and before[one.id] != one.score
        ]
        why = f"graded again{': ' if moved else ''}{', '.join(moved)}"
    return [RegradeRow(submission=outcome.key, at=now_utc(), was=was, now=now, why=why)]


def standing_text(status: str, score: float | None) -> str:
    """A score as it is written, or the status where there is none."""
    return f"{score:g}" if score is not None else status.replace("_", " ")


def now_utc() -> str:
    """Now, in ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _adjustments(session: Session, key: str | None = None) -> dict[str, dict[str, AdjustmentRow]]:
    """By student and question, those that are not undone."""
    wanted = select(AdjustmentRow).where(AdjustmentRow.undone.is_(False)).order_by(AdjustmentRow.id)
    if key is not None:
        wanted = wanted.where(AdjustmentRow.submission == key)
    found: dict[str, dict[str, AdjustmentRow]] = {}
    for row in session.scalars(wanted):
        found.setdefault(row.submission, {})[row.question] = row
    return found


def _adjusted(outcome: Outcome, rows: Mapping[str, AdjustmentRow], asked: Sequence[Sequence[Any]]) -> Outcome:
    """The outcome with a person's points over the judged ones. Who had no score gets one if there are questions.

    `asked` are the run's questions: (id, title, points).
    """
    if not rows:
        return outcome
    questions = {question.id: question for question in outcome.questions}
    for name, title, most in asked:
        row = rows.get(name)
        if row is None:
            continue
        judged = questions.get(name)
        if judged is None:
            note = f"Marked by hand: {row.why}"
            questions[name] = QuestionResult(id=name, title=title, points=most, score=row.points, tests=(), note=note)
            continue
        was = f"{judged.score:g} of {judged.points:g}"
        note = f"{judged.note} Set to {row.points:g} of {judged.points:g} by hand (it was {was}): {row.why}".strip()
        questions[name] = judged.model_copy(update={"score": row.points, "note": note})
    order = [name for name, _, _ in asked]
    in_order = sorted(questions.values(), key=lambda one: order.index(one.id) if one.id in order else -1)
    score = rounded(sum(question.score for question in in_order))
    update = {"questions": tuple(in_order), "score": score}
    if not outcome.status.scored:
        left = [name for name, _, _ in asked if name not in questions]
        update |= {"status": Status.PARTIAL if left else Status.GRADED, "message": _by_hand(outcome, left)}
    return outcome.model_copy(update=update)


def _by_hand(outcome: Outcome, left: Sequence[str]) -> str:
    """The sentence on who had no score until a person set points: what was judged is true of the rest alone."""
    if not left:
        return "Marked by hand."
    return f"Marked by hand, but for {', '.join(left)}. {outcome.message}".strip()


def _asked(session: Session) -> Sequence[Sequence[Any]]:
    return session.scalar(select(RunRow.questions)) or ()


def _safe_sqlite(connection: Any, _: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
