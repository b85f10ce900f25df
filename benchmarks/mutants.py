"""Puts known wrong turns into the code that decides marks, one at a time, and says which of them no test notices.

    python benchmarks/mutants.py [WORD]...      those whose sentence has one of the words; all without

Each is a mutant that once survived, or that would cost somebody marks without a sound. They are applied to a copy; a
mutant whose text is not in its file any more is told, so that the list keeps up with the code. Exits with 1 if one
survives. For a search of all modules there is mutmut (`pip install mutmut`), whose survivors belong into this list
together with the test that kills them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("autograder", "tests", "assignments", "solutions", "pyproject.toml", "grading.yml", "README.md", "docs")


@dataclass(frozen=True)
class Mutant:
    """`old` stands in `file` once and becomes `new`; `tests` are pytest's arguments for those that must notice."""

    what: str
    file: str
    old: str
    new: str
    tests: str


MUTANTS = (
    Mutant(
        "equal to the nearest point: a grade that moves from 17.6 to 18.2 is never written",
        "autograder/gradebook/grades.py",
        "rounded(left) == rounded(right)",
        "rounded(left, 0) == rounded(right, 0)",
        "tests/test_ownership.py -k moves_by_less",
    ),
    Mutant(
        "over the maximum only from twice the points on",
        "autograder/gradebook/export.py",
        "if points > most:",
        "if points > 2 * most:",
        "tests/lms/test_wrong_files.py -k not_a_cent_more",
    ),
    Mutant(
        "a grade is erased though its row is locked",
        "autograder/gradebook/export.py",
        "elif erase and _void(one) and not why and not",
        "elif erase and _void(one) and not",
        "tests/lms/test_gradebooks.py -k locked_row",
    ),
    Mutant(
        "a grade is erased for a fault of ours",
        "autograder/gradebook/export.py",
        "elif erase and _void(one) and not why",
        "elif erase and not why",
        "tests/lms/test_gradebooks.py -k never_for_our_fault",
    ),
    Mutant(
        "a question without weights earns full points",
        "autograder/results.py",
        "    if not total:\n        return 0.0",
        "    if not total:\n        return points",
        "tests/test_points.py",
    ),
    Mutant(
        "MOST = 0: a few numbers that by chance are keys bring hand-ins to strangers",
        "autograder/people/matching.py",
        "MOST = 0.5",
        "MOST = 0",
        "tests/test_roster_matching.py -k by_chance",
    ),
    Mutant(
        "user names in Brightspace's folders are taken for ids",
        "autograder/people/matching.py",
        "if as_ids >= LEAST and not as_user_names:",
        "if as_ids >= LEAST:",
        "tests/test_roster_matching.py -k brightspace",
    ),
    Mutant(
        "what somebody gave by hand is replaced",
        "autograder/gradebook/export.py",
        "if theirs and not asked and not self.overwrite:",
        "if False:",
        "tests/test_ownership.py -k by_hand",
    ),
    Mutant(
        "what somebody gave by hand is replaced by a push",
        "autograder/gradebook/grades.py",
        "    return False\n\n\ndef alike",
        "    return True\n\n\ndef alike",
        "tests/test_ownership.py -k rule",
    ),
    Mutant(
        "a loss that leads away is told as another loss, not as the wrong direction",
        "autograder/loop/decision.py",
        "all(proof.against or (",
        "all(proof.against and (",
        "tests/test_decision.py -k another_loss",
    ),
    Mutant(
        "what was learned is asked without the number of passes",
        "autograder/loop/decision.py",
        "read(evidence.ledger, Facts(evidence.examples, evidence.epochs,",
        "read(evidence.ledger, Facts(evidence.examples, None,",
        "tests/test_decision.py -k last_pass",
    ),
    Mutant(
        "an id counts only if its letter case is the same",
        "autograder/gradebook/joining.py",
        "    exact = frame[",
        "    return frame.assign(folded=False)\n    exact = frame[",
        "tests/lms/test_joining.py",
    ),
    Mutant(
        "a key that is an id of another sort by chance gives a row",
        "autograder/gradebook/joining.py",
        "    generic = found[",
        "    return found\n    generic = found[",
        "tests/lms/test_joining.py",
    ),
    Mutant(
        "the strongest id does not come first",
        "autograder/gradebook/joining.py",
        '    return found.sort_values(["bare", "strength", "folded", "row"], kind="stable")',
        "    return found",
        "tests/lms/test_joining.py",
    ),
    Mutant(
        "a weaker id that says otherwise is not told, and lost zeros are not refused",
        "autograder/gradebook/joining.py",
        "    headers = {place:",
        "    return Joined(row_of, ())\n    headers = {place:",
        "tests/lms/test_wrong_files.py -k strongest",
    ),
    Mutant(
        "an export does not say which scores it sent",
        "autograder/gradebook/export.py",
        "    notes = []\n    if filled.comma",
        "    return []\n    notes = []\n    if filled.comma",
        "tests/lms/test_gradebooks.py -k which_score",
    ),
    Mutant(
        "excused students are counted twice",
        "autograder/gradebook/export.py",
        "filled.excused += 1",
        "filled.excused += 2",
        "tests/lms/test_gradebooks.py -k counted",
    ),
    Mutant(
        "grades that are there already are counted twice",
        "autograder/gradebook/export.py",
        "self.filled.same += 1",
        "self.filled.same += 2",
        "tests/lms/test_gradebooks.py -k counted",
    ),
    Mutant(
        "how many stand how is counted without the missing",
        "autograder/gradebook/export.py",
        "for one in people)\n    filled.notes",
        "for one in people if one.score is not None)\n    filled.notes",
        "tests/lms/test_gradebooks.py -k counted",
    ),
    Mutant(
        "points set by hand for one student undo those of another",
        "autograder/record/adjustments.py",
        "and_(AdjustmentRow.submission == key, ",
        "and_(",
        "tests/test_adjustments.py -k set_again",
    ),
)


def killed(mutant: Mutant, copy: Path) -> bool | None:
    """Whether its tests fail with it; None where its text is not there once."""
    path = copy / mutant.file
    before = path.read_text(encoding="utf-8")
    if before.count(mutant.old) != 1:
        return None
    path.write_text(before.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        return pytest(mutant.tests, copy) == 1
    finally:
        path.write_text(before, encoding="utf-8")


def pytest(arguments: str, folder: Path) -> int:
    """pytest's exit code with the copy's code: 0 all passed, 1 some failed."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments.split()]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False).returncode


def main(words: list[str]) -> int:
    chosen = [one for one in MUTANTS if not words or any(word in one.what for word in words)]
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
        for one in chosen:
            found = killed(one, copy)
            sound = found is not None and pytest(one.tests, copy) == 0
            said = {True: "killed", False: "SURVIVES", None: "not in the code any more"}[found]
            said = said if sound or not found else "its tests fail without it"
            bad += not (found and sound)
            print(f"{said}: {one.what} ({one.file})", flush=True)
    return int(bool(bad))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
