"""A NOT VALID constraint that nothing validates."""

from collections.abc import Iterator
from dataclasses import replace

from senior_backend.migrations.rules.rule import Example, Hazard, MigrationView, Rule
from senior_backend.operations.constraints import AddConstraint, Constraint

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, total bigint);"
_ADD = "ALTER TABLE orders\n  ADD CONSTRAINT orders_total_check CHECK (total >= 0) NOT VALID;"

RULE = Rule(
    id="not-valid-never-validated",
    title="A NOT VALID constraint is never validated",
    class_="hygiene",
    severity="info",
    why="""\
`NOT VALID` checks new rows only. Until `VALIDATE CONSTRAINT` has read the old ones they may violate
the constraint: an `UPDATE` of such a row, of any of its columns, fails, a dump of the database may
not restore, and PostgreSQL does not use the constraint (for planning, for `SET NOT NULL`, for
`ATTACH PARTITION`).

Add a migration with `ALTER TABLE ... VALIDATE CONSTRAINT`. It reads the table while reads and
writes go on; correct the rows that it names first.
""",
    source="ALTER TABLE, ADD table_constraint; VALIDATE CONSTRAINT",
    bad=Example(_ADD, setup=_ORDERS),
    good=(
        Example(_ADD, setup=_ORDERS),
        Example("ALTER TABLE orders VALIDATE CONSTRAINT orders_total_check;"),
    ),
    silent=(
        Example(
            f"{_ADD}\nALTER TABLE orders VALIDATE CONSTRAINT orders_total_check;",
            setup=_ORDERS,
            transaction="statement",
        ),
        Example(
            f"{_ADD}\nALTER TABLE orders DROP CONSTRAINT orders_total_check;",
            setup=_ORDERS,
            transaction="statement",
        ),
    ),
    downs=False,
)


def check_migration(view: MigrationView) -> Iterator[Hazard]:
    """What the migration adds and is still not valid after all migrations that are there."""
    for step in view.steps:
        operation = step.operation
        if not isinstance(operation, AddConstraint) or not operation.constraint.not_valid:
            continue
        table = step.catalog.table(operation.table)
        if table is None or step.is_new(operation.table):
            continue
        added = operation.constraint
        for name, known in table.constraints.items():
            if known.not_valid and added.name in (None, name) and _same(known, added):
                yield Hazard(
                    f"No migration validates {name}: rows of {operation.table} that were there "
                    "before may violate it, and PostgreSQL does not rely on it.",
                    at=step,
                )
                break


def _same(known: Constraint, added: Constraint) -> bool:
    return replace(known, name=None) == replace(added, name=None)
