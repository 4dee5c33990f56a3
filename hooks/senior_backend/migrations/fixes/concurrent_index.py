"""Indexes built, dropped and rebuilt CONCURRENTLY, in a migration without a transaction."""

from collections.abc import Sequence
from typing import Final

from senior_backend.catalog.model import Index
from senior_backend.migrations.fixes import partitioned_index
from senior_backend.migrations.fixes.remedy import Edit, Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.indexes import CreateIndex, DropIndex, Reindex
from senior_backend.operations.names import Name
from senior_backend.sql import keywords
from senior_backend.sql.identifiers import quote_identifier

RULES: Final = (
    "index-not-concurrent",
    "drop-index-not-concurrent",
    "reindex-not-concurrent",
    "concurrently-in-transaction",
    "concurrent-index-if-not-exists",
    "concurrent-index-on-partitioned-table",
)

_REINDEXED: Final = ("index", "table", "schema", "database")


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
    chosen = operation.name or default_name(step, operation)
    index = recipes.beside(operation.table, chosen)
    # Of a name that the server would have chosen nobody may drop what has it by chance.
    sure = operation.name is not None or (known is not None and known.complete)
    first = recipes.drop_index_concurrently(index, if_exists=True)
    data = step.statement.sql.encode()
    if operation.concurrently and step.transaction is None:  # only IF NOT EXISTS is wrong
        gone = _if_not_exists(data)
        if gone is None or operation.name is None:
            return None
        start = step.statement.start
        plain = Edit(start + gone[0], start + gone[1], "")
        back = (recipes.drop_index_concurrently(index),)
        if _is_a_message(step):
            # A second statement would put both into a transaction.
            reason = (
                f"an index {index.name} that a failed run left INVALID has to be dropped by hand "
                f"then: {first}"
            )
            return Remedy((plain,), reason=reason, rollback=back)
        return Remedy((Edit(start, start, f"{first};\n"), plain), safe=True, rollback=back)
    if operation.concurrently and (gone := _if_not_exists(data)) is not None:
        data = data[: gone[0]] + data[gone[1] :]
    text = _concurrently(data, ("index",), already=operation.concurrently)
    if text is not None and operation.name is None:
        # Named as the server would, so that what takes it back and what cleans up know it.
        text = _after(text.encode(), ("concurrently",), quote_identifier(chosen))
    if text is None:
        return None
    down = recipes.drop_index_concurrently(index)
    phase = Phase(
        name=f"create_{index.name}",
        up=(text,),
        down=(down,),
        transactional=False,
        cleanup=(first,) if sure else (),
    )
    return Remedy(phases=(phase,), safe=True, rollback=(down,))


def _is_a_message(step: Step) -> bool:
    """Whether its file is sent as one message, in which it is alone so far."""
    way = step.migration.up if step.direction == "up" else step.migration.down
    return any(segment.transaction == "implicit" for segment in way or ())


def _if_not_exists(data: bytes) -> tuple[int, int] | None:
    """The bytes of the words and of the space before them."""
    found = keywords.find(data, ("if", "not", "exists"))
    return (len(data[: found[0]].rstrip()), found[1]) if found else None


def _concurrently(data: bytes, words: Sequence[str], *, already: bool) -> str | None:
    """The statement with CONCURRENTLY behind the first of ``words``; None where none stands."""
    return data.decode() if already else _after(data, words, "CONCURRENTLY")


def _after(data: bytes, words: Sequence[str], text: str) -> str | None:
    """The statement with ``text`` behind the first of ``words``."""
    end = next((span[1] for word, span in keywords.top_level(data) if word in words), None)
    return None if end is None else f"{data[:end].decode()} {text}{data[end:].decode()}"


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
    text = _concurrently(sql.encode(), ("index",), already=operation.concurrently)
    if text is None:
        return None
    again = _definition(step, operation)
    phase = Phase(f"drop_{operation.index.name}", (text,), again, transactional=False)
    return Remedy(phases=(phase,), safe=True, rollback=again)


def _reindex(step: Step, operation: Reindex) -> Remedy | None:
    if operation.kind == "system":
        return None
    sql = step.statement.sql
    text = _concurrently(sql.encode(), _REINDEXED, already=operation.concurrently)
    if text is None:
        return None
    target = operation.name.name if operation.name else operation.kind
    phase = Phase(f"reindex_{target}", (text,), transactional=False)
    return Remedy(phases=(phase,), safe=True)


def _definition(step: Step, operation: DropIndex) -> tuple[str, ...]:
    """The index built anew, where its definition is known."""
    known = step.catalog.index(operation.index)
    if known is None or not known.keys or known.abridged:
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
    return partitioned_index.chosen_name(step, step.catalog.key(operation.table), operation)
