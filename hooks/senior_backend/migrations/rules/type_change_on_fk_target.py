"""ALTER COLUMN ... TYPE of a column that a foreign key joins to another table."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import certainty
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AlterColumnType
from senior_backend.operations.names import Name

_SCHEMA = (
    "CREATE TABLE customers (id integer PRIMARY KEY);\n"
    "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id integer REFERENCES customers (id));"
)

RULE = Rule(
    id="type-change-on-fk-target",
    title="Changing the type of a foreign key's column locks the other table too",
    class_="gate",
    severity="error",
    why="""\
A foreign key on the column, from either side, is dropped and made again with the new type. For
that PostgreSQL takes `ACCESS EXCLUSIVE` on the **other** table as well, and when the values were
converted it reads the referencing table to validate the key. Both tables stay closed to reads and
writes until the whole statement is done, the rewrite included.

Widening the key of a table with many references therefore closes all of them at once. Take the
way over new columns: add `id_big`, fill it in batches, build its unique index concurrently; add
and fill the referencing columns; add the foreign keys `NOT VALID` and validate; swap by name in
one short transaction. `plan` does not write these steps: columns of several tables have to go
together, which is left to you.

Without a rewrite (`varchar(10)` to `text`) the second lock is brief; that is reported as
hygiene.""",
    source="ALTER TABLE, SET DATA TYPE; 13.3.1 Table-Level Locks",
    bad=Example(
        "ALTER TABLE customers ALTER COLUMN id TYPE bigint;",
        setup=_SCHEMA,
        also=("column-type-rewrite",),
        proof=("orders ACCESS EXCLUSIVE", "customers ACCESS EXCLUSIVE", "customers rewrite"),
    ),
    good=(
        Example("ALTER TABLE customers ADD COLUMN id_big bigint;", setup=_SCHEMA),
        Example(
            "CREATE UNIQUE INDEX CONCURRENTLY customers_id_big ON customers (id_big);",
            transaction="statement",
        ),
    ),
    operations=(AlterColumnType,),
    silent=(
        Example(
            "ALTER TABLE customers ALTER COLUMN name TYPE text;",
            setup="CREATE TABLE customers (id integer PRIMARY KEY, name varchar(9));\n"
            "CREATE TABLE orders (customer_id integer REFERENCES customers (id));",
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """Other tables that are locked because a foreign key joins them to the column."""
    change = step.the(AlterColumnType)
    if not (others := sorted(_others(step, change))):
        return
    what, names = f"{change.table}.{change.column}", ", ".join(others)
    rewrite = certainty(step, "rewrite")
    if rewrite is False or step.is_new(change.table):
        yield Hazard(
            f"The foreign key on {what} is made again, which takes ACCESS EXCLUSIVE on {names} "
            "as well, briefly: its reads and writes queue too.",
            severity="warning",
            class_="hygiene",
        )
        return
    yield Hazard(
        f"The foreign key on {what} is made again and validated: ACCESS EXCLUSIVE on {names} as "
        "well, whose reads and writes wait until the rewrite and the validation end.",
        severity="error" if rewrite else "warning",
    )


def _others(step: Step, change: AlterColumnType) -> set[str]:
    """Existing tables at the other end of foreign keys on the column."""
    catalog = step.catalog
    table = catalog.table(change.table)
    found: set[Name] = set()
    if table is not None:
        key = next((c.columns for c in table.constraints.values() if c.kind == "primary_key"), ())
        for holder, foreign_key in catalog.foreign_keys_to(change.table):
            if change.column in (foreign_key.referenced_columns or key):
                found.add(catalog.key(holder.name))
        for constraint in table.constraints.values():
            if constraint.references is not None and change.column in constraint.columns:
                found.add(catalog.key(constraint.references))
    found.discard(catalog.key(change.table))
    shown = {n: n.name if n.schema == catalog.search_path else str(n) for n in found}
    return {text for name, text in shown.items() if not step.is_new(name)}
