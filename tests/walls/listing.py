"""Lists, from inside a session, all that it can import or read of this program: `python -m walls.listing LEVEL`.

Run by test_own_code with some interpreter in some circumstances; prints one JSON object. A program of its own, since
it must be this program's code that is installed with that interpreter which is looked at.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import autograder
from autograder.course import load_course
from autograder.judge.notebook_run import NotebookRun
from autograder.judge.one import LocalBroker
from autograder.sandbox.sessions import Sandbox

ROOT = Path(__file__).resolve().parents[2]
INSIDE = """
import gc, hashlib, importlib, importlib.util, json, os, pkgutil, sys, types, zipimport
GIVEN = json.loads({given!r})
home = os.path.dirname(sys.modules["autograder"].__file__)
found = dict(read=[], named=[], twins=[], imported=[], by_file=[], revealed=[], walked=[])

for path in GIVEN["files"]:  # whatever there is of ours, by its very path
    try:
        with open(path, "rb") as file: file.read(1)
        found["read"].append(path)
    except OSError: pass

def names_in(folder):
    for top, folders, files in os.walk(folder):
        for name in files: yield os.path.join(top, name)

starts = dict.fromkeys([*sys.path, home, os.path.dirname(home), *GIVEN["starts"], "/"])
seen = set()
for start in starts:  # whatever can be listed: copies of ours under other names, and what leads to ours
    for path in names_in(start or "."):
        if path in seen or path.startswith(("/proc", "/sys")): continue
        seen.add(path)
        try: size = os.stat(path).st_size
        except OSError: continue
        if size in GIVEN["sizes"]:
            try:
                with open(path, "rb") as file: text = file.read()
            except OSError: continue
            if hashlib.sha256(text).hexdigest() in GIVEN["hashes"]: found["twins"].append(path)
        if path.endswith(("/direct_url.json", "/RECORD", "/top_level.txt", ".pth", ".egg-link")):
            try:
                with open(path, errors="replace") as file: lines = file.read().splitlines()
            except OSError: continue
            for line in lines:
                place = line.split(",")[0].removeprefix("file://")
                place = os.path.join(os.path.dirname(os.path.dirname(path)), place)
                if "/autograder/" in os.path.realpath(place) and place.endswith((".py", ".pyc")):
                    try:
                        with open(place, "rb"): found["revealed"].append(os.path.realpath(place))
                    except OSError: pass

before = set(sys.modules)
found["loaded"] = sorted(name for name in before if name.split(".")[0] == "autograder")
sys.path += [os.path.dirname(home), *GIVEN["starts"]]
importlib.invalidate_caches()
for name in GIVEN["modules"]:
    try:
        importlib.import_module(name)
        found["imported"].append(name)
    except (ImportError, OSError): pass
    path = os.path.join(os.path.dirname(home), *name.split("."))
    for file in (path + ".py", path + "/__init__.py"):
        try:
            spec = importlib.util.spec_from_file_location(name + "_again", file)
            spec.loader.get_code(spec.name)
            found["by_file"].append(file)
        except (ImportError, OSError): pass
    for archive in (home, os.path.dirname(home)):
        try: zipimport.zipimporter(archive); found["by_file"].append(archive)
        except (ImportError, OSError): pass
try: found["walked"] = [m.name for m in pkgutil.walk_packages([home], "autograder.", onerror=lambda name: None)]
except OSError: pass
gc.unfreeze()
found["in_memory"] = sorted({{m.__name__ for m in gc.get_objects() if isinstance(m, types.ModuleType)
                             and m.__name__.split(".")[0] == "autograder"}})
functions = [f for f in gc.get_objects() if isinstance(f, types.FunctionType)]
found["files_of_memory"] = sorted({{f.__code__.co_filename for f in functions if home in f.__code__.co_filename}})
print(json.dumps(found))
"""


def main() -> None:
    home = Path(autograder.__file__).parent
    places = {home, ROOT / "autograder"}
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    files += [path for name in ("tests", "solutions", "benchmarks") for path in (ROOT / name).rglob("*.*")]
    files += [ROOT / "grading.yml", ROOT / ".git"]
    ours = [path for path in files if path.suffix in (".py", ".pyc", ".ipynb") and path.stat().st_size > 200]
    modules = {path.relative_to(home).with_suffix("") for path in home.rglob("*.py")}
    names = {".".join(("autograder", *path.parts)).removesuffix(".__init__") for path in modules}
    given = {
        "files": sorted(map(str, files)),
        "sizes": sorted({path.stat().st_size for path in ours}),
        "hashes": sorted({hashlib.sha256(path.read_bytes()).hexdigest() for path in ours}),
        "modules": sorted(names),
        "starts": sorted({str(ROOT), *map(str, places)}),
    }
    assignment = load_course(ROOT).assignment("dipping_into_pytorch")
    with Sandbox(level=sys.argv[1]) as sandbox:
        run = NotebookRun(LocalBroker(sandbox, assignment), [INSIDE.format(given=json.dumps(given))], assignment, 1)
        run.start()
        run.end()
    cell = run.cells[0]
    told = "".join(out.get("text", "") for out in cell.outputs)
    if cell.error or not told:
        sys.exit(f"{cell.error} {run.trouble} {told[-2000:]}")
    print(json.dumps({"home": str(home), "count": len(files), **json.loads(told.splitlines()[-1])}))


if __name__ == "__main__":
    main()
