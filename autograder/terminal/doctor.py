"""How the doctor's findings are shown."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from autograder.sandbox.doctor import LAYERS, LevelTried, Report


def shown(report: Report) -> RenderableType:
    """The table of levels and layers, and what follows from it."""
    table = Table(title=f"Confinement on {report.machine}, as {report.user}", title_justify="left")
    table.add_column("layer")
    for finding in report.findings:
        table.add_column(finding.level)
    for layer, meaning in LAYERS.items():
        table.add_row(f"{layer}: {meaning}", *(_cell(finding, layer) for finding in report.findings))
    table.add_section()
    table.add_row(
        "as a whole", *("works" if not one.trouble else f"no: {escape(one.trouble)}" for one in report.findings)
    )
    lines = [
        f"`grade` takes {report.level} here."
        if report.level
        else "`grade` refuses here, unless you say --level basic.",
        f"Not prevented: {report.not_prevented}.",
        *report.advice(),
    ]
    return Group(table, *map(escape, lines))


def _cell(finding: LevelTried, layer: str) -> str:
    if layer not in finding.layers:
        return "not tried"
    through = finding.layers[layer]
    if not through:
        return "works"
    return escape(through) if finding.needs(layer) else f"no ({escape(through)})"
