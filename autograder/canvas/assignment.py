"""One assignment on Canvas: what it is, who its students are, what stands there, and changes to it. Used by `push` and
`sending`.

It decides nothing. Shapes are those of Canvas's API reference and of instructure/canvas-lms: `bulk_update` in
app/controllers/submissions_api_controller.rb takes grade_data[<user id>][posted_grade | excuse | text_comment] and
answers with a Progress; the job (`process_bulk_update` in app/models/submission.rb) does what it can, and ends as
"failed" also if only some students were not found. So what arrived is always read back.

Grades are compared by `entered_score`: `score` is what is left after Canvas's own late policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AliasChoices, BeforeValidator, Field

from autograder.canvas.client import CanvasError, Client, Said
from autograder.course.models import CanvasPlace
from autograder.gradebook.canvas import EXCUSED
from autograder.gradebook.writing import number

STUDENTS = {"enrollment_type[]": ["student"], "enrollment_state[]": ["active", "invited", "inactive"]}
GRADED_BY = ("points", "percent")  # a bare number is points in these; elsewhere it may name a level of a scheme
COMMENT = "text_comment"

Words = Annotated[str, BeforeValidator(lambda said: str(said or ""))]
Changes = Mapping[int, Mapping[str, str]]  # by user: fields of grade_data


class Target(Said):
    """The assignment that grades go to, in Canvas's words but for `title`, `points` and `hidden`."""

    title: Words = Field(alias="name")
    points: Annotated[float, BeforeValidator(lambda said: said or 0)] = Field(alias="points_possible")
    hidden: bool | None = Field(default=None, alias="post_manually")  # until then, students do not see their grades
    course_id: int | None = None
    published: bool | None = None
    grading_type: Words = "points"
    submission_types: tuple[str, ...] | None = None
    moderated_grading: bool | None = None
    grades_published: bool | None = None
    anonymize_students: bool | None = None
    group_category_id: int | None = None
    grade_group_students_individually: bool | None = None

    def unfit(self, course: int) -> str:
        """Why it takes no grades of ours; "" where it does."""
        if self.course_id not in (None, course):
            return f"is in course {self.course_id}, not in {course}."
        if self.published is False:
            return "is not published on Canvas; publish it, then push again."
        if self.grading_type == "not_graded" or "not_graded" in (self.submission_types or ()):
            return "is not graded on Canvas; is it the right assignment?"
        if self.grading_type not in GRADED_BY:
            return (
                f'shows grades as "{self.grading_type}" on Canvas, where a number may mean something else than points; '
                "set it to points, or use `autograder export`."
            )
        if self.moderated_grading and not self.grades_published:
            return "is moderated and its grades are not released yet; release them first."
        if self.anonymize_students:
            return "hides its students' names from graders now; push when it shows them again."
        if self.group_category_id and not self.grade_group_students_individually:
            return (
                "gives one grade to a whole group on Canvas, so one member's extension would count for all; "
                'tick "Assign Grades to Each Student Individually" there first.'
            )
        return ""


class CanvasStudent(Said):
    """One student of the course. Ids that the token's owner may not see are ""."""

    user: int = Field(alias="id")
    sis: Words = Field(default="", alias="sis_user_id")
    login: Words = Field(default="", alias="login_id")

    @property
    def ids(self) -> list[tuple[str, str]]:
        """By Canvas's words for them."""
        return [("user", str(self.user)), ("sis_user_id", self.sis), ("sis_login_id", self.login)]


class Comment(Said):
    comment: Words = ""


class Held(Said):
    """What stands on Canvas for one student: `score` is as it was entered, before Canvas's late policy."""

    user: int = Field(alias="user_id")
    score: float | None = Field(default=None, validation_alias=AliasChoices("entered_score", "score"))
    excused: bool | None = None
    submission_comments: tuple[Comment, ...] = ()

    @property
    def grade(self) -> str:
        """ "17.5", "EX" or "" for none."""
        return EXCUSED if self.excused else "" if self.score is None else number(self.score)

    def has(self, text: str) -> bool:
        """Whether a comment stands there, white space aside."""
        return text.split() in [one.comment.split() for one in self.submission_comments]


class Job(Said):
    """One batch at work on Canvas. `state` is queued, running, completed or failed."""

    id: int
    state: str = Field(alias="workflow_state")
    message: Words = ""

    @property
    def over(self) -> bool:
        return self.state in ("completed", "failed")


class CanvasAssignment:
    """Methods raise CanvasError, as the client's."""

    def __init__(self, client: Client, place: CanvasPlace) -> None:
        self.client, self.place = client, place
        self.course_path = f"courses/{place.course}"
        self.path = f"{self.course_path}/assignments/{place.assignment}"

    def course(self) -> str:
        """What the course is called."""
        found = self.client.get(self.course_path, f"course {self.place.course}", dict[str, Any])
        return str(found.get("name") or found.get("course_code") or "")

    def target(self) -> Target:
        """The assignment. Raises CanvasError if it cannot take our grades."""
        which, course = self.place.assignment, self.place.course
        found = self.client.get(self.path, f"assignment {which} of course {course}", Target)
        if why := found.unfit(course):
            raise CanvasError(f'"{found.title}" (assignment {which}) {why}')
        return found

    def deducts(self) -> bool | None:
        """Whether the course's late policy takes points off; None where the token's owner may not know."""
        try:
            found = self.client.get(f"{self.course_path}/late_policy", "the late policy", dict[str, dict[str, Any]])
        except CanvasError as error:
            if error.status == 404:  # documented: the course has none
                return False
            if error.status in (401, 403):
                return None
            raise
        return any(one.get("late_submission_deduction_enabled") for one in found.values())

    def students(self) -> list[CanvasStudent]:
        """Everybody who is a student of the course."""
        what = f"the students of course {self.place.course}"
        return self.client.list(f"{self.course_path}/search_users", what, CanvasStudent, **STUDENTS)

    def lookup(self, kind: str, value: str) -> CanvasStudent | None:
        """A user of the course by "sis_user_id" or "sis_login_id"; None if Canvas knows none there."""
        path = f"{self.course_path}/users/{kind}:{quote(value, safe='')}"
        try:
            return self.client.get(path, f"{kind}:{value}", CanvasStudent)
        except CanvasError as error:
            if error.status == 404:
                return None
            raise

    def held(self) -> dict[int, Held]:
        """By user: what stands there now."""
        comments = {"include[]": ["submission_comments"]}
        found = self.client.list(f"{self.path}/submissions", "the grades that stand there", Held, **comments)
        return {one.user: one for one in found}

    def start(self, changes: Changes) -> Job:
        """Ask for one batch of changes; it runs on Canvas by itself.

        A grade may be sent twice, so a batch of grades alone is repeated when the answer fails to come. A comment would
        stand there twice: then it is UnansweredError.
        """
        form = {f"grade_data[{user}][{name}]": text for user, data in changes.items() for name, text in data.items()}
        repeat = not any(COMMENT in data for data in changes.values())
        path = f"{self.path}/submissions/update_grades"
        return self.client.post(path, "the grades that were sent", Job, form, repeat)

    def follow(self, job: Job) -> Job:
        """Wait until the job is over, or for as long as the pace allows; its last state."""
        pace = self.client.pace
        for look in range(pace.polls):
            if job.over:
                break
            pace.wait_for_job(look)
            job = self.client.get(f"progress/{job.id}", f"job {job.id}", Job)
        return job
