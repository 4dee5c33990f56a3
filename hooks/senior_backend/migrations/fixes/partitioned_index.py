"""An index on a partitioned table, built piece by piece; for ``concurrent_index``."""

import re
from typing import Final

from senior_backend.catalog.replay import names
from senior_backend.migrations.fixes.remedy import Phase, Remedy
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.indexes import CreateIndex
from senior_backend.operations.names import Name
from senior_backend.sql.identifiers import quote_identifier

_INDEX: Final = re.compile(
    r"(create\s+(?:unique\s+)?index)\b(\s+concurrently\b)?(\s+if\s+not\s+exists\b)?", re.IGNORECASE
)
_ON: Final = re.compile(r"\bon\s+(only\s+)?", re.IGNORECASE)


def remedy(step: Step, operation: CreateIndex, name: str) -> Remedy:
    """An invalid index on the parent alone, one on each partition, and then they are joined."""
    known = step.catalog.table(operation.table)
    partitions = [step.catalog.tables[p] for p in known.partitions] if known else []
    if known is None or not known.complete or not partitions:
        return Remedy(
            reason="its partitions are not known: create the index ON ONLY the parent, build one "
            "CONCURRENTLY on each partition, and ALTER INDEX ... ATTACH PARTITION each"
        )
    if any(p.partition_by is not None or p.kind != "table" for p in partitions):
        return Remedy(reason="some partitions are themselves partitioned, or foreign tables")
    parent = recipes.beside(operation.table, name)
    sql = step.statement.sql
    only = _on(_INDEX.sub(_named(name, operation), sql, count=1), operation.table, "ONLY ")
    drop = f"DROP INDEX {recipes.name(parent)}"
    phases = [Phase(f"create_{name}", (only,), (drop,))]
    attached = []
    for partition in partitions:
        own = names.joined(partition.name.name, name, "")[:-1]
        child = recipes.beside(operation.table, own)
        if operation.table.schema or partition.name.schema != step.catalog.key(operation.table)[0]:
            child = Name(partition.name.schema, own)
        target = Name(child.schema, partition.name.name)
        text = _INDEX.sub(rf"\1 CONCURRENTLY {quote_identifier(own)}", _unnamed(sql, operation), 1)
        drop_child = recipes.drop_index_concurrently(child, if_exists=True)
        phases.append(
            Phase(
                f"create_{own}",
                (_on(text, target, ""),),
                # Dropping the parent's index drops those that are attached to it.
                transactional=False,
                cleanup=(drop_child,),
            )
        )
        attached.append(
            f"ALTER INDEX {recipes.name(parent)} ATTACH PARTITION {recipes.name(child)}"
        )
    phases.append(Phase(f"attach_to_{name}", tuple(attached)))
    return Remedy(
        phases=tuple(phases),
        reason="it is done for the partitions that the migrations create; others need theirs too",
        rollback=(drop,),
    )


def _unnamed(sql: str, operation: CreateIndex) -> str:
    """The statement without the index's name."""
    if operation.name is None:
        return sql
    head = _INDEX.match(sql)
    on = _ON.search(sql, head.end() if head else 0)
    return f"{sql[: head.end()]} {sql[on.start() :]}" if head and on else sql


def _named(name: str, operation: CreateIndex) -> str:
    return r"\1" if operation.name is not None else rf"\1 {quote_identifier(name)}"


def _on(sql: str, table: Name, only: str) -> str:
    """The statement on another table, or ONLY on it."""
    found = _ON.search(sql)
    if found is None:
        return sql
    rest = re.sub(
        r'\A(?:"(?:[^"]|"")+"|[\w$]+)(?:\.(?:"(?:[^"]|"")+"|[\w$]+))?', "", sql[found.end() :]
    )
    return f"{sql[: found.start()]}ON {only}{recipes.name(table)}{rest}"
