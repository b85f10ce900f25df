"""One hand-in of several students: everybody in the team has its outcome, and nobody has two."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_roster_matching import Member, handed, pairs, student

from autograder.engine.planning import plan
from autograder.intake.faults import IntakeError
from autograder.intake.identity import IdKind
from autograder.people.groups import Groups, read_groups
from autograder.people.matching import match
from autograder.people.roster import Roster, Student

A, B, C = (
    student(key, f"Student, {key.upper()}", f"{key}@example.edu", canvas=f"900{n}") for n, key in enumerate("abc")
)
CLASS = Roster((A, B, C))


def groups(**members: str) -> Groups:
    """`groups(Blue="a b")`; a `_` in a name stands for a space."""
    return Groups(Path("groups.csv"), {name.replace("_", " "): tuple(of.split()) for name, of in members.items()})


def told(found: object) -> list[tuple[str, str]]:
    return [(one.kind, one.student) for one in found.findings]  # type: ignore[attr-defined]


def test_a_groups_file_is_text_with_its_spellings_brought_together(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("Student;Group\n007;Team  Blue\nb;team blue\n007;Team Blue\nc;7\n")
    assert read_groups(tmp_path / "g.csv").members == {"Team  Blue": ("007", "b"), "7": ("c",)}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("group,student\nBlue,\n", "row 2, student: the cell is blank"),
        ("group,student\n,a\n", "row 2, group: the cell is blank"),
        ("group,member\nBlue,a\n", 'row 1: there is no column "member"'),
        ("group,student\nBlue,a,b\n", "row 2: found 3 fields, expected 2"),
    ],
)
def test_a_wrong_groups_file_is_refused_with_its_row(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "g.csv").write_text(content)
    with pytest.raises(IntakeError) as raised:
        read_groups(tmp_path / "g.csv")
    assert said in str(raised.value)


def test_a_file_named_after_a_group_is_all_its_members() -> None:
    found = match(CLASS, [handed("team_blue"), handed("c")], groups(Team_Blue="a b@EXAMPLE.edu"))
    assert pairs(found) == {"team_blue": "a+b", "c": "c"}
    assert (found.teams, found.findings) == ({"team_blue": "Team Blue"}, ())


def test_a_members_file_is_the_groups_where_it_is_the_only_one() -> None:
    """Canvas: the group's name squeezed, and one member's id."""
    hand_in = handed("9001", IdKind.CANVAS, name="projectteam7", layout="canvas")
    assert pairs(match(CLASS, [hand_in], groups(G="a b"))) == {"9001": "a+b"}
    assert pairs(match(CLASS, [hand_in], groups(Project_Team_7="b c"))) == {"9001": "b+c"}


def test_the_number_of_a_student_is_no_groups_number() -> None:
    found = match(CLASS, [handed("1", IdKind.PARTICIPANT, name="Student, A")], groups(**{"1": "b c"}))
    assert pairs(found) == {"1": "a"}
    assert told(found) == [("group without a hand-in", "1")]


def test_a_moodle_team_is_known_by_the_rosters_group_column_whatever_its_number() -> None:
    roster = Roster((
        student("17", "Student, A", participant="17"), student("18", "Student, B", group="Team Blue", participant="18"),
        student("19", "Student, C", group="Lab 1, team blue", participant="19"),
    ))  # fmt: skip
    found = match(roster, [handed("17", IdKind.PARTICIPANT, name="Team Blue")])
    assert pairs(found) == {"17": "18+19"}
    planned = plan([handed("17", IdKind.PARTICIPANT, name="Team Blue")], roster)
    assert [(entry.key, entry.group, entry.ids["participant"]) for entry in planned.entries] == [
        ("18", "Team Blue", "18"), ("19", "Team Blue", "19"), ("17", "", "17"),
    ]  # fmt: skip


def test_a_groups_column_of_sections_makes_no_team_of_a_students_own_hand_in() -> None:
    roster = Roster((student("a", "Student, A", group="Lab 1"), student("b", "Student, B", group="Lab 1")))
    assert pairs(match(roster, [handed("a"), handed("b")])) == {"a": "a", "b": "b"}


def test_several_submitters_are_found_by_each_ones_ids_and_a_stranger_has_a_row() -> None:
    members = (
        Member("A", {IdKind.EMAIL: "A@example.edu"}),
        Member("X", {IdKind.NUMBER: "0099", IdKind.EMAIL: "x@example.edu"}),
        Member("C", {IdKind.EMAIL: "c@example.edu"}),
    )
    hand_in = handed("A & X & C", IdKind.EMAIL, "a@example.edu", group="A & X & C", members=members)
    found = match(CLASS, [hand_in])
    assert pairs(found) == {"A & X & C": "a+c+0099"}
    assert told(found) == [("member not on the roster", "0099")]
    entry = plan([hand_in], CLASS).entries[2]
    assert (entry.key, entry.name) == ("0099", "X")
    assert entry.ids == {"number": "0099", "email": "x@example.edu"}
    assert plan([hand_in]).owners == {"A & X & C": ("0099", "A@example.edu", "c@example.edu")}


def test_a_team_whose_members_nobody_knows_stands_under_its_own_key_and_is_told() -> None:
    planned = plan([handed("900", IdKind.GROUP, name="Team Red", group="Team Red")], CLASS)
    assert planned.owners == {"900": ("900",)}
    assert told(planned) == [("group of nobody", "Team Red")]


def test_a_members_own_hand_in_gives_way_to_the_teams_and_is_told_with_its_line() -> None:
    found = match(CLASS, [handed("blue"), handed("b")], groups(Blue="a b"))
    assert pairs(found) == {"blue": "a+b"}
    assert [(one.kind, one.student, one.line) for one in found.findings] == [("own beside the group's", "b", "b,b")]


def test_a_decision_lets_a_members_own_hand_in_count() -> None:
    found = match(CLASS, [handed("blue"), handed("b")], groups(Blue="a b"), {"b": "b"})
    assert pairs(found) == {"blue": "a", "b": "b"}
    assert told(found) == [("own beside the group's", "b")]


def test_a_student_in_two_groups_has_one_outcome_and_is_told() -> None:
    found = match(CLASS, [handed("blue"), handed("red")], groups(Blue="a b", Red="b c"))
    assert pairs(found) == {"blue": "a+b", "red": "c"}
    assert told(found) == [("in two groups", "b"), ("in two groups", "b")]


def test_of_several_hand_ins_of_one_groups_members_each_stays_its_own() -> None:
    found = match(CLASS, [handed("a"), handed("b")], groups(Blue="a b c"))
    assert pairs(found) == {"a": "a", "b": "b"}
    assert told(found) == [("several of one group", "Blue")]


def test_a_member_who_is_not_on_the_roster_is_told_with_the_nearest() -> None:
    roster = Roster((student("adelheid"), student("ben")))
    found = match(roster, [handed("blue")], groups(Blue="adelheit ben"))
    assert pairs(found) == {"blue": "ben+adelheit"}
    assert [one.what for one in found.findings] == ['"adelheit" of Blue is not on the roster; did you mean "adelheid"?']


def test_without_a_roster_the_groups_are_the_class() -> None:
    planned = plan([handed("blue"), handed("x")], None, groups(Blue="a b", Red="c"))
    assert [(entry.key, entry.hand_in) for entry in planned.entries] == [
        ("a", "blue"),
        ("b", "blue"),
        ("x", ""),
        ("c", ""),
    ]
    assert planned.missing == ("c",)


def test_every_member_has_the_hand_ins_file_and_time_but_the_own_name_and_ids() -> None:
    planned = plan([handed("9000", IdKind.CANVAS, layout="canvas", late=True)], CLASS, groups(Blue="a b"))
    rows = [
        (one.key, one.name, one.ids["canvas"], one.source, one.marked_late, one.group) for one in planned.entries[:2]
    ]
    assert rows == [
        ("a", "Student, A", "9000", "class.zip: 9000", True, "Blue"),
        ("b", "Student, B", "9001", "class.zip: 9000", True, "Blue"),
    ]
    assert planned.entries[2] == plan([], Roster((Student("a"), Student("b"), C))).entries[2]
