"""DROP ... CASCADE: the statement does not say all that it drops."""

from collections.abc import Iterator

from senior_backend.catalog.model import Catalog
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.names import Name
from senior_backend.operations.objects import (
    CreateCompositeType,
    CreateDomain,
    CreateEnum,
    CreateFunction,
    CreateMaterializedView,
    CreateView,
    Drop,
    Rename,
)

RULE = Rule(
    id="drop-cascade",
    title="CASCADE drops whatever depends on the object, named or not",
    class_="gate",
    severity="error",
    why="""
`CASCADE` removes everything that depends on the object: foreign keys of other tables, views and
the views on those, columns whose type is dropped, triggers that call a dropped function. What that
is depends on the database in which it runs, not on the file that was reviewed, and the server
only mentions it in a NOTICE, which most migration tools do not show.

The foreign keys and columns that go are data rules and data of *other* tables; each of those
tables is locked with ACCESS EXCLUSIVE as well.

Drop the dependent objects by name first, then the object without `CASCADE`: if there is one that
nobody thought of, the migration fails instead of removing it.
""",
    source="DROP TABLE, Parameters; 5.15 Dependency Tracking",
    bad=Example(
        sql="DROP TABLE customers CASCADE;",
        setup="""
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE invoices (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id));
CREATE VIEW customer_ids AS SELECT id FROM customers;
""",
        proof=("customers ACCESS EXCLUSIVE", "invoices ACCESS EXCLUSIVE"),
    ),
    good=(
        Example(
            sql="""
DROP VIEW customer_ids;
ALTER TABLE invoices DROP CONSTRAINT invoices_customer_id_fkey;
DROP TABLE customers;
""",
            setup="""
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE invoices (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id));
CREATE VIEW customer_ids AS SELECT id FROM customers;
""",
            also=("drop-object", "drop-table"),
        ),
    ),
    operations=(Drop,),
    silent=(
        Example("CREATE TABLE scratch (id int); DROP TABLE scratch CASCADE;"),
        Example(
            "DROP VIEW totals CASCADE; CREATE VIEW totals AS SELECT 2 AS n;",
            setup="CREATE VIEW totals AS SELECT 1 AS n;",
        ),
    ),
    downs=False,
)

_OWN_RULE = ("schema", "database")


def check(step: Step) -> Iterator[Hazard]:
    """A cascading drop of something that was there before."""
    drops = [
        drop
        for drop in step.named_together(Drop)
        if drop.cascade and drop.kind not in _OWN_RULE and not _nobody_uses(step, drop)
    ]
    if not drops:
        return
    kind = drops[0].kind
    is_table = "table" in kind
    if is_table and step.number and all(d.if_exists and not _known(step, d) for d in drops):
        yield Hazard(
            f"Drops {_listed([str(d.name) for d in drops])}, which no migration here creates: if "
            "it exists after all, its rows are lost, and what depends on it goes too.",
            severity="info",
            class_="hygiene",
        )
        return
    known = [n for d in drops if is_table for n in _dependents(step.catalog, d.name)]
    yield Hazard(
        f"Drops {kind} {_listed([str(d.name) for d in drops])} and, through CASCADE, everything "
        f"that depends on it{f' ({_listed(known)})' if known else ''}, which the server says only "
        "in a NOTICE: code that uses any of it fails from the commit on.",
        severity="error" if is_table else "warning",
    )


def _known(step: Step, drop: Drop) -> bool:
    return step.catalog.table(drop.name) is not None


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _nobody_uses(step: Step, drop: Drop) -> bool:
    catalog, key = step.catalog, step.catalog.key(drop.name)
    if "table" in drop.kind or "view" in drop.kind:
        if step.is_new(drop.name):
            return True
        if drop.if_exists and catalog.complete and catalog.table(drop.name) is None:
            return True
    known = catalog.functions.get(key) or catalog.enums.get(key) or catalog.domains.get(key)
    if known is not None and step.is_from_this_deploy(known.created_by):
        return True
    if "table" in drop.kind:
        return False
    return any(
        _creates(o) == drop.name or (isinstance(o, Rename) and o.new == drop.name.name)
        for o in step.operations
    )


def _creates(operation: object) -> Name | None:
    if isinstance(
        operation,
        CreateView
        | CreateMaterializedView
        | CreateFunction
        | CreateEnum
        | CreateDomain
        | CreateCompositeType,
    ):
        return operation.name
    return None


def _dependents(catalog: Catalog, table: Name) -> list[str]:
    key = catalog.key(table)
    keys = [
        f"foreign key {name} of {holder.name.name}"
        for holder in {id(h): h for h, _ in catalog.foreign_keys_to(table)}.values()
        for name, constraint in holder.constraints.items()
        if constraint.references
        and catalog.key(constraint.references) == key
        and catalog.key(holder.name) != key
    ]
    return keys + [f"view {view.name.name}" for view in catalog.views_reading(table)]
