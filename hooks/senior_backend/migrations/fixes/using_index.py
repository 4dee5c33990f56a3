"""Unique and primary keys on an index that was built CONCURRENTLY before."""

from dataclasses import replace
from typing import Final

from senior_backend.catalog.replay import names
from senior_backend.migrations.fixes import set_not_null
from senior_backend.migrations.fixes.remedy import Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.columns import AddColumn
from senior_backend.operations.constraints import AddConstraint, Constraint
from senior_backend.operations.names import Name
from senior_backend.sql.identifiers import quote_identifier

RULES: Final = (
    "unique-without-index",
    "primary-key-without-index",
    "add-column-inline-unique",
    "primary-key-using-index-nullable",
)

_LABELS: Final = {"unique": "key", "primary_key": "pkey"}
_WORDS: Final = {"unique": "UNIQUE", "primary_key": "PRIMARY KEY"}


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """First the index, concurrently; then the constraint takes it over in an instant."""
    if not step.alone_in_statement:
        return None
    operation = step.operation
    if isinstance(operation, AddConstraint):
        constraint = operation.constraint
        if constraint.using_index:
            return _adopted(step, operation)
        if constraint.kind not in _WORDS:
            return None
        return _constraint(step, operation.table, constraint, ())
    if isinstance(operation, AddColumn):
        return _column(step, operation)
    return None


def _adopted(step: Step, operation: AddConstraint) -> Remedy | None:
    """The columns of the index are made NOT NULL first, without a scan under the lock."""
    table, constraint = operation.table, operation.constraint
    schema = step.catalog.key(table).schema
    index = step.catalog.index(Name(schema, constraint.using_index or ""))
    if index is None:
        return None
    columns = tuple(key.column for key in index.keys if key.column is not None)
    name = constraint.name or index.name.name
    down = recipes.drop_constraint(table, name)
    phases = _made_not_null(step, table, columns)
    return Remedy(
        phases=(*phases, Phase(f"add_{name}", (step.statement.sql,), (down,))),
        safe=True,
        rollback=(down,),
    )


def _made_not_null(step: Step, table: Name, columns: tuple[str, ...]) -> tuple[Phase, ...]:
    phases: tuple[Phase, ...] = ()
    for name in columns:
        column = step.catalog.column(table, name)
        if column is not None and not column.definition.not_null:
            phases += set_not_null.phases(step, table, name)
    return phases


def _column(step: Step, operation: AddColumn) -> Remedy | None:
    definition = operation.definition
    keys = [c for c in definition.constraints if c.kind in _WORDS]
    others = [c for c in definition.constraints if c.kind not in _WORDS]
    if len(keys) != 1 or others or definition.serial or definition.identity or definition.generated:
        return None
    if definition.abridged:
        return None
    key = replace(keys[0], columns=keys[0].columns or (definition.name,))
    added = recipes.alter(operation.table, f"ADD COLUMN {recipes.column(definition)}")
    taken_back = recipes.alter(operation.table, f"DROP COLUMN {quote_identifier(definition.name)}")
    first = Phase(f"add_{definition.name}", (added,), (taken_back,))
    return _constraint(step, operation.table, key, (first,))


def _constraint(
    step: Step, table: Name, constraint: Constraint, before: tuple[Phase, ...]
) -> Remedy | None:
    known = step.catalog.table(table)
    if known is not None and known.partition_by is not None:
        return None  # USING INDEX is refused on partitioned tables
    if constraint.nulls_not_distinct or constraint.abridged:
        return None
    name = constraint.name or default_name(step, table, constraint)
    index = recipes.beside(table, name)
    create = recipes.unique_index_concurrently(name, table, constraint.columns, constraint.include)
    deferrable = " DEFERRABLE" if constraint.deferrable else ""
    deferrable += " INITIALLY DEFERRED" if constraint.initially_deferred else ""
    quoted = quote_identifier(name)
    add = recipes.alter(
        table,
        f"ADD CONSTRAINT {quoted} {_WORDS[constraint.kind]} USING INDEX {quoted}{deferrable}",
    )
    drop_index = recipes.drop_index_concurrently(index, if_exists=True)
    primary = constraint.kind == "primary_key"
    known_columns = all(step.catalog.column(table, c) is not None for c in constraint.columns)
    phases = (
        *before,
        *(_made_not_null(step, table, constraint.columns) if primary else ()),
        Phase(
            f"create_{name}",
            (create,),
            (drop_index,),
            transactional=False,
            cleanup=(drop_index,),
        ),
        Phase(f"add_{name}", (add,), (recipes.drop_constraint(table, name),)),
    )
    unsure = primary and not known_columns
    reason = (
        "a primary key makes its columns NOT NULL, which reads the whole table: "
        "prove it first with a validated CHECK (column IS NOT NULL)"
    )
    return Remedy(
        phases=phases,
        safe=not unsure,
        reason=reason if unsure else "",
        rollback=(recipes.drop_constraint(table, name),),
    )


def default_name(step: Step, table: Name, constraint: Constraint) -> str:
    """The name that PostgreSQL gives a key."""
    label = _LABELS[constraint.kind]
    second = (
        None
        if constraint.kind == "primary_key"
        else names.key_names([*constraint.columns, *constraint.include])
    )
    return names.relation(step.catalog, step.catalog.key(table), second, label, constraint=True)
