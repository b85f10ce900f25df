"""What the class lists that learning systems export look like: their columns, and what each of them says.

Read by `roster`. A list is known by its header. Sources: the importers and exporters of Canvas, Moodle and Sakai,
vendors' help pages for Blackboard, Brightspace and Gradescope; GitHub Classroom's roster file is known from downloads.
Headers are English: another language's export needs its header row in English, or a plain list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from autograder.intake.identity import IdKind

Alternatives = tuple[str, ...]  # headers of which one will do


@dataclass(frozen=True)
class Export:
    """One system's list. It is this one if of each of `needed` one header is there.

    `ids` say of which kind a column's ids are; `keys` are the columns whose first filled cell is the student's key.
    """

    name: str
    needed: tuple[Alternatives, ...]
    ids: Mapping[str, IdKind]
    keys: tuple[str, ...]
    full_name: Alternatives = ()
    family_name: Alternatives = ()
    given_name: Alternatives = ()
    email: Alternatives = ()
    group: Alternatives = ()
    handed_in: Alternatives = ()
    marked: bool = False  # ids have a "#" in front, against spreadsheets that eat leading zeros
    nobody: Callable[[Mapping[str, str]], bool] = field(default=lambda cells: False)  # whether a row is no student's

    def fits(self, titles: Sequence[str]) -> bool:
        return all(any(name in titles for name in alternatives) for alternatives in self.needed)


def _no_student_of_canvas(cells: Mapping[str, str]) -> bool:
    """The points row, the test student, and rows such as "Manual Posting" that name nobody."""
    name = cells.get("Student", "") or ", ".join(filter(None, [cells.get("LastName"), cells.get("FirstName")]))
    return "Points Possible" in name or name == "Student, Test" or not (name or cells.get("ID"))


MOODLE_IDS = {"ID number": IdKind.NUMBER, "Username": IdKind.LOGIN}
EXPORTS = (
    Export(
        "Moodle's grading worksheet", (("Identifier",), ("Full name", "Last modified (grade)")),
        {"Identifier": IdKind.PARTICIPANT, **MOODLE_IDS}, ("Identifier",), full_name=("Full name",),
        email=("Email address",), group=("Group", "Groups"), handed_in=("Last modified (submission)",),
    ),
    Export(
        "Canvas's gradebook", (("Student", "LastName"), ("ID",), ("Section",)),
        {"ID": IdKind.CANVAS, "SIS User ID": IdKind.NUMBER, "SIS Login ID": IdKind.LOGIN}, ("ID",),
        full_name=("Student",), family_name=("LastName",), given_name=("FirstName",), nobody=_no_student_of_canvas,
    ),
    Export(
        "Sakai's grades.csv", (("Display ID",), ("ID",), ("Last Name",)),
        {"ID": IdKind.LOGIN, "Display ID": IdKind.NUMBER}, ("ID",), family_name=("Last Name",),
        given_name=("First Name",),
    ),
    Export(
        "Sakai's gradebook", (("Student ID",), ("Name",)), {"Student ID": IdKind.LOGIN}, ("Student ID",),
        full_name=("Name",),
    ),
    Export(
        "GitHub Classroom's roster", (("identifier",), ("github_username",)), {"github_username": IdKind.GITHUB},
        ("identifier", "github_username"), full_name=("name",),
    ),
    Export(
        "Brightspace's grades", (("Username", "OrgDefinedId"), ("End-of-Line Indicator",)),
        {"OrgDefinedId": IdKind.NUMBER, "Username": IdKind.LOGIN}, ("Username", "OrgDefinedId"),
        family_name=("Last Name",), given_name=("First Name",), email=("Email",), marked=True,
    ),
    Export(
        "Blackboard's grades", (("Last Name",), ("Username",)),
        {"Username": IdKind.LOGIN, "Student ID": IdKind.NUMBER}, ("Username",), family_name=("Last Name",),
        given_name=("First Name",),
    ),
    Export(
        "Gradescope's list", (("Name", "First Name", "Last Name"), ("Email",), ("SID", "Sections", "Section", "Role")),
        {"SID": IdKind.NUMBER}, ("Email", "SID"), full_name=("Name",), family_name=("Last Name",),
        given_name=("First Name",), email=("Email",), handed_in=("Submission Time",),
    ),
    Export(
        "Moodle's list of participants", (("First name",), ("Last name", "Surname"), ("Email address",)),
        MOODLE_IDS, ("Email address", "Username", "ID number"), family_name=("Last name", "Surname"),
        given_name=("First name",), email=("Email address",), group=("Group", "Groups"),
    ),
)  # fmt: skip

# Optional columns of a plain list, in any letter case
PLAIN_IDS = {
    **{kind.value: kind for kind in IdKind if kind not in (IdKind.KEY, IdKind.GROUP, IdKind.EMAIL)},
    "canvas id": IdKind.CANVAS, "participant number": IdKind.PARTICIPANT, "id number": IdKind.NUMBER,
    "student id": IdKind.NUMBER, "sis user id": IdKind.NUMBER, "sid": IdKind.NUMBER, "orgdefinedid": IdKind.NUMBER,
    "username": IdKind.LOGIN, "sis login id": IdKind.LOGIN, "eid": IdKind.LOGIN, "github_username": IdKind.GITHUB,
}  # fmt: skip
