"""The files of a run beside its record: scores, pages, results, problems, regrades; by pseudonym in an anonymous run.

Made anew from the record alone whenever something in it has changed. In an anonymous run whatever says who somebody is
lies in one folder, `names/`, that the owner alone may open: the pseudonyms, and the problems as a TA needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from autograder.gradebook.writing import write_table, write_whole
from autograder.intake.keys import file_safe
from autograder.people.findings import Finding
from autograder.record.adjustments import adjustments
from autograder.record.anonymity import Overview, overview, pseudonym, secret
from autograder.record.findings import findings
from autograder.record.standing import Seen, seen
from autograder.record.store import Record
from autograder.report.class_page import class_page
from autograder.report.feedback import page
from autograder.report.problems import problems, write_problems
from autograder.report.regrades import shown_regrades, write_regrades
from autograder.report.results_json import as_text, results_json
from autograder.report.scores import write_scores

PROBLEMS = "problems.csv"
CLASS_PAGE = "report.html"
NAMES = "names"
ELSEWHERE = f"see {NAMES}/{PROBLEMS}"


def write_outputs(run: Path, record: Record) -> Overview:
    """Everything that can be made from the record; what it was made from."""
    view = overview(record)
    take_away(run, view)
    tests: list[Seen] = []
    write_students(run, record, view, tests=tests)
    view = replace(view, tests=tuple(tests))
    write_scores(run / "scores.csv", view)
    write_whole(run / CLASS_PAGE, class_page(view.info, view.shown, view.tests).encode("utf-8", "replace"))
    write_regrades(run, shown_regrades(record, view.name_of))
    if view.info.anonymous:
        _write_names(run, view)
    _write_problems(run, record, view)
    return view


def write_students(
    run: Path, record: Record, view: Overview, only: Collection[str] | None = None, tests: list[Seen] | None = None
) -> list[Path]:
    """results/<key>.json and feedback/<key>.html of who has an outcome, or of the keys in `only`; the paths.

    What their tests found is added to `tests`, for figures of the class.
    """
    by_hand = adjustments(record)
    written = []
    for stands in view.standings:
        key = stands.person.key
        if stands.outcome is None or (only is not None and key not in only):
            continue
        whole = record.outcome(key)  # one at a time: a class's executed notebooks can be gigabytes
        assert whole is not None
        one = view.show(replace(stands, outcome=whole))
        assert one.outcome is not None
        if tests is not None:
            tests += seen(one.outcome)
        name = file_safe(one.person.key)
        results, html = run / "results" / f"{name}.json", run / "feedback" / f"{name}.html"
        write_whole(results, as_text(results_json(one.outcome, one, by_hand.get(key, ()))).encode("utf-8", "replace"))
        write_whole(html, page(view.info, one).encode("utf-8", "replace"))
        written += [html, results]
    return written


def remove_pages(run: Path, names: Collection[str]) -> None:
    """Take away page and results of students by what the run's outputs call them."""
    for name in names:
        for folder, ending in (("feedback", "html"), ("results", "json")):
            (run / folder / f"{file_safe(name)}.{ending}").unlink(missing_ok=True)


def take_away(run: Path, view: Overview) -> None:
    """Remove what an earlier call wrote under the other names: real ones, or pseudonyms."""
    keys = [one.person.key for one in view.standings]
    names = run / NAMES
    if view.info.anonymous:
        remove_pages(run, keys)
    elif names.is_dir():
        key_of_keys = secret()
        remove_pages(run, [pseudonym(key, key_of_keys) for key in keys])
        for path in names.iterdir():
            path.unlink()
        names.rmdir()


def _write_problems(run: Path, record: Record, view: Overview) -> None:
    people, files = findings(record)
    who, marks, left = problems(people, view.shown, files)
    if view.info.anonymous:
        whole = problems(people, view.standings, files)
        write_problems(run / NAMES / PROBLEMS, [one for part in whole for one in part])
        (run / NAMES / PROBLEMS).chmod(0o600)
        keys = {one.person.key for one in view.standings}
        who, left = (list(_unnamed(part, view.name_of, keys)) for part in (who, left))
    write_problems(run / PROBLEMS, [*who, *marks, *left])


def _unnamed(findings: Iterable[Finding], name_of: Callable[[str], str], keys: Collection[str]) -> Iterator[Finding]:
    """What may be said of findings whose text names people or their files: of what kind, and where it stands."""
    for one in findings:
        student = name_of(one.student) if one.student in keys else ""
        yield Finding(one.kind, student, "", ELSEWHERE, ELSEWHERE if one.to_do != "nothing" else one.to_do)


def _write_names(run: Path, view: Overview) -> None:
    folder = run / NAMES
    folder.mkdir(mode=0o700, exist_ok=True)
    people = [one.person for one in view.standings]
    rows = ([view.name_of(one.key), one.key, one.name, one.email, one.filename] for one in people)
    write_table(folder / "students.csv", ["pseudonym", "student", "name", "email", "submission"], rows)
    (folder / "students.csv").chmod(0o600)
