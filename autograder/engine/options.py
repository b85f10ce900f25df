"""What a person asks of a run of `grade`: read from the command line once, handed on unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """`workers` 0 means one slot a core; `only` limits the run to these students or hand-ins."""

    out: Path
    seed: int
    paths: tuple[Path, ...] = ()  # where the hand-ins lie: no student's code may see them
    roster: Path | None = None
    match: Path | None = None  # a person's word on whose hand-ins are and which file counts
    groups: Path | None = None
    extensions: Path | None = None
    workers: int = 0
    level: str | None = None
    only: tuple[str, ...] = ()
    trusted: bool = False  # the notebooks are our own, so that they may run even where nothing can wall them in
    fresh: bool = False
    layout: str | None = None  # force an LMS's way of naming files
    anonymous: bool = False  # outputs have pseudonyms
    secret: bytes | None = None  # of a new run: where student code's random numbers start (drawn if None)
