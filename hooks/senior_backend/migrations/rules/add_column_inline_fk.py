"""ADD COLUMN ... REFERENCES."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import added_column, certainty, graded, work
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn

_SCHEMA = (
    "CREATE TABLE customers (id bigint PRIMARY KEY);\nCREATE TABLE orders (id bigint PRIMARY KEY);"
)

RULE = Rule(
    id="add-column-inline-fk",
    title="A new column with REFERENCES locks two tables, and with a default is validated",
    class_="gate",
    severity="error",
    why="""\
`ADD COLUMN ... REFERENCES` takes `ACCESS EXCLUSIVE` on the table and `SHARE ROW EXCLUSIVE` on the
referenced one, which stops writes there. Without a default every row holds NULL, nothing has to
be checked and both locks last an instant: that is reported as a note, so that the second lock is
known.

With any `DEFAULT`, even `DEFAULT NULL`, PostgreSQL validates the foreign key: it reads the whole
table against the referenced one while it holds both locks. Add the column with its default first,
the constraint `NOT VALID` after it, and validate that in a migration of its own, which lets reads
and writes pass.""",
    source="ALTER TABLE, ADD table_constraint; 13.3.1 Table-Level Locks",
    bad=Example(
        "ALTER TABLE orders ADD COLUMN customer_id bigint DEFAULT 1 REFERENCES customers (id);",
        setup=_SCHEMA + "\nINSERT INTO customers VALUES (1);\nINSERT INTO orders VALUES (1);",
        proof=("orders ACCESS EXCLUSIVE", "customers SHARE ROW EXCLUSIVE", "orders scan"),
    ),
    good=(
        Example(
            "ALTER TABLE orders ADD COLUMN customer_id bigint DEFAULT 1;\n"
            "ALTER TABLE orders ADD CONSTRAINT orders_customer_fk\n"
            "  FOREIGN KEY (customer_id) REFERENCES customers (id) NOT VALID;",
            setup=_SCHEMA + "\nINSERT INTO customers VALUES (1);\nINSERT INTO orders VALUES (1);",
        ),
        Example("ALTER TABLE orders VALIDATE CONSTRAINT orders_customer_fk;"),
    ),
    operations=(AddColumn,),
    silent=(
        Example(
            "CREATE TABLE customers (id bigint PRIMARY KEY);\n"
            "ALTER TABLE orders ADD COLUMN customer_id bigint REFERENCES customers (id);",
            setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
        ),
        Example(
            "CREATE TABLE lines (order_id bigint);\n"
            "ALTER TABLE lines ADD COLUMN customer_id bigint DEFAULT 1 REFERENCES customers (id);",
            setup=_SCHEMA,
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A foreign key with a new column: validated with a default, else a second short lock."""
    added = added_column(step)
    if added is None or certainty(step, "rewrite"):
        return
    references = next((c.references for c in added.definition.constraints if c.references), None)
    if references is None:
        return
    if added.definition.default is not None:
        message = (
            f"The foreign key is validated because {added.column} has a default: PostgreSQL "
            f"{work(step, added.table, 'scan')}, and so does every write of {references}."
        )
        yield graded(step, added.table, message)
    elif not step.is_new(references) and references != added.table:
        yield Hazard(
            f"This locks {references} as well (SHARE ROW EXCLUSIVE: its writes wait), for an "
            "instant: nothing is validated, because the column holds only NULL.",
            severity="info",
            class_="note",
        )
