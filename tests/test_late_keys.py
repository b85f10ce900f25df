"""The keys of late work in grading.yml: each reaches its model, and a slip is told with its line and what is meant."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from autograder.course import Course, CourseError, load_course
from autograder.course.late import Span

GOOD = """\
course: Example
seed: 7
timezone: Europe/Berlin
assignments:
  lab:
    title: The lab
    notebook: lab.ipynb
    attempts: best
    late:
      due: 2026-11-20 23:59
      grace: 15 min
      percent: 10
      per: day
      of: possible
      cap: 50
      floor: 20
      cutoff: 1 week
      deducted_by: autograder
    extensions:
      "007":
        extra: 36 hours
        why: Illness
      ada:
        due: 2026-12-01T12:00+01:00
        handed_in: 2026-11-30 12:00:30
      ben: {excused: true}
    gradebook:
      column: The lab (real)
      places: 1
      missing: zero
      canvas:
        url: https://canvas.example.edu
        course: 7
        assignment: 12
    questions:
      q1:
        title: First
        points: 2
        names: [alpha]
"""


def course_in(folder: Path, text: str = GOOD) -> Course:
    (folder / "grading.yml").write_text(text)
    return load_course(folder)


def test_every_key_reaches_the_policy_that_the_record_keeps(tmp_path: Path) -> None:
    course = course_in(tmp_path)
    lab = course.assignment()
    policy = course.policy(lab)
    assert (lab.attempts, policy.timezone) == ("best", "Europe/Berlin")
    late = policy.late
    assert late is not None
    assert (late.due, late.grace) == (datetime(2026, 11, 20, 23, 59), Span(0, timedelta(minutes=15)))
    assert (late.percent, late.points, late.per, late.of) == (10, None, "day", "possible")
    assert (late.cap, late.floor, late.cutoff, late.deducted_by) == (50, 20, Span(7), "autograder")
    assert policy.extensions["007"].extra == Span(0, timedelta(hours=36))
    assert policy.extensions["ada"].due == datetime.fromisoformat("2026-12-01T12:00+01:00")
    assert policy.extensions["ada"].handed_in == datetime(2026, 11, 30, 12, 0, 30)
    assert policy.extensions["ben"].excused
    gradebook = policy.gradebook
    assert (gradebook.column, gradebook.places, gradebook.missing) == ("The lab (real)", 1, "zero")
    assert gradebook.canvas is not None
    assert (gradebook.canvas.course, gradebook.canvas.assignment) == (7, 12)


def test_without_these_keys_nothing_is_late_and_the_newest_attempt_counts(tmp_path: Path) -> None:
    bare = re.sub(r"    (late|extensions|gradebook):\n(      .*\n)+|    attempts.*\n|timezone.*\n", "", GOOD)
    course = course_in(tmp_path, bare)
    lab = course.assignment()
    assert (course.timezone, lab.attempts, lab.late, lab.extensions) == ("UTC", "newest", None, {})
    assert (lab.gradebook.missing, lab.gradebook.places) == ("blank", 2)


DATE = 'expected a date and time such as "2026-11-20 23:59", found'
SPAN = 'expected a time such as "15 min", "2 hours" or "3 days", found'
LATE = "assignments.lab.late"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("Europe/Berlin", "Europe/Berln", 3, 'timezone: there is no time zone "Europe/Berln"; write one such as'),
        ("Europe/Berlin", "../etc/passwd", 3, 'there is no time zone "../etc/passwd"'),
        ("Europe/Berlin", "1", 3, "timezone: expected text, found 1"),
        ("attempts: best", "attempts: bst", 8, "expected 'newest', 'best' or 'first', found the text \"bst\"; did you"),
        ("due: 2026-11-20 23:59", "due: 20.11.2026 23:59", 10, f'{LATE}.due: {DATE} "20.11.2026 23:59"'),
        ("due: 2026-11-20 23:59", "due: 2026-11-20", 10, f'{DATE} "2026-11-20"'),  # at its beginning, or its end?
        ("due: 2026-11-20 23:59", "due: 2026-02-30 23:59", 10, f'{DATE} "2026-02-30 23:59"'),
        ("due: 2026-11-20 23:59", "due: 0026-11-20 23:59", 10, f'{DATE} "0026-11-20 23:59"'),
        ("due: 2026-11-20 23:59", "due:", 10, f"{DATE} nothing"),
        ("due: 2026-11-20 23:59", "due: 2026-03-29 02:30", 10,
         f"{LATE}.due: the clocks of Europe/Berlin skip 2026-03-29 02:30; choose another time"),
        ("due: 2026-11-20 23:59", "due: 2026-10-25 02:30", 10,
         f"{LATE}.due: the clocks of Europe/Berlin show 2026-10-25 02:30 twice; write it with its offset: +0200"),
        ("      due: 2026-11-20 23:59\n", "", 9, f'missing key "due" in {LATE} (due date and time'),
        ("grace: 15 min", "grace: 15", 11, f'{LATE}.grace: {SPAN} "15"'),
        ("grace: 15 min", "grace: 15 minuts", 11, f'{SPAN} "15 minuts"'),
        ("grace: 15 min", "grace: -15 min", 11, f'{SPAN} "-15 min"'),
        ("grace: 15 min", "grace: 2 weeks", 17, f'{LATE}.cutoff: "cutoff" is shorter than "grace"'),
        ("cutoff: 1 week", "cutoff: 9999 weeks", 17, f'{LATE}.cutoff: "9999 weeks" is too long a time'),
        ("percent: 10", "percent: 0", 12, f"{LATE}.percent: expected a number above 0, found 0"),
        ("percent: 10", "percent: 101", 12, "expected a number of at most 100, found 101"),
        ("percent: 10", "percent: 10%", 12, f'{LATE}.percent: expected a number, found the text "10%"'),
        ("percent: 10", "points: -1", 12, f"{LATE}.points: expected a number above 0, found -1"),
        ("percent: 10", "percent: 10\n      points: 1", 13, f'{LATE}.points: give "percent" or "points", not both'),
        ("      percent: 10\n", "", 14, f'{LATE}.cap: "cap" needs "percent" or "points"'),
        ("cap: 50", "cap: 150", 15, f"{LATE}.cap: expected at most 100 percent, found 150"),
        ("per: day", "per: week", 13, f"{LATE}.per: expected 'day' or 'hour', found the text \"week\""),
        ("of: possible", "of: all", 14, f"{LATE}.of: expected 'possible' or 'score', found the text \"all\""),
        ("floor: 20", "floor: -1", 16, f"{LATE}.floor: expected a number of at least 0, found -1"),
        ("deducted_by: autograder", "deducted_by: canvas", 18, f"{LATE}.deducted_by: expected 'autograder' or 'lms'"),
        ("grace: 15 min", "grase: 15 min", 11, f'unknown key "grase" in {LATE}; did you mean "grace"?'),
        ('"007"', "007", 20, 'expected text as a key, found 007; put it in quotes: "..."'),
        ("extra: 36 hours", "extra: long", 21, f'assignments.lab.extensions.007.extra: {SPAN} "long"'),
        ("extra: 36 hours", "extra: 36 hours\n        due: 2026-12-01 12:00", 21,
         'assignments.lab.extensions.007.extra: give "due" or "extra", not both'),
        ("due: 2026-12-01T12:00+01:00", "due: soon", 24, f'assignments.lab.extensions.ada.due: {DATE} "soon"'),
        ("handed_in: 2026-11-30 12:00:30", "handed_in: 2026-10-25 02:00", 25, "show 2026-10-25 02:00 twice"),
        ("{excused: true}", "{excused: yes}", 26, 'ben.excused: expected true or false, found the text "yes"'),
        ("{excused: true}", "{excusd: true}", 26, 'did you mean "excused"?'),
        ("places: 1", "places: 3", 29, "gradebook.places: expected a number of at most 2, found 3"),
        ("missing: zero", "missing: zeros", 30, "gradebook.missing: expected 'blank' or 'zero'"),
        ("column: The lab (real)", "column: ''", 28, "gradebook.column: expected a text that is not blank"),
        ("course: 7", "course: '7'", 33, 'gradebook.canvas.course: expected a whole number, found the text "7"'),
        ("assignment: 12", "assignment: 0", 34, "gradebook.canvas.assignment: expected a number above 0, found 0"),
        ("course: 7", "course: 7\n        token: secret", 34, 'unknown key "token" in assignments.lab.gradebook'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_at_its_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(CourseError) as raised:
        course_in(tmp_path, GOOD.replace(old, new))
    faults = str(raised.value).splitlines()
    assert re.match(rf"grading\.yml, line {line}\b", faults[0])
    assert said in faults[0]
    assert len(faults) == 1, "one slip, one fault"


def test_an_extension_of_an_assignment_that_is_never_due_is_refused(tmp_path: Path) -> None:
    never_due = re.sub(r"    late:\n(      .*\n)+", "", GOOD)
    with pytest.raises(CourseError, match=r'line 11: .*extensions\.007\.extra: .* no "late" .* that it could change'):
        course_in(tmp_path, never_due)
