"""``${…}``: read once, compiled to functions (arrival, variables) -> text that run per request.

What a placeholder becomes is escaped for where it stands, so that no value can break out of it.
``$${`` is a literal ``${``.
"""

import ast
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii
from typing import Any, Final
from urllib.parse import quote

from senior_backend.load.plan import Variables
from senior_backend.load.scenario import random_values
from senior_backend.load.scenario.errors import ScenarioError, suggestion
from senior_backend.load.scenario.source import Path, scalar

Value = Callable[[int, Variables], Any]
"""(arrival, variables) -> a value."""
Text = str | Callable[[int, Variables], str]
"""A text that never varies, or what makes it."""

BUILT_IN: Final = ("uuid", "arrival", "now", "env", "int", "choice", "string")
NAME: Final = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
"""Of data and captures."""

_LONGEST: Final = 65_536
"""Of ``string(n)``."""


# -- escaping, by place ---------------------------------------------------------------------------


_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]*", re.ASCII).fullmatch
_CONTROLS: Final = {code: " " for code in (*range(32), 127) if code != 9}


def plain(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """As text: JSON's own spelling of what is not a text, nothing for null."""
    if isinstance(value, str):
        return value
    return "" if value is None else _encode(value)


def in_url(value: Any) -> str:  # noqa: ANN401
    """For a path segment or a query value: all but RFC 3986's unreserved is percent-encoded."""
    text = plain(value)
    return text if _UNRESERVED(text) else quote(text, safe="", errors="replace")


def in_header(value: Any) -> str:  # noqa: ANN401
    """Without line ends: RFC 9110 section 5.5 puts a space for control characters."""
    text = plain(value)
    return text if text.isprintable() else text.translate(_CONTROLS)


def in_json_text(value: Any) -> str:  # noqa: ANN401
    """Within the quotes of a JSON string."""
    return encode_basestring_ascii(plain(value))[1:-1]


def as_json(value: Any) -> str:  # noqa: ANN401
    """A JSON value with its own type."""
    return _encode(value)


Escape = Callable[[Any], str]


# -- reading --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One ``${…}``."""

    source: str
    """As written."""
    name: str
    """What stands before the first dot or bracket."""
    column: str | None = None
    arguments: tuple[Any, ...] | None = None


def parse(text: str, path: Path) -> list[str | Placeholder]:
    """Literal text and placeholders, in order."""
    parts: list[str | Placeholder] = []
    literal = ""
    position = 0
    while (start := text.find("${", position)) >= 0:
        if start > 0 and text[start - 1] == "$" and start - 1 >= position:
            literal += text[position : start - 1] + "${"
            position = start + 2
            continue
        literal += text[position:start]
        end = _closing(text, start + 2)
        if end < 0:
            raise ScenarioError(
                path, "'${' without its '}'; close it, or write $${ for the text itself", "${"
            )
        if literal:
            parts.append(literal)
        literal = ""
        parts.append(_placeholder(text[start : end + 1], path))
        position = end + 1
    literal += text[position:]
    if literal or not parts:
        parts.append(literal)
    return parts


def _closing(text: str, position: int) -> int:
    quoted = ""
    for index in range(position, len(text)):
        character = text[index]
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "\"'":
            quoted = character
        elif character == "}":
            return index
    return text.find("}", position) if quoted else -1


def _placeholder(source: str, path: Path) -> Placeholder:
    inner = source[2:-1].strip()
    if call := re.fullmatch(r"([A-Za-z_][\w-]*)\s*\((.*)\)", inner, re.DOTALL | re.ASCII):
        return Placeholder(source, call[1], arguments=_arguments(call[2]))
    name, dot, column = inner.partition(".")
    if not NAME.fullmatch(name) or (dot and not column):
        raise ScenarioError(
            path,
            f"'{source}' is no placeholder; write ${{uuid}}, ${{users.email}} or ${{int(1, 9)}}, "
            "or $${ for the text itself",
            source,
        )
    return Placeholder(source, name, column if dot else None)


def _arguments(text: str) -> tuple[Any, ...]:
    """Texts in quotes stay texts; without quotes they are what YAML would read."""
    if not text.strip():
        return ()
    parts = [""]
    quoted = ""
    for character in text:
        if character == "," and not quoted:
            parts.append("")
            continue
        if character == quoted:
            quoted = ""
        elif character in "\"'" and not quoted and not parts[-1].strip():
            quoted = character
        parts[-1] += character
    return tuple(_argument(part.strip()) for part in parts)


def _argument(text: str) -> Any:  # noqa: ANN401 - what the text says
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        return text[1:-1]
    return scalar(text)


# -- what a placeholder stands for ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expression:
    """A placeholder with its meaning. One of ``constant``, ``options`` and ``value`` counts."""

    value: Value | None = None
    constant: Any = None
    options: Sequence[Any] | None = None
    """All that it may become, so that each is escaped once and not per request."""
    index: Callable[[int], int] | None = None
    """Arrival -> which option; None: one after the other."""
    safe: bool = False
    """Letters, digits and '-' only: the same in every place."""
    number: bool = False

    def escaped(self, escape: Escape) -> Text:
        """The text that it becomes where ``escape`` applies."""
        if self.options is not None:
            return _picked([escape(option) for option in self.options], self.index)
        value = self.value
        if value is None:
            return escape(self.constant)
        if self.number or (self.safe and escape is not as_json):
            return value
        return lambda k, v: escape(value(k, v))

    def itself(self) -> Value | None:
        """The value with its own type; None where it is ``constant``."""
        if self.options is not None:
            return _picked(self.options, self.index)
        return self.value


def _picked(options: Sequence[Any], index: Callable[[int], int] | None) -> Value:
    count = len(options)
    if index is None:
        return lambda k, _v: options[k % count]
    return lambda k, _v: options[index(k)]


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that exist at one place of the scenario."""

    seed: int
    nonce: int
    env: Mapping[str, str]
    data: Mapping[str, Mapping[str, Expression]] = field(default_factory=dict)
    """Feeder -> column -> what it stands for."""
    later: frozenset[str] = frozenset()
    """Feeders that exist further down only."""
    captured: tuple[str, ...] = ()
    """What the steps before have captured."""
    coming: frozenset[str] = frozenset()
    """What steps of this flow capture, before or after this place."""

    def expression(self, placeholder: Placeholder, path: Path, place: str) -> Expression:
        """What ``placeholder`` means; ``place`` makes its random values its own."""

        def wrong(message: str) -> ScenarioError:
            return ScenarioError(path, message, placeholder.source)

        if placeholder.arguments is not None:
            return self._call(placeholder, place, wrong)
        name, column = placeholder.name, placeholder.column
        if name == "env":
            return self._variable(column, wrong)
        if name in self.data:
            return self._column(name, column, wrong)
        if column is not None:
            if name in self.later:
                raise wrong(f"data '{name}' stands further down; move it above this")
            raise wrong(f"no data '{name}'; {suggestion(name, self.data, what='there are')}")
        if name in self.captured:
            return Expression(value=lambda _k, v: v[name])
        if name in self.coming:
            raise wrong(f"'{name}' is not captured yet; use it in a step after that")
        match name:
            case "uuid":
                start = random_values.key(self.seed, self.nonce, place)
                return Expression(value=random_values.uuids(start), safe=True)
            case "arrival":
                return Expression(value=lambda k, _v: k, safe=True, number=True)
            case "now":
                return Expression(value=_clock())
            case "int" | "choice" | "string":
                raise wrong(f"'{name}' needs brackets: {_USAGE[name]}")
        known = ["uuid", "arrival", "now", "int(a, b)", "choice(a, b)", "string(n)", "env.NAME"]
        known += [f"{feeder}.{each}" for feeder, columns in self.data.items() for each in columns]
        known += self.captured
        raise wrong(f"unknown name '{name}'; {suggestion(name, known, what='there are')}")

    def _variable(self, name: str | None, wrong: Callable[[str], ScenarioError]) -> Expression:
        if name is None:
            raise wrong("'env' needs a name: ${env.NAME}")
        if name not in self.env:
            raise wrong(f"the environment has no {name}; set it, or mend the name")
        return Expression(constant=self.env[name])

    def _column(
        self, name: str, column: str | None, wrong: Callable[[str], ScenarioError]
    ) -> Expression:
        columns = self.data[name]
        if column is None:
            first = next(iter(columns))
            raise wrong(f"'{name}' is data; name a column, like ${{{name}.{first}}}")
        if column not in columns:
            hint = suggestion(column, columns, what="there are")
            raise wrong(f"data '{name}' has no column '{column}'; {hint}")
        return columns[column]

    def _call(
        self, placeholder: Placeholder, place: str, wrong: Callable[[str], ScenarioError]
    ) -> Expression:
        name, arguments = placeholder.name, placeholder.arguments or ()
        if name not in _USAGE:
            if name in BUILT_IN:
                raise wrong(f"'{name}' takes no brackets: ${{{name}}}")
            raise wrong(f"no function '{name}'; {suggestion(name, _USAGE, what='there are')}")
        start = random_values.key(self.seed, place)
        numbers = [a for a in arguments if isinstance(a, int) and not isinstance(a, bool)]
        if name == "int" and len(numbers) == len(arguments) == 2:
            low, high = numbers
            if low > high:
                raise wrong(f"int({low}, {high}): the smaller number comes first")
            if high - low >= 1 << 63:
                raise wrong(f"int({low}, {high}): too far apart; at most 2^63")
            draw = random_values.integers(start, low, high)
            return Expression(value=lambda k, _v: draw(k), safe=True, number=True)
        if name == "string" and len(numbers) == len(arguments) == 1:
            if not 1 <= numbers[0] <= _LONGEST:
                raise wrong(f"string({numbers[0]}): 1 to {_LONGEST} characters")
            return Expression(value=random_values.strings(start, numbers[0]), safe=True)
        if name == "choice" and arguments and None not in arguments:
            index = random_values.integers(start, 0, len(arguments) - 1)
            return Expression(options=arguments, index=index)
        raise wrong(f"{placeholder.source} is not {_USAGE[name]}")


_USAGE: Final = {
    "int": "${int(a, b)}: a whole number from a to b",
    "choice": "${choice(a, b, c)}: one of them",
    "string": "${string(n)}: n random letters",
}


def _clock() -> Value:
    """RFC 3339, UTC, milliseconds; the calendar is asked once a second."""
    current, prefix = -1, ""

    def now(_k: int, _variables: Variables) -> str:
        nonlocal current, prefix
        ns = time.time_ns()
        second = ns // 1_000_000_000
        if second != current:
            current, prefix = second, time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
        return f"{prefix}{ns // 1_000_000 % 1000:03d}Z"

    return now


# -- compiling ------------------------------------------------------------------------------------


def text(
    source: str,
    scope: Scope,
    path: Path,
    place: str,
    escape: Escape,
    literal: Callable[[str], str] = str,
) -> Text:
    """A text with its placeholders escaped, and what stands outside them as ``literal`` has it."""
    return joined(
        [
            literal(part) if part is not None else expression.escaped(escape)
            for part, expression in _resolved(source, scope, path, place)
        ]
    )


def json_text(value: Any, scope: Scope, path: Path, place: str) -> Text:  # noqa: ANN401
    """A JSON value with its placeholders, compact and in ASCII."""
    return joined(_json_parts(value, scope, path, place))


def _json_parts(value: Any, scope: Scope, path: Path, place: str) -> list[Text]:  # noqa: ANN401
    if isinstance(value, dict):
        parts: list[Text] = ["{"]
        for index, (key, each) in enumerate(value.items()):
            inner = (*path, key)
            where = f"{place}.{key}"
            parts += ["," if index else "", *_json_string(key, scope, inner, f"{where}:key"), ":"]
            parts += _json_parts(each, scope, inner, where)
        return [*parts, "}"]
    if isinstance(value, list):
        parts = ["["]
        for index, each in enumerate(value):
            parts.append("," if index else "")
            parts += _json_parts(each, scope, (*path, index), f"{place}[{index}]")
        return [*parts, "]"]
    if isinstance(value, str):
        resolved = _resolved(value, scope, path, place)
        if len(resolved) == 1 and resolved[0][0] is None:
            return [resolved[0][1].escaped(as_json)]
        return _json_string(value, scope, path, place)
    return [as_json(value)]


def _json_string(source: str, scope: Scope, path: Path, place: str) -> list[Text]:
    return ['"', text(source, scope, path, place, in_json_text, in_json_text), '"']


def value(template: Any, scope: Scope, path: Path, place: str) -> Expression:  # noqa: ANN401
    """A value of any JSON type with its placeholders, as a value instead of its text."""
    if isinstance(template, str):
        resolved = _resolved(template, scope, path, place)
        if len(resolved) == 1 and resolved[0][0] is None:
            return resolved[0][1]
        whole = text(template, scope, path, place, plain)
        return Expression(constant=whole) if isinstance(whole, str) else Expression(value=whole)
    if isinstance(template, (dict, list)):
        whole = json_text(template, scope, path, place)
        if isinstance(whole, str):
            return Expression(constant=json.loads(whole))
        make = whole
        return Expression(value=lambda k, v: json.loads(make(k, v)))
    return Expression(constant=template)


_NOTHING: Final = Expression()


def _resolved(
    source: str, scope: Scope, path: Path, place: str
) -> list[tuple[str | None, Expression]]:
    """(literal, _) or (None, expression), in order."""
    found: list[tuple[str | None, Expression]] = []
    for index, part in enumerate(parse(source, path)):
        if isinstance(part, str):
            found.append((part, _NOTHING))
        else:
            found.append((None, scope.expression(part, path, f"{place}#{index}")))
    return found


def joined(parts: Sequence[Text]) -> Text:
    """Texts one after the other: a text where none varies, else one function.

    It is an f-string, which is twice as fast as joining what the functions give.
    """
    names: dict[str, Any] = {}
    pieces: list[ast.expr] = []
    literal = ""
    for part in parts:
        if isinstance(part, str):
            literal += part
            continue
        if literal:
            pieces.append(ast.Constant(literal))
        literal = ""
        name = f"part{len(names)}"
        names[name] = part
        call = ast.Call(_load(name), [_load("k"), _load("v")], [])
        pieces.append(ast.FormattedValue(call, -1))
    if not names:
        return literal
    if literal:
        pieces.append(ast.Constant(literal))
    arguments = ast.arguments([], [ast.arg("k"), ast.arg("v")], None, [], [], None, [])
    tree = ast.Expression(ast.Lambda(arguments, ast.JoinedStr(pieces)))
    code = compile(ast.fix_missing_locations(tree), "<template>", "eval")
    # Built from a syntax tree: no text of the scenario is ever read as code.
    made: Callable[[int, Variables], str] = eval(code, names)  # noqa: S307
    return made


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())
