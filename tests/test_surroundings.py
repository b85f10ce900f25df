"""Whose failure it is: what fails for its surroundings' sake costs its own statement, anything else stops its cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from textwrap import indent

import pytest
from conftest import Judge, findings, points

from autograder.course import Assignment
from autograder.judge.notebook_run import NotebookRun
from autograder.judge.one import LocalBroker
from autograder.sandbox.sessions import Sandbox

Ran = Callable[..., NotebookRun]
ABSENT = "import torch, wandb\n"
SAVE = "def save():\n    open('/content/drive/notes.txt', 'w')\n    return 'went on'\n"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def ran(sandbox: Sandbox, assignment: Assignment) -> Ran:
    """Run cells in a session of their own; the NotebookRun, ended."""

    def run(*cells: str) -> NotebookRun:
        found = NotebookRun(LocalBroker(sandbox, assignment), cells, assignment, 7)
        try:
            found.start()
        finally:
            found.end()
        return found

    return run


def printed(run: NotebookRun, cell: int = -1) -> str:
    """What a cell wrote to stdout."""
    return "".join(out["text"] for out in run.cells[cell].outputs if out.get("name") == "stdout")


OWN = {
    "a typo": "wandb.log({'loss': los})",
    "a wrong shape": "wandb.log({'loss': torch.ones(2) @ torch.ones(3)})",
    "an index": "print(wandb.run, [1][4])",
    "an attribute": "wandb.watch(torch.nn.Linear(3, 5).weigth)",
    "a call": "def f(one):\n    pass\nf(wandb.config, 2)",
    "a typo in a function": "def f(x):\n    wandb.log(x)\n    return wandb.name, los\nf(3)",
    "a wrong shape in a function": "def f(run):\n    return torch.ones(2) @ torch.ones(3)\nf(wandb.run)",
    "a typo in a loop": "for n in range(3):\n    wandb.log(m)",
    "its own refusal": "if not wandb.ready:\n    raise ValueError('not ready')",
    "a layer called input": "class A:\n    input = torch.nn.Linear(2, 3)\nx = torch.ones(5)\nx = A.input(x)",
    "a check of a number": "def f(version, conversion):\n    assert conversion == version\nf(1, 2)",
    "a check of what is moved": "def f(x):\n    assert x.to('cuda:0').sum() == 3\nf(torch.ones(2))",
}


def test_ones_own_failure_stops_the_cell_though_a_stand_in_is_beside_it(ran: Ran) -> None:
    run = ran(*(f"{ABSENT}{source}\nprint('went on')" for source in OWN.values()))
    went_on = [name for name, cell in zip(OWN, run.cells, strict=True) if cell.error is None]
    assert not went_on and not run.left


THEIRS = {
    "no number": "n = 1 + wandb.count()",
    "no tensor": "x = torch.zeros(wandb.size())",
    "nothing to unpack": "one, two = wandb.pair()",
    "no answer": "n = int(input('How many? '))",
    "no answer, used later": "answer = input('How many? ')\nn = int(answer)",
    "a name that is lost": "n = 1 + wandb.count()\nm = n + 1",
    "in a function": "def f():\n    n = 1 + wandb.count()\n    print(n + 1)\nf()",
    "an attribute that is lost": "class A:\n    def __init__(self):\n        self.f = open('/content/a')\nA().f.read()",
    "after a cell magic": "get_ipython().run_cell_magic('no', '', '1')\nopen('a', 'wb').write(wandb.content)",
    "a device": "def f():\n    assert torch.cuda.is_available()\nf()",
    "a free variable": "def f():\n    n = 1 + wandb.count()\n    def g():\n        print(n)\n    g()\nf()",
    "entering it": "f = type('A', (), {'__enter__': lambda a: open('/no/a'), '__exit__': 0})\nwith f():\n    1 / 0",
    "a refusal": "def f():\n    if not torch.cuda.is_available():\n        raise RuntimeError('no GPU')\nf()",
}


def test_what_fails_for_the_sake_of_a_stand_in_costs_its_own_statement(ran: Ran) -> None:
    run = ran(*(f"{ABSENT}{source}\nprint('went on')" for source in THEIRS.values()))
    stopped = [f"{name}: {cell.error}" for name, cell in zip(THEIRS, run.cells, strict=True) if cell.error]
    assert not stopped and {left.cell for left in run.left} == set(range(1, len(THEIRS) + 1))


def test_a_statement_in_a_function_a_loop_or_a_with_is_left_out_alone(ran: Ran) -> None:
    loop = "for n in range(2):\n    open('/content/a')\n    print('turn', n)"
    block = (
        "with open('/content/log', 'w') as log, open('/content/b', 'w') as b:\n    print(3, file=log)\n    print('in')"
    )
    run = ran(f"{SAVE}print(save())", loop, block)
    assert [printed(run, cell) for cell in range(3)] == ["went on\n", "turn 0\nturn 1\n", "in\n"]
    assert [cell.error for cell in run.cells] == [None] * 3
    assert [(left.cell, left.line) for left in run.left] == [(1, 2), (2, 2), (3, 1)]


def test_what_a_notebook_catches_itself_stays_its_own(ran: Ran) -> None:
    run = ran(
        f"{SAVE}try:\n    save()\nexcept FileNotFoundError:\n    print('handled')",
        "import contextlib\nwith contextlib.suppress(OSError):\n    save()\n    print('not reached')",
        "def get():\n    return open('/content/drive/notes.txt')\ntext = get()\nprint('left out')",
    )
    assert [printed(run, cell) for cell in range(3)] == ["handled\n", "", "left out\n"]
    assert [(left.cell, left.line, left.names) for left in run.left] == [(3, 3, {"text"})]


def test_a_guarded_statement_is_what_it_was_where_it_works(ran: Ran) -> None:
    source = (
        "def f(n):\n    'What it does'\n    for k in range(n):\n        if k == 1:\n            continue\n"
        "        with open('/dev/null') as a:\n            x = k / (2 - k)\n        yield x\n"
        "print(f.__doc__)\nprint([*f(2)])\nprint([*f(3)])"
    )
    run = ran(source)
    assert printed(run) == "What it does\n[0.0]\n"
    assert (run.cells[0].error, run.cells[0].line) == ("ZeroDivisionError: division by zero", 7)


def test_blocks_within_one_another_compile_though_they_are_guarded(ran: Ran) -> None:
    loops = "".join("    " * depth + f"for n{depth} in [{depth}]:\n" for depth in range(20))
    managers = ", ".join("contextlib.nullcontext()" for _ in range(18))
    some = "".join("    " * depth + f"with {n}:\n" for depth, n in enumerate(["contextlib.nullcontext()"] * 11))
    body = "try:\n    print('in')\nexcept KeyError:\n    pass\n"
    run = ran(
        f"{loops}{'    ' * 20}print('in')",
        f"import contextlib\nwith {managers}:\n    print('in')",
        some + "    " * 11 + "print('in')",
        "for n in [1]:\n    class A:\n" + indent(body, "        "),
    )
    assert [printed(run, cell) for cell in range(4)] == ["in\n"] * 4


def test_a_while_that_waits_for_what_is_not_here_ends(ran: Ran) -> None:
    run = ran(
        "while True:\n    n = int(input('How many? '))\n    if n > 2:\n        break\nprint('unasked')", "print(3)"
    )
    assert (run.cells[0].error, printed(run, 1)) == (None, "3\n")
    assert printed(run, 0).endswith("unasked\n")


def test_a_function_that_raises_by_intent_does_so_for_who_has_called_it(ran: Ran) -> None:
    own = "def positive(n):\n    if n < 0:\n        raise OSError('negative')\n    return n\n"
    run = ran(
        own + "m = positive(-1)\nprint('went on')",
        "import contextlib\nraises = contextlib.suppress\nwith raises(OSError):\n    open('/content/a')",
    )
    assert [(left.cell, left.line, left.names) for left in run.left] == [(1, 5, {"m"})]
    assert [cell.error for cell in run.cells] == [None, None]


def test_methods_of_the_shell_do_what_percent_signs_do(ran: Ran) -> None:
    run = ran(
        "s = get_ipython()\ns.magic('matplotlib inline')\ns.magic('%nothing 3')\ns.run_line_magic('nothing', '')\n"
        "s.run_cell_magic('neither', '', 'x = 4')\ns.system('pip install y')\nn = 5\ns.magic('time print(n)')\n"
        "print(x)"
    )
    assert run.cells[0].error is None and printed(run).startswith("5\n") and printed(run).endswith("\n4\n")
    told = "`%nothing` is not known here and did nothing."
    assert run.notes.count(told) == 1 and any("`%%neither`" in note for note in run.notes)


def test_a_debugger_does_not_wait_for_somebody(ran: Ran) -> None:
    run = ran("import pdb\npdb.set_trace()\nbreakpoint()\n%pdb on\nprint('went on')", "1 / 0", "%debug\nprint('too')")
    assert (printed(run, 0), printed(run, 2)) == ("went on\n", "too\n")
    assert len([note for note in run.notes if note.startswith("`breakpoint()` did not stop")]) == 1


def test_reset_takes_names_away_from_later_cells_and_says_so(ran: Ran) -> None:
    run = ran("x = 3", "%reset -f", "print('x' in globals())", "x")
    assert printed(run, 2) == "False\n" and run.cells[3].error == "NameError: name 'x' is not defined"
    assert len([note for note in run.notes if note.startswith("`%reset` took all names away, as in Jupyter")]) == 1


def test_what_reset_took_away_is_judged_unless_it_is_made_again(judge: Judge) -> None:
    right = "import torch\nscalar_tensor = torch.tensor(2.2)\nvector_tensor = torch.tensor([1, 3, 4])\n"
    double = "def make_examples(n):\n    return [(torch.ones(2), torch.ones(5))] * n"
    outcome = judge(right + double, "%reset -f", "vector_tensor = 'later'")
    assert points(outcome)["q1"] == 1.0
    assert "An example's input has not 3 numbers" in findings(outcome, "q6")


def test_a_stand_in_earns_no_point(judge: Judge) -> None:
    names = ("scalar_tensor", "vector_tensor", "matrix_tensor", "pairwise_sum", "var_1", "var_2", "my_latent_value")
    made = "\n".join(f"{name} = wandb.{name}()" for name in names)
    also = "\n".join(f"{name} = wandb.{name}" for name in ("fit_product", "train", "make_examples", "my_network"))
    outcome = judge(f"import wandb\n{made}\n{also}\nclass MyNetwork(wandb.PreTrainedModel):\n    pass")
    assert outcome.score == 0.0


def test_a_name_that_was_left_out_is_explained_by_its_statement(judge: Judge) -> None:
    outcome = judge("import torch, wandb\nvector_tensor = torch.tensor(\n    1 + wandb.count()\n)\nscalar_tensor = 3")
    told = "Cell 1, line 3 would define it, but could not run here: ModuleNotFoundError: wandb.count is not available"
    assert told in findings(outcome, "q1")
