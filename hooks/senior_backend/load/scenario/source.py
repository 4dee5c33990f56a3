"""YAML read into plain values that remember where they stand.

Scalars follow YAML 1.2's core schema, as JSON does: ``no``, ``12:30``, ``1_000``, ``007`` and
``2026-01-01`` are texts. Tags are refused, so is a key that stands twice, and so are aliases that
contain themselves or would fill the memory ("billion laughs").
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from senior_backend.errors import InputError

Path = tuple[str | int, ...]
"""The way to a value: keys of mappings, indexes of lists."""

_DEEPEST: Final = 64
_MOST_VALUES: Final = 200_000
"""Of a file, aliases counted wherever they are used."""

_INT: Final = re.compile(r"[-+]?(?:0|[1-9]\d{0,3999})", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+]?\.\d+", re.ASCII)
_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(slots=True)
class Node:
    """A value and its place. Lines and columns count from 1."""

    value: Any
    line: int
    column: int
    end: tuple[int, int]
    """Line and column after it."""
    children: "dict[str | int, Node]" = field(default_factory=dict)
    keys: dict[str | int, tuple[int, int]] = field(default_factory=dict)
    """Where the keys of a mapping stand."""
    size: int = 1
    """Values in it, itself included."""


def read(text: str, name: str) -> Node:
    """The one document of ``text``; errors begin with ``name:line:column``."""
    try:
        return _Reader(name, _events(text, fast=True)).document()
    except yaml.YAMLError:
        # The parser in Python says better than the one in C what is wrong.
        try:
            return _Reader(name, _events(text, fast=False)).document()
        except yaml.YAMLError as error:
            raise _syntax_error(error, text, name) from None


def decode(data: bytes, name: str) -> str:
    """The text of a file in UTF-8, with or without a byte order mark."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        raise InputError(f"{name}:{line}:{column}: not UTF-8; save the file as UTF-8") from None


def _events(text: str, *, fast: bool) -> Iterator[Any]:
    loader = yaml.CSafeLoader if fast and yaml.__with_libyaml__ else yaml.SafeLoader
    events: Iterator[Any] = yaml.parse(text, Loader=loader)
    return events


_MENDS: Final = (
    ("'\\t'", "indent with spaces"),
    ("cannot start any token", "put the text in quotes"),
    ("mapping values are not allowed", "put a text with ': ' in quotes, or mend the indentation"),
    ("got '{'", "put ${…} in quotes between braces and brackets"),
    ("unexpected end of stream", "close the quote"),
    ("expected ',' or", "close the bracket or brace, or add a comma"),
    ("expected <block end>", "mend the indentation: what belongs together starts in one column"),
    ("could not find expected ':'", "write 'key: value', or mend the indentation"),
    ("undefined alias", "name it first with &"),
)


def _syntax_error(error: yaml.YAMLError, text: str, name: str) -> InputError:
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        character = f"U+{ord(text[error.position]):04X}"
        return InputError(f"{name}:{line}:{column}: not YAML: {character} in it; take it out")
    if not isinstance(error, yaml.MarkedYAMLError):
        return InputError(f"{name}:1:1: not YAML: {error}")
    mark = error.problem_mark or error.context_mark
    place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
    problem = error.problem or ""
    mend = next((mend for part, mend in _MENDS if part in problem), "mend it here or just before")
    if problem.startswith("expected <block end>"):
        problem = "this does not continue what stands above"
    return InputError(f"{name}:{place}: not YAML: {problem}; {mend}")


def _start(event: Any) -> tuple[int, int]:  # noqa: ANN401 - the events have no types
    return event.start_mark.line + 1, event.start_mark.column + 1


def _after(event: Any) -> tuple[int, int]:  # noqa: ANN401
    return event.end_mark.line + 1, event.end_mark.column + 1


class _Reader:
    """Events of the parser -> nodes."""

    def __init__(self, name: str, events: Iterator[Any]) -> None:
        self._name = name
        self._events = events
        self._anchors: dict[str, Node | None] = {}
        """By name; None while it is being read."""
        self._size = 0

    def document(self) -> Node:
        event = self._next()
        while isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            raise InputError(f"{self._name}:1:1: the file is empty; write a scenario into it")
        root = self._node(event, 0)
        self._next()
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._error(event, "a second document begins here; one file is one scenario")
        return root

    def _next(self) -> Any:  # noqa: ANN401 - the events have no types
        return next(self._events)

    def _error(self, event: Any, message: str) -> InputError:  # noqa: ANN401
        line, column = _start(event)
        return InputError(f"{self._name}:{line}:{column}: {message}")

    def _node(self, event: Any, depth: int) -> Node:  # noqa: ANN401 - see _next
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise self._error(event, f"tags such as {tag} are not read; leave it out")
        if depth > _DEEPEST:
            raise self._error(event, f"nested deeper than {_DEEPEST} levels; make it flatter")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = Node(None, *_start(event), _after(event))
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0] and event.tag is None
            node.value = scalar(event.value) if plain else event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            self._sequence(node, depth)
        else:
            self._mapping(node, depth)
        self._count(event, 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:  # noqa: ANN401
        if event.anchor not in self._anchors:
            raise self._error(event, f"no anchor &{event.anchor} before this; name it first")
        node = self._anchors[event.anchor]
        if node is None:
            raise self._error(event, f"*{event.anchor} would contain itself; take it out")
        self._count(event, node.size)
        return node

    def _count(self, event: Any, size: int) -> None:  # noqa: ANN401
        self._size += size
        if self._size > _MOST_VALUES:
            raise self._error(event, f"more than {_MOST_VALUES:,} values, aliases included")

    def _sequence(self, node: Node, depth: int) -> None:
        node.value = []
        event: Any
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            child = self._node(event, depth + 1)
            node.children[len(node.value)] = child
            node.value.append(child.value)
            node.size += child.size
        node.end = _after(event)

    def _mapping(self, node: Node, depth: int) -> None:
        node.value = {}
        merged: list[Node] = []
        event: Any
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error(event, "a key is a text; put it in quotes if it has brackets")
            key: str = event.value
            place = _start(event)
            is_merge = key == "<<" and event.implicit[0]
            child = self._node(self._next(), depth + 1)
            node.size += child.size
            if is_merge:
                merged += self._merged(event, child)
                continue
            if key in node.keys:
                first = node.keys[key][0]
                raise self._error(event, f"'{key}' stands twice (line {first}); keep one")
            node.keys[key] = place
            node.children[key] = child
            node.value[key] = child.value
        node.end = _after(event)
        for source in merged:
            for name, value in source.children.items():
                if name not in node.children:
                    node.keys[name] = source.keys[name]
                    node.children[name] = value
                    node.value[name] = value.value

    def _merged(self, event: Any, child: Node) -> list[Node]:  # noqa: ANN401
        sources = list(child.children.values()) if isinstance(child.value, list) else [child]
        if not all(isinstance(source.value, dict) for source in sources):
            raise self._error(event, "<< takes a mapping, or a list of them: <<: *name")
        return sources


def scalar(text: str) -> Any:  # noqa: ANN401 - what the text says
    """What a text without quotes means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text
