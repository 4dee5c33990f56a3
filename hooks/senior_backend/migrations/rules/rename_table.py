"""ALTER TABLE ... RENAME TO."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.names import Name
from senior_backend.operations.objects import CreateView, Rename
from senior_backend.operations.tables import CreateTable

_INVOICES = "CREATE TABLE invoices (id bigint PRIMARY KEY, paid boolean NOT NULL);"

RULE = Rule(
    id="rename-table",
    title="Renaming a table fails every statement that has the old name",
    class_="gate",
    severity="error",
    why="""
The rename takes a moment (ACCESS EXCLUSIVE), but no two releases agree on the name: the old one
fails from the commit on, the new one fails until then. Statements prepared before do not help,
they are planned anew.

Leave the table its name, and give it the new one in the application only. Where the name has to
go, a view with the old one can stand in for it, made in the same transaction and with the grants of
the table: INSERT, UPDATE and DELETE pass through it. TRUNCATE, COPY FROM, references, triggers and
later migrations that name the table do not, so look for them first.
""",
    source="ALTER TABLE, RENAME; CREATE VIEW, Updatable Views",
    bad=Example(
        sql="ALTER TABLE invoices RENAME TO bills;",
        setup=_INVOICES,
        proof=("invoices ACCESS EXCLUSIVE",),
    ),
    good=(
        Example(
            sql="""
ALTER TABLE invoices RENAME TO bills;
CREATE VIEW invoices AS SELECT * FROM bills;
""",
            setup=_INVOICES,
        ),
    ),
    operations=(Rename,),
    silent=(
        Example("CREATE TABLE invoices_new (id int); ALTER TABLE invoices_new RENAME TO bills;"),
        Example(
            "CREATE TABLE invoices_new (LIKE invoices); "
            "ALTER TABLE invoices RENAME TO invoices_old; "
            "ALTER TABLE invoices_new RENAME TO invoices;",
            setup=_INVOICES,
        ),
    ),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """A renamed table, unless the old name goes on to exist."""
    rename = step.the(Rename)
    if rename.kind not in ("table", "foreign table") or step.is_new(rename.of):
        return
    known = step.catalog.table(rename.of)
    if known is not None and (known.partition_of is not None or "view" in known.kind):
        return
    if not _keeps_name(step, rename):
        yield Hazard(
            f"Renames {rename.of} to {rename.new}: the running release still says {rename.old} "
            "and fails from the commit on; the next one fails until then."
        )
    elif step.transaction is None:
        yield Hazard(
            f"Renames {rename.of} to {rename.new} outside a transaction: until the statement that "
            f"brings {rename.old} back has run, all code that uses it fails.",
            severity="warning",
        )


def _keeps_name(step: Step, rename: Rename) -> bool:
    old = Name(rename.of.schema, rename.old)
    for operation in step.later:
        if isinstance(operation, CreateView) and operation.name == old:
            return True
        if isinstance(operation, CreateTable) and operation.table == old:
            return True
        if isinstance(operation, Rename) and operation.new == rename.old:
            return True
    return False
