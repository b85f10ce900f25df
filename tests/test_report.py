"""What a student wrote is shown on a page and never obeyed; what a student must not see is not in any file."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.intake.keys import file_safe
from autograder.record.standing import standing
from autograder.record.store import Person, Record, RunInfo
from autograder.report.feedback import page
from autograder.report.outputs import write_outputs
from autograder.report.results_json import as_text, results_json
from autograder.results import (
    CellRun,
    Outcome,
    QuestionResult,
    Status,
    TestResult,
    Where,
    question_score,
    rounded,
)

INFO = RunInfo("Course", "lab", "The lab", 7, "basic", {}, (("q1", "First", 2.0), ("q2", "Second", 3.0)))
SECRET = "Traceback: expected_value = 4711"
UNSCORED = [Status.NOT_GRADABLE, Status.GRADER_ERROR, Status.MISSING]

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "handler": "<img src=x onerror=alert(1)>",
    "attribute": '" onmouseover="alert(1)" \' onfocus=\'alert(1)',
    "frame": "<iframe src='https://example.edu'></iframe><svg onload=alert(1)>",
    "link": "<a href='javascript:alert(1)'>x</a><base href='//example.edu'><meta http-equiv=refresh content='0'>",
    "leaves-its-element": "</pre></li></title></style></main><script>alert(1)</script>",
    "comment": "<!-- --><![CDATA[ <?php ?>",
    "template": "{{ 7*7 }}{% for x in y %}{# gone #}",
    "entity": "&lt;script&gt;&#0;",
    "escape": "\x1b[31mred\x1b]0;title\x07\x9b2J",
    "bidi": "\u202emarks \u2066lanif\u2069 \u200f",
    "nul": "a\0b\x08\x7f",
    "half-a-character": "\ud800 and \udfff",
    "carriage-return": "99\r100",
}


class Reader(HTMLParser):
    """The page as a browser takes it apart: elements with their attributes, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def words(html: str) -> str:
    return " ".join(read(html.split("</style>")[1]).text.split())


def bars(html: str) -> list[str | None]:
    return [found["style"] for _, found in read(html).elements if "style" in found]


def check(outcome: str = "failed", share: float = 0.0, **more: Any) -> TestResult:
    found: dict[str, Any] = {"id": "test_q1.py::test_a", "question": "q1", "title": "Holds the right value"}
    return TestResult(outcome=outcome, share=share, **{**found, **more})  # type: ignore[arg-type]


def graded(*tests: TestResult, key: str = "ada", **more: Any) -> Outcome:
    """Graded, with these tests in q1 and a passed one in q2."""
    passed = check("passed", 1.0, id="test_q2.py::test_b", question="q2", title="Learns")
    questions = (
        QuestionResult(id="q1", title="First", points=2, score=question_score(2, tests), tests=tests),
        QuestionResult(id="q2", title="Second", points=3, score=3, tests=(passed,)),
    )
    score = rounded(sum(question.score for question in questions))
    found: dict[str, Any] = {"status": Status.GRADED, "score": score, "max_score": 5.0, "questions": questions}
    return Outcome(key=key, **{**found, **more})


def laden(text: str) -> tuple[Person, Outcome]:
    """Somebody who got `text` into every field that a student has a hand in."""
    test = check(found=text, advice=text, where=Where(cell=1, line=2))
    cells = (
        CellRun(number=1, source=f"x = 1\n{text}", error=text, line=2, outputs=({"text": text},)),
        CellRun(number=2, source=text, error=text),
    )
    person = Person(text, text, text, text, text)
    outcome = graded(test, key=text, message=text, notes=(text,), cells=cells, status=Status.PARTIAL, detail=SECRET)
    return person, outcome


def page_of(person: Person, outcome: Outcome) -> str:
    """The page in a run without a late policy."""
    return page(INFO, standing(person, outcome, INFO.policy, {}))


PLAIN_PAGE = [tag for tag, _ in read(page_of(*laden("plain"))).elements]


def show(outcome: Outcome, **person: str) -> str:
    return page_of(Person(outcome.key, **person), outcome)  # type: ignore[arg-type]


def kept(where: Path, *outcomes: Outcome) -> Record:
    record = Record.open(where / "grades.sqlite")
    record.start_run(INFO)
    record.plan([Person(outcome.key, position=place) for place, outcome in enumerate(outcomes)])
    for outcome in outcomes:
        record.save(outcome, b"")
    return record


def files(run: Path) -> dict[str, bytes]:
    found = [path for path in run.rglob("*") if path.is_file() and not path.name.startswith("grades.sqlite")]
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in found}


# The page: what a student wrote


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_adds_no_element_no_attribute_and_no_control_character(text: str) -> None:
    html = page_of(*laden(text))
    reader = read(html)
    assert [tag for tag, _ in reader.elements] == PLAIN_PAGE
    attributes = {name for _, found in reader.elements for name in found}
    assert attributes <= {
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "class",
        "id",
        "aria-hidden",
        "aria-labelledby",
        "dir",
        "style",
    }
    assert not [char for char in html if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char != "\n"]


@settings(max_examples=50, derandomize=True, deadline=None, database=None)
@given(st.text(st.characters() | st.sampled_from("<>&\"'{}%#/=-![]`"), max_size=30))
def test_no_text_whatever_changes_the_pages_structure(text: str) -> None:
    tags = [tag for tag, _ in read(page_of(*laden(f"x{text}x"))).elements]
    free = ("pre", "code")  # a blank line is not quoted; names between backticks are code
    assert [tag for tag in tags if tag not in free] == [tag for tag in PLAIN_PAGE if tag not in free]


def test_names_between_backticks_are_set_as_code_and_stay_escaped() -> None:
    html = show(graded(check(found="No `train<script>` here, and no ` alone, `not\nthis.")))
    assert "No <code>train&lt;script&gt;</code> here, and no ` alone, `not\nthis." in html
    assert "script" not in {tag for tag, _ in read(html).elements}


@pytest.mark.parametrize("name", ["script", "handler", "attribute", "link", "template", "entity"])
def test_hostile_text_is_shown_letter_by_letter(name: str) -> None:
    # In the heading twice, the notes, the finding, the advice, the source line, the reason and two failed cells.
    assert words(page_of(*laden(HOSTILE[name]))).count(" ".join(HOSTILE[name].split())) >= 9


def test_the_page_loads_and_runs_nothing_from_elsewhere() -> None:
    reader = read(show(graded(check())))
    assert not {tag for tag, _ in reader.elements} & {
        "script",
        "img",
        "iframe",
        "link",
        "object",
        "embed",
        "form",
        "base",
    }
    policy = [found.get("content") for _, found in reader.elements if found.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


# The page: what it says


def test_a_finding_is_shown_with_its_advice_its_place_and_the_line_it_is_about() -> None:
    cell = CellRun(number=3, source="a = 1\n    loss.backward()\nb = 2")
    test = check(found="The reset is missing.", advice="Reset before the next cycle.", where=Where(cell=3, line=2))
    text = words(show(graded(test, cells=(cell,))))
    assert "The reset is missing. (cell 3, line 2) loss.backward() Reset before the next cycle." in text


@pytest.mark.parametrize("breaker", ["\f", "\v", "\x1c", "\x85", "\u2028"])
def test_the_quoted_line_is_counted_as_python_counts_lines(breaker: str) -> None:
    cell = CellRun(number=1, source=f"a = 'x{breaker}y'\r\nwanted = 2\nunwanted = 3")
    text = words(show(graded(check(found="F", where=Where(cell=1, line=2)), cells=(cell,))))
    assert "wanted = 2" in text
    assert "unwanted" not in text


@pytest.mark.parametrize("where", [Where(cell=9, line=1), Where(cell=1, line=9), Where(cell=1)])
def test_a_place_that_is_not_in_the_notebook_quotes_nothing(where: Where) -> None:
    html = show(graded(check(found="F", where=where), cells=(CellRun(number=1, source="only_line = 1"),)))
    assert "only_line" not in html
    assert f"({where})" in words(html)


def test_scores_are_plain_numbers() -> None:
    text = words(show(graded(check("partial", 0.333333), check("passed", 1.0))))
    assert "4.33 of 5 points" in text
    assert "q1 · First 1.33 of 2" in text


def test_the_summary_names_the_question_with_most_to_gain() -> None:
    text = words(show(graded(check())))
    assert "1 of 2 questions is complete. Look first at q1, First: 2 points to gain." in text


def test_one_point_to_gain_is_said_in_the_singular() -> None:
    assert "1 point to gain" in words(show(graded(check("partial", 0.5))))


def test_who_has_nothing_complete_is_told_where_to_start_and_nothing_else() -> None:
    empty = QuestionResult(id="q1", title="First", points=2, score=0, tests=(check(),))
    text = words(show(Outcome(key="ada", status=Status.GRADED, score=0, max_score=2, questions=(empty,))))
    assert "Look first at q1, First: 2 points to gain." in text
    assert "complete" not in text


def test_full_marks_are_said_to_be_full() -> None:
    text = words(show(graded(check("passed", 1.0))))
    assert "Every question is complete." in text
    assert "to gain" not in text


@pytest.mark.parametrize("status", UNSCORED)
def test_a_status_without_a_score_has_no_summary(status: Status) -> None:
    text = words(show(graded(check(), status=status, score=None)))
    assert "complete" not in text
    assert "to gain" not in text


def test_a_cell_that_failed_is_shown_with_the_line_it_failed_at() -> None:
    cell = CellRun(number=2, source="first = 1\nprint(frist)", error="NameError: frist", line=2)
    assert "Code cell 2, line 2: NameError: frist print(frist)" in words(show(graded(check(), cells=(cell,))))


@pytest.mark.parametrize(("share", "width"), [(0.0, "0.0%"), (0.5, "50.0%"), (1.0, "100.0%")])
def test_a_questions_bar_is_as_long_as_its_share(share: float, width: str) -> None:
    assert bars(show(graded(check("partial", share)))) == [f"width: {width}", "width: 100.0%"]


def test_a_hidden_test_is_counted_and_not_told() -> None:
    secret = check(title="The secret trap", found="Found it", advice="Avoid it", visibility="hidden")
    html = show(graded(check("passed", 1.0), secret))
    for told in ("The secret trap", "Found it", "Avoid it"):
        assert told not in html
    assert "1 further check counts but is not shown." in words(html)
    two = words(show(graded(check("passed", 1.0), secret, secret)))
    assert "2 further checks count but are not shown." in two


def test_a_hidden_tests_place_quotes_no_line() -> None:
    cell = CellRun(number=1, source="telltale_line = 1")
    html = show(graded(check(visibility="hidden", where=Where(cell=1, line=1)), cells=(cell,)))
    assert "telltale_line" not in html


@pytest.mark.parametrize("visibility", ["visible", "after_published", "after_due_date"])
def test_other_tests_are_told(visibility: str) -> None:
    assert "Holds the right value" in words(show(graded(check(visibility=visibility))))


def test_what_cannot_be_graded_has_its_reason_and_no_score() -> None:
    outcome = Outcome(key="ada", status=Status.NOT_GRADABLE, message="It is no JSON.", max_score=5)
    text = words(show(outcome))
    assert "It is no JSON." in text
    assert "please hand in again" in text
    assert "points" not in text


@pytest.mark.parametrize("status", UNSCORED)
def test_a_status_without_a_score_shows_no_figure_of_any_question(status: Status) -> None:
    outcome = graded(check(found="F"), status=status, score=None)
    html = show(outcome)
    assert not bars(html)
    assert "of 2" not in words(html)
    assert "Holds the right value" not in html


def test_a_fault_of_ours_is_not_explained_to_the_student() -> None:
    outcome = Outcome(key="ada", status=Status.GRADER_ERROR, message="test_q3.py::x raised", max_score=5, detail=SECRET)
    for told in (words(show(outcome)), results_json(outcome)["output"]):
        assert "test_q3.py" not in told
        assert "on our side, not on yours" in told


def test_failed_cells_and_notes_are_listed() -> None:
    cells = (CellRun(number=1, source=""), CellRun(number=4, source="", error="NameError: x", line=3))
    text = words(show(graded(check(), cells=cells, notes=("drive.mount was stood in for.",))))
    assert "Code cell 4, line 3: NameError: x" in text
    assert "Code cell 1" not in text
    assert "drive.mount was stood in for." in text


@pytest.mark.parametrize("status", list(Status))
def test_tracebacks_of_hidden_tests_are_in_no_file(status: Status) -> None:
    outcome = graded(check(detail=SECRET), status=status, detail=SECRET, score=2.0 if status.scored else None)
    assert SECRET not in show(outcome)
    assert SECRET not in as_text(results_json(outcome))


# results/<key>.json


def test_results_have_gradescopes_keys() -> None:
    found = results_json(graded(check(), verdict="CORRECT"))
    assert set(found) == {"score", "output", "output_format", "visibility", "stdout_visibility", "tests", "extra_data"}
    for test in found["tests"]:
        assert set(test) == {
            "score", "max_score", "status", "name", "number", "output", "output_format", "visibility", "extra_data",
        }  # fmt: skip
    assert [(test["number"], test["name"], test["status"]) for test in found["tests"]] == [
        ("1.1", "First: Holds the right value", "failed"),
        ("2.1", "Second: Learns", "passed"),
    ]
    assert (found["extra_data"]["status"], found["extra_data"]["verdict"]) == ("graded", "CORRECT")


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 7)), min_size=1, max_size=6))
def test_the_tests_scores_add_up_to_the_score_within_their_rounding(parts: list[tuple[float, int]]) -> None:
    outcome = graded(*(check("partial", share, weight=weight) for share, weight in parts))
    found = results_json(outcome)
    room = 0.005 * (len(parts) + 2) + 1e-9
    assert found["score"] == outcome.score
    assert abs(sum(test["score"] for test in found["tests"]) - found["score"]) <= room
    assert abs(sum(test["max_score"] for test in found["tests"]) - outcome.max_score) <= room
    assert all(0 <= test["score"] <= test["max_score"] for test in found["tests"])


@pytest.mark.parametrize("status", UNSCORED)
def test_a_status_without_a_score_has_none_anywhere_in_its_results(status: Status) -> None:
    found = results_json(graded(check("passed", 1.0), status=status, score=None, message="Why."))
    assert "score" not in found
    assert found["tests"] == []
    assert found["extra_data"]["message"] == "Why."
    assert "score" not in json.dumps(found["extra_data"]["questions"])


def test_a_hidden_test_is_hidden_on_gradescope_too() -> None:
    found = results_json(graded(check(visibility="hidden"), check(visibility="visible")))
    assert [test["visibility"] for test in found["tests"]] == ["hidden", "visible", "after_published"]


def test_questions_whose_tests_weigh_nothing_are_worth_nothing_and_no_error() -> None:
    found = results_json(graded(check(weight=0)))
    assert (found["tests"][0]["score"], found["tests"][0]["max_score"]) == (0.0, 0.0)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_results_are_valid_json_that_says_what_was_said(text: str) -> None:
    _, outcome = laden(text)
    written = as_text(results_json(outcome)).encode("utf-8", "replace")
    found = json.loads(written)
    assert found["output"].encode("utf-8", "replace") == text.encode("utf-8", "replace")
    assert not [byte for byte in written if byte < 32 and byte != 10]


def test_the_same_outcome_gives_the_same_bytes_whatever_it_cost() -> None:
    one = graded(check(cpu=1.0), cpu={"tests": 1.0}, versions={"torch": "2", "python": "3"})
    other = graded(check(cpu=2.0), cpu={"tests": 2.0}, versions={"python": "3", "torch": "2"})
    assert as_text(results_json(one)) == as_text(results_json(other))
    assert show(one) == show(other)


# A run's folder


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tuple[Path, Record]]:
    keys = ["ada", "ADA", "../../escaped", "Student, Ben", "con", "a/b", "=key"]
    record = kept(tmp_path, *(graded(check(found=f"For {key}"), key=key) for key in keys))
    yield tmp_path, record
    record.close()


def test_every_student_has_files_of_their_own_inside_the_folder(run: tuple[Path, Record]) -> None:
    folder, record = run
    outside = set(folder.parent.iterdir())
    write_outputs(folder, record)
    names = [file_safe(one.key) for one in record.people()]
    assert set(files(folder)) == {
        "problems.csv",
        "scores.csv",
        "report.html",
        *(f"results/{name}.json" for name in names),
        *(f"feedback/{name}.html" for name in names),
    }
    assert set(folder.parent.iterdir()) == outside
    for one in record.people():
        assert f"For {one.key}" in (folder / "feedback" / f"{file_safe(one.key)}.html").read_text()
        assert f"For {one.key}" in (folder / "results" / f"{file_safe(one.key)}.json").read_text()


def test_the_record_alone_gives_every_file_again_byte_by_byte(run: tuple[Path, Record]) -> None:
    folder, record = run
    write_outputs(folder, record)
    first = files(folder)
    for name in first:
        (folder / name).unlink()
    again = Record.open(folder / "grades.sqlite", create=False)
    write_outputs(folder, again)
    again.close()
    assert files(folder) == first


@pytest.mark.parametrize("text", [text for name, text in HOSTILE.items() if name != "half-a-character"])
def test_a_run_with_hostile_text_in_it_is_written_to_the_end(tmp_path: Path, text: str) -> None:
    person, outcome = laden(text)
    record = kept(tmp_path, outcome, graded(check(), key="ben"))
    record.plan([person])
    write_outputs(tmp_path, record)
    record.close()
    assert {"feedback/ben.html", "results/ben.json", "scores.csv", "problems.csv"} < set(files(tmp_path))
    assert len(files(tmp_path)) == 7


def test_who_has_no_outcome_yet_has_a_row_and_no_page(tmp_path: Path) -> None:
    record = kept(tmp_path, graded(check()))
    record.plan([Person("ben", position=1)])
    write_outputs(tmp_path, record)
    record.close()
    assert set(files(tmp_path)) == {
        "scores.csv",
        "problems.csv",
        "report.html",
        "results/ada.json",
        "feedback/ada.html",
    }
    assert [line.split(",")[0] for line in (tmp_path / "scores.csv").read_text().splitlines()] == [
        "student",
        "ada",
        "ben",
    ]
