"""LOCK TABLE."""

from collections.abc import Iterator

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.tables import LockTable

_SETUP = "CREATE TABLE invoices (id bigint PRIMARY KEY, total numeric NOT NULL);"

RULE = Rule(
    id="lock-table",
    title="LOCK TABLE blocks others until the transaction ends",
    class_="hygiene",
    severity="info",
    why="""
The lock is kept until the transaction ends, so all that the migration does afterwards is done while
others wait: with ACCESS EXCLUSIVE reads and writes, from SHARE on writes.

It has its use: locking in a fixed order, and at once in the strongest mode that will be needed,
avoids deadlocks. Then let it be the first statement, set a `lock_timeout` before it, and do nothing
afterwards whose time grows with a table. Outside a transaction block the statement is an **error**.
""",
    source="LOCK; 13.3.1 Table-Level Locks",
    bad=Example(
        sql="LOCK TABLE invoices IN ACCESS EXCLUSIVE MODE;",
        setup=_SETUP,
        proof=("invoices ACCESS EXCLUSIVE",),
    ),
    good=(Example(sql="ALTER TABLE invoices ADD COLUMN note text;", setup=_SETUP),),
    operations=(LockTable,),
    silent=(
        Example("LOCK TABLE invoices IN SHARE UPDATE EXCLUSIVE MODE;", setup=_SETUP),
        Example("CREATE TABLE scratch (id int); LOCK TABLE scratch;"),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A lock that others notice, or one that cannot be taken."""
    lock = step.the(LockTable)
    if step.transaction is None:
        yield Hazard(
            "Fails: LOCK TABLE can only be used in a transaction block, and this migration runs "
            "each statement on its own.",
            class_="gate",
            severity="error",
        )
        return
    mode = Lock[lock.mode.upper().replace(" ", "_")]
    tables = [str(table) for table in lock.tables if not step.is_new(table)]
    if tables and mode.blocks_writes:
        waiting = "reads and writes" if mode.blocks_reads else "writes"
        yield Hazard(
            f"Takes {mode} on {', '.join(tables)} until the transaction ends: {waiting} wait for "
            "all that follows in it."
        )
