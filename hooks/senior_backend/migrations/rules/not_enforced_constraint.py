"""A constraint that is NOT ENFORCED."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn
from senior_backend.operations.constraints import AddConstraint
from senior_backend.operations.declared import declared
from senior_backend.operations.tables import CreateTable

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, total bigint);"

RULE = Rule(
    id="not-enforced-constraint",
    title="A NOT ENFORCED constraint checks nothing",
    class_="hygiene",
    severity="warning",
    why="""\
`NOT ENFORCED` (PostgreSQL 18) writes a check or a foreign key into the catalog and never looks at a
row, old or new. It reads like a guarantee to everyone who looks at the schema, and it is none:
wrong rows come in unnoticed, and enforcing it later fails until they are corrected.

If the old rows are the difficulty, `NOT VALID` is what is meant: it checks every new row from now
on and leaves the old ones to `VALIDATE CONSTRAINT`.
""",
    source="CREATE TABLE, ENFORCED / NOT ENFORCED",
    bad=Example(
        setup=_ORDERS,
        sql="ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total > 0) NOT ENFORCED;",
        since=18,
    ),
    good=(
        Example(
            "ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total > 0) NOT VALID;",
            setup=_ORDERS,
        ),
    ),
    silent=(
        Example(
            "ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total > 0) NOT VALID;",
            setup=_ORDERS,
        ),
    ),
    operations=(AddConstraint, AddColumn, CreateTable),
)


def check(step: Step) -> Iterator[Hazard]:
    """Each such constraint, on a new table as well."""
    for table, constraint in declared(step.operation):
        if constraint.not_enforced:
            what = constraint.name or f"The {constraint.kind.replace('_', ' ')} constraint"
            yield Hazard(
                f"{what} on {table} is NOT ENFORCED: PostgreSQL checks neither old nor new rows. "
                "Write NOT VALID to check the new ones."
            )
