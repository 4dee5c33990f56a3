"""RENAME of a view, function, type, schema and so on."""

from collections.abc import Iterator
from typing import Final

from senior_backend.findings import Severity
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import AddConstraint
from senior_backend.operations.names import Name
from senior_backend.operations.objects import (
    CreateCompositeType,
    CreateDomain,
    CreateEnum,
    CreateFunction,
    CreateMaterializedView,
    CreateSchema,
    CreateView,
    Rename,
)

RULE = Rule(
    id="rename-object",
    title="Renaming a view, function, type, sequence or schema fails code that has the old name",
    class_="gate",
    severity="warning",
    why="""
Inside the database nothing breaks: views and foreign keys follow the object, not its name. What
does break is text: statements that the running release sends (`nextval('numbers')` too), bodies of
functions in PL/pgSQL or written as strings, `search_path` settings that name a schema. They fail
from the commit on, and the next release fails until then. A unique or exclusion constraint has its
name in one place only, `INSERT ... ON CONFLICT ON CONSTRAINT`, and the sequence of a serial column
hardly anywhere; so these are notes.

Make the object under its new name beside the old one (a second view, a function that calls the
other), release code that uses the new name, and drop the old one in a later deploy.
""",
    source="ALTER VIEW; ALTER FUNCTION; ALTER SCHEMA; ALTER TYPE",
    bad=Example(
        sql="ALTER VIEW open_invoices RENAME TO unpaid_invoices;",
        setup="""
CREATE TABLE invoices (id bigint PRIMARY KEY, paid boolean NOT NULL);
CREATE VIEW open_invoices AS SELECT id FROM invoices WHERE NOT paid;
""",
        proof=("open_invoices ACCESS EXCLUSIVE",),
    ),
    good=(
        Example(
            sql="CREATE VIEW unpaid_invoices AS SELECT id FROM invoices WHERE NOT paid;",
            setup="""
CREATE TABLE invoices (id bigint PRIMARY KEY, paid boolean NOT NULL);
CREATE VIEW open_invoices AS SELECT id FROM invoices WHERE NOT paid;
""",
        ),
    ),
    operations=(Rename,),
    silent=(
        Example(
            "CREATE VIEW open_ids AS SELECT 1 AS id; ALTER VIEW open_ids RENAME TO ids;",
        ),
        Example(
            "ALTER VIEW totals RENAME TO totals_old; CREATE VIEW totals AS SELECT 2 AS n;",
            setup="CREATE VIEW totals AS SELECT 1 AS n;",
        ),
        Example(
            "ALTER INDEX invoices_pkey RENAME TO invoices_primary;",
            setup="CREATE TABLE invoices (id bigint PRIMARY KEY);",
        ),
        Example(
            "ALTER TABLE invoices RENAME CONSTRAINT positive TO total_positive;",
            setup="CREATE TABLE invoices (total numeric CONSTRAINT positive CHECK (total > 0));",
        ),
    ),
    downs=False,
)

_SEVERITIES: Final[dict[str, Severity]] = {
    "view": "error",
    "materialized view": "error",
    "schema": "error",
    "sequence": "warning",
    "function": "warning",
    "procedure": "warning",
    "routine": "warning",
    "aggregate": "warning",
    "type": "warning",
    "domain": "warning",
}


_ARBITERS: Final = frozenset({"unique", "primary_key", "exclude"})
"""The kinds of constraint that ON CONFLICT can name."""


_NAMED = (
    CreateView
    | CreateMaterializedView
    | CreateFunction
    | CreateEnum
    | CreateDomain
    | CreateCompositeType
)


def check(step: Step) -> Iterator[Hazard]:
    """A renamed object, unless it is new or the old name is given to another at once."""
    rename = step.the(Rename)
    kind = rename.kind
    known = step.catalog.table(rename.of)
    if kind == "constraint":
        yield from _constraint(step, rename)
        return
    if kind == "table" and known is not None and "view" in known.kind:
        kind = known.kind
    if kind not in _SEVERITIES or _is_new(step, rename) or _is_replaced(step, rename):
        return
    yield Hazard(
        f"Renames {kind} {rename.of} to {rename.new}: code of the running release that says "
        f"{rename.old} fails from the commit on.",
        severity=_SEVERITIES[kind],
        class_="note" if known is not None and known.owned_by else None,
    )


def _constraint(step: Step, rename: Rename) -> Iterator[Hazard]:
    """A constraint that INSERT may name; that of a new table or of this deploy nobody does yet."""
    table = step.catalog.table(rename.of)
    constraint = table.constraints.get(rename.old) if table is not None else None
    if constraint is None and table is not None and table.complete:
        return
    if constraint is not None and constraint.kind not in _ARBITERS:
        return
    if step.is_new(rename.of) or _is_added_before(step, rename) or _is_replaced(step, rename):
        return
    yield Hazard(
        f"INSERT INTO {rename.of} ... ON CONFLICT ON CONSTRAINT {rename.old}, if the running "
        "release says that anywhere, fails from the commit on.",
        severity="info",
        class_="note",
    )


def _is_added_before(step: Step, rename: Rename) -> bool:
    return any(
        isinstance(operation, AddConstraint)
        and operation.table == rename.of
        and operation.constraint.name == rename.old
        for operation in step.earlier
    )


def _is_new(step: Step, rename: Rename) -> bool:
    """Whether no client says the old name: it is of this deploy, or only triggers call it."""
    catalog, key = step.catalog, step.catalog.key(rename.of)
    if rename.kind == "schema":
        created_by = catalog.schemas.get(rename.old)
        return created_by is not None and step.is_from_this_deploy(created_by)
    if step.is_new(rename.of):
        return True
    function = catalog.functions.get(key)
    if function is not None and function.for_triggers:
        return True
    made = function or catalog.enums.get(key) or catalog.domains.get(key)
    return made is not None and step.is_from_this_deploy(made.created_by)


def _is_replaced(step: Step, rename: Rename) -> bool:
    old = Name(rename.of.schema, rename.old)
    for operation in step.later:
        if isinstance(operation, _NAMED):
            if operation.name == old:
                return True
        elif isinstance(operation, CreateSchema):
            if operation.name == rename.old:
                return True
        elif isinstance(operation, Rename) and operation.new == rename.old:
            return True
    return False
