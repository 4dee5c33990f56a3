"""ADD CONSTRAINT ... NOT VALID and VALIDATE CONSTRAINT in one transaction."""

from collections.abc import Iterator
from dataclasses import replace

from senior_backend.migrations.blocking import graded
from senior_backend.migrations.rules.rule import Example, Hazard, MigrationView, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import AddConstraint, ValidateConstraint

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, total bigint);"
_ADD = "ALTER TABLE orders\n  ADD CONSTRAINT orders_total_check CHECK (total >= 0) NOT VALID;"
_VALIDATE = "ALTER TABLE orders VALIDATE CONSTRAINT orders_total_check;"

RULE = Rule(
    id="validate-in-same-transaction",
    title="NOT VALID gains nothing when the same transaction validates",
    class_="gate",
    severity="error",
    why="""\
Locks last until the transaction ends. `ADD CONSTRAINT ... NOT VALID` takes a strong one
(`ACCESS EXCLUSIVE` for a check, `SHARE ROW EXCLUSIVE` on both tables for a foreign key) and would
give it back after an instant. When `VALIDATE CONSTRAINT` follows in the same transaction, the whole
scan runs under it, and the table is blocked just as if `NOT VALID` had been left out.

Most tools run a migration in one transaction, so the two belong in two migrations. They may be
deployed together.
""",
    source="ALTER TABLE, Notes; Table-Level Locks",
    bad=Example(
        setup=_ORDERS,
        sql=f"{_ADD}\n{_VALIDATE}",
        proof=("orders ACCESS EXCLUSIVE", "orders scan"),
    ),
    good=(Example(_ADD, setup=_ORDERS), Example(_VALIDATE)),
    silent=(
        Example(f"{_ADD}\n{_VALIDATE}", setup=_ORDERS, transaction="statement"),
        Example(f"{_ADD}\nCOMMIT;\nBEGIN;\n{_VALIDATE}", setup=_ORDERS),
        Example(f"{_ORDERS}\n{_ADD}\n{_VALIDATE}"),
        Example(_VALIDATE, setup=f"{_ORDERS}\n{_ADD}"),
    ),
)


def check_migration(view: MigrationView) -> Iterator[Hazard]:
    """A validation under the lock with which its constraint was added."""
    added: list[Step] = []
    for step in view.steps:
        operation = step.operation
        if isinstance(operation, AddConstraint) and operation.constraint.not_valid:
            added.append(step)
        elif isinstance(operation, ValidateConstraint) and not step.is_new(operation.table):
            for before in added:
                if _added_there(before, step, operation):
                    yield _hazard(before, step, operation)
                    break


def _added_there(before: Step, step: Step, validate: ValidateConstraint) -> bool:
    if before.statement is not step.statement and (
        step.transaction is None or before.transaction is not step.transaction
    ):
        return False
    added = before.the(AddConstraint)
    return step.catalog.key(added.table) == step.catalog.key(validate.table) and (
        added.constraint.name in (None, validate.name)
    )


def _hazard(before: Step, step: Step, validate: ValidateConstraint) -> Hazard:
    constraint, table = before.the(AddConstraint).constraint, validate.table
    if constraint.kind == "foreign_key":
        lock = f"SHARE ROW EXCLUSIVE on {table} and {constraint.references}"
        waiting = "writes to both wait"
    else:
        lock, waiting = f"ACCESS EXCLUSIVE on {table}", f"reads and writes of {table} wait"
    where = "statement" if before.statement is step.statement else "transaction"
    hazard = graded(
        step,
        table,
        f"The same {where} added {validate.name} and still holds {lock}: {waiting} while every "
        "row is checked, as without NOT VALID. Write VALIDATE CONSTRAINT in its own migration.",
    )
    return replace(hazard, at=step)
