"""A statement that refuses to run in a transaction, in one."""

from collections.abc import Iterator
from typing import Final

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.indexes import CreateIndex, DropIndex, Reindex
from senior_backend.operations.names import Name
from senior_backend.operations.objects import Drop, Other
from senior_backend.operations.tables import Cluster, DetachPartition, Vacuum

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, note text);"

_OTHERS: Final = {
    "CreatedbStmt": "CREATE DATABASE",
    "AlterSystemStmt": "ALTER SYSTEM",
    "CreateTableSpaceStmt": "CREATE TABLESPACE",
}

RULE = Rule(
    id="concurrently-in-transaction",
    title="A statement that refuses a transaction block stands in one",
    class_="gate",
    severity="error",
    why="""\
`CREATE INDEX`, `DROP INDEX`, `REINDEX` and `DETACH PARTITION` with `CONCURRENTLY` commit several
times on their way, so PostgreSQL refuses them in a transaction block; so it does `VACUUM`, `CREATE`
and `DROP DATABASE`, `ALTER SYSTEM` and some more. The migration fails and the deploy stops.

The block is often not in the file. Most tools wrap each migration in `BEGIN` and `COMMIT`, some the
whole run. Others send the file as one message: then a statement that is alone in it runs outside a
block, and **a second statement, be it a `SET`, turns the message into one implicit transaction**.
`DO` blocks and functions always run in a transaction.

Give the statement a migration of its own and tell the tool not to wrap it, in the tool's own way:
goose `-- +goose NO TRANSACTION`, Alembic `autocommit_block()`, Flyway
`executeInTransaction=false`, dbmate `transaction:false`; golang-migrate and Prisma need one
statement to a file. Keep the other statements in a migration that is still wrapped.
""",
    source="CREATE INDEX, Building Indexes Concurrently; Multiple Statements in a Simple Query",
    bad=Example(
        setup=_ORDERS,
        sql="CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);",
        proof=("error: CREATE INDEX CONCURRENTLY cannot run inside a transaction block",),
    ),
    good=(
        Example(
            sql="CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);",
            setup=_ORDERS,
            transaction="statement",
        ),
    ),
    silent=(
        Example(
            "CREATE INDEX CONCURRENTLY ON orders (customer_id);",
            setup=_ORDERS,
            transaction="implicit",
        ),
        Example(
            "COMMIT;\nCREATE INDEX CONCURRENTLY ON orders (customer_id);\nBEGIN;", setup=_ORDERS
        ),
        Example("VACUUM orders;", setup=_ORDERS, transaction="statement"),
        Example("ANALYZE orders;", setup=_ORDERS),
        Example(
            "REFRESH MATERIALIZED VIEW CONCURRENTLY totals;",
            setup=f"""{_ORDERS}
CREATE MATERIALIZED VIEW totals AS TABLE orders;
CREATE UNIQUE INDEX ON totals (id);
""",
        ),
    ),
    operations=(CreateIndex, DropIndex, Reindex, DetachPartition, Vacuum, Cluster, Drop, Other),
)


def check(step: Step) -> Iterator[Hazard]:
    """A statement that fails because of the transaction it runs in."""
    inside = step.in_function or step.within is not None
    if step.transaction is None and not inside:
        return
    statement = refusing(step)
    if statement is None:
        return
    if inside:
        reason = "and a function or DO block always runs in a transaction"
    elif step.transaction is None:
        return
    elif step.transaction.kind == "implicit":
        reason = "and this file is sent as one message, which makes its statements one transaction"
    else:
        reason = {
            "file": "and this migration is run in a transaction",
            "run": "and all migrations of a run share a transaction",
            "explicit": "and it stands behind BEGIN",
        }[step.transaction.kind]
    yield Hazard(
        f"{statement} cannot run inside a transaction block, {reason}: the migration fails here."
    )


def refusing(step: Step) -> str | None:
    """What the statement is called in PostgreSQL's refusal; None when it can run in a block."""
    operation = step.operation
    match operation:
        case CreateIndex(concurrently=True, table=table) if not _partitioned(step, table):
            return "CREATE INDEX CONCURRENTLY"
        case DropIndex(concurrently=True, index=name):
            index = step.catalog.index(name)
            if index is None or not _partitioned(step, index.table):
                return "DROP INDEX CONCURRENTLY"
        case Reindex(kind=kind, name=name, concurrently=concurrently):
            if concurrently:
                return "REINDEX CONCURRENTLY"
            if kind not in ("index", "table"):
                return f"REINDEX {kind.upper()}"
            if name is not None and kind == "table" and _partitioned(step, name):
                return "REINDEX of a partitioned table"
        case DetachPartition(concurrently=True):
            return "DETACH PARTITION CONCURRENTLY"
        case Vacuum(analyze_only=False):
            return "VACUUM"
        case Cluster(table=None):
            return "CLUSTER of all tables"
        case Drop(kind=("database" | "tablespace") as kind):
            return f"DROP {kind.upper()}"
        case Other(kind=kind):
            return _OTHERS.get(kind) or _by_options(step, kind)
    return None


def _by_options(step: Step, kind: str) -> str | None:
    """Statements that refuse a block in some of their forms only."""
    node = step.statement.node
    if kind == "CreateSubscriptionStmt":
        options = {option.def_elem.defname for option in node.options}
        return None if options & {"connect", "create_slot"} else "CREATE SUBSCRIPTION"
    if kind == "AlterDatabaseStmt":
        options = {option.def_elem.defname for option in node.options}
        return "ALTER DATABASE SET TABLESPACE" if "tablespace" in options else None
    return None


def _partitioned(step: Step, table: Name) -> bool:
    known = step.catalog.table(table)
    return known is not None and known.partition_by is not None
