"""SET NOT NULL without a scan under ACCESS EXCLUSIVE: a validated CHECK proves it."""

from typing import Final

from senior_backend.catalog.replay import names
from senior_backend.migrations.fixes.remedy import Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.columns import SetNotNull
from senior_backend.operations.names import Name
from senior_backend.sql.identifiers import quote_identifier

RULES: Final = ("set-not-null-scan",)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """CHECK NOT VALID, VALIDATE, then SET NOT NULL, which reads nothing (ALTER TABLE, Notes)."""
    if not isinstance(step.operation, SetNotNull) or not step.alone_in_statement:
        return None
    table, column = step.operation.table, step.operation.column
    return Remedy(
        phases=phases(step, table, column),
        safe=True,
        rollback=(recipes.alter(table, f"ALTER COLUMN {quote_identifier(column)} DROP NOT NULL"),),
    )


def phases(step: Step, table: Name, column: str) -> tuple[Phase, ...]:
    """The migrations that make a filled column NOT NULL."""
    quoted = quote_identifier(column)
    key, not_null = step.catalog.key(table), step.assumptions.major >= 18
    # The name that SET NOT NULL gives its constraint from 18 on stays free for it.
    label = "not_null" if not_null else "is_not_null"
    name = names.constraint(step.catalog, key, column, label, taken=_proofs(step))
    constraint = quote_identifier(name)
    drop = recipes.drop_constraint(table, name)
    nullable = recipes.alter(table, f"ALTER COLUMN {quoted} DROP NOT NULL")
    if not_null:
        add = f"ADD CONSTRAINT {constraint} NOT NULL {quoted} NOT VALID"
        return (
            Phase(f"add_{name}", (recipes.alter(table, add),), (nullable,)),
            Phase(f"validate_{name}", (recipes.validate(table, name),)),
        )
    add = f"ADD CONSTRAINT {constraint} CHECK ({quoted} IS NOT NULL) NOT VALID"
    return (
        Phase(f"add_{name}", (recipes.alter(table, add),), (drop,)),
        Phase(f"validate_{name}", (recipes.validate(table, name),)),
        Phase(
            f"set_{name}",
            (recipes.alter(table, f"ALTER COLUMN {quoted} SET NOT NULL"), drop),
            (recipes.alter(table, add), nullable),
        ),
    )


def _proofs(step: Step) -> tuple[str, ...]:
    """The names that the columns before this one of the same migration get."""
    return tuple(
        names.joined(earlier.table.name, earlier.column, "is_not_null")
        for earlier in step.earlier
        if isinstance(earlier, SetNotNull)
    )
