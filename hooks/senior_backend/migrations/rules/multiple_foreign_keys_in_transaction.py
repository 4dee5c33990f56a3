"""Several foreign keys between tables in use, in one transaction."""

from collections.abc import Iterator

from senior_backend.catalog.model import Catalog
from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.constraints import AddConstraint
from senior_backend.operations.names import Name
from senior_backend.operations.operation import Operation

_SCHEMA = """
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE products (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, product_id bigint);
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON orders (product_id);
"""
_FIRST = """\
ALTER TABLE orders
  ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
  NOT VALID;
"""
_SECOND = """\
ALTER TABLE orders
  ADD CONSTRAINT orders_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id)
  NOT VALID;
"""

RULE = Rule(
    id="multiple-foreign-keys-in-transaction",
    title="Several foreign keys in one transaction lock many tables at once",
    class_="hygiene",
    severity="warning",
    why="""\
Each `ADD FOREIGN KEY` takes `SHARE ROW EXCLUSIVE` on two tables, and a transaction keeps all its
locks until it ends. With the second foreign key the migration holds two tables and waits for a
third, while an application transaction may hold the third and wait for one of the two: a deadlock,
in which PostgreSQL ends one of them after `deadlock_timeout`. Until then writers of all these
tables wait.

Give each foreign key between tables in use a migration, or at least a transaction, of its own, with
a short `lock_timeout`.
""",
    source="Explicit Locking, Deadlocks",
    bad=Example(
        setup=_SCHEMA,
        sql=f"{_FIRST}{_SECOND}",
        proof=(
            "orders SHARE ROW EXCLUSIVE",
            "customers SHARE ROW EXCLUSIVE",
            "products SHARE ROW EXCLUSIVE",
        ),
    ),
    good=(Example(_FIRST, setup=_SCHEMA), Example(_SECOND)),
    silent=(
        Example(f"{_FIRST}{_SECOND}", setup=_SCHEMA, transaction="statement"),
        Example(f"{_SCHEMA}{_FIRST}{_SECOND}"),
        Example(
            """\
CREATE TABLE notes (
  id bigint PRIMARY KEY,
  customer_id bigint REFERENCES customers (id),
  product_id bigint REFERENCES products (id)
);
""",
            setup=_SCHEMA,
        ),
    ),
    operations=(AddConstraint,),
)


def check(step: Step) -> Iterator[Hazard]:
    """The first foreign key that wants a further table while those of others are held."""
    if step.transaction is None:
        return
    wanted = _tables(step, step.operation)
    if not wanted:
        return
    held: set[Name] = set()
    for before in step.transaction.steps:
        tables = _tables(before, before.operation)
        if held and tables - held:
            return  # said there
        held |= tables
    further = wanted - held
    if held and further:
        yield Hazard(
            f"This transaction holds SHARE ROW EXCLUSIVE on {_list(step, held)} and now waits for "
            f"{_list(step, further)}: a transaction that writes to them in another order is a "
            "deadlock, and one of the two is ended."
        )


def _tables(step: Step, operation: Operation) -> set[Name]:
    """The tables in use that a foreign key of a table in use locks."""
    if not isinstance(operation, AddConstraint) or operation.constraint.references is None:
        return set()
    if step.is_new(operation.table):
        return set()
    catalog: Catalog = step.catalog
    names = {catalog.key(operation.table), catalog.key(operation.constraint.references)}
    return {name for name in names if not step.is_new(name)}


def _list(step: Step, names: set[Name]) -> str:
    return ", ".join(step.label(name) for name in sorted(names))
