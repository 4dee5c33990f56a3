"""``schema.prisma`` to the schema that Prisma Migrate makes of it on PostgreSQL.

Prisma docs, "Prisma schema reference" and "PostgreSQL: type mapping".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from senior_backend.catalog import replay
from senior_backend.catalog.model import BEFORE, Catalog
from senior_backend.errors import InputError
from senior_backend.operations.columns import ColumnDefinition
from senior_backend.operations.constraints import AddConstraint, Constraint
from senior_backend.operations.indexes import CreateIndex, IndexKey
from senior_backend.operations.names import Expression, Name, TypeName
from senior_backend.operations.objects import CreateEnum, CreateView
from senior_backend.operations.tables import CreateTable

_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r\f]+|//[^\n]*|/\*.*?\*/)
      | (?P<line>\n)
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<word>@?@?[A-Za-z_][\w.]*|-?\d+(?:\.\d+)?)
      | (?P<mark>[{}()\[\]:,?=])""",
    re.VERBOSE | re.DOTALL,
)

_TYPES: Final = {
    "String": TypeName(None, "text"),
    "Int": TypeName(None, "integer"),
    "BigInt": TypeName(None, "bigint"),
    "Float": TypeName(None, "double precision"),
    "Decimal": TypeName(None, "numeric", (65, 30)),
    "Boolean": TypeName(None, "boolean"),
    "DateTime": TypeName(None, "timestamp without time zone", (3,)),
    "Json": TypeName(None, "jsonb"),
    "Bytes": TypeName(None, "bytea"),
}
_NATIVE: Final = {
    "varchar": "character varying",
    "char": "character",
    "integer": "integer",
    "doubleprecision": "double precision",
    "decimal": "numeric",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
}
_WITHOUT_PRECISION: Final = {
    "decimal": (65, 30),
    "timestamp": (3,),
    "timestamptz": (3,),
    "time": (3,),
    "timetz": (3,),
}
_ACTIONS: Final = {
    "Cascade": "cascade",
    "Restrict": "restrict",
    "NoAction": "no action",
    "SetNull": "set null",
    "SetDefault": "set default",
}
# What Prisma's own engine fills in: the database knows of no default.
_BY_CLIENT: Final = frozenset({"uuid", "cuid", "nanoid", "ulid", "auto"})


@dataclass(slots=True)
class _Argument:
    """An argument of an attribute: a word, a string, a call or a list."""

    word: str = ""
    text: str | None = None
    items: "list[_Argument] | None" = None
    arguments: "dict[str, _Argument] | None" = None


@dataclass(slots=True)
class _Field:
    """A field of a model, or a value of an enum."""

    name: str
    type: str = ""
    type_arguments: "dict[str, _Argument]" = field(default_factory=dict)
    optional: bool = False
    many: bool = False
    attributes: "dict[str, dict[str, _Argument]]" = field(default_factory=dict)

    @property
    def column(self) -> str:
        """Its name in the database."""
        return _text(self.attributes.get("@map", {}), "name") or self.name


@dataclass(slots=True)
class _Block:
    """A model, view, type or enum."""

    kind: str
    name: str
    line: int
    fields: list[_Field] = field(default_factory=list)
    attributes: "list[tuple[str, dict[str, _Argument]]]" = field(default_factory=list)

    @property
    def table(self) -> Name:
        """Its name in the database."""
        schema = name = None
        for attribute, arguments in self.attributes:
            if attribute == "@@map":
                name = _text(arguments, "name")
            elif attribute == "@@schema":
                schema = _text(arguments, "map")
        return Name(schema, name or self.name)

    def columns(self, argument: _Argument | None) -> tuple[str, ...]:
        """The columns of a list of fields."""
        by_name = {known.name: known.column for known in self.fields}
        items = argument.items if argument and argument.items else [argument or _Argument()]
        return tuple(by_name.get(item.word, item.word) for item in items)


def _text(arguments: dict[str, _Argument], name: str) -> str | None:
    """A string argument, given by name or first."""
    found = arguments.get(name) or arguments.get("")
    return found.text if found else None


def read(path: str, source: str) -> Catalog:
    """The schema; raises InputError (``path:line: ...``) for what is not a Prisma schema."""
    blocks = list(_Parser(path, source).blocks())
    catalog = Catalog(complete=True)
    models = {block.name: block for block in blocks if block.kind == "model"}
    enums = {block.name: block for block in blocks if block.kind == "enum"}
    for enum in enums.values():
        labels = tuple(value.column for value in enum.fields)
        replay.apply(catalog, CreateEnum(name=enum.table, labels=labels), BEFORE)
    for model in models.values():
        columns = tuple(
            _column(known, enums)
            for known in model.fields
            if known.type not in models and "@ignore" not in known.attributes
        )
        replay.apply(catalog, CreateTable(table=model.table, columns=columns), BEFORE)
        for operation in _keys(model):
            replay.apply(catalog, operation, BEFORE)
    for view in (block for block in blocks if block.kind == "view"):
        replay.apply(catalog, CreateView(name=view.table), BEFORE)
    mode = [b for b in blocks if b.kind == "datasource" and _mode(b) == "prisma"]
    if not mode:
        for model in models.values():
            for key in _foreign_keys(model, models):
                replay.apply(catalog, key, BEFORE)
    for join in _joins(models, with_keys=not mode):
        replay.apply(catalog, join, BEFORE)
    return catalog


def _mode(datasource: _Block) -> str | None:
    """``relationMode = "prisma"`` leaves foreign keys out of the database."""
    for known in datasource.fields:
        if known.name in ("relationMode", "referentialIntegrity"):
            return known.type
    return None


def _column(known: _Field, enums: dict[str, _Block]) -> ColumnDefinition:
    default, serial = _default(known)
    return ColumnDefinition(
        known.column,
        _type(known, enums),
        not_null=not known.optional and not known.many,
        default=default,
        serial=serial,
    )


def _type(known: _Field, enums: dict[str, _Block]) -> TypeName:
    for attribute, arguments in known.attributes.items():
        if attribute.startswith("@db."):
            native = attribute.removeprefix("@db.").lower()
            items = arguments.get("", _Argument()).items or list(arguments.values())
            given = tuple(int(item.word) for item in items if item.word.isdigit())
            modifiers = given or _WITHOUT_PRECISION.get(native, ())
            return TypeName(None, _NATIVE.get(native, native), modifiers, known.many)
    if known.type == "Unsupported":
        return TypeName(None, _text(known.type_arguments, "") or "", (), known.many)
    if known.type in enums:
        schema, name = enums[known.type].table
        return TypeName(schema, name, (), known.many)
    type_name = _TYPES.get(known.type, TypeName(None, known.type))
    return type_name._replace(array=known.many)


def _default(known: _Field) -> tuple[Expression | None, bool]:
    """The default that the database has, and whether it is that of a serial."""
    given = known.attributes.get("@default", {}).get("")
    if given is None:
        return None, False
    if given.arguments is not None:
        if given.word == "autoincrement":
            return None, True
        if given.word == "now":
            function = Name(None, "current_timestamp")
            return Expression("CURRENT_TIMESTAMP", (function,)), False
        if given.word == "dbgenerated":
            return _generated(_text(given.arguments, "") or ""), False
        return None, False
    if given.items is not None:
        return Expression("ARRAY[]", constant=True), False
    text = given.text if given.text is not None else given.word
    plain = given.text is None and known.type in ("Int", "BigInt", "Float", "Decimal", "Boolean")
    quoted = "'" + text.replace("'", "''") + "'"
    return Expression(text if plain else quoted, constant=True), False


def _generated(text: str) -> Expression | None:
    """What ``dbgenerated("...")`` holds is SQL."""
    if not text:
        return None
    calls = re.findall(r"([A-Za-z_][\w.]*)\s*\(", text)
    functions = tuple(Name(*_split(call)) for call in calls)
    return Expression(text, functions, constant=not functions)


def _split(name: str) -> tuple[str | None, str]:
    schema, _, last = name.lower().rpartition(".")
    return schema or None, last


def _keys(model: _Block) -> Iterator[AddConstraint | CreateIndex]:
    """The primary key, the unique indexes and the others; Prisma's names for them."""
    table = model.table
    for known in model.fields:
        for attribute in ("@id", "@unique"):
            if attribute in known.attributes:
                yield _key(table, attribute, (known.column,), known.attributes[attribute])
    for attribute, arguments in model.attributes:
        if attribute in ("@@id", "@@unique", "@@index"):
            columns = model.columns(arguments.get("fields") or arguments.get(""))
            yield _key(table, attribute, columns, arguments)


def _key(
    table: Name, attribute: str, columns: tuple[str, ...], arguments: dict[str, _Argument]
) -> AddConstraint | CreateIndex:
    given = arguments.get("map")
    kind = attribute.lstrip("@")
    if kind == "id":
        name = given.text if given else _named(table, (), "pkey")
        return AddConstraint(table=table, constraint=Constraint("primary_key", columns, name=name))
    name = given.text if given else _named(table, columns, "key" if kind == "unique" else "idx")
    listed = arguments.get("fields") or arguments.get("")
    items = listed.items if listed and listed.items else [_Argument() for _ in columns]
    return CreateIndex(
        name=name,
        table=table,
        keys=tuple(map(_index_key, columns, items)),
        method=arguments["type"].word.lower() if "type" in arguments else "btree",
        unique=kind == "unique",
    )


def _named(table: Name, columns: tuple[str, ...], ending: str) -> str:
    """Prisma's name for a key or an index: what stands before the ending is cut to 63 bytes."""
    base = "_".join((table.name, *columns)).encode()[: 62 - len(ending)]
    return f"{base.decode('utf-8', 'ignore')}_{ending}"


def _index_key(column: str, item: _Argument) -> IndexKey:
    arguments = item.arguments or {}
    operators = arguments.get("ops")
    return IndexKey(
        column,
        descending="sort" in arguments and arguments["sort"].word == "Desc",
        operator_class=(
            (_text(operators.arguments or {}, "") or operators.word) if operators else None
        ),
    )


def _foreign_keys(model: _Block, models: dict[str, _Block]) -> Iterator[AddConstraint]:
    table = model.table
    for known in model.fields:
        relation = known.attributes.get("@relation", {})
        if known.type not in models or "fields" not in relation:
            continue
        columns = model.columns(relation["fields"])
        target = models[known.type]
        delete, update = relation.get("onDelete"), relation.get("onUpdate")
        yield AddConstraint(
            table=table,
            constraint=Constraint(
                "foreign_key",
                columns,
                name=_map(relation) or _named(table, columns, "fkey"),
                references=target.table,
                referenced_columns=target.columns(relation.get("references")),
                on_delete=_ACTIONS.get(delete.word if delete else "")
                or ("set null" if known.optional else "restrict"),
                on_update=_ACTIONS.get(update.word if update else "") or "cascade",
            ),
        )


def _map(arguments: dict[str, _Argument]) -> str | None:
    return arguments["map"].text if "map" in arguments else None


def _joins(
    models: dict[str, _Block], *, with_keys: bool
) -> Iterator[CreateTable | CreateIndex | AddConstraint]:
    """The tables behind implicit many-to-many relations: lists on both sides."""
    seen = set()
    for model in models.values():
        for known in model.fields:
            other = models.get(known.type)
            if other is None or not known.many or not _is_list_back(other, model, known):
                continue
            ends = sorted((model.name, other.name))
            name = "_" + (_relation_name(known) or "To".join(ends))
            if name in seen:
                continue
            seen.add(name)
            yield from _join(Name(None, name), [models[end] for end in ends], with_keys=with_keys)


def _relation_name(known: _Field) -> str | None:
    return _text(known.attributes.get("@relation", {}), "name")


def _is_list_back(other: _Block, model: _Block, known: _Field) -> bool:
    return any(
        back.many
        and back.type == model.name
        and back is not known
        and _relation_name(back) == _relation_name(known)
        for back in other.fields
    )


def _join(
    table: Name, ends: list[_Block], *, with_keys: bool
) -> Iterator[CreateTable | CreateIndex | AddConstraint]:
    columns = []
    for letter, end in zip("AB", ends, strict=True):
        key = next((f for f in end.fields if "@id" in f.attributes), None)
        type_name = _type(key, {}) if key else TypeName(None, "")
        columns.append(ColumnDefinition(letter, type_name, not_null=True))
    yield CreateTable(table=table, columns=tuple(columns))
    yield AddConstraint(
        table=table,
        constraint=Constraint("primary_key", ("A", "B"), name=f"{table.name}_AB_pkey"),
    )
    yield CreateIndex(name=f"{table.name}_B_index", table=table, keys=(IndexKey("B"),))
    for letter, end in zip("AB" if with_keys else "", ends, strict=False):
        key_columns = tuple(f.column for f in end.fields if "@id" in f.attributes)
        yield AddConstraint(
            table=table,
            constraint=Constraint(
                "foreign_key",
                (letter,),
                name=f"{table.name}_{letter}_fkey",
                references=end.table,
                referenced_columns=key_columns,
                on_delete="cascade",
                on_update="cascade",
            ),
        )


class _Parser:
    """Tokens to blocks. A field or attribute ends with its line, unless brackets are open."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.tokens: list[tuple[str, str, int]] = []
        at, line = 0, 1
        while at < len(source):
            match = _TOKEN.match(source, at)
            if match is None:
                raise InputError(f"{path}:{line}: not a Prisma schema: {source[at]!r}")
            if match.lastgroup != "skip":
                self.tokens.append((str(match.lastgroup), match.group(), line))
            line += match.group().count("\n")
            at = match.end()
        self.tokens.append(("end", "", line))
        self.at = 0

    def peek(self) -> str:
        """The next token's text; empty at the end."""
        return self.tokens[self.at][1]

    def take(self, expected: str = "") -> str:
        """The next token, which must be ``expected`` if that is said."""
        kind, text, line = self.tokens[self.at]
        if (expected and text != expected) or kind == "end":
            found = repr(text) if text.strip() else "the end of the line"
            wanted = f"{expected!r} expected, " if expected else ""
            raise InputError(f"{self.path}:{line}: not a Prisma schema: {wanted}found {found}")
        self.at += 1
        return text

    def skip_lines(self) -> None:
        """Go on to the next token that is no line break."""
        while self.peek() == "\n":
            self.at += 1

    def blocks(self) -> Iterator[_Block]:
        """Every block of the file."""
        self.skip_lines()
        while self.tokens[self.at][0] != "end":
            line = self.tokens[self.at][2]
            block = _Block(self.take(), self.take(), line)
            self.skip_lines()
            self.take("{")
            self.skip_lines()
            while self.peek() != "}":
                self.member(block)
                self.skip_lines()
            self.take("}")
            self.skip_lines()
            yield block

    def member(self, block: _Block) -> None:
        """A field, an enum's value, a setting, or an attribute of the block."""
        name = self.take()
        if name.startswith("@@"):
            block.attributes.append((name, self.arguments()))
            return
        known = _Field(name)
        block.fields.append(known)
        if self.peek() == "=":
            self.take()
            value = self.argument()
            known.type = value.text or value.word
            return
        if self.peek() != "\n" and not self.peek().startswith("@"):
            known.type = self.take()
            known.type_arguments = self.arguments()
            while self.peek() in ("[", "]", "?"):
                mark = self.take()
                known.many |= mark == "["
                known.optional |= mark == "?"
        while self.peek().startswith("@"):
            attribute = self.take()
            known.attributes[attribute] = self.arguments()

    def arguments(self) -> dict[str, _Argument]:
        """What stands in parentheses, by name; the first without one is under ""."""
        found: dict[str, _Argument] = {}
        if self.peek() != "(":
            return found
        self.take("(")
        self.skip_lines()
        unnamed = 0
        while self.peek() != ")":
            value = self.argument()
            if self.peek() == ":":
                self.take()
                self.skip_lines()
                found[value.word] = self.argument()
            else:
                found[str(unnamed) if unnamed else ""] = value
                unnamed += 1
            self.separator()
        self.take(")")
        return found

    def separator(self) -> None:
        """A comma, if there is one, and line breaks."""
        self.skip_lines()
        if self.peek() == ",":
            self.take()
            self.skip_lines()

    def argument(self) -> _Argument:
        """One value."""
        if self.peek() == "[":
            self.take()
            self.skip_lines()
            items = []
            while self.peek() != "]":
                items.append(self.argument())
                self.separator()
            self.take("]")
            return _Argument(items=items)
        kind = self.tokens[self.at][0]
        text = self.take()
        if kind == "text":
            return _Argument(text=re.sub(r"\\(.)", r"\1", text[1:-1]))
        called = self.peek() == "("
        return _Argument(word=text, arguments=self.arguments() if called else None)
