"""A statement that names a column twice."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.data import ChangeRows
from senior_backend.operations.objects import CreateView
from senior_backend.operations.tables import CreateTable
from senior_backend.sql.script import Statement

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, state text, tags text[]);"

RULE = Rule(
    id="duplicate-column-assignment",
    title="The statement fails: it names a column twice",
    class_="gate",
    severity="error",
    why="""\
PostgreSQL refuses an `UPDATE` (or `ON CONFLICT DO UPDATE`) that assigns a column twice (*multiple
assignments to same column*), and an `INSERT`, a `CREATE TABLE` or a view that lists one twice
(*specified more than once*), on an empty database too. The grammar accepts it: a syntax check
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
    operations=(ChangeRows, CreateTable, CreateView),
    silent=(
        Example("UPDATE orders SET tags[1] = 'a', tags[2] = 'b' WHERE id = 1;", setup=_ORDERS),
        Example("CREATE TABLE lines (a int, b int);\nCREATE VIEW v AS SELECT a, b FROM lines;"),
        Example("INSERT INTO orders (id, state) VALUES (1, 'state');", setup=_ORDERS),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """A column that stands twice where PostgreSQL takes it once."""
    operation = step.operation
    if isinstance(operation, ChangeRows):
        twice = _assigned_twice(step.statement, operation)
        what = operation.action.upper()
    elif isinstance(operation, CreateTable):
        twice = _repeated(column.name for column in operation.columns)
        what = "CREATE TABLE"
    elif isinstance(operation, CreateView):
        twice = _repeated(operation.columns)
        what = "CREATE VIEW"
    else:
        return
    if twice:
        yield Hazard(f"this fails: {what} names {', '.join(twice)} twice.")


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
    return []


def _whole_and_more(targets: Iterable[Any]) -> list[str]:
    """Names in ``ResTarget`` nodes that come twice, not only as elements or fields of them."""
    found = [target.res_target for target in targets]
    twice = _repeated(target.name for target in found)
    whole = {target.name for target in found if not target.indirection}
    return [name for name in twice if name in whole]


def _repeated(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)
