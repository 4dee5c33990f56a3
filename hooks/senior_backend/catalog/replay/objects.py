"""Replay of operations on everything else, and of renames and moves of anything."""

from dataclasses import replace
from typing import Any, Literal

from senior_backend.catalog.model import Catalog, Domain, Enum, Function, Table
from senior_backend.catalog.replay import columns, indexes, names, said, tables
from senior_backend.catalog.replay.known import edit, edit_column, family, new_key
from senior_backend.operations import objects
from senior_backend.operations.names import Name, TypeName

_RELATIONS = frozenset(
    {"table", "view", "materialized view", "foreign table", "sequence", "index", "type"}
)
_VOLATILITIES = ("immutable", "stable", "volatile")


def create_view(
    catalog: Catalog,
    operation: objects.CreateView | objects.CreateMaterializedView,
    number: int,
) -> None:
    """CREATE VIEW and MATERIALIZED VIEW."""
    materialized = isinstance(operation, objects.CreateMaterializedView)
    temporary = isinstance(operation, objects.CreateView) and operation.temporary
    key = new_key(catalog, operation.name, "temporary" if temporary else "permanent")
    known = catalog.tables.get(key)
    if known is not None:
        if materialized and operation.if_not_exists:  # type: ignore[union-attr]
            return
        number = known.created_by if not materialized else number
    catalog.tables[key] = Table(
        key,
        kind="materialized view" if materialized else "view",
        persistence="temporary" if temporary else "permanent",
        reads=tuple(map(catalog.key, operation.reads)),
        columns_read=tuple(
            read._replace(of=catalog.key(read.of)) if read.of else read
            for read in operation.columns_read
        ),
        said=frozenset({said.UNFILLED} if materialized and not operation.with_data else ()),  # type: ignore[union-attr]
        created_by=number,
    )


def create_sequence(catalog: Catalog, operation: objects.CreateSequence, number: int) -> None:
    """CREATE SEQUENCE."""
    key = new_key(catalog, operation.name, "temporary" if operation.temporary else "permanent")
    if key in catalog.tables and operation.if_not_exists:
        return
    catalog.tables[key] = Table(
        key, kind="sequence", owned_by=_owner(catalog, operation), created_by=number
    )


def alter_sequence(catalog: Catalog, operation: objects.AlterSequence, number: int) -> None:
    """ALTER SEQUENCE OWNED BY."""
    key = catalog.key(operation.name)
    if "owned_by" in operation.options and key in catalog.tables:
        edit(catalog, key).owned_by = _owner(catalog, operation)


def _owner(
    catalog: Catalog, operation: objects.CreateSequence | objects.AlterSequence
) -> tuple[Name, str] | None:
    if operation.owned_by is None or operation.owned_column is None:
        return None
    return catalog.key(operation.owned_by), operation.owned_column


def create_enum(catalog: Catalog, operation: objects.CreateEnum, number: int) -> None:
    """CREATE TYPE AS ENUM."""
    key = new_key(catalog, operation.name)
    catalog.enums[key] = Enum(key, list(operation.labels), created_by=number)


def add_enum_value(catalog: Catalog, operation: objects.AddEnumValue, number: int) -> None:
    """ALTER TYPE ADD VALUE."""
    key = catalog.key(operation.type)
    known = catalog.enums.get(key) or Enum(key)
    if operation.label in known.labels:
        return
    labels = list(known.labels)
    if operation.before in labels:
        labels.insert(labels.index(operation.before), operation.label)
    elif operation.after in labels:
        labels.insert(labels.index(operation.after) + 1, operation.label)
    else:
        labels.append(operation.label)
    added = {**known.added, operation.label: number}
    catalog.enums[key] = replace(known, labels=labels, added=added)


def create_domain(catalog: Catalog, operation: objects.CreateDomain, number: int) -> None:
    """CREATE DOMAIN."""
    key = new_key(catalog, operation.name)
    domain = Domain(
        key,
        operation.type,
        operation.not_null,
        operation.default,
        created_by=number,
        collation=operation.collation,
    )
    for check in operation.checks:
        domain.checks[check.name or _check_name(domain)] = check
    catalog.domains[key] = domain


def _check_name(domain: Domain) -> str:
    name, number = names.joined(domain.name.name, None, "check"), 0
    while name in domain.checks:
        number += 1
        name = names.joined(domain.name.name, None, f"check{number}")
    return name


def alter_domain(catalog: Catalog, operation: objects.AlterDomain, number: int) -> None:
    """ALTER DOMAIN; one that was never seen is not made up."""
    key = catalog.key(operation.domain)
    known = catalog.domains.get(key)
    if known is None:
        return
    domain = replace(known, checks=dict(known.checks))
    catalog.domains[key] = domain
    action, name = operation.action, operation.name or ""
    if action == "add constraint" and operation.constraint:
        added = operation.constraint
        if added.kind == "not_null":
            domain.not_null = True
        else:
            domain.checks[added.name or _check_name(domain)] = added
    elif action == "drop constraint":
        domain.checks.pop(name, None)
    elif action == "validate constraint" and name in domain.checks:
        domain.checks[name] = replace(domain.checks[name], not_valid=False)
    elif action in ("set not null", "drop not null"):
        domain.not_null = action == "set not null"
    elif action == "drop default":
        domain.default = None


def create_function(catalog: Catalog, operation: objects.CreateFunction, number: int) -> None:
    """CREATE FUNCTION: of overloads the most volatile counts."""
    key = new_key(catalog, operation.name)
    known = catalog.functions.get(key)
    volatility = operation.volatility
    if known is not None and not operation.replace:
        volatility = max(volatility, known.volatility, key=_VOLATILITIES.index)
    created_by = known.created_by if known is not None else number
    catalog.functions[key] = Function(
        key, operation.language, volatility, created_by, operation.for_triggers
    )


def alter_function(catalog: Catalog, operation: objects.AlterFunction, number: int) -> None:
    """ALTER FUNCTION ... IMMUTABLE, STABLE, VOLATILE."""
    key = catalog.key(operation.name)
    if operation.volatility and key in catalog.functions:
        catalog.functions[key] = replace(catalog.functions[key], volatility=operation.volatility)


def create_schema(catalog: Catalog, operation: objects.CreateSchema, number: int) -> None:
    """CREATE SCHEMA."""
    catalog.schemas.setdefault(operation.name, number)


def create_extension(catalog: Catalog, operation: objects.CreateExtension, number: int) -> None:
    """CREATE EXTENSION."""
    catalog.extensions.add(operation.name)


def create_trigger(catalog: Catalog, operation: objects.CreateTrigger, number: int) -> None:
    """CREATE TRIGGER, on the partitions too."""
    for table in family(catalog, operation.table):
        table.triggers[operation.name] = catalog.key(operation.function)
        if operation.names_columns:
            table.said |= {"a trigger that names columns"}


def create_policy(catalog: Catalog, operation: objects.CreatePolicy, number: int) -> None:
    """CREATE POLICY."""
    edit(catalog, operation.table).policies.add(operation.name)


def drop_from_table(catalog: Catalog, operation: objects.DropFromTable, number: int) -> None:
    """DROP TRIGGER and DROP POLICY."""
    if catalog.table(operation.table) is None:
        return
    if operation.kind == "trigger":
        for table in family(catalog, operation.table):
            table.triggers.pop(operation.name, None)
    elif operation.kind == "policy":
        edit(catalog, operation.table).policies.discard(operation.name)


def drop(catalog: Catalog, operation: objects.Drop, number: int) -> None:
    """DROP of anything else."""
    kind = operation.kind
    if kind in _RELATIONS and kind != "type":
        key = catalog.key(operation.name)
        if key in catalog.tables:
            tables.drop(catalog, key)
            if operation.cascade:
                tables.drop_views(catalog, key)
    elif kind in ("type", "domain"):
        _drop_type(catalog, catalog.key(operation.name), cascade=operation.cascade)
    elif kind in ("function", "procedure", "routine", "aggregate"):
        key = catalog.key(operation.name)
        catalog.functions.pop(key, None)
        for table in catalog.fired_by(key) if operation.cascade else ():
            own = edit(catalog, table.name)
            own.triggers = {name: of for name, of in own.triggers.items() if of != key}
    elif kind == "extension":
        catalog.extensions.discard(operation.name.name)
    elif kind == "schema":
        _drop_schema(catalog, operation.name.name)


def _drop_type(catalog: Catalog, key: Name, *, cascade: bool) -> None:
    catalog.enums.pop(key, None)
    catalog.domains.pop(key, None)
    if cascade:
        for table, column in catalog.users_of_domain(key):
            edit(catalog, table.name).columns.pop(column, None)


def _drop_schema(catalog: Catalog, schema: str) -> None:
    catalog.schemas.pop(schema, None)
    for key in [key for key in catalog.tables if key.schema == schema]:
        tables.drop(catalog, key)
        tables.drop_views(catalog, key)
    everything: tuple[dict[Name, Any], ...] = (
        catalog.domains,
        catalog.enums,
        catalog.functions,
    )
    for known in everything:
        for key in [key for key in known if key.schema == schema]:
            del known[key]


def rename(catalog: Catalog, operation: objects.Rename, number: int) -> None:
    """RENAME of anything."""
    kind, key, new = operation.kind, catalog.key(operation.of), operation.new
    if kind == "column":
        columns.rename_column(catalog, key, operation.old, new)
    elif kind == "constraint":
        _rename_constraint(catalog, key, operation.old, new)
    elif kind in _RELATIONS and (key in catalog.tables or key in catalog.indexes):
        _move_relation(catalog, key, Name(key.schema, new))
    elif kind in ("type", "domain"):
        _move_type(catalog, key, Name(key.schema, new))
    elif kind == "enum value" and key in catalog.enums:
        known = catalog.enums[key]
        labels = [new if label == operation.old else label for label in known.labels]
        catalog.enums[key] = replace(known, labels=labels)
    elif kind in ("function", "procedure", "routine") and key in catalog.functions:
        _move_function(catalog, key, Name(key.schema, new))
    elif kind == "schema":
        _rename_schema(catalog, operation.of.name, new)
    elif kind in ("trigger", "policy"):
        _rename_part(catalog, key, kind, operation.old, new)  # type: ignore[arg-type]
    elif kind == "domain constraint" and key in catalog.domains:
        domain = catalog.domains[key]
        checks = {new if n == operation.old else n: c for n, c in domain.checks.items()}
        catalog.domains[key] = replace(domain, checks=checks)


def _rename_constraint(catalog: Catalog, key: Name, old: str, new: str) -> None:
    for table in family(catalog, key):
        if old not in table.constraints:
            continue
        table.constraints = {
            new if name == old else name: c for name, c in table.constraints.items()
        }
        for index in catalog.indexes_of(table.name):
            if index.constraint == old:
                catalog.indexes[index.name] = replace(index, constraint=new)
                indexes.move(catalog, index.name, Name(index.name.schema, new))


def _move_relation(catalog: Catalog, old: Name, new: Name) -> None:
    if old in catalog.tables:
        tables.move(catalog, old, new)
        return
    index = catalog.indexes[old]
    if index.constraint:
        table = edit(catalog, index.table)
        table.constraints = {
            new.name if name == index.constraint else name: c
            for name, c in table.constraints.items()
        }
        catalog.indexes[old] = replace(index, constraint=new.name)
    indexes.move(catalog, old, new)


def _move_type(catalog: Catalog, old: Name, new: Name) -> None:
    if old in catalog.enums:
        catalog.enums[new] = replace(catalog.enums.pop(old), name=new)
    if old in catalog.domains:
        catalog.domains[new] = replace(catalog.domains.pop(old), name=new)
    for table, column in catalog.users_of_domain(old):
        known = table.columns[column].type
        schema = new.schema if known.schema or old.schema != new.schema else None
        moved = TypeName(schema, new.name, known.modifiers, known.array)
        edit_column(edit(catalog, table.name), column, type=moved)


def _move_function(catalog: Catalog, old: Name, new: Name) -> None:
    catalog.functions[new] = replace(catalog.functions.pop(old), name=new)
    for table in catalog.fired_by(old):
        own = edit(catalog, table.name)
        own.triggers = {name: new if of == old else of for name, of in own.triggers.items()}


def _rename_part(
    catalog: Catalog, key: Name, kind: Literal["trigger", "policy"], old: str, new: str
) -> None:
    if key not in catalog.tables:
        return
    for table in family(catalog, key):
        if kind == "trigger" and old in table.triggers:
            table.triggers[new] = table.triggers.pop(old)
        elif kind == "policy" and old in table.policies:
            table.policies.discard(old)
            table.policies.add(new)


def _rename_schema(catalog: Catalog, old: str, new: str) -> None:
    if old in catalog.schemas:
        catalog.schemas[new] = catalog.schemas.pop(old)
    for key in [key for key in catalog.tables if key.schema == old]:
        if key in catalog.tables:
            tables.move(catalog, key, Name(new, key.name))
    for key in [*catalog.enums, *catalog.domains]:
        if key.schema == old:
            _move_type(catalog, key, Name(new, key.name))
    for key in [key for key in catalog.functions if key.schema == old]:
        _move_function(catalog, key, Name(new, key.name))


def set_schema(catalog: Catalog, operation: objects.SetSchema, number: int) -> None:
    """SET SCHEMA of anything."""
    old = catalog.key(operation.name)
    new = Name(operation.schema, old.name)
    if operation.kind in ("type", "domain"):
        _move_type(catalog, old, new)
    elif operation.kind in ("function", "procedure", "routine"):
        if old in catalog.functions:
            _move_function(catalog, old, new)
    elif operation.kind in _RELATIONS:
        tables.move(catalog, old, new)
