"""report.html: every student a row, what the class misunderstood, who needs a look; text stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from autograder.record.standing import Seen, Standing, seen
from autograder.record.store import Person, RunInfo
from autograder.report.class_page import class_page, misunderstood
from autograder.results import Outcome, QuestionResult, Status, TestResult

QUESTIONS = (("q1", "Tensors", 2.0), ("q2", "The loop", 3.0))
INFO = RunInfo("Course (example)", "lab", "The lab", 1, "strong", {}, QUESTIONS)
HOSTILE = '<script>alert(1)</script>"\u202egnp.exe & =HYPERLINK("x")'


def outcome(key: str, first: float, second: float, found: str = "Reset is missing.", **more: object) -> Outcome:
    def question(name: str, points: float, share: float, verdict: str | None) -> QuestionResult:
        outcome = "passed" if share == 1 else "failed"
        test = TestResult(
            id=f"test_{name}.py::test_it", question=name, title=f"{name} works", outcome=outcome, share=share,
            found="" if share == 1 else found, verdict=verdict,
        )  # fmt: skip
        return QuestionResult(id=name, title=name, points=points, score=points * share, tests=(test,))

    questions = (question("q1", 2, first, None), question("q2", 3, second, None if second == 1 else "MISSING_ZERO"))
    score = sum(one.score for one in questions)
    made = Outcome(key=key, status=Status.GRADED, score=score, max_score=5, questions=questions)
    return made.model_copy(update=more)


def standing(number: int, made: Outcome | None, name: str = "") -> Standing:
    key = f"s{number}"
    final = made.score if made is not None else None
    return Standing(Person(key, name or f"Student, Ada {number}"), made, final=final, flags=made.flags if made else ())


def rendered(standings: list[Standing]) -> str:
    tests = [test for one in standings if one.outcome is not None for test in seen(one.outcome)]
    return class_page(INFO, standings, tests)


class Text(HTMLParser):
    """The text that a browser shows, and the tags that it meets."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "data", "srcset")]

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.said).split())


@pytest.fixture(scope="module")
def page() -> str:
    graded = [standing(n, outcome(f"s{n}", 1, float(n % 3 > 0))) for n in range(12)]
    broken = Outcome(key="s90", status=Status.NOT_GRADABLE, message="The file is empty.", max_score=5)
    flagged = outcome("s91", 1, 1, flags=("WEIGHTS_ASSIGNED",))
    return rendered([*graded, standing(90, broken), standing(91, flagged), standing(92, None)])


def test_every_student_is_a_row_with_a_link_to_the_page(page: str) -> None:
    read = Text(page)
    assert page.count("<tr data-status") == 15
    assert len(read.links) == 14 + 2 and {"feedback/s90.html", "feedback/s0.html"} <= {*read.links}
    assert "15 students, 13 with a score" in read.words and "not graded yet" in read.words


def test_who_needs_a_look_is_named_with_the_reason(page: str) -> None:
    looks = Text(page.partition('id="looks"')[2].partition("</section>")[0]).words
    assert "Student, Ada 90" in looks and "The file is empty." in looks
    assert "Student, Ada 91" in looks and "WEIGHTS_ASSIGNED" in looks
    assert "Student, Ada 1 " not in looks and "Student, Ada 92" not in looks


def test_what_went_wrong_is_counted_by_students(page: str) -> None:
    told = Text(page.partition('id="misunderstood"')[2].partition("</section>")[0]).words
    assert "4 of 13 q2 Reset is missing. (q2 works; MISSING_ZERO)" in told
    assert "q1 works" not in told


def test_the_sentence_that_most_have_read_stands_for_all() -> None:
    tests = [
        Seen(f"s{n}", "q1", "t", "Title", 1, 0, True, "", "often" if n < 3 else "rare") for n in range(4)
    ]  # one of each
    (only,) = misunderstood([*tests, tests[0]])
    assert (only.sentence, only.students) == ("often", 4)


def test_a_test_that_tells_nobody_apart_is_pointed_at() -> None:
    shares = [(float(n % 2), float(n % 4 < 2)) for n in range(40)]
    told = Text(rendered([standing(n, outcome(f"s{n}", *both)) for n, both in enumerate(shares)])).words
    assert told.count("look whether it is fair") == 2
    shares = [(float(n % 2), float(n % 2)) for n in range(40)]
    told = Text(rendered([standing(n, outcome(f"s{n}", *both)) for n, both in enumerate(shares)])).words
    assert "look whether it is fair" not in told


def test_text_of_others_is_text_and_the_only_script_is_the_one_that_the_policy_names() -> None:
    page = rendered([standing(1, outcome("s1", 0, 0, found=HOSTILE, message=HOSTILE, flags=(HOSTILE[:60],)), HOSTILE)])
    read = Text(page)
    assert read.tags.count("script") == 1 and "\u202e" not in page
    assert "<script>alert(1)</script>" in read.words
    script = re.search(r"<script>(.*)</script>\n</body>", page, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page


def test_nothing_is_fetched_from_anywhere(page: str) -> None:
    assert [link for link in Text(page).links if not link.startswith("feedback/")] == []
    assert "@import" not in page and "url(" not in page


def test_a_class_of_two_thousand_stays_under_three_megabytes() -> None:
    people = [standing(n, outcome(f"s{n}", 1, float(n % 2))) for n in range(2000)]
    assert len(rendered(people).encode()) < 3_000_000


def test_a_class_without_any_score_has_a_page_too() -> None:
    told = Text(rendered([standing(1, None)])).words
    assert "Nobody has a score yet." in told and "Nothing: no hidden test failed." in told
