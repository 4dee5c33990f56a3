"""A migration without a down among others that have one."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, MigrationView, Rule
from senior_backend.operations.data import Select
from senior_backend.operations.session import SetVariable, TransactionControl
from senior_backend.sources.migration import Segment

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
        down="",
    ),
    good=(Example(sql="CREATE TABLE notes (id bigint PRIMARY KEY);", down="DROP TABLE notes;"),),
    silent=(Example("DROP TABLE IF EXISTS notes;", down="-- Nothing to do: the rows are gone."),),
    downs=False,
)


def check_migration(view: MigrationView) -> Iterator[Hazard]:
    """The migration as a whole, shown at its first statement that changes something."""
    migration = view.migration
    if migration.repeatable or not view.downs_known or not _is_missing(migration.down):
        return
    what = "none" if migration.down is None else "an empty one"
    for step in view.steps:
        if not isinstance(step.operation, SetVariable | TransactionControl | Select):
            yield Hazard(
                f"Other migrations here have a down, this one has {what}: a rollback past it stops "
                "or leaves its changes in the database.",
                at=step,
            )
            return


def _is_missing(down: tuple[Segment, ...] | None) -> bool:
    return down is None or not any(segment.text.data.strip() for segment in down)
