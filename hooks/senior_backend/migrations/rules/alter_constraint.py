"""ALTER CONSTRAINT."""

from collections.abc import Iterator
from dataclasses import replace

from senior_backend.migrations.blocking import graded
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import AlterConstraint

_KEY = "CONSTRAINT orders_customer_id_fkey REFERENCES customers (id)"


def _schema(key: str) -> str:
    return (
        "CREATE TABLE customers (id bigint PRIMARY KEY);\n"
        f"CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint {key});\n"
        "CREATE INDEX ON orders (customer_id);"
    )


RULE = Rule(
    id="alter-constraint",
    title="ALTER CONSTRAINT changes when, or whether, rows are checked",
    class_="hygiene",
    severity="warning",
    why="""\
Three different things, all under `ACCESS EXCLUSIVE`:

- `INITIALLY DEFERRED` moves the check to `COMMIT`. Code that expects the error at its `INSERT` or
  `DELETE` gets it later, often where nobody catches it. Make the constraint only `DEFERRABLE`, and
  let the transactions that need it say `SET CONSTRAINTS ... DEFERRED`.
- `NOT ENFORCED` (PostgreSQL 18) ends the guarantee for all rows.
- `ENFORCED` (PostgreSQL 18) brings it back and checks every row under the lock: that blocks in
  proportion to the table and is reported as gate. Drop the constraint and add it `NOT VALID`, then
  validate it in a migration of its own.
""",
    source="ALTER TABLE, ALTER CONSTRAINT; SET CONSTRAINTS",
    bad=Example(
        setup=_schema(_KEY),
        sql="ALTER TABLE orders ALTER CONSTRAINT orders_customer_id_fkey INITIALLY DEFERRED;",
        proof=("orders ACCESS EXCLUSIVE",),
    ),
    good=(
        Example(
            "ALTER TABLE orders ALTER CONSTRAINT orders_customer_id_fkey DEFERRABLE;",
            setup=_schema(_KEY),
        ),
    ),
    silent=(
        Example(
            "ALTER TABLE orders ALTER CONSTRAINT orders_customer_id_fkey NOT DEFERRABLE;",
            setup=_schema(f"{_KEY} DEFERRABLE"),
        ),
    ),
    operations=(AlterConstraint,),
)


def check(step: Step) -> Iterator[Hazard]:
    """What the change does beyond its short lock."""
    altered = step.the(AlterConstraint)
    table, name = altered.table, altered.name
    if step.is_new(table):
        return
    if altered.enforced:
        hazard = graded(
            step,
            table,
            f"ENFORCED makes PostgreSQL check every row of {table} against {name} while it holds "
            "ACCESS EXCLUSIVE: all reads and writes wait until it is done. "
            "Write DROP CONSTRAINT, ADD CONSTRAINT ... NOT VALID and, later, VALIDATE CONSTRAINT.",
        )
        yield replace(hazard, class_=hazard.class_ or "gate")
    elif altered.enforced is False:
        yield Hazard(f"{name} on {table} checks nothing from here on, neither old nor new rows.")
    elif altered.initially_deferred:
        yield Hazard(
            f"Violations of {name} are reported at COMMIT from here on: code that expects the "
            f"error at its write to {table} does not get it there."
        )
