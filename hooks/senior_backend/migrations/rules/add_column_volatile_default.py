"""ADD COLUMN with a default that differs from row to row."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import (
    added_column,
    certainty,
    depends_on,
    graded,
    work,
)
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL);"

RULE = Rule(
    id="add-column-volatile-default",
    title="A column with a volatile default rewrites the table",
    class_="gate",
    severity="error",
    why="""\
A constant default, and a stable one such as `now()`, is stored once in the catalog: the rows on
disk stay as they are. A **volatile** default (`gen_random_uuid()`, `random()`,
`clock_timestamp()`, `nextval()`) has to be computed for every row, so PostgreSQL writes the whole
table and all its indexes anew. It does so under `ACCESS EXCLUSIVE`: nobody reads or writes the
table until it is done.

Add the column without a default, give it the default in a second action (it then holds for new
rows only), and fill the old rows in batches.

A function of your own counts by its declared volatility, which is `VOLATILE` unless you said
otherwise. One in language SQL may be inlined and then costs nothing: that cannot be told here.""",
    source="ALTER TABLE, Notes (ADD COLUMN with a volatile DEFAULT)",
    bad=Example(
        "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();",
        setup=_ORDERS,
        proof=("orders ACCESS EXCLUSIVE", "orders rewrite"),
    ),
    good=(
        Example(
            "ALTER TABLE orders ADD COLUMN token uuid;\n"
            "ALTER TABLE orders ALTER COLUMN token SET DEFAULT gen_random_uuid();",
            setup=_ORDERS,
        ),
        Example(
            "-- repeat until no row is left\n"
            "UPDATE orders SET token = gen_random_uuid()\n"
            "WHERE id IN (SELECT id FROM orders WHERE token IS NULL LIMIT 1000);",
            transaction="statement",
        ),
    ),
    operations=(AddColumn,),
    silent=(
        Example("ALTER TABLE orders ADD COLUMN at timestamptz DEFAULT now();", setup=_ORDERS),
        Example("ALTER TABLE orders ADD COLUMN state text NOT NULL DEFAULT 'new';", setup=_ORDERS),
        Example(
            "CREATE TABLE orders (id bigint PRIMARY KEY);\n"
            "ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();"
        ),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A default on an existing table that makes, or may make, PostgreSQL rewrite it."""
    added = added_column(step)
    if added is None or added.definition.default is None or added.definition.serial:
        return
    domain = step.catalog.domain(added.definition.type)
    if domain is not None and domain.constrained:
        return
    rewrite, default = certainty(step, "rewrite"), added.definition.default.sql
    if rewrite:
        message = (
            f"DEFAULT {default} differs from row to row, so PostgreSQL "
            f"{work(step, added.table, 'rewrite')}."
        )
        yield graded(step, added.table, message)
    elif rewrite is None and added.definition.default.functions:
        message = (
            f"It depends on {depends_on(step)}: if so, every row gets its own DEFAULT {default} "
            f"and PostgreSQL {work(step, added.table, 'rewrite')}."
        )
        yield graded(step, added.table, message, certain=False)
