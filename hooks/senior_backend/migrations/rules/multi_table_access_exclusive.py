"""Strong locks on several tables in one transaction."""

from collections.abc import Iterator

from senior_backend.migrations.lock_model.effect import Lock
from senior_backend.migrations.rules.rule import Example, Hazard, MigrationView, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.names import Name
from senior_backend.operations.objects import Drop
from senior_backend.operations.tables import CreateTable
from senior_backend.sql.script import Statement

_SETUP = """
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE invoices (id bigint PRIMARY KEY, total numeric NOT NULL);
"""

RULE = Rule(
    id="multi-table-access-exclusive",
    title="Strong locks on several tables in one transaction can deadlock with the application",
    class_="hygiene",
    severity="info",
    why="""
The first table stays locked while the migration waits for the second: for as long as the oldest
transaction there lasts, nobody uses the first either. And a request that has used the second table
and now needs the first waits for the migration, which waits for the request: a deadlock, which
PostgreSQL ends after `deadlock_timeout` by failing one of the two.

Alter each table in a migration of its own. Where that cannot be, lock all of them at the start, in
the order in which the application uses them, with a short `lock_timeout`.
""",
    source="13.3.4 Deadlocks",
    bad=Example(
        sql="""
ALTER TABLE customers ADD COLUMN note text;
ALTER TABLE invoices ADD COLUMN note text;
""",
        setup=_SETUP,
        proof=("customers ACCESS EXCLUSIVE", "invoices ACCESS EXCLUSIVE"),
    ),
    good=(
        Example(sql="ALTER TABLE customers ADD COLUMN note text;", setup=_SETUP),
        Example(sql="ALTER TABLE invoices ADD COLUMN note text;"),
    ),
    silent=(
        Example(
            "ALTER TABLE invoices ADD COLUMN note text; ALTER TABLE invoices ADD COLUMN due date;",
            setup=_SETUP,
        ),
        Example(
            "CREATE TABLE notes (id bigint); ALTER TABLE notes ADD COLUMN body text; "
            "ALTER TABLE invoices ADD COLUMN note text;",
            setup=_SETUP,
        ),
        Example(
            "ALTER TABLE customers ADD COLUMN note text; "
            "ALTER TABLE invoices ADD COLUMN note text;",
            setup=_SETUP,
            transaction="statement",
        ),
    ),
)


def check_migration(view: MigrationView) -> Iterator[Hazard]:
    """The first statement that locks a further table while another is locked."""
    transaction = None
    held: dict[Name, Statement] = {}
    undone = {o.table.name for o in view.undoes if isinstance(o, CreateTable)}
    for step in view.steps:
        if step.transaction is None or step.in_function or not step.existing:
            continue
        if step.transaction is not transaction:
            transaction, held = step.transaction, {}
        for table in _locked(step):
            if table.name in undone:
                continue  # the code that used it went before it
            before = [name for name, by in held.items() if by is not step.statement]
            if table not in held and before:
                yield Hazard(
                    f"Locks {step.label(table)} while the transaction still holds the lock on "
                    f"{step.label(before[0])}: traffic of that waits until this one is free as "
                    "well, and a request that uses both in the other order can deadlock with it.",
                    at=step,
                )
                return
            held.setdefault(table, step.statement)


def _locked(step: Step) -> Iterator[Name]:
    """Tables that are locked, a partition as its parent."""
    if isinstance(step.operation, Drop) and "table" not in step.operation.kind:
        return
    for effect in step.existing:
        if effect.lock != Lock.ACCESS_EXCLUSIVE:
            continue
        key = step.catalog.key(effect.name)
        known = step.catalog.tables.get(key)
        while known is not None and known.partition_of is not None:
            key = known.partition_of
            known = step.catalog.tables.get(key)
        if known is None or "table" in known.kind:
            yield key
