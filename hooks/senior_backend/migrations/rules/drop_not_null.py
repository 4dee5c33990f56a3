"""DROP NOT NULL."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import DropNotNull

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, note text NOT NULL, code text);"

RULE = Rule(
    id="drop-not-null",
    title="Readers of the column have to expect NULL from here on",
    class_="note",
    severity="info",
    why="""\
Nothing is read or rewritten, and it is a regular step before a column is dropped. But code that
is running was written for a column that is never NULL: as soon as new code writes the first NULL,
old code may fail on reading it, comparisons with it are no longer true or false, and `NOT IN`
finds nothing. The way back reads the whole table (see `set-not-null-scan`) and fails while there
are NULLs.

Deploy the code that can read NULL before the code that writes it.""",
    source="ALTER TABLE, SET/DROP NOT NULL",
    bad=Example("ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;", setup=_ORDERS),
    good=(Example("ALTER TABLE orders ALTER COLUMN note SET DEFAULT '';", setup=_ORDERS),),
    operations=(DropNotNull,),
    silent=(
        Example("ALTER TABLE orders ALTER COLUMN code DROP NOT NULL;", setup=_ORDERS),
        Example(
            "CREATE TABLE drafts (note text NOT NULL);\n"
            "ALTER TABLE drafts ALTER COLUMN note DROP NOT NULL;"
        ),
    ),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """A column of an existing table that was never NULL."""
    drop = step.the(DropNotNull)
    if step.is_new(drop.table):
        return
    column = step.catalog.column(drop.table, drop.column)
    if column is not None:
        new = step.is_from_this_deploy(column.created_by)
        if new or not column.definition.not_null:
            return
    yield Hazard(
        f"Code still running may not expect NULL in {drop.table}.{drop.column}; going back to NOT "
        "NULL reads the whole table."
    )
