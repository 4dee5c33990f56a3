"""Columns and tables dropped when no code names them any more."""

from dataclasses import replace
from typing import Final

from senior_backend.migrations.fixes import filling
from senior_backend.migrations.fixes.remedy import Edit, Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.columns import ColumnDefinition, DropColumn
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import Name
from senior_backend.operations.objects import Drop
from senior_backend.sql.identifiers import quote_identifier

RULES: Final = ("drop-column", "drop-column-drops-constraint", "drop-table")


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """The same drop, after the deploy of code that can do without."""
    if hazard.class_ in ("note", "hygiene"):
        return None
    if isinstance(step.operation, DropColumn):
        return _column(step, step.operation)
    if isinstance(step.operation, Drop):
        return _table(step, step.operation)
    return None


def _column(step: Step, operation: DropColumn) -> Remedy | None:
    table, quoted = operation.table, quote_identifier(operation.column)
    known = step.catalog.column(table, operation.column)
    definition = known.definition if known is not None else None
    back = (_added_again(table, definition),) if definition is not None else ()
    action = step.statement.text.data[operation.start : operation.end].decode()
    dropped = Phase(
        f"drop_{table.name}_{operation.column}",
        (step.statement.sql if step.alone_in_statement else recipes.alter(table, action),),
        back,
        deploy_before=f"the release that no longer names {table.name}.{operation.column}",
        note=_keep(table, operation.column, filling.key_of(step, table)),
    )
    reason = (
        f"code that names {table.name}.{operation.column} has to be gone first; what takes it back "
        "brings the column, not its values"
    )
    required = definition is not None and definition.not_null and definition.default is None
    if definition is not None and (definition.serial or definition.identity):
        required = False
    nullable = f"ALTER COLUMN {quoted} DROP NOT NULL"
    if not step.alone_in_statement:
        edit = _replaced(step, operation, nullable if required else "")
        return Remedy((edit,), (dropped,), reason=reason, rollback=back) if edit else None
    if not required or _in_primary_key(step, operation):
        return Remedy(phases=(dropped,), reason=reason, rollback=back)
    first = Phase(
        f"allow_{table.name}_{operation.column}_null",
        (recipes.alter(table, nullable),),
        (recipes.alter(table, f"ALTER COLUMN {quoted} SET NOT NULL"),),
    )
    return Remedy(phases=(first, dropped), reason=reason, rollback=back)


def _added_again(table: Name, definition: ColumnDefinition) -> str:
    plain = replace(definition, not_null=False)
    constant = definition.default is not None and definition.default.constant
    return recipes.alter(table, f"ADD COLUMN {recipes.column(plain, default=constant)}")


def _keep(table: Name, column: str, key: tuple[str, ...]) -> str:
    kept = recipes.name(recipes.beside(table, f"{table.name}_{column}_kept"[:63]))
    columns = recipes.names(dict.fromkeys((*key, column)))
    return (
        "Its values are gone for good. To keep them, run before: "
        f"CREATE TABLE {kept} AS SELECT {columns} FROM {recipes.name(table)};"
    )


def _in_primary_key(step: Step, operation: DropColumn) -> bool:
    return operation.column in filling.key_of(step, operation.table)


def _replaced(step: Step, operation: DropColumn, text: str) -> Edit | None:
    """The action replaced, or without it and one comma."""
    if text:
        return Edit(operation.start, operation.end, text)
    actions = sorted(step.siblings, key=lambda o: o.start)
    spans = [(o.start, o.end) for o in actions]
    if len(set(spans)) < len(spans):
        return None
    at = spans.index((operation.start, operation.end))
    if at + 1 < len(spans):
        return Edit(operation.start, spans[at + 1][0], "")
    return Edit(spans[at - 1][1], operation.end, "")


def _table(step: Step, operation: Drop) -> Remedy:
    names = [drop.name for drop in step.named_together(Drop)] or [operation.name]
    back = tuple(text for name in names if (text := _created_again(step, name)))
    listed = ", ".join(name.name for name in names)
    kept = " ".join(
        f"CREATE TABLE {recipes.name(recipes.beside(name, f'{name.name}_kept'[:63]))} "
        f"AS TABLE {recipes.name(name)};"
        for name in names
    )
    phase = Phase(
        f"drop_{names[0].name}",
        (step.statement.sql,),
        back if len(back) == len(names) else (),
        deploy_before=f"the release that no longer uses {listed}",
        note=f"The rows are gone for good. To keep them, run before: {kept}",
    )
    reason = (
        f"code that uses {listed} has to be gone first; what takes it back brings the table "
        "without rows, indexes, triggers and grants"
    )
    return Remedy(phases=(phase,), reason=reason, rollback=phase.down)


def _created_again(step: Step, name: Name) -> str:
    """CREATE TABLE as far as its definition is known; empty where more than that would be lost."""
    table = step.catalog.table(name)
    if table is None or not table.complete or table.partition_by or table.inherits:
        return ""
    definitions = [column.definition for column in table.columns.values()]
    if any(d.serial or d.identity or d.generated for d in definitions):
        return ""
    lines = [recipes.column(definition) for definition in definitions]
    for label, constraint in table.constraints.items():
        text = _constraint(label, constraint)
        if text is None:
            return ""
        lines += [text] if text else []
    return f"CREATE TABLE {recipes.name(name)} (\n    " + ",\n    ".join(lines) + "\n)"


def _constraint(label: str, constraint: Constraint) -> str | None:
    if constraint.kind == "not_null":
        return ""
    if constraint.kind in ("check", "foreign_key"):
        return recipes.constraint(constraint, label).removeprefix("ADD ")
    if constraint.kind in ("primary_key", "unique") and not constraint.include:
        kind = "PRIMARY KEY" if constraint.kind == "primary_key" else "UNIQUE"
        columns = recipes.names(constraint.columns)
        return f"CONSTRAINT {quote_identifier(label)} {kind} ({columns})"
    return None
