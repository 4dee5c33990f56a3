"""Constraints added NOT VALID in an instant, and validated while writes go on."""

from typing import Final

from senior_backend.catalog.replay import names
from senior_backend.migrations.fixes.remedy import Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.constraints import AddConstraint, Constraint, ValidateConstraint
from senior_backend.operations.names import Name
from senior_backend.sql import keywords
from senior_backend.sql.identifiers import quote_identifier

RULES: Final = (
    "fk-without-not-valid",
    "check-without-not-valid",
    "validate-in-same-transaction",
)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """Two migrations: ADD ... NOT VALID, then VALIDATE, which must not share its transaction."""
    operation = step.operation
    if isinstance(operation, ValidateConstraint):
        return _validate(step, operation)
    if isinstance(operation, AddConstraint):
        return _add(step, operation)
    return None


def _add(step: Step, operation: AddConstraint) -> Remedy | None:
    table, constraint = operation.table, operation.constraint
    known = step.catalog.table(table)
    partitioned = known is not None and known.partition_by is not None
    if partitioned and constraint.kind == "foreign_key" and step.assumptions.major < 18:
        return None  # NOT VALID is refused on a partitioned table before 18
    name = constraint.name or default_name(step, table, constraint)
    data, statement = step.statement.text.data, step.statement
    action = data[operation.start : operation.end]
    if action.strip() == data[statement.start : statement.end].strip():
        head, tail = data[statement.start : statement.end], b""
        before = b""
    else:
        before = data[statement.start : operation.start]
        head, tail = action, data[operation.end : statement.end]
    text = (before + head + b" NOT VALID" + tail).decode()
    if constraint.name is None:
        text = _named(text, len(before), name)
        if not text:
            return None
    validate = recipes.validate(table, name)
    down = recipes.drop_constraint(table, name)
    phases = (
        Phase(f"add_{name}", (text,), (down,)),
        Phase(f"validate_{name}", (validate,)),
    )
    return Remedy(phases=phases, safe=True, rollback=(down,))


def _named(text: str, start: int, name: str) -> str:
    """The statement with the constraint named, so that it can be validated by name."""
    data = text.encode()
    for words in (("add", "foreign", "key"), ("add", "check")):
        found = keywords.find(data, words, start)
        if found is not None:
            at = next(
                span[0]
                for word, span in keywords.top_level(data)
                if word == words[1] and found[0] < span[0] < found[1]
            )
            constraint = f"CONSTRAINT {quote_identifier(name)} "
            return f"{data[:at].decode()}{constraint}{data[at:].decode()}"
    return ""


def _validate(step: Step, operation: ValidateConstraint) -> Remedy | None:
    if not step.alone_in_statement:
        return None
    phase = Phase(f"validate_{operation.name}", (step.statement.sql,))
    return Remedy(phases=(phase,), safe=True, apart=True)


def default_name(step: Step, table: Name, constraint: Constraint) -> str:
    """The name that PostgreSQL gives a check or foreign key."""
    key = step.catalog.key(table)
    if constraint.kind == "foreign_key":
        return names.constraint(step.catalog, key, "_".join(constraint.columns), "fkey")
    only = constraint.columns[0] if len(set(constraint.columns)) == 1 else None
    return names.constraint(step.catalog, key, only, "check")
