"""Attacks on what lies around a session: the program's own code, other people's files and processes, other sessions.

Each is wrong work that turns right where the attack comes through, so that its score tells.
"""
# ruff: noqa: E501 - sources of cells, one a line where they fit

from __future__ import annotations

from attacks.cases import LIBC, Attack, wrong

THROUGH = "\nif through:\n    print(through)\n    answer, double = 42, lambda x: 2 * x\n"


def reach(kind: str, name: str, source: str) -> Attack:
    """Wrong work, and a cell whose list `through` holds what it came by."""
    return wrong(kind, name, "through = []\n" + source + THROUGH)


HOME = "import importlib, importlib.util, os, sys\nhome = os.path.dirname(sys.modules['autograder'].__file__)\n"
FILES = "('authoring/assign.py', 'engine/demo.py', 'loop/machine.py', 'loop/replay.py', 'loop/hypotheses.py', 'loop/drawing.py', 'judge/plugin.py', 'judge/one.py', 'cli.py', 'sandbox/seccomp.py')"
ANSWERS = "('{root}/solutions/dipping_into_pytorch/made_up_class/variants/loops.py', '{root}/solutions/dipping_into_pytorch/made_up_class/variants/by_hand.py')"
MODULES = f"[name[:-3].replace('/', '.') for name in {FILES}]"

OWN_CODE = [
    reach(
        "read",
        "the program's model answers",
        HOME
        + """
try:
    from importlib import import_module
    sys.path.insert(0, '{root}/solutions/dipping_into_pytorch')
    variants = import_module('made_up_class.variants')
    for question in variants.POINTS:
        part = variants.variants_of(question, right=True)[0]
        through.append(part.name)
        for cell in part.code: exec(cell, globals())
except Exception as error: print(repr(error))
""",
    ),
    reach(
        "read",
        "the program's model answers by their files",
        HOME
        + f"""
for name in (*{FILES}, *{ANSWERS}):
    try:
        spec = importlib.util.spec_from_file_location('x_' + os.path.basename(name)[:-3], os.path.join(home, name))
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        through.append(name)
    except (ImportError, OSError) as error: print(repr(error))
""",
    ),
    reach(
        "cheat",
        "training by the program's own machine",
        HOME
        + """
try:
    machine = importlib.import_module('autograder.loop.machine')
    replay = importlib.import_module('autograder.loop.replay')
    setting = machine.plain(['weight'], 0.1)
    through.append(repr(machine.Machine))
except (ImportError, OSError) as error: print(repr(error))
""",
    ),
    reach(
        "read",
        "the program's modules by name",
        HOME
        + f"""
importlib.invalidate_caches()
sys.path.insert(0, os.path.dirname(home))
for name in {MODULES}:
    for whole in ('autograder.' + name, name):
        try: through.append(importlib.import_module(whole).__file__)
        except (ImportError, OSError) as error: print(repr(error))
""",
    ),
    reach(
        "read",
        "the program's text and compiled code",
        HOME
        + f"""
import glob, linecache
for name in (*{FILES}, *{ANSWERS}):
    folder, file = os.path.split(os.path.join(home, name))
    tag = sys.implementation.cache_tag
    for path in (os.path.join(folder, file), os.path.join(folder, '__pycache__', file[:-2] + tag + '.pyc')):
        try: through.append(len(open(path, 'rb').read()))
        except OSError as error: print(repr(error))
        through += linecache.getlines(path)[:1]
""",
    ),
    reach(
        "read",
        "the program from memory",
        """
import gc, types
gc.unfreeze()
for thing in gc.get_objects():
    if isinstance(thing, types.ModuleType):
        name = thing.__name__
        if name.startswith(('made_up_class', 'autograder.authoring', 'autograder.judge', 'autograder.loop.', 'autograder.engine')) and name != 'autograder.loop.events':
            through.append(name)
    elif isinstance(thing, types.FunctionType) and thing.__code__.co_filename.endswith(('machine.py', 'replay.py', 'hypotheses.py', 'variants/loops.py')) and '/autograder/' in thing.__code__.co_filename:
        through.append(thing.__qualname__)
""",
    ),
]

METADATA = [
    reach(
        "escape",
        "modes and times of others' files",
        LIBC
        + """
for path in ('{class_}', '{root}', '{root}/grading.yml', '{root}/tests', '{class_}/honest-right.ipynb', os.__file__):
    try: before = os.stat(path)
    except OSError as error: print(repr(error)); continue
    name = path.encode()
    for change in (lambda: os.chmod(path, 0), lambda: os.utime(path, (1, 1)), lambda: os.chown(path, os.getuid(), -1),
                   lambda: os.chmod(path, 0, follow_symlinks=False), lambda: libc.syscall(452, -100, name, 0, 0),
                   lambda: libc.syscall(90, name, 0), lambda: libc.syscall(132, name, None), lambda: libc.syscall(280, -100, name, None, 0)):
        try: change()
        except (OSError, NotImplementedError): pass
    after = os.stat(path)
    if (after.st_mode, after.st_uid, after.st_ctime_ns) != (before.st_mode, before.st_uid, before.st_ctime_ns): through.append(path)
""",
    ),
    reach(
        "escape",
        "modes by a descriptor",
        LIBC
        + """
import sys, fcntl, struct
for path in (os.__file__, sys.executable, '{root}/grading.yml'):
    try: number = os.open(path, os.O_RDONLY)
    except OSError as error: print(repr(error)); continue
    before = os.stat(path)
    for change in (lambda: os.fchmod(number, 0o777), lambda: os.utime(number, (1, 1)), lambda: os.fchown(number, os.getuid(), -1),
                   lambda: fcntl.ioctl(number, 0x40086602, struct.pack('q', 0x40)), lambda: libc.futimens(number, None)):
        try: change()
        except OSError: pass
    if os.stat(path).st_ctime_ns != before.st_ctime_ns: through.append(path)
""",
    ),
    reach(
        "escape",
        "attributes of others' files",
        """
import os
for path in ('{class_}', '{class_}/honest-right.ipynb', '{root}/grading.yml', os.__file__):
    for change in (lambda: os.setxattr(path, 'user.note', b'x'), lambda: os.removexattr(path, 'user.note')):
        try: change(); through.append(path)
        except OSError as error: print(repr(error))
""",
    ),
    reach(
        "escape",
        "calls that are new",
        LIBC
        + """
for number in (467, 468, 469, 463, *range(470, 520)):
    libc.syscall(number, -1, None, None, None, None, None)
    if ctypes.get_errno() not in (1, 38, 95): through.append((number, ctypes.get_errno()))
print('open_tree_attr', libc.syscall(467, -100, b'.', 1, None, 0), ctypes.get_errno())
""",
    ),
    reach(
        "hang",
        "others put back",
        LIBC
        + """
calls = [lambda: os.setpriority(os.PRIO_USER, 0, 19), lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19)]
for pid in {os.getppid(), 1, *range(2, 4)} - {os.getpid(), 0}:
    calls += [lambda pid=pid: os.setpriority(os.PRIO_PROCESS, pid, 19), lambda pid=pid: os.sched_setaffinity(pid, {0}),
              lambda pid=pid: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))]
for call in calls:
    try: call(); through.append('done')
    except OSError as error: print(repr(error))
for pid in (os.getppid(), os.getuid()):
    for who in (1, 3):
        if pid and libc.syscall(251, who, pid, 3 << 13) == 0: through.append('ioprio')
""",
    ),
    reach(
        "network",
        "a socket in a folder",
        """
import socket
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    try:
        one = socket.socket(socket.AF_UNIX, kind); one.connect('{door}'); one.send(b'x'); through.append('connected')
    except OSError as error: print(repr(error))
try:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); one.sendto(b'x', '{door}.datagrams'); through.append('sent')
except OSError as error: print(repr(error))
""",
    ),
]

TALK = [
    reach(
        "escape",
        "a watch on shared files",
        LIBC
        + """
import fcntl
for number in (libc.inotify_init(), libc.inotify_init1(0), libc.fanotify_init(0, 0)):
    if number >= 0: through.append('a watch')
folder = os.open(os.path.dirname(os.__file__), os.O_RDONLY)
for what in (0x402, 0x400):
    try: fcntl.fcntl(folder if what == 0x402 else os.open(os.__file__, os.O_RDONLY), what, 1); through.append(hex(what))
    except OSError as error: print(repr(error))
""",
    ),
    reach(
        "escape",
        "locks on shared files",
        """
import fcntl, os
if os.path.exists(os.__file__):
    one, other = open(os.__file__, 'rb'), open(os.__file__, 'rb')
    try:
        fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try: fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError: through.append('flock')
    except OSError as error: print(repr(error))
    for what in (5, 36):
        try: fcntl.fcntl(one, what, bytes(64)); through.append('asked for locks')
        except OSError as error: print(repr(error))
""",
    ),
    reach(
        "escape",
        "futexes on shared pages",
        LIBC
        + """
import mmap
call = {'x86_64': 202, 'aarch64': 98}[os.uname().machine]
moment = (ctypes.c_long * 2)(0, 1000000)
def waited(address):
    value = ctypes.c_uint32.from_address(address)
    ctypes.set_errno(0)
    return libc.syscall(call, ctypes.c_void_p(address), 0, value, ctypes.byref(moment)) == 0 or ctypes.get_errno() == 110
code = ctypes.cast(libc.getpid, ctypes.c_void_p).value // 4 * 4
if waited(code): through.append('a page of a library')
with open(os.__file__, 'rb') as file:
    page = mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ)
    import numpy
    if waited(numpy.frombuffer(page, dtype='uint8').ctypes.data): through.append('a mapped file')
ctypes.set_errno(0)
libc.syscall(449, None, 1, 0, None, 0)
if ctypes.get_errno() not in (1, 38): through.append('futex_waitv')
""",
    ),
]

MEMORY = [
    reach(
        "exhaust",
        "memory of no process",
        """
import mmap
for make in (lambda: mmap.mmap(-1, 64 << 20), lambda: mmap.mmap(open('/dev/zero', 'r+b').fileno(), 64 << 20),
             lambda: mmap.mmap(open('/dev/zero', 'rb').fileno(), 64 << 20, prot=mmap.PROT_READ)):
    try:
        held = make()
        held.madvise(mmap.MADV_DONTNEED)
        through.append(len(held))
    except OSError as error: print(repr(error))
""",
    ),
    reach(
        "exhaust",
        "memory of a process and its children",
        """
import os, time
had, told = os.pipe()
for _ in range(3):
    if os.fork() == 0:
        mine = bytearray(os.urandom(4096)) * 200_000
        os.write(told, b'x')
        time.sleep(20)
        os._exit(0)
mine = bytearray(os.urandom(4096)) * 200_000
if all(os.read(had, 1) for _ in range(3)):
    time.sleep(0.7)
    through.append('3.2 GB at a limit of 2')
""",
    ),
    reach(
        "exhaust",
        "memory of children that are nobody's",
        """
import os, time
had, told = os.pipe()
for _ in range(4):
    if os.fork() == 0:
        if os.fork() == 0:
            mine = bytearray(os.urandom(4096)) * 200_000
            os.write(told, b'x')
            time.sleep(20)
        os._exit(0)
if all(os.read(had, 1) for _ in range(4)):
    time.sleep(0.7)
    through.append('3.2 GB at a limit of 2')
""",
    ),
]


NEIGHBOURS = (*OWN_CODE, *METADATA, *TALK, *MEMORY)
