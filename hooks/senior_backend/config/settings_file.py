"""Reading ``senior-backend.yml`` into the dataclass of one tool."""

import dataclasses
import difflib
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from senior_backend.errors import InputError

if TYPE_CHECKING:
    import yaml

SETTINGS_FILE: Final = "senior-backend.yml"
SECTIONS: Final = ("checks",)
"""Every tool's section: a name that is not here is refused."""

T = TypeVar("T")


def load(root: Path, section: str, settings: type[T]) -> T:
    """The ``section`` of ``root``'s settings file as a ``settings`` dataclass.

    Defaults where the file or the section is absent. Fields may be ``bool``, ``int``, ``float``,
    ``str`` or ``tuple[str, ...]``.

    Raises:
        InputError: the file is not YAML, or has an unknown section, key or a wrong type;
            the message starts with ``file:line``.
    """
    path = root / SETTINGS_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return settings()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{SETTINGS_FILE}: cannot be read ({error}); write it in UTF-8") from None
    import yaml  # 23 ms that most commits need not pay

    try:
        document = yaml.compose(text, Loader=yaml.SafeLoader)
        if document is None:
            return settings()
        sections = _mapping(document, "a mapping of sections", SECTIONS, "section")
        return _fill(sections[section], settings) if section in sections else settings()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{SETTINGS_FILE}:{line}: not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{SETTINGS_FILE}:1: not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise InputError(f"{SETTINGS_FILE}:1: nested too deeply; its sections are flat") from None


def _fill(node: "yaml.Node", settings: type[T]) -> T:
    import yaml

    if not dataclasses.is_dataclass(settings):
        raise TypeError(f"{settings} must be a dataclass")
    hints = typing.get_type_hints(settings)
    entries = _mapping(node, "a mapping of settings", tuple(hints), "setting")
    values: dict[str, Any] = {}
    for name, value_node in entries.items():
        try:
            value = yaml.SafeLoader("").construct_object(value_node, deep=True)
        except ValueError as error:  # such as a date of a thirteenth month
            raise _error(value_node, f"'{name}' cannot be read: {error}") from None
        wanted = hints[name]
        if typing.get_origin(wanted) is tuple:
            if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
                raise _error(value_node, f"'{name}' must be a list of strings")
            value = tuple(value)
        elif not isinstance(value, wanted) or (wanted is not bool and isinstance(value, bool)):
            raise _error(value_node, f"'{name}' must be of type {wanted.__name__}")
        values[name] = value
    return settings(**values)


def _mapping(
    node: "yaml.Node", what: str, known: tuple[str, ...], kind: str
) -> dict[str, "yaml.Node"]:
    """The entries of a mapping node, refusing unknown and repeated keys by their line."""
    import yaml

    if not isinstance(node, yaml.MappingNode):
        raise _error(node, f"expected {what}")
    entries: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = str(key.value)
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
            raise _error(key, f"unknown {kind} '{name}'; {hint}")
        if name in entries:
            raise _error(key, f"{kind} '{name}' stands twice; keep one")
        entries[name] = value
    return entries


def _error(node: "yaml.Node", message: str) -> InputError:
    return InputError(f"{SETTINGS_FILE}:{node.start_mark.line + 1}: {message}")
