"""GRANT ... TO PUBLIC."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.objects import Grant

_SETUP = "CREATE TABLE invoices (id bigint PRIMARY KEY, total numeric NOT NULL);"

RULE = Rule(
    id="grant-to-public",
    title="A grant to PUBLIC reaches every role, those created later too",
    class_="hygiene",
    severity="warning",
    why="""
`PUBLIC` stands for all roles of the server that can connect to the database: reporting accounts,
other services, whoever gets a role next year. Revoking the privilege from one of them has no
effect as long as `PUBLIC` has it.

Grant to a role that stands for the use (`app_reader`), and make the roles that need it its members.
Grants of `EXECUTE` on functions and `USAGE` of types are not reported: PUBLIC has those by default.
""",
    source="GRANT; 5.8 Privileges",
    bad=Example(sql="GRANT SELECT ON invoices TO PUBLIC;", setup=_SETUP),
    good=(
        Example(
            sql="GRANT SELECT ON invoices TO pg_read_all_data;",
            setup=_SETUP,
        ),
    ),
    operations=(Grant,),
    silent=(
        Example("REVOKE ALL ON invoices FROM PUBLIC;", setup=_SETUP),
        Example("GRANT USAGE ON SCHEMA public TO PUBLIC;"),
    ),
)

_BY_DEFAULT = ("function", "procedure", "routine", "type", "domain", "language")
_HARMLESS = {"schema": {"usage"}, "database": {"connect", "temporary", "temp"}}


def check(step: Step) -> Iterator[Hazard]:
    """A privilege for everybody beyond those that everybody has."""
    grant = step.the(Grant)
    if grant.revoke or "public" not in grant.grantees or any(k in grant.kind for k in _BY_DEFAULT):
        return
    privileges = {privilege.lower() for privilege in grant.privileges} or {"all"}
    if grant.kind in _HARMLESS and privileges <= _HARMLESS[grant.kind]:
        return
    objects = ", ".join(map(str, grant.objects))
    yield Hazard(
        f"Every role that can connect gets {', '.join(sorted(privileges)).upper()} on "
        f"{grant.kind} {objects}, roles created later included."
    )
