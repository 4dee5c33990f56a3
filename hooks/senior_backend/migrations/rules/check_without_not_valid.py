"""ADD CHECK that validates at once."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import graded
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import AddConstraint

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, total bigint);"

RULE = Rule(
    id="check-without-not-valid",
    title="ADD CHECK closes the table while it reads every row",
    class_="gate",
    severity="error",
    why="""\
Adding a `CHECK` takes `ACCESS EXCLUSIVE` and evaluates it for every row under that lock: neither
reads nor writes get through until the last row is read. One row that violates it, and the statement
fails after all that waiting.

Add it `NOT VALID`: the lock lasts an instant and every new or changed row is checked from then on.
Then, in a migration of its own, `VALIDATE CONSTRAINT` reads the old rows while reads and writes go
on. Correct the rows that violate it in between.
""",
    source="ALTER TABLE, ADD table_constraint; Notes",
    bad=Example(
        setup=_ORDERS,
        sql="ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total >= 0);",
        proof=("orders ACCESS EXCLUSIVE", "orders scan"),
    ),
    good=(
        Example(
            "ALTER TABLE orders\n  ADD CONSTRAINT orders_total_check CHECK (total >= 0) NOT VALID;",
            setup=_ORDERS,
        ),
        Example("ALTER TABLE orders VALIDATE CONSTRAINT orders_total_check;"),
    ),
    silent=(
        Example(f"{_ORDERS}\nALTER TABLE orders ADD CHECK (total >= 0);"),
        Example(
            "CREATE TEMPORARY TABLE totals AS SELECT id, total FROM orders;\n"
            "ALTER TABLE totals ADD CHECK (total >= 0);",
            setup=_ORDERS,
        ),
    ),
    operations=(AddConstraint,),
)


def check(step: Step) -> Iterator[Hazard]:
    """A check whose table has rows to be read."""
    added = step.the(AddConstraint)
    constraint, table = added.constraint, added.table
    if constraint.kind != "check" or constraint.not_valid or constraint.not_enforced:
        return
    known = step.catalog.table(table)
    if step.is_new(table) or (known is not None and known.kind == "foreign table"):
        return
    yield graded(
        step,
        table,
        f"ADD CHECK takes ACCESS EXCLUSIVE on {table} and reads every row under it: all reads and "
        f"writes of {table} wait until it is done. "
        "Write NOT VALID, and VALIDATE CONSTRAINT in a migration of its own.",
    )
