"""BEGIN, COMMIT and ROLLBACK where the tool already has a transaction open."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, MigrationView, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.session import TransactionControl

_SETUP = "CREATE TABLE invoices (id bigint PRIMARY KEY, total numeric NOT NULL);"

RULE = Rule(
    id="transaction-nesting",
    title="COMMIT in a migration that the tool wraps ends the tool's own transaction",
    class_="gate",
    severity="error",
    why="""
PostgreSQL does not nest transactions. When the tool has sent BEGIN already, a BEGIN in the file
does nothing but warn, and the file's COMMIT ends the **tool's** transaction: what comes after it,
the tool's record of the migration among it, is no longer part of it. If that fails, half of the
migration stays and is not recorded. A ROLLBACK takes back what came before it, and the tool records
the migration all the same. In a `DO` block or procedure COMMIT is an error while an outer
transaction is open.

A BEGIN without COMMIT is the opposite mistake: the work is thrown away when the connection closes.

Leave transactions to the tool, or tell it to open none for this migration, and then begin and
commit in the file.
""",
    source="BEGIN; COMMIT; 43.8 Transaction Management",
    bad=Example(
        sql="""
BEGIN;
ALTER TABLE invoices ADD COLUMN note text;
COMMIT;
ALTER TABLE invoices ADD COLUMN due date;
""",
        setup=_SETUP,
    ),
    good=(
        Example(
            sql="""
ALTER TABLE invoices ADD COLUMN note text;
ALTER TABLE invoices ADD COLUMN due date;
""",
            setup=_SETUP,
        ),
    ),
    operations=(TransactionControl,),
    silent=(
        Example(
            "BEGIN; ALTER TABLE invoices ADD COLUMN note text; COMMIT;",
            setup=_SETUP,
            transaction="statement",
        ),
        Example(
            "BEGIN; ALTER TABLE invoices ADD COLUMN IF NOT EXISTS note text; COMMIT;",
            setup=_SETUP,
            transaction="implicit",
        ),
        Example("SAVEPOINT s; ALTER TABLE invoices ADD note text; RELEASE s;", setup=_SETUP),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """The end of a transaction that the migration did not begin."""
    action = step.the(TransactionControl).action
    if action not in ("commit", "rollback") or step.in_function:
        return
    outer = step.within
    if outer is not None:
        while outer.within is not None:
            outer = outer.within
        if outer.transaction is not None:
            yield Hazard(
                f"Fails: {action.upper()} in a DO block or procedure is not allowed while the "
                "transaction that runs it is open (invalid transaction termination)."
            )
        return
    if step.transaction is None or step.transaction.kind not in ("file", "run"):
        return
    if action == "rollback":
        yield Hazard(
            "Takes back all that the migration did before, in the tool's own transaction; the tool "
            "still records the migration as applied."
        )
    elif any(not isinstance(o, TransactionControl) for o in step.later):
        yield Hazard(
            "Ends the tool's own transaction: what follows runs outside it, and if that fails the "
            "first half stays in the database without being recorded."
        )
    else:
        yield Hazard(
            "Ends the tool's own transaction before the tool does: its record of the migration is "
            "no longer written together with the changes.",
            class_="hygiene",
            severity="warning",
        )


def check_migration(view: MigrationView) -> Iterator[Hazard]:
    """A transaction that the migration begins and never ends."""
    begun: Step | None = None
    outside = False
    for step in view.steps:
        operation = step.operation
        if not isinstance(operation, TransactionControl) or step.in_function:
            continue
        if operation.action == "begin":
            if step.transaction is None or step.transaction.kind == "implicit":
                begun = step
        elif operation.action in ("commit", "rollback", "other"):
            # It ends what it has not begun: whoever runs it begins and commits a transaction.
            outside = outside or (begun is None and operation.action != "other")
            begun = None
    if begun is not None and not outside:
        yield Hazard(
            "Begins a transaction that the migration never commits: its work is lost when the "
            "connection closes, and until then its locks are held.",
            at=begun,
        )
