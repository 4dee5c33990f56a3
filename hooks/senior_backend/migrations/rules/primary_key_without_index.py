"""ADD PRIMARY KEY that builds its index at once."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import graded
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import AddConstraint

_EVENTS = "CREATE TABLE events (id bigint NOT NULL, payload text);"

RULE = Rule(
    id="primary-key-without-index",
    title="ADD PRIMARY KEY closes the table while its index is built",
    class_="gate",
    severity="error",
    why="""\
`ADD PRIMARY KEY` builds a unique index under `ACCESS EXCLUSIVE`, and where a column is not yet
`NOT NULL` it reads the whole table once more to make it so. Neither reads nor writes get through
until both are done; a duplicate or a `NULL` makes it fail after all that waiting.

Make the columns `NOT NULL` without a scan under lock (a validated `CHECK`, then `SET NOT NULL`),
build the index with `CREATE UNIQUE INDEX CONCURRENTLY`, then adopt it: `ADD CONSTRAINT ... PRIMARY
KEY USING INDEX`, an instant.

On a partitioned table there is no such way; add the primary key on each partition first, the parent
adopts those.
""",
    source="ALTER TABLE, ADD table_constraint_using_index",
    bad=Example(
        setup=_EVENTS,
        sql="ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (id);",
        proof=("events ACCESS EXCLUSIVE", "events index build"),
    ),
    good=(
        Example(
            "CREATE UNIQUE INDEX CONCURRENTLY events_pkey ON events (id);",
            setup=_EVENTS,
            transaction="statement",
        ),
        Example(
            "ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY USING INDEX events_pkey;"
        ),
    ),
    silent=(Example(f"{_EVENTS}\nALTER TABLE events ADD PRIMARY KEY (id);"),),
    operations=(AddConstraint,),
)


def check(step: Step) -> Iterator[Hazard]:
    """A primary key without an index to adopt."""
    added = step.the(AddConstraint)
    constraint, table = added.constraint, added.table
    if constraint.kind != "primary_key" or constraint.using_index or step.is_new(table):
        return
    known = step.catalog.table(table)
    partitioned = known is not None and known.partition_by is not None
    where = f"{table} and its partitions" if partitioned else str(table)
    columns = known.columns if known is not None else {}
    nullable = [
        c for c in constraint.columns if c in columns and not columns[c].definition.not_null
    ]
    scan = f" and reads it to make {', '.join(nullable)} NOT NULL," if nullable else ""
    message = (
        f"ADD PRIMARY KEY builds an index over {table}{scan} under ACCESS EXCLUSIVE: all reads and "
        f"writes of {where} wait until it is built."
    )
    if not partitioned:
        message += (
            " Write CREATE UNIQUE INDEX CONCURRENTLY before it, and here PRIMARY KEY USING INDEX."
        )
    yield graded(step, table, message)
