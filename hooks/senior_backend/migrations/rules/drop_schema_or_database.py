"""DROP SCHEMA, DROP DATABASE."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.objects import Drop

RULE = Rule(
    id="drop-schema-or-database",
    title="DROP SCHEMA CASCADE and DROP DATABASE delete everything inside",
    class_="gate",
    severity="error",
    why="""
`DROP SCHEMA ... CASCADE` drops each table, view, type and function in the schema, and what depends
on them in other schemas; `DROP DATABASE` everything there is. All code that uses any of it fails,
and only a backup brings the rows back.

Without `CASCADE`, `DROP SCHEMA` refuses a schema that is not empty. Empty it by name, one object a
statement, so that whatever was overlooked stops the migration, and drop the empty schema then.
`DROP DATABASE` has no place in a migration: it cannot run in a transaction, nor while anybody is
connected.
""",
    source="DROP SCHEMA; DROP DATABASE",
    bad=Example(
        sql="DROP SCHEMA billing CASCADE;",
        setup="CREATE SCHEMA billing; CREATE TABLE billing.invoices (id bigint PRIMARY KEY);",
        proof=("billing.invoices ACCESS EXCLUSIVE",),
    ),
    good=(Example(sql="DROP SCHEMA billing;", setup="CREATE SCHEMA billing;"),),
    operations=(Drop,),
    silent=(Example("CREATE SCHEMA scratch; DROP SCHEMA scratch CASCADE;"),),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """A schema with what is in it, or a whole database."""
    drop = step.the(Drop)
    if drop.kind == "database":
        yield Hazard(
            f"Drops the database {drop.name} with everything in it: every service that uses it "
            "fails, and only a backup brings it back."
        )
    if drop.kind != "schema" or not drop.cascade:
        return
    schema = drop.name.name
    created_by = step.catalog.schemas.get(schema)
    if created_by is None and drop.if_exists and step.catalog.complete:
        return
    if created_by is not None and step.is_from_this_deploy(created_by):
        return
    tables = sum(
        t.name.schema == schema and t.kind == "table" for t in step.catalog.tables.values()
    )
    held = f" ({tables} known table{'s' * (tables != 1)})" if tables else ""
    yield Hazard(
        f"Drops schema {schema} with everything in it{held} and all that depends on that: the "
        "rows are gone, and code that uses any of it fails from the commit on."
    )
