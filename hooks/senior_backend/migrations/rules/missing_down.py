"""A migration without a down among others that have one."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, MigrationView, Rule
from senior_backend.operations.data import Select
from senior_backend.operations.session import SetVariable, TransactionControl

RULE = Rule(
    id="missing-down",
    title="The migration has no down, while others of the folder have",
    class_="hygiene",
    severity="info",
    why="""
Where migrations have downs, people rely on them: a rollback goes back one version after the other
and stops, or skips silently, at one that has none. It is also the cheapest moment to write it, as
long as one knows what the up does.

Write the down, and if it cannot give back what was dropped, let it say so: with a comment, or by
raising an error.
""",
    source="the migration tool's documentation; ALTER TABLE and DROP have no undo",
    bad=Example(
        sql="CREATE TABLE notes (id bigint PRIMARY KEY);",
        setup="CREATE TABLE invoices (id bigint PRIMARY KEY);",
    ),
    good=(),
    downs=False,
)


def check_migration(view: MigrationView) -> Iterator[Hazard]:
    """The migration as a whole, shown at its first statement that changes something."""
    migration = view.migration
    if migration.down is not None or not view.downs_known or migration.repeatable:
        return
    for step in view.steps:
        if not isinstance(step.operation, SetVariable | TransactionControl | Select):
            yield Hazard(
                "Other migrations here have a down, this one has none: a rollback past it stops or "
                "leaves its changes in the database.",
                at=step,
            )
            return
