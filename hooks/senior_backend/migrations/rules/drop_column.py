"""DROP COLUMN while code may still use the column."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn, DropColumn

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, legacy_code text NOT NULL);"

RULE = Rule(
    id="drop-column",
    title="Dropping a column breaks the code that still names it, and its data is gone",
    class_="gate",
    severity="error",
    why="""\
The code that runs while the migration runs, and until the last old process is gone, still names
the column: ORMs list all columns in every `SELECT` and `INSERT`. From the moment of the commit
each of these fails with *column does not exist*. Rolling back the code does not help, and no down
migration brings the values back. The lock itself is brief: the rows are not rewritten.

Take two deploys. First the code stops reading and writing the column (tell the ORM to ignore it);
when it was NOT NULL without a default, drop that constraint before, so that the new code's
`INSERT` passes. Then, when no older release runs, a later migration drops the column, with an
ignore comment that says since which release nobody uses it. Keep a copy of values that you may
want back.""",
    source="ALTER TABLE, DROP COLUMN and Notes",
    bad=Example("ALTER TABLE orders DROP COLUMN legacy_code;", setup=_ORDERS),
    good=(Example("ALTER TABLE orders ALTER COLUMN legacy_code DROP NOT NULL;", setup=_ORDERS),),
    operations=(DropColumn,),
    silent=(
        Example(
            "CREATE TABLE drafts (id bigint, note text);\nALTER TABLE drafts DROP COLUMN note;"
        ),
        Example(
            "ALTER TABLE orders ADD COLUMN note text;\nALTER TABLE orders DROP COLUMN note;",
            setup=_ORDERS,
        ),
    ),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """Columns that code of an earlier release may use."""
    drops = [drop for drop in step.named_together(DropColumn) if _may_be_used(step, drop)]
    if not drops:
        return
    first, last = drops[0], drops[-1]
    several = len(drops) > 1
    columns = f"{first.table}.{first.column}"
    if several:
        columns = (
            f"{', '.join(drop.column for drop in drops[:-1])} or {last.column} of {first.table}"
        )
    its, it = ("their", "them") if several else ("its", "it")
    if all(_is_put_back(step, drop) for drop in drops):
        yield Hazard(
            f"Drops {columns.replace(' or ', ' and ')} and adds {it} anew: what every row held is "
            "lost unless the migration writes it again.",
            severity="warning",
            start=first.start,
            end=last.end,
        )
        return
    yield Hazard(
        f"Code still running that reads or writes {columns} fails from the commit on, and {its} "
        f"values cannot be brought back. Drop {it} in the deploy after the one whose code no "
        f"longer names {it}.",
        start=first.start,
        end=last.end,
    )


def _is_put_back(step: Step, drop: DropColumn) -> bool:
    """Whether the migration gives the table a column of this name again."""
    return any(
        isinstance(other, AddColumn) and (other.table, other.column) == (drop.table, drop.column)
        for other in (*step.siblings, *step.later)
    )


def _may_be_used(step: Step, drop: DropColumn) -> bool:
    if step.is_new(drop.table):
        return False
    table = step.catalog.table(drop.table)
    column = step.catalog.column(drop.table, drop.column)
    if column is None and drop.if_exists and table is not None and table.complete:
        return False
    return column is None or not step.is_from_this_deploy(column.created_by)
