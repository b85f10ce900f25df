"""A training loop's timeline in colour, for a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder.loop.drawing import piece, pills, rows_of
from autograder.loop.timeline import Timeline


def timeline(shown: Timeline) -> RenderableType:
    """Rows of beats, then the sentence and the advice."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    rows = rows_of(shown)
    for row in rows:
        line = Text()
        for pill in pills(row):
            style = "green" if pill.beat.right else ("red dim" if pill.beat.missing else "bold red")
            line.append(piece(pill), style=style)
            line.append("  ")
        grid.add_row(f"update {row.number}", line)
    parts: list[RenderableType] = [Padding(grid, (0, 0, 0, 2))] if rows else []
    if rows and shown.updates > len(rows):
        parts.append(Text(f"  … and {shown.updates - len(rows)} more", style="dim"))
    parts.append(Padding(Text(shown.sentence), (0, 0, 0, 2)))
    if shown.advice:
        parts.append(Padding(Text(f"→ {shown.advice}", style="cyan"), (0, 0, 0, 2)))
    return Group(*parts)
