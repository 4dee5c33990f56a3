"""ADD COLUMN of type json."""

from collections.abc import Iterator

from senior_backend.migrations.blocking import added_column
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn

_ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY);"

RULE = Rule(
    id="add-column-json",
    title="A json column has no equality: DISTINCT over the table fails",
    class_="hygiene",
    severity="warning",
    why="""\
`json` has no equality operator. Queries that compare whole rows of the table, and that run today,
fail once it has such a column: `SELECT DISTINCT orders.*`, `UNION` of rows, `GROUP BY` with all
columns, as ORMs write them. The message is *could not identify an equality operator for type
json*.

`jsonb` has equality, can be indexed and is read faster. Take `json` only where the exact text of
the document, with its blanks, key order and repeated keys, has to be kept.""",
    source="8.14 JSON Types",
    bad=Example("ALTER TABLE orders ADD COLUMN data json;", setup=_ORDERS),
    good=(Example("ALTER TABLE orders ADD COLUMN data jsonb;", setup=_ORDERS),),
    operations=(AddColumn,),
    silent=(Example("CREATE TABLE events (id bigint PRIMARY KEY, data json);"),),
)


def check(step: Step) -> Iterator[Hazard]:
    """A json column on an existing table."""
    added = added_column(step)
    if added is not None and added.definition.type.name == "json":
        yield Hazard(
            f"json has no equality: queries with DISTINCT, UNION or GROUP BY over whole rows of "
            f"{added.table} fail from here on. Use jsonb."
        )
