"""Finds a course's folder and reads its grading.yml, with every fault said in words and with its line.

Called by the command line first of all, and by whatever runs in a process of its own and is told a course's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from autograder.course.faults import CourseError, Fault, did_you_mean, listed, nearest
from autograder.course.models import Course
from autograder.course.places import Loc, YamlFile, read_yaml

COURSE_FILE = "grading.yml"

# What a pydantic error says about the kind of value that was expected.
EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list, such as [one, two]",
    "dict_type": "a mapping: lines of `key: value`",
    "model_type": "a mapping: lines of `key: value`",
    "finite_number": "a finite number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "string_too_short": "a text that is not blank",
    "string_too_long": "a text of at most {max_length} characters",
    "too_short": "at least one entry",
    "literal_error": "{expected}",
}


def find_course(start: Path | None = None) -> Path:
    """The folder `start` (default: the current one) or the nearest one above it that holds a grading.yml.

    Raises CourseError, which says where was looked and what to do.
    """
    folder = (start or Path.cwd()).absolute()
    if not folder.exists():
        siblings = [entry.name for entry in folder.parent.iterdir()] if folder.parent.is_dir() else []
        raise CourseError(f"There is no folder {folder}{did_you_mean(folder.name, siblings) or '.'}")
    folder = folder.resolve()
    if folder.is_file():
        folder = folder.parent
    for candidate in (folder, *folder.parents):
        if (candidate / COURSE_FILE).is_file():
            return candidate
    other = next((name for name in _names(folder) if name.lower() in ("grading.yml", "grading.yaml")), None)
    rename = f" There is a {other}: rename it to {COURSE_FILE}." if other else ""
    raise CourseError(
        f"There is no {COURSE_FILE} in {folder} or above it.{rename} "
        "Go into the course's folder, or name it with --course DIR."
    )


def load_course(directory: Path) -> Course:
    """The course whose grading.yml lies in `directory`. Raises CourseError with every fault at once."""
    path = directory / COURSE_FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise CourseError(
            f"There is no {COURSE_FILE} in {directory}; name the course's folder with --course DIR."
        ) from None
    except OSError as error:
        raise CourseError([Fault(COURSE_FILE, 0, f"cannot be read: {error.strerror}")]) from error
    reading = read_yaml(content, COURSE_FILE)
    if reading.data is None and not reading.faults:
        reading.faults.append(Fault(COURSE_FILE, 0, "holds nothing; expected the keys of a course"))
    if reading.data is None:
        raise CourseError(reading.faults)
    data = _with_ids(reading)
    try:
        course = Course.model_validate(data, context={"root": directory.resolve()})
    except ValidationError as error:
        errors = [dict(item) for item in error.errors(include_url=False)]
        reading.faults += [_fault(reading, item) for item in errors if not _is_misspelt(item, errors)]
    if reading.faults:
        raise CourseError(reading.faults)
    return course


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def _with_ids(reading: YamlFile) -> Any:
    """The data in which every assignment and question also holds the key it stands under, as its `id`."""

    def named(entries: Any, loc: Loc) -> Any:
        if not isinstance(entries, dict):
            return entries
        return {key: one(entry, key, (*loc, key)) for key, entry in entries.items()}

    def one(entry: Any, key: str, loc: Loc) -> Any:
        if not isinstance(entry, dict):
            return entry
        if "id" in entry:
            reading.faults.append(
                Fault(reading.file, reading.line((*loc, "id")), _unknown((*loc, "id"), "the id is the key above it"))
            )
        entry = {**entry, "id": key}
        if "questions" in entry:
            entry["questions"] = named(entry["questions"], (*loc, "questions"))
        return entry

    data = reading.data
    if isinstance(data, dict) and "assignments" in data:
        return {**data, "assignments": named(data["assignments"], ("assignments",))}
    return data


def _fault(reading: YamlFile, error: Mapping[str, Any]) -> Fault:
    """One of pydantic's errors in our words, at its line."""
    loc: Loc = tuple(error["loc"])
    if loc and loc[-1] == "id":
        loc = loc[:-1]  # the id is the key that the entry stands under
    kind, context = error["type"], error.get("ctx", {})
    if kind == "course_rule":
        loc = (*loc, *context["path"])
        return Fault(reading.file, reading.line(loc), f"{_path(loc)}: {context['message']}")
    line = reading.line(loc)
    if kind == "extra_forbidden":
        return Fault(reading.file, line, _unknown(loc))
    if kind == "missing":
        return Fault(reading.file, line, _missing(loc))
    bounds = {name: f"{bound:g}" if isinstance(bound, float) else bound for name, bound in context.items()}
    expected = EXPECTED[kind].format_map(bounds) if kind in EXPECTED else error["msg"]
    near = did_you_mean(error["input"], _choices(loc)) if isinstance(error["input"], str) else ""
    return Fault(reading.file, line, f"{_path(loc)}: expected {expected}, found {described(error['input'])}{near}")


def _is_misspelt(missing: Mapping[str, Any], errors: list[dict[str, Any]]) -> bool:
    """Whether a missing key stands there under a near name, whose own fault says it all."""
    if missing["type"] != "missing":
        return False
    *around, key = missing["loc"]
    allowed = _keys(tuple(around))
    unknown = [item["loc"] for item in errors if item["type"] == "extra_forbidden"]
    return any([*above] == around and nearest(str(name), allowed) == key for *above, name in unknown)


def _missing(loc: Loc) -> str:
    key = str(loc[-1])
    meaning = _keys(loc[:-1]).get(key)
    return f'missing key "{key}" in {_path(loc[:-1])}' + (f" ({meaning})" if meaning else "")


def _unknown(loc: Loc, hint: str = "") -> str:
    allowed = list(_keys(loc[:-1]))
    key = str(loc[-1])
    near = f"; {hint}." if hint else did_you_mean(key, allowed) or "."
    return f'unknown key "{key}" in {_path(loc[:-1])}{near} Allowed: {listed(allowed)}.'


def _annotation(loc: Loc) -> Any:
    """The declared type at a path, found by walking down from Course; None where the path leaves the models."""
    kind: Any = Course
    for part in loc:
        arguments = get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
            kind = fields.get(str(part))
        elif get_origin(kind) is dict:
            kind = arguments[1]
        elif get_origin(kind) is list:
            kind = arguments[0]
        else:
            return None
        if get_origin(kind) is UnionType:  # something or nothing
            kind = next(part for part in get_args(kind) if part is not NoneType)
    return kind


def _keys(loc: Loc) -> dict[str, str]:
    """The keys that may stand in the mapping at `loc`, with what each is for."""
    model = _annotation(loc)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return {}
    fields = {field.alias or name: field.description or "" for name, field in model.model_fields.items()}
    fields.pop("id", None)  # it is the key that the entry stands under
    return fields


def _choices(loc: Loc) -> tuple[str, ...]:
    return tuple(choice for choice in get_args(_annotation(loc)) if isinstance(choice, str))


def _path(loc: Loc) -> str:
    """ "assignments.lab.questions.q5.names[2]", or the file's top level."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "the top level"


def described(value: Any) -> str:
    """A value as a person would name it, short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, str):
        return f'the text "{value[:60]}"' + ("..." if len(value) > 60 else "")
    if isinstance(value, int | float):
        return f"{value}"[:40]
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "a mapping" if value else "an empty mapping"
