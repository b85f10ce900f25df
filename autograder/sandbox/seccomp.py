"""A seccomp filter as raw BPF: which system calls a student's process may not make.

A list of what is denied rather than of what is allowed, since torch and Python's libraries use some two hundred calls;
but a call that is newer than this list is answered as if there were no such call, and of `ioctl`, `fcntl` and `prctl`
only known requests pass, so that the list does not age. Denied are: starting programs, anonymous files in memory,
memory shared without a file, looking into other processes, everything that changes mounts, namespaces or the kernel,
and what leaks between sandboxes (keyrings, io_uring, System V memory, locks, leases and watches on files that all can
read; as ioi/isolate does). Landlock says nothing on a file's mode, owner, times and attributes, nor on sockets that lie
in a folder: these are the filter's to refuse. Numbers are those of Linux on x86_64 and aarch64.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct

# name: (x86_64, aarch64); None where there is no such call
NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438), "kcmp": (312, 272), "move_pages": (279, 239), "migrate_pages": (256, 238),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "userfaultfd": (323, 282), "perf_event_open": (298, 241), "bpf": (321, 280),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "chroot": (161, 51),
    "setns": (308, 268), "unshare": (272, 97), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142), "syslog": (103, 116),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "sethostname": (170, 161), "setdomainname": (171, 162), "personality": (135, 92), "lookup_dcookie": (212, 18),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None), "uselib": (134, None),
    "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "mknod": (133, None), "mknodat": (259, 33),
    # as if there were no such call: watching files, the cache of files, waiting on many futexes, and newer calls
    "inotify_init": (253, None), "inotify_init1": (294, 26), "inotify_add_watch": (254, 27),
    "fanotify_init": (300, 262), "fanotify_mark": (301, 263), "mincore": (27, 232), "cachestat": (451, 451),
    "futex_waitv": (449, 449), "futex_wake": (454, 454), "futex_wait": (455, 455), "futex_requeue": (456, 456),
    "process_mrelease": (448, 448), "statmount": (457, 457), "listmount": (458, 458), "lsm_set_self_attr": (460, 460),
    "open_tree_attr": (467, 467), "file_getattr": (468, 468), "file_setattr": (469, 469),
    # as on a file system that has none: extended attributes
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "getxattr": (191, 8), "lgetxattr": (192, 9),
    "fgetxattr": (193, 10), "listxattr": (194, 11), "llistxattr": (195, 12), "flistxattr": (196, 13),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "setxattrat": (463, 463),
    "getxattrat": (464, 464), "listxattrat": (465, 465), "removexattrat": (466, 466),
    # a file's mode, owner and times
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "lchown": (94, None), "fchown": (93, 55), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    # denied for some arguments only
    "prlimit64": (302, 261), "socket": (41, 198), "socketpair": (53, 199), "clone": (56, 220), "clone3": (435, 435),
    "ioctl": (16, 29), "fcntl": (72, 25), "flock": (73, 32), "futex": (202, 98), "mmap": (9, 222), "prctl": (157, 167),
    "kill": (62, 129), "pidfd_send_signal": (424, 424), "preadv2": (327, 286),
    "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setaffinity": (203, 122), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "sched_setattr": (314, 274),
}  # fmt: skip
PROGRAMS = ("execve", "execveat", "fork", "vfork")
NEWEST = 469  # of the calls above; of Linux 6.17 (and 6.18)
UNUSED = {"x86_64": (336, 424), "aarch64": (295, 424), "arm64": (295, 424)}  # numbers that no call had by then
ABSENT = (
    "inotify_init", "inotify_init1", "inotify_add_watch", "fanotify_init", "fanotify_mark", "mincore", "cachestat",
    "futex_waitv", "futex_wake", "futex_wait", "futex_requeue", "process_mrelease", "statmount", "listmount",
    "lsm_set_self_attr", "open_tree_attr", "file_getattr", "file_setattr", "clone3",  # glibc then uses clone
)  # fmt: skip
ATTRIBUTES = tuple(name for name in NUMBERS if "xattr" in name)
METADATA = (
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat", "utime", "utimes",
    "futimesat", "utimensat",
)  # fmt: skip
ASKED = (
    "prlimit64", "socket", "socketpair", "clone", "ioctl", "fcntl", "flock", "futex", "mmap", "prctl", "kill",
    "pidfd_send_signal", "preadv2", "setpriority", "ioprio_set", "sched_setaffinity", "sched_setparam",
    "sched_setscheduler", "sched_setattr",
)  # fmt: skip
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7), "arm64": (1, 0xC00000B7)}
LD_WORD, AND, JEQ, JGE, JSET, RET = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
NUMBER_AT, ARCH_AT, ARGUMENTS_AT = 0, 4, 16
NEW_NAMESPACES = 0x7E020000 | 0x80  # CLONE_NEWNS ... CLONE_NEWNET and CLONE_NEWTIME
IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
FCNTLS = (0, 1, 2, 3, 4, 1030, 1031, 1032)  # F_DUPFD ... F_SETFL, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ
LOCKS = (6, 7, 37, 38)  # F_SETLK, F_SETLKW and the same of open files
PRCTLS = (4, 36)  # PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER: how the judge sees its memory and its children
MAP_SHARED, MAP_ANONYMOUS = 1, 0x20
FUTEX_PRIVATE, FUTEX_COMMAND, FUTEX_WAKE = 128, 0x7F, 1
PRIO_PROCESS, IOPRIO_WHO_PROCESS = 0, 1
SOCK_STREAM, SOCK_SEQPACKET, SOCK_TYPES = 1, 5, 0xF
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2

Instruction = tuple[int, int, int, int]
DENY = ERRNO | errno.EPERM
DONE = ERRNO  # errno 0: the call is told to have worked


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def supported() -> bool:
    """Whether the numbers of this machine's calls are known."""
    return platform.machine() in ARCHITECTURES


def filter_for(machine: str, *, processes: bool, alone: bool = True, pid: int = 0) -> list[Instruction]:
    """The filter's instructions, for the process `pid`.

    With `processes` programs may be started, and futexes shared with them. How many processes there may be is not a
    filter's to say: the session itself forks for each question, so that is RLIMIT_NPROC's. `alone` says that
    namespaces keep everything else away: a root of its own whose shared files are read-only, no foreign process, no
    foreign socket. Without them no signal goes to a whole group or to everybody, no socket is made but connected
    pairs, and a change of a file's mode, owner or times is told to have worked and does nothing: Landlock does not
    tell one's own files from others', and an error would stop `shutil.copy` and all that use it.
    """
    column, architecture = ARCHITECTURES[machine]
    number = {name: both[column] for name, both in NUMBERS.items()}
    answers = dict.fromkeys(NUMBERS, DENY)
    answers |= dict.fromkeys(ABSENT, ERRNO | errno.ENOSYS)
    answers |= dict.fromkeys(ATTRIBUTES, ERRNO | errno.EOPNOTSUPP)
    answers |= dict.fromkeys(METADATA, DONE)
    free = (*ASKED, *(PROGRAMS if processes else ()), *(METADATA if alone else ()))
    first, end = UNUSED[machine]
    steps: list[Instruction] = [
        (LD_WORD, 0, 0, ARCH_AT), (JEQ, 1, 0, architecture), (RET, 0, 0, DENY), (LD_WORD, 0, 0, NUMBER_AT),
        (JGE, 0, 1, NEWEST + 1), (RET, 0, 0, ERRNO | errno.ENOSYS),
        (JGE, 0, 2, first), (JGE, 1, 0, end), (RET, 0, 0, ERRNO | errno.ENOSYS),
    ]  # fmt: skip
    for name, inner in _asked(processes, alone, pid).items():
        if number[name] is not None:
            steps += [(JEQ, 0, len(inner), int(number[name] or 0)), *inner]
    for name, answer in answers.items():
        if name not in free and number[name] is not None:
            steps += [(JEQ, 0, 1, int(number[name] or 0)), (RET, 0, 0, answer)]
    return [*steps, (RET, 0, 0, ALLOW)]


def _asked(processes: bool, alone: bool, pid: int) -> dict[str, list[Instruction]]:
    """What becomes of the calls that their arguments decide on; each list ends with an answer."""
    own = (0, pid) if pid else (0,)
    found = {
        "mmap": [_argument(3), (JSET, 0, 2, MAP_ANONYMOUS), (JSET, 0, 1, MAP_SHARED), (RET, 0, 0, DENY), _allow()],
        "ioctl": _only((1, IOCTLS), otherwise=ERRNO | errno.ENOTTY),
        "fcntl": _unless(1, LOCKS, DONE, _only((1, FCNTLS), otherwise=ERRNO | errno.EINVAL)),
        "flock": [(RET, 0, 0, DONE)],  # told to be had: nobody else is there who should wait
        "prctl": _unless(0, PRCTLS, DENY, [_allow()]),
        "clone": [_argument(0), (JSET, 0, 1, NEW_NAMESPACES), (RET, 0, 0, DENY), _allow()],
        "prlimit64": _only((0, (0,)), otherwise=DENY),
        "preadv2": _only((5, (0,)), otherwise=ERRNO | errno.EOPNOTSUPP),
        "setpriority": _only((0, (PRIO_PROCESS,)), (1, own), otherwise=DENY),
        "ioprio_set": _only((0, (IOPRIO_WHO_PROCESS,)), (1, own), otherwise=DENY),
    }
    for name in ("sched_setaffinity", "sched_setparam", "sched_setscheduler", "sched_setattr"):
        found[name] = _only((0, own), otherwise=DENY)
    refused = ERRNO | errno.EACCES
    if alone:
        found |= dict.fromkeys(("socket", "socketpair"), _only((0, (socket.AF_UNIX,)), otherwise=refused))
    else:
        found["socket"] = [(RET, 0, 0, refused)]
        found["socketpair"] = [  # a pair of datagram sockets could still send to any other by its path
            *_only((0, (socket.AF_UNIX,)), otherwise=refused)[:-1],
            _argument(1), (AND, 0, 0, SOCK_TYPES), (JEQ, 2, 0, SOCK_STREAM), (JEQ, 1, 0, SOCK_SEQPACKET),
            (RET, 0, 0, refused), _allow(),
        ]  # fmt: skip
        found["kill"] = [_argument(0), (JEQ, 1, 0, 0), (JSET, 0, 1, 0x80000000), (RET, 0, 0, DENY), _allow()]
        found["pidfd_send_signal"] = _only((3, (0,)), otherwise=DENY)  # a flag means the whole group
    if not processes:  # two sessions could wait for each other on a page of a library; glibc tries again on EAGAIN
        found["futex"] = [
            _argument(1), (JSET, 0, 1, FUTEX_PRIVATE), _allow(), (AND, 0, 0, FUTEX_COMMAND), (JEQ, 0, 1, FUTEX_WAKE),
            (RET, 0, 0, DONE), (RET, 0, 0, ERRNO | errno.EAGAIN),
        ]  # fmt: skip
    return found


def _argument(place: int) -> Instruction:
    return (LD_WORD, 0, 0, ARGUMENTS_AT + 8 * place)  # its low word: none of those looked at has more


def _allow() -> Instruction:
    return (RET, 0, 0, ALLOW)


def _only(*wanted: tuple[int, tuple[int, ...]], otherwise: int) -> list[Instruction]:
    """Allowed if each of these arguments has one of its values."""
    steps: list[Instruction] = []
    for place, values in wanted:
        steps.append(_argument(place))
        steps += [(JEQ, len(values) - at, 0, value) for at, value in enumerate(values)]  # to behind the RET
        steps.append((RET, 0, 0, otherwise))
    return [*steps, _allow()]


def _unless(place: int, values: tuple[int, ...], answer: int, rest: list[Instruction]) -> list[Instruction]:
    """`answer` if the argument has one of these values, else the rest."""
    tests: list[Instruction] = [(JEQ, len(values) - at - 1, 0, value) for at, value in enumerate(values[:-1])]
    return [_argument(place), *tests, (JEQ, 0, 1, values[-1]), (RET, 0, 0, answer), *rest]


def install(libc: ctypes.CDLL, *, processes: bool, alone: bool = True) -> int:
    """Put the filter on this thread and all that come from it; 0, or -1 with errno set. Needs no-new-privs."""
    steps = filter_for(platform.machine(), processes=processes, alone=alone, pid=os.getpid())
    raw = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(raw, len(raw))
    program = Program(len(steps), ctypes.cast(buffer, ctypes.c_void_p))
    return int(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0))
