# ruff: noqa: E501 - sources of cells, one a line where they fit
"""Attacks by class, as cells of a notebook. `{root}` is the course, `{markers}` a folder anybody may write to, `{class_}` the
class's folder, `{tcp}` and `{udp}` ports that listen on this machine, `{unix}` the name of an abstract socket.

The assignment asks for `answer` (42; a typed-in number is right) and `double(x)`. `most` is what the attack is worth as honest work.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

RIGHT = "answer = 42\ndef double(x):\n    return 2 * x"
WRONG = "answer = 1\ndef double(x):\n    return x"
FULL, NONE = 4.0, 0.0


@dataclass(frozen=True)
class Attack:
    """One hand-in: what it tries, and the most that it may score."""

    kind: str
    name: str
    cells: tuple[str, ...]
    most: float


def attack(kind: str, name: str, *cells: str, work: str = RIGHT) -> Attack:
    """An attack beside honest or wrong work; without `work` its own cells are all there is."""
    most = FULL  # a hand-in without `work` has its own right answer, or loses what it does not have
    return Attack(kind, name, tuple(dedent(cell).strip("\n") for cell in (*cells, work) if cell), most)


def wrong(kind: str, name: str, *cells: str) -> Attack:
    """Wrong work that tries to pass for right."""
    return Attack(kind, name, (WRONG, *(dedent(cell).strip("\n") for cell in cells)), NONE)


SEEK = """
import os, glob
def seek(paths):
    for path in paths:
        try:
            if os.path.isdir(path):
                seek(glob.glob(path + '/*')[:200])
            else:
                with open(path, 'rb') as file:
                    print(file.read(200000).decode('utf-8', 'replace'))
        except OSError as error:
            print(type(error).__name__)
"""
LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
DAEMON = LIBC + "libc.prctl(15, b'agdaemon', 0, 0, 0)\n"

READ = [
    attack("read", "graders", SEEK + "seek(['{root}/tests/graders'])"),
    attack("read", "solutions", SEEK + "seek(['{root}/solutions', '{root}/grading.yml'])"),
    attack("read", "other students", SEEK + "seek(['{class_}'])"),
    attack(
        "read",
        "from the package upwards",
        SEEK
        + "import autograder\nup = os.path.dirname(os.path.dirname(autograder.__file__))\nseek([up + '/tests', up + '/solutions', up + '/.git/HEAD'])",
    ),
    attack(
        "read",
        "home and system files",
        SEEK + "seek(['/etc/shadow', '/etc/passwd', '/root/.bash_history', os.path.expanduser('~root/.ssh')])",
    ),
    attack("read", "environment", "import os\nprint(dict(os.environ))\nprint(open('/proc/self/environ').read())"),
    attack(
        "read",
        "environment of the parents",
        """
import os
for pid in [os.getppid(), 1, *map(str, range(2, 40))]:
    for what in ('environ', 'cmdline'):
        try: print(open(f'/proc/{pid}/{what}').read())
        except OSError as error: print(type(error).__name__)
""",
    ),
    attack(
        "read",
        "initial stack by libc",
        LIBC
        + """
environ = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, 'environ')
number = 0
while environ[number] and number < 500:
    print(environ[number]); number += 1
""",
    ),
    attack(
        "read",
        "own memory",
        """
maps = [line.split()[:2] for line in open('/proc/self/maps')]
memory = open('/proc/self/mem', 'rb', 0)
for span, rights in maps:
    start, end = (int(part, 16) for part in span.split('-'))
    if rights.startswith('rw') and end - start < 1 << 27:
        try:
            memory.seek(start); data = memory.read(end - start)
        except (OSError, ValueError): continue
        for word in (b'CANARY-' + b'GRADER', b'CANARY-' + b'ENVIRONMENT', b'CANARY-' + b'CLASSMATE'):
            at = data.find(word)
            if at >= 0: print(data[at:at + 60])
""",
    ),
    attack(
        "read",
        "objects through gc",
        """
import gc
for thing in gc.get_objects():
    if isinstance(thing, (dict, list, tuple)) and len(thing) < 10000:
        for item in (thing.values() if isinstance(thing, dict) else thing):
            if isinstance(item, str) and ('CANARY-' + 'GRADER') in item: print(item[:80])
""",
    ),
    attack(
        "read",
        "frames of the caller",
        """
import sys
def double(x):
    frame = sys._getframe()
    while frame:
        for name, value in frame.f_locals.items():
            try: print(name, repr(value)[:2000], file=sys.__stdout__)
            except Exception: pass
        frame = frame.f_back
    return 2 * x
answer = 42
""",
        work="",
    ),
    attack(
        "read",
        "a tracer",
        "import sys\nseen = []\nsys.settrace(lambda frame, event, arg: seen.append((frame.f_code.co_filename, dict(frame.f_locals))))\nprint(len(seen))",
    ),
    attack(
        "read",
        "an audit hook",
        "import sys\ndef hook(event, args):\n    if event in ('open', 'import', 'compile'): print(event, args)\nsys.addaudithook(hook)",
    ),
    attack(
        "read",
        "inherited descriptors",
        """
import os
for number in range(3, 300):
    try: print(number, os.readlink(f'/proc/self/fd/{number}'), os.pread(number, 1000, 0))
    except OSError: pass
""",
    ),
    attack(
        "read",
        "the channel itself",
        "import socket, os\ntry:\n    s = socket.socket(fileno=3); s.setblocking(False)\n    print(s.recv(100000, socket.MSG_PEEK))\nexcept OSError as error: print(error)",
    ),
    attack(
        "read", "ptrace", LIBC + "for pid in range(1, 60):\n    print(libc.ptrace(16, pid, 0, 0), ctypes.get_errno())"
    ),
    attack(
        "read",
        "other processes' memory",
        LIBC
        + "buffer = ctypes.create_string_buffer(64)\nprint(libc.process_vm_readv(os.getppid() or 1, ctypes.byref(buffer), 1, ctypes.byref(buffer), 1, 0), ctypes.get_errno())",
    ),
    attack(
        "read",
        "leftovers in tmp",
        SEEK + "import tempfile\nseek(['/tmp', '/var/tmp', '/dev/shm', tempfile.gettempdir()])",
    ),
    attack(
        "read",
        "keys of the kernel",
        LIBC
        + "print(libc.syscall(250, 11, -3, 0, 0, 0), ctypes.get_errno())\nSEEK = open\nfor n in ('keys', 'key-users'):\n    try: print(SEEK('/proc/' + n).read())\n    except OSError as error: print(error)",
    ),
]

FORGE = [
    wrong(
        "forge",
        "result files",
        "import json\nfor name in ('results.json', 'scores.csv', '{markers}/scores.csv', '{root}/scores.csv', '/autograder/results/results.json'):\n    try: open(name, 'w').write(json.dumps(dict(score=4)))\n    except OSError as error: print(error)",
    ),
    wrong(
        "forge",
        "printed markers",
        "print('PASSED'); print('{\"score\": 4, \"status\": \"passed\"}'); print('===== 2 passed in 0.01s =====')",
    ),
    wrong("forge", "a good exit", "import os\nos._exit(0)"),
    wrong("forge", "an exit when asked", "import os\ndef double(x): os._exit(0)"),
    wrong("forge", "sys.exit", "import sys\nsys.exit(0)"),
    wrong("forge", "atexit", "import atexit\natexit.register(print, 'score: 4')"),
    wrong(
        "forge",
        "a late thread",
        "import threading, time\ndef late():\n    time.sleep(0.5)\n    globals().update(answer=42, double=lambda x: 2 * x)\nthreading.Thread(target=late, daemon=True).start()",
    ),
    wrong(
        "forge",
        "patched operators",
        "import builtins, operator\nbuiltins.isinstance = lambda *a: True\nbuiltins.abs = lambda x: 0\noperator.eq = lambda *a: True",
    ),
    wrong(
        "forge",
        "patched torch",
        "import torch\ntorch.equal = lambda *a: True\ntorch.allclose = lambda *a, **k: True\ntorch.Tensor.__eq__ = lambda *a: True",
    ),
    wrong(
        "forge",
        "shadowing modules",
        "for name in ('pytest', 'autograder', 'submission', 'json'):\n    open(name + '.py', 'w').write('raise SystemExit(0)')\nimport sys, types\nsys.modules['submission'] = types.ModuleType('submission')\nsys.modules['pytest'] = types.ModuleType('pytest')",
    ),
    wrong(
        "forge",
        "an object equal to everything",
        "class Any:\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False\n    def __hash__(self): return 1\n    def __float__(self): return 42.0\n    def __getattr__(self, name): return self\n    def __call__(self, *a, **k): return self\nanswer = Any()\ndouble = Any()",
    ),
    wrong(
        "forge",
        "a number that lies",
        "class Lie(int):\n    def __eq__(self, other): return True\n    def __hash__(self): return 0\nanswer = Lie(1)\ndef double(x): return Lie(1)",
    ),
    wrong(
        "forge",
        "a tensor that lies",
        "import torch\nclass Lie(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, func, types, args=(), kwargs=None): return True\nanswer = torch.tensor(1.).as_subclass(Lie)",
    ),
    wrong(
        "forge",
        "a name that is property of the type",
        "class Meta(type):\n    def __instancecheck__(cls, other): return True\nclass Number(metaclass=Meta): pass\nanswer = Number",
    ),
    wrong(
        "forge",
        "patched channel code",
        """
import sys
wire = sys.modules['autograder.wire']
old = wire.Channel.send
def send(self, header, body=b'', fds=()):
    if 'value' in header: header['value'] = 42
    return old(self, header, body, fds)
wire.Channel.send = send
""",
    ),
    wrong(
        "forge",
        "garbage on the channel",
        "import os\nfor n in range(3, 12):\n    try: os.write(n, b'\\xff' * 5000)\n    except OSError: pass",
    ),
    wrong(
        "forge",
        "a frame without end",
        "import os, struct\ntry: os.write(3, struct.pack('<II', 0xffffffff, 0xffffffff) + b'{' * 1000)\nexcept OSError: pass",
    ),
    wrong("forge", "a closed channel", "import os\nos.close(3)"),
    wrong(
        "forge",
        "answers of its own",
        "import os, json\nframe = json.dumps(dict(value=42)).encode()\ntry: os.write(3, len(frame).to_bytes(4, 'little') + (0).to_bytes(8, 'little') + frame)\nexcept OSError: pass",
    ),
    wrong(
        "forge",
        "the outcome message",
        "import os, json\nframe = json.dumps(dict(outcome=True, score=4.0, status='graded')).encode()\nfor n in range(3, 8):\n    try: os.write(n, frame)\n    except OSError: pass",
    ),
    wrong(
        "forge",
        "the grader's words",
        "class grader:\n    check = staticmethod(lambda *a: print('passed'))\nimport autograder\nautograder.student.objects.Objects.ask_value = lambda self, **k: 42",
    ),
]

ESCAPE = [
    attack(
        "escape",
        "a file elsewhere",
        "for path in ('{markers}/a', '/tmp/../{markers}/b', '{root}/c', '/usr/d', '/etc/e'):\n    try: open(path, 'w').write('x')\n    except OSError as error: print(type(error).__name__)",
    ),
    attack(
        "escape",
        "a link elsewhere",
        "import os\nfor target in ('{markers}', '/'):\n    try:\n        os.symlink(target, 'out'); open('out/link', 'w').write('x')\n    except OSError as error: print(type(error).__name__)\n    finally:\n        if os.path.islink('out'): os.unlink('out')",
    ),
    attack(
        "escape",
        "a shell",
        "import os, subprocess\nprint(os.system('touch {markers}/shell'))\ntry: subprocess.run(['touch', '{markers}/run'])\nexcept OSError as error: print(error)",
    ),
    attack("escape", "a cell's shell", "!touch {markers}/bang\n%system touch {markers}/magic"),
    attack(
        "escape",
        "exec by libc",
        LIBC
        + "pid = libc.fork()\nif pid == 0:\n    libc.execl(b'/bin/touch', b'touch', b'{markers}/execl', None)\n    os._exit(1)\nelif pid > 0: os.waitpid(pid, 0)",
    ),
    attack(
        "escape",
        "a new user",
        LIBC + "print(libc.setuid(0), libc.setresuid(0, 0, 0), os.getuid())\nopen('note', 'w').write('x')",
    ),
    attack(
        "escape",
        "mounts",
        LIBC
        + "print(libc.unshare(0x10020000), ctypes.get_errno())\nprint(libc.mount(b'/', b'.', None, 4096, None), ctypes.get_errno())\nprint(libc.umount2(b'/tmp', 2))",
    ),
    attack(
        "escape", "chroot", "import os\ntry: os.chroot('/'); print('chroot')\nexcept OSError as error: print(error)"
    ),
    attack(
        "escape",
        "signals to all",
        "import os, signal\nfor pid in [os.getppid(), *range(2, 400)]:\n    if pid not in (0, os.getpid()):\n        try: os.kill(pid, signal.SIGTERM)\n        except OSError: pass",
    ),
    attack(
        "escape",
        "signals to the world",
        LIBC
        + "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(libc.kill(-1, 15), ctypes.get_errno())",
    ),
    attack(
        "escape",
        "a daemon",
        "import os, time\n"
        + DAEMON
        + "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(30)\n        open('{markers}/daemon', 'w').write('x')\n    os._exit(0)\nlibc.prctl(15, b'python', 0, 0, 0)",
    ),
    attack(
        "escape",
        "a daemon when asked",
        "import os, time\n"
        + DAEMON
        + "libc.prctl(15, b'python', 0, 0, 0)\ndef double(x):\n    try:\n        if os.fork() == 0:\n            libc.prctl(15, b'agdaemon', 0, 0, 0)\n            os.setsid(); time.sleep(30); os._exit(0)\n    except OSError: pass\n    return 2 * x\nanswer = 42",
        work="",
    ),
    attack(
        "escape",
        "html, formulas, terminals",
        "print('<script>alert(1)</script>')\nprint('=HYPERLINK(\"x\")')\nprint('\\x1b[2J\\x1b]0;owned\\x07')\nraise ValueError('<img src=x onerror=alert(1)> =1+1 \\x1b[31m')",
    ),
    attack(
        "escape",
        "odd file names",
        "for name in ('-rf', 'a\\nb', '\\u202e.txt', '..hidden', '=1+1', 'x' * 200):\n    try: open(name, 'w').write('x')\n    except (OSError, ValueError) as error: print(error)",
    ),
    attack(
        "escape",
        "a device",
        "import os, stat\ntry: os.mknod('disk', 0o600 | stat.S_IFBLK, os.makedev(8, 0)); print('made')\nexcept OSError as error: print(error)",
    ),
    attack(
        "escape",
        "terminal input",
        "import fcntl, os\nfor n in range(3):\n    try: fcntl.ioctl(n, 0x5412, b'x')\n    except OSError as error: print(error)",
    ),
    attack(
        "escape",
        "a module of the kernel",
        LIBC
        + "print(libc.syscall(321, 0, 0, 0), libc.syscall(425, 8, 0), libc.syscall(298, 0, 0, 0, 0, 0), ctypes.get_errno())",
    ),
]

HANG = [
    attack("hang", "busy", "while True: pass"),
    attack("hang", "asleep", "import time\ntime.sleep(10000)"),
    attack(
        "hang",
        "deaf",
        "import signal, time\nfor n in (signal.SIGPROF, signal.SIGALRM, signal.SIGINT, signal.SIGTERM): signal.signal(n, signal.SIG_IGN)\nwhile True: pass",
    ),
    attack("hang", "swallowing", "while True:\n    try:\n        while True: pass\n    except BaseException: pass"),
    attack("hang", "in C", "sum(range(10 ** 13))"),
    attack("hang", "only when asked", "def double(x):\n    while True: pass\nanswer = 42", work=""),
    attack("hang", "input", "name = input('Your name? ')\nprint(name)"),
    attack(
        "hang",
        "threads that stay",
        "import threading, time\nfor _ in range(20): threading.Thread(target=time.sleep, args=(10000,)).start()",
    ),
    attack("hang", "a held pipe", "import os\nr, w = os.pipe()\nos.read(r, 1)"),
    attack(
        "hang",
        "joined thread",
        "import threading, time\nt = threading.Thread(target=time.sleep, args=(10000,))\nt.start(); t.join()",
    ),
    attack(
        "hang",
        "a value that never ends",
        "import itertools\nanswer = itertools.count()\ndef double(x): return 2 * x",
        work="",
    ),
]

EXHAUST = [
    attack(
        "exhaust",
        "forks",
        "import os, time\nmade = 0\ntry:\n    while made < 400:\n        if os.fork() == 0:\n            time.sleep(30); os._exit(0)\n        made += 1\nexcept OSError as error: print(made, error)",
    ),
    attack(
        "exhaust",
        "memory of many processes",
        """
import os, time
for _ in range(20):
    if os.fork() == 0:
        mine = bytearray(os.urandom(4096)) * 50_000
        time.sleep(30)
        os._exit(0)
time.sleep(10)
""",
    ),
    attack(
        "exhaust",
        "descriptors sent along with answers",
        """
import array, os, socket
null = os.open('/dev/null', os.O_RDONLY)
def flood(number):
    channel = socket.socket(fileno=os.dup(number))
    rights = array.array('i', [null] * 4)
    for _ in range(3000): channel.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)], socket.MSG_DONTWAIT)
def double(x):
    for number in range(3, 60):
        try: flood(number)
        except OSError: pass
    return 2 * x
answer = 42
""",
        work="",
    ),
    attack(
        "exhaust",
        "threads",
        "import threading, time\nmade = 0\ntry:\n    while made < 3000:\n        threading.Thread(target=time.sleep, args=(3,), daemon=True).start(); made += 1\nexcept RuntimeError as error: print(made, error)",
    ),
    attack(
        "exhaust",
        "memory",
        "hoard = []\ntry:\n    while True: hoard.append(bytearray(100_000_000))\nexcept MemoryError: hoard.clear(); print('no more')",
    ),
    attack(
        "exhaust",
        "memory of torch",
        "import torch\nhoard = []\ntry:\n    while True: hoard.append(torch.ones(50_000_000))\nexcept RuntimeError: hoard.clear(); print('no more')",
    ),
    attack(
        "exhaust",
        "files in memory",
        "import os\ntry:\n    hidden = os.memfd_create('x')\n    for _ in range(64): os.write(hidden, bytes(1 << 20))\n    print('made')\nexcept OSError as error: print(error)",
    ),
    attack(
        "exhaust",
        "disk",
        "try:\n    with open('big', 'wb') as file:\n        for _ in range(4000): file.write(bytes(1 << 20))\nexcept OSError as error: print(error)",
    ),
    attack(
        "exhaust",
        "inodes",
        "made = 0\ntry:\n    for made in range(60_000): open(f'f{made}', 'w').close()\nexcept OSError as error: print(made, error)",
    ),
    attack(
        "exhaust",
        "descriptors",
        "import os\nkept = []\ntry:\n    while True: kept.append(open('/dev/null'))\nexcept OSError as error:\n    for file in kept: file.close()\n    print(error)",
    ),
    attack("exhaust", "output", "import sys\nline = 'x' * 1000\nfor _ in range(200_000): print(line)"),
    attack("exhaust", "output on the descriptor", "import os\nfor _ in range(2000): os.write(1, b'x' * 100_000)"),
    attack(
        "exhaust",
        "a huge answer",
        "import torch\nanswer = 42\ndef double(x): return torch.zeros(2_000_000_00)",
        work="",
    ),
    attack(
        "exhaust",
        "an answer larger than its storage",
        "import torch\nanswer = 42\ndef double(x): return torch.zeros(1).expand(10 ** 12)",
        work="",
    ),
    attack(
        "exhaust",
        "a deep answer",
        "answer = 42\ndeep = []\nfor _ in range(100_000): deep = [deep]\ndef double(x): return deep",
        work="",
    ),
    attack(
        "exhaust",
        "an answer in itself",
        "answer = 42\nround = []\nround.append(round)\ndef double(x): return round",
        work="",
    ),
    attack("exhaust", "a number of a million digits", "answer = 42\ndef double(x): return 10 ** 1_000_000", work=""),
]

CRASH = [
    attack("crash", "a bad pointer", "import ctypes\nctypes.string_at(0)"),
    attack(
        "crash", "a bad pointer when asked", "import ctypes\nanswer = 42\ndef double(x): ctypes.string_at(0)", work=""
    ),
    attack("crash", "deep recursion", "import sys\nsys.setrecursionlimit(10 ** 9)\ndef down(): return down()\ndown()"),
    attack("crash", "abort", "import os\nos.abort()"),
    attack("crash", "killing itself", "import os\nos.kill(os.getpid(), 9)"),
    attack(
        "crash",
        "an odd exception",
        "class Odd(BaseException):\n    def __str__(self): raise Odd\n    __repr__ = __str__\nraise Odd",
    ),
    attack(
        "crash",
        "an exception that is wrong when asked",
        "answer = 42\nclass Odd(BaseException):\n    def __str__(self): raise SystemExit(0)\ndef double(x): raise Odd",
        work="",
    ),
    attack(
        "crash",
        "poisoned builtins",
        "import builtins\nfor name in ('open', 'print', 'len', 'getattr', 'repr', 'str'):\n    setattr(builtins, name, None)",
    ),
    attack(
        "crash",
        "poisoned modules",
        "import os, sys, json, time\nfor module in (os, json, time, sys):\n    for name in ('write', 'dumps', 'monotonic', 'process_time', 'exc_info', 'fork'):\n        if hasattr(module, name): setattr(module, name, None)",
    ),
    attack("crash", "emptied namespace", "globals().clear()"),
]

NETWORK = [
    attack(
        "network",
        "tcp to this machine",
        "import socket\ntry:\n    s = socket.create_connection(('127.0.0.1', {tcp}), 2); s.send(b'x')\nexcept OSError as error: print(error)",
    ),
    attack(
        "network",
        "udp to this machine",
        "import socket\ntry: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {udp}))\nexcept OSError as error: print(error)",
    ),
    attack(
        "network",
        "an abstract socket",
        "import socket\ntry:\n    s = socket.socket(socket.AF_UNIX); s.connect('\\0{unix}'); s.send(b'x')\nexcept OSError as error: print(error)",
    ),
    attack(
        "network",
        "urllib",
        "import urllib.request\ntry: urllib.request.urlopen('http://127.0.0.1:{tcp}/', timeout=2)\nexcept OSError as error: print(error)",
    ),
    attack(
        "network",
        "when asked",
        "import socket\nanswer = 42\ndef double(x):\n    try: socket.create_connection(('127.0.0.1', {tcp}), 2).send(str(x).encode())\n    except OSError: pass\n    return 2 * x",
        work="",
    ),
    attack(
        "network",
        "a listener of its own",
        "import socket\ntry:\n    s = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen(); print(s.getsockname())\nexcept OSError as error: print(error)",
    ),
]

CHEAT = [
    wrong("cheat", "a table of inputs", "seen = []\ndef double(x):\n    seen.append(x)\n    return x"),
    wrong("cheat", "right for plain inputs alone", "def double(x): return 2 * x if x in (1, 2, 3) else x"),
    wrong("cheat", "editing its input", "def double(x):\n    try: x *= 0\n    except Exception: pass\n    return x"),
    wrong(
        "cheat",
        "seeding the random numbers",
        "import random, numpy, torch\nrandom.seed(0); numpy.random.seed(0); torch.manual_seed(0)\nrandom.random = lambda: 0.5\nnumpy.random.default_rng = lambda *a: None",
    ),
    wrong(
        "cheat", "asking the grader's handles", "import __main__\n__main__.answer = 42\ndel __main__.answer\nanswer = 1"
    ),
]

BEYOND = [  # what is small here and large on the grader's side, and what keeps its readers busy
    Attack("hang", "a cell of empty lines after a magic", ("%%x" + "\n" * 400_000, RIGHT), FULL),
    Attack("hang", "empty lines before a name that fails", ("answer = 42", "\n" * 30_000 + "1/0"), 2.0),
    attack(
        "exhaust",
        "an empty tensor of many rows",
        "import torch\nanswer = torch.empty((2**24, 0))",
        work="def double(x): return torch.empty((2**24, 0))",
    ),
    attack(
        "exhaust",
        "a tensor expanded",
        "import torch\nanswer = torch.zeros(1, dtype=torch.uint8).expand(120_000_000)",
        work="def double(x): return answer",
    ),
    attack(
        "exhaust", "a list of empty lists", "answer = [[] for _ in range(900_000)]", work="def double(x): return answer"
    ),
    attack("exhaust", "outputs that grow when they are written down", *["print('\\x01' * 60_000)"] * 12),
    attack("exhaust", "very many cells", *["x = 1"] * 2000),
]

ATTACKS: tuple[Attack, ...] = (*READ, *FORGE, *ESCAPE, *HANG, *EXHAUST, *CRASH, *NETWORK, *CHEAT, *BEYOND)
