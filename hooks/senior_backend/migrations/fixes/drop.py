"""Columns and tables dropped when no code names them any more."""

from dataclasses import replace
from typing import Final

from senior_backend.migrations.fixes import filling
from senior_backend.migrations.fixes.remedy import Edit, Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.columns import AddColumn, ColumnDefinition, DropColumn
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import Name
from senior_backend.operations.objects import Drop, Rename
from senior_backend.operations.operation import Operation
from senior_backend.operations.tables import CreateTable
from senior_backend.sql.identifiers import quote_identifier

RULES: Final = ("drop-column", "drop-column-drops-constraint", "drop-table")


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """The same drop, after the deploy of code that can do without."""
    if hazard.class_ in ("note", "hygiene"):
        return None
    if isinstance(step.operation, DropColumn):
        return _columns(step)
    if isinstance(step.operation, Drop):
        return _table(step, step.operation)
    return None


def _columns(step: Step) -> Remedy | None:
    """All columns that one statement drops, after what has to go before them."""
    drops = [o for o in step.siblings or (step.operation,) if isinstance(o, DropColumn)]
    table = drops[0].table
    added = {
        one.column
        for one in (*step.siblings, *step.later)
        if isinstance(one, AddColumn) and one.table == table
    }
    if again := [drop.column for drop in drops if drop.column in added]:
        # Put off, the drop would take the new column.
        listed = ", ".join(again)
        return Remedy(
            reason=f"all values of {table.name}.{listed} are lost, as the new column begins empty: "
            f"to keep them, write ALTER COLUMN {quote_identifier(again[0])} TYPE instead"
        )
    dropped_names = {drop.column for drop in drops}
    if any(_takes(one, table, dropped_names) for one in step.later):
        return None  # put off, the drop would take the column that has its name then
    known = [step.catalog.column(table, drop.column) for drop in drops]
    definitions = [one.definition for one in known if one is not None]
    types = {str(definition.type) for definition in definitions}
    if waits := _waits(step, types if len(definitions) == len(drops) else None):
        return waits
    back = (
        (recipes.alter(table, *map(_added_again, definitions)),)
        if len(definitions) == len(drops) and not any(map(_is_more, definitions))
        else ()
    )
    listed = ", ".join(drop.column for drop in drops)
    named = f"{table.name}.{listed}" if len(drops) == 1 else f"{listed} of {table.name}"
    alone = len(drops) == max(len(step.siblings), 1)
    data = step.statement.text.data
    actions = [data[drop.start : drop.end].decode() for drop in drops]
    dropped = Phase(
        f"drop_{table.name}_{drops[0].column}" + ("_and_others" if len(drops) > 1 else ""),
        (step.statement.sql if alone else recipes.alter(table, *actions),),
        back,
        deploy_before=f"the release that no longer names {named}",
        note=_keep(table, [drop.column for drop in drops], filling.key_of(step, table)),
    )
    reason = (
        f"code that names {named} has to be gone first; what takes it back brings the "
        f"column{'s' if len(drops) > 1 else ''}, not the values, constraints and indexes"
    )
    key = filling.key_of(step, table)
    required = [d.name for d in definitions if _is_required(d)]
    if not alone:
        edit = _replaced(step, required)
        return Remedy((edit,), (dropped,), reason=reason, rollback=back) if edit else None
    nullable = [name for name in required if name not in key]
    if not nullable:
        return Remedy(phases=(dropped,), reason=reason, rollback=back)
    first = Phase(
        f"allow_{table.name}_{nullable[0]}_null",
        (recipes.alter(table, *map(_drop_not_null, nullable)),),
        (
            recipes.alter(
                table, *(f"ALTER COLUMN {quote_identifier(n)} SET NOT NULL" for n in nullable)
            ),
        ),
    )
    return Remedy(phases=(first, dropped), reason=reason, rollback=back)


def _takes(later: Operation, table: Name, names: set[str]) -> bool:
    return (
        isinstance(later, Rename)
        and later.kind == "column"
        and later.of.name == table.name
        and later.new in names
    )


_IN_ORDER: Final = frozenset({"table", "view", "materialized view", "foreign table"})
"""Whose drops are no part of a table; those of tables are put off too, in the same order."""


def _waits(step: Step, types: set[str] | None) -> Remedy | None:
    """Only a word where a later statement drops what can go only after the drop.

    A type, a function, a sequence, a schema, of what would still be there. ``types`` are those that
    it uses, as they are written; None: they are not known.
    """
    for later in step.later:
        if not isinstance(later, Drop) or later.kind in _IN_ORDER:
            continue
        unused = types is not None and not any(later.name.name in text for text in types)
        if later.kind in ("type", "domain") and unused:
            continue
        return Remedy(
            reason=f"a later statement drops {later.kind} {later.name.name}, which may be a part "
            "of it: move both by hand, behind the deploy of code without them"
        )
    return None


def _is_more(definition: ColumnDefinition) -> bool:
    """Whether a plain column of its type would be something else."""
    numbered = definition.serial or definition.identity or definition.generated
    return bool(numbered) or definition.abridged


def _is_required(definition: ColumnDefinition) -> bool:
    """Whether an INSERT that does not name the column fails while it is there."""
    if definition.serial or definition.identity:
        return False
    return definition.not_null and definition.default is None


def _drop_not_null(column: str) -> str:
    return f"ALTER COLUMN {quote_identifier(column)} DROP NOT NULL"


def _added_again(definition: ColumnDefinition) -> str:
    plain = replace(definition, not_null=False)
    constant = definition.default is not None and definition.default.constant
    return f"ADD COLUMN {recipes.column(plain, default=constant)}"


def _keep(table: Name, columns: list[str], key: tuple[str, ...]) -> str:
    kept = recipes.name(recipes.beside(table, f"{table.name}_{columns[0]}_kept"[:63]))
    listed = recipes.names(dict.fromkeys((*key, *columns)))
    whose = "Its values are" if len(columns) == 1 else "Their values are"
    return (
        f"{whose} gone for good. To keep them, run before: "
        f"CREATE TABLE {kept} AS SELECT {listed} FROM {recipes.name(table)};"
    )


def _replaced(step: Step, required: list[str]) -> Edit | None:
    """The statement's other actions, and DROP NOT NULL for the required columns."""
    actions = sorted(step.siblings, key=lambda o: o.start)
    spans = [(o.start, o.end) for o in actions]
    if len(set(spans)) < len(spans):
        return None
    data = step.statement.text.data
    kept, end = "", spans[0][0]
    for action in actions:
        between, end = data[end : action.start].decode(), action.end
        text = data[action.start : action.end].decode()
        if isinstance(action, DropColumn):
            text = _drop_not_null(action.column) if action.column in required else ""
        if text:
            kept += (between if kept else "") + text
    return Edit(spans[0][0], spans[-1][1], kept)


def _table(step: Step, operation: Drop) -> Remedy | None:
    names = [drop.name for drop in step.named_together(Drop)] or [operation.name]
    if waits := _waits(step, _types(step, names)):
        return waits
    for later in step.later:
        put_back = isinstance(later, CreateTable) and later.table in names
        moved = isinstance(later, Rename) and later.new in {name.name for name in names}
        if put_back or moved:
            return None  # put off, the drop would take the new table
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


def _types(step: Step, names: list[Name]) -> set[str] | None:
    tables = [step.catalog.table(name) for name in names]
    if any(table is None or not table.complete for table in tables):
        return None
    return {
        str(column.definition.type)
        for table in tables
        if table is not None
        for column in table.columns.values()
    }


def _created_again(step: Step, name: Name) -> str:
    """CREATE TABLE as far as its definition is known; empty where more than that would be lost."""
    table = step.catalog.table(name)
    if table is None or not table.complete or table.partition_by or table.inherits:
        return ""
    definitions = [column.definition for column in table.columns.values()]
    if any(map(_is_more, definitions)) or table.persistence != "permanent":
        return ""
    lines = [recipes.column(definition) for definition in definitions]
    for label, constraint in table.constraints.items():
        text = _constraint(label, constraint)
        if text is None:
            return ""
        lines += [text] if text else []
    return f"CREATE TABLE {recipes.name(name)} (\n    " + ",\n    ".join(lines) + "\n)"


def _constraint(label: str, constraint: Constraint) -> str | None:
    if constraint.abridged or constraint.nulls_not_distinct or constraint.not_valid:
        return None
    if constraint.kind == "not_null":
        return ""
    if constraint.kind in ("check", "foreign_key"):
        return recipes.constraint(constraint, label).removeprefix("ADD ")
    if constraint.kind in ("primary_key", "unique") and not constraint.include:
        kind = "PRIMARY KEY" if constraint.kind == "primary_key" else "UNIQUE"
        columns = recipes.names(constraint.columns)
        when = " DEFERRABLE" if constraint.deferrable else ""
        when += " INITIALLY DEFERRED" if constraint.initially_deferred else ""
        return f"CONSTRAINT {quote_identifier(label)} {kind} ({columns}){when}"
    return None
