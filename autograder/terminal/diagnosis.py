"""How a Diagnosis is shown: in the terminal, and as a picture for a page."""

from __future__ import annotations

from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from autograder.judge.diagnosis import Diagnosis
from autograder.loop.drawing import svg
from autograder.report.feedback import visible
from autograder.terminal.timeline import timeline

STYLES = {True: "green", False: "red", None: "yellow"}


def shown(found: Diagnosis) -> RenderableType:
    """File, verdict, sentence, places and timeline."""
    head = Text(visible(found.file), style="bold")
    if found.verdict is None:
        return Group(head, Text(f"  {visible(found.error or '')}", style="yellow"), Text())
    parts: list[RenderableType] = [head]
    parts.append(Text(f"  {found.verdict}", style=f"bold {STYLES[found.correct]}"))
    if found.timeline is not None:
        parts.append(timeline(found.timeline))
    else:
        parts.append(Text(f"  {visible(found.sentence)}"))
    places = [_place(spot) for spot in found.told.get("where", [])]
    if places:
        parts.append(Text("  " + " · ".join(places), style="dim"))
    parts += [Text(f"  {visible(note)}", style="dim") for note in found.notes]
    return Group(*parts, Text())


def _place(spot: dict[str, object]) -> str:
    cell = f"cell {spot['cell']}, " if spot["cell"] else ""
    return f"{spot['step']}: {cell}line {spot['line']}"


def picture_of(found: Diagnosis, folder: Path, number: int) -> Path | None:
    """Write the timeline as FOLDER/<file's stem>.svg (a number in front if that is taken); None if there is none."""
    if found.timeline is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{Path(found.file).stem}.svg"
    if path.exists():
        path = folder / f"{number + 1}-{path.name}"
    path.write_text(svg(found.timeline, Path(found.file).name), encoding="utf-8")
    return path
