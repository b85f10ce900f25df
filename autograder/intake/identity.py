"""The kinds of ids by which learning systems call a student, and which of them are stronger.

Used by the layouts (what a file's name says), the roster (what its columns say), the matching of the two, and the
gradebooks, which find a student's row by them. Ids are text: leading zeros stay.
"""

from __future__ import annotations

from enum import StrEnum


class IdKind(StrEnum):
    """One kind of id; the strongest first. Two ids can be compared only if they are of one kind."""

    KEY = "key"  # a plain roster's own
    CANVAS = "canvas"  # Canvas's user id
    ANONYMOUS = "anonymous"  # Canvas's anonymous id: of one assignment
    PARTICIPANT = "participant"  # Moodle's number in one assignment
    GROUP = "group"  # Moodle's number of a team
    NUMBER = "number"  # the institution's: SIS user id, ID number, Student ID, OrgDefinedId, SID
    LOGIN = "login"  # user name: SIS login id, Username, eid
    BRIGHTSPACE = "brightspace"  # Brightspace's user number, in its downloads alone
    GITHUB = "github"
    EMAIL = "email"  # compared without regard to case


RUNNING = (IdKind.CANVAS, IdKind.ANONYMOUS, IdKind.PARTICIPANT, IdKind.BRIGHTSPACE)  # numbers within one system alone
NUMERIC = (IdKind.CANVAS, IdKind.PARTICIPANT)  # numbers to the LMS, so that zeros before them mean nothing
