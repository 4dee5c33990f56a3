"""Python: ``os.environ``, ``os.getenv``, and the fields of pydantic-settings classes."""

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from senior_backend.checks.environment.read import Read

_LOOKUP = re.compile(r"environ|getenv")
_SETTINGS = re.compile(r"BaseSettings|env_prefix")
_LOOKUPS = frozenset({"get", "pop", "__getitem__"})
_NOT_FIELDS = frozenset({"model_config"})


def reads(text: str) -> Iterator[Read]:
    """Every read whose name, or part of it, stands in the file.

    Raises:
        SyntaxError: the text is not Python of this interpreter's version.
    """
    lookups, settings = _LOOKUP.search(text), _SETTINGS.search(text)
    if not lookups and not settings:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are the author's business
        tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    module = _Module.of(tree, nodes)
    if lookups:
        for node in nodes:
            name = _looked_up(node, module)
            if name is not None and (pattern := _string(name, module.constants)):
                yield Read((pattern,), name.lineno)
    if settings:
        yield from _settings([n for n in nodes if isinstance(n, ast.ClassDef)], module)


@dataclass
class _Module:
    """What names mean in one file."""

    os: set[str] = field(default_factory=set)
    environ: set[str] = field(default_factory=set)
    getenv: set[str] = field(default_factory=set)
    base_settings: set[str] = field(default_factory=set)
    constants: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: ast.Module, nodes: list[ast.AST]) -> "_Module":
        module = cls()
        for node in nodes:
            if isinstance(node, ast.Import):
                module.os |= {a.asname or a.name for a in node.names if a.name == "os"}
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    name = alias.asname or alias.name
                    if node.module == "os" and alias.name in ("environ", "environb"):
                        module.environ.add(name)
                    elif node.module == "os" and alias.name == "getenv":
                        module.getenv.add(name)
                    elif alias.name == "BaseSettings":
                        module.base_settings.add(name)
        for statement in tree.body:
            target, value = _assignment(statement)
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and target:
                module.constants[target] = value.value
        return module

    def is_environ(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.environ
        return self._of_os(node, "environ", "environb")

    def is_getenv(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.getenv
        return self._of_os(node, "getenv", "getenvb")

    def _of_os(self, node: ast.expr, *attributes: str) -> bool:
        return (
            isinstance(node, ast.Attribute)
            and node.attr in attributes
            and isinstance(node.value, ast.Name)
            and node.value.id in self.os
        )


def _assignment(statement: ast.stmt) -> tuple[str | None, ast.expr | None]:
    """``name = value`` or ``name: type = value``."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value:
        target, value = statement.target, statement.value
    else:
        return None, None
    return (target.id if isinstance(target, ast.Name) else None), value


def _looked_up(node: ast.AST, module: _Module) -> ast.expr | None:
    """The expression by which ``node`` looks a variable up, or None when it does not."""
    match node:
        case ast.Subscript(value=container, slice=key, ctx=ast.Load()):
            return key if module.is_environ(container) else None
        case ast.Call(func=ast.Attribute(value=container, attr=attribute), args=[key, *_]) if (
            attribute in _LOOKUPS and module.is_environ(container)
        ):
            return key
        case ast.Call(func=function, args=[key, *_]):
            return key if module.is_getenv(function) else None
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[container]):
            return key if module.is_environ(container) else None
    return None


def _string(node: ast.expr, constants: dict[str, str]) -> str | None:
    """The string that ``node`` makes, unknown parts as ``*``; None when nothing is known."""
    text = _pieces(node, constants)
    return None if not text.strip("*_") else re.sub(r"\*+", "*", text)


def _pieces(node: ast.expr, constants: dict[str, str]) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=bytes(raw)):
            return raw.decode("latin-1")
        case ast.Name(id=name):
            return constants.get(name, "*")
        case ast.JoinedStr(values=values):
            return "".join(_pieces(v, constants) for v in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _pieces(left, constants) + _pieces(right, constants)
        case _:
            return "*"


# --- pydantic-settings ---------------------------------------------------------------------------


@dataclass
class _Config:
    """The options of a settings class that decide the names; inherited by its subclasses."""

    prefix: str = ""
    delimiter: str | None = None
    case_sensitive: bool = False
    generated: bool = False
    """An ``alias_generator`` makes the names: they cannot be told from the text."""


def _settings(definitions: list[ast.ClassDef], module: _Module) -> Iterator[Read]:
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


def _is_base_settings(node: ast.expr, module: _Module) -> bool:
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


def _configured(node: ast.ClassDef, config: _Config, module: _Module) -> _Config:
    """``config`` with what this class says."""
    said = _said(node)

    def text(name: str, default: str) -> str:
        return _pieces(said[name], module.constants) if name in said else default

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
        target, value = _assignment(statement)
        if target == "model_config" and isinstance(value, ast.Dict):
            for key, item in zip(value.keys, value.values, strict=True):
                if isinstance(key, ast.Constant):
                    said[str(key.value)] = item
        elif target == "model_config":
            said |= {k.arg: k.value for k in _keywords(value) if k.arg}
        elif isinstance(statement, ast.ClassDef) and statement.name == "Config":
            for inner in statement.body:
                name, item_value = _assignment(inner)
                if name and item_value:
                    said[name] = item_value
    return said


def _field_names(statement: ast.AnnAssign, config: _Config, module: _Module) -> list[str]:
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


def _aliases(node: ast.expr, module: _Module) -> list[str]:
    """The strings of an alias, of ``AliasChoices``, or the first part of each ``AliasPath``."""
    if isinstance(node, ast.Call):
        parts = node.args[:1] if _last_name(node.func) == "AliasPath" else node.args
        return [name for part in parts for name in _aliases(part, module)]
    if isinstance(node, ast.List | ast.Tuple):
        return [name for part in node.elts for name in _aliases(part, module)]
    text = _string(node, module.constants)
    return [text] if text else []


def _cased(name: str, config: _Config) -> str:
    return name if config.case_sensitive else name.upper()
