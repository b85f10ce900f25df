"""Draws a training loop's timeline: an SVG for pages and notebooks, plain text for terminals.

A row for each update, a pill for each beat. Right beats are filled, wrong ones outlined with a cross and a note,
missing ones dashed with a question mark, so that colour is never the only sign. Standard library only; all text is
escaped.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from autograder.loop.timeline import Beat, Row, Timeline

MOST_ROWS = 8
WIDTH, LEFT, TOP = 680, 92, 58
PILL, HIGH, GAP, ROW = 132, 30, 12, 48
LINE = 78  # characters of a sentence that fit beside each other
STYLE = """
.ag-tl { font-family: system-ui, sans-serif; }
.ag-tl .p { fill: #ffffff; } .ag-tl .i { fill: #1c2430; } .ag-tl .s { fill: #5a6575; }
.ag-tl .ok { fill: #d9efe2; stroke: #176b3a; } .ag-tl .okt { fill: #0f4f2a; }
.ag-tl .no { fill: #ffffff; stroke: #a32020; stroke-width: 2; } .ag-tl .not { fill: #a32020; }
.ag-tl .gone { stroke-dasharray: 5 4; }
@media (prefers-color-scheme: dark) {
.ag-tl .p { fill: #12161c; } .ag-tl .i { fill: #e8edf4; } .ag-tl .s { fill: #a5b1c2; }
.ag-tl .ok { fill: #17382a; stroke: #6fd39b; } .ag-tl .okt { fill: #bdf0d2; }
.ag-tl .no { fill: #12161c; stroke: #ff9c94; } .ag-tl .not { fill: #ff9c94; } }
"""


@dataclass(frozen=True)
class Pill:
    """One drawn beat: a run of equal beats is one pill with a count."""

    beat: Beat
    count: int = 1

    @property
    def sign(self) -> str:
        return "?" if self.beat.missing else ("✓" if self.beat.right else "✗")

    @property
    def word(self) -> str:
        return f"{self.beat.step} ×{self.count}" if self.count > 1 else self.beat.step


def pills(row: Row, most: int = 8) -> list[Pill]:
    """A row's beats with runs of equal ones put together, the middle left out where there are more than `most`."""
    found = [Pill(beat, len(list(run))) for beat, run in itertools.groupby(row.beats)]
    if len(found) <= most:
        return found
    return [*found[: most - 3], *found[-3:]]


def summary(timeline: Timeline) -> str:
    """What the picture shows, in words."""
    count = f"{timeline.updates} update{'s' if timeline.updates != 1 else ''}"
    rows = "; ".join(
        f"update {row.number}: {', '.join(_said(pill) for pill in pills(row))}" for row in timeline.rows[:3]
    )
    return f"{timeline.verdict}, {count}. {rows}."


def _said(pill: Pill) -> str:
    if pill.beat.missing:
        return f"{pill.word} is missing"
    return pill.word if pill.beat.right else f"{pill.word} is wrong ({pill.beat.note})"


def svg(timeline: Timeline, title: str = "", *, words: bool = True, most: int = MOST_ROWS) -> str:
    """A self-contained SVG picture, for light and dark pages; a screen reader gets `summary`.

    Without `words` it is the beats alone, for a page that says verdict and sentence itself.
    """
    shown = timeline.rows[:most]
    body: list[str] = []
    y = TOP if words else 10
    for row in shown:
        drawn, y = _svg_row(row, y)
        body += drawn
    left_out = timeline.updates - len(shown)
    if left_out > 0 and shown:
        body.append(f'<text x="{LEFT}" y="{y + 12}" class="s" font-size="14">… and {left_out} more</text>')
        y += 26
    for line in _wrapped(timeline) if words else ():
        body.append(f'<text x="16" y="{y + 16}" class="i" font-size="15">{escape(line)}</text>')
        y += 22
    high = y + 14
    sign, style = ("✓", "okt") if timeline.right else ("✗", "not")
    head = (
        f'<text x="16" y="34" class="{style}" font-size="19" font-weight="700">{sign} {escape(timeline.verdict)}</text>'
        if words
        else ""
    )
    side = (
        f'<text x="{WIDTH - 16}" y="34" class="s" font-size="14" text-anchor="end">{escape(title)}</text>'
        if title
        else ""
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ag-tl" role="img" viewBox="0 0 {WIDTH} {high}" width="100%" '
        f'style="max-width: {WIDTH}px"><title>{escape(title or "Timeline of the training loop")}</title>'
        f"<desc>{escape(summary(timeline))}</desc><style>{STYLE}</style>"
        f'<rect class="p" width="{WIDTH}" height="{high}" rx="8"/>{head}{side}{"".join(body)}</svg>'
    )


def _svg_row(row: Row, y: int) -> tuple[list[str], int]:
    body = [f'<text x="16" y="{y + 20}" class="s" font-size="14">update {row.number}</text>']
    x = LEFT
    deep = False
    for pill in pills(row):
        if x + PILL > WIDTH - 8:
            x, y = LEFT, y + ROW + (12 if deep else 0)
            deep = False
        beat = pill.beat
        kind = "ok" if beat.right else ("no gone" if beat.missing else "no")
        text = "okt" if beat.right else "not"
        body.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{PILL}" height="{HIGH}" rx="15"/>')
        body.append(
            f'<text x="{x + PILL // 2}" y="{y + 20}" class="{text}" font-size="14" font-weight="600" '
            f'text-anchor="middle">{pill.sign} {escape(pill.word)}</text>'
        )
        if beat.note:
            deep = True
            body.append(
                f'<text x="{x + PILL // 2}" y="{y + HIGH + 14}" class="not" font-size="12.5" text-anchor="middle">'
                f"{escape(beat.note[:24])}</text>"
            )
        x += PILL + GAP
    return body, y + ROW + (6 if deep else -6)


def _wrapped(timeline: Timeline) -> Iterator[str]:
    for paragraph in (timeline.sentence, f"→ {timeline.advice}" if timeline.advice else ""):
        yield from textwrap.wrap(paragraph, LINE)


ASCII = str.maketrans({"✓": "+", "✗": "X", "→": ">", "…": ".", "×": "x"})


def text(timeline: Timeline, width: int = 80, ascii: bool = False) -> str:
    """The timeline for a plain terminal, at most `width` columns; with `ascii` nothing else is in it."""
    lines = [f"{'✓' if timeline.right else '✗'} {timeline.verdict}"]
    shown = timeline.rows[:MOST_ROWS]
    for row in shown:
        lines += _text_row(row, width)
    left_out = timeline.updates - len(shown)
    if left_out > 0 and shown:
        lines.append(f"  … and {left_out} more")
    for paragraph in (timeline.sentence, f"→ {timeline.advice}" if timeline.advice else ""):
        lines += textwrap.wrap(paragraph, width, initial_indent="  ", subsequent_indent="  ")
    found = "\n".join(lines)
    return found.translate(ASCII).encode("ascii", "replace").decode() if ascii else found


def _text_row(row: Row, width: int) -> Iterable[str]:
    parts = [piece(pill) for pill in pills(row)]
    head = f"  update {row.number:<4}"
    lines, line = [], head
    for part in parts:
        if len(line) + len(part) + 2 > width and line.strip():
            lines.append(line.rstrip())
            line = " " * len(head)
        line += part + "  "
    return [*lines, line.rstrip()]


def piece(pill: Pill) -> str:
    """One beat in plain text: [✓ Backprop], [✗ Optimize: old marks], (? Reset: missing)."""
    note = f": {pill.beat.note}" if pill.beat.note else ""
    inner = f"{pill.sign} {pill.word}{note}"
    return f"({inner})" if pill.beat.missing else f"[{inner}]"


def rows_of(timeline: Timeline) -> Sequence[Row]:
    """The rows that are shown."""
    return timeline.rows[:MOST_ROWS]
