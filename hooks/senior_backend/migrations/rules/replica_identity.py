"""REPLICA IDENTITY."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.tables import SetReplicaIdentity

_SETUP = "CREATE TABLE invoices (id bigint PRIMARY KEY, total numeric NOT NULL);"

RULE = Rule(
    id="replica-identity",
    title="REPLICA IDENTITY decides whether a published table takes UPDATE and DELETE",
    class_="gate",
    severity="warning",
    why="""
A subscriber of logical replication finds the row to change by the old values that the publisher
logs. With `NOTHING`, or with `DEFAULT` on a table without a primary key, there are none: as soon as
the table is in a publication that includes updates, **UPDATE and DELETE fail on the publisher**.
With `FULL` every UPDATE and DELETE logs the whole old row, and subscribers may have to read their
table from end to end to find it.

Keep the primary key as identity, or name a unique index of columns that are `NOT NULL`
(`REPLICA IDENTITY USING INDEX`).
""",
    source="ALTER TABLE, REPLICA IDENTITY; 31.1 Publication",
    bad=Example(
        sql="ALTER TABLE invoices REPLICA IDENTITY NOTHING;",
        setup=_SETUP,
        proof=("invoices ACCESS EXCLUSIVE",),
    ),
    good=(
        Example(
            sql="ALTER TABLE invoices REPLICA IDENTITY USING INDEX invoices_pkey;",
            setup=_SETUP,
        ),
    ),
    operations=(SetReplicaIdentity,),
    silent=(Example("ALTER TABLE invoices REPLICA IDENTITY DEFAULT;", setup=_SETUP),),
)


def check(step: Step) -> Iterator[Hazard]:
    """An identity that makes published updates fail, or heavy."""
    change = step.the(SetReplicaIdentity)
    if step.is_new(change.table):
        return
    known = step.catalog.table(change.table)
    keyless = (
        known is not None
        and known.complete
        and all(c.kind != "primary_key" for c in known.constraints.values())
    )
    if change.identity == "nothing" or (change.identity == "default" and keyless):
        yield Hazard(
            f"Leaves {change.table} without a replica identity: while it is in a publication, "
            "every UPDATE and DELETE of it fails."
        )
    elif change.identity == "full":
        yield Hazard(
            f"Every UPDATE and DELETE of {change.table} will log the whole old row, and "
            "subscribers may read their whole table for each.",
            class_="hygiene",
            severity="info",
        )
