"""Which student a person means: by key, by the made-up key of an anonymous run, or by another id of theirs alone.

Called by `adjust`, `report`, `forget`, `grade --student` and `--extensions`, so that all of them take the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from autograder.course.faults import did_you_mean
from autograder.people.extensions import Named
from autograder.record.anonymity import naming
from autograder.record.store import Person, Record, RecordError


def named(people: Iterable[Person], name_of: Callable[[str], str]) -> Named:
    """Finds these people; `name_of` is how the outputs call the student of a key."""
    return Named({one.key: (*one.others, name_of(one.key)) for one in people})


def everybody(record: Record) -> Named:
    """Finds who stands in the record."""
    return named(record.people(), naming(record))


def key_of(record: Record, text: str) -> str:
    """The student's key that a person means. Raises RecordError for nobody, and for an id of several."""
    found = everybody(record).found(text)
    if len(found) == 1:
        return next(iter(found))
    if found:
        raise RecordError(f'"{text}" is an id of {len(found)} students; name the key.')
    shown = [*map(naming(record), (one.key for one in record.people()))]
    raise RecordError(f'Nobody in this run has the key "{text}"{did_you_mean(text, shown) or "."}')
