"""ADD COLUMN ... UNIQUE or PRIMARY KEY."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import added_column, certainty, graded, work
from senior_backend.migrations.rules.add_column_required import required
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY);"

RULE = Rule(
    id="add-column-inline-unique",
    title="A new column with UNIQUE builds its index under an exclusive lock",
    class_="gate",
    severity="error",
    why="""\
The constraint needs a unique index, and `ADD COLUMN ... UNIQUE` (or `PRIMARY KEY`) builds it at
once: it reads and sorts the whole table under `ACCESS EXCLUSIVE`, although every row holds the
same value, NULL. Nobody reads or writes the table until the index stands.

Add the column alone, build the index with `CREATE UNIQUE INDEX CONCURRENTLY` outside a
transaction, and turn it into the constraint with `ADD CONSTRAINT ... UNIQUE USING INDEX`, which
takes an instant. With a constant default the statement fails as soon as there are two rows.""",
    source="ALTER TABLE, ADD table_constraint_using_index; 11.6 Unique Indexes",
    bad=Example(
        "ALTER TABLE orders ADD COLUMN reference text UNIQUE;",
        setup=_ORDERS,
        proof=("orders ACCESS EXCLUSIVE", "orders index build"),
    ),
    good=(
        Example("ALTER TABLE orders ADD COLUMN reference text;", setup=_ORDERS),
        Example(
            "CREATE UNIQUE INDEX CONCURRENTLY orders_reference_key ON orders (reference);",
            transaction="statement",
        ),
        Example(
            "ALTER TABLE orders\n"
            "  ADD CONSTRAINT orders_reference_key UNIQUE USING INDEX orders_reference_key;"
        ),
    ),
    operations=(AddColumn,),
    silent=(
        Example("ALTER TABLE orders ADD COLUMN reference text;", setup=_ORDERS),
        Example("CREATE TABLE orders (id bigint PRIMARY KEY, reference text UNIQUE);"),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A unique index with a new column, unless a rewrite builds it anyway."""
    added = added_column(step)
    if added is None or certainty(step, "rewrite") or required(added.definition):
        return
    kinds = {c.kind for c in added.definition.constraints}
    if "primary_key" in kinds or "unique" in kinds:
        word = "PRIMARY KEY" if "primary_key" in kinds else "UNIQUE"
        message = f"For {word} PostgreSQL {work(step, added.table, 'index_build')}."
        yield graded(step, added.table, message)
