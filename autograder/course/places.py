"""Reads a small YAML file into plain data, and remembers the line of every key and value.

Called by `load_course`. Stricter than PyYAML's loaders, and safe on hostile text: no anchors or aliases (a few lines
of them unfold to gigabytes), no tags, no key twice, text alone as keys. Plain scalars follow YAML 1.2: `yes`, `off`
and `12:30` are text, `1e3` is a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from autograder.course.faults import Fault

Loc = tuple[str | int, ...]
MOST_BYTES = 1_000_000
DEEPEST = 30  # a course file needs 6

# YAML 1.2, chapter 10.3.2 (core schema), without its octal and hexadecimal numbers; the first match counts.
SCALARS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"|~|null|Null|NULL"), lambda text: None),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?[0-9]{1,300}"), int),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", "", 1))),
)


@dataclass
class YamlFile:
    """A file's data, where each part of it stands, and what was wrong with it."""

    file: str
    data: Any = None
    values: dict[Loc, int] = field(default_factory=dict)  # line where the value at this path begins
    keys: dict[Loc, int] = field(default_factory=dict)  # line of the key of a mapping's entry
    faults: list[Fault] = field(default_factory=list)

    def line(self, loc: Loc) -> int:
        """The line of the entry at `loc`, else of the nearest thing around it that the file holds."""
        for length in range(len(loc), -1, -1):
            found = self.keys.get(loc[:length]) or self.values.get(loc[:length])
            if found:
                return found
        return 1

    def refuse(self, mark: Any, message: str) -> None:
        self.faults.append(Fault(self.file, mark.line + 1, message, mark.column + 1))


class _Refused(yaml.YAMLError):
    def __init__(self, mark: Any, message: str) -> None:
        super().__init__(message)
        self.mark = mark


class _Loader(yaml.SafeLoader):
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None):
            raise _Refused(event.start_mark, f'anchors and aliases ("{event.anchor}") are not used here; write it out')
        if getattr(event, "tag", None):
            raise _Refused(event.start_mark, f'tags ("{event.tag}") are not used here; leave it out')
        if self.depth >= DEEPEST:
            raise _Refused(event.start_mark, f"nested more than {DEEPEST} deep")
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def read_yaml(content: bytes, file: str) -> YamlFile:
    """The data in `content`, or the faults that keep it from being read; never raises on bad content."""
    reading = YamlFile(file)
    if len(content) > MOST_BYTES:
        reading.faults.append(Fault(file, 0, f"is larger than {MOST_BYTES // 1000} kB; this is no course file"))
        return reading
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"found the byte 0x{content[error.start]:02x}"
        reading.faults.append(Fault(file, line, f"expected UTF-8 text, {found}; save the file as UTF-8"))
        return reading
    try:
        node = yaml.compose(text, Loader=_Loader)
    except _Refused as error:
        reading.refuse(error.mark, str(error))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        message = f"is not YAML: {said}"
        if "\\t" in said:
            message += "; indent with spaces"
        if mark:
            reading.refuse(mark, message)
        else:
            reading.faults.append(Fault(file, 0, message))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found = f"found the control character 0x{ord(text[error.position]):02x}"
        reading.faults.append(Fault(file, line, f"is not YAML: {found}"))
    else:
        if node is None:
            reading.faults.append(Fault(file, 0, "is empty; expected the keys of a course, beginning with `course:`"))
        else:
            reading.data = _plain(node, (), reading)
    return reading


def _plain(node: yaml.Node, loc: Loc, reading: YamlFile) -> Any:
    reading.values[loc] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, loc, reading)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*loc, position), reading) for position, item in enumerate(node.value)]
    assert isinstance(node, yaml.ScalarNode)
    return scalar(node.value) if node.style is None else node.value


def _mapping(node: yaml.MappingNode, loc: Loc, reading: YamlFile) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        mark = key_node.start_mark
        key = _plain(key_node, (*loc, ""), YamlFile("")) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            shown = key_node.value if isinstance(key_node, yaml.ScalarNode) else "a list or mapping"
            reading.refuse(mark, f'expected text as a key, found {shown}; put it in quotes: "..."')
        elif key in data:
            first = reading.keys[(*loc, key)]
            reading.refuse(mark, f'the key "{key}" stands here twice; the first is in line {first}')
        else:
            reading.keys[(*loc, key)] = mark.line + 1
            data[key] = _plain(value_node, (*loc, key), reading)
    return data


def scalar(text: str) -> Any:
    """What a plain (unquoted) scalar means: None, a truth value, a number, or the text itself."""
    for pattern, meaning in SCALARS:
        if pattern.fullmatch(text):
            return meaning(text)
    return text
