"""DROP of a view, function, type and so on that clients may be using."""

from collections.abc import Iterator
from typing import Final

from senior_backend.findings import Severity
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.names import Name
from senior_backend.operations.objects import (
    CreateCompositeType,
    CreateDomain,
    CreateEnum,
    CreateFunction,
    CreateMaterializedView,
    CreatePolicy,
    CreateSequence,
    CreateView,
    Drop,
    DropFromTable,
    Rename,
)
from senior_backend.operations.operation import Operation
from senior_backend.operations.tables import CreateTable

RULE = Rule(
    id="drop-object",
    title="A view, function, type or policy is dropped that clients may be using",
    class_="gate",
    severity="warning",
    why="""
Dropping a view, function, procedure, type, domain, sequence or extension takes a moment and deletes
no rows, but the release that is still running may name it: its statements fail from the commit on.
PostgreSQL refuses the drop only for what depends on it inside the database; what applications send
it cannot know. A dropped policy changes what rows a role sees: of a permissive one, fewer.

Replacing is different: `DROP VIEW` and `CREATE VIEW` of the same name in one transaction leave no
moment without it (as `CREATE OR REPLACE` does), and are not reported.

Release code that does not use it first, and drop it in a later deploy.
""",
    source="DROP VIEW; DROP FUNCTION; DROP TYPE; 5.15 Dependency Tracking",
    bad=Example(
        sql="DROP VIEW open_invoices;",
        setup="""
CREATE TABLE invoices (id bigint PRIMARY KEY, paid boolean NOT NULL);
CREATE VIEW open_invoices AS SELECT id FROM invoices WHERE NOT paid;
""",
        proof=("open_invoices ACCESS EXCLUSIVE",),
    ),
    good=(
        Example(
            sql="""
DROP VIEW open_invoices;
CREATE VIEW open_invoices AS SELECT id, paid FROM invoices WHERE NOT paid;
""",
            setup="""
CREATE TABLE invoices (id bigint PRIMARY KEY, paid boolean NOT NULL);
CREATE VIEW open_invoices AS SELECT id FROM invoices WHERE NOT paid;
""",
        ),
    ),
    operations=(Drop, DropFromTable),
    silent=(
        Example("CREATE VIEW scratch AS SELECT 1 AS n; DROP VIEW scratch;"),
        Example(
            "DROP FUNCTION tax(numeric); "
            "CREATE FUNCTION tax(amount numeric, rate numeric) RETURNS numeric LANGUAGE sql "
            "AS 'SELECT amount * rate';",
            setup="CREATE FUNCTION tax(amount numeric) RETURNS numeric LANGUAGE sql "
            "AS 'SELECT amount * 0.2';",
        ),
        Example(
            "DROP TRIGGER IF EXISTS touch ON invoices;", setup="CREATE TABLE invoices (id int);"
        ),
    ),
    downs=False,
)

_SEVERITIES: Final[dict[str, Severity]] = {
    "view": "error",
    "materialized view": "error",
    "function": "warning",
    "procedure": "warning",
    "routine": "warning",
    "aggregate": "warning",
    "type": "warning",
    "domain": "warning",
    "sequence": "warning",
    "extension": "error",
}
_CREATED = (
    CreateView
    | CreateMaterializedView
    | CreateFunction
    | CreateEnum
    | CreateDomain
    | CreateCompositeType
    | CreateSequence
)


def check(step: Step) -> Iterator[Hazard]:
    """A drop of what was there before and is not put back by this migration."""
    operation = step.operation
    if isinstance(operation, DropFromTable):
        yield from _policy(step, operation)
    elif isinstance(operation, Drop) and operation.kind in _SEVERITIES and not operation.cascade:
        if _is_new(step, operation) or _is_put_back(step, operation.name):
            return
        yield Hazard(
            f"Drops {operation.kind} {operation.name}: code of the running release that uses it "
            "fails from the commit on.",
            severity=_SEVERITIES[operation.kind],
        )


def _policy(step: Step, drop: DropFromTable) -> Iterator[Hazard]:
    if drop.kind != "policy" or step.is_new(drop.table):
        return
    known = step.catalog.table(drop.table)
    if known is not None and known.complete and drop.name not in known.policies:
        return
    if known is not None and known.complete and not known.row_security:
        return
    for later in step.later:
        if isinstance(later, CreatePolicy) and later.table == drop.table:
            return
    yield Hazard(
        f"Drops the policy {drop.name} of {drop.table}: roles under row-level security see other "
        "rows from the commit on, and none when it was the last one that permits them any.",
    )


def _is_new(step: Step, drop: Drop) -> bool:
    catalog, key = step.catalog, step.catalog.key(drop.name)
    if "view" in drop.kind or drop.kind == "sequence":
        known = catalog.table(drop.name)
        if known is not None:
            return step.is_new(drop.name)
    else:
        made = catalog.functions.get(key) or catalog.enums.get(key) or catalog.domains.get(key)
        if made is not None:
            return step.is_from_this_deploy(made.created_by)
    if any(_creates(o) == drop.name for o in step.earlier):
        return True
    return drop.if_exists and catalog.complete and drop.kind in ("view", "materialized view")


def _is_put_back(step: Step, name: Name) -> bool:
    for operation in step.later:
        if _creates(operation) == name:
            return True
        if isinstance(operation, Rename) and operation.new == name.name:
            return True
    return False


def _creates(operation: Operation) -> Name | None:
    if isinstance(operation, _CREATED):
        return operation.name
    return operation.table if isinstance(operation, CreateTable) else None
