"""The record's tables, in portable column types, so that a URL can name another database than SQLite."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA = 7
NOTHING_AS_NULL = JSON(none_as_null=True)


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012 - SQLAlchemy reads it so


class RunRow(Base):
    """The run itself: one row."""

    __tablename__ = "run"

    id: Mapped[int] = mapped_column(primary_key=True)
    schema_version: Mapped[int]
    course: Mapped[str] = mapped_column(Text)
    assignment: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text)
    seed: Mapped[int] = mapped_column(BigInteger)
    level: Mapped[str] = mapped_column(String(40))
    versions: Mapped[dict[str, Any]]
    questions: Mapped[list[Any]]  # [id, title, points], in the lab's order
    policy: Mapped[dict[str, Any]]  # course.models.Policy
    anonymous: Mapped[bool] = mapped_column(default=False)
    secret: Mapped[str] = mapped_column(String(64))  # hex: student code's random numbers start from it


class SubmissionRow(Base):
    """Everybody who stands in the run; the outcome's columns are empty until it is judged."""

    __tablename__ = "submission"

    key: Mapped[str] = mapped_column(String(400), primary_key=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    filename: Mapped[str] = mapped_column(Text)
    hand_in: Mapped[str] = mapped_column(Text, default="")  # key of the file it came by, if that is another
    group: Mapped[str] = mapped_column(Text, default="")
    layout: Mapped[str] = mapped_column(String(40), default="")
    ids: Mapped[dict[str, Any]] = mapped_column(default=dict)  # kind of id -> the LMS's id
    handed_in: Mapped[str] = mapped_column(String(40), default="")  # ISO 8601 with offset; "" if nobody said
    marked_late: Mapped[bool] = mapped_column(default=False)
    sha256: Mapped[str | None] = mapped_column(String(64))
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)  # megabytes; few readers want it
    status: Mapped[str | None] = mapped_column(String(20))
    score: Mapped[float | None]
    outcome: Mapped[dict[str, Any] | None] = mapped_column(NOTHING_AS_NULL)  # results.Outcome but for these two:
    tests: Mapped[list[Any] | None] = mapped_column(NOTHING_AS_NULL, deferred=True)  # by question, in its order
    cells: Mapped[list[Any] | None] = mapped_column(
        NOTHING_AS_NULL, deferred=True
    )  # the executed notebook, for appeals


class AdjustmentRow(Base):
    """Points that a person has set; laid over the judged ones whenever an outcome is read, so regrading keeps them."""

    __tablename__ = "adjustment"

    id: Mapped[int] = mapped_column(primary_key=True)
    submission: Mapped[str] = mapped_column(String(400), index=True)
    question: Mapped[str] = mapped_column(String(64))
    points: Mapped[float]
    why: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(Text)
    at: Mapped[str] = mapped_column(String(40))  # UTC, ISO 8601
    undone: Mapped[bool] = mapped_column(default=False)


class AttemptRow(Base):
    """One of several hand-ins of a student. `outcome` is filled in where it was graded."""

    __tablename__ = "attempt"

    submission: Mapped[str] = mapped_column(ForeignKey("submission.key", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # from 1, the oldest first
    source: Mapped[str] = mapped_column(Text)
    filename: Mapped[str] = mapped_column(Text)
    handed_in: Mapped[str] = mapped_column(String(40))
    sha256: Mapped[str | None] = mapped_column(String(64))
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    outcome: Mapped[dict[str, Any] | None] = mapped_column(NOTHING_AS_NULL, deferred=True)
    tests: Mapped[list[Any] | None] = mapped_column(NOTHING_AS_NULL, deferred=True)
    cells: Mapped[list[Any] | None] = mapped_column(NOTHING_AS_NULL, deferred=True)
    status: Mapped[str | None] = mapped_column(String(20))
    score: Mapped[float | None]
    counted: Mapped[bool] = mapped_column(default=False)


class ExtensionRow(Base):
    """What a student was granted by a file; what grading.yml grants stands in the run's policy."""

    __tablename__ = "extension"

    student: Mapped[str] = mapped_column(String(400), primary_key=True)
    granted: Mapped[dict[str, Any]]  # course.late.Extension


class DecisionRow(Base):
    """What a person has decided with --match: whose a hand-in is, and which of its files counts.

    `student` is "" for nobody's, and NULL where nothing was said. `counts` is a file: source, filename, handed_in, late
    and sha256.
    """

    __tablename__ = "decision"

    hand_in: Mapped[str] = mapped_column(String(400), primary_key=True)
    student: Mapped[str | None] = mapped_column(String(400))
    counts: Mapped[dict[str, Any] | None]


class RegradeRow(Base):
    """A score that became another when something was graded again or set by hand."""

    __tablename__ = "regrade"

    id: Mapped[int] = mapped_column(primary_key=True)
    submission: Mapped[str] = mapped_column(String(400), index=True)
    at: Mapped[str] = mapped_column(String(40))  # UTC, ISO 8601
    was: Mapped[str] = mapped_column(Text)  # "18.5", or the status where there was no score
    now: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)


class FindingRow(Base):
    """Something about the class or its files that a person should look at, as the call that met it told it."""

    __tablename__ = "finding"

    id: Mapped[int] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(String(20))  # record.findings says which there are
    looked_at: Mapped[list[Any]]  # the folders and files that the call was about
    kind: Mapped[str] = mapped_column(Text)
    student: Mapped[str] = mapped_column(String(400))
    file: Mapped[str] = mapped_column(Text)
    what: Mapped[str] = mapped_column(Text)
    to_do: Mapped[str] = mapped_column(Text)
    line: Mapped[str] = mapped_column(Text)


class ReceiptRow(Base):
    """What was sent to an LMS over its API, and what it answered."""

    __tablename__ = "receipt"

    id: Mapped[int] = mapped_column(primary_key=True)
    submission: Mapped[str] = mapped_column(String(400), index=True)
    place: Mapped[str] = mapped_column(Text)  # "https://canvas.example.edu course 7 assignment 12"
    at: Mapped[str] = mapped_column(String(40))
    sent: Mapped[dict[str, Any]]
    answer: Mapped[dict[str, Any]]
