"""Cells that answer nothing and disturb, and files that are no notebook of this lab.

Called by `variants` and `demo_class`. The extra cells should cost no mark: an error in a cell that defines nothing,
a question to the keyboard, an exit. Those that are not `drawn` cost a lot of CPU time or output and are for tests.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .model import Variant, extra

EXTRAS: tuple[Variant, ...] = (
    extra("raises", "A cell that raises.", 'print("so far so good")\nprint(my_latent_valeu)'),
    extra("divides-by-zero", "A failed try that was left in.", "ratio = 1 / 0"),
    extra("half-a-line", "A cell that is no Python, and defines nothing.", "for i in range(3)\n    print(i)"),
    extra("asks", "Asks for something at the keyboard.", 'who = input("Who handed this in? ")\nprint("Hello", who)'),
    extra("sys-exit", "Calls sys.exit().", "import sys\n\nsys.exit()"),
    extra("os-exit", "Ends its own process at once.", "import os\n\nos._exit(0)"),
    extra("chatty", "Prints two megabytes.", "for i in range(20_000):\n    print('.' * 100)"),
    extra(
        "magics",
        "Magics, display and a top-level await.",
        "%matplotlib inline",
        "%%time\ntotal = sum(range(1000))\ndisplay(torch.eye(3))",
        "import asyncio\n\nawait asyncio.sleep(0)",
    ),
    extra(
        "plot",
        "A plot.",
        "import matplotlib.pyplot as plt\n\nplt.plot([0, 1, 2], [9, 4, 1])\nplt.title('loss')\nplt.show()",
    ),
    extra(
        "absent-package",
        "Imports a package that is not there, with torch on the same line.",
        "import seaborn, torch\nimport torch.nn as nn",
    ),
    extra("drive", "Mounts Google Drive.", "from google.colab import drive\ndrive.mount('/content/drive')"),
    extra("never-ends", "An endless loop.", "while True:\n    pass", drawn=False),
    extra(
        "swallows-interrupts",
        "An endless loop that catches every exception.",
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
        drawn=False,
    ),
    extra("floods", "Prints 100 MB.", "for i in range(100_000):\n    print('x' * 999)", drawn=False),
)


@dataclass(frozen=True)
class BrokenFile:
    """A file that cannot be graded as a notebook of this lab."""

    name: str
    content: bytes
    why: str


def _other_assignment() -> bytes:
    cells = [
        ("markdown", "# Counting words\nFill in the two functions."),
        ("code", "import re\nfrom collections import Counter"),
        ("code", "def words(text):\n    return re.findall(r'[a-z]+', text.lower())"),
        ("code", "def most_frequent(text, n=3):\n    return Counter(words(text)).most_common(n)"),
        ("code", "most_frequent('the cat and the dog and the frog')"),
    ]
    return _notebook(cells)


def _notebook(cells: list[tuple[str, str]]) -> bytes:
    made: list[dict[str, Any]] = [
        {"cell_type": kind, "metadata": {}, "source": text}
        | ({"execution_count": None, "outputs": []} if kind == "code" else {})
        for kind, text in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()


BROKEN: tuple[BrokenFile, ...] = (
    BrokenFile("cut-off", _other_assignment()[:200], "The download broke off: the file is no whole JSON."),
    BrokenFile("other-assignment", _other_assignment(), "Another assignment's notebook: none of the names is in it."),
    BrokenFile("empty", b"", "An empty file."),
    BrokenFile(
        "no-code",
        _notebook([("markdown", "# Dipping into PyTorch"), ("markdown", "I could not come on Monday.")]),
        "A notebook without a single code cell.",
    ),
    BrokenFile("not-json", b"%PDF-1.4\n% a printed copy of the notebook\n", "A PDF with the ending of a notebook."),
)
