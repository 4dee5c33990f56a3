"""A scenario file -> ``Scenario``. Every error is one line: ``file:line:column: what; mend``."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import ValidationError

from senior_backend.errors import InputError
from senior_backend.load.scenario import source
from senior_backend.load.scenario.compile import check as judge
from senior_backend.load.scenario.errors import ScenarioError
from senior_backend.load.scenario.model import Scenario
from senior_backend.load.scenario.source import Node, Path

Problems = Iterable[tuple[Path, str]]
"""(where, what is wrong and how to mend it)."""

_BIGGEST: Final = 16 * 1024 * 1024


@dataclass(slots=True)
class Document:
    """What a scenario is made from: a file, flags over it, or flags alone."""

    name: str
    """The file as the user wrote it; empty without one."""
    data: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    root: Node | None = None
    flags: dict[Path, str] = field(default_factory=dict)
    """What flags have put in -> the flag."""

    def put(self, path: Path, value: object, flag: str) -> None:
        """Set a value from the command line; mappings on the way are made, none is changed."""
        self.data = _with(self.data, path, value)
        self.flags[path] = flag

    def drop(self, *keys: Path) -> None:
        """Take out what a flag replaces."""
        for path in keys:
            self.data = _without(self.data, path)

    def get(self, *path: str) -> Any:  # noqa: ANN401 - any value
        """A value, or None."""
        value: Any = self.data
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def place(self, path: Path, within: str = "", *, key: bool = False) -> str:
        """``file:line:column`` of a value, of a text in it, or of its key; or the flag.

        What is not there is placed at what is around it.
        """
        for length in range(len(path), 0, -1):
            if flag := self.flags.get(path[:length]):
                return flag
        node = self.root
        if node is None:
            return self.name or ".".join(map(str, path)) or "the command line"
        line, column = node.line, node.column
        for index, part in enumerate(path):
            child = node.children.get(part)
            if child is None:
                continue  # the name of a variant, or what is missing
            line, column = child.line, child.column
            if key and index == len(path) - 1:
                line, column = node.keys.get(part, (line, column))
            node = child
        if within:
            line, column = self._find(within, node)
        return f"{self.name}:{line}:{column}"

    def _find(self, text: str, node: Node) -> tuple[int, int]:
        last_line, last_column = node.end
        for number in range(node.line, min(last_line, len(self.lines)) + 1):
            begin = node.column - 1 if number == node.line else 0
            end = last_column - 1 if number == last_line else None
            found = self.lines[number - 1].find(text, begin, end)
            if found >= 0:
                return number, found + 1
        return node.line, node.column

    def scenario(self, check: Callable[[Scenario], Problems] = lambda _scenario: ()) -> Scenario:
        """The scenario, judged whole: with its templates, and the files that it names.

        ``check`` says what else is wrong with it, such as its thresholds.
        """
        folder = FilePath(self.name).parent if self.name else FilePath()
        try:
            scenario = Scenario.model_validate(
                {"name": FilePath(self.name).stem or "scenario", **_without_notes(self.data)},
                context={"folder": folder.absolute()},
            )
        except ValidationError as error:
            raise self._first(error) from None
        try:
            judge(scenario)
        except ScenarioError as error:
            where = self.place(error.path, error.within)
            raise InputError(f"{where}: {error.message}") from None
        for path, message in check(scenario):
            raise InputError(f"{self.place(path)}: {message}")
        return scenario

    def _first(self, error: ValidationError) -> InputError:
        """The first of what is wrong, in the order of the file."""
        found = []
        for each in error.errors(include_url=False):
            if each["type"] == "too_short" and each["input"]:
                continue  # pydantic does not count entries that are wrong themselves
            context = each.get("ctx", {})
            path = (*each["loc"], *context.get("at", ()))
            where = self.place(path, key=context.get("key", False))
            place = [int(part) for part in where.rsplit(":", 2)[1:] if part.isdigit()]
            found.append((place, f"{where}: {_message(dict(each))}"))
        return InputError(min(found)[1])


def load(path: str | FilePath) -> Document:
    """The file, parsed; what it means is not judged yet."""
    name = str(path)
    try:
        with FilePath(path).open("rb") as file:
            data = file.read(_BIGGEST + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{name}: cannot be read: {reason}; check the name") from None
    if len(data) > _BIGGEST:
        raise InputError(f"{name}: larger than 16 MiB; put rows into csv or jsonl files")
    text = source.decode(data, name)
    root = source.read(text, name)
    if not isinstance(root.value, dict):
        raise InputError(
            f"{name}:{root.line}:{root.column}: a scenario is a mapping; "
            "begin with 'load:' and 'endpoints:'"
        )
    return Document(name, root.value, text.splitlines(), root)


def read(path: str | FilePath) -> Scenario:
    """The scenario in a file.

    Raises:
        InputError: with the place of what is wrong, and how to mend it.
    """
    return load(path).scenario()


def _without_notes(data: dict[str, Any]) -> dict[str, Any]:
    """Top-level keys that begin with x- hold anchors to be used elsewhere."""
    return {key: value for key, value in data.items() if not key.startswith("x-")}


def _with(data: dict[str, Any], path: Path, value: object) -> dict[str, Any]:
    key, rest = str(path[0]), path[1:]
    if rest:
        inner = data.get(key)
        if inner is not None and not isinstance(inner, dict):
            return data  # the file is wrong here, and will be told
        value = _with(inner or {}, rest, value)
    return {**data, key: value}


def _without(data: dict[str, Any], path: Path) -> dict[str, Any]:
    key, rest = str(path[0]), path[1:]
    if not isinstance(data.get(key), dict) and rest:
        return data
    if rest:
        return {**data, key: _without(data[key], rest)}
    return {name: value for name, value in data.items() if name != key}


def _message(error: dict[str, Any]) -> str:
    """What pydantic found, in words for people who do not know it."""
    context, given = error.get("ctx", {}), error.get("input")
    shown = _shown(given)
    match error["type"]:
        case "scenario":
            message: str = context["message"] if "message" in context else error["msg"]
            return message
        case "literal_error":
            return f"{context['expected']} is needed here, not {shown}"
        case "int_type" | "int_parsing" | "int_from_float" | "int_parsing_size":
            return f"a whole number is needed here, not {shown}"
        case "float_type" | "float_parsing":
            return f"a number is needed here, not {shown}"
        case "bool_type" | "bool_parsing":
            return f"true or false is needed here, not {shown}"
        case "dict_type":
            return f"a mapping is needed here, not {shown}; write key: value"
        case "tuple_type":
            return f"a list is needed here, not {shown}; begin each entry with '- '"
        case "too_short" | "string_too_short":
            return "nothing is in here; write at least one, or leave it out"
        case "greater_than":
            return f"must be above {context['gt']:g}, not {shown}"
        case "greater_than_equal":
            return f"must be {context['ge']:,} or more, not {shown}"
        case "less_than_equal":
            return f"must be {context['le']:,} or less, not {shown}"
    return str(error["msg"])


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return f"'{value}'" if isinstance(value, str) else f"{value}"
