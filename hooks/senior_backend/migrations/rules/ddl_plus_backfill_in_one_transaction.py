"""Rows are changed in bulk while the transaction holds a strong lock."""

from collections.abc import Iterator

from senior_backend.migrations.lock_model import wording
from senior_backend.migrations.long_statements import is_first_since, is_long
from senior_backend.migrations.row_changes import extent
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.data import ChangeRows

_SETUP = """
CREATE TABLE customers (id bigint PRIMARY KEY, country text NOT NULL);
CREATE TABLE invoices (id bigint PRIMARY KEY, customer_id bigint NOT NULL, region text);
"""

RULE = Rule(
    id="ddl-plus-backfill-in-one-transaction",
    title="A backfill in the transaction of an ALTER TABLE keeps the table locked until it ends",
    class_="gate",
    severity="error",
    why="""
`ALTER TABLE ... ADD COLUMN` needs ACCESS EXCLUSIVE for a millisecond. When an UPDATE that fills the
column follows in the same transaction, and most migration tools make one of a whole file, the lock
is kept until the last row is written: **nobody reads or writes the table during the whole
backfill**. The same goes for any other strong lock taken before: that of a trigger, a foreign key,
a dropped index.

Alter in one migration. Fill in another, in batches that commit on their own (a few thousand rows by
primary key), from a job or a procedure. What relies on the filled column, `SET NOT NULL` for
example, comes in a third.
""",
    source="13.3 Explicit Locking: locks are held until the end of the transaction",
    bad=Example(
        sql="""
ALTER TABLE invoices ADD COLUMN country text;
UPDATE invoices SET country = (SELECT country FROM customers c WHERE c.id = customer_id);
""",
        setup=_SETUP,
        proof=("invoices ACCESS EXCLUSIVE", "invoices scan"),
    ),
    good=(
        Example(sql="ALTER TABLE invoices ADD COLUMN country text;", setup=_SETUP),
        Example(
            sql="""
DO $$
BEGIN
    LOOP
        UPDATE invoices
        SET country = (SELECT c.country FROM customers c WHERE c.id = invoices.customer_id)
        WHERE id IN (SELECT id FROM invoices WHERE country IS NULL ORDER BY id LIMIT 5000);
        EXIT WHEN NOT FOUND;
        COMMIT;
    END LOOP;
END
$$;
""",
            transaction="statement",
        ),
    ),
    operations=(ChangeRows,),
    silent=(
        Example(
            "ALTER TABLE invoices ADD COLUMN note text; "
            "UPDATE invoices SET note = 'first' WHERE id = 1;",
            setup=_SETUP,
        ),
        Example(
            "ALTER TABLE invoices ADD COLUMN note text; "
            "INSERT INTO customers (id, country) VALUES (1, 'NO');",
            setup=_SETUP,
        ),
        Example("CREATE TABLE regions (name text); UPDATE regions SET name = upper(name);"),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A change of many rows after a lock for which others wait."""
    if step.transaction is None or not step.transaction.locks or step.in_function:
        return
    change = step.the(ChangeRows)
    if not is_long(step):
        return
    since = step.blocked_since()
    if since is None or not is_first_since(step, since):
        return
    held = [e for e in since.existing if e.lock is not None and e.lock.blocks_writes]
    doing = {
        "insert": f"Copies rows into {change.table}",
        "update": f"Updates {change.table}",
        "delete": f"Deletes rows of {change.table}",
        "merge": f"Merges rows into {change.table}",
        "copy": f"Loads rows into {change.table}",
    }[change.action]
    yield Hazard(
        f"{doing} while the transaction holds {held[0].lock} on {held[0].relation} since line "
        f"{since.statement.position.line}: {wording.blocked_phrase(held[0])} of "
        f"{held[0].relation} wait until the last row is written and the transaction ends.",
        severity="error" if extent(step, change) == "all" else "warning",
        effects=tuple(held) + step.effects,
    )
