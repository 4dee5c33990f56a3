"""DROP TABLE of a table that may still be in use."""

from collections.abc import Iterator

from senior_backend.migrations.lock_model import wording
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.names import Name
from senior_backend.operations.objects import Drop, Rename
from senior_backend.operations.tables import CreateTable

RULE = Rule(
    id="drop-table",
    title="DROP TABLE ends code that still uses the table, and its rows are gone",
    class_="gate",
    severity="error",
    why="""
A migration runs while the previous release still serves requests. From the moment the drop
commits, each of its statements that names the table fails, and going back to the old release does
not help: the rows are gone, and only a backup has them.

The statement itself is short, but it takes ACCESS EXCLUSIVE on the table **and on every table that
its foreign keys reference** (their triggers are removed), so reads and writes of those wait as
well, behind the longest transaction that is open on any of them.

Release code that no longer uses the table first. Drop the foreign keys one at a time, each in a
migration of its own with a `lock_timeout`, and the table in a later deploy. Once nothing uses it,
accept the drop with an ignore comment that says so.
""",
    source="DROP TABLE; 13.3.1 Table-Level Locks",
    bad=Example(
        sql="DROP TABLE invoices;",
        setup="""
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE invoices (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id));
""",
        proof=("invoices ACCESS EXCLUSIVE", "customers ACCESS EXCLUSIVE"),
    ),
    good=(),
    operations=(Drop,),
    silent=(
        Example("CREATE TABLE scratch (id int); DROP TABLE scratch;"),
        Example("CREATE TEMPORARY TABLE scratch (id int); DROP TABLE scratch;"),
    ),
    downs=False,
)


def check(step: Step) -> Iterator[Hazard]:
    """Dropped tables; with CASCADE or of a partition other rules have more to say."""
    drops = [d for d in step.named_together(Drop) if _is_meant(step, d)]
    if not drops:
        return
    names = [d.name for d in drops]
    own = {name.name for name in names}
    listed = ", ".join(map(str, names[:4])) + (f" and {len(names) - 4} more" if names[4:] else "")
    others = [e for e in step.existing if e.name.name not in own]
    locked = f" Meanwhile {wording.waits_phrase(others)}." if others else ""
    if step.number and all(d.if_exists and not step.catalog.table(d.name) for d in drops):
        yield Hazard(
            f"Drops {listed}, which no migration here creates: if it exists after all, its rows "
            "are lost.",
            class_="hygiene",
            severity="info",
        )
    elif all(_is_replaced(step, name) for name in names):
        yield Hazard(
            f"Drops {listed} and puts another table in its place: rows that the new one was not "
            f"given, those written in the meantime among them, are lost.{locked}",
            severity="warning",
        )
    else:
        yield Hazard(
            f"Drops {listed}: code that still uses it fails from the commit on, and its rows are "
            f"gone.{locked}"
        )


def _is_meant(step: Step, drop: Drop) -> bool:
    if drop.kind not in ("table", "foreign table") or drop.cascade or step.is_new(drop.name):
        return False
    known = step.catalog.table(drop.name)
    if known is None:
        return not (drop.if_exists and step.catalog.complete)
    return known.partition_of is None


def _is_replaced(step: Step, table: Name) -> bool:
    for operation in step.later:
        if isinstance(operation, CreateTable) and operation.table == table:
            return True
        if isinstance(operation, Rename) and operation.new == table.name:
            return operation.kind == "table"
    return False
