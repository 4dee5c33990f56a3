"""DELETE FROM table without WHERE."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.data import ChangeRows

_SETUP = "CREATE TABLE sessions (id bigint PRIMARY KEY, seen date NOT NULL);"

RULE = Rule(
    id="delete-without-where",
    title="DELETE without WHERE deletes every row of the table",
    class_="gate",
    severity="error",
    why="""
All rows go, those that the running release has just written among them, and with them what foreign
keys with `ON DELETE CASCADE` reference; only a backup brings them back. Until the transaction ends,
writers of any of the rows wait, and the table keeps its size until it is vacuumed.

Say which rows with `WHERE`, and delete in batches that commit on their own. If the table shall
really be empty, say so in an ignore comment with the reason.
""",
    source="DELETE",
    bad=Example(sql="DELETE FROM sessions;", setup=_SETUP, proof=("sessions scan",)),
    good=(
        Example(
            sql="""
DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions WHERE seen < DATE '2026-01-01' ORDER BY id LIMIT 5000
);
""",
            setup=_SETUP,
            transaction="statement",
        ),
    ),
    operations=(ChangeRows,),
    silent=(
        Example("CREATE TABLE scratch (id int); DELETE FROM scratch;"),
        Example("DELETE FROM sessions WHERE id = 7;", setup=_SETUP),
    ),
)


def check(step: Step) -> Iterator[Hazard]:
    """Every row of a table in use is deleted."""
    change = step.the(ChangeRows)
    if change.action != "delete" or change.has_where or step.is_new(change.table):
        return
    since = step.blocked_since()
    locked = ""
    if since is not None:
        held = next(e for e in since.existing if e.lock is not None and e.lock.blocks_writes)
        locked = (
            f", while the transaction holds {held.lock} on {held.relation} since line "
            f"{since.statement.position.line}"
        )
    yield Hazard(f"Deletes every row of {change.table}{locked}: only a backup brings them back.")
