"""Which files of what somebody handed in are the work: scripts beside notebooks, and one notebook of several.

Called by `collect`, and for the one hand-in of a Gradescope container.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from autograder.intake.finding import Found, no_notebook, some_of
from autograder.intake.keys import Place, is_export_name, is_script_name, without_ending
from autograder.intake.notebook import Notebook
from autograder.intake.reader import Reader

Chosen = tuple[list[Found], dict[str, tuple[str, ...]], dict[int, tuple[int, ...]]]


def scripts_sorted_out(found: Sequence[Found], names: Sequence[str], reader: Reader) -> list[Found]:
    """Scripts that are no hand-in are left out: helpers, and what lies beside a notebook of the same name; so are pages
    and texts beside one."""
    taken = {_where(item) for item in found if item.left_out is None and not _is_instead(item)}
    return [
        replace(item, content=None, left_out=no_notebook(item.place.path))
        if _is_instead(item)
        and item.content is not None
        and (_where(item) in taken or (is_script_name(item.place.path) and names_in(item, names, reader) == 0))
        else item
        for item in found
    ]


def _where(item: Found) -> tuple[str, str]:
    return item.place.root, without_ending(item.place.path)


def _is_instead(item: Found) -> bool:
    return is_script_name(item.place.path) or is_export_name(item.place.path)


def names_in(item: Found, names: Sequence[str], reader: Reader) -> int | None:
    """How many of the assignment's names a file defines; 0 if it cannot be read, None if that would take too long."""
    return reader.names_in(item.content, names) if item.content is not None and names else 0


def chosen(
    found: Sequence[Found], names: Sequence[str], reader: Reader, uploads: Mapping[int, int] | None = None
) -> Chosen:
    """One notebook of what belongs together, called by its archive's name; a note on each choice, by source; and by
    the chosen one's position the others of its hand-in.

    The one that defines most of the assignment's names is meant, a page or a text only where there is no notebook.
    Of several that are as good, the newest by `uploads` (what the LMS counted up, by position). Where that does not
    tell either, and their code differs, nobody can say: the first of them stands for all of them with a problem,
    and is among its own others.
    """
    groups: dict[Place, list[int]] = {}
    for position, item in enumerate(found):
        if item.within is not None and item.left_out is None:
            groups.setdefault(item.within, []).append(position)
    result = list(found)
    notes: dict[str, tuple[str, ...]] = {}
    others: dict[int, tuple[int, ...]] = {}
    for within, positions in groups.items():
        if len(positions) == 1:
            result[positions[0]] = replace(found[positions[0]], place=within)
            continue
        counts = {position: names_in(found[position], names, reader) or 0 for position in positions}
        worth = {
            position: (one.content is not None, not is_export_name(one.place.path), counts[position])
            for position in positions
            for one in [found[position]]
        }
        best = [position for position in positions if worth[position] == max(worth.values())]
        order = uploads or {}
        newest = max(order.get(position, -1) for position in best)
        alike = _different([position for position in best if order.get(position, -1) == newest], found, names, reader)
        taken = found[alike[0]]
        result[alike[0]] = replace(taken, place=within)
        others[alike[0]] = tuple(position for position in positions if position != alike[0])
        left_out = f"{taken.source} was graded instead of it"
        if len(alike) > 1:
            shown = some_of([PurePosixPath(found[position].place.path).name for position in alike])
            left_out = f"{len(alike)} notebooks may be the one that counts ({shown}), and nothing tells which is newest"
            result[alike[0]] = replace(taken, place=within, content=None, problem=left_out)
            others[alike[0]] = tuple(positions)
        else:
            notes[taken.source] = (_note([(found[position], counts[position]) for position in positions], taken),)
        for position in positions:
            if position != alike[0]:
                result[position] = replace(found[position], content=None, left_out=left_out)
    return result, notes, others


def _different(positions: Sequence[int], found: Sequence[Found], names: Sequence[str], reader: Reader) -> list[int]:
    """The first of all that cannot be read or have the same code, and every one whose code is another."""
    met: dict[object, int] = {}
    for position in positions:
        content = found[position].content
        read = reader.notebook(content, names) if content is not None else None
        met.setdefault(tuple(read.code) if isinstance(read, Notebook) else content, position)
    return list(met.values())


def _note(counted: Sequence[tuple[Found, int]], taken: Found) -> str:
    listed = ", ".join(f"{PurePosixPath(item.place.path).name} ({count})" for item, count in counted)
    return (
        f"Of {len(counted)} notebooks in one hand-in {PurePosixPath(taken.place.path).name} was graded; so many of the "
        f"assignment's names each defines: {listed}."
    )
