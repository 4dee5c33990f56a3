"""A foreign key whose columns no index begins with."""

from collections.abc import Iterator

from senior_backend.catalog.checks import supports
from senior_backend.catalog.model import Catalog, Table
from senior_backend.migrations.rules.rule import Example, Hazard, MigrationView, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.declared import foreign_keys

_SCHEMA = """
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint);
"""

RULE = Rule(
    id="fk-without-index",
    title="No index begins with the columns of a foreign key",
    class_="hygiene",
    severity="warning",
    why="""\
PostgreSQL makes no index for a foreign key. Whenever a row of the referenced table is deleted, or
its key changes, it looks for rows that still refer to it: without an index that is a scan of the
whole referencing table, one for each deleted row. A harmless `DELETE` of some customers then runs
for hours while it holds its row locks. Joins from the referenced side and `ON DELETE CASCADE`
suffer in the same way.

Create an index that begins with the foreign key's columns (in any order among themselves), on an
existing table with `CONCURRENTLY`, before the constraint. A primary key or unique constraint that
begins with them will do. An index in a later migration counts.
""",
    source="Constraints, Foreign Keys",
    bad=Example(
        setup=_SCHEMA,
        sql="""\
ALTER TABLE orders
  ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
  NOT VALID;
""",
    ),
    good=(
        Example(
            "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);",
            setup=_SCHEMA,
            transaction="statement",
        ),
        Example("""\
ALTER TABLE orders
  ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
  NOT VALID;
"""),
    ),
    silent=(
        Example(
            """\
CREATE TABLE notes (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id));
CREATE INDEX notes_customer_id_idx ON notes (customer_id, id);
""",
            setup=_SCHEMA,
        ),
        Example(
            """\
CREATE TABLE favourites (
  customer_id bigint REFERENCES customers (id), item text, PRIMARY KEY (customer_id, item)
);
""",
            setup=_SCHEMA,
        ),
        Example(
            """\
CREATE TABLE notes (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id));
CREATE INDEX notes_customer_id_idx ON notes (customer_id) WHERE customer_id IS NOT NULL;
""",
            setup=_SCHEMA,
        ),
    ),
    downs=False,
)


def check_migration(view: MigrationView) -> Iterator[Hazard]:
    """The foreign keys of the migration that are still there, unindexed, in the end."""
    for step in view.steps:
        for name, constraint, references in foreign_keys(step.operation):
            table = step.catalog.table(name)
            if table is None or not _still_there(table, constraint):
                continue
            if not _all_indexes_known(table, constraint, step) or _indexed(
                step.catalog, table, constraint.columns
            ):
                continue
            yield Hazard(
                f"No index of {step.label(table.name)} begins with "
                f"{', '.join(constraint.columns)}: deleting from {references}, or changing its "
                f"key, reads all of {step.label(table.name)} for every row.",
                at=step,
            )


def _still_there(table: Table, constraint: Constraint) -> bool:
    return any(
        known.kind == "foreign_key" and known.columns == constraint.columns
        for known in table.constraints.values()
    )


def _all_indexes_known(table: Table, constraint: Constraint, step: Step) -> bool:
    """Whether no index can be there from before the first migration."""
    if table.complete:
        return True
    columns = [table.columns.get(column) for column in constraint.columns]
    return any(column is not None and column.created_by >= step.number for column in columns)


def _indexed(catalog: Catalog, table: Table, columns: tuple[str, ...]) -> bool:
    if any(supports(index, columns) for index in catalog.indexes_of(table.name)):
        return True
    parent = catalog.table(table.partition_of) if table.partition_of else None
    return parent is not None and _indexed(catalog, parent, columns)
