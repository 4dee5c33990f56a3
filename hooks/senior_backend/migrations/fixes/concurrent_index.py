"""Indexes built, dropped and rebuilt CONCURRENTLY, in a migration without a transaction."""

import re
from typing import Final

from senior_backend.catalog.model import Index
from senior_backend.catalog.replay import names
from senior_backend.migrations.fixes import partitioned_index
from senior_backend.migrations.fixes.remedy import Edit, Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.indexes import CreateIndex, DropIndex, Reindex
from senior_backend.operations.names import Name

RULES: Final = (
    "index-not-concurrent",
    "drop-index-not-concurrent",
    "reindex-not-concurrent",
    "concurrently-in-transaction",
    "concurrent-index-if-not-exists",
    "concurrent-index-on-partitioned-table",
)

_CREATE = re.compile(r"(create\s+(?:unique\s+)?index)\b(\s+if\s+not\s+exists\b)?", re.IGNORECASE)
_DROP = re.compile(r"(drop\s+index)\b", re.IGNORECASE)
_IF_NOT_EXISTS = re.compile(r"\s+if\s+not\s+exists\b", re.IGNORECASE)
_REINDEX = re.compile(
    r"(reindex\s*(?:\([^)]*\)\s*)?(?:index|table|schema|database)?)\b", re.IGNORECASE
)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """The same statement CONCURRENTLY, on its own."""
    operation = step.operation
    if not step.alone_in_statement and not isinstance(operation, DropIndex):
        return None
    if isinstance(operation, CreateIndex):
        return _create(step, operation)
    if isinstance(operation, DropIndex):
        return _drop(step, operation)
    if isinstance(operation, Reindex):
        return _reindex(step, operation)
    return None


def _create(step: Step, operation: CreateIndex) -> Remedy | None:
    known = step.catalog.table(operation.table)
    if known is not None and known.partition_by is not None:
        name = operation.name or default_name(step, operation)
        return partitioned_index.remedy(step, operation, name)
    sql = step.statement.sql
    index = recipes.beside(operation.table, operation.name or default_name(step, operation))
    if operation.concurrently and step.transaction is None:  # only IF NOT EXISTS is wrong
        gone = _IF_NOT_EXISTS.search(sql)
        if gone is None:
            return None
        start = step.statement.start
        first = recipes.drop_index_concurrently(index, if_exists=True)
        before, after = len(sql[: gone.start()].encode()), len(sql[: gone.end()].encode())
        edits = (
            Edit(start, start, f"{first};\n"),
            Edit(start + before, start + after, ""),
        )
        alone = step.migration.up and step.migration.up[0].transaction == "implicit"
        return Remedy(
            edits,
            safe=not alone,
            reason="the drop has to be a migration of its own with this tool" if alone else "",
            rollback=(recipes.drop_index_concurrently(index),),
        )
    if operation.concurrently:
        text = _IF_NOT_EXISTS.sub("", sql, count=1)
    else:
        text = _CREATE.sub(r"\1 CONCURRENTLY", sql, count=1)
    down = recipes.drop_index_concurrently(index)
    phase = Phase(
        name=f"create_{index.name}",
        up=(text,),
        down=(down,),
        transactional=False,
        cleanup=(recipes.drop_index_concurrently(index, if_exists=True),),
    )
    return Remedy(phases=(phase,), safe=True, rollback=(down,))


def _drop(step: Step, operation: DropIndex) -> Remedy | None:
    if operation.cascade:
        return None  # CONCURRENTLY refuses CASCADE
    known = step.catalog.index(operation.index)
    if known is not None and known.constraint:
        return None
    table = step.catalog.table(known.table) if known is not None else None
    if table is not None and table.partition_by is not None:
        return Remedy(reason="an index of a partitioned table can only be dropped plainly")
    sql = step.statement.sql
    if not step.alone_in_statement:
        return None  # CONCURRENTLY takes one index only
    text = sql if operation.concurrently else _DROP.sub(r"\1 CONCURRENTLY", sql, count=1)
    again = _definition(step, operation)
    phase = Phase(f"drop_{operation.index.name}", (text,), again, transactional=False)
    return Remedy(phases=(phase,), safe=True, rollback=again)


def _reindex(step: Step, operation: Reindex) -> Remedy | None:
    if operation.kind == "system":
        return None
    sql = step.statement.sql
    text = sql if operation.concurrently else _REINDEX.sub(r"\1 CONCURRENTLY", sql, count=1)
    target = operation.name.name if operation.name else operation.kind
    phase = Phase(f"reindex_{target}", (text,), transactional=False)
    return Remedy(phases=(phase,), safe=True)


def _definition(step: Step, operation: DropIndex) -> tuple[str, ...]:
    """The index built anew, where its definition is known."""
    known = step.catalog.index(operation.index)
    if known is None or not known.keys:
        return ()
    table = known.table if operation.index.schema else known.table._replace(schema=None)
    return (build(known, operation.index.name, table),)


def build(index: Index, name: str, table: Name, instead: tuple[str, str] = ("", "")) -> str:
    """CREATE INDEX CONCURRENTLY as ``index``, with the column ``instead[0]`` as ``instead[1]``."""
    keys = []
    for key in index.keys:
        column = instead[1] if key.column == instead[0] else key.column
        text = recipes.names([column]) if column else f"({key.expression})"
        if key.collation:
            text += f' COLLATE "{key.collation}"'
        if key.operator_class:
            text += f" {key.operator_class}"
        if key.descending:
            text += " DESC"
        if key.nulls_first is not None:
            text += f" NULLS {'FIRST' if key.nulls_first else 'LAST'}"
        keys.append(text)
    unique = "UNIQUE " if index.unique else ""
    method = f" USING {index.method}" if index.method != "btree" else ""
    included = [instead[1] if column == instead[0] else column for column in index.include]
    include = f" INCLUDE ({recipes.names(included)})" if included else ""
    nulls = " NULLS NOT DISTINCT" if index.nulls_not_distinct else ""
    where = f" WHERE {index.where.sql}" if index.where else ""
    target = f"{recipes.names([name])} ON {recipes.name(table)}{method} ({', '.join(keys)})"
    return f"CREATE {unique}INDEX CONCURRENTLY {target}{include}{nulls}{where}"


def default_name(step: Step, operation: CreateIndex) -> str:
    """The name that PostgreSQL gives the index."""
    columns = names.key_names(key.column or "expr" for key in (*operation.keys,))
    return names.relation(step.catalog, step.catalog.key(operation.table), columns, "idx")
