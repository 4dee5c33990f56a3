"""DROP of a view, function, type and so on that clients may be using."""

from collections.abc import Iterator
from typing import Final

from senior_backend.findings import Class, Severity
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

_GRAVITY: Final[dict[str, tuple[Class, Severity]]] = {
    "view": ("gate", "error"),
    "materialized view": ("gate", "error"),
    "extension": ("gate", "error"),
    "function": ("gate", "warning"),
    "procedure": ("gate", "warning"),
    "routine": ("gate", "warning"),
    "aggregate": ("gate", "warning"),
    # No column has the type any more, or the drop is refused; few statements name a sequence.
    "type": ("hygiene", "info"),
    "domain": ("hygiene", "info"),
    "sequence": ("hygiene", "info"),
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
        return
    drops = [
        drop
        for drop in step.named_together(Drop)
        if drop.kind in _GRAVITY
        and not drop.cascade
        and not _is_new(step, drop)
        and not _is_put_back(step, drop.name)
    ]
    if not drops:
        return
    class_, severity = _GRAVITY[drops[0].kind]
    if step.number and all(drop.if_exists and not _is_known(step, drop) for drop in drops):
        class_, severity = "hygiene", "info"  # no migration here creates it
    names = [str(drop.name) for drop in drops]
    listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if names[4:] else "")
    yield Hazard(
        f"Drops {drops[0].kind} {listed}: code of the running release that uses it fails from the "
        "commit on.",
        class_=class_,
        severity=severity,
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


def _is_known(step: Step, drop: Drop) -> bool:
    catalog, key = step.catalog, step.catalog.key(drop.name)
    if drop.kind == "extension":
        return drop.name.name in catalog.extensions
    kinds = (catalog.tables, catalog.functions, catalog.enums, catalog.domains)
    return any(key in known for known in kinds)


def _is_new(step: Step, drop: Drop) -> bool:
    """Whether no client knows it: made or named so by this deploy, or only for triggers."""
    catalog, key = step.catalog, step.catalog.key(drop.name)
    if "view" in drop.kind or drop.kind == "sequence":
        if catalog.table(drop.name) is not None and step.is_new(drop.name):
            return True
    elif drop.kind in ("function", "procedure", "routine") and key in catalog.functions:
        function = catalog.functions[key]
        if function.for_triggers or step.is_from_this_deploy(function.created_by):
            return True
    else:
        made = catalog.enums.get(key) or catalog.domains.get(key)
        if made is not None and step.is_from_this_deploy(made.created_by):
            return True
    for operation in step.earlier:
        if _creates(operation) == drop.name:
            return True
        if isinstance(operation, Rename) and operation.new == drop.name.name:
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
