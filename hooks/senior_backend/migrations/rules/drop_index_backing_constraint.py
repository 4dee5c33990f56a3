"""DROP INDEX of the index of a constraint."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.indexes import DropIndex

_USERS = "CREATE TABLE users (id bigint PRIMARY KEY, email text UNIQUE);"

RULE = Rule(
    id="drop-index-backing-constraint",
    title="The index of a constraint cannot be dropped by itself",
    class_="gate",
    severity="error",
    why="""\
A primary key, a unique and an exclusion constraint own their index. `DROP INDEX` on it fails,
`CASCADE` or not, and stops the deploy. It is dropped together with the constraint: `ALTER TABLE
... DROP CONSTRAINT`. That takes `ACCESS EXCLUSIVE` for an instant and ends the guarantee, so first
make sure that no foreign key and no `ON CONFLICT` needs it.
""",
    source="Dependency Tracking",
    bad=Example(
        setup=_USERS,
        sql="DROP INDEX users_email_key;",
        proof=("error: cannot drop index users_email_key because constraint",),
    ),
    good=(
        Example(
            "CREATE UNIQUE INDEX CONCURRENTLY users_email_idx ON users (email);",
            setup=_USERS,
            transaction="statement",
        ),
        Example("ALTER TABLE users DROP CONSTRAINT users_email_key;"),
    ),
    silent=(
        Example(
            "DROP INDEX CONCURRENTLY users_email_idx;",
            setup=f"{_USERS}\nCREATE INDEX users_email_idx ON users (lower(email));",
            transaction="statement",
        ),
        Example(
            "DROP INDEX users_email_key;",
            setup=f"""{_USERS}
ALTER TABLE users DROP CONSTRAINT users_email_key;
CREATE UNIQUE INDEX users_email_key ON users (email);
""",
        ),
    ),
    operations=(DropIndex,),
)


def check(step: Step) -> Iterator[Hazard]:
    """A statement that fails, on a new table just as well."""
    drop = step.the(DropIndex)
    index = step.catalog.index(drop.index)
    if index is not None and index.constraint is not None:
        yield Hazard(
            f"{drop.index} is the index of constraint {index.constraint} on "
            f"{step.label(index.table)}: DROP INDEX is refused and the migration fails here. "
            "Write ALTER TABLE ... DROP CONSTRAINT."
        )
