"""A statement that names a column twice."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.data import ChangeRows
from senior_backend.operations.objects import CreateMaterializedView, CreateView
from senior_backend.operations.readers import targets
from senior_backend.operations.tables import CreateTable
from senior_backend.sql.script import Statement

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, state text, tags text[]);"

RULE = Rule(
    id="duplicate-column-assignment",
    title="The statement fails: it names a column twice",
    class_="gate",
    severity="error",
    why="""\
PostgreSQL refuses an `UPDATE` (also that of `MERGE` or `ON CONFLICT`) that assigns a column twice
(*multiple assignments to same column*), and an `INSERT`, a `CREATE TABLE`, a view or a `SELECT
INTO` that lists one twice (*specified more than once*), on an empty database too. Expressions
without a name count: two of them are both called `?column?`. The grammar accepts it: a syntax check
passes, and the migration fails when it is run. Under a tool without a transaction around the file
the statements before it stay done.

Elements of an array and fields of a composite (`tags[1] = ..., tags[2] = ...`) may be assigned
side by side.""",
    source="UPDATE, Parameters; INSERT, Parameters",
    bad=Example(
        "UPDATE orders SET state = 'new', state = 'open' WHERE id = 1;",
        setup=_ORDERS,
        proof=("error: multiple assignments to same column",),
    ),
    good=(Example("UPDATE orders SET state = 'open' WHERE id = 1;", setup=_ORDERS),),
    operations=(ChangeRows, CreateTable, CreateView, CreateMaterializedView),
    silent=(
        Example("UPDATE orders SET tags[1] = 'a', tags[2] = 'b' WHERE id = 1;", setup=_ORDERS),
        Example("CREATE TABLE lines (a int, b int);\nCREATE VIEW v AS SELECT a, b FROM lines;"),
        Example("INSERT INTO orders (id, state) VALUES (1, 'state');", setup=_ORDERS),
        Example("CREATE VIEW v AS SELECT count(*), max(id) FROM orders;", setup=_ORDERS),
        Example(
            "MERGE INTO orders USING (VALUES (1)) AS new (id) ON orders.id = new.id\n"
            "WHEN MATCHED AND state IS NULL THEN UPDATE SET state = 'new'\n"
            "WHEN MATCHED THEN UPDATE SET state = 'open'\n"
            "WHEN NOT MATCHED THEN INSERT (id, state) VALUES (new.id, 'new');",
            setup=_ORDERS,
            since=15,
        ),
    ),
)


_QUERIES: Final = {
    "ViewStmt": "CREATE VIEW",
    "CreateTableAsStmt": "CREATE ... AS",
    "SelectStmt": "SELECT INTO",
}


def check(step: Step) -> Iterator[Hazard]:
    """A column that stands twice where PostgreSQL takes it once."""
    operation = step.operation
    if isinstance(operation, ChangeRows):
        twice = _assigned_twice(step.statement, operation)
        what = operation.action.upper()
    elif isinstance(operation, CreateTable) and not operation.as_query:
        twice = _repeated(column.name for column in operation.columns)
        what = "CREATE TABLE"
    elif isinstance(operation, CreateTable | CreateView | CreateMaterializedView):
        twice = _repeated(_names(step.statement))
        what = _QUERIES.get(step.statement.kind, "the statement")
    else:
        return
    if twice:
        yield Hazard(f"Fails: {what} names {', '.join(twice)} twice.")


def _assigned_twice(statement: Statement, change: ChangeRows) -> list[str]:
    """Columns that INSERT, its ON CONFLICT or UPDATE assigns as a whole and once more."""
    node = statement.node
    if statement.kind == "UpdateStmt" and len(set(change.columns)) < len(change.columns):
        return _whole_and_more(node.target_list)
    if statement.kind == "InsertStmt":
        if len(set(change.columns)) < len(change.columns):
            return _whole_and_more(node.cols)
        if node.HasField("on_conflict_clause"):
            return _whole_and_more(node.on_conflict_clause.target_list)
    if statement.kind == "MergeStmt" and change.action == "merge":
        clauses = [clause.merge_when_clause.target_list for clause in node.merge_when_clauses]
        return sorted({name for clause in clauses for name in _whole_and_more(clause)})
    return []


def _names(statement: Statement) -> list[str]:
    """What the columns of a view, or of a table made by a query, are called, as far as known."""
    node = statement.node
    if statement.kind == "ViewStmt":
        given, select = node.aliases, node.query.select_stmt
    elif statement.kind == "CreateTableAsStmt":
        given, select = node.into.col_names, node.query.select_stmt
    elif statement.kind == "SelectStmt":
        given, select = (), node
    else:
        return []
    own = [name.string.sval for name in given]
    inferred = list(targets.names(select))
    # Which columns the given names replace is known up to the first `*` only.
    if own and None in inferred[: len(own)]:
        return own
    return [*own, *filter(None, inferred[len(own) :])]


def _whole_and_more(targets: Iterable[Any]) -> list[str]:
    """Names in ``ResTarget`` nodes that come twice, not only as elements or fields of them."""
    found = [target.res_target for target in targets]
    twice = _repeated(target.name for target in found)
    whole = {target.name for target in found if not target.indirection}
    return [name for name in twice if name in whole]


def _repeated(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)
