"""`autograder doctor`: which confinement works on this machine, tried out layer by layer, and what is not prevented."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass

from autograder.sandbox.confinement import LEVELS, NEEDED
from autograder.sandbox.sessions import NOT_PREVENTED, Sandbox, SandboxError

LAYERS = {
    "usable": "a notebook can work: its folder, Python's and torch's files",
    "files": "other people's files cannot be read",
    "writing": "nothing can be written outside the work folder",
    "network": "no connections, not even to this machine",
    "programs": "no programs are started",
    "processes": "a limit on processes and threads holds",
    "other processes": "other processes cannot be signalled",
    "memory": "a limit on memory holds for each process",
    "disk": "a limit on all files together holds",
    "anonymous files": "no files in memory beside that limit",
    "own code": "of this program, only what runs beside a notebook can be read",
    "metadata": "modes, owners and times of others' files cannot be changed",
    "local sockets": "programs that listen on a socket in a folder cannot be reached",
    "priorities": "other processes cannot be slowed down",
    "between sessions": "files that all read carry no word from one student to the next",
    "shared memory": "no memory that counts for no process",
    "new calls": "calls of newer kernels are refused",
}


@dataclass(frozen=True)
class LevelTried:
    """One level as it was tried: `trouble` is "" if it works; `layers` says for each "" or what got through."""

    level: str
    trouble: str
    layers: dict[str, str]

    def needs(self, layer: str) -> bool:
        return layer in NEEDED[self.level]


@dataclass(frozen=True)
class Report:
    """What was found on this machine. `level` is the one that `grade` takes; "" if it would refuse."""

    findings: tuple[LevelTried, ...]
    level: str
    machine: str
    user: str
    versions: dict[str, str]

    @property
    def not_prevented(self) -> str:
        return NOT_PREVENTED.get(self.level, NOT_PREVENTED["basic"])

    def advice(self) -> list[str]:
        """What would help where the best level does not work."""
        if self.level == "strong":
            return []
        trouble = next(finding.trouble for finding in self.findings if finding.level == "strong")
        found = [f"strong does not work here: {trouble}."]
        if sys.platform != "linux":
            found.append("Linux alone has namespaces, Landlock and seccomp: grade in a Linux virtual machine.")
        elif "namespace" in trouble:
            found.append(
                "Where it is a container, start it with user namespaces allowed (docker run --security-opt "
                "seccomp=unconfined --security-opt apparmor=unconfined, or --privileged); on Ubuntu, an AppArmor "
                "profile or kernel.apparmor_restrict_unprivileged_userns=0; or grade as root."
            )
        if self.level != "restricted":
            found.append(
                "Landlock needs Linux 5.13 with landlock among the kernel's security modules (lsm=landlock,...)."
            )
        return found


def examine() -> Report:
    """Try every level in a throw-away session. Raises SandboxError if no session can be started at all."""
    with Sandbox(level="basic") as sandbox:
        found = []
        for level in LEVELS:
            trouble, layers = sandbox.tried(level)
            found.append(LevelTried(level, trouble, layers))
        versions = {"python": platform.python_version(), **sandbox.versions}
    works = next((one.level for one in found if not one.trouble), "")
    return Report(
        tuple(found),
        "" if works == "basic" else works,
        f"{platform.system()} {platform.release()} {platform.machine()}",
        "root" if os.getuid() == 0 else "an ordinary user",
        versions,
    )


__all__ = ["LAYERS", "LevelTried", "Report", "SandboxError", "examine"]
