"""A new constraint of a domain that tables use."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.objects import AlterDomain

_SCHEMA = """
CREATE DOMAIN amount AS bigint;
CREATE TABLE orders (id bigint PRIMARY KEY, total amount);
"""

RULE = Rule(
    id="domain-constraint",
    title="A new domain constraint blocks writes to every table that uses the domain",
    class_="gate",
    severity="error",
    why="""\
`ALTER DOMAIN ... ADD CHECK` and `SET NOT NULL` look through every table with a column of the
domain, one after the other, and hold `SHARE` on all of them until the end: reads go on, every write
to any of these tables waits. PostgreSQL names none of them.

Add the check `NOT VALID`: no table is locked, and new values are checked from then on. For
`NOT NULL` use `CHECK (VALUE IS NOT NULL) NOT VALID` in the same way. But unlike that of a table,
`VALIDATE CONSTRAINT` of a domain scans under the same `SHARE` locks: leave the old rows alone, or
validate when writes may wait. A `CHECK` on the table itself is easier to bring in.
""",
    source="ALTER DOMAIN, Notes",
    bad=Example(
        setup=_SCHEMA,
        sql="ALTER DOMAIN amount ADD CONSTRAINT amount_positive CHECK (VALUE > 0);",
        proof=("orders SHARE", "orders scan"),
    ),
    good=(
        Example(
            "ALTER DOMAIN amount ADD CONSTRAINT amount_positive CHECK (VALUE > 0) NOT VALID;",
            setup=_SCHEMA,
        ),
    ),
    silent=(
        Example("CREATE DOMAIN price AS bigint CHECK (VALUE > 0);", setup=_SCHEMA),
        Example(f"{_SCHEMA}\nALTER DOMAIN amount SET NOT NULL;"),
        Example(
            "CREATE TABLE lines (price money_amount);\nALTER DOMAIN money_amount SET NOT NULL;",
            setup="CREATE DOMAIN money_amount AS bigint;",
        ),
        Example("ALTER DOMAIN amount SET DEFAULT 0;", setup=_SCHEMA),
        Example("ALTER DOMAIN amount DROP NOT NULL;", setup=_SCHEMA),
    ),
    operations=(AlterDomain,),
)


def check(step: Step) -> Iterator[Hazard]:
    """A constraint for whose sake the rows of tables in use are read."""
    altered = step.the(AlterDomain)
    added = altered.constraint
    if altered.action == "add constraint" and (added is None or not added.not_valid):
        what = "ADD CONSTRAINT"
    elif altered.action == "set not null":
        what = "SET NOT NULL"
    elif altered.action == "validate constraint":
        what = "VALIDATE CONSTRAINT"
    else:
        return
    users = {table.name for table, _ in step.catalog.users_of_domain(altered.domain)}
    in_use = [name for name in sorted(users) if not step.is_new(name)]
    domain = step.catalog.domains.get(step.catalog.key(altered.domain))
    if not in_use and domain is not None:
        return  # nobody uses it, or nobody can be using what uses it
    tables = ", ".join(map(step.label, in_use)) or "every table that uses it"
    small = bool(in_use) and all(map(step.is_small, in_use))
    yield Hazard(
        f"{what} of domain {altered.domain} takes SHARE on {tables} and reads all rows under it: "
        "writes there wait until it is done.",
        severity="info" if small else None,
        class_="hygiene" if small else None,
    )
