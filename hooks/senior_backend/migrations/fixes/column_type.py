"""Types changed by way of a new column, without a rewrite under ACCESS EXCLUSIVE."""

import re
from dataclasses import dataclass, replace
from typing import Final

from senior_backend.catalog.model import Index
from senior_backend.migrations import casts, conversion
from senior_backend.migrations.blocking import certainty
from senior_backend.migrations.conversion import Conversion
from senior_backend.migrations.fixes import concurrent_index, filling, set_not_null
from senior_backend.migrations.fixes.remedy import Edit, Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.columns import AlterColumnType, ColumnDefinition, ColumnOperation
from senior_backend.operations.constraints import AddConstraint, Constraint
from senior_backend.operations.indexes import CreateIndex
from senior_backend.operations.names import Name
from senior_backend.operations.operation import Operation
from senior_backend.sql.identifiers import quote_identifier

RULES: Final = (
    "column-type-rewrite",
    "type-narrowing-data-loss",
    "type-change-on-fk-target",
    "type-change-rebuilds-index",
    "timestamp-to-timestamptz",
    "type-change-missing-using",
)

_ALWAYS_CASTS: Final = frozenset({("integer", "boolean"), ("boolean", "integer")})
"""Explicit casts that never fail, where there is no assignment cast (pg_cast)."""
_WORDS: Final = {"unique": "UNIQUE", "primary_key": "PRIMARY KEY"}


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """What suits the change: USING, a time zone, indexes aside, or a new column."""
    change = step.operation
    if not isinstance(change, AlterColumnType) or hazard.class_ in ("note", "hygiene"):
        return None
    known = step.catalog.column(change.table, change.column)
    if known is None:
        return Remedy(reason="what the column is now is not known, so no way is planned")
    if casts.assignable(known.type, change.type, step.catalog) is False and change.using is None:
        return _using(step, change, known.definition)
    if not step.alone_in_statement:
        return Remedy(reason="give the type change an ALTER TABLE of its own, then plan again")
    if certainty(step, "rewrite") is False:
        return _indexes_aside(step, change, known.definition)
    zone = step.session.variables.get("timezone")
    moments = casts.between_timestamps(known.type, change.type, step.catalog)
    if moments and change.using is None and zone is None:
        return _moments(step)
    new_name = f"{change.column[:59]}_new"
    ways = conversion.plan(change, known.type, zone, new_name, step.catalog)
    if isinstance(ways, str):
        return Remedy(reason=f"{ways}; the way over a new column has to be planned by hand")
    if any(_acts_on(later, change) for later in step.later):
        return Remedy(reason=_NAMED_LATER)
    return _new_column(step, change, known.definition, ways)


_NAMED_LATER: Final = (
    "a later statement of the migration is about the same column, and would be about the old one: "
    "move it into a migration of its own, then plan again"
)


def _acts_on(later: Operation, change: AlterColumnType) -> bool:
    if isinstance(later, ColumnOperation):
        return later.table.name == change.table.name and later.column == change.column
    if isinstance(later, AddConstraint):
        columns = later.constraint.columns
        return later.table.name == change.table.name and change.column in columns
    if isinstance(later, CreateIndex):
        # One that is not built CONCURRENTLY moves behind all of the steps.
        keys = {part for key in later.keys for part in (key.column, *key.reads)}
        same = later.table.name == change.table.name and later.concurrently
        return same and change.column in {*keys, *later.include}
    return False


def _using(step: Step, change: AlterColumnType, definition: ColumnDefinition) -> Remedy:
    column, new = quote_identifier(change.column), recipes.type_name(change.type)
    data = step.statement.text.data
    edits = [Edit(change.end, change.end, f" USING {column}::{new}")]
    if definition.default is not None and step.alone_in_statement:
        default = f", ALTER COLUMN {column} SET DEFAULT ({definition.default.sql})::{new}"
        found = re.compile(rb"\balter\s+(?:column\s+)?", re.IGNORECASE)
        places = [m.start() for m in found.finditer(data, change.start, change.end)]
        at = places[1] if len(places) > 1 else change.start
        edits = [
            Edit(at, at, f"ALTER COLUMN {column} DROP DEFAULT, "),
            Edit(change.end, change.end, f" USING {column}::{new}{default}"),
        ]
    certain = (str(definition.type), str(change.type)) in _ALWAYS_CASTS
    reason = f"the conversion fails for values that are no {change.type}: see that there are none"
    return Remedy(tuple(edits), safe=certain, reason="" if certain else reason)


def _moments(step: Step) -> Remedy:
    """With UTC nothing is converted; with another zone the values are."""
    local = "LOCAL " if step.transaction is not None else ""
    start = step.statement.start
    return Remedy(
        (Edit(start, start, f"SET {local}TimeZone = 'UTC';\n"),),
        reason="this is right only if the values that are there are times of UTC",
    )


def _indexes_aside(step: Step, change: AlterColumnType, definition: ColumnDefinition) -> Remedy:
    """Drop its indexes, change the type in an instant, and build them again."""
    indexes = [i for i in step.catalog.indexes_of(change.table) if _uses(i, change.column)]
    if not indexes or any(index.constraint for index in indexes):
        return Remedy(reason="its index belongs to a constraint: go through a new column")
    if any(index.abridged for index in indexes):
        return Remedy(reason="an index has settings that have to be given to the new one by hand")
    named = [(index, recipes.beside(change.table, index.name.name)) for index in indexes]
    builds = {n.name: concurrent_index.build(i, n.name, change.table) for i, n in named}
    drops = [
        Phase(
            f"drop_{name.name}",
            (recipes.drop_index_concurrently(name),),
            (builds[name.name],),
            transactional=False,
        )
        for _, name in named
    ]
    creates = [
        Phase(
            f"create_{name.name}",
            (builds[name.name],),
            (recipes.drop_index_concurrently(name),),
            transactional=False,
            cleanup=(recipes.drop_index_concurrently(name, if_exists=True),),
        )
        for _, name in named
    ]
    collation = recipes.name(definition.collation) if definition.collation else '"default"'
    collated = f" COLLATE {collation}" if change.collation or definition.collation else ""
    back = (
        f"ALTER COLUMN {quote_identifier(change.column)} "
        f"TYPE {recipes.type_name(definition.type)}{collated}"
    )
    middle = Phase(
        f"change_type_of_{change.table.name}_{change.column}",
        (step.statement.sql,),
        (recipes.alter(change.table, back),),
    )
    return Remedy(
        phases=(*drops, middle, *creates),
        apart=True,
        reason="queries have to do without the index in between",
    )


def _uses(index: Index, column: str) -> bool:
    parts = {*index.include, *(index.where.columns if index.where else ())}
    for key in index.keys:
        parts |= {key.column or "", *key.reads}
    return column in parts


@dataclass(frozen=True, slots=True)
class _Way:
    """The names on the way from the old column to the new one."""

    table: Name
    column: str
    new: str
    old: str

    def temporary(self, name: str) -> str:
        return f"{name[:59]}_new"


def _new_column(
    step: Step, change: AlterColumnType, definition: ColumnDefinition, ways: Conversion
) -> Remedy:
    """Expand, fill, prove, swap the names in one transaction, contract."""
    obstacle = _obstacle(step, change, definition)
    if obstacle:
        return Remedy(reason=f"{obstacle}: the way over a new column has to be planned by hand")
    table, column = change.table, change.column
    way = _Way(table, column, f"{column[:59]}_new", f"{column[:59]}_old")
    new, quoted = quote_identifier(way.new), quote_identifier(column)
    typed = replace(
        definition, name=way.new, type=change.type, collation=change.collation, constraints=()
    )
    function = recipes.beside(table, f"{table.name}_{way.new}"[:63])
    value = ways.there
    source = (
        f"NEW.{quoted}" if value == quoted else f"(SELECT {value} FROM (SELECT NEW.*) AS new_row)"
    )
    drop_trigger = recipes.drop_trigger(function.name, table, function)
    in_step = (
        recipes.trigger_function(function, f"    NEW.{new} := {source};"),
        recipes.trigger(function.name, table, function),
    )
    added = f"ADD COLUMN {recipes.column(typed, default=False, not_null=False)}"
    expand = Phase(
        f"add_{table.name}_{way.new}",
        (recipes.alter(table, added), *in_step),
        (*drop_trigger, recipes.alter(table, f"DROP COLUMN {new}")),
        note=f"A trigger keeps {way.new} in step with {column}.",
    )
    missing = f"{new} IS NULL AND {quoted} IS NOT NULL"
    phases = [expand, filling.fill(step, table, way.new, value, missing)]
    if definition.not_null:
        phases += set_not_null.phases(step, table, way.new)
    swap = [*drop_trigger]
    after: list[str] = []
    back: list[str] = []
    restored: list[str] = []
    for index in step.catalog.indexes_of(table):
        if index.constraint is None and _uses(index, column):
            phases.append(_index(index, index.name.name, way))
            own = recipes.beside(table, index.name.name)
            temporary = recipes.beside(table, way.temporary(own.name))
            swap.append(f"DROP INDEX {recipes.name(own)}")
            after.append(
                f"ALTER INDEX {recipes.name(temporary)} RENAME TO {quote_identifier(own.name)}"
            )
            back.append(
                f"ALTER INDEX {recipes.name(own)} RENAME TO {quote_identifier(temporary.name)}"
            )
            again = concurrent_index.build(index, own.name, table)
            restored.append(again.replace(" CONCURRENTLY", "", 1))
    known = step.catalog.table(table)
    for name, constraint in known.constraints.items() if known else ():
        if column in constraint.columns and constraint.kind != "not_null":
            moved = _constraint(step, name, constraint, way)
            phases += moved.before
            swap.append(recipes.drop_constraint(table, name))
            after.append(moved.named)
            back.append(moved.unnamed)
            restored.append(moved.restored)
    there, and_back = _names_swapped(step, definition, way)
    swap += there
    type_again = f"ALTER COLUMN {quoted} TYPE {recipes.type_name(definition.type)}"
    collated = f" COLLATE {recipes.name(definition.collation)}" if definition.collation else ""
    # What was written since the swap; in the down there is no way but all at once.
    missed = f"UPDATE {recipes.name(table)} SET {quoted} = {ways.back} WHERE {ways.changed}"
    back += [
        *and_back,
        recipes.alter(table, f"{type_again}{collated}"),
        missed,
        *([recipes.alter(table, f"ALTER COLUMN {quoted} SET NOT NULL")] * definition.not_null),
        *restored,
        *in_step,
    ]
    changed = f"{table.name}.{column}"
    phases.append(
        Phase(
            f"swap_{table.name}_{column}",
            (*swap, *after),
            tuple(back),
            deploy_before=f"a release that takes {changed} as {definition.type} and as "
            f"{change.type}",
            note=f"From here on {way.old} holds what was there before and is not written any more."
            + (f"\nTaken back, of what was written since: {ways.lossy}." if ways.lossy else ""),
        )
    )
    phases.append(
        Phase(
            f"drop_{table.name}_{way.old}",
            (recipes.alter(table, f"DROP COLUMN {quote_identifier(way.old)}"),),
            (recipes.alter(table, f"ADD COLUMN {quote_identifier(way.old)} {definition.type}"),),
            deploy_before=f"nothing that is not known to work with {change.type}: the old values "
            "are gone after this",
        )
    )
    loss = casts.loss(definition.type, change.type, step.catalog, cast=change.using is not None)
    lost = f"{loss.text}; " if loss else ""
    return Remedy(
        phases=tuple(phases),
        reason=f"{lost}deploys lie in between, and the column comes to stand last in its table",
        rollback=expand.down,
    )


def _obstacle(step: Step, change: AlterColumnType, definition: ColumnDefinition) -> str:
    known = step.catalog.table(change.table)
    column = change.column
    if known is None or not known.complete:
        return "the table is not known in full"
    if known.kind != "table" or known.partition_by or known.partition_of or known.inherits:
        return "the table is partitioned or inherits"
    if definition.identity or definition.generated:
        return f"{column} is an identity or generated"
    key = next((c.columns for c in known.constraints.values() if c.kind == "primary_key"), ())
    for holder, foreign in step.catalog.foreign_keys_to(change.table):
        if column in (foreign.referenced_columns or key):
            return f"{holder.name.name} references {column}"
    for label in (f"{column[:59]}_new", f"{column[:59]}_old"):
        if label in known.columns:
            return f"{known.name.name} has a column {label}"
    if known.policies or known.said or definition.abridged:
        what = sorted(known.said) or ["a policy"] if known.policies else sorted(known.said)
        return f"{' and '.join(what) or 'storage of the column'} would have to be made anew"
    for constraint in known.constraints.values():
        if column not in constraint.columns:
            continue
        if constraint.kind == "exclude" or constraint.include or constraint.abridged:
            return "an exclusion constraint or an index with INCLUDE or settings uses the column"
        if (
            constraint.expression is not None
            and _moved_text(constraint.expression.sql, column, "") is None
        ):
            return "a check names the column in a way that cannot be rewritten"
    for index in step.catalog.indexes_of(change.table):
        named = {key.column for key in index.keys} | set(index.include)
        if _uses(index, column) and (column not in named or index.abridged):
            return f"{index.name.name} has an expression of the column, or settings"
    for view in step.catalog.views_reading(change.table):
        return f"{view.name.name} reads the table"
    if any(
        column in (c.definition.generation.columns if c.definition.generation else ())
        for c in known.columns.values()
    ):
        return "a generated column reads it"
    return ""


def _index(index: Index, name: str, way: _Way) -> Phase:
    temporary = recipes.beside(way.table, way.temporary(name))
    return Phase(
        f"create_{temporary.name}",
        (concurrent_index.build(index, temporary.name, way.table, (way.column, way.new)),),
        (recipes.drop_index_concurrently(temporary, if_exists=True),),
        transactional=False,
        cleanup=(recipes.drop_index_concurrently(temporary, if_exists=True),),
    )


@dataclass(frozen=True, slots=True)
class _Moved:
    """A constraint on its way to the new column: what is made before, its name, and the way back.

    ``restored`` makes the old one again.
    """

    before: list[Phase]
    named: str
    unnamed: str
    restored: str


def _constraint(step: Step, name: str, constraint: Constraint, way: _Way) -> _Moved:
    table, temporary = way.table, way.temporary(name)
    columns = tuple(way.new if c == way.column else c for c in constraint.columns)
    quoted = quote_identifier(name)
    if constraint.kind in _WORDS:
        backing = next(i for i in step.catalog.indexes_of(table) if i.constraint == name)
        word, index = _WORDS[constraint.kind], quote_identifier(temporary)
        when = " DEFERRABLE" if constraint.deferrable else ""
        when += " INITIALLY DEFERRED" if constraint.initially_deferred else ""
        own = f"ADD CONSTRAINT {quoted} {word} ({recipes.names(constraint.columns)}){when}"
        return _Moved(
            [_index(backing, name, way)],
            recipes.alter(table, f"ADD CONSTRAINT {quoted} {word} USING INDEX {index}{when}"),
            recipes.drop_constraint(table, name),
            recipes.alter(table, own),
        )
    moved = replace(constraint, columns=columns)
    if constraint.expression is not None:
        text = _moved_text(constraint.expression.sql, way.column, way.new)
        moved = replace(moved, expression=constraint.expression._replace(sql=text or ""))
    add = recipes.alter(table, recipes.constraint(moved, temporary, not_valid=True))
    phases = [
        Phase(f"add_{temporary}", (add,), (recipes.drop_constraint(table, temporary),)),
        Phase(f"validate_{temporary}", (recipes.validate(table, temporary),)),
    ]
    other = quote_identifier(temporary)
    return _Moved(
        phases,
        recipes.alter(table, f"RENAME CONSTRAINT {other} TO {quoted}"),
        recipes.alter(table, f"RENAME CONSTRAINT {quoted} TO {other}"),
        recipes.alter(table, recipes.constraint(constraint, name)),
    )


def _moved_text(expression: str, column: str, new: str) -> str | None:
    """An expression with another column in the place of one; None where that is not certain.

    As the deparsed expression has it: in quotes where the name needs them.
    """
    old = quote_identifier(column)
    mention = re.compile(rf"(?<![\w\"'.]){re.escape(old)}(?![\w\"'(.])")
    if len(mention.findall(expression)) != expression.lower().count(column.lower()):
        return None  # in a string, behind the table's name, in a longer name
    return mention.sub(lambda _: quote_identifier(new), expression)


def _names_swapped(
    step: Step, definition: ColumnDefinition, way: _Way
) -> tuple[list[str], list[str]]:
    """The columns exchange names, defaults and sequences; and back."""
    table = way.table
    column, new, old = map(quote_identifier, (way.column, way.new, way.old))
    there = [
        recipes.alter(table, f"RENAME COLUMN {column} TO {old}"),
        recipes.alter(table, f"RENAME COLUMN {new} TO {column}"),
    ]
    back = [
        recipes.alter(table, f"RENAME COLUMN {column} TO {new}"),
        recipes.alter(table, f"RENAME COLUMN {old} TO {column}"),
    ]
    default = definition.default.sql if definition.default else ""
    for sequence in step.catalog.tables.values():
        if sequence.owned_by == (step.catalog.key(table), way.column):
            own = recipes.name(recipes.beside(table, sequence.name.name))
            owned = f"ALTER SEQUENCE {own} OWNED BY {recipes.name(table)}.{column}"
            there.append(owned)
            back.append(owned)
            default = default or (f"nextval({recipes.literal(own)})" if definition.serial else "")
    if default:
        set_default = f"ALTER COLUMN {column} SET DEFAULT {default}"
        there.append(recipes.alter(table, set_default, f"ALTER COLUMN {old} DROP DEFAULT"))
        back.append(recipes.alter(table, set_default, f"ALTER COLUMN {new} DROP DEFAULT"))
    if definition.not_null:
        there.append(recipes.alter(table, f"ALTER COLUMN {old} DROP NOT NULL"))
    return there, back
