"""Columns added in an instant: values of the old rows, NOT NULL and constraints come after."""

import re
from dataclasses import dataclass, replace
from typing import Final

from senior_backend.catalog.replay import names
from senior_backend.migrations.blocking import certainty
from senior_backend.migrations.fixes import filling, not_valid, set_not_null
from senior_backend.migrations.fixes.remedy import Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.columns import AddColumn, ColumnDefinition, DropDefault
from senior_backend.operations.constraints import Constraint
from senior_backend.operations.names import Name
from senior_backend.sql.identifiers import quote_identifier

RULES: Final = (
    "add-column-volatile-default",
    "add-column-serial",
    "add-column-identity",
    "add-column-generated-stored",
    "add-column-constrained-domain",
    "add-column-required",
    "add-column-inline-fk",
    "add-column-inline-check",
    "add-column-default-then-drop-default",
)

_LATER: Final = (
    "rows that are there get their value in batches: code that reads the column has to bear NULL "
    "until that is done"
)
_VALUE: Final = re.compile(r"\bvalue\b", re.IGNORECASE)
_OPTIONS: Final = re.compile(rb"\bidentity\s*\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Statements around ``ADD COLUMN``, its actions, and what comes after."""

    actions: tuple[str, ...]
    before: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()
    not_null: bool = False
    last: tuple[Phase, ...] = ()
    reason: str = ""


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """The column without what makes PostgreSQL read or write the table, and the rest after it."""
    operation = step.operation
    if isinstance(operation, DropDefault):
        return _keep_default(step, operation)
    if not isinstance(operation, AddColumn) or hazard.class_ in ("note", "hygiene"):
        return None
    if operation.only or operation.if_table_exists or operation.if_not_exists:
        return None  # what it does depends on more than is known here
    plan = _plan(step, operation)
    return _remedy(step, operation, plan) if plan is not None else None


def _plan(step: Step, operation: AddColumn) -> _Plan | None:
    definition = operation.definition
    if any(c.kind not in ("check", "foreign_key", "not_null") for c in definition.constraints):
        return None  # keys need an index first: a person puts the two together
    if definition.abridged or any(c.abridged for c in definition.constraints):
        return None  # storage, MATCH FULL and the like: more than is kept here
    if definition.serial:
        return _serial(step, operation.table, definition)
    if definition.identity is not None:
        sql = step.statement.text.data[operation.start : operation.end]
        return None if _OPTIONS.search(sql) else _identity(step, operation.table, definition)
    if definition.generated is not None:
        return _generated(step, operation.table, definition)
    domain = step.catalog.domain(definition.type)
    if domain is not None and domain.constrained:
        return _domain(step, operation.table, definition)
    default = definition.default
    if definition.not_null and (default is None or default.sql.upper() == "NULL"):
        return _required(step, operation.table, definition)
    if certainty(step, "rewrite") is not False:
        return _default(step, operation.table, definition)
    return _Plan((f"ADD COLUMN {recipes.column(definition)}",))


def _bare(definition: ColumnDefinition) -> str:
    return f"ADD COLUMN {recipes.column(definition, default=False, not_null=False)}"


def _set_default(definition: ColumnDefinition, default: str) -> str:
    return f"ALTER COLUMN {quote_identifier(definition.name)} SET DEFAULT {default}"


def _default(step: Step, table: Name, definition: ColumnDefinition) -> _Plan | None:
    if definition.default is None:
        return None
    missing = f"{quote_identifier(definition.name)} IS NULL"
    return _Plan(
        (_bare(definition), _set_default(definition, definition.default.sql)),
        phases=(filling.fill(step, table, definition.name, "DEFAULT", missing),),
        not_null=definition.not_null,
        reason=_LATER,
    )


def _serial(step: Step, table: Name, definition: ColumnDefinition) -> _Plan:
    own = recipes.beside(
        table, names.relation(step.catalog, step.catalog.key(table), definition.name, "seq")
    )
    return _numbered(step, table, definition, own)


def _numbered(step: Step, table: Name, definition: ColumnDefinition, own: Name) -> _Plan:
    quoted, kind = quote_identifier(definition.name), definition.type.name
    as_type = f" AS {kind}" if kind in ("integer", "smallint") else ""
    next_value = f"nextval({recipes.literal(recipes.name(own))})"
    owner = f"{recipes.name(table)}.{quoted}"
    return _Plan(
        (_bare(definition), _set_default(definition, next_value)),
        before=(f"CREATE SEQUENCE {recipes.name(own)}{as_type}",),
        behind=(f"ALTER SEQUENCE {recipes.name(own)} OWNED BY {owner}",),
        phases=(filling.fill(step, table, definition.name, "DEFAULT", f"{quoted} IS NULL"),),
        not_null=True,
        reason=_LATER,
    )


def _identity(step: Step, table: Name, definition: ColumnDefinition) -> _Plan:
    """A sequence at first; the identity goes on where it stands, without a look at the table."""
    own = recipes.beside(table, names.joined(table.name, definition.name, "filling"))
    plan = _numbered(step, table, definition, own)
    quoted = quote_identifier(definition.name)
    kind = (definition.identity or "").upper()
    target = f"{recipes.literal(recipes.name(table))}, {recipes.literal(definition.name)}"
    exchange = (
        f"ALTER SEQUENCE {recipes.name(own)} OWNED BY NONE",
        recipes.alter(
            table,
            f"ALTER COLUMN {quoted} DROP DEFAULT",
            f"ALTER COLUMN {quoted} ADD GENERATED {kind} AS IDENTITY",
        ),
        _set_to(f"pg_get_serial_sequence({target})", recipes.literal(recipes.name(own))),
        f"DROP SEQUENCE {recipes.name(own)}",
    )
    back = (
        f"CREATE SEQUENCE {recipes.name(own)}",
        _set_to(recipes.literal(recipes.name(own)), f"pg_get_serial_sequence({target})"),
        recipes.alter(
            table,
            f"ALTER COLUMN {quoted} DROP IDENTITY",
            plan.actions[1],
        ),
        f"ALTER SEQUENCE {recipes.name(own)} OWNED BY {recipes.name(table)}.{quoted}",
    )
    last = Phase(f"make_{table.name}_{definition.name}_identity", exchange, back)
    return replace(plan, last=(last,))


def _set_to(sequence: str, other: str) -> str:
    """One sequence goes on where another stands."""
    return f"SELECT setval({sequence}, nextval({other}), false)"


def _generated(step: Step, table: Name, definition: ColumnDefinition) -> _Plan | None:
    if definition.generation is None or definition.generated != "stored":
        return None
    column, expression = quote_identifier(definition.name), definition.generation.sql
    function = recipes.beside(table, names.joined(table.name, definition.name, "computed"))
    body = f"    NEW.{column} := (SELECT {expression} FROM (SELECT NEW.*) AS new_row);"
    virtual = (
        "; with PostgreSQL 18 a VIRTUAL column is added in an instant"
        if step.assumptions.major >= 18
        else ""
    )
    return _Plan(
        (_bare(definition),),
        behind=(
            recipes.trigger_function(function, body),
            recipes.trigger(function.name, table, function),
        ),
        down=recipes.drop_trigger(function.name, table, function),
        phases=(
            filling.fill(
                step,
                table,
                definition.name,
                expression,
                f"{column} IS DISTINCT FROM ({expression})",
            ),
        ),
        not_null=definition.not_null,
        reason=f"a trigger computes the column, which is an ordinary one in the end{virtual}",
    )


def _domain(step: Step, table: Name, definition: ColumnDefinition) -> _Plan | None:
    domain = step.catalog.domain(definition.type)
    if domain is None:
        return None
    column = quote_identifier(definition.name)
    if any("'" in check.expression.sql for check in domain.checks.values() if check.expression):
        return None  # VALUE may stand in a string
    if domain.collation is not None:
        return None
    plain = replace(definition, type=domain.type)
    default = definition.default or domain.default
    constraints = tuple(
        replace(
            check,
            columns=(definition.name,),
            expression=check.expression._replace(sql=_VALUE.sub(column, check.expression.sql)),
            name=names.joined(table.name, definition.name, name),
        )
        for name, check in domain.checks.items()
        if check.expression is not None
    )
    phases = (filling.fill(step, table, definition.name, "DEFAULT", f"{column} IS NULL"),)
    return _Plan(
        (_bare(plain), *([_set_default(definition, default.sql)] if default else [])),
        phases=phases if default else (),
        last=_validated(step, table, constraints),
        not_null=(domain.not_null or definition.not_null) and default is not None,
        reason=f"the column gets the type below the domain, {domain.type}, and its checks",
    )


def _required(step: Step, table: Name, definition: ColumnDefinition) -> _Plan:
    column = f"{table.name}.{definition.name}"
    proof = set_not_null.phases(step, table, definition.name)
    first = replace(
        proof[0],
        deploy_before=f"the release that writes {column} in every INSERT",
        note=f"Then give {column} a value in the old rows, in batches: only people know which.",
    )
    return _Plan(
        (_bare(definition),),
        last=(first, *proof[1:]),
        reason=f"only people know which value {column} has in the rows that are there; "
        "or give it a DEFAULT",
    )


def _remedy(step: Step, operation: AddColumn, plan: _Plan) -> Remedy:
    table, definition = operation.table, operation.definition
    inline = tuple(
        replace(c, columns=c.columns or (definition.name,))
        for c in definition.constraints
        if c.kind in ("check", "foreign_key")
    )
    named = [replace(c, name=c.name or not_valid.default_name(step, table, c)) for c in inline]
    actions = [*plan.actions]
    actions += [recipes.constraint(c, c.name or "", not_valid=True) for c in named]
    drop = f"DROP COLUMN {quote_identifier(definition.name)}"
    dropped = recipes.alter(table, drop)
    first = Phase(
        f"add_{table.name}_{definition.name}",
        (*plan.before, _statement(step, operation, actions), *plan.behind),
        (*plan.down, dropped),
    )
    phases = (first, *plan.phases)
    if plan.not_null:
        phases += set_not_null.phases(step, table, definition.name)
    phases += tuple(
        Phase(f"validate_{c.name}", (recipes.validate(table, c.name or ""),)) for c in named
    )
    return Remedy(
        phases=(*phases, *plan.last),
        safe=not plan.reason,
        reason=plan.reason,
        rollback=(*plan.down, dropped),
    )


def _statement(step: Step, operation: AddColumn, actions: list[str]) -> str:
    """The statement with other actions in the place of its ADD COLUMN."""
    if step.alone_in_statement:
        return recipes.alter(operation.table, *actions)
    data, statement = step.statement.text.data, step.statement
    before = data[statement.start : operation.start].decode()
    after = data[operation.end : statement.end].decode()
    return f"{before}{', '.join(actions)}{after}"


def _validated(step: Step, table: Name, constraints: tuple[Constraint, ...]) -> tuple[Phase, ...]:
    phases = []
    for constraint in constraints:
        name = constraint.name or not_valid.default_name(step, table, constraint)
        add = recipes.alter(table, recipes.constraint(constraint, name, not_valid=True))
        phases += [
            Phase(f"add_{name}", (add,), (recipes.drop_constraint(table, name),)),
            Phase(f"validate_{name}", (recipes.validate(table, name),)),
        ]
    return tuple(phases)


def _keep_default(step: Step, operation: DropDefault) -> Remedy | None:
    """The same statement, after the deploy."""
    if not step.alone_in_statement:
        return None
    column = step.catalog.column(operation.table, operation.column)
    default = column.definition.default if column is not None else None
    quoted = quote_identifier(operation.column)
    back = (
        (recipes.alter(operation.table, f"ALTER COLUMN {quoted} SET DEFAULT {default.sql}"),)
        if default is not None
        else ()
    )
    phase = Phase(
        f"drop_default_of_{operation.table.name}_{operation.column}",
        (step.statement.sql,),
        back,
        deploy_before=f"the release that writes {operation.table.name}.{operation.column} in "
        "every INSERT",
    )
    return Remedy(
        phases=(phase,),
        reason="the default may go when no code is running that does not name the column",
        rollback=back,
    )
