"""DROP COLUMN that silently takes a constraint or index of several columns with it."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import DropColumn
from senior_backend.operations.constraints import Constraint

_ORDERS = (
    "CREATE TABLE orders (\n"
    "  id bigint PRIMARY KEY, tenant_id bigint, number bigint, UNIQUE (tenant_id, number)\n"
    ");"
)

RULE = Rule(
    id="drop-column-drops-constraint",
    title="Dropping the column silently drops constraints and indexes of other columns",
    class_="gate",
    severity="warning",
    why="""\
`DROP COLUMN` takes every index and every constraint of the table that involves the column with
it, without a word and without `CASCADE`. For a constraint of that column alone this is what you
want. A primary key, `UNIQUE`, `CHECK` or foreign key **of several columns** also protected the
others: from then on duplicates and orphans get in, and `ON CONFLICT (...)` that relied on it
fails. An index of several columns, also one that has the column only in `INCLUDE` or `WHERE`,
leaves queries without it.

Build what replaces it before the drop: `CREATE UNIQUE INDEX CONCURRENTLY` on the remaining
columns and `ADD CONSTRAINT ... USING INDEX`. Then drop the old constraint by name, so that the
migration says what it does, and last the column.""",
    source="ALTER TABLE, DROP COLUMN",
    bad=Example("ALTER TABLE orders DROP COLUMN tenant_id;", setup=_ORDERS, also=("drop-column",)),
    good=(
        Example(
            "CREATE UNIQUE INDEX CONCURRENTLY orders_number ON orders (number);",
            setup=_ORDERS,
            transaction="statement",
        ),
        Example(
            "ALTER TABLE orders ADD CONSTRAINT orders_number UNIQUE USING INDEX orders_number;\n"
            "ALTER TABLE orders DROP CONSTRAINT orders_tenant_id_number_key;"
        ),
    ),
    operations=(DropColumn,),
    silent=(
        Example(
            "ALTER TABLE orders DROP COLUMN note;",
            setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text UNIQUE CHECK (note > ''));"
            "\nCREATE INDEX orders_note ON orders (note);",
        ),
        Example(
            "ALTER TABLE orders DROP COLUMN tenant_id, DROP COLUMN number;",
            setup=_ORDERS,
        ),
    ),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """Constraints and indexes that also served columns which stay."""
    drops = step.named_together(DropColumn)
    table = step.catalog.table(drops[0].table) if drops else None
    if table is None or step.is_new(table.name):
        return
    gone = {drop.column for drop in drops}
    lost = {
        name: _described(name, constraint)
        for name, constraint in table.constraints.items()
        if not gone.isdisjoint(constraint.columns) and not gone.issuperset(constraint.columns)
    }
    protects = bool(lost)
    for index in step.catalog.indexes_of(table.name):
        if index.name.name in lost or index.constraint in lost:
            continue
        columns = {*(k.column for k in index.keys if k.column), *index.include}
        columns |= set(index.where.columns) if index.where else set()
        if columns & gone and columns - gone:
            kind = "unique index" if index.unique else "index"
            lost[index.name.name] = f"the {kind} {index.name.name} ({', '.join(sorted(columns))})"
            protects = protects or index.unique
    if not lost:
        return
    yield Hazard(
        f"Dropping {', '.join(drop.column for drop in drops)} silently drops "
        f"{', '.join(lost.values())}: what it did for the other columns is gone.",
        class_="gate" if protects else "hygiene",
        start=drops[0].start,
        end=drops[-1].end,
    )


def _described(name: str, constraint: Constraint) -> str:
    kind = {"primary_key": "PRIMARY KEY", "foreign_key": "FOREIGN KEY"}.get(
        constraint.kind, constraint.kind.upper()
    )
    return f"{kind} {name} ({', '.join(constraint.columns)})"
