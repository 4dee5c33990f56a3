"""Columns and types of SQLAlchemy as the SQL that its PostgreSQL dialect makes of them."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from senior_backend.sources.alembic.values import (
    Scope,
    UncertainError,
    dotted,
    last_name,
    resolved,
    value,
)

_SAME_NAMES: Final = (
    "INTEGER INT BIGINT SMALLINT TEXT BOOLEAN DATE BYTEA INTERVAL JSON JSONB UUID INET CIDR "
    "MACADDR MACADDR8 TSVECTOR TSQUERY HSTORE OID REGCLASS MONEY CITEXT REAL INT4RANGE "
    "INT8RANGE NUMRANGE DATERANGE TSRANGE TSTZRANGE INT4MULTIRANGE INT8MULTIRANGE "
    "NUMMULTIRANGE DATEMULTIRANGE TSMULTIRANGE TSTZMULTIRANGE JSONPATH"
)
_PLAIN_TYPES: Final = {
    "Integer": "INTEGER",
    "BigInteger": "BIGINT",
    "SmallInteger": "SMALLINT",
    "Text": "TEXT",
    "UnicodeText": "TEXT",
    "Boolean": "BOOLEAN",
    "Date": "DATE",
    "LargeBinary": "BYTEA",
    "PickleType": "BYTEA",
    "Interval": "INTERVAL",
    "Double": "DOUBLE PRECISION",
    "DOUBLE_PRECISION": "DOUBLE PRECISION",
    "Uuid": "UUID",
    # fastapi-users: "Uses PostgreSQL's UUID type"; its timestamps are aware.
    "GUID": "UUID",
    "TIMESTAMPAware": "TIMESTAMP WITH TIME ZONE",
    "DATETIME": "TIMESTAMP WITHOUT TIME ZONE",
} | {name: name for name in _SAME_NAMES.split()}
_SIZED_TYPES: Final = {
    "String": "VARCHAR",
    "Unicode": "VARCHAR",
    "VARCHAR": "VARCHAR",
    "NVARCHAR": "VARCHAR",
    "AutoString": "VARCHAR",
    "CHAR": "CHAR",
    "NCHAR": "CHAR",
    "Float": "FLOAT",
    "FLOAT": "FLOAT",
    "BIT": "BIT",
}
_SERIAL: Final = {"INTEGER": "SERIAL", "BIGINT": "BIGSERIAL", "SMALLINT": "SMALLSERIAL"}

_RESERVED_WORDS: Final = (
    "all analyse analyze and any array as asc asymmetric authorization binary both case cast check "
    "collate collation column concurrently constraint create cross current_catalog current_date "
    "current_role current_schema current_time current_timestamp current_user default deferrable "
    "desc distinct do else end except false fetch for foreign freeze from full grant group having "
    "ilike in initially inner intersect into is isnull join lateral leading left like limit "
    "localtime localtimestamp natural not notnull null offset on only or order outer overlaps "
    "placing primary references returning right select session_user similar some symmetric system "
    "table tablesample then to trailing true union unique user using variadic verbose when where "
    "window with"
)
_RESERVED: Final = frozenset(_RESERVED_WORDS.split())


def identifier(name: str) -> str:
    """``name`` quoted where PostgreSQL needs it."""
    if re.fullmatch(r"[a-z_][a-z0-9_$]*", name) and name not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str | None, name: str) -> str:
    """``schema.name``, quoted where needed."""
    return f"{identifier(schema)}.{identifier(name)}" if schema else identifier(name)


def literal(text: str) -> str:
    """A string as SQL."""
    return "'" + text.replace("'", "''") + "'"


class Arguments:
    """Arguments of a call by name, as expressions and as what they come to."""

    def __init__(self, call: ast.Call, scope: Scope, names: tuple[str, ...] = ()) -> None:
        self.call = call
        self.scope = scope
        self.rest: list[ast.expr] = []
        self.given: dict[str, ast.expr] = {}
        for index, argument in enumerate(call.args):
            if isinstance(argument, ast.Starred):
                raise UncertainError(argument, "arguments are unpacked from a value")
            if index < len(names):
                self.given[names[index]] = argument
            else:
                self.rest.append(argument)
        for keyword in call.keywords:
            if keyword.arg is None:
                raise UncertainError(keyword.value, "arguments are unpacked from a value")
            self.given[keyword.arg] = keyword.value

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def expression(self, name: str) -> ast.expr | None:
        """The expression given, None when absent or ``None``."""
        node = self.given.get(name)
        if node is None:
            return None
        node = resolved(node, self.scope)
        return None if isinstance(node, ast.Constant) and node.value is None else node

    def text(self, name: str) -> str:
        """A string that must be there."""
        found = self.text_or_none(name)
        if found is None:
            raise UncertainError(self.call, f"has no {name}")
        return found

    def text_or_none(self, name: str) -> str | None:
        """A string, if given."""
        node = self.expression(name)
        if node is None:
            return None
        found = value(node, self.scope)
        if not isinstance(found, str):
            raise UncertainError(node, f"{name} is no text")
        return found

    def flag(self, name: str, default: bool = False) -> bool:
        """A truth value."""
        node = self.expression(name)
        return default if node is None else bool(value(node, self.scope))

    def texts(self, name: str) -> list[str]:
        """A list of strings."""
        node = self.expression(name)
        found = [] if node is None else value(node, self.scope)
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise UncertainError(self.call, f"{name} is no list of names")
        return found


@dataclass(slots=True)
class Column:
    """A column as SQL, and what SQLAlchemy makes beside it."""

    name: str
    type: str
    line: int
    nullable: bool = True
    default: str | None = None
    generated: str | None = None
    primary_key: bool = False
    unique: bool = False
    index: bool = False
    comment: str | None = None
    may_count: bool = True
    """Whether a lone integer primary key of it becomes a serial."""
    references: list[str] = field(default_factory=list)
    enums: list[str] = field(default_factory=list)
    """CREATE TYPE statements that a new table brings along."""
    unknown_type: str | None = None

    def sql(self, *, serial: bool = False) -> str:
        """The column in CREATE TABLE or ADD COLUMN."""
        parts = [identifier(self.name), _SERIAL.get(self.type, self.type) if serial else self.type]
        if self.default is not None:
            parts.append(f"DEFAULT {self.default}")
        if self.generated is not None:
            parts.append(self.generated)
        identity = self.generated is not None and self.generated.endswith("IDENTITY")
        if (not self.nullable or self.primary_key) and not identity:
            parts.append("NOT NULL")
        return " ".join(parts)


def column(call: ast.Call, scope: Scope) -> Column:
    """``sa.Column(...)``.

    Raises:
        UncertainError: a part of it is not certain.
    """
    arguments = Arguments(call, scope, ("name",))
    made = Column(arguments.text("name"), "", call.lineno)
    made.primary_key = arguments.flag("primary_key")
    made.nullable = arguments.flag("nullable", default=True)
    made.unique = arguments.flag("unique")
    made.index = arguments.flag("index")
    made.comment = arguments.text_or_none("comment")
    kind = arguments.expression("type_")
    rest = [resolved(node, scope) for node in arguments.rest]
    for node in rest:
        name = last_name(node.func) if isinstance(node, ast.Call) else ""
        if name in ("ForeignKey", "CheckConstraint", "Identity", "Computed", "Sequence"):
            _part(made, name, node, scope)
        elif name == "FetchedValue":
            continue
        elif kind is None:
            kind = node
        else:
            raise UncertainError(node, "a part of this column is not known")
    if kind is None:
        raise UncertainError(call, f"column {made.name} has no type")
    made.type = type_sql(kind, scope, made)
    default = arguments.expression("server_default")
    if default is not None:
        _default(made, default, scope)
    increments = arguments.given.get("autoincrement")
    if increments is not None and value(increments, scope) is False:
        made.may_count = False
    return made


def _part(made: Column, name: str, node: ast.expr, scope: Scope) -> None:
    assert isinstance(node, ast.Call)  # noqa: S101 - its name was taken from the call
    if name == "ForeignKey":
        made.references.append(_reference(made.name, node, scope))
        made.may_count = False
    elif name == "Identity":
        always = Arguments(node, scope).flag("always")
        made.generated = f"GENERATED {'ALWAYS' if always else 'BY DEFAULT'} AS IDENTITY"
        made.may_count = False
        made.nullable = False
    elif name == "Computed":
        arguments = Arguments(node, scope, ("sqltext",))
        stored = arguments.flag("persisted", default=True)
        kind = "STORED" if stored else "VIRTUAL"
        made.generated = f"GENERATED ALWAYS AS ({arguments.text('sqltext')}) {kind}"
    else:
        raise UncertainError(node, f"{name} in a column is not read")


def _default(made: Column, node: ast.expr, scope: Scope) -> None:
    name = last_name(node.func) if isinstance(node, ast.Call) else ""
    if name in ("Identity", "Computed"):
        _part(made, name, node, scope)
    elif name != "FetchedValue":
        made.default = default_sql(node, scope)


def default_sql(node: ast.expr, scope: Scope) -> str:
    """``server_default`` as SQL: a plain string is a literal, ``text()`` is an expression."""
    node = resolved(node, scope)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return literal(node.value)
    if isinstance(node, ast.Call):
        name = last_name(node.func)
        path = dotted(node.func)
        if name in ("text", "literal_column"):
            return str(value(node, scope))
        if name in ("true", "false") and not node.args:
            return name
        if ".func." in f".{path}":
            arguments = ", ".join(default_sql(argument, scope) for argument in node.args)
            return "CURRENT_TIMESTAMP" if name == "current_timestamp" else f"{name}({arguments})"
        if name == "literal" and node.args:
            return default_sql(node.args[0], scope)
    found = value(node, scope)
    if isinstance(found, str):
        return literal(found)
    raise UncertainError(node, "its server_default is not certain")


def _reference(own: str, call: ast.Call, scope: Scope) -> str:
    arguments = Arguments(call, scope, ("column",))
    *table, remote = arguments.text("column").split(".")
    schema, name = (".".join(table[:-1]) or None, table[-1]) if table else (None, "")
    if not name:
        raise UncertainError(call, "the table of a ForeignKey is not named")
    return foreign_key(arguments, [own], qualified(schema, name), [remote])


def foreign_key(
    arguments: Arguments, own: list[str], table: str, remote: list[str], name: str | None = None
) -> str:
    """A foreign key constraint with the options that Alembic and SQLAlchemy share."""
    prefix = f"CONSTRAINT {identifier(name)} " if name else ""
    if name is None and (given := arguments.text_or_none("name")):
        prefix = f"CONSTRAINT {identifier(given)} "
    sql = f"{prefix}FOREIGN KEY({names(own)}) REFERENCES {table} ({names(remote)})"
    for option, words in (("match", "MATCH"), ("ondelete", "ON DELETE"), ("onupdate", "ON UPDATE")):
        if given := arguments.text_or_none(option):
            sql += f" {words} {given}"
    sql += deferral(arguments)
    return sql + (" NOT VALID" if arguments.flag("postgresql_not_valid") else "")


def deferral(arguments: Arguments) -> str:
    """``DEFERRABLE INITIALLY ...`` where given."""
    sql = ""
    if arguments.expression("deferrable") is not None:
        sql += " DEFERRABLE" if arguments.flag("deferrable") else " NOT DEFERRABLE"
    if initially := arguments.text_or_none("initially"):
        sql += f" INITIALLY {initially}"
    return sql


def names(columns: list[str]) -> str:
    """Column names with commas between them."""
    return ", ".join(map(identifier, columns))


def type_sql(node: ast.expr, scope: Scope, made: Column | None = None) -> str:
    """A type. Its own ENUMs go to ``made.enums``; one that is not known, to ``unknown_type``."""
    node = resolved(node, scope)
    if not isinstance(node, ast.Call):
        node = ast.copy_location(ast.Call(node, [], []), node)
    name = last_name(resolved(node.func, scope))
    if name == "with_variant" and isinstance(node.func, ast.Attribute):
        arguments = Arguments(node, scope, ("type_", "dialect"))
        other = arguments.expression("type_")
        own = node.func.value
        chosen = other if other and arguments.text("dialect") == "postgresql" else own
        return type_sql(chosen, scope, made)
    arguments = Arguments(node, scope, ("first", "second"))
    if name in _PLAIN_TYPES:
        return _PLAIN_TYPES[name]
    if name in _SIZED_TYPES:
        key = "first" if "first" in arguments else "length"
        size = arguments.expression(key) or arguments.expression("precision")
        return _SIZED_TYPES[name] + (f"({value(size, scope)})" if size else "")
    if name in ("Numeric", "DECIMAL", "NUMERIC"):
        sizes = [
            arguments.expression(place) or arguments.expression(named)
            for place, named in (("first", "precision"), ("second", "scale"))
        ]
        known = [str(value(size, scope)) for size in sizes if size is not None]
        return "NUMERIC" + (f"({', '.join(known)})" if known else "")
    if name in ("DateTime", "TIMESTAMP", "Time", "TIME"):
        zone = arguments.flag("timezone") or arguments.flag("first")
        base = "TIMESTAMP" if name in ("DateTime", "TIMESTAMP") else "TIME"
        precision = arguments.expression("precision")
        digits = f"({value(precision, scope)})" if precision else ""
        return f"{base}{digits} {'WITH' if zone else 'WITHOUT'} TIME ZONE"
    if name == "ARRAY":
        item = arguments.expression("first") or arguments.expression("item_type")
        if item is None:
            raise UncertainError(node, "an ARRAY of nothing")
        dimensions = arguments.expression("dimensions")
        return type_sql(item, scope, made) + "[]" * int(
            str(value(dimensions, scope)) if dimensions else 1
        )
    if name in ("Enum", "ENUM"):
        return _enum(node, scope, made)
    if made is not None:
        made.unknown_type = name
        return identifier(name)
    raise UncertainError(node, f"the type {name} is not known")


def _enum(node: ast.Call, scope: Scope, made: Column | None) -> str:
    """The type's name; its labels are only needed where the column's table creates it."""
    arguments = Arguments(node, scope)
    labels = enum_labels(node, scope)
    if not arguments.flag("native_enum", default=True):
        length = arguments.expression("length")
        if length is not None:
            return f"VARCHAR({value(length, scope)})"
        return f"VARCHAR({max(map(len, labels))})" if labels else "VARCHAR"
    of_class = arguments.rest[0] if arguments.rest and labels is None else None
    kind = arguments.text_or_none("name") or (last_name(of_class).lower() if of_class else "")
    if not kind:
        raise UncertainError(node, "an enum has no name")
    if made is not None and arguments.flag("create_type", default=True):
        if labels is None:
            made.unknown_type = made.unknown_type or f"of the enum {kind}"
        else:
            made.enums.append(create_enum(node, scope))
    return qualified(arguments.text_or_none("schema"), kind)


def enum_labels(node: ast.Call, scope: Scope) -> list[str] | None:
    """The labels of ``sa.Enum("a", "b", name=...)``; None when a class has them."""
    try:
        labels = [value(label, scope) for label in Arguments(node, scope).rest]
    except UncertainError:
        return None
    return [str(label) for label in labels] or None


def create_enum(node: ast.Call, scope: Scope) -> str:
    """CREATE TYPE for ``sa.Enum("a", "b", name=...)``.

    Raises:
        UncertainError: its labels come from a class.
    """
    arguments = Arguments(node, scope)
    labels = enum_labels(node, scope)
    if labels is None:
        raise UncertainError(node, "an enum's labels come from a class")
    kind = qualified(arguments.text_or_none("schema"), arguments.text("name"))
    return f"CREATE TYPE {kind} AS ENUM ({', '.join(map(literal, labels))})"


def calls(nodes: list[ast.expr], scope: Scope) -> Iterator[tuple[str, ast.Call]]:
    """Calls among expressions, by the last name of what they call.

    Raises:
        UncertainError: one is no call.
    """
    for node in nodes:
        found = resolved(node, scope)
        if not isinstance(found, ast.Call):
            raise UncertainError(node, f"'{ast.unparse(node)[:40]}' is not known before it runs")
        yield last_name(found.func), found
