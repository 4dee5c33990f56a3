"""Where the cases of fixes run: one database, made anew for each."""

from dataclasses import dataclass, field

import psycopg

from senior_backend.migrations.rollback.comparing.compare import differences
from senior_backend.migrations.rollback.comparing.snapshot import Snapshot, take_in
from senior_backend.migrations.trace.observing.tracer import Settings, Tracer
from senior_backend.postgres.session import Session
from senior_backend.sources.migration import Migration

QUIET = Settings(probe=False, own_server=True)


@dataclass
class Bench:
    """One database, in which the setups of cases are made anew: cheaper than a copy for each."""

    url: str
    session: Session
    snapshots: dict[str, Snapshot] = field(default_factory=dict)

    def begin(self, migration: Migration) -> Snapshot:
        """Nothing there but what ``migration`` makes; its catalogs."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(_EMPTY)
        with Tracer(self.url, QUIET) as tracer:
            assert tracer.apply(migration) is None
        text = "\n".join(segment.text.data.decode() for segment in migration.up)
        if text not in self.snapshots:
            self.snapshots[text] = take_in(self.session)
        return self.snapshots[text]


_EMPTY = r"""
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT nspname FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
    END LOOP;
    CREATE SCHEMA public;
END $$
"""


def unsaid(before: Snapshot, after: Snapshot, said: tuple[str, ...]) -> list[str]:
    """The differences that are not said, and what is said and is none.

    The order of columns and the slots of dropped ones are physical: plans say so.
    """
    texts = [str(one) for one in differences(before, after) if not one.physical]
    left = [text for text in texts if not any(part in text for part in said)]
    stale = [part for part in said if not any(part in text for text in texts)]
    return [*left, *(f"no longer: {part}" for part in stale)]
