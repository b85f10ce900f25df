"""A run that dies at any step is taken up by the same command: nothing is lost, nothing is graded twice."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path

import killing
import psutil
import pytest
from attacks.cases import RIGHT, WRONG
from attacks.suite import course_in
from conftest import notebook_bytes
from dying.sitecustomize import STEPS, arm

SOURCES = {"ada": (RIGHT, "4"), "ben": (WRONG, "0"), "cem": ("answer = 42\ndouble = 1", "2"), "dot": (RIGHT, "4")}


@pytest.fixture
def class_(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A class of four, its course, and where the run goes."""
    course = course_in(tmp_path / "course")
    folder = tmp_path / "class"
    folder.mkdir()
    for key, (source, _) in SOURCES.items():
        (folder / f"{key}.ipynb").write_bytes(notebook_bytes(source))
    return folder, course, tmp_path / "run"


# Opening the record, planning the class, judging somebody, saving, writing files; benchmarks/crashes.py has every step
KILLED_AT = ("record opened", "planned", "session given", "saved:2", "before files")


def test_a_run_killed_at_each_kind_of_step_ends_as_if_nothing_had_been(class_: tuple[Path, Path, Path]) -> None:
    folder, course, out = class_
    before: dict[str, tuple[str, str]] = {}
    for step in KILLED_AT:
        run = killing.start(killing.command(folder, course, out), killing.dies_at(step))
        output, _ = run.communicate(timeout=120)
        assert run.returncode == -signal.SIGKILL, f"{step}: {output}"
        now = killing.graded(out)
        assert before.items() <= now.items(), f"{step}: an outcome was lost, or graded again"
        before = now
    last = killing.start(killing.command(folder, course, out))
    output, _ = last.communicate(timeout=120)
    assert last.returncode == 0, output
    assert killing.graded(out) == before, "after the last failpoint nothing was left to grade"
    found = {key: float(row[row_at(out)]) for key, row in killing.scores(out).items()}
    assert found == {key: float(score) for key, (_, score) in SOURCES.items()}
    assert not killing.left_over(out)


def test_every_step_at_which_a_run_may_be_killed_is_a_function_of_the_program() -> None:
    found: list[str] = []
    for step in STEPS:
        arm(step, put=lambda owner, name, call: found.append(f"{owner.__name__}.{call.__wrapped__.__name__}"))
    assert len(found) == len(STEPS) and set(KILLED_AT) <= {*STEPS, "saved:2"}


def row_at(out: Path) -> int:
    header = (out / "scores.csv").read_text(encoding="utf-8-sig").splitlines()[0].split(",")
    return [name for name in header if name not in ("message", "flags")].index("score")


def waiting_class(folder: Path, count: int) -> None:
    """Notebooks that take a while, so that there is something to kill."""
    for number in range(count):
        source = f"import time\ntime.sleep(0.8)\n{RIGHT}"
        (folder / f"slow{number}.ipynb").write_bytes(notebook_bytes(source))


@pytest.mark.parametrize("kind", ["judge", "zygote", "student"])
def test_a_helper_that_is_killed_costs_nobody_anything(class_: tuple[Path, Path, Path], kind: str) -> None:
    folder, course, out = class_
    waiting_class(folder, 3)
    run = killing.start(killing.command(folder, course, out, "--workers", "2"))
    killing.until(run, lambda: killing.graded(out) and killing.processes_of(run.pid, "student"))
    for process in killing.processes_of(run.pid, kind):
        process.kill()
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 0, output
    at = row_at(out)
    found = {key: float(row[at]) for key, row in killing.scores(out).items()}
    expected = {key: float(score) for key, (_, score) in SOURCES.items()} | {
        f"slow{number}": 4.0 for number in range(3)
    }
    assert found == expected, output
    assert not killing.left_over(out)


def test_a_process_that_is_killed_while_it_answers_a_test_costs_no_mark(class_: tuple[Path, Path, Path]) -> None:
    folder, course, out = class_
    slow = "import time\nanswer = 42\ndef double(x):\n    time.sleep(0.4)\n    return 2 * x"
    (folder / "slow.ipynb").write_bytes(notebook_bytes(slow))
    run = killing.start(killing.command(folder, course, out, "--workers", "1"))
    seen: dict[int, float] = {}

    def killed() -> bool:
        for session in killing.processes_of(run.pid, "student") if killing.graded(out) else []:
            with contextlib.suppress(psutil.NoSuchProcess):
                for answering in session.children():
                    since = seen.setdefault(answering.pid, time.monotonic())
                    if time.monotonic() > since + 0.2:  # busy with the slow question
                        answering.kill()
                        return True
        return False

    killing.until(run, killed)
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 0, output
    assert float(killing.scores(out)["slow"][row_at(out)]) == 4.0, output


@pytest.mark.parametrize("kind", ["judge", "zygote"])
def test_a_helper_that_is_killed_while_it_starts_is_started_again(class_: tuple[Path, Path, Path], kind: str) -> None:
    folder, course, out = class_
    run = killing.start(killing.command(folder, course, out))
    killing.until(run, lambda: killing.starting(run.pid, kind))[0].kill()
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 0, output
    assert len(killing.graded(out)) == len(SOURCES) and not killing.left_over(out)


def test_ctrl_c_finishes_what_runs_and_the_same_command_goes_on(class_: tuple[Path, Path, Path]) -> None:
    folder, course, out = class_
    waiting_class(folder, 4)
    run = killing.start(killing.command(folder, course, out, "--workers", "1"))
    killing.until(run, lambda: killing.graded(out))
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 1 and "Stopped as you asked" in output and "Traceback" not in output
    assert 0 < len(killing.graded(out)) < 8
    again = killing.start(killing.command(folder, course, out))
    assert again.wait(timeout=120) == 0
    assert len(killing.graded(out)) == 8 and not killing.left_over(out)


def test_ctrl_c_twice_stops_at_once_and_loses_nothing(class_: tuple[Path, Path, Path]) -> None:
    folder, course, out = class_
    (folder / "zed.ipynb").write_bytes(notebook_bytes(*["import time\ntime.sleep(2.5)"] * 2, RIGHT))
    run = killing.start(killing.command(folder, course, out, "--workers", "1"))
    killing.until(run, lambda: len(killing.graded(out)) == len(SOURCES))  # now the slow one runs
    done = killing.graded(out)
    run.send_signal(signal.SIGINT)
    assert run.stdout is not None
    while "Ctrl-C again" not in run.stdout.readline():
        assert run.poll() is None
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode not in (0, 1) and "Traceback" not in output, output
    assert killing.graded(out) == done and not killing.left_over(out)
    again = killing.start(killing.command(folder, course, out))
    output, _ = again.communicate(timeout=120)
    assert again.returncode == 0 and len(killing.graded(out)) == len(SOURCES) + 1, output


def test_a_second_run_into_the_same_folder_is_refused(class_: tuple[Path, Path, Path]) -> None:
    folder, course, out = class_
    waiting_class(folder, 2)
    first = killing.start(killing.command(folder, course, out))
    killing.until(first, (out / "grades.sqlite").is_file)
    second = killing.start(killing.command(folder, course, out))
    output, _ = second.communicate(timeout=60)
    assert second.returncode != 0 and "Traceback" not in output and str(out.name) in output.replace("\n", "")
    assert first.wait(timeout=120) == 0


def test_a_full_disk_is_told_and_the_run_goes_on_later(class_: tuple[Path, Path, Path]) -> None:
    folder, course, out = class_
    for key in SOURCES:  # with pictures, as real ones are
        cells = (SOURCES[key][0], "# " + "picture " * 40_000)
        (folder / f"{key}.ipynb").write_bytes(notebook_bytes(*cells))
    words = killing.command(folder, course, out)
    small = ["sh", "-c", 'ulimit -f 1400; exec "$@"', "sh", *words]  # blocks of 512 bytes: too few for four of them
    run = killing.start(small)
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 1 and "Traceback" not in output, output
    assert "make room" in " ".join(output.split())
    again = killing.start(words)
    output, _ = again.communicate(timeout=120)
    assert again.returncode == 0, output
    assert len(killing.graded(out)) == 4 and not killing.left_over(out)


def test_a_submission_that_takes_the_judge_down_twice_is_set_aside(class_: tuple[Path, Path, Path]) -> None:
    folder, course, out = class_
    grader = course / "tests/graders/tiny/test_q1.py"
    deadly = "    if value(answer) == 13:\n        os.kill(os.getppid(), 9)  # the judge itself\n    check("
    grader.write_text("import os\n" + grader.read_text().replace("    check(", deadly, 1))
    (folder / "poison.ipynb").write_bytes(notebook_bytes("answer = 13\ndef double(x): return 2 * x"))
    run = killing.start(killing.command(folder, course, out, "--workers", "2"))
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 1, output
    at = row_at(out)
    found = {key: row[at] for key, row in killing.scores(out).items()}
    assert found.pop("poison") == "" and killing.graded(out)["poison"][0] == "grader_error"
    assert {key: float(score) for key, score in found.items()} == {
        key: float(score) for key, (_, score) in SOURCES.items()
    }
    assert "Set aside: it was tried 2 times by itself" in (out / "scores.csv").read_text(encoding="utf-8-sig")
    assert not killing.left_over(out)


def test_a_fault_of_ours_is_nobodys_zero_and_its_mending_changes_that_student_alone(
    class_: tuple[Path, Path, Path],
) -> None:
    folder, course, out = class_
    grader = course / "tests/graders/tiny/test_q1.py"
    sound = grader.read_text()
    grader.write_text(sound.replace("    check(", "    1 / (value(answer) - 42)  # SECRET-OF-OURS\n    check(", 1))
    run = killing.start(killing.command(folder, course, out))
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 1, output
    before, at = killing.graded(out), row_at(out)
    assert {key for key, (status, _) in before.items() if status == "grader_error"} == {"ada", "cem", "dot"}
    assert {key: row[at] for key, row in killing.scores(out).items() if row[at]}.keys() == {"ben"}
    for page in [*(out / "feedback").iterdir(), *(out / "results").iterdir()]:
        assert "ZeroDivisionError" not in page.read_text() and "SECRET-OF-OURS" not in page.read_text()
    grader.write_text(sound)
    again = killing.start(killing.command(folder, course, out, "--student", "ada", "--fresh"))
    output, _ = again.communicate(timeout=120)
    after = killing.graded(out)
    assert after["ada"][0] == "graded" and float(killing.scores(out)["ada"][at]) == 4.0, output
    assert {key: after[key] for key in after if key != "ada"} == {key: before[key] for key in before if key != "ada"}
