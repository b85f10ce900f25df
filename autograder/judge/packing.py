"""An outcome as the bytes that a judge sends, made to fit: what a notebook printed must not cost it its marks.

Used by the judge's fork (`judge.server`); the supervisor reads the bytes back as an Outcome.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograder.results import CellRun, Outcome

MOST_BYTES = 64_000_000  # of an outcome as JSON; a usual one has some thousands
KEPT_SOURCE = 1000  # characters of a cell that is cut short
SHOWN = 10
DROPPED = "[its outputs were not kept: the notebook's outputs together are over the limit]\n"


def packed(outcome: Outcome, most: int = MOST_BYTES) -> bytes:
    """JSON of at most `most` bytes. Where it would be more, the largest cells are cut short, and a note says which.

    What tests have to tell is ours and bounded where it is made; should it alone be too much, its evidence is left out.
    """
    data = _json(outcome)
    if len(data) <= most:
        return data
    sizes = [len(cell.model_dump_json().encode("utf-8", "replace")) for cell in outcome.cells]
    cells, over, cut = list(outcome.cells), len(data) - most, []
    for place in sorted(range(len(cells)), key=lambda place: -sizes[place]):
        if over <= 0:
            break
        cells[place] = _short(cells[place])
        over -= sizes[place] - len(cells[place].model_dump_json().encode("utf-8", "replace")) - 8
        cut.append(cells[place].number)
    outcome = outcome.model_copy(update={"cells": tuple(cells), "notes": (*outcome.notes, _told(sorted(cut)))})
    data = _json(outcome)
    if len(data) <= most:
        return data
    questions = tuple(
        one.model_copy(
            update={"tests": tuple(test.model_copy(update={"evidence": {}, "detail": ""}) for test in one.tests)}
        )
        for one in outcome.questions
    )
    return _json(outcome.model_copy(update={"questions": questions, "cells": ()}))


def _json(outcome: Outcome) -> bytes:
    return outcome.model_dump_json().encode("utf-8", "replace")


def _short(cell: CellRun) -> CellRun:
    source = cell.source if len(cell.source) <= KEPT_SOURCE else f"{cell.source[:KEPT_SOURCE]}\n[...]"
    told = ({"output_type": "stream", "name": "stderr", "text": DROPPED},) if cell.outputs else ()
    return cell.model_copy(update={"source": source, "outputs": told})


def _told(cut: Sequence[int]) -> str:
    more = f" and {len(cut) - SHOWN} more" if len(cut) > SHOWN else ""
    listed = ", ".join(map(str, cut[:SHOWN]))
    return f"The outputs of code cells {listed}{more} were not kept: together they are over the limit."
