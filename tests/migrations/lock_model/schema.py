"""Schemas replayed for the lock model, and what it says of statements on them."""

from functools import cache

from senior_backend import sql
from senior_backend.catalog import replay
from senior_backend.catalog.model import BEFORE, Catalog
from senior_backend.migrations.lock_model.database import merged
from senior_backend.migrations.lock_model.effect import Effect
from senior_backend.migrations.lock_model.model import effects
from senior_backend.migrations.step import Assumptions, Session
from senior_backend.operations import reader
from senior_backend.operations.operation import Operation
from senior_backend.operations.session import SetVariable


@cache
def _replayed(schema: str) -> Catalog:
    catalog = Catalog(complete=True)
    for operation in operations(schema):
        replay.apply(catalog, operation, BEFORE)
    return catalog


def catalog_of(schema: str) -> Catalog:
    """A catalog that knows everything about the schema, to be changed at will."""
    return _replayed(schema).copy()


@cache
def operations(statements: str) -> tuple[Operation, ...]:
    """The operations of some SQL; all of it must be understood."""
    script = sql.read(sql.SqlText("statements.sql", statements.encode()))
    assert not script.unparsed, [piece.reason for piece in script.unparsed]
    return tuple(o for statement in script.statements for o in reader.read(statement))


def effects_of(
    statements: str, schema: str, major: int = 18, timezone: str | None = "UTC"
) -> dict[str, Effect]:
    """What the lock model says of statements run one after the other, by relation."""
    return effects_on(statements, catalog_of(schema), major, timezone)


def effects_on(
    statements: str, catalog: Catalog, major: int = 18, timezone: str | None = "UTC"
) -> dict[str, Effect]:
    """The same on a given catalog, which is carried on."""
    session = Session()
    found: list[Effect] = []
    there = {key.name for key in (*catalog.tables, *catalog.indexes)}
    for operation in operations(statements):
        if isinstance(operation, SetVariable) and operation.value is not None:
            session.variables[operation.name.lower()] = operation.value
        assumptions = Assumptions(major=major, timezone=timezone)
        found += effects(operation, catalog, assumptions, session)
        replay.apply(catalog, operation, 1)
    return {
        effect.relation: effect
        for effect in merged(found)
        if not there or effect.relation.rpartition(".")[2] in there
    }
