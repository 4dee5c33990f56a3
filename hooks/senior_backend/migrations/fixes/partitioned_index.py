"""An index on a partitioned table, built piece by piece; for ``concurrent_index``."""

import re
from typing import Final

from senior_backend.catalog.replay import names
from senior_backend.migrations.fixes.remedy import Phase, Remedy
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.indexes import CreateIndex
from senior_backend.operations.names import Name
from senior_backend.sql import keywords
from senior_backend.sql.identifiers import quote_identifier

_PART: Final = r'(?:"(?:[^"]|"")+"|[\w$\x80-\xff]+)'
_TABLE: Final = re.compile(
    rf"\s+(?:only\s+)?{_PART}(?:\s*\.\s*{_PART})?".encode("latin-1"), re.IGNORECASE
)


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
    pieces = _pieces(step.statement.sql)
    if pieces is None:
        return Remedy(reason="create the index ON ONLY the parent, and one on each partition")
    head, rest = pieces
    target = f"{quote_identifier(name)} ON ONLY {recipes.name(operation.table)}"
    drop = f"DROP INDEX {recipes.name(parent)}"
    phases = [Phase(f"create_{name}", (f"{head} {target}{rest}",), (drop,))]
    attached = []
    for partition in partitions:
        own = chosen_name(step, partition.name, operation)
        same = partition.name.schema == step.catalog.key(operation.table).schema
        schema = operation.table.schema if same else partition.name.schema
        child = Name(schema, own)
        on = recipes.name(Name(schema, partition.name.name))
        drop_child = recipes.drop_index_concurrently(child, if_exists=True)
        phases.append(
            Phase(
                f"create_{own}",
                (f"{head} CONCURRENTLY {quote_identifier(own)} ON {on}{rest}",),
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


def chosen_name(step: Step, table: Name, operation: CreateIndex) -> str:
    """The name that PostgreSQL gives such an index of ``table``, which has its schema."""
    keys = [key.column or key.label for key in operation.keys]
    columns = names.key_names([*keys, *operation.include])
    return names.relation(step.catalog, table, columns, "idx")


def _pieces(sql: str) -> tuple[str, str] | None:
    """``CREATE INDEX`` without the name, and what follows the table's name."""
    data = sql.encode()
    words = keywords.top_level(data)
    index = next((span for word, span in words if word == "index"), None)
    on = next((span for word, span in words if word == "on"), None)
    if index is None or on is None:
        return None
    table = _TABLE.match(data, on[1])
    if table is None:
        return None
    return data[: index[1]].decode(), data[table.end() :].decode()
