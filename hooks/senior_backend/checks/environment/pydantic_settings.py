"""Fields of pydantic-settings classes, under the names that the environment fills them by."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from senior_backend.checks.environment.python_module import (
    Module,
    assignment,
    pieces,
    string,
)
from senior_backend.checks.environment.read import Read

_NOT_FIELDS = frozenset({"model_config"})


@dataclass
class _Config:
    """The options of a settings class that decide the names; inherited by its subclasses."""

    prefix: str = ""
    delimiter: str | None = None
    case_sensitive: bool = False
    generated: bool = False
    """An ``alias_generator`` makes the names: they cannot be told from the text."""


def reads(definitions: list[ast.ClassDef], module: Module) -> Iterator[Read]:
    """The fields of the settings classes among a file's class definitions."""
    classes = {node.name: node for node in definitions}
    parents = {
        name: [b for base in node.bases if (b := _last_name(base)) in classes and b != name]
        for name, node in classes.items()
    }
    roots = {
        name
        for name, node in classes.items()
        if any(_is_base_settings(base, module) for base in node.bases)
        or "env_prefix" in _said(node)  # its base is a settings class of another file
    }

    def lineage(name: str, seen: tuple[str, ...] = ()) -> list[str]:
        """The class and its ancestors in this file, nearest first."""
        above = [a for p in parents[name] if p not in seen for a in lineage(p, (*seen, name))]
        return [name, *above]

    families = {name: lineage(name) for name in classes}
    # A field has a name under each class that inherits it, since prefixes are inherited too.
    names: dict[ast.AnnAssign, list[str]] = {}
    for family in families.values():
        if not roots & set(family):
            continue
        config = _Config()
        for ancestor in reversed(family):
            config = _configured(classes[ancestor], config, module)
        fields = [
            statement
            for ancestor in family
            for statement in classes[ancestor].body
            if isinstance(statement, ast.AnnAssign) and _is_field(statement, classes)
        ]
        if config.generated or not fields:
            # A base for classes of other files: whatever has its prefix may be one of theirs.
            if config.prefix.strip("*"):
                yield Read((f"{_cased(config.prefix, config)}*",), classes[family[0]].lineno)
            continue
        for statement in fields:
            names.setdefault(statement, []).extend(_field_names(statement, config, module))
    for statement, alternatives in names.items():
        if alternatives:
            yield Read(tuple(dict.fromkeys(alternatives)), statement.lineno)


def _last_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _is_base_settings(node: ast.expr, module: Module) -> bool:
    if isinstance(node, ast.Name):
        return node.id in module.base_settings
    return isinstance(node, ast.Attribute) and node.attr == "BaseSettings"


def _is_field(statement: ast.AnnAssign, classes: dict[str, ast.ClassDef]) -> bool:
    """Whether the environment fills it: not private, no class variable, no group of settings."""
    if not isinstance(statement.target, ast.Name):
        return False
    name, kind = statement.target.id, _last_name(statement.annotation)
    if name.startswith("_") or name in _NOT_FIELDS or kind in ("ClassVar", "InitVar"):
        return False
    # `database: Database = Database()` is filled by the fields of that class.
    value = statement.value
    makers = [value.func] if isinstance(value, ast.Call) else []
    makers += [k.value for k in _keywords(value) if k.arg == "default_factory"]
    made = {_last_name(m) for m in makers}
    is_group = kind in made and kind not in ("dict", "list", "set", "tuple", "frozenset")
    settings = kind in classes and any(
        (_last_name(b) or "").endswith("Settings") for b in classes[kind or ""].bases
    )
    return not is_group and not settings


def _keywords(node: ast.expr | None) -> list[ast.keyword]:
    return node.keywords if isinstance(node, ast.Call) else []


def _configured(node: ast.ClassDef, config: _Config, module: Module) -> _Config:
    """``config`` with what this class says."""
    said = _said(node)

    def text(name: str, default: str) -> str:
        return pieces(said[name], module.constants) if name in said else default

    sensitive = said.get("case_sensitive")
    return _Config(
        prefix=text("env_prefix", config.prefix),
        delimiter=text("env_nested_delimiter", config.delimiter or "") or None,
        case_sensitive=(
            isinstance(sensitive, ast.Constant) and sensitive.value is True
            if sensitive
            else config.case_sensitive
        ),
        generated="alias_generator" in said or config.generated,
    )


def _said(node: ast.ClassDef) -> dict[str, ast.expr]:
    """The options that a class sets: arguments, ``model_config`` or ``class Config``."""
    said = {k.arg: k.value for k in node.keywords if k.arg}
    for statement in node.body:
        target, value = assignment(statement)
        if target == "model_config" and isinstance(value, ast.Dict):
            for key, item in zip(value.keys, value.values, strict=True):
                if isinstance(key, ast.Constant):
                    said[str(key.value)] = item
        elif target == "model_config":
            said |= {k.arg: k.value for k in _keywords(value) if k.arg}
        elif isinstance(statement, ast.ClassDef) and statement.name == "Config":
            for inner in statement.body:
                name, item_value = assignment(inner)
                if name and item_value:
                    said[name] = item_value
    return said


def _field_names(statement: ast.AnnAssign, config: _Config, module: Module) -> list[str]:
    """The alternatives by which pydantic-settings looks a field up, best first."""
    calls = [
        n
        for part in (statement.value, statement.annotation)
        if part
        for n in ast.walk(part)
        if isinstance(n, ast.Call) and _last_name(n.func) == "Field"
    ]
    keywords = {k.arg: k.value for call in calls for k in call.keywords}
    assert isinstance(statement.target, ast.Name)  # noqa: S101 - _is_field saw to it
    plain = _cased(config.prefix + statement.target.id, config)
    names: list[str] = []
    for argument in ("validation_alias", "alias", "env"):
        if argument in keywords:
            names = [_cased(n, config) for n in _aliases(keywords[argument], module)]
            if not names:
                return []  # computed: it cannot be told from the text
            break
    names.append(plain)
    if not config.case_sensitive:  # the environment may spell it either way
        names += [name.lower() for name in names]
    if config.delimiter:
        names += [f"{name}{_cased(config.delimiter, config)}*" for name in list(names)]
    return names


def _aliases(node: ast.expr, module: Module) -> list[str]:
    """The strings of an alias, of ``AliasChoices``, or the first part of each ``AliasPath``."""
    if isinstance(node, ast.Call):
        parts = node.args[:1] if _last_name(node.func) == "AliasPath" else node.args
        return [name for part in parts for name in _aliases(part, module)]
    if isinstance(node, ast.List | ast.Tuple):
        return [name for part in node.elts for name in _aliases(part, module)]
    text = string(node, module.constants)
    return [text] if text else []


def _cased(name: str, config: _Config) -> str:
    return name if config.case_sensitive else name.upper()
