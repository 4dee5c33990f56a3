"""Dropping a foreign key locks both tables."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step, milliseconds
from senior_backend.operations.constraints import DropConstraint

_SCHEMA = """
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE orders (
  id bigint PRIMARY KEY,
  customer_id bigint CONSTRAINT orders_customer_id_fkey REFERENCES customers (id)
);
CREATE INDEX ON orders (customer_id);
"""
_DROP = "ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey;"

RULE = Rule(
    id="drop-fk-locks-referenced-table",
    title="Dropping a foreign key locks the referenced table too, against reads as well",
    class_="note",
    severity="warning",
    why="""\
`DROP CONSTRAINT` of a foreign key names one table and takes `ACCESS EXCLUSIVE` on two: the triggers
that guard the referenced rows stand on the other one. Each lock is needed for an instant only. But
it waits for every open transaction on either table, and all later queries wait behind it, reads
included. A report on `customers` can thus stop `orders`, and a transaction that holds the one and
wants the other is a deadlock.

Set a short `lock_timeout` before it and try again when it strikes; do nothing else in the same
transaction.
""",
    source="ALTER TABLE, DROP CONSTRAINT; Table-Level Locks",
    bad=Example(
        setup=_SCHEMA,
        sql=_DROP,
        proof=("orders ACCESS EXCLUSIVE", "customers ACCESS EXCLUSIVE"),
    ),
    good=(Example(f"SET LOCAL lock_timeout = '2s';\n{_DROP}", setup=_SCHEMA),),
    silent=(
        Example(
            "ALTER TABLE orders DROP CONSTRAINT orders_note_check;",
            setup="CREATE TABLE orders (note text CONSTRAINT orders_note_check CHECK (note > ''));",
        ),
        Example(f"{_SCHEMA}\n{_DROP}"),
    ),
    operations=(DropConstraint,),
)


def check(step: Step) -> Iterator[Hazard]:
    """A foreign key that is known, to another table in use, without limit to the wait."""
    drop = step.the(DropConstraint)
    table = step.catalog.table(drop.table)
    constraint = table.constraints.get(drop.name) if table is not None else None
    if table is None or constraint is None or constraint.references is None:
        return
    referenced = step.catalog.key(constraint.references)
    if referenced == table.name or step.is_new(drop.table) or step.is_new(referenced):
        return
    if milliseconds(step.lock_timeout) is None:
        yield Hazard(
            f"Dropping {drop.name} takes ACCESS EXCLUSIVE on {step.label(referenced)} as well as "
            f"on {drop.table}: without lock_timeout it waits for every open transaction on either, "
            "and all reads and writes of both wait behind it."
        )
