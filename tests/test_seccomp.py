"""The filter's answers, by an interpreter of its own for the instructions: on every processor, whatever this one is."""

from __future__ import annotations

import errno

import pytest

from autograder.sandbox import seccomp
from autograder.sandbox.seccomp import ALLOW, DENY, DONE, ERRNO, NEWEST, NUMBERS, filter_for

MACHINES = ("x86_64", "aarch64")
ABSENT, UNKNOWN_REQUEST = ERRNO | errno.ENOSYS, ERRNO | errno.ENOTTY
PID = 4711


def answered(machine: str, number: int, *arguments: int, architecture: int | None = None, **options: bool) -> int:
    """What the filter says of one call."""
    data = {seccomp.NUMBER_AT: number, seccomp.ARCH_AT: seccomp.ARCHITECTURES[machine][1]}
    if architecture is not None:
        data[seccomp.ARCH_AT] = architecture
    data |= {seccomp.ARGUMENTS_AT + 8 * place: value & 0xFFFFFFFF for place, value in enumerate([*arguments, *[0] * 6])}
    steps = filter_for(machine, **{"processes": False, "pid": PID, **options})
    assert len(steps) <= 4096 and all(jump < 256 for step in steps for jump in step[1:3])
    at, word = 0, 0
    while True:
        code, if_so, if_not, value = steps[at]
        at += 1
        if code == seccomp.RET:
            return value
        if code == seccomp.LD_WORD:
            word = data[value]
        elif code == seccomp.AND:
            word &= value
        else:
            holds = {
                seccomp.JEQ: word == value, seccomp.JGE: word >= value, seccomp.JSET: bool(word & value)
            }[code]  # fmt: skip
            at += if_so if holds else if_not


def call(machine: str, name: str, *arguments: int, **options: bool) -> int | None:
    """The same by name; None where the processor has no such call."""
    number = NUMBERS[name][seccomp.ARCHITECTURES[machine][0]]
    return None if number is None else answered(machine, number, *arguments, **options)


each = pytest.mark.parametrize("machine", MACHINES)


@each
def test_calls_that_are_newer_than_the_list_are_none(machine: str) -> None:
    assert max(number for both in NUMBERS.values() for number in both if number is not None) == NEWEST
    first, end = seccomp.UNUSED[machine]
    for number in (*range(first, end), *range(NEWEST + 1, NEWEST + 200), 0x40000000 + 2, 0xFFFFFFFF):
        assert answered(machine, number) == ABSENT, number
    assert call(machine, "open_tree_attr") == ABSENT and call(machine, "inotify_init1") == ABSENT


@each
def test_what_everybody_needs_passes(machine: str) -> None:
    read, openat = {"x86_64": (0, 257), "aarch64": (63, 56)}[machine]
    for number in (read, openat, 436, 439):  # close_range, faccessat2
        assert answered(machine, number) == ALLOW
    assert call(machine, "mmap", 0, 4096, 3, 0x22) == ALLOW and call(machine, "mmap", 0, 4096, 1, 1, 5) == ALLOW
    assert call(machine, "futex", 0, 128) == ALLOW and call(machine, "futex", 0, 128 | 9 | 256) == ALLOW
    assert call(machine, "fcntl", 5, 4) == ALLOW and call(machine, "ioctl", 5, 0x5421) == ALLOW
    assert call(machine, "prctl", 15) == ALLOW and call(machine, "clone", 0x3D0F00) == ALLOW
    assert answered(machine, 0, architecture=1) == DENY


@each
def test_metadata_is_told_to_be_changed_and_is_not_where_files_are_not_the_sessions_own(machine: str) -> None:
    names = ("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "fchownat", "utime", "utimes", "utimensat")
    for name in names:
        assert call(machine, name, alone=False) in (DONE, None), name
        assert call(machine, name, alone=True) in (ALLOW, None), name
    for name in seccomp.ATTRIBUTES:
        assert call(machine, name) == ERRNO | errno.EOPNOTSUPP, name
    for request in (0x40086602, 0x401C5820, 0x5412, 0x541C):  # FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, TIOCSTI, TIOCLINUX
        assert call(machine, "ioctl", 5, request) == UNKNOWN_REQUEST


@each
def test_priorities_are_ones_own_alone(machine: str) -> None:
    for name in ("sched_setaffinity", "sched_setparam", "sched_setscheduler", "sched_setattr"):
        assert [call(machine, name, pid) for pid in (0, PID, 1, -1)] == [ALLOW, ALLOW, DENY, DENY], name
    assert call(machine, "setpriority", 0, 0, 5) == ALLOW and call(machine, "setpriority", 0, PID, 5) == ALLOW
    assert [call(machine, "setpriority", which, 0, 5) for which in (1, 2)] == [DENY, DENY]
    assert call(machine, "setpriority", 0, 1, 5) == DENY
    assert call(machine, "ioprio_set", 1, 0) == ALLOW
    assert [call(machine, "ioprio_set", *one) for one in ((1, 1), (2, 0), (3, 0))] == [DENY, DENY, DENY]


@each
def test_nothing_is_heard_from_other_sessions(machine: str) -> None:
    assert call(machine, "futex", 0, 0) == ERRNO | errno.EAGAIN  # FUTEX_WAIT on a page that may be shared
    assert call(machine, "futex", 0, 9) == ERRNO | errno.EAGAIN
    assert call(machine, "futex", 0, 1) == DONE  # FUTEX_WAKE: there is nobody
    assert call(machine, "futex", 0, 0, processes=True) == ALLOW
    assert call(machine, "flock", 5, 2) == DONE
    assert [call(machine, "fcntl", 5, command) for command in (6, 7, 37, 38)] == [DONE] * 4
    for command in (5, 8, 10, 36, 1024, 1026, 1033):  # asking for locks, signals, leases, watches, seals
        assert call(machine, "fcntl", 5, command) == ERRNO | errno.EINVAL, command
    assert call(machine, "preadv2", 5, 0, 0, 0, 0, 8) == ERRNO | errno.EOPNOTSUPP


@each
def test_memory_has_an_owner_and_processes_stay_visible(machine: str) -> None:
    for flags in (0x21, 0x23):  # MAP_SHARED or MAP_SHARED_VALIDATE, and MAP_ANONYMOUS
        assert call(machine, "mmap", 0, 4096, 3, flags) == DENY
    assert call(machine, "memfd_create") == DENY
    assert call(machine, "prctl", 4, 0) == DENY and call(machine, "prctl", 36, 0) == DENY


@each
def test_sockets(machine: str) -> None:
    refused = ERRNO | errno.EACCES
    assert call(machine, "socket", 1, 1) == ALLOW and call(machine, "socket", 2, 1) == refused
    assert call(machine, "socket", 1, 1, alone=False) == refused
    pairs = [call(machine, "socketpair", 1, kind, alone=False) for kind in (1, 1 | 0o2000000, 5, 2, 3)]
    assert pairs == [ALLOW, ALLOW, ALLOW, refused, refused]
    assert call(machine, "socketpair", 2, 1, alone=False) == refused == call(machine, "socketpair", 2, 1)


@each
def test_programs_and_signals(machine: str) -> None:
    assert call(machine, "execve") == DENY and call(machine, "execve", processes=True) == ALLOW
    assert [call(machine, "kill", pid, 9, alone=False) for pid in (0, -1, -5, 5)] == [DENY, DENY, DENY, ALLOW]
    assert call(machine, "kill", -1, 9) == ALLOW
    assert call(machine, "pidfd_send_signal", 3, 9, 0, 4, alone=False) == DENY
