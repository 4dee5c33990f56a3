"""SET NOT NULL without a proof that no row holds NULL."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import certainty, graded, work
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import SetNotNull
from senior_backend.operations.constraints import AddConstraint, ValidateConstraint
from senior_backend.operations.names import Name

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, paid boolean, note text);"

RULE = Rule(
    id="set-not-null-scan",
    title="SET NOT NULL reads the whole table under an exclusive lock",
    class_="gate",
    severity="error",
    why="""\
PostgreSQL has to know that no row holds NULL, and reads every row to see it while it holds
`ACCESS EXCLUSIVE`: nobody reads or writes the table meanwhile. One NULL makes it fail, and code
that still writes NULL fails from then on.

It does not look when a **validated** `CHECK (column IS NOT NULL)` on that very column proves it.
So add the check `NOT VALID`, validate it in a migration of its own (reads and writes go on), then
`SET NOT NULL`, which takes an instant, and drop the check. PostgreSQL 18 knows
`ADD CONSTRAINT ... NOT NULL column NOT VALID` with `VALIDATE CONSTRAINT`, which does the same
without the detour.""",
    source="ALTER TABLE, SET/DROP NOT NULL",
    bad=Example(
        "ALTER TABLE orders ALTER COLUMN paid SET NOT NULL;",
        setup=_ORDERS,
        proof=("orders ACCESS EXCLUSIVE", "orders scan"),
    ),
    good=(
        Example(
            "ALTER TABLE orders\n"
            "  ADD CONSTRAINT orders_paid_not_null CHECK (paid IS NOT NULL) NOT VALID;",
            setup=_ORDERS,
        ),
        Example("ALTER TABLE orders VALIDATE CONSTRAINT orders_paid_not_null;"),
        Example(
            "ALTER TABLE orders ALTER COLUMN paid SET NOT NULL;\n"
            "ALTER TABLE orders DROP CONSTRAINT orders_paid_not_null;"
        ),
    ),
    operations=(SetNotNull, AddConstraint),
    silent=(
        Example("ALTER TABLE orders ALTER COLUMN id SET NOT NULL;", setup=_ORDERS),
        Example(
            "CREATE TABLE lines (id bigint, note text);\n"
            "ALTER TABLE lines ALTER COLUMN note SET NOT NULL;"
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """SET NOT NULL, or ADD CONSTRAINT ... NOT NULL, that has to look at the rows."""
    operation = step.operation
    if isinstance(operation, SetNotNull):
        columns: tuple[str, ...] = (operation.column,)
    elif isinstance(operation, AddConstraint) and operation.constraint.kind == "not_null":
        columns = operation.constraint.columns
    else:
        return
    table = operation.table
    known = [step.catalog.column(table, column) for column in columns]
    if step.is_new(table) or all(c is not None and c.definition.not_null for c in known):
        return
    scan = certainty(step, "scan")
    if scan is False or (scan is None and _is_proved_by_name(step, table, columns)):
        return
    unless = "To" if scan else "Unless a constraint proves it already, to"
    message = (
        f"{unless} know that {', '.join(columns)} holds no NULL PostgreSQL "
        f"{work(step, table, 'scan')}. It fails on the first NULL."
    )
    yield graded(step, table, message, certain=bool(scan))


def _is_proved_by_name(step: Step, table: Name, columns: tuple[str, ...]) -> bool:
    """Whether the migration validates a constraint before it that is named after the column.

    Where its definition was not seen that is all that can be known of the proof.
    """
    known = step.catalog.table(table)
    names = [
        operation.name
        for operation in step.earlier
        if isinstance(operation, ValidateConstraint)
        and operation.table == table
        and not (known and operation.name in known.constraints)
    ]
    return all(any(column in name for name in names) for column in columns)
