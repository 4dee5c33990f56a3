"""Reading the settings file into the dataclass of one tool."""

import dataclasses
import difflib
import re
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from senior_backend.errors import InputError

SETTINGS_FILE: Final = "senior-backend.toml"
PYPROJECT: Final = "pyproject.toml"
SECTIONS: Final = ("checks", "migrations")
"""Every tool's section: a name that is not here is refused."""

T = TypeVar("T")
_WORDS: Final = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}


def load(root: Path, section: str, settings: type[T]) -> T:
    """The ``section`` of ``root``'s settings as a ``settings`` dataclass.

    Defaults where the file or the section is absent. Fields may be ``bool``, ``int``, ``float``,
    ``str``, ``tuple[str, ...]``, ``Mapping[str, ...]`` of one of the first four, and a tuple of
    dataclasses (an array of tables).

    Raises:
        InputError: the file is not TOML, has an unknown section, key or a wrong type, or both
            files hold settings; the message starts with ``file:line``.
    """
    own = _read(root / SETTINGS_FILE)
    shared = _read(root / PYPROJECT, only_with="senior-backend")
    tool = shared.document.get("tool", {})
    in_pyproject = tool.get("senior-backend") if isinstance(tool, dict) else None
    if own.text is not None and in_pyproject is not None:
        line = shared.line(("tool", "senior-backend"))
        raise InputError(
            f"{PYPROJECT}:{line}: [tool.senior-backend] stands beside {SETTINGS_FILE}; "
            "keep one of the two"
        )
    path: tuple[str, ...]
    if in_pyproject is not None:
        file, path, document = shared, ("tool", "senior-backend"), in_pyproject
    else:
        file, path, document = own, (), own.document
    sections = file.table(path, document, SECTIONS, "section")
    if section not in sections:
        return settings()
    return _fill(file, (*path, section), sections[section], settings)


def place(root: Path, section: str, key: str, value: str = "") -> str:
    """``file:line`` of a setting in ``root``, and of ``value`` in it where it is found there."""
    shared = _read(root / PYPROJECT, only_with="senior-backend")
    own = _read(root / SETTINGS_FILE)
    file, above = (shared, ("tool", "senior-backend")) if own.text is None else (own, ())
    line = file.line((*above, section, key))
    lines = (file.text or "").split("\n")
    found = (n for n, text in enumerate(lines[line - 1 :], line) if value in text)
    return f"{file.name}:{next(found, line)}"


@dataclasses.dataclass(frozen=True, slots=True)
class _File:
    """A TOML file; the parser forgets where things stand, so that ``line`` looks again."""

    name: str
    text: str | None
    document: dict[str, Any]

    def line(self, path: tuple[str, ...]) -> int:
        """The line of a key or table, as far as its header and name can be found; else 1."""
        table: tuple[str, ...] = ()
        best = 1
        for number, line in enumerate((self.text or "").split("\n"), 1):
            if header := re.match(r"\s*\[\[?([^\]]+)\]\]?\s*(#|$)", line):
                table = _parts(header[1])
                if table[: len(path)] == path:
                    return number
            elif key := re.match(r"\s*((?:[\w-]++|\"[^\"]*\"|'[^']*'|\s*+\.\s*+)++)\s*=", line):
                full = (*table, *_parts(key[1]))
                if full[: len(path)] == path:
                    return number
                if path[: len(full)] == full:
                    best = number
        return best

    def error(self, path: tuple[str, ...], message: str) -> InputError:
        return InputError(f"{self.name}:{self.line(path)}: {message}")

    def table(
        self, path: tuple[str, ...], value: object, known: tuple[str, ...], kind: str
    ) -> dict[str, Any]:
        """``value`` as a table whose keys are all known."""
        if not isinstance(value, dict):
            raise self.error(path, f"'{path[-1]}' must be a table")
        for name in value:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
                raise self.error((*path, name), f"unknown {kind} '{name}'; {hint}")
        return value


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(r"[\w-]+|\"[^\"]*\"|'[^']*'", dotted))


def _read(path: Path, only_with: str = "") -> _File:
    """A file taken apart; one that does not hold ``only_with`` is none of our business."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return _File(path.name, None, {})
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name}: cannot be read ({error}); write it in UTF-8") from None
    if only_with not in text:
        return _File(path.name, None, {})
    try:
        return _File(path.name, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at line (\d+), column \d+\)$", str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        message = str(error).split(" (at ")[0]
        raise InputError(f"{path.name}:{line}: not TOML: {message}") from None
    except RecursionError:
        raise InputError(f"{path.name}:1: nested too deeply; its sections are flat") from None


def _fill(file: _File, path: tuple[str, ...], value: object, settings: type[T]) -> T:
    if not dataclasses.is_dataclass(settings):
        raise TypeError(f"{settings} must be a dataclass")
    hints = typing.get_type_hints(settings)
    names = {name.replace("_", "-"): name for name in hints}
    values: dict[str, Any] = {}
    # Both spellings are TOML's custom somewhere; either is taken.
    for key, given in file.table(path, value, tuple({**names, **hints}), "setting").items():
        name = names.get(key, key)
        if name in values:
            raise file.error((*path, key), f"setting '{name}' stands twice; keep one")
        values[name] = _value(file, (*path, key), given, hints[name])
    missing = [
        field.name
        for field in dataclasses.fields(settings)
        if field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
        and field.name not in values
    ]
    if missing:
        raise file.error(path, f"'{path[-1]}' needs '{missing[0]}'")
    return settings(**values)


def _value(file: _File, path: tuple[str, ...], given: object, wanted: Any) -> Any:  # noqa: ANN401
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    name = path[-1]
    if origin is tuple and dataclasses.is_dataclass(arguments[0]):
        if not isinstance(given, list):
            raise file.error(path, f"'{name}' must be an array of tables: [[{'.'.join(path)}]]")
        kind = typing.cast(type[Any], arguments[0])
        return tuple(_fill(file, path, entry, kind) for entry in given)
    if origin is tuple:
        if not isinstance(given, list) or not all(isinstance(v, str) for v in given):
            raise file.error(path, f"'{name}' must be a list of strings")
        return tuple(given)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(given, dict):
            raise file.error(path, f"'{name}' must be a table")
        return {k: _value(file, (*path, k), v, arguments[1]) for k, v in given.items()}
    if wanted is float and isinstance(given, int) and not isinstance(given, bool):
        return float(given)
    if not isinstance(given, wanted) or (wanted is not bool and isinstance(given, bool)):
        raise file.error(path, f"'{name}' must be {_WORDS[wanted]}")
    return given
