"""IF NOT EXISTS on something that exists and looks different."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn
from senior_backend.operations.indexes import CreateIndex
from senior_backend.operations.tables import CreateTable

_SETUP = "CREATE TABLE invoices (id bigint PRIMARY KEY, total numeric NOT NULL);"

RULE = Rule(
    id="if-not-exists-hides-difference",
    title="IF NOT EXISTS skips the statement, though what exists is different",
    class_="hygiene",
    severity="warning",
    why="""
`IF NOT EXISTS` looks at the name only. When earlier migrations have created a table, column or
index of that name with other columns or another type, the statement does nothing, the migration
succeeds, and code that expects the new form fails later. On a database made from scratch by other
means the same migration gives another schema.

Write what is to change: `ALTER TABLE ... ADD COLUMN`, a change of type, another index under another
name.
""",
    source="CREATE TABLE, IF NOT EXISTS",
    bad=Example(
        sql="""
CREATE TABLE IF NOT EXISTS invoices (id bigint PRIMARY KEY, total numeric, due date);
""",
        setup=_SETUP,
    ),
    good=(Example(sql="ALTER TABLE invoices ADD COLUMN IF NOT EXISTS due date;", setup=_SETUP),),
    operations=(CreateTable, AddColumn, CreateIndex),
    silent=(
        Example(
            "CREATE TABLE IF NOT EXISTS invoices (id bigint PRIMARY KEY, total numeric NOT NULL);",
            setup=_SETUP,
        ),
        Example("CREATE TABLE IF NOT EXISTS notes (id bigint);"),
    ),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """What exists under that name and is different."""
    operation = step.operation
    if isinstance(operation, CreateTable):
        yield from _table(step, operation)
    elif isinstance(operation, AddColumn) and operation.if_not_exists:
        known = step.catalog.column(operation.table, operation.column)
        if known is not None and known.type != operation.definition.type:
            yield Hazard(
                f"Does nothing: {operation.table} already has a column {operation.column}, of type "
                f"{known.type} and not {operation.definition.type}."
            )
    elif isinstance(operation, CreateIndex) and operation.if_not_exists and operation.name:
        table = step.catalog.key(operation.table)
        index = next(
            (i for i in step.catalog.indexes_of(table) if i.name.name == operation.name), None
        )
        if index is not None and [k.column for k in index.keys] != [
            k.column for k in operation.keys
        ]:
            columns = ", ".join(k.column or "an expression" for k in index.keys)
            yield Hazard(
                f"Does nothing: the index {operation.name} exists already, on other columns "
                f"({columns})."
            )


def _table(step: Step, create: CreateTable) -> Iterator[Hazard]:
    if not create.if_not_exists or create.as_query or create.likes or not create.columns:
        return
    known = step.catalog.table(create.table)
    if known is None or not known.complete or known.kind != "table":
        return
    missing = [c.name for c in create.columns if c.name not in known.columns]
    if missing:
        yield Hazard(
            f"Does nothing: {create.table} exists already, without {', '.join(missing[:5])}, and "
            "code that expects the new form fails."
        )
