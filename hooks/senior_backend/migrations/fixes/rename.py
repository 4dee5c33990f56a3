"""Renames during which both names work: a view has the name that is to go, or to come."""

from typing import Final

from senior_backend.migrations.fixes.remedy import Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.names import Name
from senior_backend.operations.objects import Drop, Rename
from senior_backend.sql.identifiers import quote_identifier

RULES: Final = ("rename-column", "rename-table")

_VIEW: Final = (
    "INSERT, UPDATE and DELETE pass through the view; TRUNCATE, COPY FROM and references do not. "
    "Grants of the table do not hold for it: GRANT what the application's role needs."
)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """Two migrations with a deploy in between."""
    operation = step.operation
    if not isinstance(operation, Rename) or operation.if_exists:
        return None
    if _is_a_step(step, operation):
        return Remedy(reason="one step of several: run it when no code needs the old form")
    known = step.catalog.table(operation.of)
    if known is not None and (known.partition_of or known.kind != "table"):
        return None
    if operation.kind == "column":
        return _column(step, operation)
    return _table(step, operation)


def _is_a_step(step: Step, rename: Rename) -> bool:
    """Whether another takes the old name, or gives up the new one, in the same migration."""
    gone = any(
        isinstance(o, Drop) and o.kind == "view" and o.name.name in (rename.of.name, rename.new)
        for o in step.earlier
    )
    return gone or any(
        isinstance(o, Rename)
        and o is not rename
        and o.kind == rename.kind
        and (o.new == rename.old or o.old == rename.new)
        for o in step.operations
    )


def _column(step: Step, rename: Rename) -> Remedy:
    """A view in the table's place has the column under both names."""
    table = rename.of
    rows = recipes.beside(table, f"{table.name}_rows"[:63])
    old, new = quote_identifier(rename.old), quote_identifier(rename.new)
    aside, back = _rename(table, rows.name), _rename(rows, table.name)
    view = (
        f"CREATE VIEW {recipes.name(table)} AS SELECT *, {old} AS {new} FROM {recipes.name(rows)}"
    )
    drop = f"DROP VIEW {recipes.name(table)}"
    named = recipes.alter(table, f"RENAME COLUMN {old} TO {new}")
    unnamed = recipes.alter(table, f"RENAME COLUMN {new} TO {old}")
    phases = (
        Phase(
            f"{table.name}_{rename.old}_also_as_{rename.new}",
            _together(step, (aside, view)),
            _together(step, (drop, back)),
            note=_VIEW,
        ),
        Phase(
            f"rename_{table.name}_{rename.old}_to_{rename.new}",
            (drop, back, named),
            (unnamed, aside, view),
            deploy_before=f"the release that says {table.name}.{rename.new} only",
        ),
    )
    reason = (
        f"between the two migrations {table.name} is a view with both names; or leave the column "
        "its name, and rename it in the code only"
    )
    return Remedy(phases=phases, reason=reason, rollback=(unnamed,))


def _table(step: Step, rename: Rename) -> Remedy:
    """A view has the old name until no code says it."""
    new = recipes.beside(rename.of, rename.new)
    view = f"CREATE VIEW {recipes.name(rename.of)} AS SELECT * FROM {recipes.name(new)}"
    drop = f"DROP VIEW {recipes.name(rename.of)}"
    back = _rename(new, rename.old)
    phases = (
        Phase(
            f"rename_{rename.old}_to_{rename.new}",
            _together(step, (step.statement.sql, view)),
            _together(step, (drop, back)),
            note=_VIEW,
        ),
        Phase(
            f"drop_view_{rename.old}",
            (drop,),
            (view,),
            deploy_before=f"the release that says {rename.new} only",
        ),
    )
    return Remedy(
        phases=phases,
        reason=f"{rename.old} stays as a view until no code says it",
        rollback=(drop, back),
    )


def _rename(table: Name, new: str) -> str:
    return recipes.alter(table, f"RENAME TO {quote_identifier(new)}")


def _together(step: Step, statements: tuple[str, ...]) -> tuple[str, ...]:
    """In one transaction also where the tool runs each statement on its own."""
    migration = step.migration
    segments = migration.up if step.direction == "up" else migration.down or ()
    if step.transaction is None and any(s.transaction == "statement" for s in segments):
        return ("BEGIN", *statements, "COMMIT")
    return statements
