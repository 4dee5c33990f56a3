"""ALTER TYPE ... RENAME VALUE while code may still use the old label."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.names import TypeName
from senior_backend.operations.objects import Rename

_SCHEMA = (
    "CREATE TYPE state AS ENUM ('new', 'payed');\n"
    "CREATE TABLE orders (id bigint PRIMARY KEY, state state NOT NULL);"
)

RULE = Rule(
    id="rename-enum-value",
    title="Renaming an enum value breaks the code that uses the old one",
    class_="gate",
    severity="error",
    why="""\
The rows store a number, so the rename takes an instant and locks no table. But the label is what
code writes and compares with: *invalid input value for enum* for every `INSERT`, `UPDATE` and
`WHERE` with the old label from the commit on, and the new one is refused before it. Old code that
reads the new label meets a value that it does not know. Subscribers of logical replication
receive labels, and stop at one that they do not have.

Add the new value, deploy code that reads both and writes the new one, move the rows over in
batches, and leave the old label unused: PostgreSQL cannot drop one.""",
    source="ALTER TYPE, RENAME VALUE; 8.7 Enumerated Types",
    bad=Example("ALTER TYPE state RENAME VALUE 'payed' TO 'paid';", setup=_SCHEMA),
    good=(
        Example("ALTER TYPE state ADD VALUE 'paid' AFTER 'payed';", setup=_SCHEMA),
        Example(
            "-- repeat until no row is left\n"
            "UPDATE orders SET state = 'paid'\n"
            "WHERE id IN (SELECT id FROM orders WHERE state = 'payed' LIMIT 1000);",
            transaction="statement",
        ),
    ),
    operations=(Rename,),
    silent=(
        Example(
            "CREATE TYPE mood AS ENUM ('good');\nALTER TYPE mood RENAME VALUE 'good' TO 'well';"
        ),
    ),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """A label that code of an earlier release may use."""
    rename = step.the(Rename)
    if rename.kind != "enum value":
        return
    enum = step.catalog.enum(TypeName(rename.of.schema, rename.of.name))
    if enum is not None:
        added = enum.added.get(rename.old, enum.created_by)
        if step.is_from_this_deploy(max(added, enum.created_by)):
            return
    yield Hazard(
        f"Code still running that writes or compares {rename.of} with '{rename.old}' fails from "
        f"the commit on; new code that uses '{rename.new}' fails before it."
    )
