"""autovacuum_enabled = false."""

from collections.abc import Iterator

from senior_backend.migrations.rules.rule import Example, Hazard, Rule
from senior_backend.migrations.step import Step
from senior_backend.operations.tables import SetTableOptions

_SETUP = "CREATE TABLE events (id bigint PRIMARY KEY, body text);"

RULE = Rule(
    id="autovacuum-disabled",
    title="A table without autovacuum bloats, and its plans go by stale statistics",
    class_="hygiene",
    severity="warning",
    why="""
With `autovacuum_enabled = false` nothing removes the dead rows of the table and nothing analyzes
it: it grows, index-only scans go back to the table, and plans are made for the rows of long ago.
Only the vacuum against transaction id wraparound still comes, at the worst moment and with much
more to do.

Switch it off for a bulk load at most, and on again in the same migration, followed by `ANALYZE`.
For a table that is vacuumed too often or too slowly, set its thresholds and cost limits instead.
""",
    source="CREATE TABLE, Storage Parameters; 25.1 Routine Vacuuming",
    bad=Example(
        sql="ALTER TABLE events SET (autovacuum_enabled = false);",
        setup=_SETUP,
        proof=("events SHARE UPDATE EXCLUSIVE",),
    ),
    good=(
        Example(
            sql="ALTER TABLE events SET (autovacuum_vacuum_scale_factor = 0.02);",
            setup=_SETUP,
        ),
    ),
    operations=(SetTableOptions,),
    silent=(
        Example(
            "ALTER TABLE events SET (autovacuum_enabled = false); "
            "ALTER TABLE events RESET (autovacuum_enabled);",
            setup=_SETUP,
        ),
        Example("ALTER TABLE events SET (autovacuum_enabled = on);", setup=_SETUP),
    ),
)

_OFF = frozenset({"false", "off", "no", "0", "f", "n"})


def check(step: Step) -> Iterator[Hazard]:
    """Autovacuum is switched off and stays so."""
    change = step.the(SetTableOptions)
    values = dict(change.values)
    if values.get("autovacuum_enabled", "").lower() not in _OFF or step.is_new(change.table):
        return
    if any(
        isinstance(o, SetTableOptions)
        and o.table == change.table
        and "autovacuum_enabled" in o.names
        for o in step.later
    ):
        return
    yield Hazard(
        f"Dead rows of {change.table} are no longer removed and its statistics no longer renewed: "
        "it grows, and queries of it slow down from now on."
    )
