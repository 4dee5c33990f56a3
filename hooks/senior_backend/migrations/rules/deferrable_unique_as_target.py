"""A foreign key to a unique constraint that is deferrable."""

from collections.abc import Iterator

from senior_backend.catalog.model import Table
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn
from senior_backend.operations.constraints import AddConstraint, Constraint
from senior_backend.operations.declared import foreign_keys
from senior_backend.operations.tables import CreateTable


def _items(deferrable: str) -> str:
    return f"CREATE TABLE items (id bigint PRIMARY KEY, position bigint UNIQUE {deferrable});"


_NOTES = """\
CREATE TABLE notes (id bigint PRIMARY KEY, position bigint REFERENCES items (position));
CREATE INDEX ON notes (position);
"""

RULE = Rule(
    id="deferrable-unique-as-target",
    title="A foreign key cannot reference a deferrable unique constraint",
    class_="gate",
    severity="error",
    why="""\
A deferrable unique constraint may be violated until `COMMIT`, so PostgreSQL does not accept it as
the target of a foreign key, and the statement fails. For the same reason it serves neither
`ON CONFLICT` nor as replica identity.

Build a second unique index on the same columns (`CREATE UNIQUE INDEX CONCURRENTLY`) and drop the
deferrable constraint, or reference another key.
""",
    source="CREATE TABLE, DEFERRABLE; REFERENCES",
    bad=Example(
        setup=_items("DEFERRABLE"),
        sql=_NOTES,
        proof=("error: cannot use a deferrable unique constraint for referenced table",),
    ),
    good=(Example(_NOTES, setup=_items("")),),
    silent=(
        Example(
            "CREATE TABLE notes (item_id bigint REFERENCES items (id) DEFERRABLE);",
            setup=_items("DEFERRABLE"),
        ),
        Example(
            "CREATE TABLE notes (item_id bigint REFERENCES items);", setup=_items("DEFERRABLE")
        ),
    ),
    operations=(AddConstraint, AddColumn, CreateTable),
)


def check(step: Step) -> Iterator[Hazard]:
    """A statement that fails, on new tables just as well."""
    for _, key, references in foreign_keys(step.operation):
        table = step.catalog.table(references)
        target = _target(table, key) if table is not None else None
        if table is None or target is None or not target.deferrable:
            continue
        if any(
            index.unique
            and index.constraint is None
            and index.where is None
            and {k.column for k in index.keys} == set(target.columns)
            for index in step.catalog.indexes_of(references)
        ):
            continue
        yield Hazard(
            f"The only unique constraint on {references} ({', '.join(target.columns)}) is "
            "deferrable, which no foreign key may reference: the migration fails here."
        )


def _target(table: Table, key: Constraint) -> Constraint | None:
    """The constraint that a foreign key would use: one that is not deferrable if there is one."""
    found = [
        constraint
        for constraint in table.constraints.values()
        if constraint.kind == "primary_key"
        or (constraint.kind == "unique" and key.referenced_columns)
        if not key.referenced_columns or set(constraint.columns) == set(key.referenced_columns)
    ]
    return min(found, key=lambda constraint: constraint.deferrable, default=None)
