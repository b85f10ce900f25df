"""A session that lies to the judge, and accidents that break the session: more attacks, as in `attacks.cases`.

A liar finds the session's own channel through the garbage collector and changes what is sent. Its work is wrong, and
it may say what it likes; it must neither take the judge down, hold it, nor turn a failure into an error of ours.
"""
# ruff: noqa: E501 - sources of cells, one a line where they fit

from __future__ import annotations

from collections.abc import Sequence

from attacks.cases import ATTACKS as ELSEWHERE
from attacks.cases import LIBC, WRONG, Attack, attack
from attacks.neighbours import NEIGHBOURS

LIAR = """
import gc, os, time
session = next(thing for thing in gc.get_objects() if type(thing).__name__ == 'Session')
Channel = type(session.channel)
honest = Channel.send
def lie(change):
    def send(self, header, body=b'', *more, **others):
        changed = change(dict(header))
        header, body = changed if isinstance(changed, tuple) else (changed, body)
        honest(self, header, body, *more, **others)
    Channel.send = send
def answer_with(form, body=b''):
    lie(lambda header: ({**header, 'value': form}, body) if 'value' in header else header)
"""


def liar(name: str, lie: str, cells: Sequence[str] = ()) -> Attack:
    """Wrong work, a lie from its second cell on, and cells after it."""
    return attack("lie", name, WRONG, LIAR + lie, *cells, work="pass")


LIES = [
    liar("a fault of ours", "lie(lambda header: {'fault': 'RuntimeError: it was the grader'})"),
    liar(
        "a flood of outputs",
        "big = [dict(output_type='stream', name='stdout', text='x' * 15_000_000)]\nlie(lambda header: {**header, 'outputs': big})",
        ["pass"] * 22,
    ),
    liar(
        "outputs of odd forms",
        "deep = []\nfor _ in range(800): deep = [deep]\nodd = [dict(output_type=5, text={'a': [1]}), dict(data=7), {}, dict(deep=deep), 'x']\nlie(lambda header: {**header, 'outputs': odd})",
    ),
    liar(
        "notes without end",
        "told = [0]\ndef more(header):\n    told[0] += 20\n    return {**header, 'notes': [f'{told[0] + n} <script>alert(1)</script>' for n in range(20)]}\nlie(more)",
        ["pass"] * 20,
    ),
    liar(
        "names without end",
        "lie(lambda header: {'missing': 'answer', 'names': [f'answr{n}' + 'abc' * 30 for n in range(120_000)]} if 'value' in header else header)",
    ),
    liar(
        "an empty array that is too large",
        "answer_with({'k': 'array', 'dtype': 'float32', 'shape': [2**28] * 4 + [0], 'o': 0, 'n': 0})",
    ),
    liar(
        "keys that collide",
        "answer_with({'k': 'dict', 'v': [[{'k': 'int', 'v': hex(n * (2**61 - 1))}, 0] for n in range(60_000)]})",
    ),
    liar(
        "examples of nothing",
        "side = {'k': 'tensor', 'dtype': 'float32', 'shape': [2**28, 0], 'o': 0, 'n': 0}\nanswer_with({'k': 'pairs', 'v': [side, side]})",
    ),
    liar(
        "one slice many times",
        "part = {'k': 'bytes', 'o': 0, 'n': 20_000_000}\nanswer_with({'k': 'list', 'v': [part] * 3000}, bytes(20_000_000))",
    ),
    liar(
        "text that nothing can store",
        "lie(lambda header: {'raised': '\\ud800\\x00<script>alert(1)</script>', 'kind': '\\ud800', 'cell': -5, 'line': 10**30} if 'value' in header else header)",
    ),
    liar(
        "numbers that are none",
        "lie(lambda header: {**header, 'cpu': -1e5, 'line': 'x' * 1000, 'cell': 10**40, 'error': 'E', 'outputs': 5, 'moments': [1], 'notes': {'a': 1}, 'left': [7, {}, dict(cell=1, line=2, names=5), dict(cell=1, line=1, names=[[]], told={})]})",
    ),
    liar("moments that never were", "lie(lambda header: {**header, 'moments': {'q1': [1] * 2_000_000, 'q2': [9]}})"),
    liar(
        "every answer twice",
        "def send(self, header, *more, **others):\n    honest(self, header, *more, **others)\n    honest(self, {**header, 'value': 42})\nChannel.send = send",
    ),
    liar("not listening", "Channel.receive = lambda *more, **others: time.sleep(1000)", ["#" + "x" * 1_500_000]),
    liar(
        "one byte at a time",
        "def send(self, header, *more, **others):\n    while True:\n        self.sock.send(b'\\0'); time.sleep(0.05)\nChannel.send = send",
    ),
]

ACCIDENTS = [
    attack("accident", "a clock that is gone", "import time\ntime.process_time = None"),
    attack("accident", "a shell that is gone", "get_ipython().capture = None"),
    attack("accident", "modules that are gone", "import sys\nsys.modules.clear()"),
    attack("accident", "all descriptors closed", "import os\nos.closerange(0, 4096)"),
    attack(
        "accident",
        "streams that are gone",
        "import sys\nsys.stdout.close()\nsys.stdout = sys.stderr = None",
        "print(1)",
    ),
    attack("accident", "very many displays", "for n in range(400_000): display(n)"),
    attack("accident", "debuggers", "breakpoint()\nimport pdb; pdb.set_trace()", "%pdb on\n1/0", "%debug", "%pdb off"),
    attack(
        "accident",
        "magics",
        *("%reset -f", "%cd /", "%%script bash\ntouch {markers}/magic", "%%writefile x.py\nprint(1)", "%run x.py"),
        *("%%html\n<script>alert(1)</script>", "%matplotlib widget", "%load_ext autoreload\n%autoreload 2"),
    ),
    attack("accident", "asking for ever", "while input('Go on? ') != 'no': pass"),
    attack(
        "accident",
        "markup that is shown",
        "from IPython.display import HTML, SVG, Markdown, display\nbad = '<script>alert(1)</script><img src=x onerror=alert(1)>'\ndisplay(HTML(bad), Markdown(bad), SVG('<svg onload=\"alert(1)\">' + bad.replace('>', '/>', 2) + '</svg>'))\n(bad,)[1]",
    ),
    attack(
        "accident",
        "workers of a DataLoader",
        "from torch.utils.data import DataLoader\nprint(sum(len(batch) for batch in DataLoader(list(range(10)), num_workers=2)))",
    ),
    attack("accident", "cells that wait one after the other", *["import time\ntime.sleep(2)"] * 9),
    attack("accident", "a very long line", "x = " + "1 < " * 45_000 + "1\n1/0", work="answer = 1"),
    attack(
        "accident",
        "a limit of its own",
        "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass",
    ),
    attack("accident", "no files for itself", "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))"),
]

OTHERS = [
    attack(
        "read",
        "what its session was told",
        "import gc\ngc.unfreeze()\nfor thing in gc.get_objects():\n    if type(thing).__name__ in ('Plan', 'Zygote', 'Room') or type(thing) is dict and 'hidden' in thing: print(repr(thing)[:3000])",
    ),
    attack(
        "escape",
        "folders too deep to remove",
        "import os\nhere = os.getcwd()\nfor n in range(3000):\n    os.mkdir('d'); os.chdir('d')\nos.chdir(here)",
    ),
    attack(
        "escape", "folders that are closed", "import os\nos.makedirs('a/b'); open('a/b/f', 'w').close()\nos.chmod('a/b', 0); os.chmod('a', 0); os.chmod('.', 0)",
    ),
    attack("escape", "a name that is no text", LIBC + "libc.prctl(15, b'\\xff\\xfe) R 1', 0, 0, 0)\nos._exit(3)"),
    attack(
        "hang",
        "its first thread ended",
        LIBC + "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\nlibc.pthread_exit(None)",
    ),
    attack("hang", "stopped when asked", "import os\nanswer = 42\ndef double(x): os.kill(os.getpid(), 19)", work=""),
    attack(
        "crash",
        "its parent killed when asked",
        "import os\nanswer = 42\ndef double(x):\n    for number in (9, 19):\n        try: os.kill(os.getppid(), number)\n        except OSError: pass\n    return 2 * x",
        work="",
    ),
    attack("crash", "killing itself when asked", "import os\nanswer = 42\ndef double(x): os.kill(os.getpid(), 9)", work=""),
]  # fmt: skip

ATTACKS: tuple[Attack, ...] = (*ELSEWHERE, *LIES, *ACCIDENTS, *OTHERS, *NEIGHBOURS)
"""All of them, for the tests and the benchmark."""
