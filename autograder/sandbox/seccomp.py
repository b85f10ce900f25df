"""A seccomp filter as raw BPF: which system calls a student's process may not make.

A list of what is denied rather than of what is allowed, since torch and Python's libraries use some two hundred calls.
Denied are: starting programs, anonymous files in memory, looking into other processes, everything that changes mounts,
namespaces or the kernel, sockets other than AF_UNIX, and what leaks between sandboxes (keyrings, io_uring, System V
memory; as ioi/isolate does). Numbers are those of Linux on x86_64 and aarch64.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import socket
import struct

# name: (x86_64, aarch64); None where there is no such call
NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "userfaultfd": (323, 282), "perf_event_open": (298, 241), "bpf": (321, 280), "fanotify_init": (300, 262),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "chroot": (161, 51),
    "setns": (308, 268), "unshare": (272, 97), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142), "syslog": (103, 116),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "sethostname": (170, 161), "setdomainname": (171, 162), "personality": (135, 92), "lookup_dcookie": (212, 18),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None), "uselib": (134, None),
    "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "mknod": (133, None), "mknodat": (259, 33),
    "prlimit64": (302, 261), "socket": (41, 198), "clone": (56, 220), "clone3": (435, 435), "ioctl": (16, 29),
    "kill": (62, 129),
}  # fmt: skip
PROGRAMS = ("execve", "execveat", "fork", "vfork")
ASKED = ("prlimit64", "socket", "clone", "clone3", "ioctl", "kill", *PROGRAMS)  # denied for some arguments only
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7), "arm64": (1, 0xC00000B7)}
X32 = 0x40000000
LD_WORD, JEQ, JGE, JSET, RET = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
NUMBER_AT, ARCH_AT, ARGUMENTS_AT = 0, 4, 16
NEW_NAMESPACES = 0x7E020000 | 0x80  # CLONE_NEWNS ... CLONE_NEWNET and CLONE_NEWTIME
TERMINAL_INJECTIONS = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2

Instruction = tuple[int, int, int, int]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def supported() -> bool:
    """Whether the numbers of this machine's calls are known."""
    return platform.machine() in ARCHITECTURES


def filter_for(machine: str, *, processes: bool, groups: bool = True) -> list[Instruction]:
    """The filter's instructions; with `processes` programs may be started. How many processes there may be is not a
    filter's to say: the session itself forks for each question, so that is RLIMIT_NPROC's. Without `groups` no
    signal goes to a whole group, or to everybody: for where no pid namespace keeps it inside."""
    column, architecture = ARCHITECTURES[machine]
    number = {name: both[column] for name, both in NUMBERS.items()}
    deny = ERRNO | errno.EPERM
    steps: list[Instruction] = [
        (LD_WORD, 0, 0, ARCH_AT), (JEQ, 1, 0, architecture), (RET, 0, 0, deny), (LD_WORD, 0, 0, NUMBER_AT),
    ]  # fmt: skip
    if machine == "x86_64":
        steps += [(JGE, 0, 1, X32), (RET, 0, 0, deny)]
    plain = [name for name in NUMBERS if name not in ASKED] + ([] if processes else list(PROGRAMS))
    for name in plain:
        if number[name] is not None:
            steps += [(JEQ, 0, 1, int(number[name] or 0)), (RET, 0, 0, deny)]
    steps += [(JEQ, 0, 1, int(number["clone3"] or 0)), (RET, 0, 0, ERRNO | errno.ENOSYS)]  # glibc then uses clone
    steps += _unless_argument(int(number["socket"] or 0), 0, [socket.AF_UNIX], ERRNO | errno.EACCES)
    steps += _unless_argument(int(number["prlimit64"] or 0), 0, [0], deny)
    steps += [
        (JEQ, 0, 4, int(number["clone"] or 0)), (LD_WORD, 0, 0, ARGUMENTS_AT), (JSET, 0, 1, NEW_NAMESPACES),
        (RET, 0, 0, deny), (LD_WORD, 0, 0, NUMBER_AT),
    ]  # fmt: skip
    for request in TERMINAL_INJECTIONS:
        steps += [
            (JEQ, 0, 4, int(number["ioctl"] or 0)), (LD_WORD, 0, 0, ARGUMENTS_AT + 8), (JEQ, 0, 1, request),
            (RET, 0, 0, deny), (LD_WORD, 0, 0, NUMBER_AT),
        ]  # fmt: skip
    if not groups:
        steps += [
            (JEQ, 0, 5, int(number["kill"] or 0)), (LD_WORD, 0, 0, ARGUMENTS_AT), (JEQ, 1, 0, 0),
            (JSET, 0, 1, 0x80000000), (RET, 0, 0, deny), (LD_WORD, 0, 0, NUMBER_AT),
        ]  # fmt: skip
    return [*steps, (RET, 0, 0, ALLOW)]


def _unless_argument(number: int, argument: int, allowed: list[int], answer: int) -> list[Instruction]:
    """Deny a call unless its argument (low word) is one of these."""
    tests: list[Instruction] = [
        (JEQ, len(allowed) - place, 0, value) for place, value in enumerate(allowed)
    ]  # to behind the RET
    inner: list[Instruction] = [(LD_WORD, 0, 0, ARGUMENTS_AT + 8 * argument), *tests, (RET, 0, 0, answer)]
    return [(JEQ, 0, len(inner), number), *inner, (LD_WORD, 0, 0, NUMBER_AT)]


def install(libc: ctypes.CDLL, *, processes: bool, groups: bool = True) -> int:
    """Put the filter on this thread and all that come from it; 0, or -1 with errno set. Needs no-new-privs."""
    steps = filter_for(platform.machine(), processes=processes, groups=groups)
    raw = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(raw, len(raw))
    program = Program(len(steps), ctypes.cast(buffer, ctypes.c_void_p))
    return int(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0))
