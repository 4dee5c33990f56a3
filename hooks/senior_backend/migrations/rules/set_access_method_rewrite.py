"""SET ACCESS METHOD."""

from collections.abc import Iterator

from senior_backend.migrations import blocking
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.tables import SetAccessMethod

_SETUP = "CREATE TABLE events (id bigint PRIMARY KEY, body text);"

RULE = Rule(
    id="set-access-method-rewrite",
    title="SET ACCESS METHOD rewrites the table under ACCESS EXCLUSIVE",
    class_="gate",
    severity="error",
    why="""
Another table access method (columnar storage, for example) keeps rows in another form, so
PostgreSQL copies them all and builds the indexes anew, under ACCESS EXCLUSIVE from beginning to
end. Only when the table has the method already is it a matter of a moment.

Create a table with the wanted method, fill it in batches beside the old one, and exchange their
names in one short transaction. Of a partitioned table (PostgreSQL 17) the setting only concerns
partitions created later.
""",
    source="ALTER TABLE, SET ACCESS METHOD",
    bad=Example(
        sql="ALTER TABLE events SET ACCESS METHOD columnar;",
        setup=_SETUP,
        proof=('error: access method "columnar" does not exist',),
    ),
    good=(
        Example(
            sql="CREATE TABLE events_new (id bigint PRIMARY KEY, body text) USING heap;",
            setup=_SETUP,
        ),
    ),
    operations=(SetAccessMethod,),
    silent=(Example("CREATE TABLE scratch (id int); ALTER TABLE scratch SET ACCESS METHOD heap;"),),
)


def check(step: Step) -> Iterator[Hazard]:
    """Another access method for a table that others use."""
    change = step.the(SetAccessMethod)
    certain = blocking.certainty(step, "rewrite")
    if step.is_new(change.table) or certain is False:
        return
    already = "" if certain else ", unless the table has that access method already"
    yield blocking.graded(
        step,
        change.table,
        f"SET ACCESS METHOD {blocking.work(step, change.table, 'rewrite')}{already}.",
        certain=bool(certain),
    )
