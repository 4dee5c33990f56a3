"""ADD COLUMN whose type is a domain with constraints."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import added_column, certainty, graded, work
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn

_SCHEMA = (
    "CREATE DOMAIN quantity AS integer CHECK (VALUE > 0);\n"
    "CREATE TABLE orders (id bigint PRIMARY KEY);"
)

RULE = Rule(
    id="add-column-constrained-domain",
    title="A column of a domain with constraints rewrites the table",
    class_="gate",
    severity="error",
    why="""\
Whether a value satisfies a domain is decided by running its constraints, and the value of the new
column, NULL included, is such a value. Up to PostgreSQL 18 a column whose domain has a `CHECK` or
`NOT NULL` is therefore added by writing the whole table and all its indexes anew under
`ACCESS EXCLUSIVE`, even without a default. Nobody reads or writes the table meanwhile. A domain
that is `NOT NULL` makes it fail when there are rows and no default.

Give the column the type below the domain and repeat the constraint on the table, `NOT VALID` at
first. A domain without constraints costs nothing.""",
    source="ALTER TABLE, Notes; CREATE DOMAIN, Notes",
    bad=Example(
        "ALTER TABLE orders ADD COLUMN pieces quantity;",
        setup=_SCHEMA,
        proof=("orders ACCESS EXCLUSIVE", "orders rewrite"),
    ),
    good=(
        Example(
            "ALTER TABLE orders ADD COLUMN pieces integer;\n"
            "ALTER TABLE orders ADD CONSTRAINT pieces_positive CHECK (pieces > 0) NOT VALID;",
            setup=_SCHEMA,
        ),
        Example("ALTER TABLE orders VALIDATE CONSTRAINT pieces_positive;"),
    ),
    operations=(AddColumn,),
    silent=(
        Example(
            "ALTER TABLE orders ADD COLUMN note note DEFAULT '';",
            setup="CREATE DOMAIN note AS text; CREATE TABLE orders (id bigint PRIMARY KEY);",
        ),
        Example("ALTER TABLE orders ADD COLUMN pieces quantity[];", setup=_SCHEMA),
        Example("CREATE TABLE lines (pieces quantity NOT NULL);", setup=_SCHEMA),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A column of a constrained domain on an existing table."""
    added = added_column(step)
    if added is None or added.definition.generated is not None:
        return
    domain = step.catalog.domain(added.definition.type)
    if domain is None or not domain.constrained or certainty(step, "rewrite") is False:
        return
    fails = domain.not_null and not added.definition.default and not domain.default
    message = (
        f"The constraints of domain {added.definition.type} are checked for every row, so "
        f"PostgreSQL {work(step, added.table, 'rewrite')}."
    ) + (" It fails when there are rows: the domain is NOT NULL." if fails else "")
    yield graded(step, added.table, message)
