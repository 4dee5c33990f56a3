"""ADD FOREIGN KEY that validates at once."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import graded
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import AddConstraint

_SCHEMA = """
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint);
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
"""

RULE = Rule(
    id="fk-without-not-valid",
    title="ADD FOREIGN KEY blocks writes to both tables while it checks every row",
    class_="gate",
    severity="error",
    why="""\
Adding a foreign key takes `SHARE ROW EXCLUSIVE` on the table **and on the one it references**, then
looks up every existing row. Reads go on, but nobody can write to either table until the last row is
checked. One row without its counterpart, and it fails after all that waiting.

Add it `NOT VALID`: the locks last an instant and new rows are checked from then on. Then, in a
migration of its own, `VALIDATE CONSTRAINT` reads the old rows under locks that let writes pass on
both tables.

Before PostgreSQL 18 a partitioned table takes no `NOT VALID` foreign key: add and validate it on
each partition, then on the parent, which adopts them without looking again.
""",
    source="ALTER TABLE, ADD table_constraint; Notes",
    bad=Example(
        setup=_SCHEMA,
        sql="""\
ALTER TABLE orders
  ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);
""",
        proof=("orders SHARE ROW EXCLUSIVE", "customers SHARE ROW EXCLUSIVE", "orders scan"),
    ),
    good=(
        Example(
            """\
ALTER TABLE orders
  ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
  NOT VALID;
""",
            setup=_SCHEMA,
        ),
        Example("ALTER TABLE orders VALIDATE CONSTRAINT orders_customer_id_fkey;"),
    ),
    silent=(
        Example(
            """\
CREATE TABLE refunds (id bigint PRIMARY KEY, customer_id bigint);
ALTER TABLE refunds ADD FOREIGN KEY (customer_id) REFERENCES customers (id);
""",
            setup=_SCHEMA,
        ),
    ),
    operations=(AddConstraint,),
)


def check(step: Step) -> Iterator[Hazard]:
    """A foreign key whose table has rows to be checked."""
    added = step.the(AddConstraint)
    key, table = added.constraint, added.table
    if key.kind != "foreign_key" or key.not_valid or key.not_enforced or step.is_new(table):
        return
    known = step.catalog.table(table)
    both = f"{table} and {key.references}"
    if key.references is None or step.catalog.key(key.references) == step.catalog.key(table):
        both = str(table)
    message = (
        f"ADD FOREIGN KEY takes SHARE ROW EXCLUSIVE on {both} and checks every row of {table} "
        "under it: all writes there wait until it is done. "
    )
    if known is not None and known.partition_by is not None and step.assumptions.major < 18:
        message += "Add it to each partition NOT VALID, validate there, then add it here."
    else:
        message += "Write NOT VALID, and VALIDATE CONSTRAINT in a migration of its own."
    yield graded(step, table, message)
