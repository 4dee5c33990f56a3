"""CREATE INDEX CONCURRENTLY IF NOT EXISTS."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.indexes import CreateIndex, DropIndex
from senior_backend.operations.names import Name

_USERS = "CREATE TABLE users (id bigint PRIMARY KEY, email text);"

RULE = Rule(
    id="concurrent-index-if-not-exists",
    title="IF NOT EXISTS takes the INVALID rest of a failed concurrent build for the index",
    class_="gate",
    severity="warning",
    why="""\
A concurrent build that is cancelled, times out or meets a duplicate leaves its index behind, marked
`INVALID`. `IF NOT EXISTS` looks at the name only: the second attempt finds the rest, prints a
notice and reports success. From then on the migration counts as applied while no query uses the
index, every write still pays for it, and a unique index does not guarantee that rows written before
it are unique.

Drop what may be there first: `DROP INDEX CONCURRENTLY IF EXISTS name`, then `CREATE INDEX
CONCURRENTLY name` without `IF NOT EXISTS`. That can be repeated as often as needed.
""",
    source="CREATE INDEX, Building Indexes Concurrently",
    bad=Example(
        setup=_USERS,
        sql="CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email_idx ON users (email);",
        transaction="statement",
    ),
    good=(
        Example(
            sql="""\
DROP INDEX CONCURRENTLY IF EXISTS users_email_idx;
CREATE INDEX CONCURRENTLY users_email_idx ON users (email);
""",
            transaction="statement",
        ),
    ),
    silent=(
        Example(
            """\
DROP INDEX CONCURRENTLY IF EXISTS users_email_idx;
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email_idx ON users (email);
""",
            setup=_USERS,
            transaction="statement",
        ),
        Example(f"{_USERS}\nCREATE INDEX IF NOT EXISTS users_email_idx ON users (email);"),
    ),
    operations=(CreateIndex,),
)


def check(step: Step) -> Iterator[Hazard]:
    """A concurrent build that a rest of an earlier one would replace."""
    index = step.the(CreateIndex)
    if not (index.concurrently and index.if_not_exists and index.name):
        return
    if step.transaction is not None or step.is_new(index.table):
        return  # it fails, or nothing can have been left behind
    name = step.catalog.key(Name(index.table.schema, index.name))
    for earlier in step.earlier:
        if isinstance(earlier, DropIndex) and step.catalog.key(earlier.index) == name:
            return
    lost = "uniqueness is not guaranteed" if index.unique else "no query uses the index"
    yield Hazard(
        f"If a first attempt fails, it leaves {index.name} INVALID; the next one finds the name, "
        f"does nothing and reports success, while {lost}. "
        "Write DROP INDEX CONCURRENTLY IF EXISTS before it instead of IF NOT EXISTS."
    )
