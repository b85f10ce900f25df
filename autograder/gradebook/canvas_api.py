"""Talks to Canvas's REST API through canvasapi: what stands there, and changes to it. Used by `engine.pushing` alone.

It decides nothing. Shapes are those of Canvas's API reference and of instructure/canvas-lms: `bulk_update` in
app/controllers/submissions_api_controller.rb takes grade_data[<user id>][posted_grade | excuse | text_comment] and
answers with a Progress; the job (`process_bulk_update` in app/models/submission.rb) does what it can, and ends as
"failed" also if only some students were not found. So what arrived is always read back.

Grades are compared by `entered_score`: `score` is what is left after Canvas's own late policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
from canvasapi import exceptions
from canvasapi.assignment import Assignment
from canvasapi.course import Course
from canvasapi.progress import Progress

from autograder.course.models import CanvasPlace
from autograder.errors import AutograderError
from autograder.gradebook.canvas_access import Token
from autograder.gradebook.canvas_http import ElsewhereError, Pace, PatientRequester
from autograder.gradebook.scores import number

STUDENTS = {"enrollment_type": ["student"], "enrollment_state": ["active", "invited", "inactive"]}
GRADED_BY = ("points", "percent")  # a bare number is points in these; elsewhere it may name a level of a scheme


class CanvasError(AutograderError):
    """Canvas cannot be used so; the text says what to do."""


class UnansweredError(CanvasError):
    """A change was sent, and nobody knows whether it was taken."""


@dataclass(frozen=True)
class Target:
    """The assignment that grades go to. `deducts` is whether the course's late policy takes points off, None where
    the token's owner may not know."""

    course: str
    title: str
    points: float
    hidden: bool  # grades are posted by hand, so students do not see them yet
    deducts: bool | None


@dataclass(frozen=True)
class CanvasStudent:
    """One student of the course. Ids that the token's owner may not see are ""."""

    user: int
    sis: str
    login: str


@dataclass(frozen=True)
class Held:
    """What stands on Canvas for one student: `score` is as it was entered, before Canvas's late policy."""

    score: float | None = None
    excused: bool = False
    comments: tuple[str, ...] = ()

    @property
    def grade(self) -> str:
        """ "17.5", "EX" or "" for none."""
        return "EX" if self.excused else "" if self.score is None else number(self.score)


@dataclass(frozen=True)
class Update:
    """What is to change for one student; `grade` is points as text, "EX", or None where it stays."""

    user: int
    grade: str | None = None
    comment: str = ""

    def data(self) -> dict[str, Any]:
        """As in grade_data. A grade takes an excuse back by itself, and both at once are refused."""
        found: dict[str, Any] = {}
        if self.grade is not None:
            found |= {"excuse": True} if self.grade == "EX" else {"posted_grade": self.grade}
        return found | ({"text_comment": self.comment} if self.comment else {})


@dataclass(frozen=True)
class Job:
    """One batch at work on Canvas. `state` is queued, running, completed or failed."""

    id: int
    state: str
    message: str = ""

    @property
    def over(self) -> bool:
        return self.state in ("completed", "failed")


class CanvasSite:
    """One assignment on one site. Methods raise CanvasError if Canvas refuses, is out of reach or is no Canvas."""

    def __init__(self, site: str, place: CanvasPlace, token: Token, pace: Pace) -> None:
        self.site, self.place, self.token, self.pace = site, place, token, pace
        self.once = PatientRequester(site, token, pace, ("GET",))
        self.repeating = PatientRequester(site, token, pace, ("GET", "POST"))

    # --- reading ---------------------------------------------------------------------------------------------

    def target(self) -> Target:
        """The course and the assignment. Raises CanvasError if it cannot take our grades."""
        with self._asking(f"course {self.place.course}"):
            course = self.once.request("GET", f"courses/{self.place.course}").json()
        with self._asking(f"assignment {self.place.assignment} of course {self.place.course}"):
            found = self.once.request("GET", self._assignment_path()).json()
        if not isinstance(found, dict) or not isinstance(course, dict) or "points_possible" not in found:
            raise CanvasError(f"{self.site} does not answer as Canvas does; is that the site's address?")
        self._refuse_ungradeable(found)
        return Target(
            course=str(course.get("name") or course.get("course_code") or ""),
            title=str(found.get("name", "")),
            points=float(found["points_possible"] or 0),
            hidden=bool(found.get("post_manually")),
            deducts=self._deducts(),
        )

    def _refuse_ungradeable(self, found: Mapping[str, Any]) -> None:
        title = f'"{found.get("name")}" (assignment {self.place.assignment})'
        if found.get("course_id") not in (None, self.place.course):
            raise CanvasError(f"{title} is in course {found['course_id']}, not in {self.place.course}.")
        if found.get("published") is False:
            raise CanvasError(f"{title} is not published on Canvas; publish it, then push again.")
        kind = str(found.get("grading_type", "points"))
        if kind == "not_graded" or "not_graded" in (found.get("submission_types") or ()):
            raise CanvasError(f"{title} is not graded on Canvas; is it the right assignment?")
        if kind not in GRADED_BY:
            raise CanvasError(
                f'{title} shows grades as "{kind}" on Canvas, where a number may mean something else than points; '
                "set it to points, or use `autograder export`."
            )
        if found.get("moderated_grading") and not found.get("grades_published"):
            raise CanvasError(f"{title} is moderated and its grades are not released yet; release them first.")
        if found.get("anonymize_students"):
            raise CanvasError(f"{title} hides its students' names from graders now; push when it shows them again.")
        if found.get("group_category_id") and not found.get("grade_group_students_individually"):
            raise CanvasError(
                f"{title} gives one grade to a whole group on Canvas, so one member's extension would count for all; "
                'tick "Assign Grades to Each Student Individually" there first.'
            )

    def _deducts(self) -> bool | None:
        try:
            with self._asking("the late policy"):
                found = self._course().get_late_policy()
        except CanvasError as error:
            if isinstance(error.__cause__, exceptions.ResourceDoesNotExist):  # documented: the course has none
                return False
            if isinstance(error.__cause__, exceptions.Unauthorized | exceptions.Forbidden):
                return None
            raise
        return bool(getattr(found, "late_submission_deduction_enabled", False))

    def students(self) -> list[CanvasStudent]:
        """Everybody who is a student of the course."""
        with self._asking(f"the students of course {self.place.course}"):
            return [_student(user) for user in self._course().get_users(**STUDENTS)]

    def lookup(self, prefix: str, value: str) -> CanvasStudent | None:
        """A user of the course by "sis_user_id" or "sis_login_id"; None if Canvas knows none there."""
        try:
            with self._asking(f"{prefix}:{value}"):
                return _student(self._course().get_user(quote(value, safe=""), prefix))
        except CanvasError as error:
            if isinstance(error.__cause__, exceptions.ResourceDoesNotExist):
                return None
            raise

    def held(self) -> dict[int, Held]:
        """By user: what stands there now."""
        found = {}
        with self._asking("the grades that stand there"):
            for one in self._assignment(self.once).get_submissions(include=["submission_comments"]):
                comments = tuple(str(note.get("comment") or "") for note in getattr(one, "submission_comments", ()))
                score = getattr(one, "entered_score", getattr(one, "score", None))
                found[one.user_id] = Held(score, bool(getattr(one, "excused", False)), comments)
        return found

    # --- changing --------------------------------------------------------------------------------------------

    def start(self, updates: Sequence[Update]) -> Job:
        """Ask for one batch of changes; it runs on Canvas by itself.

        A grade may be sent twice, so a batch of grades alone is repeated when the answer fails to come. A comment would
        stand there twice: then it is UnansweredError.
        """
        with_comments = any(update.comment for update in updates)
        assignment = self._assignment(self.once if with_comments else self.repeating)
        with self._asking("the grades that were sent", changes=True):
            answer = assignment.submissions_bulk_update(grade_data={str(one.user): one.data() for one in updates})
            return _job(answer)

    def follow(self, job: Job) -> Job:
        """Wait until the job is over, or for as long as the pace allows; its last state."""
        progress = Progress(self.once, {"id": job.id, "workflow_state": job.state})
        for look in range(self.pace.polls):
            if job.over:
                break
            self.pace.wait_for_job(look)
            with self._asking(f"job {job.id}"):
                job = _job(progress.query())
        return job

    # --- both ------------------------------------------------------------------------------------------------

    def _course(self) -> Course:
        return Course(self.once, {"id": self.place.course})

    def _assignment(self, requester: PatientRequester) -> Assignment:
        return Assignment(requester, {"id": self.place.assignment, "course_id": self.place.course})

    def _assignment_path(self) -> str:
        return f"courses/{self.place.course}/assignments/{self.place.assignment}"

    @contextmanager
    def _asking(self, what: str, changes: bool = False) -> Iterator[None]:
        """What can go wrong while asking, in words that say what to do, never with the token."""
        try:
            yield
        except exceptions.InvalidAccessToken as error:
            raise CanvasError(
                f"{self.site} did not take the token (401): it is mistyped, expired or of another site."
            ) from error
        except (exceptions.Unauthorized, exceptions.Forbidden) as error:
            limited = isinstance(error, exceptions.RateLimitExceeded) or "Rate Limit Exceeded" in str(error)
            told = (
                f"{self.site} refuses because too much was asked of it lately; try again in a few minutes."
                if limited
                else f"{self.site}: the token's owner may not see or change {what}; a teacher's or TA's role is needed."
            )
            raise CanvasError(told) from error
        except exceptions.ResourceDoesNotExist as error:
            raise CanvasError(f"{self.site} has no {what}, or the token's owner may not see it (404).") from error
        except (exceptions.BadRequest, exceptions.UnprocessableEntity, exceptions.Conflict) as error:
            raise CanvasError(f"{self.site} refused {what}: {self._quoted(error)}") from error
        except (requests.ConnectionError, requests.Timeout) as error:
            kind = UnansweredError if changes else CanvasError
            raise kind(f"{self.site} cannot be reached, or broke off: {self._quoted(error)}") from error
        except exceptions.CanvasException as error:
            kind = UnansweredError if changes else CanvasError
            raise kind(f"{self.site} is in trouble, try again later ({what}: {self._quoted(error)})") from error
        except (requests.TooManyRedirects, ElsewhereError) as error:
            raise CanvasError(f"{self.site} sends us to another address; give that one as the site.") from error
        except (requests.RequestException, AttributeError, KeyError, TypeError) as error:
            kind = UnansweredError if changes else CanvasError
            raise kind(f"{self.site} answered about {what} with something that Canvas does not say.") from error

    def _quoted(self, error: Exception) -> str:
        said = " ".join(str(error).split()).rpartition("Caused by ")[2]
        return self.token.hidden_in(said)[:300]


def _student(user: Any) -> CanvasStudent:
    return CanvasStudent(user.id, str(getattr(user, "sis_user_id", "") or ""), str(getattr(user, "login_id", "") or ""))


def _job(progress: Any) -> Job:
    return Job(progress.id, progress.workflow_state, str(getattr(progress, "message", "") or ""))
