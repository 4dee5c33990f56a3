"""A down that leaves something of its up, or drops what the up did not create."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from senior_backend.migrations.rules.rule import Example, Hazard, MigrationView, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.columns import AddColumn, DropColumn
from senior_backend.operations.constraints import AddConstraint, DropConstraint
from senior_backend.operations.data import Call, Do, Select
from senior_backend.operations.indexes import CreateIndex, DropIndex
from senior_backend.operations.names import Name
from senior_backend.operations.objects import (
    CreateCompositeType,
    CreateDomain,
    CreateEnum,
    CreateMaterializedView,
    CreateView,
    Drop,
    Other,
    Rename,
    SetSchema,
)
from senior_backend.operations.operation import Operation
from senior_backend.operations.tables import CreateTable

RULE = Rule(
    id="down-does-not-undo-up",
    title="The down does not take back what the up did",
    class_="hygiene",
    severity="warning",
    why="""
A down that leaves a table, column, index or type of its up makes the next up fail, because it
exists already. A down that drops something the up did not create takes away rows and columns that
were there before: a rollback then loses data which the migration never touched.

For everything that the up creates, let the down drop exactly that, in the opposite order. What goes
with its table (indexes, constraints, columns) needs no statement of its own.
""",
    source="DROP TABLE; ALTER TABLE; 5.15 Dependency Tracking",
    bad=Example(
        sql="CREATE TABLE notes (id bigint PRIMARY KEY); CREATE TABLE tags (id bigint);",
        down="DROP TABLE notes;",
    ),
    good=(
        Example(
            sql="CREATE TABLE notes (id bigint PRIMARY KEY); CREATE TABLE tags (id bigint);",
            down="DROP TABLE tags; DROP TABLE notes;",
        ),
    ),
    silent=(
        Example(
            sql="CREATE TABLE notes (id bigint); CREATE INDEX notes_id ON notes (id);",
            down="DROP TABLE notes;",
        ),
        Example(
            sql="ALTER TABLE invoices ADD COLUMN region text; "
            "CREATE INDEX invoices_region ON invoices (region);",
            setup="CREATE TABLE invoices (id bigint PRIMARY KEY);",
            down="ALTER TABLE invoices DROP COLUMN region;",
        ),
    ),
)


class Thing(NamedTuple):
    """Something a migration creates or drops; ``part`` is a column or constraint of a table."""

    kind: str
    name: Name
    part: str = ""

    def __str__(self) -> str:
        name = self.name.name if self.name.schema == "public" else str(self.name)
        return f"{self.kind} {self.part} of {name}" if self.part else f"{self.kind} {name}"


_OPAQUE: Final = (Do, Call, Other, Rename, SetSchema)
"""What may create, drop or rename unseen: then nothing is said."""


def check_migration(view: MigrationView) -> Iterator[Hazard]:
    """What is left over, and what is dropped too much."""
    if view.direction != "down":
        return
    steps = [step for step in view.steps if not step.in_function]
    ups, downs = view.undoes, [step.operation for step in steps]
    if any(isinstance(o, _OPAQUE) or (isinstance(o, Select) and o.functions) for o in ups):
        return
    if any(isinstance(o, _OPAQUE) or (isinstance(o, Select) and o.functions) for o in downs):
        return
    if not downs:
        return  # as good as no down at all, which has a rule of its own
    left = _left(_created(ups), downs)
    if left:
        names = ", ".join(map(str, left[:3])) + (f" and {len(left) - 3} more" if left[3:] else "")
        yield Hazard(
            f"Leaves what the up creates: {names}. After a rollback the up fails, because it "
            "exists already.",
            at=steps[-1],
        )
    yield from _too_much(ups, steps)


def _created(operations: Iterable[Operation]) -> dict[Thing, set[str]]:
    """What is there after the up because of it, with the columns on which each depends."""
    found: dict[Thing, set[str]] = {}
    for operation in operations:
        if isinstance(operation, CreateTable):
            if operation.persistence != "temporary":
                found[Thing("table", _key(operation.table))] = set()
        elif isinstance(operation, AddColumn):
            found[Thing("column", _key(operation.table), operation.column)] = {operation.column}
        elif isinstance(operation, CreateIndex):
            if operation.name:
                columns = {key.column for key in operation.keys if key.column}
                found[Thing("index", _key(operation.table), operation.name)] = columns
        elif isinstance(operation, AddConstraint):
            constraint = operation.constraint
            if constraint.name:
                thing = Thing("constraint", _key(operation.table), constraint.name)
                found[thing] = set(constraint.columns)
        elif isinstance(operation, CreateView | CreateMaterializedView):
            if not getattr(operation, "replace", False):
                found[Thing("view", _key(operation.name))] = set()
        elif isinstance(operation, CreateEnum | CreateDomain | CreateCompositeType):
            found[Thing("type", _key(operation.name))] = set()
        else:
            for thing in [t for t in found if _drops(operation, t, found[t])]:
                del found[thing]
    return found


def _left(created: dict[Thing, set[str]], downs: list[Operation]) -> list[Thing]:
    return [
        thing
        for thing, columns in created.items()
        if not any(_drops(operation, thing, columns) for operation in downs)
    ]


def _drops(operation: Operation, thing: Thing, columns: set[str]) -> bool:
    """Whether the thing is gone after the operation."""
    if isinstance(operation, Drop):
        if operation.kind == "schema":
            return thing.name.schema == operation.name.name
        if _key(operation.name) == thing.name:
            return True
        return operation.cascade and thing.kind in ("view", "constraint")
    if isinstance(operation, DropColumn):
        return _key(operation.table) == thing.name and operation.column in columns
    if isinstance(operation, DropIndex):
        return thing.kind == "index" and operation.index.name == thing.part
    if isinstance(operation, DropConstraint):
        return _key(operation.table) == thing.name and operation.name == thing.part
    return False


def _too_much(ups: Iterable[Operation], steps: Iterable[Step]) -> Iterator[Hazard]:
    tables, columns = set(), set()
    open_tables = set()
    for operation in ups:
        if isinstance(operation, CreateTable):
            tables.add(_key(operation.table))
            open_tables.add(_key(operation.table))
        elif isinstance(operation, AddColumn):
            columns.add((_key(operation.table), operation.column))
    for step in steps:
        operation = step.operation
        if isinstance(operation, Drop) and operation.kind == "table":
            if _key(operation.name) not in tables:
                yield Hazard(
                    f"Drops {operation.name}, which the up did not create: a rollback loses rows "
                    "that were there before.",
                    at=step,
                )
        elif isinstance(operation, DropColumn):
            table = _key(operation.table)
            if table not in open_tables and (table, operation.column) not in columns:
                yield Hazard(
                    f"Drops the column {operation.column} of {operation.table}, which the up did "
                    "not add: a rollback loses what was in it before.",
                    at=step,
                )


def _key(name: Name) -> Name:
    return name if name.schema else Name("public", name.name)
