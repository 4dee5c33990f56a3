"""ALTER SEQUENCE ... RESTART of a sequence whose values are in use."""

import re
from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.objects import AlterSequence
from senior_backend.operations.tables import Truncate

_ORDERS = (
    "CREATE TABLE orders (id bigserial PRIMARY KEY);\n"
    "INSERT INTO orders DEFAULT VALUES;\nINSERT INTO orders DEFAULT VALUES;"
)

RULE = Rule(
    id="restart-sequence",
    title="A restarted sequence hands out values that are taken",
    class_="gate",
    severity="warning",
    why="""\
`ALTER SEQUENCE ... RESTART` without a value goes back to the start, usually 1. If the table keeps
its rows, the next `INSERT`s fail with *duplicate key value violates unique constraint*, each once;
without a unique constraint two rows silently share a number. Numbers that were printed on invoices
or sent to other systems are given out a second time.

To repair a sequence set it to what the table holds, in one statement:
`SELECT setval('orders_id_seq', (SELECT max(id) FROM orders))`. A restart **with** a value is taken
to be meant.""",
    source="ALTER SEQUENCE, RESTART; 9.17 Sequence Manipulation Functions",
    bad=Example(
        "ALTER SEQUENCE orders_id_seq RESTART;\nINSERT INTO orders DEFAULT VALUES;",
        setup=_ORDERS,
        proof=("error: duplicate key value",),
    ),
    good=(Example("SELECT setval('orders_id_seq', (SELECT max(id) FROM orders));", setup=_ORDERS),),
    operations=(AlterSequence,),
    silent=(
        Example("ALTER SEQUENCE orders_id_seq RESTART WITH 100000;", setup=_ORDERS),
        Example("ALTER SEQUENCE orders_id_seq CACHE 50;", setup=_ORDERS),
        Example("TRUNCATE orders;\nALTER SEQUENCE orders_id_seq RESTART;", setup=_ORDERS),
        Example("CREATE SEQUENCE tickets;\nALTER SEQUENCE tickets RESTART;"),
    ),
)

_VALUE = re.compile(r"\brestart\s+(?:with\s+)?(\d+)", re.IGNORECASE)


def check(step: Step) -> Iterator[Hazard]:
    """A restart at the beginning."""
    change = step.the(AlterSequence)
    if "restart" not in change.options or step.is_new(change.name):
        return
    value = _VALUE.search(step.statement.sql)
    if value is not None and int(value[1]) > 1:
        return
    if any(isinstance(o, Truncate) for o in step.earlier):
        return
    yield Hazard(
        f"{change.name} starts again: if its table keeps its rows, INSERTs fail with duplicate "
        "keys, or numbers are given out twice. Set it to the greatest value with setval()."
    )
