"""Operations of ``alembic.op`` as the statements that Alembic makes of them on PostgreSQL."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from senior_backend.sources.alembic.columns import (
    Arguments,
    Column,
    calls,
    column,
    default_sql,
    deferral,
    foreign_key,
    identifier,
    literal,
    names,
    qualified,
    type_sql,
)
from senior_backend.sources.alembic.values import Scope, UncertainError, last_name, resolved, value

Statement = list[tuple[str, int]]
"""The lines of one statement, each with the line of the file that it comes from."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The table of ``op.batch_alter_table``: its operations leave the table out."""

    table: str
    schema: str | None


@dataclass(slots=True)
class Made:
    """Statements of one operation, and places in it that are not known."""

    statements: list[Statement]
    unknown: list[tuple[int, str]]

    def one(self, sql: str, line: int) -> None:
        """Add a statement of one line."""
        self.statements.append([(sql, line)])


def statements(name: str, call: ast.Call, scope: Scope, batch: Batch | None = None) -> Made:
    """The statements of ``op.NAME(...)``.

    Raises:
        UncertainError: what it does is not certain.
    """
    make = _OPERATIONS.get(name)
    if make is None:
        raise UncertainError(call, f"op.{name} is not read")
    made = Made([], [])
    make(made, call, scope, batch)
    return made


def is_known(name: str) -> bool:
    """Whether ``op.NAME`` is an operation that is read."""
    return name in _OPERATIONS


def _arguments(
    call: ast.Call, scope: Scope, batch: Batch | None, parameters: str
) -> tuple[Arguments, str]:
    """Arguments by name, and the table; ``table`` among the parameters is the batch's."""
    listed = tuple(parameters.split())
    if batch is not None:
        listed = tuple(name for name in listed if name != "table")
    arguments = Arguments(call, scope, listed)
    if batch is not None:
        return arguments, qualified(batch.schema, batch.table)
    table = arguments.text_or_none("table") or arguments.text_or_none("table_name")
    if table is None:
        table = arguments.text_or_none("source_table") or ""
    schema = arguments.text_or_none("schema") or arguments.text_or_none("source_schema")
    return arguments, qualified(schema, table) if table else ""


def _create_table(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    arguments, table = _arguments(call, scope, None, "table")
    columns: list[Column] = []
    constraints: list[tuple[str, int]] = []
    indexes: list[tuple[str, int]] = []
    keys: list[str] = []
    for name, part in calls(arguments.rest, scope):
        if name == "Column":
            columns.append(column(part, scope))
        elif name == "PrimaryKeyConstraint":
            keys += [str(value(node, scope)) for node in Arguments(part, scope).rest]
            constraints.append((_constraint(name, part, scope), part.lineno))
        elif name == "Index":
            indexes.append((_index_beside(table, part, scope), part.lineno))
        else:
            constraints.append((_constraint(name, part, scope), part.lineno))
    own_keys = [one.name for one in columns if one.primary_key]
    if own_keys and not keys:
        keys = own_keys
        constraints.insert(0, (f"PRIMARY KEY ({names(keys)})", call.lineno))
    lines: list[tuple[str, int]] = []
    for one in columns:
        _note_type(made, one)
        for enum in one.enums:
            made.one(enum, one.line)
        one.primary_key = one.primary_key or one.name in keys
        serial = (
            keys == [one.name] and one.may_count and one.default is None and one.generated is None
        )
        lines.append((f"    {one.sql(serial=serial)}", one.line))
        if one.unique and not one.index:
            constraints.append((f"UNIQUE ({identifier(one.name)})", one.line))
        constraints += [(reference, one.line) for reference in one.references]
    lines += [(f"    {sql}", line) for sql, line in constraints]
    exists = "IF NOT EXISTS " if arguments.flag("if_not_exists") else ""
    partition = arguments.text_or_none("postgresql_partition_by")
    prefixes = "".join(f"{prefix} " for prefix in arguments.texts("prefixes"))
    head = (f"CREATE {prefixes}TABLE {exists}{table} (", call.lineno)
    body = [(f"{sql},", line) for sql, line in lines[:-1]]
    tail = (")" + (f" PARTITION BY {partition}" if partition else ""), call.lineno)
    made.statements.append([head, *body, *lines[-1:], tail])
    for one in columns:
        _index_of(made, one, table, arguments.text("table"))
    for sql, line in indexes:
        made.one(sql, line)
    for one in columns:
        _comment_of(made, one, table)
    if comment := arguments.text_or_none("comment"):
        made.one(f"COMMENT ON TABLE {table} IS {literal(comment)}", call.lineno)


def _note_type(made: Made, one: Column) -> None:
    if one.unknown_type:
        reason = f"what the type {one.unknown_type} is in PostgreSQL is not known"
        made.unknown.append((one.line, reason))


def _index_of(made: Made, one: Column, table: str, bare: str) -> None:
    """The index that a column brings along."""
    if one.index:
        unique = "UNIQUE " if one.unique else ""
        name = identifier(f"ix_{bare}_{one.name}")
        made.one(f"CREATE {unique}INDEX {name} ON {table} ({identifier(one.name)})", one.line)


def _comment_of(made: Made, one: Column, table: str) -> None:
    if one.comment:
        made.one(
            f"COMMENT ON COLUMN {table}.{identifier(one.name)} IS {literal(one.comment)}", one.line
        )


def _constraint(name: str, call: ast.Call, scope: Scope) -> str:
    """A constraint among the arguments of ``create_table``."""
    if name == "ForeignKeyConstraint":
        arguments = Arguments(call, scope, ("columns", "refcolumns", "name"))
        remote = [target.split(".") for target in arguments.texts("refcolumns")]
        if not remote or any(len(parts) < 2 for parts in remote):
            raise UncertainError(call, "the table of a ForeignKeyConstraint is not named")
        table = ".".join(identifier(part) for part in remote[0][:-1])
        columns = [parts[-1] for parts in remote]
        return foreign_key(arguments, arguments.texts("columns"), table, columns)
    if name == "CheckConstraint":
        arguments = Arguments(call, scope, ("sqltext", "name"))
        sql = f"CHECK ({arguments.text('sqltext')})"
    elif name in ("PrimaryKeyConstraint", "UniqueConstraint"):
        arguments = Arguments(call, scope)
        columns = [str(value(node, scope)) for node in arguments.rest]
        kind = "PRIMARY KEY" if name == "PrimaryKeyConstraint" else "UNIQUE"
        sql = f"{kind} ({names(columns)}){deferral(arguments)}"
    else:
        raise UncertainError(call, f"{name} is not read")
    given = arguments.text_or_none("name")
    return f"CONSTRAINT {identifier(given)} {sql}" if given else sql


def _drop_table(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    arguments, table = _arguments(call, scope, None, "table")
    made.one(f"DROP TABLE {_if_exists(arguments)}{table}", call.lineno)


def _if_exists(arguments: Arguments) -> str:
    return "IF EXISTS " if arguments.flag("if_exists") else ""


def _rename_table(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    arguments, _ = _arguments(call, scope, None, "old_table_name new_table_name")
    old = qualified(arguments.text_or_none("schema"), arguments.text("old_table_name"))
    made.one(
        f"ALTER TABLE {old} RENAME TO {identifier(arguments.text('new_table_name'))}", call.lineno
    )


def _add_column(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    arguments, table = _arguments(call, scope, batch, "table column")
    node = arguments.expression("column")
    if not isinstance(node, ast.Call) or last_name(node.func) != "Column":
        raise UncertainError(call, "the column comes from a value")
    one = column(node, scope)
    _note_type(made, one)
    exists = "IF NOT EXISTS " if arguments.flag("if_not_exists") else ""
    made.one(f"ALTER TABLE {table} ADD COLUMN {exists}{one.sql()}", one.line)
    if one.unique and not one.index:
        made.one(f"ALTER TABLE {table} ADD UNIQUE ({identifier(one.name)})", one.line)
    for reference in one.references:
        made.one(f"ALTER TABLE {table} ADD {reference}", one.line)
    bare = batch.table if batch else arguments.text_or_none("table") or arguments.text("table_name")
    _index_of(made, one, table, bare)
    _comment_of(made, one, table)


def _drop_column(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    arguments, table = _arguments(call, scope, batch, "table column_name")
    name = identifier(arguments.text("column_name"))
    made.one(f"ALTER TABLE {table} DROP COLUMN {_if_exists(arguments)}{name}", call.lineno)


def _alter_column(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    """In Alembic's order: type, NOT NULL, default, comment, name; a statement each."""
    arguments, table = _arguments(call, scope, batch, "table column_name")
    name = arguments.text("column_name")
    alter = f"ALTER TABLE {table} ALTER COLUMN {identifier(name)}"
    kind = arguments.expression("type_")
    if kind is not None:
        unknown = Column(name, "", call.lineno)
        sql = f"{alter} TYPE {type_sql(kind, scope, unknown)}"
        _note_type(made, unknown)
        using = arguments.text_or_none("postgresql_using")
        made.one(sql + (f" USING {using}" if using else ""), call.lineno)
    if arguments.expression("nullable") is not None:
        way = "DROP" if arguments.flag("nullable") else "SET"
        made.one(f"{alter} {way} NOT NULL", call.lineno)
    if "server_default" in arguments:
        default = arguments.expression("server_default")
        if default is None:
            made.one(f"{alter} DROP DEFAULT", call.lineno)
        elif not (isinstance(default, ast.Constant) and default.value is False):
            if isinstance(default, ast.Call) and last_name(default.func) in (
                "Identity",
                "Computed",
            ):
                raise UncertainError(default, "a change of identity or of a generated column")
            made.one(f"{alter} SET DEFAULT {default_sql(default, scope)}", call.lineno)
    if "comment" in arguments:
        comment = arguments.text_or_none("comment")
        place = f"{table}.{identifier(name)}"
        said = literal(comment) if comment is not None else "NULL"
        made.one(f"COMMENT ON COLUMN {place} IS {said}", call.lineno)
    if new := arguments.text_or_none("new_column_name"):
        made.one(f"ALTER TABLE {table} RENAME {identifier(name)} TO {identifier(new)}", call.lineno)


def _create_index(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    arguments, table = _arguments(call, scope, batch, "index_name table columns")
    name = arguments.text_or_none("index_name")
    columns = arguments.expression("columns")
    if not isinstance(columns, ast.List | ast.Tuple):
        raise UncertainError(call, "the columns of the index come from a value")
    made.one(_index(name, table, columns.elts, arguments, scope), call.lineno)


def _index_beside(table: str, call: ast.Call, scope: Scope) -> str:
    arguments = Arguments(call, scope, ("index_name",))
    return _index(arguments.text_or_none("index_name"), table, arguments.rest, arguments, scope)


def _index(
    name: str | None, table: str, columns: list[ast.expr], arguments: Arguments, scope: Scope
) -> str:
    operators = arguments.expression("postgresql_ops")
    classes = value(operators, scope) if operators is not None else {}
    parts: list[str] = []
    for node in columns:
        found = resolved(node, scope)
        raw = isinstance(found, ast.Call) and last_name(found.func) in ("text", "literal_column")
        text = value(found, scope)
        part = str(text) if raw else identifier(str(text))
        operator = classes.get(text) if isinstance(classes, dict) else None
        parts.append(f"{part} {operator}" if operator else part)
    sql = "CREATE UNIQUE INDEX " if arguments.flag("unique") else "CREATE INDEX "
    sql += "CONCURRENTLY " if arguments.flag("postgresql_concurrently") else ""
    sql += "IF NOT EXISTS " if arguments.flag("if_not_exists") else ""
    sql += f"{identifier(name)} " if name else ""
    sql += f"ON {table} "
    if using := arguments.text_or_none("postgresql_using"):
        sql += f"USING {using} "
    sql += f"({', '.join(parts)})"
    if include := arguments.texts("postgresql_include"):
        sql += f" INCLUDE ({names(include)})"
    if arguments.flag("postgresql_nulls_not_distinct"):
        sql += " NULLS NOT DISTINCT"
    options = arguments.expression("postgresql_with")
    if options is not None:
        given = value(options, scope)
        if isinstance(given, dict):
            sql += f" WITH ({', '.join(f'{key} = {item}' for key, item in given.items())})"
    if where := arguments.text_or_none("postgresql_where"):
        sql += f" WHERE {where}"
    return sql


def _drop_index(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    arguments, _ = _arguments(call, scope, batch, "index_name table")
    schema = batch.schema if batch else arguments.text_or_none("schema")
    quick = "CONCURRENTLY " if arguments.flag("postgresql_concurrently") else ""
    name = qualified(schema, arguments.text("index_name"))
    made.one(f"DROP INDEX {quick}{_if_exists(arguments)}{name}", call.lineno)


def _add(made: Made, call: ast.Call, table: str, name: str | None, sql: str) -> None:
    constraint = f"CONSTRAINT {identifier(name)} " if name else ""
    made.one(f"ALTER TABLE {table} ADD {constraint}{sql}", call.lineno)


def _create_foreign_key(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    arguments, table = _arguments(
        call, scope, batch, "constraint_name table referent_table local_cols remote_cols"
    )
    referent = qualified(
        arguments.text_or_none("referent_schema"), arguments.text("referent_table")
    )
    own, remote = arguments.texts("local_cols"), arguments.texts("remote_cols")
    name = arguments.text_or_none("constraint_name")
    made.one(
        f"ALTER TABLE {table} ADD {foreign_key(arguments, own, referent, remote, name)}",
        call.lineno,
    )


def _create_unique(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    arguments, table = _arguments(call, scope, batch, "constraint_name table columns")
    sql = f"UNIQUE ({names(arguments.texts('columns'))}){deferral(arguments)}"
    _add(made, call, table, arguments.text_or_none("constraint_name"), sql)


def _create_primary_key(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    arguments, table = _arguments(call, scope, batch, "constraint_name table columns")
    sql = f"PRIMARY KEY ({names(arguments.texts('columns'))})"
    _add(made, call, table, arguments.text_or_none("constraint_name"), sql)


def _create_check(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    arguments, table = _arguments(call, scope, batch, "constraint_name table condition")
    sql = f"CHECK ({arguments.text('condition')})"
    sql += " NOT VALID" if arguments.flag("postgresql_not_valid") else ""
    _add(made, call, table, arguments.text_or_none("constraint_name"), sql)


def _drop_constraint(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    arguments, table = _arguments(call, scope, batch, "constraint_name table type_")
    if arguments.text_or_none("constraint_name") is None:
        raise UncertainError(call, "the constraint's name comes from the models' naming convention")
    name = identifier(arguments.text("constraint_name"))
    made.one(f"ALTER TABLE {table} DROP CONSTRAINT {_if_exists(arguments)}{name}", call.lineno)


def _table_comment(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    arguments, table = _arguments(call, scope, batch, "table comment")
    comment = arguments.text_or_none("comment")
    said = literal(comment) if comment is not None else "NULL"
    made.one(f"COMMENT ON TABLE {table} IS {said}", call.lineno)


def _drop_table_comment(made: Made, call: ast.Call, scope: Scope, batch: Batch | None) -> None:
    _, table = _arguments(call, scope, batch, "table")
    made.one(f"COMMENT ON TABLE {table} IS NULL", call.lineno)


_OPERATIONS: Final[dict[str, Callable[[Made, ast.Call, Scope, Batch | None], None]]] = {
    "create_table": _create_table,
    "drop_table": _drop_table,
    "rename_table": _rename_table,
    "add_column": _add_column,
    "drop_column": _drop_column,
    "alter_column": _alter_column,
    "create_index": _create_index,
    "drop_index": _drop_index,
    "create_foreign_key": _create_foreign_key,
    "create_unique_constraint": _create_unique,
    "create_primary_key": _create_primary_key,
    "create_check_constraint": _create_check,
    "drop_constraint": _drop_constraint,
    "create_table_comment": _table_comment,
    "drop_table_comment": _drop_table_comment,
}
