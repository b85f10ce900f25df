"""`watch`, as a student uses it: it shows, never raises, never changes a number, and needs little."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from autograder.loop.drawing import svg, text
from autograder.loop.timeline import Beat, Row, Timeline, from_plain
from autograder.student import watch
from autograder.student.recorder import Recorder
from autograder.student.taps import TAPS

ROOT = Path(__file__).parent.parent


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 5))


def loop(of: nn.Module, turns: int = 5, *, reset: bool = True) -> None:
    optimizer = torch.optim.SGD(of.parameters(), lr=1e-3)
    for _ in range(turns):
        torch.sum((of(torch.ones(3)) - torch.arange(5.0)) ** 2).backward()
        optimizer.step()
        if reset:
            optimizer.zero_grad()


def test_a_right_loop(capsys: pytest.CaptureFixture[str]) -> None:
    of = network()
    with watch(of) as seen:
        loop(of)
    shown = capsys.readouterr().out
    assert seen.verdict == "CORRECT"
    assert seen.sentence in " ".join(shown.split())
    assert shown.count("Backprop") >= 5


def test_a_loop_without_reset(capsys: pytest.CaptureFixture[str]) -> None:
    my_network = network()
    with watch(my_network) as seen:
        loop(my_network, reset=False)
    assert seen.verdict == "MISSING_ZERO"
    assert "You never Reset: at update 2 SGD still had marks from 1 earlier example" in seen.sentence
    assert "zero_grad()" in seen.advice
    assert "Reset: missing" in capsys.readouterr().out


def test_tensors_by_the_names_they_have(capsys: pytest.CaptureFixture[str]) -> None:
    var_1 = torch.tensor(3.0, requires_grad=True)
    var_2 = torch.tensor(4.0, requires_grad=True)
    optimizer = torch.optim.SGD([var_1], lr=1e-3)
    with watch(var_1, var_2) as seen:
        for _ in range(3):
            ((15 - var_1 * var_2) ** 2).backward()
            optimizer.step()
            optimizer.zero_grad()
            var_2.grad = None
    assert seen.verdict == "PARTIAL_PARAMETERS"
    assert seen.sentence.startswith("var_2 never change")
    capsys.readouterr()


@pytest.mark.parametrize(
    "things",
    [
        lambda of: [of], lambda of: [list(of.parameters())], lambda of: [torch.optim.SGD(of.parameters(), lr=0.1)],
        lambda of: [dict(of.named_parameters())], lambda of: [of[0], of[1]], lambda of: [of.parameters()],
    ],
)  # fmt: skip
def test_whatever_holds_tensors_can_be_watched(things: Any) -> None:
    of = network()
    with watch(*things(of), show=False) as seen:
        loop(of)
    assert seen.verdict == "CORRECT"


@pytest.mark.parametrize("things", [[], [5], ["text"], [None], [[]], [torch.ones(3)], [object()], [nn.ReLU()]])
def test_what_cannot_be_watched_is_said_and_does_no_harm(things: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    with watch(*things) as seen:
        value = 1 + 1
    assert value == 2 and seen.verdict is None
    assert capsys.readouterr().out.startswith("watch() ")


def test_the_students_error_is_the_students() -> None:
    of = network()
    with pytest.raises(ZeroDivisionError), watch(of, show=False) as seen:
        loop(of, 2)
        1 / 0  # noqa: B018
    assert seen.verdict == "NOT_RUN"
    assert "ZeroDivisionError" in seen.sentence
    assert not TAPS.listeners


def test_a_loop_that_autograd_stops_is_named() -> None:
    of = network()
    optimizer = torch.optim.SGD(of.parameters(), lr=1e-3)
    loss = torch.sum(of(torch.ones(3)) ** 2)
    with pytest.raises(RuntimeError), watch(of, show=False) as seen:
        for _ in range(2):
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    assert seen.verdict == "STALE_LOSS"


@pytest.mark.parametrize("method", ["start", "stop", "account", "_look", "before_backprop", "after_step"])
def test_a_fault_of_its_own_never_reaches_the_loop(
    method: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    of, twin = network(), network()

    def broken(*args: Any, **kwargs: Any) -> None:
        raise KeyError("ours")

    if method in ("before_backprop", "after_step"):
        from autograder.student.recorder import guarded

        monkeypatch.setattr(Recorder, method, guarded(broken))
    else:
        monkeypatch.setattr(Recorder, method, broken)
    with watch(of) as seen:
        loop(of)
    loop(twin)
    assert all(torch.equal(a, b) for a, b in zip(of.parameters(), twin.parameters(), strict=True))
    assert seen.verdict in (None, "UNEXPLAINED_UPDATE")
    monkeypatch.undo()
    TAPS.listeners.clear()
    TAPS.tune()
    capsys.readouterr()


def test_numbers_stay_the_same_to_the_last_bit_in_long_loops() -> None:
    of, twin = network(), network()
    with watch(of, show=False) as seen:
        loop(of, 3000)
    loop(twin, 3000)
    assert seen.verdict == "CORRECT"
    assert seen.timeline is not None and seen.timeline.updates == 3000
    assert all(torch.equal(a, b) for a, b in zip(of.parameters(), twin.parameters(), strict=True))


def test_watches_may_be_nested() -> None:
    of, other = network(), network()
    with watch(of, show=False) as outer:
        loop(of, 2)
        with watch(other, show=False) as inner:
            loop(other, 3, reset=False)
        loop(of, 2)
    assert (outer.verdict, inner.verdict) == ("CORRECT", "MISSING_ZERO")


def test_it_imports_nothing_but_torch_and_the_standard_library() -> None:
    """In a process where everything else that this program needs cannot be imported."""
    code = """
import sys
ALLOWED = set(sys.stdlib_module_names) | {"torch", "autograder"}
class Only:
    def find_spec(self, name, path=None, target=None):
        caller = sys._getframe(1)
        while caller is not None and "importlib" in caller.f_code.co_filename:
            caller = caller.f_back
        ours = caller is not None and "autograder" in caller.f_code.co_filename
        if ours and name.partition(".")[0] not in ALLOWED:
            raise ImportError(f"{name} is asked for")
sys.meta_path.insert(0, Only())
import torch
from autograder.student import watch
before = set(sys.modules)
net = torch.nn.Linear(2, 1)
with watch(net):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        net(torch.ones(2)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
ours = sorted(name for name in sys.modules if name.startswith("autograder"))
assert not any(part in name for name in ours for part in ("judge", "engine", "sandbox", "course")), ours
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "CORRECT" in done.stdout


BARE = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in {"typer", "pydantic", "pandas", "yaml", "rich", "sqlalchemy", "IPython", "nbformat"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""


def test_with_the_students_part_alone_the_command_says_what_grading_needs() -> None:
    code = BARE + "from autograder.__main__ import main; sys.argv = ['autograder', 'grade']; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "pip install 'autograder[grader]'" in done.stderr


def test_with_the_students_part_alone_pytest_runs_as_ever(tmp_path: Path) -> None:
    """Our plugin is loaded into every pytest of the environment."""
    (tmp_path / "test_own.py").write_text("def test_one():\n    assert True\n")
    code = BARE + "import pytest; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'test_own.py']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_terminal_without_unicode_gets_plain_signs() -> None:
    code = (
        "import torch\nfrom autograder.student import watch\nnet = torch.nn.Linear(2, 1)\n"
        "with watch(net):\n    net(torch.ones(2)).sum().backward()\n"
    )
    environment = {"PYTHONIOENCODING": "cp437", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert b"MISSING_STEP" in done.stdout and done.stdout.isascii()


def test_in_jupyter_it_shows_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    import IPython
    import IPython.display

    class Shell:
        kernel = object()

    shown: list[Any] = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: Shell())
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: shown.append(data))
    of = network()
    with watch(of):
        loop(of)
    assert shown and shown[0]["text/html"].startswith("<svg") and "CORRECT" in shown[0]["text/plain"]


# --- drawings ---------------------------------------------------------------------------------------------------


def line(sentence: str = "What happened.", rows: int = 3, note: str = "") -> Timeline:
    beats = (Beat("Backprop"), Beat("Optimize", right=not note, note=note), Beat("Reset", right=False, missing=True))
    found = tuple(Row(number + 1, beats) for number in range(rows))
    return Timeline(found, rows + 40, "MISSING_ZERO", False, sentence, "Do this.")


def test_a_timeline_survives_the_record() -> None:
    import json

    assert from_plain(json.loads(json.dumps(line(note="old marks").plain()))) == line(note="old marks")


def test_whatever_is_drawn_is_escaped_and_well_formed() -> None:
    from xml.etree import ElementTree

    evil = "<script>alert(1)</script> & \"'"
    drawn = svg(line(evil, note=evil), evil)
    ElementTree.fromstring(drawn)
    assert "<script" not in drawn
    assert "&lt;script&gt;" in drawn
    ElementTree.fromstring(svg(line(), words=False, most=1))
    assert "What happened" not in svg(line(), words=False).split("</desc>")[1]


def test_signs_tell_what_colours_tell() -> None:
    shown = text(line(note="old marks"))
    assert "[✓ Backprop]" in shown and "[✗ Optimize: old marks]" in shown and "(? Reset)" in shown
    assert "and 40 more" in shown or "and 4" in shown
    assert text(line(note="old marks"), ascii=True).isascii()
    assert max(map(len, text(line("word " * 60)).splitlines())) <= 80


def test_a_screen_reader_gets_the_same() -> None:
    assert "Optimize is wrong (old marks), Reset is missing" in svg(line(note="old marks"))


def test_what_was_seen_beside_the_order_is_told_in_neutral_words(capsys: pytest.CaptureFixture[str]) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 3))
    network[0].bias.requires_grad = False
    optimizer = torch.optim.Adam((p for p in network.parameters() if p.requires_grad), lr=1e-3)
    with watch(network) as seen:
        for size in (8, 8, 2):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(torch.randn(size, 1, 5, 5)), torch.randint(3, (size,))).backward()
            optimizer.step()
    assert seen.seen == (
        "3 updates by Adam (lr 0.001).",
        "Rows behind each update: 8 (2 times), 2 (1 times).",
        "Never moved: 0.bias.",
    )
    told = capsys.readouterr().out
    assert all(line in told for line in seen.seen)
    assert "SGD" not in seen.sentence + seen.advice


def test_a_missing_reset_is_told_with_the_optimizer_and_the_batches_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    network = nn.Linear(3, 2)
    optimizer = torch.optim.RMSprop(network.parameters(), lr=1e-3)
    with watch(network) as seen:
        for _ in range(3):
            network(torch.randn(4, 3)).sum().backward()
            optimizer.step()
    assert "RMSprop still had marks from 1 earlier batch" in seen.sentence
    assert "3 updates by RMSprop (lr 0.001)." in capsys.readouterr().out
