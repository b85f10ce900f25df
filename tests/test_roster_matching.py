"""Whose a hand-in is: by a decision, an id or a name that is one person's alone, and never by likeness."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.engine.planning import plan
from autograder.intake.faults import IntakeError
from autograder.intake.handin import HandIn
from autograder.intake.identity import IdKind
from autograder.people.decisions import read_decisions
from autograder.people.groups import Groups
from autograder.people.matching import Matched, match
from autograder.people.roster import Roster, Student


@dataclass(frozen=True)
class Told(HandIn):
    """A hand-in with what the layouts of some systems tell besides."""

    head: str = ""
    members: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Member:
    name: str
    ids: dict[IdKind, str]


def handed(key: str, kind: IdKind | None = None, value: str | None = None, **more: Any) -> Told:
    """A plain file without a kind, else a download's file with one id."""
    ids = {kind: value or key} if kind is not None else {}
    more = {"layout": "moodle" if kind else "", "ids": ids, **more}
    return Told(key, b"{}", "lab.ipynb" if kind else f"{key}.ipynb", f"class.zip: {key}", **more)


def named(number: str, name: str) -> Told:
    """From Moodle, whose numbers the roster does not have."""
    return handed(number, IdKind.PARTICIPANT, name=name)


def student(key: str, name: str = "", email: str = "", group: str = "", **ids: str) -> Student:
    return Student(key, name, email, {IdKind(kind): text for kind, text in ids.items()}, group)


def pairs(found: Matched) -> dict[str, str]:
    return {hand_in: "+".join(owners) for hand_in, owners in found.owners.items()}


def kinds(found: Matched) -> list[str]:
    return [one.kind for one in found.findings]


ADA = student("a1", "Student, Ada", "Ada.S@example.edu", canvas="9001", number="0017", login="ada")
BEN = student("b1", "Student, Ben", "ben@example.edu", canvas="9002", number="0018", login="0017")
CLASS = Roster((ADA, BEN))


@pytest.mark.parametrize(
    ("hand_in", "whose"),
    [
        (handed("a1"), "a1"),
        (handed(" a1"), "a1"),
        (handed("A1"), None),  # letter case counts in a key
        (handed("ada"), "a1"),
        (handed("0017"), "a1"),  # Ada's number is stronger than Ben's login
        (handed("17"), None),  # zeros count
        (handed("ada.s@EXAMPLE.edu"), "a1"),
        (handed("ada.s"), "a1"),
        (handed("9001"), None),  # a file's stem is nobody's Canvas id
        (handed("Student, Ada"), None),  # a stem is no name: proposed
        (handed("x", IdKind.CANVAS, "9002"), "b1"),
        (handed("x", IdKind.LOGIN, "0017"), "b1"),
        (handed("x", IdKind.NUMBER, "0017"), "a1"),
        (handed("x", IdKind.LOGIN, "0018"), None),  # Ben's number is not his login
        (handed("x", IdKind.EMAIL, "BEN@example.edu"), "b1"),
        (handed("a1", IdKind.PARTICIPANT), None),  # the key of a list is no number of Moodle's
        (handed("7", IdKind.PARTICIPANT, name="Ben Student"), "b1"),  # the roster has no participants: by name
        (handed("7", IdKind.PARTICIPANT, name="student,  BEN"), "b1"),
        (handed("7", IdKind.PARTICIPANT, name="Ben Studemt"), None),  # near: proposed
        (handed("7", IdKind.LOGIN, name="Ben Student"), None),  # the roster has logins, and this is none of them
        (handed("7", IdKind.PARTICIPANT, name="studentben", layout="canvas"), None),  # squeezed: no name
    ],
)
def test_one_hand_in_is_whose(hand_in: Told, whose: str | None) -> None:
    assert pairs(match(CLASS, [hand_in])) == ({hand_in.key: whose} if whose else {})


def test_the_strongest_id_decides_and_a_contradiction_is_told() -> None:
    torn = Told("x", b"", "f", "s", ids={IdKind.EMAIL: "ben@example.edu", IdKind.NUMBER: "0017"})
    found = match(CLASS, [torn])
    assert pairs(found) == {"x": "a1"}
    assert kinds(found) == ["ids disagree"]


def test_a_brightspace_number_that_is_ones_id_and_anothers_user_name_is_asked_about() -> None:
    people = Roster((student("ada", number="0001", login="0002"), student("ben", number="0002", login="0001")))
    folder = handed("77", IdKind.NUMBER, "0001", layout="brightspace", name="Ben Student")
    found = match(people, [folder])
    assert pairs(found) == {}
    (finding,) = [one for one in found.findings if one.kind == "ids disagree"]
    assert finding.line == "77,ada or 77,ben"


def test_brightspace_numbers_are_ids_where_the_rest_of_the_download_can_be_nothing_else() -> None:
    pair = (student("ada", number="0001", login="0002"), student("ben", number="0002", login="0001"))
    others = tuple(student(f"kim{n}", number=f"700{n}", login=f"kim{n}") for n in range(3))
    folders = [handed("77", IdKind.NUMBER, "0001", layout="brightspace", name="Student")]
    folders += [handed(f"8{n}", IdKind.NUMBER, f"700{n}", layout="brightspace", name="Student") for n in range(3)]
    assert pairs(match(Roster((*pair, *others)), folders)) == {"77": "ada", "80": "kim0", "81": "kim1", "82": "kim2"}


def test_a_plain_list_keyed_by_the_systems_own_numbers_matches_its_download() -> None:
    people = Roster(tuple(student(f"90{n}", f"Student{n}, Kim") for n in range(5)))
    found = match(people, [handed(f"90{n}", IdKind.CANVAS) for n in range(4)])
    assert pairs(found) == {f"90{n}": f"90{n}" for n in range(4)}


def test_a_number_that_by_chance_is_a_students_key_matches_nobody() -> None:
    people = Roster(tuple(student(f"90{n}", f"Student{n}, Kim") for n in range(5)))
    found = match(people, [handed(number, IdKind.CANVAS) for number in ("901", "7001", "7002", "7003")])
    assert pairs(found) == {}


def test_a_plain_lists_keys_may_be_ids_that_are_the_same_in_every_system() -> None:
    plain = Roster((Student("ada"), Student("17")))
    assert pairs(match(plain, [handed("x", IdKind.LOGIN, "ada")])) == {"x": "ada"}
    assert pairs(match(plain, [handed("x", IdKind.BRIGHTSPACE, "17")])) == {}


def test_a_local_part_that_two_have_is_nobodys() -> None:
    roster = Roster((student("1", email="kim@one.example"), student("2", email="kim@two.example")))
    assert pairs(match(roster, [handed("kim")])) == {}


def test_how_accents_are_encoded_does_not_matter() -> None:
    roster = Roster((student("zoë"), student("y", "Ştudent, Émile")))
    hand_ins = [
        handed(unicodedata.normalize("NFD", "zoë")),
        handed("5", IdKind.PARTICIPANT, name="E\u0301mile S\u0327tudent"),
    ]
    assert set(pairs(match(roster, hand_ins)).values()) == {"zoë", "y"}


def test_two_students_of_one_name_get_nothing_by_name_and_are_told() -> None:
    roster = Roster((student("1", "Student, Gus"), student("2", "Gus Student"), student("3", "Student, Hal")))
    hand_ins = [
        handed("17", IdKind.PARTICIPANT, name="Gus Student"),
        handed("18", IdKind.PARTICIPANT, name="Hal Student"),
    ]
    found = match(roster, hand_ins)
    assert pairs(found) == {"18": "3"}
    told = {(one.kind, one.student) for one in found.findings}
    assert told == {("same name", "1"), ("same name", "2"), ("hand-in of nobody", "17")}
    assert found.findings[-1].line == "17,1 or 17,2"


def test_two_hand_ins_of_one_name_are_nobodys() -> None:
    roster = Roster((student("1", "Student, Gus"),))
    hand_ins = [
        handed("17", IdKind.PARTICIPANT, name="Gus Student"),
        handed("18", IdKind.PARTICIPANT, name="Gus Student"),
    ]
    assert pairs(match(roster, hand_ins)) == {}


def test_an_id_that_two_students_have_brings_nothing_and_is_told() -> None:
    roster = Roster((student("1", number="0017"), student("2", number="0017", login="ben")))
    both = Told("x", b"", "f", "s", ids={IdKind.NUMBER: "0017", IdKind.LOGIN: "ben"})
    found = match(roster, [handed("y", IdKind.NUMBER, "0017"), both])
    assert pairs(found) == {"x": "2"}
    assert "id twice" in kinds(found)


def test_another_assignments_worksheet_brings_no_hand_in_to_a_stranger() -> None:
    roster = Roster(
        (student("17", "Student, Ada", participant="17"), student("18", "O'Student, Ben", participant="18"))
    )
    hand_ins = [
        handed("17", IdKind.PARTICIPANT, name="Nobody Nemo"),
        handed("18", IdKind.PARTICIPANT, name="Ben OStudent"),  # Moodle leaves the apostrophe out of a folder's name
    ]
    found = match(roster, hand_ins)
    assert pairs(found) == {"18": "18"}
    assert [(one.kind, one.line) for one in found.findings] == [("another name", "17,17")]


def test_a_near_name_is_proposed_with_its_line_and_an_equal_number_alone() -> None:
    roster = Roster((student("a,1", "Student, Adelheid"), student("104567")))
    found = match(roster, [handed("7", IdKind.PARTICIPANT, name="Adelheid Studnet"), handed("104568")])
    near, far = found.findings
    assert pairs(found) == {}
    assert (near.line, far.line) == ('7,"a,1"', "")
    assert "Student, Adelheid (a,1)" in near.to_do


def test_who_has_a_hand_in_is_not_proposed_for_another() -> None:
    roster = Roster((student("adelheid"),))
    assert match(roster, [handed("adelheid"), handed("adelheit")]).findings[0].line == ""


@pytest.mark.parametrize(
    ("heads", "whose"),
    [
        (["My_Lab_jo_smith"], {"0": "2"}),  # the longest
        (["My_Lab_jo_smith", "My_Lab_smith"], {"0": "2", "1": "1"}),
        (["Lab_smith", "Lab_1_x_smith"], {"0": "1"}),  # "1_x_smith" is not on the roster, and not smith
        (["Lab_1_ada", "Lab_1_smith"], {"0": "3", "1": "1"}),
        (["Lab_Ada"], {}),
        (["smith"], {"0": "1"}),
    ],
)
def test_blackboards_user_names_are_found_by_their_ends(heads: list[str], whose: dict[str, str]) -> None:
    roster = Roster((student("1", login="smith"), student("2", login="jo_smith"), student("3", login="ada")))
    hand_ins = [
        handed(str(place), IdKind.LOGIN, head.rsplit("_", 1)[-1], head=head, layout="blackboard")
        for place, head in enumerate(heads)
    ]
    assert pairs(match(roster, hand_ins)) == whose


def test_githubs_logins_are_found_by_their_ends_without_letter_case() -> None:
    roster = Roster((student("1", github="Jo-Smith"), student("2", github="smith")))
    hand_ins = [handed("x", IdKind.GITHUB, "smith", head="lab-1-jo-smith", layout="github")]
    assert pairs(match(roster, hand_ins)) == {"x": "1"}


def test_of_two_hand_ins_of_one_student_the_stronger_counts_then_the_newer_and_the_other_is_told() -> None:
    early, later = datetime(2026, 11, 1), datetime(2026, 11, 2)
    mailed = handed("0017", handed_in=later)
    first = handed("x", IdKind.CANVAS, "9001", handed_in=early)
    again = handed("y", IdKind.CANVAS, "9001", handed_in=later)
    found = match(CLASS, [mailed, first, again])
    assert pairs(found) == {"y": "a1"}
    assert [(one.kind, one.student, one.line) for one in found.findings] == [
        ("two hand-ins", "a1", "x,a1"), ("two hand-ins", "a1", "0017,a1"),
    ]  # fmt: skip


# Decisions


def decisions_in(folder: Path, content: str, submissions: list[Told], roster: Roster | None = CLASS) -> dict[str, str]:
    (folder / "match.csv").write_text(content)
    return read_decisions(folder / "match.csv", submissions, roster)


def test_a_decision_names_a_hand_in_by_key_source_or_file_and_goes_before_every_id(tmp_path: Path) -> None:
    hand_ins = [handed("ada"), handed("x", IdKind.CANVAS, "9001"), handed("y", IdKind.PARTICIPANT)]
    decided = decisions_in(tmp_path, "student;hand_in\nb1;ada.ipynb\n;class.zip: x\n a1 ;y\n", hand_ins)
    assert decided == {"ada": "b1", "x": "", "y": "a1"}
    found = match(CLASS, hand_ins, decisions=decided)
    assert (pairs(found), found.findings) == ({"ada": "b1", "y": "a1"}, ())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("hand_in,student\nadda,a1\n", 'row 2: no hand-in is called "adda"; did you mean "ada"?'),
        ("hand_in,student\nada,a11\n", 'row 2: nobody on the roster has the key "a11"; did you mean "a1"?'),
        ("hand_in,student\nlab.ipynb,a1\n", 'row 2: 2 hand-ins are called "lab.ipynb"'),
        ("hand_in,student\nada,a1\nada,b1\n", 'row 3: the hand-in "ada" is in row 2 already'),
        ("hand_in,student\nada,a1\nx,a1\n", 'row 3: the student "a1" is in row 2 already'),
        ("hand-in,student\nada,a1\n", 'row 1: there is no column "hand-in"; did you mean "hand_in"?'),
        ("", "is empty"),
    ],
)
def test_a_wrong_decision_is_refused_with_its_row(tmp_path: Path, content: str, said: str) -> None:
    hand_ins = [handed("ada"), handed("x", IdKind.CANVAS), handed("y", IdKind.CANVAS)]
    with pytest.raises(IntakeError) as raised:
        decisions_in(tmp_path, content, hand_ins)
    assert said in str(raised.value)


def test_decisions_need_a_roster(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match="--roster"):
        decisions_in(tmp_path, "hand_in,student\nada,a1\n", [handed("ada")], None)


def test_an_old_decision_gives_way_to_a_new_one_on_the_same_student_and_is_told() -> None:
    planned = plan([handed("x"), handed("y")], CLASS, decisions={"y": "a1"}, kept={"x": "a1"})
    assert planned.owners == {"x": ("x",), "y": ("a1",)}
    assert planned.decisions == {"x": "", "y": "a1"}
    assert [one.kind for one in planned.findings] == ["decision without effect"]


def test_a_decision_on_a_student_who_left_the_roster_is_told() -> None:
    planned = plan([handed("x")], CLASS, kept={"x": "gone"})
    assert planned.owners == {"x": ("x",)}
    assert {one.kind for one in planned.findings} == {"decision without effect", "hand-in of nobody"}


# Rows


def test_a_matched_row_has_the_rosters_key_both_sides_ids_and_the_hand_ins_own_key() -> None:
    hand_in = handed("55", IdKind.PARTICIPANT, name="Ada Student", handed_in=datetime(2026, 11, 1, 12), late=True)
    entry = plan([hand_in], CLASS).entries[0]
    assert (entry.key, entry.hand_in, entry.name, entry.marked_late) == ("a1", "55", "Student, Ada", True)
    assert entry.ids == {
        "participant": "55", "canvas": "9001", "number": "0017", "login": "ada", "email": "Ada.S@example.edu",
    }  # fmt: skip
    assert entry.handed_in == "2026-11-01T12:00:00+00:00"


def test_the_lists_own_time_counts_where_the_download_has_none() -> None:

    roster = Roster(
        (Student("17", handed_in=datetime(2026, 11, 17, 18, 12)), Student("18", handed_in=datetime(2026, 1, 1)))
    )
    planned = plan([handed("17")], roster, zone=ZoneInfo("Europe/Berlin"))
    assert planned.entries[0].handed_in == "2026-11-17T18:12:00+01:00"
    assert [(one.kind, one.student) for one in planned.findings] == [("no file", "18")]


def test_a_hand_in_of_nobody_does_not_take_the_row_of_a_student_whose_key_is_the_same() -> None:
    planned = plan([handed("17", IdKind.CANVAS, layout="canvas")], Roster((student("17", participant="17"),)))
    assert planned.owners == {"17": ("17 (canvas)",)}
    assert [entry.key for entry in planned.entries] == ["17 (canvas)", "17"]
    assert planned.hand_ins("17") == frozenset()
    assert planned.hand_ins("17 (canvas)") == {"17"}


words = st.sampled_from(["1", "2", "01", "a", "A", "b", "a b", "b, a", "é", "e\u0301", "a@x.edu", "A@X.edu", "b@x.edu"])
id_maps = st.dictionaries(
    st.sampled_from([IdKind.CANVAS, IdKind.NUMBER, IdKind.LOGIN, IdKind.EMAIL]), words, max_size=3
)
names = st.sampled_from(["", "A B", "B, A", "b a", "C D"])


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    keys = draw(st.lists(words.map(lambda text: unicodedata.normalize("NFC", text)), unique=True, max_size=5))
    more = st.builds(Student, st.just(""), names, st.sampled_from(["", "a@x.edu", "b@x.edu"]), id_maps, names)
    people = [draw(more) for _ in keys]
    return Roster(
        tuple(Student(key, of.name, of.email, of.ids, of.group) for key, of in zip(keys, people, strict=True))
    )


@st.composite
def hand_ins(draw: st.DrawFn) -> list[Told]:
    keys = draw(st.lists(words, unique=True, max_size=6))
    layouts = st.sampled_from(["", "canvas", "moodle", "blackboard"])
    return [
        Told(key, b"", "f.ipynb", f"s/{key}", name=draw(names), layout=draw(layouts), ids=draw(id_maps),
             head=draw(st.sampled_from(["", "Lab_a", "Lab_1_a"])), group=draw(st.sampled_from(["", "", "", "C D"])))
        for key in sorted(keys)
    ]  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(
    roster=rosters(),
    submissions=hand_ins(),
    members=st.dictionaries(names.filter(bool), st.lists(words, min_size=1, max_size=3).map(tuple), max_size=2),
    decided=st.dictionaries(words, words, max_size=3),
)
def test_every_student_and_every_hand_in_is_accounted_for_exactly_once(
    roster: Roster, submissions: list[Told], members: dict[str, tuple[str, ...]], decided: dict[str, str]
) -> None:
    groups = Groups(Path("groups.csv"), members) if members else None
    planned = plan(submissions, roster, groups, kept=decided)
    rows = Counter(entry.key for entry in planned.entries)
    assert set(rows.values()) <= {1}
    assert rows.keys() >= roster.keys
    assert planned.owners.keys() == {one.key for one in submissions}
    owned = Counter(key for owners in planned.owners.values() for key in owners)
    assert set(owned.values()) <= {1}
    assert owned.keys() | set(planned.missing) == rows.keys()
    by_key = {one.key: one for one in submissions}
    by_row = {entry.key: entry for entry in planned.entries}
    for hand_in, owners in planned.owners.items():
        assert owners
        assert all((by_row[key].hand_in or key) == hand_in for key in owners)
        if len(owners) > 1:
            one = by_key[hand_in]
            on_list = any(person.group for person in roster.students)
            assert groups is not None or one.group or (on_list and one.name)


def test_a_few_numbers_that_by_chance_are_keys_match_nobody_in_a_large_download() -> None:
    """Three of twelve find a student so: no list of such numbers has as few in common with its own download."""
    people = Roster(tuple(student(f"90{n}", f"Student{n}, Kim") for n in range(5)))
    strangers = [str(7000 + n) for n in range(9)]
    found = match(people, [handed(number, IdKind.CANVAS) for number in ("900", "901", "902", *strangers)])
    assert pairs(found) == {}
    half = match(people, [handed(number, IdKind.CANVAS) for number in ("900", "901", "902", *strangers[:3])])
    assert pairs(half) == {}
    most = match(people, [handed(number, IdKind.CANVAS) for number in ("900", "901", "902", *strangers[:2])])
    assert pairs(most) == {n: n for n in ("900", "901", "902")}


@pytest.mark.parametrize("numbers", [0, 2, 3, 6])
def test_brightspace_folders_with_a_user_name_among_them_leave_the_unclear_one_to_a_person(numbers: int) -> None:
    """However many others can only be ids: where one can only be a user name, the site writes user names."""
    pair = (student("ada", number="0001", login="0002"), student("ben", number="0002", login="0001"))
    others = tuple(student(f"kim{n}", number=f"700{n}", login=f"kim{n}") for n in range(7))
    folders = [handed("77", IdKind.NUMBER, "0001", layout="brightspace", name="Student")]
    folders += [handed(f"8{n}", IdKind.NUMBER, f"700{n}", layout="brightspace", name="S") for n in range(numbers)]
    folders += [handed("99", IdKind.NUMBER, "kim6", layout="brightspace", name="Student")]
    found = match(Roster((*pair, *others)), folders)
    assert "77" not in pairs(found)
    assert [one.line for one in found.findings if one.kind == "ids disagree"] == ["77,ada or 77,ben"]


@pytest.mark.parametrize(
    ("hand_in", "what", "to_do", "line"),
    [
        (
            handed("77", IdKind.CANVAS, name="Kim Doe"),
            'nobody on the roster has the canvas "77" (Kim Doe)',
            "mend the roster, or put a line hand_in,student into the --match file, and grade again",
            "",
        ),
        (
            handed("77", IdKind.CANVAS, name="kimdoe", layout="canvas"),  # squeezed names are told nobody
            'nobody on the roster has the canvas "77"',
            "mend the roster, or put a line hand_in,student into the --match file, and grade again",
            "",
        ),
        (
            handed("zzz"),
            'nobody on the roster has the id "zzz"',
            "mend the roster, or put a line hand_in,student into the --match file, and grade again",
            "",
        ),
        (
            handed("77", IdKind.PARTICIPANT, name="Kim Doe"),
            'the roster has no ids of the kind participant, such as participant "77" (Kim Doe); if its keys are such '
            'ids, call that column "participant"',
            "mend the roster, or put a line hand_in,student into the --match file, and grade again",
            "",
        ),
        (
            handed("77", IdKind.CANVAS, name="Adda Student"),
            'nobody on the roster has the canvas "77" (Adda Student)',
            "perhaps it is Student, Ada (a1): then put the line into the --match file and grade again",
            "77,a1",
        ),
    ],
)
def test_a_hand_in_of_nobody_is_told_with_the_ids_it_has(hand_in: Told, what: str, to_do: str, line: str) -> None:
    (finding,) = [one for one in match(CLASS, [hand_in]).findings if one.kind == "hand-in of nobody"]
    assert (finding.student, finding.what, finding.to_do, finding.line) == (hand_in.key, what, to_do, line)
