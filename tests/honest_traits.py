"""Honest notebooks: the solved lab, and what real notebooks have about them besides (one trait each).

`solved()` is the notebook; `traits()` names the ways to change it, none of which may cost a mark. Used by
test_honest_traits.py, and by whatever makes up a class of honest students.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

MASTER = Path(__file__).parent.parent / "solutions/dipping_into_pytorch/dipping_into_pytorch.ipynb"
Notebook = dict[str, Any]
Trait = Callable[[Notebook], Notebook]

IMPORTS = "import matplotlib.pyplot as plt"
TENSORS = "scalar_tensor = torch.tensor(2.2)"
FIT = "def fit_product("
NETWORK = "self.m2 = nn.Linear(8, 5)"
TRAIN = "def train("
LOOP = "        for my_input, my_desired_output in examples:\n"
LAST = "my_network = MyNetwork()\ntrain(my_network, make_examples(400)"
EXAMPLES = "def make_examples("


def solved(plots: bool = False) -> Notebook:
    """The lab's solution as a student hands it in; its pictures are left out unless `plots`, since they cost time."""
    cells: list[dict[str, Any]] = []
    in_tests = False
    for cell in json.loads(MASTER.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "raw":
            in_tests = "BEGIN TESTS" in source or (in_tests and "END TESTS" not in source)
        elif not in_tests and (plots or "plt.show" not in source):
            cells.append({**cell, "id": f"cell-{len(cells):03d}", "source": _as_handed_in(source)})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _as_handed_in(source: str) -> str:
    lines = [line for line in source.split("\n") if line.strip() not in ("# BEGIN SOLUTION", "# END SOLUTION")]
    return "\n".join(line.removesuffix("  # SOLUTION") for line in lines)


def changed(notebook: Notebook, mark: str, old: str, new: str) -> Notebook:
    """A copy in which the last code cell that holds `mark` has `new` for `old`. Raises ValueError if none does."""
    found = copy.deepcopy(notebook)
    for cell in reversed(found["cells"]):
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        if cell["cell_type"] == "code" and mark in source and old in source:
            cell["source"] = source.replace(old, new)
            return found
    raise ValueError(f"no code cell has {mark!r} and {old!r}")


def first(text: str) -> Trait:
    """Lines at the top of the cell that imports torch."""
    return lambda notebook: changed(notebook, IMPORTS, IMPORTS, f"{text}\n{IMPORTS}")


def after_imports(text: str) -> Trait:
    """Lines at the end of the cell that imports torch."""
    tail = "from torch.optim import SGD"
    return lambda notebook: changed(notebook, IMPORTS, tail, f"{tail}\n{text}")


def swap(mark: str, old: str, new: str) -> Trait:
    return lambda notebook: changed(notebook, mark, old, new)


def in_front(mark: str, text: str) -> Trait:
    """Lines in front of `mark` in its cell."""
    return swap(mark, mark, f"{text}\n{mark}")


def cell_before(mark: str, *sources: str) -> Trait:
    """Cells of their own before the last one that holds `mark`. Raises ValueError if none does."""

    def change(notebook: Notebook) -> Notebook:
        found = copy.deepcopy(notebook)
        places = [n for n, c in enumerate(found["cells"]) if c["cell_type"] == "code" and mark in "".join(c["source"])]
        if not places:
            raise ValueError(f"no code cell has {mark!r}")
        found["cells"][places[-1] : places[-1]] = [_cell(f"{text[:8]}{n}", text) for n, text in enumerate(sources)]
        return found

    return change


def last(*sources: str) -> Trait:
    """Cells at the end."""

    def change(notebook: Notebook) -> Notebook:
        found = copy.deepcopy(notebook)
        found["cells"] += [_cell(f"{text[:8]}{n}", text) for n, text in enumerate(sources)]
        return found

    return change


def both(*changes: Trait) -> Trait:
    def change(notebook: Notebook) -> Notebook:
        for one in changes:
            notebook = one(notebook)
        return notebook

    return change


def everywhere(old: str, new: str) -> Trait:
    """`new` for `old` in every code cell."""

    def change(notebook: Notebook) -> Notebook:
        found = copy.deepcopy(notebook)
        for cell in found["cells"]:
            if cell["cell_type"] == "code":
                cell["source"] = "".join(cell["source"]).replace(old, new)
        return found

    return change


def _cell(name: str, source: str) -> dict[str, Any]:
    name = "".join(letter for letter in name if letter.isalnum())
    return {
        "cell_type": "code", "id": f"x-{name}", "metadata": {}, "execution_count": None, "outputs": [],
        "source": source,
    }  # fmt: skip


DRIVE = "from google.colab import drive\ndrive.mount('/content/drive')\n"
ABSENT = """
import plotly.express as px, seaborn as sns, torchinfo, wandb
from torchsummary import summary
from torch.utils.tensorboard import SummaryWriter
import torchvision
from torchvision import transforms, datasets
import pandas as pd
from sklearn.model_selection import train_test_split
import lightning as L"""
MODULE = """%%writefile mytrain.py
import torch
from torch.optim import SGD
def train(network, examples, *, lr, epochs):
    my_sgd = SGD(network.parameters(), lr=lr)
    for _ in range(epochs):
        for x, y in examples:
            my_sgd.zero_grad()
            ((network(x) - y) ** 2).sum().backward()
            my_sgd.step()
"""
FROM_MODULE = "from mytrain import train\nwritten = train"

ENVIRONMENT: dict[str, Trait] = {
    "drive and %cd": first(DRIVE + "%cd /content/drive/MyDrive/lab"),
    "%cd .": first("%cd ."),
    "os.chdir": first("import os\nos.chdir('/content/drive/MyDrive')"),
    "many absent imports": first(ABSENT),
    "matplotlib.use": first("import matplotlib\nmatplotlib.use('TkAgg')"),
    "ipympl": first("import matplotlib\nmatplotlib.use('module://ipympl.backend_nbagg')"),
    "%matplotlib widget": first("%matplotlib widget"),
    "! beside code": first("!pip install torch==2.1 --quiet 2>/dev/null\n!git clone https://x.invalid/y.git\n%cd y"),
    "%%bash first": first("%%bash\npip install -q torch\nls -la"),
    "%load_ext": first("%load_ext tensorboard\n%load_ext nothing_like_it\n%reload_ext other"),
    "%memit": first("%load_ext memory_profiler\n%memit sum(range(10))"),
    "upload, indexed": first("from google.colab import files\nup = files.upload()\nname = list(up.keys())[0]"),
    "a mounted drive listed": first(DRIVE + "import os\nprint(os.listdir('/content/drive/MyDrive'))"),
    "urlretrieve": first("from urllib.request import urlretrieve\nurlretrieve('https://x.invalid/d.csv', 'd.csv')"),
    "%%writefile, then import": both(cell_before(TRAIN, MODULE), in_front(TRAIN, FROM_MODULE)),
    "NBSP": everywhere("    for _ in range(epochs)", "\u00a0\u00a0\u00a0 for _ in range(epochs)"),
}  # fmt: skip
NUMBERS: dict[str, Trait] = {
    "cuda.FloatTensor": swap(TENSORS, "torch.tensor(2.2)", "torch.tensor(2.2).type(torch.cuda.FloatTensor)"),
    "a generator on the GPU": swap(EXAMPLES, "(n, 3)", "(n, 3), generator=torch.Generator('cuda'), device='cuda'"),
    "float64 by default": after_imports("torch.set_default_dtype(torch.float64)"),
    "gradients off at the end": last("torch.set_grad_enabled(False)\nmy_network.eval()"),
    "DataLoader with workers": both(
        swap(TRAIN, LOOP, LOOP.replace("examples", "DataLoader(examples, batch_size=None, num_workers=2)")),
        in_front(TRAIN, "from torch.utils.data import DataLoader"),
    ),
}  # fmt: skip

STEPS = "    my_sgd = SGD(network.parameters(), lr=lr)\n"
OUTPUT = "            my_network_output = network(my_input)\n"
LOSS = "            loss = torch.sum((my_network_output - my_desired_output) ** 2)\n"
BACKPROP = "            loss.backward()  # Backprop\n"
OPTIMIZE = "            my_sgd.step()  # Optimize\n"
RESET = "            my_sgd.zero_grad()  # Reset"
BEHIND = MODULE.replace("mytrain.py", "src/mytrain.py")


def around(head: str, *lines: str) -> Trait:
    """Lines of train's loop that follow one another, under a head such as `with ...:`."""
    text = "".join(lines)
    inner = "".join(f"    {line}\n" for line in text.splitlines())
    return swap(TRAIN, text, f"            {head}\n{inner}")


def scaler(made: str) -> Trait:
    """A gradient scaler in train."""
    return both(
        swap(TRAIN, STEPS, f"{STEPS}    scaler = {made}\n"),
        swap(TRAIN, BACKPROP, BACKPROP.replace("loss.backward()", "scaler.scale(loss).backward()")),
        swap(TRAIN, OPTIMIZE, "            scaler.step(my_sgd)\n            scaler.update()\n"),
    )


def logged(before: str, inside: str) -> Trait:
    """A line before train's loop and one behind each update."""
    return both(
        swap(TRAIN, STEPS, f"{STEPS}    {before}\n"),
        swap(TRAIN, RESET, f"{RESET}\n            {inside}"),
    )


def trained(new: str) -> Trait:
    """Another way to make the last my_network."""
    return swap(LAST, "my_network = MyNetwork()", f"my_network = {new}")


NETWORK_8 = """        self.m1 = nn.Linear(3, 8)
        self.m2 = nn.Linear(8, 5)

    def forward(self, x):
        return self.m2(self.m1(x))"""
OWN_LAYERS = """        self.w1 = nn.Parameter(torch.rand(3, 5, dtype=torch.float64) * 0.3)
        self.w2 = nn.Parameter(torch.rand(5, 5, dtype=torch.float64) * 0.3)
        self.b = nn.Parameter(torch.zeros(5, dtype=torch.float64))

    def forward(self, x):
        return x.double() @ self.w1 @ self.w2 + self.b"""
# What a function cannot do here, each line alone
UNABLE = """    import csv, json, os, subprocess, urllib.request
    os.makedirs("/content/drive/MyDrive/runs", exist_ok=True)
    os.chdir("/content/drive/MyDrive")
    log = open("/content/drive/MyDrive/log.txt", "a")
    log.write(f"lr {lr}")
    if os.path.exists("/"):
        settings = json.load(open("/content/drive/MyDrive/settings.json"))
        print(settings["lr"], os.environ["WANDB_API_KEY"], log)
    subprocess.run(["nvidia-smi"], check=True)
    assert torch.cuda.is_available(), "no GPU"
    urllib.request.urlopen("https://x.invalid/d.csv")
    rows = csv.writer(open("/content/rows.csv", "w", newline=""))
    rows.writerow([lr, epochs])
"""
WITH_LOG = """    with open("/content/drive/MyDrive/log.txt", "w") as log, open("/content/b.txt", "w") as other:
        for _ in range(epochs):
            for x, y in examples:
                loss = torch.sum((network(x) - y) ** 2)
                loss.backward()
                my_sgd.step()
                my_sgd.zero_grad()
                print(loss.item(), file=log)
                other.write(f"{loss.item():.3f}")
                torch.save(network.state_dict(), "/content/drive/MyDrive/w.pt")
    return
"""

COLAB: dict[str, Trait] = {
    "a function that wants another place": swap(TRAIN, STEPS, f"{STEPS}{UNABLE}"),
    "training inside a log on the drive": swap(TRAIN, STEPS, f"{STEPS}{WITH_LOG}"),
    "a log on the drive in the loop": swap(
        TRAIN, RESET, f"{RESET}\n            open('/content/drive/MyDrive/log.txt', 'a').write(str(loss.item()))"
    ),
    "files in make_examples and forward": both(
        swap(EXAMPLES, "    examples = []\n", "    examples = []\n    open('/content/x.txt', 'w').write('a')\n"),
        swap(NETWORK, NETWORK, f"{NETWORK}\n        open('/content/shape.txt', 'w').write('8')"),
    ),
    "a loop of a cell that saves": swap(
        LAST, "train(my_network, make_examples(400), lr=1e-3, epochs=15)",
        "for epoch in range(15):\n    train(my_network, make_examples(400), lr=1e-3, epochs=1)\n"
        "    open(f'/content/drive/MyDrive/{epoch}.txt', 'w').write('done')",
    ),
    "methods of the shell": first(
        "shell = get_ipython()\nshell.magic('matplotlib inline')\nshell.magic('%load_ext nothing_like_it')\n"
        "shell.magic('unknown 3')\nshell.run_line_magic('unknown', '4')\nshell.magic('cd /content/drive')\n"
        "shell.run_cell_magic('bash', '', 'pip install x')\nshell.run_cell_magic('unknown', '', 'q = 1')\n"
        "shell.system('nvidia-smi')\nshell.system_raw('ls')\nprint(shell.getoutput('ls'))"
    ),
    "%reset at the end": last("%reset -f"),
    "%reset in the middle": cell_before(
        FIT, "%reset -f", "import torch, torch.nn as nn\nfrom torch.optim import SGD\nimport matplotlib.pyplot as plt",
        "var_1, var_2 = (torch.tensor(x, requires_grad=True) for x in (3.0, 4.0))",
    ),
    "files.download": last("from google.colab import files\nopen('n.txt', 'w').close()\nfiles.download('n.txt')"),
    "userdata.get": first("from google.colab import userdata\nkey = userdata.get('WANDB_API_KEY')\nprint(len(key))"),
    "a file on the drive": first(DRIVE + "with open('/content/drive/MyDrive/notes.txt') as f:\n    notes = f.read()"),
    "weights on the drive": both(
        last("torch.save(my_network.state_dict(), '/content/drive/MyDrive/w.pt')"),
        cell_before(LAST, "my_network.load_state_dict(torch.load('/content/drive/MyDrive/w.pt'))"),
    ),
    "os.environ": first("import os\nkey = os.environ['WANDB_API_KEY']\nprint('key', len(key))"),
    "%env": first("%env CUDA_VISIBLE_DEVICES=0\n%env WANDB_SILENT true"),
    "!nvidia-smi": first("!nvidia-smi\ngpu = !nvidia-smi -L\nprint(gpu[0])"),
    "files = !ls": first("files = !ls\nprint(files[0], len(files))"),
    "get_ipython().system": first(
        "get_ipython().system('pip install -q torch')\nget_ipython().run_line_magic('matplotlib', 'inline')\n"
        "out = get_ipython().getoutput('ls')"
    ),
    "subprocess": first(
        "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'pip', 'install', 'wandb'], check=True)\n"
        "print(subprocess.check_output('nvidia-smi', shell=True).decode())"
    ),
    "os.system": first("import os\nos.system('pip install torchinfo')\nprint(os.popen('ls').read())"),
    "requests.get": first(
        "import requests\nanswer = requests.get('https://x.invalid/d.csv')\nanswer.raise_for_status()\n"
        "open('d.csv', 'wb').write(answer.content)"
    ),
    "urlopen": first("import urllib.request as u\ntext = u.urlopen('https://x.invalid/').read()\nprint(len(text))"),
    "kagglehub": first("import kagglehub, os\nd = kagglehub.dataset_download('a/b')\nprint(d, os.listdir(d))"),
    "modules on sys.path": both(
        cell_before(TRAIN, "!mkdir -p src", BEHIND, "import sys\nsys.path.insert(0, '/content/drive/MyDrive/lab')"),
        in_front(TRAIN, "import sys\nsys.path.append('src')\n" + FROM_MODULE),
    ),
    "%reset at the top": cell_before(IMPORTS, "%reset -f"),
    "%reset beside code": first("%reset -f\nget_ipython().run_line_magic('reset', '-sf')"),
    "%%capture": both(in_front(LAST, "%%capture"), cell_before(TRAIN, "%%capture out\nprint(1)", "out.show()")),
    "%%time": in_front(LAST, "%%time"),
    "%timeit": cell_before(TRAIN, "%timeit -n 2 -r 1 sum(range(10))\n%time x = 3\n%prun -q sum(range(10))"),
    "%%html": cell_before(TRAIN, "%%html\n<b>bold</b>", "%%javascript\nalert(1)", "%%latex\n$x$", "%%markdown\n# x"),
    "help with ?": cell_before(TRAIN, "torch.tensor?", "?SGD", "%pinfo nn.Linear\n%who\n%whos\n%lsmagic"),
    "%pip and %conda": first("%pip install -q wandb\n%conda install seaborn"),
}  # fmt: skip
PACKAGES: dict[str, Trait] = {
    "wandb in the loop": both(
        first("import wandb\nwandb.login()"),
        logged("run = wandb.init(project='lab', config={'lr': lr})", "wandb.log({'loss': loss.item()})"),
    ),
    "SummaryWriter in the loop": both(
        first("from torch.utils.tensorboard import SummaryWriter"),
        logged("writer = SummaryWriter(log_dir='/content/runs')", "writer.add_scalar('loss', loss.item(), 0)"),
    ),
    "torchmetrics in the loop": both(
        first("import torchmetrics"),
        logged("mse = torchmetrics.MeanSquaredError()", "mse.update(my_network_output, my_desired_output)"),
    ),
    "torchsummary": both(first("from torchsummary import summary"), last("summary(my_network, (3,))")),
    "torchinfo": both(
        first("import torchinfo"), last("print(torchinfo.summary(my_network, input_size=(1, 3), verbose=0))")
    ),
    "seaborn and sklearn": both(
        first("import seaborn as sns\nfrom sklearn.metrics import r2_score\nsns.set_theme(style='darkgrid')"),
        last("sns.lineplot(x=[1, 2], y=[1, 2])\nplt.show()\nprint(r2_score([1], [1]))"),
    ),
    "a score that is formatted": both(
        first("from sklearn.metrics import r2_score"), last("print(f'{r2_score([1.0], [1.0]):.3f}')")
    ),
    "types of absent packages": both(
        first("from jaxtyping import Float, Int\nimport lightning as L"),
        swap(EXAMPLES, "(n):", '(n: int) -> list[tuple[Float[torch.Tensor, "3"], Float[torch.Tensor, "5"]]]:'),
        swap(TRAIN, "train(network,", "train(network: L.LightningModule | nn.Module,"),
    ),
    "decorators of absent packages": both(
        first("from beartype import beartype\nimport numba"),
        in_front(TRAIN, "@beartype\n@numba.jit(forceobj=True)"),
    ),
    "ipywidgets": cell_before(TRAIN, "from ipywidgets import interact\n@interact(x=(0, 3))\ndef f(x=1):\n    print(x)"),
    "tqdm.notebook": both(
        first("from tqdm.notebook import tqdm"), swap(TRAIN, "for _ in range(epochs):", "for _ in tqdm(range(epochs)):")
    ),
    "display(HTML)": last("from IPython.display import HTML, Image, display\ndisplay(HTML('<b>x</b>'), my_network)"),
    "clear_output in the loop": logged("from IPython.display import clear_output", "clear_output(wait=True)"),
    "plt.show in a loop": last("for n in range(3):\n    plt.plot([n])\n    plt.pause(0.001)\n    plt.show()"),
    "logging to a file": both(
        first("import logging\nlogging.basicConfig(filename='/content/train.log', level=logging.INFO)"),
        logged("log = logging.getLogger('train')", "log.info('loss %s', loss.item())"),
    ),
    "input()": first("name = input('Your name? ')\nprint('Hello', name)"),
    "a debugger that was left in": both(
        first("import pdb\npdb.set_trace()\n%pdb on\n%debug"), swap(TRAIN, STEPS, f"{STEPS}    breakpoint()\n")
    ),
    "forms, prompts and one's own modules": first(
        '#@title Setup { display-mode: "form" }\nrate = 1e-3 #@param {type:"number"}\n%cd "/content/drive/My Drive"\n'
        "import my_helpers\nfrom my_others import *\ncount = input('How many? ')\ncount = int(count)\nprint(count)"
    ),
    "wandb's settings": both(
        first("import wandb"),
        swap(TRAIN, STEPS, f"{STEPS}    wandb.init(config={{'lr': lr}})\n    rate = float(wandb.config.lr)\n"),
    ),
    "a decorator that writes": in_front(
        FIT,
        "import functools\ndef noted(f):\n    @functools.wraps(f)\n    def call(*a, **k):\n"
        "        open('/content/drive/calls.txt', 'a').write(f.__name__)\n        return f(*a, **k)\n"
        "    return call\n@noted",
    ),
    "nest_asyncio": first("import asyncio, nest_asyncio\nnest_asyncio.apply()\nawait asyncio.sleep(0)"),
}  # fmt: skip
DEVICES: dict[str, Trait] = {
    "autocast, new": around("with torch.amp.autocast('cuda', dtype=torch.float16):", OUTPUT, LOSS),
    "autocast, old": both(first("from torch.cuda.amp import autocast"), around("with autocast():", OUTPUT, LOSS)),
    "GradScaler, new": scaler("torch.amp.GradScaler('cuda')"),
    "GradScaler, old": scaler("torch.cuda.amp.GradScaler()"),
    "compile my_network": trained("torch.compile(MyNetwork())"),
    "compile in train": swap(TRAIN, STEPS, f"    network = torch.compile(network, mode='reduce-overhead')\n{STEPS}"),
    "compile as a decorator": in_front(TRAIN, "@torch.compile"),
    ".to(0)": both(trained("MyNetwork().to(0)"), swap("9.0])", "9.0])", "9.0]).to(0)")),
    ".to('cuda:0')": both(
        after_imports("device = torch.device('cuda:0')"), trained("MyNetwork().to('cuda:0')"),
        swap(TRAIN, OUTPUT, OUTPUT.replace("(my_input)", "(my_input.to(device))")),
        swap(TRAIN, LOSS, LOSS.replace("my_desired_output", "my_desired_output.to(device)")),
    ),
    "mps": both(after_imports("device = torch.device('mps')"), trained("MyNetwork().to(device)")),
    "get_device_name": after_imports("print(torch.cuda.get_device_name(0), torch.cuda.get_device_properties(0).name)"),
    "assert a GPU": after_imports("assert torch.cuda.is_available(), 'Runtime > Change runtime type'"),
    "leave without a GPU": after_imports("import sys\nif not torch.cuda.is_available():\n    sys.exit('no GPU')"),
    "seeds of the GPU": after_imports("torch.cuda.manual_seed_all(1)\ntorch.cuda.empty_cache()\ntorch.manual_seed(1)"),
    "events of the GPU": after_imports("e = torch.cuda.Event(enable_timing=1)\ne.record()\ntorch.cuda.synchronize()"),
    "default tensor type, GPU": after_imports("torch.set_default_tensor_type('torch.cuda.FloatTensor')"),
    "default tensor type, double": after_imports("torch.set_default_tensor_type(torch.DoubleTensor)"),
    "default device": after_imports("torch.set_default_device('cuda')"),
    "deterministic algorithms": after_imports(
        "torch.use_deterministic_algorithms(True)\ntorch.backends.cudnn.deterministic = True\n"
        "torch.set_float32_matmul_precision('high')"
    ),
    "threads": after_imports("torch.set_num_threads(8)\ntorch.multiprocessing.set_start_method('spawn')"),
    "detect anomaly": after_imports("torch.autograd.set_detect_anomaly(True)"),
    "inference_mode left": last("torch.inference_mode().__enter__()\nprint(my_network(torch.ones(3)))"),
    "no_grad left": last("guard = torch.no_grad()\nguard.__enter__()\nprint(my_network(torch.ones(3)))"),
    "DataLoader, pinned": both(
        swap(
            TRAIN, LOOP, LOOP.replace("examples:", "DataLoader(examples, None, num_workers=2, pin_memory=True):")
        ),
        first("from torch.utils.data import DataLoader, Dataset"),
    ),
    "DataParallel": trained("nn.DataParallel(MyNetwork())"),
    "DataLoader, workers that stay": both(
        swap(TRAIN, LOOP, LOOP.replace("examples:", "loader:")),
        swap(
            TRAIN, STEPS,
            f"{STEPS}    loader = DataLoader(examples, batch_size=None, num_workers=2, pin_memory=True,\n"
            "        persistent_workers=True, prefetch_factor=4, pin_memory_device='cuda')\n",
        ),
        first("from torch.utils.data import DataLoader"),
    ),
    "layers of one's own in float64": swap(
        "self.m1 = nn.Linear(3, 8)", NETWORK_8,
        OWN_LAYERS,
    ),
}  # fmt: skip
LETTERS: dict[str, Trait] = {
    "zero-width space": everywhere("my_sgd.step()", "my_sgd.\u200bstep()"),
    "byte order mark in a cell": everywhere("import torch\n", "\ufeffimport torch\n"),
    "curly quotes": in_front(TENSORS, "print(\u201cmy first tensors\u201d, \u2018here\u2019)"),
    "tabs": everywhere("    ", "\t"),
    "CRLF": everywhere("\n", "\r\n"),
    "from __future__": first("from __future__ import annotations"),
    "if __name__": swap(LAST, LAST, "if __name__ == '__main__':\n    " + LAST.replace("\n", "\n    ")),
    "warnings are errors": after_imports("import warnings\nwarnings.filterwarnings('error')"),
}  # fmt: skip

# What a student does with the rest of the notebook in mind: it goes with no other trait
LONELY = ("%reset beside code", "%reset in the middle", "%reset at the end", "warnings are errors")


def traits() -> dict[str, Trait]:
    """Every trait by its name; each takes a solved notebook and gives a changed copy."""
    return {**ENVIRONMENT, **NUMBERS, **COLAB, **PACKAGES, **DEVICES, **LETTERS}
