"""A foreign key of a new table locks the old table that it references."""

from collections.abc import Iterator

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step, milliseconds
from senior_backend.operations.constraints import AddConstraint
from senior_backend.operations.declared import foreign_keys
from senior_backend.operations.tables import CreateTable

_CUSTOMERS = "CREATE TABLE customers (id bigint PRIMARY KEY);"
_ORDERS = """\
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id));
CREATE INDEX ON orders (customer_id);
"""

RULE = Rule(
    id="fk-in-create-table",
    title="A foreign key of a new table locks the table that it references",
    class_="note",
    severity="info",
    why="""\
Creating a table looks harmless, but a foreign key in it puts triggers on the **referenced** table
and takes `SHARE ROW EXCLUSIVE` there. There is nothing to check and it is over in an instant, once
it has the lock: it waits for every transaction that has written to the referenced table, and all
later writes to it wait behind. Then the lock stays until the migration's transaction ends.

Set a short `lock_timeout` before, so that the migration gives way instead of stopping the writers;
run nothing slow after it in the same transaction.
""",
    source="Table-Level Locks; CREATE TABLE, REFERENCES",
    bad=Example(
        setup=_CUSTOMERS,
        sql=_ORDERS,
        proof=("customers SHARE ROW EXCLUSIVE",),
    ),
    good=(Example(f"SET LOCAL lock_timeout = '2s';\n{_ORDERS}", setup=_CUSTOMERS),),
    silent=(
        Example(f"{_CUSTOMERS}\n{_ORDERS}"),
        Example(
            "CREATE TABLE parts (id bigint PRIMARY KEY, whole bigint REFERENCES parts);\n"
            "CREATE INDEX ON parts (whole);"
        ),
    ),
    operations=(CreateTable, AddConstraint),
)


def check(step: Step) -> Iterator[Hazard]:
    """Old tables that new ones reference, where nothing limits the wait for the lock."""
    if milliseconds(step.lock_timeout) is not None:
        return
    operation = step.operation
    if isinstance(operation, AddConstraint) and not step.is_new(operation.table):
        return  # the table itself is locked as well: other rules
    held = step.transaction.locks if step.transaction is not None else {}
    tables = []
    for table, _, references in foreign_keys(operation):
        label = step.label(step.catalog.key(references))
        if step.is_new(references) or step.catalog.key(references) == step.catalog.key(table):
            continue
        if label not in tables and held.get(label, Lock.ACCESS_SHARE) < Lock.SHARE_ROW_EXCLUSIVE:
            tables.append(label)
    if tables:
        until = "" if step.transaction is None else ", and it is kept until the transaction ends"
        yield Hazard(
            f"The foreign key takes SHARE ROW EXCLUSIVE on {' and '.join(tables)}{until}: without "
            "lock_timeout it waits for every open transaction that wrote there, and all later "
            "writes wait behind it."
        )
