"""A migration outside a transaction that cannot be run again after it failed half way."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, MigrationView, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn, DropColumn
from senior_backend.operations.constraints import AddConstraint, DropConstraint
from senior_backend.operations.data import Select
from senior_backend.operations.indexes import CreateIndex, DropIndex
from senior_backend.operations.objects import (
    AddEnumValue,
    CreateEnum,
    CreateMaterializedView,
    CreateSchema,
    CreateView,
    Drop,
    Rename,
)
from senior_backend.operations.operation import Operation
from senior_backend.operations.session import SetVariable, TransactionControl
from senior_backend.operations.tables import CreateTable
from senior_backend.sources import plain_sql

_SETUP = "CREATE TABLE invoices (id bigint PRIMARY KEY, total numeric NOT NULL);"

RULE = Rule(
    id="not-rerunnable",
    title="A migration without a transaction that fails half way cannot be run again",
    class_="hygiene",
    severity="info",
    why="""
Inside a transaction a failure takes back everything, and the migration is simply run again. Without
one (`CONCURRENTLY` needs that) the statements before the failure stay: the second run fails at the
first of them, because what it creates is there already or what it drops is gone, and somebody has
to repair the database by hand.

Keep one statement in such a migration, or write those before the last so that they can be repeated:
`IF EXISTS`, `IF NOT EXISTS`, `OR REPLACE`, `DROP ... IF EXISTS` first. Not so for
`CREATE INDEX CONCURRENTLY`: `IF NOT EXISTS` would accept the invalid index that a failed build
leaves; put `DROP INDEX CONCURRENTLY IF EXISTS` before it.
""",
    source="CREATE INDEX, Building Indexes Concurrently; 3.4 Transactions",
    bad=Example(
        sql="""
ALTER TABLE invoices ADD COLUMN region text;
CREATE INDEX CONCURRENTLY invoices_region ON invoices (region);
""",
        setup=_SETUP,
        transaction="statement",
    ),
    good=(
        Example(
            sql="""
ALTER TABLE invoices ADD COLUMN IF NOT EXISTS region text;
DROP INDEX CONCURRENTLY IF EXISTS invoices_region;
CREATE INDEX CONCURRENTLY invoices_region ON invoices (region);
""",
            setup=_SETUP,
            transaction="statement",
        ),
    ),
    silent=(
        Example(
            "CREATE INDEX CONCURRENTLY invoices_total ON invoices (total);",
            setup=_SETUP,
            transaction="statement",
        ),
        Example(
            "ALTER TABLE invoices ADD COLUMN region text; "
            "ALTER TABLE invoices ADD COLUMN due date;",
            setup=_SETUP,
        ),
    ),
    downs=False,
)

_HARMLESS = (SetVariable, TransactionControl, Select)


def check_migration(view: MigrationView) -> Iterator[Hazard]:
    """The first statement that stays after a later failure and fails when it is repeated."""
    if not _is_known_to_have_none(view):
        return
    first: Step | None = None
    prepared: set[str] = set()
    built: set[str | None] = set()
    for step in view.steps:
        if step.in_function or step.within is not None or isinstance(step.operation, _HARMLESS):
            continue
        if first is not None and step.statement is not first.statement:
            yield Hazard(
                "Runs outside a transaction: if a later statement fails, this one stays, and the "
                "migration cannot be run again because this one then fails.",
                at=first,
            )
            return
        if step.transaction is not None:
            continue
        name = _made_sure_of(step.operation)
        if name is not None:
            prepared.add(name)
        elif first is None and _fails_twice(step.operation, prepared, built):
            first = step
        if isinstance(step.operation, CreateIndex):
            built.add(step.operation.name)


def _is_known_to_have_none(view: MigrationView) -> bool:
    """Of plain SQL files nobody knows who runs them; with CONCURRENTLY it is in no transaction."""
    stated = all(segment.stated for segment in view.migration.up)
    if view.migration.source != plain_sql.ID or stated:
        return True
    return any(getattr(step.operation, "concurrently", False) for step in view.steps)


def _made_sure_of(operation: Operation) -> str | None:
    """What is gone in any case after ``DROP ... IF EXISTS``."""
    if isinstance(operation, DropIndex) and operation.if_exists:
        return operation.index.name
    if isinstance(operation, DropConstraint | Drop) and operation.if_exists:
        return operation.name if isinstance(operation.name, str) else operation.name.name
    return None


def _fails_twice(operation: Operation, prepared: set[str], built: set[str | None]) -> bool:
    """``built`` are indexes made before it: a constraint takes its index away, and drops it."""
    if isinstance(operation, CreateIndex):
        return not operation.if_not_exists and operation.name not in prepared | {None}
    if isinstance(operation, CreateTable):
        return (
            not operation.if_not_exists
            and operation.persistence != "temporary"
            and operation.table.name not in prepared
        )
    if isinstance(operation, AddConstraint):
        constraint = operation.constraint
        if constraint.using_index is not None and constraint.using_index not in built:
            return True
        return constraint.name is not None and constraint.name not in prepared
    if isinstance(operation, AddColumn | CreateMaterializedView | CreateSchema | AddEnumValue):
        return not operation.if_not_exists
    if isinstance(operation, DropIndex | DropColumn | DropConstraint | Drop):
        return not operation.if_exists
    if isinstance(operation, CreateView):
        return not operation.replace and operation.name.name not in prepared
    if isinstance(operation, CreateEnum):
        return operation.name.name not in prepared
    return isinstance(operation, Rename)
