"""Which level stops which class of attacks: the suite of tests/attacks, graded in every circumstance, as a table.

    python benchmarks/attacks.py [--only NAME ...]

Circumstances: as root and as an ordinary user with everything the kernel offers (`strong`), both again with namespaces
refused by a seccomp filter around the run (`restricted`), and `basic`, in a pid namespace of its own where that can be
had, because nothing else would keep its signals inside. Every class is a run of its own, so that one cannot spoil
another. A cell gives attacks that reached nothing / all; what did reach something is listed below the table.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from attacks.liars import ATTACKS  # noqa: E402
from attacks.suite import grade_attacks, in_circumstances  # noqa: E402

CIRCUMSTANCES: dict[str, tuple[str | None, Sequence[str]]] = {
    "root": (None, ()),
    "ordinary user": (None, ("--user",)),
    "root, no namespaces": (None, ("--no-namespaces",)),
    "ordinary user, no namespaces": (None, ("--user", "--no-namespaces")),
    "basic": ("basic", ()),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=CIRCUMSTANCES, default=list(CIRCUMSTANCES))
    wish = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("this needs root: it gives root's rights away for some of its runs")
    kinds = list(dict.fromkeys(one.kind for one in ATTACKS))
    rows: dict[str, list[str]] = {kind: [] for kind in kinds}
    heads, through = [], []
    for name in wish.only:
        level, options = CIRCUMSTANCES[name]
        prefix = in_circumstances(*options)
        if name == "basic":
            prefix = [shutil.which("unshare") or "unshare", "--pid", "--fork", "--mount-proc", *prefix]
        levels = set()
        for kind in kinds:
            attacks = [one for one in ATTACKS if one.kind == kind]
            folder = Path(tempfile.mkdtemp(prefix="attacks-"))
            ended = grade_attacks(folder, attacks, level, prefix)
            shutil.rmtree(folder, ignore_errors=True)
            levels.add(ended.level)
            stopped = sum(not found for found in ended.breaches.values())
            rows[kind].append(f"{stopped} / {len(attacks)}" + (" (!)" if ended.general else ""))
            through += [f"{name}, {kind}: {what}" for what in ended.all]
            print(name, kind, rows[kind][-1], file=sys.stderr)
        heads.append(f"{name}: {' '.join(filter(None, levels)) or 'no scores'}")
    print("| class | " + " | ".join(heads) + " |\n|---" + "|---" * len(heads) + "|")
    for kind in kinds:
        print(f"| {kind} | " + " | ".join(rows[kind]) + " |")
    print(f"\n{len(through)} attacks or traces got through" + (":" if through else "."))
    print("\n".join(f"- {what}" for what in through))


if __name__ == "__main__":
    main()
