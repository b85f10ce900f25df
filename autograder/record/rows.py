"""Outcomes as columns of the record's tables, and back. Called by `store`, `attempts` and `adjustments` alone.

An outcome is kept as JSON in three parts, since few readers want the tests of a whole class, and fewer the executed
cells. What the database itself is asked about (status, score) stands in columns of its own beside them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from autograder.record.tables import SubmissionRow
from autograder.results import Outcome

# Two runs into one folder may give two people one position; the key keeps their order fixed.
ORDER = (SubmissionRow.position, SubmissionRow.key)
HALF = re.compile("[\ud800-\udfff]")


def columns_of(outcome: Outcome) -> dict[str, Any]:
    """What is kept of an outcome, by column."""
    whole = storable(outcome.model_dump(mode="json"))
    cells, tests = whole.pop("cells"), [question.pop("tests") for question in whole["questions"]]
    return {"status": whole["status"], "score": whole["score"], "outcome": whole, "tests": tests, "cells": cells}


def outcome_of(key: str, outcome: dict[str, Any], tests: Sequence[Any] = (), cells: Sequence[Any] = ()) -> Outcome:
    """The outcome of the student who has that key now, with as many of its parts as are given."""
    parts = tests or [()] * len(outcome["questions"])
    questions = [{**one, "tests": own} for one, own in zip(outcome["questions"], parts, strict=True)]
    return Outcome.model_validate({**outcome, "key": key, "questions": questions, "cells": cells})


def outcomes_in(
    session: Session, key: str | None = None, with_tests: bool = True, with_cells: bool = True
) -> list[Outcome]:
    """Every outcome as judged, in the run's order, or that of one student."""
    parts: list[InstrumentedAttribute[Any]] = [SubmissionRow.key, SubmissionRow.outcome]
    parts += [SubmissionRow.tests] if with_tests else []
    parts += [SubmissionRow.cells] if with_tests and with_cells else []
    wanted = select(*parts).where(SubmissionRow.status.is_not(None)).order_by(*ORDER)
    if key is not None:
        wanted = wanted.where(SubmissionRow.key == key)
    return [outcome_of(*row) for row in session.execute(wanted)]


def storable(value: Any) -> Any:
    """The same with U+FFFD for lone surrogates, which a student may print and no database takes."""
    if isinstance(value, str):
        return value if value.isascii() else HALF.sub("\ufffd", value)
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return [storable(item) for item in value] if isinstance(value, list) else value
