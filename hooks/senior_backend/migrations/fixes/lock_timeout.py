"""A lock_timeout before the first statement that waits for a strong lock."""

from typing import Final

from senior_backend.migrations.fixes.remedy import Edit, Remedy
from senior_backend.migrations.rules import concurrently_in_transaction
from senior_backend.migrations.rules.rule import Hazard
from senior_backend.migrations.step import Step

RULES: Final = ("missing-lock-timeout",)


def remedy(step: Step, hazard: Hazard) -> Remedy | None:
    """SET LOCAL in a transaction and in a message, SET outside of them."""
    start = step.statement.start
    if "lock_timeout" in step.session.variables:
        return Remedy(reason="lock_timeout is set already: change it there")
    segments = (step.migration.up if step.direction == "up" else step.migration.down) or ()
    message = any(s.transaction == "implicit" for s in segments if s.text is step.statement.text)
    if message and step.transaction is None and concurrently_in_transaction.refusing(step):
        return Remedy(
            reason="with a second statement in its message it would run in a transaction, which it "
            "refuses: set lock_timeout for the role that runs migrations"
        )
    # A second statement makes a transaction of a message of one.
    local = "LOCAL " if message or step.transaction is not None else ""
    return Remedy((Edit(start, start, f"SET {local}lock_timeout = '5s';\n"),), safe=True)
