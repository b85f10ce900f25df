"""Ids whose digits a spreadsheet has changed are refused in every file; ids that only look like numbers are not."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lms.files import FILES
from lms.people import PEOPLE, Somebody, run_of

from autograder.gradebook.export import KINDS, filled_in
from autograder.gradebook.template import TemplateError, read_template
from autograder.intake.faults import IntakeError
from autograder.intake.handin import HandIn
from autograder.people.decisions import read_decisions
from autograder.people.extensions import read_extensions
from autograder.people.groups import read_groups
from autograder.people.roster import Roster, Student, read_roster
from autograder.people.sheets import spoilt
from autograder.people.tables import read_table

WHOLE = ["19e4567", "2e7", "1E5", "12E+3", "1e-7", "E+12", "1.04E+05a", "104000", "0019", "1234567890123456"]
CHANGED = ["1.04E+05", "1,04E+05", "2E+15", "1.23456789012346E+15", "9.1e+11", "1E+100"]


@pytest.mark.parametrize("login", WHOLE)
def test_a_name_that_looks_like_a_number_is_whole(login: str) -> None:
    assert spoilt(["astudent", login, ""]) is None


@pytest.mark.parametrize("number", CHANGED)
def test_what_a_spreadsheet_makes_of_a_long_number_is_found(number: str) -> None:
    assert spoilt(["", "104001", number]) == 2


def test_numbers_that_lost_all_digits_after_the_fifteenth_are_found_where_the_whole_column_did() -> None:
    cut = ["1234567890123400", "1234567890123500", "", "12345678901236000"]
    assert spoilt(["12", *cut]) == 1
    assert spoilt([*cut, "1234567890123451"]) is None  # this list came as it was written
    assert spoilt(cut[:2]) is None  # two may end in 0 by chance


@given(st.lists(st.from_regex(r"[0-9]{1,15}|[a-z]{1,3}[0-9]{1,6}|[0-9]{1,3}e[0-9]{1,6}", fullmatch=True)))
def test_no_usual_id_is_ever_taken_for_spoilt(ids: list[str]) -> None:
    assert spoilt(ids) is None


# Every file that a person hands over with ids in it: how it is read, and its text with an id of somebody.
ROSTERS = {
    "plain": "key,name,email,login\nada,Ada,,{}\n",
    "plain key": "key,name,email\n{},Ada,\n",
    "canvas": 'Student,ID,SIS User ID,SIS Login ID,Section,Lab (1)\n"Student, Ada",101,5,{},x,\n',
    "moodle": "First name,Last name,ID number,Email address\nAda,Student,{},ada@example.edu\n",
    "moodle worksheet": "Identifier,Full name,ID number,Email address,Grade\nParticipant 4,Ada,{},a@example.edu,\n",
    "blackboard": "Last Name,First Name,Username,Student ID\nStudent,Ada,{},5\n",
    "brightspace": "OrgDefinedId,Username,Last Name,First Name,End-of-Line Indicator\n#5,#{},Student,Ada,#\n",
    "sakai": "Student ID,Name,Lab [2]\n{},Ada,\n",
    "gradescope": "Name,Email,SID\nAda,ada@example.edu,{}\n",
    "github": "identifier,github_username,github_id,name\nada,{},1,Ada\n",
}
WRITTEN = {
    "extensions": "student,extra\n{},1 day\n",
    "groups": "group,student\nTeam 1,{}\n",
    "decisions": "hand_in,student\nfirst,{}\n",
    "hand-ins": "hand_in,student\n{},\n",
    "adjustments": "student,question,points,why\n{},q1,2,A slip of ours\n",
}


def read(kind: str, path: Path, login: str) -> object:
    hand_ins = [HandIn(key, b"", f"{key}.ipynb", f"{key}.ipynb") for key in ("first", login)]
    if kind in ROSTERS:
        return read_roster(path)
    if kind == "extensions":
        return read_extensions(path, ZoneInfo("UTC"), True)
    if kind == "groups":
        return read_groups(path)
    if kind == "adjustments":
        return read_table(path, "list of adjustments", ("student", "question", "points", "why"))
    return read_decisions(path, hand_ins, Roster((Student(login),)))


@pytest.mark.parametrize("kind", [*ROSTERS, *WRITTEN])
def test_a_login_that_looks_like_a_number_is_read_in_every_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text({**ROSTERS, **WRITTEN}[kind].format("19e4567"))
    assert "19e4567" in repr(read(kind, path, "19e4567"))


@pytest.mark.parametrize("kind", [*ROSTERS, *WRITTEN])
def test_a_spoilt_id_is_refused_with_its_row_in_every_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text({**ROSTERS, **WRITTEN}[kind].format("1.04E+05"))
    with pytest.raises(IntakeError) as raised:
        read(kind, path, "ada")
    assert "row 2" in str(raised.value) and '"1.04E+05" was spoilt by a spreadsheet' in str(raised.value)
    assert str(path) in str(raised.value)


def with_login(lms: str, login: str) -> bytes:
    """A gradebook in which somebody's strongest text id is another."""
    encoding = "utf-16" if lms == "blackboard" else "utf-8-sig"
    of = PEOPLE[43]
    known: dict[str, Somebody | str] = {"canvas": of.login, "blackboard": of.login, "sakai": of.login}
    text = FILES[lms](lambda one: "").decode(encoding)
    old = str(known.get(lms, of.number))
    assert old in text
    return text.replace(old, login).encode("utf-16" if lms == "blackboard" else "utf-8")


@pytest.mark.parametrize("lms", KINDS)
def test_a_gradebook_takes_the_login_and_refuses_the_spoilt_one(tmp_path: Path, lms: str) -> None:
    record = run_of(lms)
    try:
        info, path = record.info(), tmp_path / "template.csv"
        path.write_bytes(with_login(lms, "19e4567"))
        assert filled_in(KINDS[lms], read_template(path), info, []).content
        path.write_bytes(with_login(lms, "1.9E+46"))
        if lms == "moodle-worksheet":  # it is known by its participants alone
            return
        with pytest.raises(TemplateError, match=r'row \d+: the id "1\.9E\+46" was spoilt by a spreadsheet'):
            filled_in(KINDS[lms], read_template(path), info, [])
    finally:
        record.close()
