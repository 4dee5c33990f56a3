"""ADD UNIQUE that builds its index at once."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import graded
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import AddConstraint

_USERS = "CREATE TABLE users (id bigint PRIMARY KEY, email text);"

RULE = Rule(
    id="unique-without-index",
    title="ADD UNIQUE closes the table while its index is built",
    class_="gate",
    severity="error",
    why="""\
A unique constraint needs a unique index, and `ADD CONSTRAINT ... UNIQUE` builds it under
`ACCESS EXCLUSIVE`: neither reads nor writes get through until it is there. One duplicate, and it
fails after all that waiting.

Build the index first with `CREATE UNIQUE INDEX CONCURRENTLY`, outside a transaction, while reads
and writes go on. Then `ADD CONSTRAINT ... UNIQUE USING INDEX` adopts it in an instant (and gives it
the constraint's name). Often the unique index alone is enough: `ON CONFLICT` and foreign keys take
it as well.

A partitioned table knows neither of the two: create unique indexes on its partitions concurrently,
one `ON ONLY` the parent, and attach them.
""",
    source="ALTER TABLE, ADD table_constraint_using_index",
    bad=Example(
        setup=_USERS,
        sql="ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email);",
        proof=("users ACCESS EXCLUSIVE", "users index build"),
    ),
    good=(
        Example(
            "CREATE UNIQUE INDEX CONCURRENTLY users_email_key ON users (email);",
            setup=_USERS,
            transaction="statement",
        ),
        Example(
            "ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_key;"
        ),
    ),
    silent=(Example(f"{_USERS}\nALTER TABLE users ADD UNIQUE (email);"),),
    operations=(AddConstraint,),
)


def check(step: Step) -> Iterator[Hazard]:
    """A unique constraint without an index to adopt."""
    added = step.the(AddConstraint)
    constraint, table = added.constraint, added.table
    if constraint.kind != "unique" or constraint.using_index or step.is_new(table):
        return
    known = step.catalog.table(table)
    if known is not None and known.partition_by is not None:
        where = f"{table} and its partitions"
        advice = "Write unique indexes per partition, concurrently, and attach them."
    else:
        where = str(table)
        advice = "Write CREATE UNIQUE INDEX CONCURRENTLY before it, and here UNIQUE USING INDEX."
    yield graded(
        step,
        table,
        f"ADD UNIQUE builds an index over {table} under ACCESS EXCLUSIVE: all reads and writes of "
        f"{where} wait until it is built. {advice}",
    )
