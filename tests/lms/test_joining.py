"""Whose a row is, by its ids alone: which likeness counts for more, and which is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.gradebook.export import KINDS
from autograder.gradebook.joining import joined
from autograder.gradebook.template import read_template
from autograder.record.store import Person

HEAD = "Student,ID,SIS User ID,SIS Login ID,Section,Lab (1)\n    Points Possible,,,,,20\n"


@pytest.mark.parametrize(
    ("rows", "people", "found"),
    [
        ("S,1,,Ada,,\nS,2,,ben,,\n", [Person("ada"), Person("BEN")], {"ada": 2, "BEN": 3}),  # letter case is little
        ("S,1,,Ada,,\nS,2,,ada,,\n", [Person("ada"), Person("Ada")], {"ada": 3, "Ada": 2}),  # unless both are there
        ("S,1,,ada@x.org,,\n", [Person("a", email="Ada@X.org")], {"a": 2}),  # in an address it is nothing
        ("S,1,,x,,\nS,0,x,y,,\n", [Person("x")], {"x": 3}),  # the same in two columns: the stronger one
        # Keys are of one sort: most of these are logins, and what is a number there by chance is nobody's
        ("S,1,,a,,\nS,2,,b,,\nS,3,c,d,,\n", [Person("a"), Person("b"), Person("c")], {"a": 2, "b": 3}),
        ("S,1,,a,,\n", [], {}),
        ("S,1,,a,,\n", [Person("z")], {}),
    ],
)
def test_the_row_of_each(tmp_path: Path, rows: str, people: list[Person], found: dict[str, int]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEAD + rows)
    template = read_template(path)
    columns = KINDS["canvas"].id_columns(template.titles)
    got = joined(template, range(2, len(template.rows)), columns, people)
    assert (got.row_of, got.at_odds) == (found, ())


def test_a_stronger_id_in_another_letter_case_comes_before_a_weaker_one(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEAD + "S,1,ab,y,,\nS,2,c,x,,\n")
    template = read_template(path)
    columns = KINDS["canvas"].id_columns(template.titles)
    got = joined(template, range(2, 4), columns, [Person("k", ids={"number": "AB", "login": "x"})])
    assert got.row_of == {"k": 2} and len(got.at_odds) == 1
