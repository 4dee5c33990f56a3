"""ENABLE ROW LEVEL SECURITY."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.objects import CreatePolicy
from senior_backend.operations.tables import SetRowSecurity

_SETUP = "CREATE TABLE invoices (id bigint PRIMARY KEY, tenant text NOT NULL);"

# Where the tools note what they have applied. No release reads them, and who migrates owns them: to
# close them is what Supabase asks for, since it shows every table of schema public to the internet.
_LEDGERS = frozenset(
    {
        "__diesel_schema_migrations",
        "__drizzle_migrations",
        "_prisma_migrations",
        "alembic_version",
        "flyway_schema_history",
        "goose_db_version",
        "gorp_migrations",
        "schema_migrations",
    }
)

RULE = Rule(
    id="enable-row-security-without-policy",
    title="Row-level security without a policy hides all rows from ordinary roles",
    class_="gate",
    severity="warning",
    why="""
From the commit on, roles that do not own the table see only the rows that a policy permits. With no
policy that is none: SELECT finds nothing, UPDATE and DELETE change nothing, **without an error**,
and INSERT is refused. The owner, superusers and roles with `BYPASSRLS` go on as before (the owner
not with `FORCE`), which is why it is not noticed in a test that connects as the owner.

Create the policies before row security is enabled, or in the same transaction.
""",
    source="5.9 Row Security Policies",
    bad=Example(
        sql="ALTER TABLE invoices ENABLE ROW LEVEL SECURITY;",
        setup=_SETUP,
        proof=("invoices ACCESS EXCLUSIVE",),
    ),
    good=(
        Example(
            sql="""
CREATE POLICY by_tenant ON invoices USING (tenant = current_setting('app.tenant'));
ALTER TABLE invoices ENABLE ROW LEVEL SECURITY;
""",
            setup=_SETUP,
        ),
    ),
    operations=(SetRowSecurity,),
    silent=(
        Example("CREATE TABLE scratch (id int); ALTER TABLE scratch ENABLE ROW LEVEL SECURITY;"),
        Example("ALTER TABLE invoices DISABLE ROW LEVEL SECURITY;", setup=_SETUP),
        Example(
            "ALTER TABLE invoices ENABLE ROW LEVEL SECURITY; "
            "CREATE POLICY by_tenant ON invoices USING (true);",
            setup=_SETUP,
        ),
        Example(
            "ALTER TABLE _prisma_migrations ENABLE ROW LEVEL SECURITY;",
            setup="CREATE TABLE _prisma_migrations (id text PRIMARY KEY);",
        ),
    ),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """Row security turned on for a table in use with no policy in sight."""
    change = step.the(SetRowSecurity)
    if change.action not in ("enable", "force") or step.is_new(change.table):
        return
    if change.table.name in _LEDGERS:
        return
    known = step.catalog.table(change.table)
    if known is not None and (known.policies or (known.row_security and change.action == "enable")):
        return
    if change.action == "force" and (known is None or not known.row_security):
        return  # of no effect until it is enabled
    for operation in step.later:
        if isinstance(operation, CreatePolicy) and operation.table == change.table:
            if step.transaction is not None:
                return
            yield Hazard(
                f"Hides every row of {change.table} from roles that do not own it, until the "
                "policy that follows has been created: the two do not share a transaction.",
            )
            return
    whom = "its owner too" if change.action == "force" else "roles that do not own it"
    yield Hazard(
        f"Hides every row of {change.table} from {whom}, for no policy permits any: the running "
        "release reads nothing and its inserts are refused, unless it connects as a role that "
        "row security does not concern."
    )
