"""The files of a run beside its record: scores, pages, results, problems, regrades; by pseudonym in an anonymous run.

Called by `running` whenever something in the record has changed. In an anonymous run whatever says who somebody is lies
in one folder, `names/`, that the owner alone may open: the list of pseudonyms, and the problems as a TA needs them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from autograder.engine.planning import Plan
from autograder.engine.problems import looked, problems, write_problems
from autograder.engine.regrading import write_regrades
from autograder.gradebook.scores import for_people, write_whole
from autograder.intake.submissions import Collected, file_safe
from autograder.people.findings import Finding
from autograder.record.anonymity import naming, pseudonym, public_standings, secret
from autograder.record.findings import findings, keep_findings
from autograder.record.history import Regrade, regrades
from autograder.record.standing import standings
from autograder.record.store import Record
from autograder.report.rerender import write_all

PROBLEMS = "problems.csv"
NAMES = "names"
ELSEWHERE = f"see {NAMES}/{PROBLEMS}"


def write_outputs(run: Path, record: Record) -> None:
    """Everything that can be made from the record alone."""
    take_away(run, record)
    write_all(run, record)
    write_regrades(run, shown_regrades(record))
    if record.info().anonymous:
        _write_names(run, record)
    _write_problems(run, record)


def write_class(run: Path, record: Record, collected: Collected, plan: Plan, paths: Sequence[Path] = ()) -> None:
    """Everything, with what the hand-ins at `paths` and the class list brought up."""
    keep_findings(record, looked(collected, plan, standings(record, with_tests=False), paths))
    write_outputs(run, record)


def _write_problems(run: Path, record: Record) -> None:
    found = findings(record)
    who, marks, files = problems(found[0], public_standings(record, with_tests=False), found[1])
    if record.info().anonymous:
        whole = problems(found[0], standings(record, with_tests=False), found[1])
        write_problems(run / NAMES / PROBLEMS, [one for part in whole for one in part])
        (run / NAMES / PROBLEMS).chmod(0o600)
        who, files = list(_unnamed(who, naming(record), record)), list(_unnamed(files, naming(record), record))
    write_problems(run / PROBLEMS, [*who, *marks, *files])


def shown_regrades(record: Record, since: int = 0) -> list[Regrade]:
    """The notes on scores that changed, as outputs may show them."""
    name_of = naming(record)
    return [Regrade(name_of(one.key), one.at, one.was, one.now, one.why) for one in regrades(record, since)]


def remove_pages(run: Path, names: Collection[str]) -> None:
    """Take away page and results of students by what the run's outputs call them."""
    for name in names:
        for folder, ending in (("feedback", "html"), ("results", "json")):
            (run / folder / f"{file_safe(name)}.{ending}").unlink(missing_ok=True)


def take_away(run: Path, record: Record) -> None:
    """Remove what an earlier call wrote under the other names: real ones, or pseudonyms."""
    keys = [one.key for one in record.planned()]
    names = run / NAMES
    if record.info().anonymous:
        remove_pages(run, keys)
    elif names.is_dir():
        key_of_keys = secret()
        remove_pages(run, [pseudonym(key, key_of_keys) for key in keys])
        for path in names.iterdir():
            path.unlink()
        names.rmdir()


def _unnamed(findings: Iterable[Finding], name_of: Callable[[str], str], record: Record) -> Iterator[Finding]:
    """What may be said of findings whose text names people or their files: of what kind, and where it stands."""
    keys = {one.key for one in record.planned()}
    for one in findings:
        student = name_of(one.student) if one.student in keys else ""
        yield Finding(one.kind, student, "", ELSEWHERE, ELSEWHERE if one.to_do != "nothing" else one.to_do)


def _write_names(run: Path, record: Record) -> None:
    folder, name_of = run / NAMES, naming(record)
    folder.mkdir(mode=0o700, exist_ok=True)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["pseudonym", "student", "name", "email", "submission"])
    for one in record.planned():
        row = (name_of(one.key), one.key, one.name, one.email, one.filename)
        writer.writerow([for_people(cell) for cell in row])
    write_whole(folder / "students.csv", file.getvalue().encode("utf-8", "replace"))
    (folder / "students.csv").chmod(0o600)
