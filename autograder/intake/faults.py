"""The one exception of this room: what was asked for cannot be read at all.

Raised by `collect` and `read_roster`; the command line shows its text and stops before anything is graded.
"""

from autograder.errors import AutograderError


class IntakeError(AutograderError):
    """A path, an archive or a roster that the command names cannot be used; the text says why and what to do."""
