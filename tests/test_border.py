"""The trust border: what a student's process holds, and what it can reach of the course."""

from __future__ import annotations

import ast
import os
import signal
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, Judge, points

import autograder
from autograder import wire
from autograder.course import Assignment
from autograder.judge.notebook_run import NotebookRun
from autograder.judge.one import LocalBroker, secret_folders
from autograder.sandbox import zygote
from autograder.sandbox.sessions import Sandbox

CANARY = "canary-8c1f"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    os.environ["AUTOGRADER_TEST_SECRET"] = CANARY
    folders = tuple(ROOT / name for name in ("tests", "solutions", ".git"))
    try:
        with Sandbox(hidden=folders) as running:
            yield running
    finally:
        del os.environ["AUTOGRADER_TEST_SECRET"]


def shown(sandbox: Sandbox, assignment: Assignment, *cells: str) -> list[str]:
    """What each cell printed, run as a student's notebook."""
    run = NotebookRun(LocalBroker(sandbox, assignment), cells, assignment, 1)
    try:
        run.start()
    finally:
        run.end()
    return ["".join(out.get("text", "") for out in cell.outputs) or str(cell.error) for cell in run.cells]


def test_the_zygote_holds_no_grader_no_solution_and_nothing_of_the_callers_environment(sandbox: Sandbox) -> None:
    zygote = psutil.Process(sandbox.process.pid)
    environment = zygote.environ()
    assert CANARY not in str(environment) and "AUTOGRADER_TEST_SECRET" not in environment
    assert set(environment) <= {
        "PATH", "HOME", "USER", "LOGNAME",
            "LANG", "LC_CTYPE", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "MPLBACKEND", "MPLCONFIGDIR",
        "IPYTHONDIR", "TORCHINDUCTOR_CACHE_DIR", "CUBLAS_WORKSPACE_CONFIG", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    }  # fmt: skip
    assert not any("graders" in str(part) or "solutions" in str(part) for part in zygote.cmdline())
    assert not [file.path for file in zygote.open_files() if "graders" in file.path or "solutions" in file.path]


def test_no_module_of_the_trusted_side_is_loaded_beside_student_code(sandbox: Sandbox, assignment: Assignment) -> None:
    ours = ("autograder", "pytest", "_pytest", "submission", "test_")  # see test_own_code for all that can be had
    listing = f"import sys\nprint(sorted(m for m in sys.modules if m.startswith({ours!r})))"
    (modules,) = shown(sandbox, assignment, listing)
    allowed = ("autograder.student", "autograder.wire", "autograder.loop.events", "autograder.loop.networks")
    loaded = [name for name in ast.literal_eval(modules) if name not in ("autograder", "autograder.loop")]
    assert loaded and all(name.startswith(allowed) for name in loaded)


def test_no_object_of_the_session_speaks_of_a_grader(sandbox: Sandbox, assignment: Assignment) -> None:
    """Every string that the garbage collector can reach, searched for words that stand only in graders and masters."""
    words = ("held_out", "BOTTLENECK", "test_every_update", "BEGIN SOLUTION", CANARY)
    search = f"""
import gc
gc.unfreeze()
WORDS = [w[::-1] for w in {[word[::-1] for word in words]!r}]
seen, found = set(), set()
stack = [o for o in gc.get_objects()]
for thing in stack:
    for inner in gc.get_referents(thing):
        if type(inner) is str and id(inner) not in seen:
            seen.add(id(inner))
            found |= {{w for w in WORDS if w in inner and inner not in WORDS}}
print(len(seen) > 10_000, sorted(found))
"""
    (answer,) = shown(sandbox, assignment, search)
    assert answer == "True []\n"


def test_a_session_cannot_read_graders_solutions_or_history(sandbox: Sandbox, assignment: Assignment) -> None:
    if sandbox.level == "basic":
        pytest.fail(f"namespaces do not work here, so nothing hides the course: {sandbox.reasons}")
    look = (
        "import os\nfor path in {!r}:\n    try:\n        print(os.listdir(path))\n"
        "    except OSError as error: print('nothing')".format([str(ROOT / n) for n in ("tests", "solutions")])
    )
    climb = (
        "import sys, pathlib\n"
        "root = pathlib.Path(sys.modules['autograder'].__file__).parent.parent\n"
        "print(list(root.glob('tests/**/*.py')), list(root.glob('solutions/**/*.ipynb')))"
    )
    imported = (
        "import importlib, sys\n"
        "sys.path.insert(0, str(__import__('pathlib').Path(sys.modules['autograder'].__file__).parent.parent))\n"
        "try:\n    importlib.import_module('tests.graders.dipping_into_pytorch.test_q1')\n    print('read')\n"
        "except ImportError: print('refused')"
    )
    assert shown(sandbox, assignment, look, climb, imported) == ["nothing\nnothing\n", "[] []\n", "refused\n"]


def test_a_session_cannot_write_outside_its_folder_or_use_the_network(sandbox: Sandbox, assignment: Assignment) -> None:
    if sandbox.level == "basic":
        pytest.fail(f"namespaces do not work here: {sandbox.reasons}")
    target = ROOT / "written-by-a-student"
    write = f"try:\n    open({str(target)!r}, 'w')\nexcept OSError as e: print('refused')\nopen('mine', 'w').write('x')"
    call = (
        "import socket\ns = socket.socket()\ns.settimeout(1)\n"
        "try:\n    s.connect(('127.0.0.1', 9)); print('through')\nexcept OSError as e: print(type(e).__name__)"
    )
    others = "import os\nprint([p for p in os.listdir('/proc') if p.isdigit() and int(p) > 50])"
    written, called, seen = shown(sandbox, assignment, write, call, others)
    assert written.startswith("refused") and not target.exists()
    assert "through" not in called and seen == "[]\n"


MODEL_ANSWERS = """
import importlib, sys
sys.path.insert(0, "SOLUTIONS")
variants = importlib.import_module("made_up_class.variants")
for question in variants.POINTS:
    for cell in variants.variants_of(question, right=True)[0].code:
        exec(cell, globals())
"""
MODEL_ANSWERS_BY_FILE = """
import importlib.util, sys
for name in ("model", "tensors", "by_hand", "networks", "loops", "triples"):
    spec = importlib.util.spec_from_file_location("variants." + name, f"SOLUTIONS/made_up_class/variants/{name}.py")
    sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[spec.name])
    for part in [one for value in vars(sys.modules[spec.name]).values() if isinstance(value, tuple) for one in value]:
        if getattr(part, "right", False):
            for cell in part.code:
                exec(cell, globals())
"""
OUR_MACHINE = """
import importlib, torch
from torch import nn
machine = importlib.import_module("autograder.loop.machine")
replay = importlib.import_module("autograder.loop.replay")
class MyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1, self.layer2 = nn.Linear(3, 2), nn.Linear(2, 5)
    def forward(self, x):
        return self.layer2(self.layer1(x))
def train(network, examples, lr=1e-3, epochs=1):
    setting = machine.plain([name for name, _ in network.named_parameters()], lr)
"""


@pytest.mark.parametrize("cell", [MODEL_ANSWERS, MODEL_ANSWERS_BY_FILE], ids=["by name", "by file"])
def test_the_programs_own_answers_are_no_answer_key(judge: Judge, cell: str) -> None:
    cell = cell.replace("SOLUTIONS", str(ROOT / "solutions/dipping_into_pytorch"))
    outcome = judge("scalar_tensor = None", cell)
    said = f"{outcome.cells[1].error} {outcome.cells[1].outputs}"
    assert outcome.score == 0.0
    assert any(what in said for what in ("ModuleNotFoundError", "FileNotFoundError", "Permission"))


def test_the_programs_own_machine_trains_nobodys_network(judge: Judge) -> None:
    outcome = judge(OUR_MACHINE)
    assert {name: earned for name, earned in points(outcome).items() if earned} == {"q4": 2.0}  # its own network
    said = f"{outcome.cells[0].error} {outcome.cells[0].outputs}"
    assert "ModuleNotFoundError" in said and "autograder" in said


HONEST_WITH_FILES = """
import os, shutil, tarfile, tempfile, threading, torch
torch.save(torch.ones(3), "a.pt")
shutil.copy("a.pt", "b.pt"); shutil.copy2("a.pt", "c.pt")
os.makedirs("d/e", exist_ok=True); shutil.copytree("d", tempfile.mkdtemp() + "/all")
os.chmod("a.pt", 0o600); os.utime("b.pt")
with tarfile.open("all.tar", "w") as packed: packed.add("a.pt")
with tarfile.open("all.tar") as packed: packed.extractall("unpacked")
with tempfile.TemporaryDirectory() as folder: open(folder + "/x", "w").write("x")
thread = threading.Thread(target=lambda: torch.ones(9, 9) @ torch.ones(9, 9)); thread.start(); thread.join()
import fcntl, socket, asyncio
with open("lock", "w") as file: fcntl.flock(file, fcntl.LOCK_EX); fcntl.lockf(file, fcntl.LOCK_UN)
one, other = socket.socketpair(); one.send(b"x"); print(other.recv(1))
print(asyncio.new_event_loop().run_until_complete(asyncio.sleep(0, "slept")))
torch.set_num_threads(2); print(float((torch.ones(600, 600) @ torch.ones(600, 600)).sum()))
os.nice(1); os.sched_setaffinity(0, os.sched_getaffinity(0)); os.sched_setaffinity(os.getpid(), {0})
print(torch.load("unpacked/a.pt").tolist())
"""


@pytest.mark.parametrize("level", ["strong", "restricted"])
def test_honest_work_with_files_threads_and_locks_goes_on(level: str, assignment: Assignment) -> None:
    """What is refused for others' sake is answered so that copying, packing and locking do not fail."""
    if level == "restricted" and os.getuid() == 0 and Path(sys.base_prefix).is_relative_to(Path.home()):
        pytest.skip("this interpreter cannot be read by a user id that is not root's")
    with Sandbox(level=level) as sandbox:
        (told,) = shown(sandbox, assignment, HONEST_WITH_FILES)
    assert told == "b'x'\nslept\n216000000.0\n[1.0, 1.0, 1.0]\n"


def test_sessions_and_their_folders_end_with_the_sandbox(assignment: Assignment) -> None:
    with Sandbox() as sandbox:
        hold = sandbox.fork()
        folder, zygote = sandbox.folder, sandbox.process.pid
        assert psutil.pid_exists(hold.pid) and hold.work.is_dir()
        os.close(hold.fd)
    gone, alive = psutil.wait_procs([psutil.Process(p) for p in (hold.pid, zygote) if psutil.pid_exists(p)], timeout=10)
    assert not alive and not folder.exists(), gone


def test_a_killed_zygote_takes_its_sessions_along(assignment: Assignment) -> None:
    with Sandbox() as sandbox:
        hold = sandbox.fork()
        session = psutil.Process(hold.pid)
        psutil.Process(sandbox.process.pid).kill()
        assert not psutil.wait_procs([session], timeout=10)[1]
        os.close(hold.fd)


def test_a_session_that_is_killed_has_ended_as_soon_as_its_connection_closes(assignment: Assignment) -> None:
    """What it had started holds its process back, while the judge already says that it is gone."""
    start_some = "import os, time\nfor _ in range(40):\n    if os.fork() == 0: time.sleep(60)"
    with Sandbox() as sandbox:
        broker = LocalBroker(sandbox, assignment)
        for _ in range(5):
            run = NotebookRun(broker, [start_some], assignment, 1)
            run.start()
            hold = broker.hold
            assert hold is not None and not hold.has_ended() and run._channel is not None
            os.kill(hold.pid, signal.SIGKILL)
            with pytest.raises(wire.ClosedError):
                run._channel.receive(time.monotonic() + 20)
            assert hold.has_ended()
            run.end()
            while not hold.exited:
                sandbox.hear()
            assert hold.killed


def test_secret_folders_are_those_of_the_course(course) -> None:
    assert [path.name for path in secret_folders(course)] == ["tests", "solutions", ".git"]
    assert all(Path(path).parent == course.root for path in secret_folders(course))


def test_a_session_sees_nobody_elses_work(tmp_path: Path, assignment: Assignment) -> None:
    """Folders and single files of hand-ins are not there; what the session runs on is, even if it lies there."""
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ada.ipynb").write_text(CANARY)
    (tmp_path / "ben.ipynb").write_text(CANARY)
    look = (
        f"import pathlib\np = pathlib.Path({str(tmp_path)!r})\n"
        "print([q.exists() for q in (p, p / 'class', p / 'ben.ipynb', p / 'class' / 'ada.ipynb')])"
    )
    with Sandbox(hidden=(tmp_path / "class", tmp_path / "ben.ipynb", Path("/"), ROOT)) as sandbox:
        assert shown(sandbox, assignment, look) == ["[False, False, False, False]\n"]


@pytest.mark.parametrize("installed", [True, False])
def test_our_own_source_leaves_the_path_but_not_the_packages_beside_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: bool
) -> None:
    packages = sysconfig.get_paths()["purelib"]
    root = packages if installed else str(tmp_path)
    monkeypatch.setattr(autograder, "__file__", str(Path(root) / "autograder" / "__init__.py"))
    monkeypatch.setattr(sys, "path", [str(tmp_path), packages])
    zygote.forget_project()
    assert (packages in sys.path, str(tmp_path) in sys.path) == (True, installed)
