"""A long statement while the transaction holds a strong lock from before."""

from collections.abc import Iterator

from senior_backend.migrations.lock_model import wording
from senior_backend.migrations.long_statements import is_first_since, is_long
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import ValidateConstraint
from senior_backend.operations.objects import CreateMaterializedView, RefreshMaterializedView
from senior_backend.operations.tables import CreateTable

_SETUP = """
CREATE TABLE invoices (id bigint PRIMARY KEY, total numeric NOT NULL);
CREATE TABLE payments (id bigint PRIMARY KEY, amount numeric NOT NULL);
"""

RULE = Rule(
    id="statement-while-holding-access-exclusive",
    title="A long statement after a short lock: the lock is kept until it ends",
    class_="gate",
    severity="error",
    why="""
Locks are kept until the transaction ends. An `ALTER TABLE` that needs ACCESS EXCLUSIVE for a
millisecond keeps it for as long as the statements after it take, and most migration tools put a
whole file into one transaction. A query that fills a table or a materialized view, or a validation
that reads a table, then stops all reads and writes of the altered table, even when it only reads
*another* table and would by itself block nobody.

Put the long statement first, or better into a migration of its own.
""",
    source="13.3 Explicit Locking: locks are held until the end of the transaction",
    bad=Example(
        sql="""
ALTER TABLE invoices ADD COLUMN paid boolean;
CREATE TABLE payment_totals AS SELECT sum(amount) FROM payments;
""",
        setup=_SETUP,
        proof=("invoices ACCESS EXCLUSIVE", "payments scan"),
    ),
    good=(
        Example(
            sql="CREATE TABLE payment_totals AS SELECT sum(amount) FROM payments;",
            setup=_SETUP,
        ),
        Example(sql="ALTER TABLE invoices ADD COLUMN paid boolean;"),
    ),
    operations=(
        CreateTable,
        CreateMaterializedView,
        RefreshMaterializedView,
        ValidateConstraint,
    ),
    silent=(
        Example(
            "ALTER TABLE invoices ADD COLUMN paid boolean; "
            "CREATE TABLE payment_totals AS SELECT sum(amount) FROM payments;",
            setup=_SETUP,
            transaction="statement",
        ),
        Example(
            "ALTER TABLE invoices ADD COLUMN paid boolean; CREATE TABLE notes (id bigint);",
            setup=_SETUP,
        ),
        Example(
            "ALTER TABLE invoices ADD COLUMN paid boolean; "
            "CREATE MATERIALIZED VIEW totals AS SELECT sum(amount) FROM payments WITH NO DATA;",
            setup=_SETUP,
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A statement that blocks nobody by itself, but takes long while others wait already."""
    if step.in_function or step.transaction is None or not is_long(step):
        return
    since = step.blocked_since()
    if since is None or not is_first_since(step, since):
        return
    line = since.statement.position.line
    held = [e for e in since.existing if e.lock is not None and e.lock.blocks_writes]
    names = " and ".join(f"{e.lock} on {e.relation}" for e in held[:2])
    waiting = wording.blocked_phrase(held[0])
    yield Hazard(
        f"Runs while the transaction holds {names} since line {line}: {waiting} of "
        f"{held[0].relation} wait until this statement and the transaction end.",
        effects=tuple(held) + step.effects,
    )
