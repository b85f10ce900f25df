"""The record gives back what it was given, whole, at once and to whoever opens it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.record.history import regrades
from autograder.record.store import Person, Record, RecordError, RecordFullError, RunInfo
from autograder.results import CellRun, Outcome, QuestionResult, Status, TestResult, Where

INFO = RunInfo("Course", "lab", "The lab", 7, "basic", {"torch": "2"}, (("q1", "First", 2.0), ("q2", "Second", 3.5)))

# What breaks careless storage: NUL, quotes, line ends, escapes, marks that turn text round, several code points a sign.
AWKWARD = [
    "", " ", "\0", "'); DROP TABLE run; --", "\r\n", "\x1b[31m", "\u202e", "e\u0301", "\U0001f438", "%s", "\\", "NULL",
]  # fmt: skip
texts = st.one_of(st.sampled_from(AWKWARD), st.text(max_size=12))
names = st.text(min_size=1, max_size=8)
numbers = st.floats(min_value=0, max_value=1e5, allow_nan=False)
counts = st.integers(min_value=1, max_value=10**6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
wheres = st.builds(Where, cell=counts, line=st.none() | counts)
flags = st.lists(texts, max_size=2).map(tuple)


def results_of(question: str) -> st.SearchStrategy[tuple[TestResult, ...]]:
    one = st.builds(
        TestResult,
        id=texts,
        question=st.just(question),
        title=texts,
        weight=numbers,
        visibility=st.sampled_from(["hidden", "after_due_date", "after_published", "visible"]),
        outcome=st.sampled_from(["passed", "partial", "failed", "error", "not_run"]),
        share=st.floats(0, 1),
        found=texts,
        advice=texts,
        where=st.none() | wheres,
        verdict=st.none() | texts,
        flags=flags,
        detail=texts,
        cpu=numbers,
    )
    return st.lists(one, max_size=3).map(tuple)


questions = names.flatmap(
    lambda name: st.builds(
        QuestionResult,
        id=st.just(name),
        title=texts,
        points=numbers,
        score=numbers,
        tests=results_of(name),
        moment=st.none() | counts,
        note=texts,
    )
)
cells = st.builds(
    CellRun,
    number=counts,
    source=texts,
    outputs=st.lists(st.dictionaries(texts, json_values, max_size=2), max_size=2).map(tuple),
    error=st.none() | texts,
    line=st.none() | counts,
    cpu=numbers,
    skipped=st.booleans(),
)
outcomes = st.builds(
    Outcome,
    key=names,
    status=st.sampled_from(Status),
    message=texts,
    score=st.none() | numbers,
    max_score=numbers,
    questions=st.lists(questions, max_size=3, unique_by=lambda question: question.id).map(tuple),
    verdict=st.none() | texts,
    flags=flags,
    notes=flags,
    cells=st.lists(cells, max_size=3, unique_by=lambda cell: cell.number).map(
        lambda found: tuple(sorted(found, key=lambda cell: cell.number))
    ),
    level=texts,
    seed=st.integers(0, 2**63 - 1),
    cpu=st.dictionaries(texts, numbers, max_size=2),
    versions=st.dictionaries(texts, texts, max_size=2),
    detail=texts,
)


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    found = Record.open(tmp_path / "grades.sqlite")
    found.start_run(INFO)
    yield found
    found.close()


@pytest.fixture(scope="module")
def long_lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    found = Record.open(tmp_path_factory.mktemp("record") / "grades.sqlite")
    yield found
    found.close()


def outcome(key: str, score: float | None = 1.0, **more: Any) -> Outcome:
    test = TestResult(id="t::a", question="q1", title="A", outcome="passed", share=1)
    question = QuestionResult(id="q1", title="First", points=2, score=score or 0, tests=(test,))
    found: dict[str, Any] = {
        "status": Status.GRADED, "max_score": 5.5, "questions": (question,), "score": score,
        "cells": (CellRun(number=1, source="x = 1"),),
    }  # fmt: skip
    return Outcome(key=key, **{**found, **more})


def opened_again(record: Record) -> Record:
    return Record.open(Path(record.where), create=False)


# Outcomes


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None)
@given(outcomes, st.none() | st.binary(max_size=20))
def test_an_outcome_comes_back_equal(long_lived: Record, given_outcome: Outcome, content: bytes | None) -> None:
    long_lived.plan([Person(given_outcome.key)])
    long_lived.save(given_outcome, content)
    assert long_lived.outcome(given_outcome.key) == given_outcome
    assert given_outcome in long_lived.outcomes()


def test_a_later_outcome_takes_the_place_of_an_earlier_one(record: Record) -> None:
    record.plan([Person("ada"), Person("ben", position=1)])
    record.save(outcome("ada", 2.0), b"first")
    record.save(outcome("ben", 1.5), b"his")
    bare = Outcome(key="ada", status=Status.NOT_GRADABLE, message="No JSON.", max_score=5.5)
    record.save(bare, b"second")
    assert record.outcomes() == [bare, outcome("ben", 1.5)]
    assert record.digests()["ada"] == hashlib.sha256(b"second").hexdigest()


def test_nothing_of_a_replaced_outcome_stays_behind(record: Record) -> None:
    record.plan([Person("ada")])
    record.save(outcome("ada", message="the first of them"), b"")
    record.save(outcome("ada"), b"")
    with sqlite3.connect(record.where) as database:
        rows = database.execute("SELECT * FROM submission").fetchall()
    assert len(rows) == 1 and "the first of them" not in str(rows)


def test_half_a_character_in_a_students_text_is_replaced_and_loses_nobodys_outcome(record: Record) -> None:
    record.plan([Person("ada")])
    cell = CellRun(number=1, source="s = '\ud800'", error="ValueError: \udfff", outputs=({"text": "\ud800"},))
    record.save(outcome("ada", notes=("\ud800",), cells=(cell,), message="found \udc80"), b"")
    loaded = record.outcome("ada")
    assert loaded is not None
    assert loaded.message == "found \ufffd"
    assert loaded.notes == ("\ufffd",)
    assert (loaded.cells[0].source, loaded.cells[0].error) == ("s = '\ufffd'", "ValueError: \ufffd")
    assert loaded.cells[0].outputs == ({"text": "\ufffd"},)


def test_an_outcome_of_somebody_unplanned_is_a_bug_and_says_who(record: Record) -> None:
    with pytest.raises(KeyError, match="nobody was not planned"):
        record.save(outcome("nobody"), b"")
    assert record.outcomes() == []


def test_every_save_is_there_for_another_reader_at_once(record: Record) -> None:
    record.plan([Person("ada"), Person("ben", position=1)])
    other = opened_again(record)
    record.save(outcome("ada"), b"1")
    assert [found.key for found in other.outcomes()] == ["ada"]
    record.save(outcome("ben"), b"2")
    assert [found.key for found in other.outcomes()] == ["ada", "ben"]
    other.close()


def test_a_save_that_fails_half_way_leaves_the_earlier_outcome(record: Record) -> None:
    record.plan([Person("ada")])
    record.save(outcome("ada"), b"1")
    with sqlite3.connect(record.where) as database:
        database.execute("CREATE TRIGGER full BEFORE UPDATE ON submission BEGIN SELECT RAISE(ABORT, 'no room'); END")
    with pytest.raises(RecordFullError, match="no room"):
        record.save(outcome("ada", 0.0), b"2")
    assert record.outcome("ada") == outcome("ada")
    assert regrades(record) == []
    assert record.digests() == {"ada": hashlib.sha256(b"1").hexdigest()}


# Who is in the run


def test_everybody_planned_is_kept_with_what_is_known_of_them(record: Record) -> None:
    people = [
        Person("007", "Student, Ada", "ada+lab@example.edu", "class.zip: 007.ipynb", "007.ipynb", 0),
        Person("+8", "=Student, Ben", "ben@example.edu", position=1),
    ]
    record.plan(people)
    assert record.people() == people
    assert (record.outcomes(), record.outcome("007"), dict(record.digests())) == ([], None, {})


def test_planning_again_updates_names_and_keeps_outcomes_and_those_left_out(record: Record) -> None:
    record.plan([Person("ada"), Person("ben", position=1)])
    record.save(outcome("ada"), b"1")
    record.plan([Person("ada", name="Student, Ada")])
    assert record.people() == [Person("ada", name="Student, Ada"), Person("ben", position=1)]
    assert record.outcome("ada") == outcome("ada")


def test_people_of_one_position_have_one_order(record: Record) -> None:
    record.plan([Person("cleo"), Person("ada"), Person("ben")])
    for key in ("cleo", "ben", "ada"):
        record.save(outcome(key), b"")
    assert [one.key for one in record.people()] == ["ada", "ben", "cleo"]
    assert [one.key for one in record.outcomes()] == ["ada", "ben", "cleo"]


def test_outcomes_may_be_read_without_their_executed_cells(record: Record) -> None:
    record.plan([Person("ada")])
    record.save(outcome("ada"), b"")
    assert record.outcomes(with_cells=False) == [outcome("ada", cells=())]
    assert record.outcomes() == [outcome("ada")]


def test_digests_are_of_the_bytes_handed_in_and_of_judged_ones_alone(record: Record) -> None:
    record.plan([Person("ada"), Person("ben", position=1), Person("cleo", position=2)])
    record.save(outcome("ada"), b"bytes")
    record.save(Outcome(key="ben", status=Status.MISSING, max_score=5.5), None)
    assert dict(record.digests()) == {"ada": hashlib.sha256(b"bytes").hexdigest(), "ben": None}


# Records that cannot be used


def test_what_a_run_is_comes_back(record: Record) -> None:
    other = opened_again(record)
    assert other.info() == INFO
    other.close()


def test_the_same_run_may_start_again(record: Record) -> None:
    record.start_run(INFO)
    assert record.info() == INFO


@pytest.mark.parametrize(
    ("change", "told"),
    [({"seed": 8}, "this is lab with seed 8"), ({"assignment": "other"}, "this is other with seed 7")],
)
def test_a_record_of_another_run_is_refused_and_kept(record: Record, change: dict[str, Any], told: str) -> None:
    with pytest.raises(RecordError) as refusal:
        record.start_run(RunInfo(**{**vars(INFO), **change}))
    assert told in str(refusal.value)
    assert "holds a run of lab with seed 7" in str(refusal.value)
    assert "--out" in str(refusal.value)
    assert record.info() == INFO


@pytest.mark.parametrize("kind", [Path, str])
def test_a_missing_record_is_named_and_not_created(tmp_path: Path, kind: Callable[[Path], Path | str]) -> None:
    path = tmp_path / "grades.sqlite"
    with pytest.raises(RecordError, match=r"There is no record .*grades\.sqlite"):
        Record.open(kind(path), create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "grades.sqlite"
    path.write_bytes(b"a list of groceries\n" * 40)
    with pytest.raises(RecordError, match=r"grades\.sqlite cannot be used as a record: .*not a database"):
        Record.open(path)
    assert path.read_bytes() == b"a list of groceries\n" * 40


def test_a_record_of_another_version_is_refused_with_both_numbers(record: Record) -> None:
    with sqlite3.connect(record.where) as database:
        database.execute("UPDATE run SET schema_version = 99")
    with pytest.raises(RecordError, match=r"schema 99; this one knows \d+.*grade into a new folder"):
        opened_again(record)


def test_a_database_that_holds_no_run_says_so(tmp_path: Path) -> None:
    empty = Record.open(tmp_path / "grades.sqlite")
    with pytest.raises(RecordError, match="holds no run"):
        empty.info()
    empty.close()
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE things (id)")
    with pytest.raises(RecordError, match=r"other\.sqlite cannot be used as a record"):
        Record.open(other, create=False)


def test_a_run_folder_may_have_a_name_that_a_url_would_misread(tmp_path: Path) -> None:
    folder = tmp_path / "week 1?x=%20#2"
    folder.mkdir()
    made = Record.open(folder / "grades.sqlite")
    made.start_run(INFO)
    made.close()
    assert [file.name for file in folder.iterdir()] == ["grades.sqlite"]
