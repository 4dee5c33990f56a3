"""Constraints of domains that hold for new values at once, and for old ones later."""

from typing import Final

from senior_backend.catalog.replay import names
from senior_backend.migrations.fixes.remedy import Phase, Remedy
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step
from senior_backend.operations import recipes
from senior_backend.operations.objects import AlterDomain
from senior_backend.sql.identifiers import quote_identifier

RULES: Final = ("domain-constraint",)

_VALIDATION: Final = (
    "to validate a domain's constraint PostgreSQL reads every table that uses it under SHARE: do "
    "that when writes may wait, or leave the old values alone"
)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """The constraint NOT VALID; its validation blocks writes and is for people to time."""
    operation = step.operation
    if not isinstance(operation, AlterDomain):
        return None
    domain = operation.domain
    if operation.action == "validate constraint":
        return Remedy(reason=_VALIDATION)
    if operation.action == "set not null":
        name = names.joined(domain.name, None, "not_null")
        check = "CHECK (VALUE IS NOT NULL) NOT VALID"
        up = f"ALTER DOMAIN {recipes.name(domain)} ADD CONSTRAINT {quote_identifier(name)} {check}"
    else:
        added = operation.constraint
        if added is None or added.kind != "check" or added.expression is None:
            return None
        name = added.name or names.joined(domain.name, None, "check")
        up = (
            f"ALTER DOMAIN {recipes.name(domain)} ADD CONSTRAINT {quote_identifier(name)} "
            f"CHECK ({added.expression.sql}) NOT VALID"
        )
    validate = f"ALTER DOMAIN {recipes.name(domain)} VALIDATE CONSTRAINT {quote_identifier(name)}"
    down = f"ALTER DOMAIN {recipes.name(domain)} DROP CONSTRAINT {quote_identifier(name)}"
    phases = (
        Phase(f"add_{name}", (up,), (down,)),
        Phase(f"validate_{name}", (validate,), note="Writes wait while this reads the tables."),
    )
    return Remedy(phases=phases, reason=_VALIDATION, rollback=(down,))
