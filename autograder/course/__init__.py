"""The course: grading.yml as checked models, where its files lie, and whether its graders fit it.

Used by the command line, the engine, the judge's plugin and the authoring commands. Everything wrong with a course
file is a `CourseError` that names the file, the line, what was expected, what was found and the nearest right name.
"""

from autograder.course.faults import CourseError, Fault
from autograder.course.graders import check_graders, grader_faults
from autograder.course.loading import COURSE_FILE, find_course, load_course
from autograder.course.models import Assignment, Course, Limits, Question

__all__ = [
    "COURSE_FILE",
    "Assignment",
    "Course",
    "CourseError",
    "Fault",
    "Limits",
    "Question",
    "check_graders",
    "find_course",
    "grader_faults",
    "load_course",
]
