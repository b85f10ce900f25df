"""The root of all refusals: what a user can mend, said in words. Everything else that is raised is a bug of ours.

Every room derives its own from it. The command line shows a refusal's text and exits with code 2; a bug keeps its
traceback, so that nobody looks for a mistake of theirs that is not there.
"""

from __future__ import annotations


class AutograderError(Exception):
    """Something that a user asked for cannot be done as it stands.

    `file` and `place` (a row, a line, a column) say where, `way_out` what to do, each "" where the message tells it.
    """

    def __init__(self, message: str, *, file: str = "", place: str = "", way_out: str = "") -> None:
        self.message, self.file, self.place, self.way_out = message, file, place, way_out
        where = ", ".join(filter(None, (file, place)))
        super().__init__(" ".join(filter(None, (f"{where}:" if where else "", message, way_out))))
