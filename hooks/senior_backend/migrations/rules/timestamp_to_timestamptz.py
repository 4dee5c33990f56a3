"""ALTER COLUMN between timestamp and timestamptz."""

from collections.abc import Iterator

from senior_backend.migrations import casts
from senior_backend.migrations.blocking import certainty, graded, work
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AlterColumnType

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, at timestamp);"

RULE = Rule(
    id="timestamp-to-timestamptz",
    title="timestamp to timestamptz is free in UTC and rewrites the table elsewhere",
    class_="gate",
    severity="error",
    why="""\
Between `timestamp` and `timestamptz` the values are read in the time zone of the **session that
runs the migration**. If its `TimeZone` is UTC nothing changes on disk and the change takes an
instant. With any other, the server's default among them, every row is converted: the table and
its indexes are written anew under `ACCESS EXCLUSIVE`, nobody reads or writes meanwhile, and the
result depends on who ran it.

If the old values are UTC, say so in the migration: `SET LOCAL TimeZone = 'UTC'` before it. An
index on the column is built anew even then. If the old values are local times of another zone,
a rewrite cannot be avoided: go through a new column.""",
    source="ALTER TABLE, Notes; 8.5.3 Time Zones",
    bad=Example(
        "SET LOCAL TimeZone = 'Europe/Oslo';\nALTER TABLE orders ALTER COLUMN at TYPE timestamptz;",
        setup=_ORDERS,
        proof=("orders ACCESS EXCLUSIVE", "orders rewrite"),
    ),
    good=(
        Example(
            "SET LOCAL TimeZone = 'UTC';\nALTER TABLE orders ALTER COLUMN at TYPE timestamptz;",
            setup=_ORDERS,
        ),
    ),
    operations=(AlterColumnType,),
    silent=(
        Example(
            "CREATE TABLE lines (at timestamp);\n"
            "ALTER TABLE lines ALTER COLUMN at TYPE timestamptz;"
        ),
    ),
)

_UTC = frozenset({"utc", "gmt", "etc/utc", "etc/gmt", "zulu", "uct", "etc/uct", "0", "greenwich"})


def check(step: Step) -> Iterator[Hazard]:
    """A change between the two types where the session's time zone is not known to be UTC."""
    change = step.the(AlterColumnType)
    column = step.catalog.column(change.table, change.column)
    if column is None or step.is_new(change.table):
        return
    if not casts.between_timestamps(column.type, change.type, step.catalog):
        return
    if change.using is not None and change.using.functions:
        return  # AT TIME ZONE is converted wherever it runs: column-type-rewrite
    rewrite = certainty(step, "rewrite")
    zone = step.session.variables.get("timezone", step.assumptions.timezone)
    if rewrite is False or (zone is not None and zone.lower() in _UTC):
        return
    what = f"{change.table}.{change.column}"
    if zone is not None:
        message = (
            f"In TimeZone {zone} PostgreSQL converts every value of {what}, so it "
            f"{work(step, change.table, 'rewrite')}."
        )
        yield graded(step, change.table, message)
        return
    message = (
        f"Unless the session's TimeZone is UTC PostgreSQL converts every value of {what} and "
        f"{work(step, change.table, 'rewrite')}. Set it in the migration."
    )
    yield graded(step, change.table, message, certain=False)
