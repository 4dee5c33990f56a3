"""ADD PRIMARY KEY USING INDEX over columns that may be NULL."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import certainty, graded
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import AddConstraint
from senior_backend.operations.names import Name

_EVENTS = "CREATE TABLE events (id bigint, payload text);"
_INDEX = "CREATE UNIQUE INDEX events_pkey ON events (id);"
_ADOPT = "ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY USING INDEX events_pkey;"

RULE = Rule(
    id="primary-key-using-index-nullable",
    title="PRIMARY KEY USING INDEX reads the table when a column may be NULL",
    class_="gate",
    severity="error",
    why="""\
A primary key makes its columns `NOT NULL`. Adopting a ready index is meant to take an instant, but
for a column that may be `NULL` PostgreSQL first reads the whole table under `ACCESS EXCLUSIVE` to
see that none is. Neither reads nor writes get through meanwhile.

Make the column `NOT NULL` before, without that scan: add `CHECK (column IS NOT NULL) NOT VALID`,
validate it in a migration of its own, then `SET NOT NULL`, which trusts the validated check.
""",
    source="ALTER TABLE, ADD table_constraint_using_index",
    bad=Example(
        setup=f"{_EVENTS}\n{_INDEX}",
        sql=_ADOPT,
        proof=("events ACCESS EXCLUSIVE", "events scan"),
    ),
    good=(
        Example(
            "ALTER TABLE events ADD CONSTRAINT events_id_set CHECK (id IS NOT NULL) NOT VALID;",
            setup=f"{_EVENTS}\n{_INDEX}",
        ),
        Example("ALTER TABLE events VALIDATE CONSTRAINT events_id_set;"),
        Example(
            "ALTER TABLE events ALTER COLUMN id SET NOT NULL;\n"
            "ALTER TABLE events DROP CONSTRAINT events_id_set;"
        ),
        Example(_ADOPT),
    ),
    silent=(
        Example(_ADOPT, setup=f"CREATE TABLE events (id bigint NOT NULL);\n{_INDEX}"),
        Example(
            _ADOPT,
            setup=f"CREATE TABLE events (id bigint CHECK (id IS NOT NULL));\n{_INDEX}",
        ),
        Example(f"{_EVENTS}\n{_INDEX}\n{_ADOPT}"),
    ),
    operations=(AddConstraint,),
)


def check(step: Step) -> Iterator[Hazard]:
    """A column of the index that is known, may be NULL, and has no check to prove otherwise."""
    added = step.the(AddConstraint)
    constraint, table = added.constraint, added.table
    if constraint.kind != "primary_key" or not constraint.using_index or step.is_new(table):
        return
    index = step.catalog.index(Name(step.catalog.key(table).schema, constraint.using_index))
    if index is None or certainty(step, "scan") is False:
        return
    nullable = []
    for key in index.keys:
        column = step.catalog.column(table, key.column) if key.column else None
        if column is not None and not column.definition.not_null:
            nullable.append(key.column or "")
    if nullable:
        yield graded(
            step,
            table,
            f"{', '.join(nullable)} may be NULL, so PRIMARY KEY USING INDEX reads every row of "
            f"{table} under ACCESS EXCLUSIVE: all reads and writes of {table} wait until it is "
            "done. Write a validated CHECK and SET NOT NULL before it.",
        )
