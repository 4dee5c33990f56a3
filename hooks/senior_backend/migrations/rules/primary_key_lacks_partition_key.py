"""A unique constraint of a partitioned table must contain the partition key."""

from collections.abc import Iterator, Sequence

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn
from senior_backend.operations.constraints import AddConstraint, Constraint
from senior_backend.operations.indexes import CreateIndex
from senior_backend.operations.names import Name
from senior_backend.operations.tables import CreateTable, PartitionKey

RULE = Rule(
    id="primary-key-lacks-partition-key",
    title="A primary key or unique index of a partitioned table must contain the partition key",
    class_="gate",
    severity="error",
    why="""
Each partition has its own index, so PostgreSQL can only see that a value is unique within one
partition. It therefore refuses a primary key, unique constraint or unique index of a partitioned
table that lacks a column of the partition key, or when the key has an expression: the migration
fails.

Add the columns of the partition key to the constraint. If the other columns must be unique on
their own, keep them in a table that is not partitioned.
""",
    source="5.12.2.3 Limitations (declarative partitioning)",
    bad=Example(
        sql="""
CREATE TABLE events (id bigint PRIMARY KEY, at date NOT NULL) PARTITION BY RANGE (at);
""",
        proof=("error: must include all partitioning columns",),
    ),
    good=(
        Example(
            sql="""
CREATE TABLE events (id bigint, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
""",
        ),
    ),
    operations=(CreateTable, AddConstraint, CreateIndex, AddColumn),
    silent=(
        Example("CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);"),
        Example(
            "ALTER TABLE events_2026 ADD PRIMARY KEY (id);",
            setup="""
CREATE TABLE events (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
""",
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """What PostgreSQL refuses, with what is missing."""
    operation = step.operation
    if isinstance(operation, CreateTable):
        if operation.partition_by is not None:
            yield from _lacking(operation.table, operation.partition_by, _constraints(operation))
        return
    if not isinstance(operation, AddConstraint | CreateIndex | AddColumn):
        return
    known = step.catalog.table(operation.table)
    if known is None or known.partition_by is None:
        return
    if isinstance(operation, AddConstraint):
        given = [(operation.constraint.kind, operation.constraint.columns)]
        if operation.constraint.using_index is not None:
            return
    elif isinstance(operation, CreateIndex):
        columns = tuple(key.column or "" for key in operation.keys)
        given = [("unique", columns)] if operation.unique else []
    else:
        given = [(c.kind, (operation.column,)) for c in operation.definition.constraints]
    yield from _lacking(operation.table, known.partition_by, given)


def _constraints(create: CreateTable) -> list[tuple[str, tuple[str, ...]]]:
    inline = [
        (constraint.kind, (column.name,))
        for column in create.columns
        for constraint in column.constraints
    ]
    return inline + [_of(constraint) for constraint in create.constraints]


def _of(constraint: Constraint) -> tuple[str, tuple[str, ...]]:
    return constraint.kind, constraint.columns


def _lacking(
    table: Name, key: PartitionKey, constraints: Sequence[tuple[str, tuple[str, ...]]]
) -> Iterator[Hazard]:
    for kind, columns in constraints:
        missing = [column for column in key.columns if column not in columns]
        if kind in ("primary_key", "unique") and missing:
            what = "a primary key" if kind == "primary_key" else "a unique index"
            yield Hazard(
                f"Fails: {what} of the partitioned table {table} must contain its whole partition "
                f"key, and {', '.join(missing)} is missing."
            )
            return
