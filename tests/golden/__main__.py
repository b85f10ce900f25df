"""In tests/, `python -m golden write` makes the digests anew; `python -m golden show FOLDER` writes what they are of.

To see what a change did to the outputs: `show` at both commits, then compare the two folders with diff.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from golden.classes import CLASSES
from golden.files import DIGESTS, digests, outputs


def main(words: list[str]) -> int:
    if words[:1] not in (["write"], ["show"]) or len(words) != (1 if words[0] == "write" else 2):
        print(__doc__, file=sys.stderr)
        return 2
    kept = {}
    for name, make in CLASSES.items():
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder))
            files = outputs(Path(folder))
        kept[name] = digests(files)
        if words[0] == "show":
            for member, text in files.items():
                path = Path(words[1]) / name / member
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    if words[0] == "write":
        DIGESTS.write_text(json.dumps(kept, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
