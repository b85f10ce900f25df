"""Each page of the feedback zip comes to its student by the LMS's own reading of names, and nobody gets another's."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.course.late import Extension
from autograder.gradebook.returning import Returned, packed
from autograder.record.standing import Standing, standings
from autograder.record.store import Person
from autograder.results import Outcome, QuestionResult, Status
from lms.people import PEOPLE, key_of, run_of, status

# --- the LMSs' own reading


def by_canvas(name: str, attachments: Mapping[str, str]) -> str | None:
    """The user who gets it: the first two parts of digits are user and attachment, and the one must have the other."""
    parts = name.split("/")[-1].split("_")
    digits = [part for part in parts if re.fullmatch("[0-9]+", part)]
    if len(digits) < 2 or parts[-1].startswith("link") or attachments.get(digits[1]) != digits[0]:
        return None
    return digits[0]


def by_moodle(name: str, _: Mapping[str, str] | None = None) -> str | None:
    """The participant (or team): of each part of the path, what stands between the first two `_`, if it is a number."""
    if name.startswith((".", "~")):
        return None
    for part in name.split("/"):
        info = part.split("_", 4)
        if len(info) >= 4 and info[1].isdecimal() and info[2:4] == ["assignsubmission", "file"]:
            return info[1]
    return None


READERS = {"canvas": by_canvas, "moodle": by_moodle}


def page_of(key: str) -> bytes:
    return f"page of {key}".encode()


def team_page(members: Sequence[Standing]) -> bytes:
    return f"page of {members[0].person.group}".encode()


def arrived(returned: Returned, lms: str, attachments: Mapping[str, str] | None = None) -> dict[str, str]:
    """What everybody finds, by the LMS's number of them."""
    found: dict[str, str] = {}
    with zipfile.ZipFile(io.BytesIO(returned.content)) as archive:
        for name in archive.namelist():
            whose = READERS[lms](name, attachments or {})
            assert whose is not None and whose not in found, name
            found[whose] = archive.read(name).decode()
    return found


@pytest.mark.parametrize("download", ["canvas", "moodle", "moodle-worksheet"])
def test_every_page_comes_to_its_student(download: str) -> None:
    """Folders and flat files; nothing for who is excused or handed in nothing."""
    lms = download.split("-")[0]
    record = run_of(download)
    returned = packed(standings(record), page_of, team_page, lms)
    record.close()
    attachments = {str(55000 + one.n): one.canvas for one in PEOPLE}
    there = [one for one in PEOPLE if status(one.n) not in (None, Status.MISSING)]
    wanted = {key_of(one, download): f"page of {key_of(one, download)}" for one in there}
    assert arrived(returned, lms, attachments) == wanted and returned.count == len(wanted) and not returned.unplaced


def standing(key: str, source: str, group: str = "", final: float = 10.0, **ids: str) -> Standing:
    question = QuestionResult(id="q1", title="One", score=10, points=20, tests=())
    outcome = Outcome(key=key, status=Status.GRADED, score=10, max_score=20, seed=1, questions=(question,))
    return Standing(Person(key, key, source=source, group=group, ids=ids), outcome, final=final)


def test_blind_marking_keeps_the_participants_number() -> None:
    one = standing("17", "class.zip: Participant_17_assignsubmission_file_/lab.ipynb")
    assert arrived(packed([one], page_of, team_page, "moodle"), "moodle") == {"17": "page of 17"}


@pytest.mark.parametrize("name", ["anon_k3X9_55000_lab", "LATE_anon_k3X9_55000_lab"])
def test_an_anonymous_hand_in_of_canvas_keeps_its_name(name: str) -> None:
    one = standing("k3X9", f"class.zip: {name}.ipynb")
    with zipfile.ZipFile(io.BytesIO(packed([one], page_of, team_page, "canvas").content)) as archive:
        assert archive.namelist() == [f"{name}.html"]


@pytest.mark.parametrize(
    ("lms", "source", "whose"),
    [
        ("canvas", "class.zip: groupa_9007_55001_lab.ipynb", "9007"),
        ("moodle", "class.zip: Group A_31_assignsubmission_file_/lab.ipynb", "31"),
    ],
)
def test_a_team_gets_one_page_for_all_of_it_and_only_if_its_members_stand_alike(
    lms: str, source: str, whose: str
) -> None:
    team = [standing(key, source, "Group A") for key in ("9007", "9014")]
    returned = packed(team, page_of, team_page, lms)
    assert arrived(returned, lms, {"55001": "9007"}) == {whose: "page of Group A"} and "1 teams" in returned.notes[0]
    apart = [team[0], replace(team[1], final=8.0)]
    returned = packed(apart, page_of, team_page, lms)
    assert not returned.count and set(returned.unplaced) == {"9007", "9014"}
    with_excused = [team[0], replace(team[1], final=None, extension=Extension(excused=True))]
    returned = packed(with_excused, page_of, team_page, lms)
    assert not returned.count and set(returned.unplaced) == {"9007"}


@pytest.mark.parametrize(
    ("lms", "source", "page"),
    [
        ("canvas", "class.zip: studentada_9007_55001_work.zip: lab.ipynb", "studentada_9007_55001_work.html"),
        ("canvas", "class.zip: week 3/studentada_LATE_9007_55001_w.tar.gz: a/b_1_2_c.ipynb",
         "studentada_LATE_9007_55001_w.tar.html"),
        ("canvas", "unzipped/studentada_9007_55001_work/my lab/lab.ipynb", "studentada_9007_55001_work.html"),
        ("canvas", "lab_12_34_all.zip: studentada_9007_55001_work.zip: x.zip: 9014_55002_lab.ipynb",
         "studentada_9007_55001_work.html"),
        ("moodle", "c.zip: Ada S_9007_assignsubmission_file/w.zip: Ben T_9014_assignsubmission_file/lab.ipynb",
         "Ada S_9007_assignsubmission_file_feedback.html"),
        ("moodle", "c/Ada S_9007_assignsubmission_file_w.zip: lab.ipynb",
         "Ada S_9007_assignsubmission_file_feedback.html"),
    ],
)  # fmt: skip
def test_what_was_packed_gets_its_page_back_under_the_name_that_the_lms_gave(lms: str, source: str, page: str) -> None:
    """Whatever a student calls what is inside, and whatever the class's archive is called."""
    ids = {"canvas" if lms == "canvas" else "participant": "9007"}
    returned = packed([standing("ada", source, **ids)], page_of, team_page, lms)
    assert arrived(returned, lms, {"55001": "9007"}) == {"9007": "page of ada"} and not returned.unplaced
    with zipfile.ZipFile(io.BytesIO(returned.content)) as archive:
        assert archive.namelist() == [page]


def test_a_page_whose_name_would_bring_it_to_another_is_not_packed() -> None:
    swapped = standing("9014", "class.zip: studentada_9007_55001_lab.ipynb", canvas="9014")
    plain = standing("9021", "class.zip: ada.ipynb", canvas="9021")
    twice = [standing("9028", f"{name}.zip: s_9028_{number}_lab.ipynb") for name, number in (("a", 1), ("b", 2))]
    twice[1] = replace(twice[1], person=replace(twice[1].person, key="b/s", ids={"canvas": "9028"}))
    returned = packed([swapped, plain, *twice], page_of, team_page, "canvas")
    assert arrived(returned, "canvas", {"1": "9028"}) == {"9028": "page of 9028"}
    assert set(returned.unplaced) == {"9014", "9021", "b/s"}


words = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    people=st.dictionaries(st.integers(1, 10**6), st.tuples(words, words), min_size=1, max_size=5), late=st.booleans()
)
def test_whatever_names_people_and_files_have_canvas_brings_each_page_home(people, late: bool) -> None:
    """Also where a name or a file is made of digits and `_`."""
    everybody, attachments = [], {}
    for user, (name, file) in people.items():
        squeezed = re.sub(r"\W", "", name.lower())
        attachments[str(user + 5)] = str(user)
        source = f"class.zip: {squeezed}_{'LATE_' * late}{user}_{user + 5}_{file or 'x'}.ipynb"
        everybody.append(standing(str(user), source))
    returned = packed(everybody, page_of, team_page, "canvas")
    found = arrived(returned, "canvas", attachments)
    assert all(found[whose] == f"page of {whose}" for whose in found)
    assert set(found) | set(returned.unplaced) == {str(user) for user in people}


@settings(max_examples=150, deadline=None)
@given(
    people=st.dictionaries(st.integers(1, 10**6), st.tuples(words, words), min_size=1, max_size=5), flat=st.booleans()
)
def test_whatever_names_people_and_files_have_moodle_brings_each_page_home(people, flat: bool) -> None:
    everybody = [
        standing(
            str(number), f"c.zip: {name.replace('_', ' ')}_{number}_assignsubmission_file_{'' if flat else '/'}{file}"
        )
        for number, (name, file) in people.items()
    ]
    found = arrived(packed(everybody, page_of, team_page, "moodle"), "moodle")
    assert found == {str(number): f"page of {number}" for number in people}
